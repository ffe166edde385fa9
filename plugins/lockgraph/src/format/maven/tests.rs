//! What a pom.xml and the projects around it come to.

use crate::drawn::read;

const ROOT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.example.org/POM/4.0.0">
  <groupId>org.acme</groupId>
  <artifactId>acme-parent</artifactId>
  <version>${revision}</version>
  <packaging>pom</packaging>
  <licenses><license><name>Apache-2.0</name></license></licenses>
  <properties>
    <revision>1.4.0</revision>
    <guava.version>33.0</guava.version>
    <loop>${loop}</loop>
  </properties>
  <modules><module>core</module><module>web/pom.xml</module><module>bom</module></modules>
  <dependencyManagement>
    <dependencies>
      <dependency><groupId>org.acme</groupId><artifactId>acme-core</artifactId><version>${project.version}</version></dependency>
      <dependency><groupId>com.google.guava</groupId><artifactId>guava</artifactId><version>${guava.version}</version></dependency>
      <dependency><groupId>org.junit</groupId><artifactId>junit</artifactId><version>5.1</version><scope>test</scope></dependency>
      <dependency><groupId>org.acme</groupId><artifactId>acme-bom</artifactId><version>${project.version}</version><type>pom</type><scope>import</scope></dependency>
      <dependency><groupId>org.unused</groupId><artifactId>unused</artifactId><version>1</version></dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0.9</version></dependency>
  </dependencies>
  <build><plugins><plugin><groupId>org.plugin</groupId><artifactId>p</artifactId>
    <dependencies><dependency><groupId>org.never</groupId><artifactId>never</artifactId><version>1</version></dependency></dependencies>
  </plugin></plugins></build>
</project>
"#;

const CORE: &str = r#"<project>
  <parent><groupId>org.acme</groupId><artifactId>acme-parent</artifactId><version>${revision}</version></parent>
  <artifactId>acme-core</artifactId>
</project>
"#;

const WEB: &str = r#"<project>
  <parent><groupId>org.acme</groupId><artifactId>acme-parent</artifactId><version>${revision}</version></parent>
  <artifactId>acme-web</artifactId>
  <packaging>war</packaging>
  <properties><guava.version>34.0</guava.version></properties>
  <dependencies>
    <dependency><groupId>${project.groupId}</groupId><artifactId>acme-core</artifactId></dependency>
    <dependency><groupId>com.google.guava</groupId><artifactId>guava</artifactId></dependency>
    <dependency><groupId>org.junit</groupId><artifactId>junit</artifactId></dependency>
    <dependency><groupId>org.bom</groupId><artifactId>from-bom</artifactId></dependency>
    <dependency><groupId>javax</groupId><artifactId>servlet</artifactId><version>4</version><scope>provided</scope></dependency>
    <dependency><groupId>org.opt</groupId><artifactId>opt</artifactId><version>[1.0]</version><optional>true</optional></dependency>
    <dependency><groupId>org.range</groupId><artifactId>range</artifactId><version>[1.0,2.0)</version></dependency>
    <dependency><groupId>org.native</groupId><artifactId>native</artifactId><version>1</version><classifier>linux</classifier><type>so</type></dependency>
    <dependency><groupId>org.local</groupId><artifactId>local</artifactId><version>1</version><scope>system</scope><systemPath>${basedir}/lib/l.jar</systemPath></dependency>
    <dependency><groupId>org.none</groupId><artifactId>none</artifactId></dependency>
    <dependency><groupId>org.none</groupId><artifactId>loop</artifactId><version>${loop}</version></dependency>
    <dependency><groupId>${unknown}</groupId><artifactId>x</artifactId><version>1</version></dependency>
    <dependency><artifactId>no-group</artifactId></dependency>
    <dependency><groupId>org.acme</groupId><artifactId>acme-core</artifactId><version>0.9</version><classifier>old</classifier></dependency>
  </dependencies>
  <profiles>
    <profile><id>a</id><activation><activeByDefault>true</activeByDefault></activation>
      <dependencies><dependency><groupId>org.profile</groupId><artifactId>on</artifactId><version>1</version></dependency></dependencies></profile>
    <profile><id>b</id>
      <dependencies><dependency><groupId>org.profile</groupId><artifactId>off</artifactId><version>1</version></dependency></dependencies></profile>
  </profiles>
</project>
"#;

const BOM: &str = r#"<project>
  <groupId>org.acme</groupId><artifactId>acme-bom</artifactId><version>1.4.0</version><packaging>pom</packaging>
  <properties><from.bom>7</from.bom></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.bom</groupId><artifactId>from-bom</artifactId><version>${from.bom}</version></dependency>
    <dependency><groupId>com.google.guava</groupId><artifactId>guava</artifactId><version>1</version></dependency>
  </dependencies></dependencyManagement>
</project>
"#;

