//! What Gradle's lock files come to.

use crate::drawn::read;

const LOCK: &str = "# This is a Gradle generated file for dependency locking.
# Manual edits can break the build and are not advised.
com.example:annotations:1.0=compileClasspath,testCompileClasspath
com.example:core:2.1-rc.1=compileClasspath,runtimeClasspath,testRuntimeClasspath
com.example:junit:4.13=testCompileClasspath,testRuntimeClasspath
com.example:processor:3=annotationProcessor
com.example:odd:3=mySpecial
com.example:android:1=debugUnitTestRuntimeClasspath,releaseRuntimeClasspath
empty=archives,signatures
";

const DIGESTS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<verification-metadata xmlns="https://schema.example.org/dependency-verification">
   <components>
      <component group="com.example" name="core" version="2.1-rc.1">
         <artifact name="core-2.1-rc.1.jar">
            <md5 value="0123456789abcdef0123456789abcdef"/>
            <sha256 value="C4317FB95CE2716B88F1F4A5334795EFDA084097A3F2447FFCCB10A412C85BE4"/>
         </artifact>
         <artifact name="core-2.1-rc.1.pom">
            <sha256 value="7e8cd74c2fa8166d82663f75a65c8375d4fdec6f1ba880b526dae4192a29a2c9"/>
         </artifact>
      </component>
      <component group="com.example" name="junit" version="4.13">
         <artifact name="junit-4.13-linux.jar"><sha1 value="7e8cd74c2fa8166d82663f75a65c8375d4fdec6f"/></artifact>
         <artifact name='junit-4.13-osx.jar'><sha1 value="8e8cd74c2fa8166d82663f75a65c8375d4fdec6f"/></artifact>
      </component>
      <component group="com.example" name="processor" version="3">
         <artifact name="processor-3.pom"><sha1 value="9e8cd74c2fa8166d82663f75a65c8375d4fdec6f"/></artifact>
         <artifact name="processor-3.jar"><pgp value="8756c4f765c9ac3cb6b85d62379ce192d401ab61"/></artifact>
      </component>
      <component name="odd" version="3"/>
   </components>
</verification-metadata>
"#;

#[test]
fn a_package_is_for_what_its_configurations_are_for_and_has_its_digests() {
    let files = [("app/gradle.lockfile", LOCK), ("gradle/verification-metadata.xml", DIGESTS)];
    insta::assert_snapshot!(read(files), @r"
    pkg:maven/com.example/android@1 registry runtime app/gradle.lockfile:8
    pkg:maven/com.example/annotations@1.0 registry build app/gradle.lockfile:3
    pkg:maven/com.example/core@2.1-rc.1 registry runtime hashes 1 app/gradle.lockfile:4
    pkg:maven/com.example/junit@4.13 registry dev archives 2 app/gradle.lockfile:5
    pkg:maven/com.example/odd@3 registry unknown app/gradle.lockfile:7
    pkg:maven/com.example/processor@3 registry build hashes 1 app/gradle.lockfile:6
    ");
}

#[test]
fn what_is_compiled_against_is_shipped_when_nothing_says_what_runs() {
    let lock = "com.example:a:1=compileClasspath\n";
    insta::assert_snapshot!(read([("gradle.lockfile", lock)]), @"pkg:maven/com.example/a@1 registry runtime gradle.lockfile:1");
}

#[test]
fn a_configuration_is_known_by_its_name() {
    let lock = "com.example:a:1=jvmRuntimeClasspath\ncom.example:b:1=kotlinBuildToolsApiClasspath,ktlint\ncom.example:c:1=implementationDependenciesMetadata\ncom.example:d:1=testImplementationDependenciesMetadata\ncom.example:e:1=compileOnly\ncom.example:f:1=developmentOnly,productionRuntimeClasspath\ncom.example:g:1=kspJvm\n";
    insta::assert_snapshot!(read([("gradle.lockfile", lock)]), @r"
    pkg:maven/com.example/a@1 registry runtime gradle.lockfile:1
    pkg:maven/com.example/b@1 registry build gradle.lockfile:2
    pkg:maven/com.example/c@1 registry build gradle.lockfile:3
    pkg:maven/com.example/d@1 registry dev gradle.lockfile:4
    pkg:maven/com.example/e@1 registry build gradle.lockfile:5
    pkg:maven/com.example/f@1 registry runtime gradle.lockfile:6
    pkg:maven/com.example/g@1 registry build gradle.lockfile:7
    ");
}

#[test]
fn the_older_files_are_for_one_configuration_each() {
    let files = [
        ("gradle/dependency-locks/compileClasspath.lockfile", "com.example:a:1\ncom.example:b:1\n"),
        ("gradle/dependency-locks/runtimeClasspath.lockfile", "# x\ncom.example:a:1\n"),
        ("buildscript-gradle.lockfile", "com.example:plugin:1=classpath\nempty=\n"),
    ];
    insta::assert_snapshot!(read(files), @r"
    buildscript-gradle.lockfile:
    pkg:maven/com.example/plugin@1 registry build buildscript-gradle.lockfile:1
    gradle/dependency-locks/compileClasspath.lockfile:
    pkg:maven/com.example/a@1 registry build gradle/dependency-locks/compileClasspath.lockfile:1
    pkg:maven/com.example/b@1 registry build gradle/dependency-locks/compileClasspath.lockfile:2
    gradle/dependency-locks/runtimeClasspath.lockfile:
    pkg:maven/com.example/a@1 registry runtime gradle/dependency-locks/runtimeClasspath.lockfile:2
    ");
}

#[test]
fn a_broken_line_is_told_and_the_rest_is_read() {
    let lock = "<<<<<<< ours\ncom.example:a:1=runtimeClasspath\n=======\ncom.example:a:2=runtimeClasspath\n>>>>>>> theirs\n////\nempty=======\n  a\ncom.example:a:1=runtimeClasspath\ncom.example::1=x\ncom.example:b:1=\n";
    insta::assert_snapshot!(read([("gradle.lockfile", lock)]), @r"
    pkg:maven/com.example/a@1 registry runtime gradle.lockfile:2
    pkg:maven/com.example/a@2 registry runtime gradle.lockfile:4
    pkg:maven/com.example/b@1 registry unknown gradle.lockfile:11
    warning: gradle.lockfile:1: no `group:name:version`
    warning: gradle.lockfile:3: no `group:name:version`
    warning: gradle.lockfile:5: no `group:name:version`
    warning: gradle.lockfile:6: no `group:name:version`
    warning: gradle.lockfile:7: no `group:name:version`
    warning: gradle.lockfile:8: no `group:name:version`
    warning: gradle.lockfile:9: `com.example:a` is listed twice in one version
    warning: gradle.lockfile:10: no `group:name:version`
    warning: gradle.lockfile:11: `com.example:b` is in no configuration
    ");
}

#[test]
fn digests_that_cannot_be_read_are_told() {
    let files = [
        ("gradle.lockfile", "com.example:a:1=runtimeClasspath\n"),
        ("gradle/verification-metadata.xml", "<verification-metadata><components>"),
    ];
    insta::assert_snapshot!(read(files), @r"
    pkg:maven/com.example/a@1 registry runtime gradle.lockfile:1
    warning: gradle/verification-metadata.xml:1: the file ends in `components`, which begins here; digests may be missing
    ");
}