#[test]
fn a_module_has_what_its_parents_set_and_its_siblings_are_members() {
    let files =
        [("pom.xml", ROOT), ("core/pom.xml", CORE), ("web/pom.xml", WEB), ("bom/pom.xml", BOM)];
    insta::assert_snapshot!(read(files), @r"
    bom/pom.xml:
    root pkg:maven/org.acme/acme-bom@1.4.0?type=pom member runtime at `bom` bom/pom.xml:1
    core/pom.xml:
    root pkg:maven/org.acme/acme-core@1.4.0 member runtime at `core` licence `Apache-2.0` core/pom.xml:1
        runtime org.slf4j:slf4j-api@2.0.9
    pkg:maven/org.slf4j/slf4j-api@2.0.9 registry runtime pom.xml:24
    pom.xml:
    root pkg:maven/org.acme/acme-parent@1.4.0?type=pom member runtime at `` licence `Apache-2.0` pom.xml:2
        runtime org.slf4j:slf4j-api@2.0.9
    pkg:maven/org.slf4j/slf4j-api@2.0.9 registry runtime pom.xml:24
    web/pom.xml:
    pkg:maven/com.google.guava/guava@34.0 registry runtime web/pom.xml:8
    pkg:maven/javax/servlet@4 registry build web/pom.xml:11
    pkg:maven/org.acme/acme-core@0.9?classifier=old registry runtime web/pom.xml:20
    pkg:maven/org.acme/acme-core@1.4.0 member runtime at `core` licence `Apache-2.0` core/pom.xml:1 web/pom.xml:7
    root pkg:maven/org.acme/acme-web@1.4.0?type=war member runtime at `web` licence `Apache-2.0` web/pom.xml:1
        runtime com.google.guava:guava@34.0
        build javax:servlet@4
        runtime org.acme:acme-core@0.9
        runtime org.acme:acme-core@1.4.0
        runtime org.bom:from-bom@7
        dev org.junit:junit@5.1
        build org.local:local@1
        runtime org.native:native@1
        runtime org.none:loop
        runtime org.none:none
        optional org.opt:opt@1.0
        optional org.profile:off@1
        runtime org.profile:on@1
        runtime org.range:range
        runtime org.slf4j:slf4j-api@2.0.9
    pkg:maven/org.bom/from-bom@7 registry runtime web/pom.xml:10
    pkg:maven/org.junit/junit@5.1 registry dev web/pom.xml:9
    pkg:maven/org.local/local@1 archive build from `${basedir}/lib/l.jar` web/pom.xml:15
    pkg:maven/org.native/native@1?classifier=linux&type=so registry runtime web/pom.xml:14
    pkg:maven/org.none/loop registry runtime web/pom.xml:17
    pkg:maven/org.none/none registry runtime web/pom.xml:16
    pkg:maven/org.opt/opt@1.0 registry optional web/pom.xml:12
    pkg:maven/org.profile/off@1 registry optional web/pom.xml:26
    pkg:maven/org.profile/on@1 registry runtime web/pom.xml:24
    pkg:maven/org.range/range registry runtime range `[1.0,2.0)` web/pom.xml:13
    pkg:maven/org.slf4j/slf4j-api@2.0.9 registry runtime pom.xml:24
    warning: web/pom.xml:19: a dependency without a usable groupId
    warning: web/pom.xml:18: what `${unknown}:x` stands for is not known here
    warning: web/pom.xml:17: which version `org.none:loop` and 1 more has is said nowhere in this repository
    ");
}

#[test]
fn what_a_parent_from_elsewhere_sets_is_unknown() {
    let pom = r#"<project>
  <parent><groupId>org.boot</groupId><artifactId>starter-parent</artifactId><version>3.1.0</version></parent>
  <artifactId>app</artifactId>
  <dependencies>
    <dependency><groupId>org.boot</groupId><artifactId>web</artifactId></dependency>
    <dependency><groupId>org.boot</groupId><artifactId>jpa</artifactId></dependency>
    <dependency><groupId>org.other</groupId><artifactId>own</artifactId><version>1.0</version></dependency>
  </dependencies>
</project>
"#;
    // What lies there is another project than the one that is meant.
    let other = "<project><groupId>org.acme</groupId><artifactId>other</artifactId><version>1</version></project>";
    insta::assert_snapshot!(read([("app/pom.xml", pom), ("pom.xml", other)]), @r"
    app/pom.xml:
    root pkg:maven/org.boot/app@3.1.0 member runtime at `app` app/pom.xml:1
        runtime org.boot:jpa
        runtime org.boot:web
        runtime org.other:own@1.0
    pkg:maven/org.boot/jpa registry runtime app/pom.xml:6
    pkg:maven/org.boot/web registry runtime app/pom.xml:5
    pkg:maven/org.other/own@1.0 registry runtime app/pom.xml:7
    pom.xml:
    root pkg:maven/org.acme/other@1 member runtime at `` pom.xml:1
    warning: app/pom.xml:2: the parent `org.boot:starter-parent` is not in this repository; what it sets is unknown
    warning: app/pom.xml:6: which version `org.boot:jpa` and 1 more has is said nowhere in this repository
    ");
}

#[test]
fn a_sibling_is_found_wherever_its_directory_is_and_whatever_its_name() {
    let pom = |artifact: &str, more: &str| {
        format!(
            "<project><groupId>a.b</groupId><artifactId>{artifact}</artifactId><version>1</version>{more}</project>"
        )
    };
    let root = pom(
        "root",
        "<packaging>pom</packaging><modules><module>deep/y</module></modules><subprojects><subproject>x</subproject></subprojects>",
    );
    let y = pom(
        "why",
        "<dependencies><dependency><groupId>a.b</groupId><artifactId>ex</artifactId><version>1</version></dependency><dependency><groupId>a.b</groupId><artifactId>gone</artifactId><version>1</version></dependency></dependencies>",
    );
    let x = pom("ex", "");
    let files = [("pom.xml", &*root), ("x/pom.xml", &*x), ("deep/y/pom.xml", &*y)];
    insta::assert_snapshot!(read(files), @r"
    deep/y/pom.xml:
    pkg:maven/a.b/ex@1 member runtime at `x` deep/y/pom.xml:1 x/pom.xml:1
    pkg:maven/a.b/gone@1 registry runtime deep/y/pom.xml:1
    root pkg:maven/a.b/why@1 member runtime at `deep/y` deep/y/pom.xml:1
        runtime a.b:ex@1
        runtime a.b:gone@1
    pom.xml:
    root pkg:maven/a.b/root@1?type=pom member runtime at `` pom.xml:1
    x/pom.xml:
    root pkg:maven/a.b/ex@1 member runtime at `x` x/pom.xml:1
    ");
}

#[test]
fn parents_that_lead_in_a_circle_end() {
    let pom = |own: &str, parent: &str, path: &str| {
        format!(
            "<project><parent><groupId>g</groupId><artifactId>{parent}</artifactId><version>1</version><relativePath>{path}</relativePath></parent><artifactId>{own}</artifactId></project>"
        )
    };
    let (a, b) = (pom("a", "b", "../b"), pom("b", "a", "../a/pom.xml"));
    insta::assert_snapshot!(read([("a/pom.xml", &*a), ("b/pom.xml", &*b)]), @r"
    a/pom.xml:
    root pkg:maven/g/a@1 member runtime at `a` a/pom.xml:1
    b/pom.xml:
    root pkg:maven/g/b@1 member runtime at `b` b/pom.xml:1
    ");
}

#[test]
fn a_project_without_a_name_and_one_that_is_broken_keep_their_dependencies() {
    let dependency = |name: &str, version: &str| {
        format!(
            "<dependency><groupId>g</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        )
    };
    let nameless =
        format!("<project><dependencies>{}</dependencies></project>", dependency("a", "1"));
    let conflict = format!(
        "<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version><dependencies>\n{}\n<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n{}</dependencies></project>",
        dependency("a", "1"),
        dependency("b", "1"),
        dependency("b", "2"),
        dependency("c", "1"),
    );
    let cut = &conflict
        .replace("<<<<<<< ours\n", "")
        .replace("\n=======", "")
        .replace("\n>>>>>>> theirs", "")[..300];
    let files = [
        ("a/pom.xml", &*nameless),
        ("b/pom.xml", &*conflict),
        ("c/pom.xml", cut),
        ("d/pom.xml", "<html/>"),
    ];
    insta::assert_snapshot!(read(files), @r"
    a/pom.xml:
    pkg:maven/g/a@1 registry runtime a/pom.xml:1
    b/pom.xml:
    pkg:maven/g/a@1 registry runtime b/pom.xml:2
    pkg:maven/g/b@2 registry runtime b/pom.xml:6
    pkg:maven/g/c@1 registry runtime b/pom.xml:8
    root pkg:maven/g/p@1 member runtime at `b` b/pom.xml:1
        runtime g:a@1
        runtime g:b@2
        runtime g:c@1
    c/pom.xml:
    pkg:maven/g/a@1 registry runtime c/pom.xml:2
    pkg:maven/g/b@1 registry runtime c/pom.xml:3
    root pkg:maven/g/p@1 member runtime at `c` c/pom.xml:1
        runtime g:a@1
        runtime g:b@1
    warning: b/pom.xml:3: a merge conflict, of which both sides are read
    warning: b/pom.xml:6: `g:b` is asked for twice; Maven takes the last
    warning: c/pom.xml:4: no XML from here on: tag not closed: `>` not found before end of input
    warning: c/pom.xml:4: a dependency without a usable artifactId
    warning: d/pom.xml: not a lock file: its element is not `project`
    ");
}

#[test]
fn properties_that_grow_have_an_end() {
    let properties: String =
        (0..30).map(|n| format!("<p{n}>${{p{}}}${{p{}}}</p{n}>", n + 1, n + 1)).collect();
    let pom = format!(
        "<project><groupId>g</groupId><artifactId>p</artifactId><version>${{p0}}</version><properties>{properties}<p30></p30></properties></project>"
    );
    insta::assert_snapshot!(read([("pom.xml", &*pom)]), @"root pkg:maven/g/p member runtime at `` pom.xml:1");
}
