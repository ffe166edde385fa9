//! Small inputs that are whole, one of each format: fuzzing goes on from there.

use lockgraph::Format;

const LOCKS: [(Format, &str); 34] = [
    (
        Format::Cargo,
        "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"sparse+https://index.example.org/\"\nchecksum = \"00\"\ndependencies = [\n \"b 2.0.0 (git+https://example.org/b?tag=v2#01)\",\n \"b 3.0.0\",\n]\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\nsource = \"git+https://example.org/b?tag=v2#01\"\n[[package]]\nname = \"b\"\nversion = \"3.0.0\"\n",
    ),
    (
        Format::Npm,
        "{\"name\":\"r\",\"lockfileVersion\":3,\"packages\":{\"\":{\"dependencies\":{\"a\":\"^1\"}},\"node_modules/a\":{\"version\":\"1.0.0\",\"integrity\":\"sha512-QQ==\",\"dev\":true,\"dependencies\":{\"b\":\"*\"},\"license\":\"MIT\"},\"node_modules/a/node_modules/b\":{\"link\":true,\"resolved\":\"b\"},\"b\":{\"version\":\"2.0.0\"}}}",
    ),
    (
        Format::Npm,
        "{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"version\":\"npm:c@1.0.0\",\"requires\":{\"b\":\"1\"},\"dependencies\":{\"b\":{\"version\":\"git+ssh://git@example.org/b.git#01\"}}}}}",
    ),
    (
        Format::Yarn,
        "# yarn lockfile v1\n\n\"@s/a@^1.0.0\", \"@s/a@~1.1\":\n  version \"1.1.0\"\n  resolved \"https://example.org/a/-/a-1.1.0.tgz#01\"\n  integrity sha512-QQ==\n  dependencies:\n    b \"npm:c@^2\"\n\n\"b@npm:c@^2\":\n  version \"2.0.0\"\n",
    ),
    (
        Format::Yarn,
        "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  dependencies:\n    b: \"npm:^2.0.0\"\n  checksum: 10c0/00\n  languageName: node\n  linkType: hard\n\n\"b@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"b@workspace:.\"\n",
    ),
    (
        Format::Pnpm,
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(b@2.0.0)\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-QQ==}\n    peerDependencies:\n      b: '*'\n  'b@2.0.0':\n    resolution: {tarball: https://example.org/b.tgz}\nsnapshots:\n  a@1.0.0(b@2.0.0):\n    dependencies:\n      b: 2.0.0\n  b@2.0.0: {}\n",
    ),
    (
        Format::Bun,
        "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {\n    \"\": { \"name\": \"r\", \"dependencies\": { \"a\": \"^1\" }, },\n  },\n  \"packages\": {\n    \"a\": [\"a@1.0.0\", \"\", { \"dependencies\": { \"b\": \"*\" } }, \"sha512-QQ==\"],\n    \"a/b\": [\"b@github:s/b#01\", {}, \"01\"],\n  }\n}\n",
    ),
    (
        Format::Deno,
        "{\"version\":\"4\",\"specifiers\":{\"jsr:@s/a@1\":\"1.0.0\",\"npm:b@2\":\"2.0.0\"},\"jsr\":{\"@s/a@1.0.0\":{\"integrity\":\"00\",\"dependencies\":[\"npm:b@2\"]}},\"npm\":{\"b@2.0.0\":{\"integrity\":\"sha512-QQ==\",\"dependencies\":[]}},\"remote\":{\"https://example.org/x.ts\":\"00\"}}",
    ),
    (
        Format::Pdm,
        "[metadata]\nlock_version = \"4.5.0\"\n[[package]]\nname = \"a\"\nversion = \"1.0\"\ngroups = [\"default\"]\ndependencies = [\"b[x]>=1; python_version < '3.9'\"]\nfiles = [{file = \"a.whl\", hash = \"sha256:00\"}]\n[[package]]\nname = \"b\"\nversion = \"1\"\nextras = [\"x\"]\n",
    ),
    (
        Format::Pipenv,
        "{\"_meta\":{\"sources\":[]},\"default\":{\"a\":{\"version\":\"==1.0\",\"hashes\":[\"sha256:00\"],\"markers\":\"python_version > '3'\"}},\"develop\":{\"b\":{\"git\":\"https://example.org/b\",\"ref\":\"01\"}}}",
    ),
    (
        Format::Poetry,
        "[[package]]\nname = \"a\"\nversion = \"1.0\"\noptional = true\ncategory = \"dev\"\nfiles = [{file = \"a.whl\", hash = \"sha256:00\"}]\n[package.dependencies]\nb = {version = \">=1,<2\", markers = \"extra == 'x'\", optional = true}\n[package.extras]\nx = [\"b (>=1)\"]\n[[package]]\nname = \"b\"\nversion = \"1.5\"\n[package.source]\ntype = \"git\"\nurl = \"https://example.org/b\"\nresolved_reference = \"01\"\n[extras]\nx = [\"a\"]\n[metadata]\nlock-version = \"2.0\"\n",
    ),
    (
        Format::Pylock,
        "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1.0\"\ndependencies = [{name = \"b\"}]\nmarker = \"'x' in extras\"\n[[packages.wheels]]\nname = \"a.whl\"\nurl = \"https://example.org/a.whl\"\nhashes = {sha256 = \"00\"}\n[[packages]]\nname = \"b\"\n[packages.vcs]\ntype = \"git\"\nurl = \"https://example.org/b\"\ncommit-id = \"01\"\n",
    ),
    (
        Format::Requirements,
        "# c\n--index-url https://me:word@example.org/simple\n-r other.txt\n-e git+https://example.org/e@01#egg=e\na[x]==1.0 ; python_version < '3' \\\n    --hash=sha256:00\nb>=1,<2\nc @ https://example.org/c-1.0-py3-none-any.whl#sha256=00\n",
    ),
    (
        Format::Uv,
        "version = 1\n[manifest]\nmembers = [\"r\"]\n[[package]]\nname = \"r\"\nversion = \"0\"\nsource = { editable = \".\" }\ndependencies = [{ name = \"a\", marker = \"extra == 'x'\" }]\n[package.optional-dependencies]\nx = [{ name = \"a\", version = \"1\", source = { registry = \"https://example.org/simple\" }, extra = [\"y\"] }]\n[package.dev-dependencies]\ndev = [{ name = \"a\" }]\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://example.org/simple\" }\nsdist = { url = \"https://example.org/a.tar.gz\", hash = \"sha256:00\", size = 1 }\nwheels = [{ url = \"https://example.org/a.whl\", hash = \"sha256:00\" }]\n",
    ),
    (
        Format::Composer,
        "{\"packages\":[{\"name\":\"v/a\",\"version\":\"v1.0\",\"require\":{\"v/b\":\"^1\",\"php\":\">=8\"},\"dist\":{\"url\":\"https://example.org/a.zip\",\"shasum\":\"\"},\"license\":[\"MIT\",\"GPL-2.0\"]}],\"packages-dev\":[{\"name\":\"v/c\",\"version\":\"dev-main\",\"source\":{\"type\":\"git\",\"url\":\"https://example.org/c\",\"reference\":\"01\"},\"provide\":{\"v/b\":\"1\"}}]}",
    ),
    (
        Format::Conan,
        "{\"version\":\"0.5\",\"requires\":[\"a/1.0#01%1.5\",\"b/2.0@u/c\"],\"build_requires\":[\"c/3\"],\"python_requires\":[]}",
    ),
    (
        Format::Conan,
        "{\"graph_lock\":{\"nodes\":{\"0\":{\"path\":\"conanfile.py\",\"requires\":[\"1\"]},\"1\":{\"ref\":\"a/1.0#01\",\"requires\":[\"2\"],\"build_requires\":[\"2\"]},\"2\":{\"ref\":\"b/2.0\"}}},\"version\":\"0.4\"}",
    ),
    (
        Format::Gem,
        "GIT\n  remote: https://example.org/g.git\n  revision: 01\n  specs:\n    g (0.1)\nGEM\n  remote: https://example.org/\n  specs:\n    a (1.0-x86_64-linux)\n      b (>= 1, < 3)\n    b (2.0)\nPATH\n  remote: .\n  specs:\n    r (0)\nPLATFORMS\n  ruby\nDEPENDENCIES\n  a (~> 1)\n  g!\nCHECKSUMS\n  a (1.0) sha256=00\nBUNDLED WITH\n   2.5\n",
    ),
    (
        Format::Go,
        "module example.org/r\n\ngo 1.22\ntoolchain go1.22.1\nrequire example.org/a v1.0.0 // indirect\nrequire (\n\texample.org/b/v2 v2.0.0+incompatible\n\t\"example.org/c\" v0.0.0-20200101000000-000000000000\n)\nreplace example.org/a => ../a\nreplace example.org/c v0.0.0-20200101000000-000000000000 => example.org/d v1.0.0\nexclude (\n\texample.org/b/v2 v2.1.0\n)\ntool example.org/a/cmd\n",
    ),
    (
        Format::Mix,
        "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"00\", [:mix], [{:b, \"~> 1.0\", [hex: :b_hex, repo: \"hexpm\", optional: true]}], \"hexpm\", \"00\"},\n  \"b\": {:git, \"https://example.org/b.git\", \"01\", [branch: \"main\"]},\n}\n",
    ),
    (
        Format::Pubspec,
        "packages:\n  a:\n    dependency: \"direct main\"\n    description:\n      name: a\n      sha256: \"00\"\n      url: \"https://example.org\"\n    source: hosted\n    version: \"1.0.0\"\n  b:\n    dependency: transitive\n    description:\n      path: \".\"\n      ref: HEAD\n      resolved-ref: \"01\"\n      url: \"https://example.org/b.git\"\n    source: git\n    version: \"2.0.0\"\nsdks:\n  dart: \">=3.0.0\"\n",
    ),
    (
        Format::Swift,
        "{\"originHash\":\"00\",\"pins\":[{\"identity\":\"a\",\"kind\":\"remoteSourceControl\",\"location\":\"https://example.org/s/a.git\",\"state\":{\"revision\":\"01\",\"version\":\"1.0.0\"}},{\"identity\":\"s.b\",\"kind\":\"registry\",\"location\":\"\",\"state\":{\"version\":\"2\"}}],\"version\":3}",
    ),
    (
        Format::Maven,
        "<?xml version=\"1.0\"?>\n<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent><artifactId>r</artifactId><properties><v>1.${w}</v><w>0</w></properties><dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><scope>test</scope></dependency><dependency><groupId>g</groupId><artifactId>b</artifactId><version>[1,2)</version><classifier>c</classifier></dependency></dependencies></project>\n",
    ),
    (
        Format::Gradle,
        "# This is a Gradle generated file\ng:a:1.0=runtimeClasspath,testRuntimeClasspath\ng:b:2.0=kapt\nempty=x\n",
    ),
    (
        Format::Nuget,
        "{\"version\":2,\"dependencies\":{\"net8.0\":{\"A\":{\"type\":\"Direct\",\"requested\":\"[1.0.0, )\",\"resolved\":\"1.0.0\",\"contentHash\":\"QQ==\",\"dependencies\":{\"B\":\"1.0.0\"}},\"B\":{\"type\":\"Transitive\",\"resolved\":\"1.0.0\"},\"c\":{\"type\":\"Project\",\"dependencies\":{\"a\":\"[1.0.0, )\"}}}}}",
    ),
    (
        Format::Actions,
        "on: push\njobs:\n  a:\n    container: debian:12\n    services:\n      db: {image: \"x/y@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b\"}\n    steps:\n      - uses: a/b@v1\n      - uses: ./local\n      - {uses: 'docker://x:1'}\n  b:\n    uses: f/g/.github/workflows/h.yml@main\n",
    ),
    (
        Format::Docker,
        "# syntax=a/b:1\nARG V=1\nFROM --platform=$P x:${V:-2} AS y\nRUN --mount=type=bind,from=z <<E\nrun z\nE\nFROM y\nCOPY --from=w/x:3 \\\n  # c\n  /a /b\n",
    ),
    (
        Format::Terraform,
        "# c\nprovider \"registry.terraform.io/a/b\" {\n  version     = \"1.0.0\"\n  constraints = \"~> 1.0\"\n  hashes = [\n    \"h1:QQ==\",\n    \"zh:089aec7ba6b9843741fec84e0bc046d97d2e41a9fedbe5d77124e66227395c63\",\n  ]\n}\nprovider \"example.org/a/c\" { version = \"2\" }\n",
    ),
    (
        Format::GoVendor,
        "## workspace\n# example.org/a v1.0.0\n## explicit; go 1.20\nexample.org/a/b\n# example.org/c v1.1.0 => example.org/d v1.0.0\nexample.org/c\n# example.org/e v0.0.0 => ./e\n## explicit\n# example.org/f => ../f\n",
    ),
    (
        Format::CycloneDx,
        r#"{"bomFormat":"CycloneDX","metadata":{"component":{"bom-ref":"r","name":"r","version":"1"}},"components":[{"type":"library","bom-ref":"a","group":"g","name":"a","version":"2","purl":"pkg:deb/g/a@2?arch=x&download_url=file:///a","scope":"excluded","hashes":[{"alg":"SHA-1","content":"00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff"}],"licenses":[{"license":{"id":"MIT"}},{"expression":"A OR B"}],"components":[{"name":"n","versionRange":">=1"}]},{"type":"file","bom-ref":"f"}],"services":[{"bom-ref":"s"}],"dependencies":[{"ref":"r","dependsOn":["a","f","s","x"]}]}"#,
    ),
    (
        Format::CycloneDx,
        "<?xml version='1.0'?>\n<bom xmlns='http://cyclonedx.org/schema/bom/1.6'><components><component type='library' bom-ref='a'><name>a</name><version>1</version><hashes><hash alg='SHA-1'>00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff</hash></hashes><licenses><license><id>MIT</id></license></licenses><purl>pkg:npm/%40s/a@1</purl><components><component><name>b</name></component></components></component></components><dependencies><dependency ref='a'><dependency ref='b'/></dependency></dependencies></bom>\n",
    ),
    (
        Format::Spdx,
        r#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","licenseDeclared":"NONE","licenseConcluded":"MIT","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:gem/a@1"}],"checksums":[{"algorithm":"SHA1","checksumValue":"00"}]},{"SPDXID":"SPDXRef-b","name":"b"}],"files":[{"SPDXID":"SPDXRef-f"}],"documentDescribes":["SPDXRef-a"],"relationships":[{"spdxElementId":"SPDXRef-b","relationshipType":"DEV_DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-a"}]}"#,
    ),
    (
        Format::Spdx,
        "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nFileName: f\nSPDXID: SPDXRef-f\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nPackageComment: <text>x\ny</text>\nPackageChecksum: SHA1: 00\nExternalRef: PACKAGE-MANAGER purl pkg:gem/a@1\nPackageName: b\nSPDXID: SPDXRef-b\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a\nRelationship: SPDXRef-a DEPENDS_ON SPDXRef-b\n",
    ),
    (
        Format::Spdx,
        r#"{"@context":"x","@graph":[{"type":"software_Sbom","spdxId":"s","rootElement":["a"]},{"type":"software_Package","spdxId":"a","name":"a","software_packageVersion":"1","software_packageUrl":"pkg:gem/a@1","verifiedUsing":[{"algorithm":"sha1","hashValue":"00"}]},{"type":"software_Package","spdxId":"b","name":"b"},{"type":"simplelicensing_LicenseExpression","spdxId":"l","simplelicensing_licenseExpression":"MIT"},{"type":"Relationship","from":"a","relationshipType":"hasDeclaredLicense","to":["l"]},{"type":"LifecycleScopedRelationship","from":"a","relationshipType":"dependsOn","scope":"test","to":["b","x"]}]}"#,
    ),
];

/// Formats that have no lock file of their own, but files of projects.
const PROJECTS: [(Format, &str); 2] = [
    (
        Format::NugetConfig,
        "<packages>\n<package id='A' version='1' />\n<package id='B' version='2' developmentDependency='true'></package></packages>\n",
    ),
    (
        Format::NugetProject,
        "<Project Sdk='x'><PropertyGroup><V>1</V></PropertyGroup><ItemGroup Condition=\"'$(T)' == 'x'\">\n<PackageReference Include='A' Version='$(V)'/>\n<PackageReference Include='B'><Version>2.*</Version><PrivateAssets>all</PrivateAssets></PackageReference>\n</ItemGroup></Project>\n",
    ),
];

pub(crate) fn locks() -> Vec<Vec<u8>> {
    let seeds = LOCKS.iter().chain(&PROJECTS);
    let seed = |(format, text): &(Format, &str)| {
        let at = Format::ALL.iter().position(|one| one == format).expect("one of all formats");
        let first = u8::try_from(at).expect("fewer than 256 formats");
        [&[first], text.as_bytes()].concat()
    };
    seeds.map(seed).collect()
}

const REPORTS: [&str; 22] = [
    "<testsuites><testsuite name=\"s\" tests=\"3\" failures=\"1\"><testcase classname=\"c\" name=\"a\" time=\"0.1\"/><testcase name=\"b\"><failure message=\"m\" type=\"E\"><![CDATA[at x.py:3]]></failure><system-out>o&lt;</system-out></testcase><testcase name=\"c\"><skipped/></testcase></testsuite></testsuites>",
    "<TestRun><Results><UnitTestResult testId=\"1\" testName=\"a\" outcome=\"Failed\" duration=\"00:00:00.01\"><Output><StdOut>o</StdOut><ErrorInfo><Message>m</Message><StackTrace>at N.C.a() in x.cs:line 3</StackTrace></ErrorInfo></Output></UnitTestResult></Results><TestDefinitions><UnitTest id=\"1\"><TestMethod className=\"N.C, A\"/></UnitTest></TestDefinitions><ResultSummary><RunInfos><RunInfo outcome=\"Error\"><Text>t</Text></RunInfo></RunInfos></ResultSummary></TestRun>",
    "<test-run duration=\"1.0\"><test-suite><test-case classname=\"c\" name=\"a\" result=\"Failed\" label=\"Error\" duration=\"0.1\"><failure><message>m</message><stack-trace>s</stack-trace></failure><output>o</output></test-case></test-suite></test-run>",
    "<assemblies><assembly name=\"A.dll\" test-framework=\"xUnit.net 2\" time=\"0.1\"><errors><error type=\"e\" name=\"n\"><failure exception-type=\"E\"><message>m</message></failure></error></errors><collection><test name=\"N.C.a\" type=\"N.C\" method=\"a\" time=\"0.1\" result=\"Fail\"><output>o</output><failure exception-type=\"E\"><message>m</message><stack-trace>at N.C.a() in x.cs:line 3</stack-trace></failure></test><test name=\"N.C.b\" type=\"N.C\" result=\"Skip\"><reason>r</reason></test></collection></assembly></assemblies>",
    "running 2 tests\ntest t::a ... ok\ntest t::b ... FAILED\n\nfailures:\n\n---- t::b stdout ----\nthread 't::b' (7) panicked at src/lib.rs:6:26:\nassertion `left == right` failed\n  left: 3\n right: 4\n\nfailures:\n    t::b\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.21s\n",
    "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n{\"type\":\"test\",\"event\":\"failed\",\"name\":\"k::b$a#1\",\"stdout\":\"panicked at src/lib.rs:1:1:\\nm\",\"exec_time\":0.1}\n{\"type\":\"suite\",\"event\":\"failed\",\"passed\":0,\"failed\":1,\"ignored\":0}\n",
    "    Starting 2 tests across 1 binary\n        FAIL [   0.004s] k tests::a\n  stdout ───\n\n    thread 'tests::a' panicked at src/lib.rs:1:1:\n    m\n\n        PASS [   0.004s] k tests::b\n     Summary [   0.006s] 2 tests run: 1 passed, 1 failed, 0 skipped\n",
    "{\"reason\":\"compiler-message\",\"package_id\":\"a 0\",\"message\":{\"level\":\"error\",\"message\":\"m\",\"code\":{\"code\":\"E0308\"},\"spans\":[{\"file_name\":\"src/lib.rs\",\"line_start\":1,\"is_primary\":true}],\"rendered\":\"error\"}}\n{\"reason\":\"build-finished\",\"success\":false}\n",
    "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"TestA\",\"Output\":\"    a_test.go:3: m\\n\"}\n{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"TestA\",\"Elapsed\":0.1}\n{\"Action\":\"fail\",\"Package\":\"p\",\"Elapsed\":0.1}\n",
    "{\"protocolVersion\":\"0.1.1\",\"runnerVersion\":\"1\",\"type\":\"start\",\"time\":0}\n{\"test\":{\"id\":1,\"name\":\"a\",\"suiteID\":0,\"line\":3,\"url\":\"a_test.dart\"},\"type\":\"testStart\",\"time\":1}\n{\"testID\":1,\"error\":\"m\",\"stackTrace\":\"s\",\"isFailure\":true,\"type\":\"error\",\"time\":2}\n{\"testID\":1,\"result\":\"failure\",\"skipped\":false,\"hidden\":false,\"type\":\"testDone\",\"time\":3}\n",
    "============================= test session starts ==============================\ncollected 2 items\n\nt.py .F\n\n=================================== FAILURES ===================================\n____ test_b ____\n\n>       assert 1 == 2\nE       assert 1 == 2\n\nt.py:3: AssertionError\n=========================== short test summary info ============================\nFAILED t.py::test_b - assert 1 == 2\n========================= 1 failed, 1 passed in 0.01s ==========================\n",
    "{\"created\":1.0,\"exitcode\":1,\"summary\":{\"passed\":1,\"failed\":1,\"total\":2},\"tests\":[{\"nodeid\":\"t.py::test_b\",\"outcome\":\"failed\",\"call\":{\"duration\":0.1,\"outcome\":\"failed\",\"crash\":{\"path\":\"t.py\",\"lineno\":3,\"message\":\"m\"},\"longrepr\":\"l\"}}]}",
    "{\"numFailedTests\":1,\"numTotalTests\":1,\"testResults\":[{\"name\":\"a.test.js\",\"assertionResults\":[{\"ancestorTitles\":[\"s\"],\"title\":\"a\",\"status\":\"failed\",\"failureMessages\":[\"Error: m\\n    at a.test.js:3:1\"],\"location\":{\"line\":3}}]}]}",
    "{\"stats\":{\"tests\":1,\"passes\":0,\"failures\":1,\"duration\":1},\"tests\":[{\"title\":\"a\",\"fullTitle\":\"s a\",\"file\":\"a.js\",\"err\":{\"message\":\"m\",\"stack\":\"s\"}}],\"passes\":[],\"failures\":[{\"title\":\"a\",\"fullTitle\":\"s a\",\"err\":{\"message\":\"m\"}}]}",
    "{\"version\":\"3\",\"examples\":[{\"id\":\"1\",\"description\":\"d\",\"full_description\":\"f d\",\"status\":\"failed\",\"file_path\":\"./a_spec.rb\",\"line_number\":3,\"exception\":{\"class\":\"E\",\"message\":\"m\",\"backtrace\":[\"a_spec.rb:3\"]}}],\"summary_line\":\"1 example, 1 failure\"}",
    "TAP version 14\n1..3\nok 1 - a # time=1ms\nnot ok 2 - b\n  ---\n  message: m\n  at:\n    file: a.js\n  ...\n# Subtest: c\n    1..1\n    not ok 1 - d # TODO t\nok 3 - c # SKIP s\nBail out! x\n",
    "{\"reportFormat\":\"CTRF\",\"specVersion\":\"0.0.0\",\"results\":{\"tool\":{\"name\":\"t\"},\"summary\":{\"tests\":1,\"passed\":0,\"failed\":1,\"skipped\":0,\"pending\":0,\"other\":0,\"start\":0,\"stop\":1},\"tests\":[{\"name\":\"a\",\"status\":\"failed\",\"duration\":1,\"message\":\"m\",\"trace\":\"s\",\"suite\":[\"s\"],\"flaky\":false,\"retries\":1}]}}",
    "{\"$schema\":\"https://example.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"t\",\"rules\":[{\"id\":\"R\"}]}},\"results\":[{\"ruleId\":\"R\",\"level\":\"error\",\"message\":{\"text\":\"m\"},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"a.c\"},\"region\":{\"startLine\":3}}}]}]}]}",
    "[{\"filePath\":\"/r/a.js\",\"messages\":[{\"ruleId\":\"r\",\"severity\":2,\"message\":\"m\",\"line\":3,\"column\":1,\"fix\":{\"range\":[0,1],\"text\":\"\"}}],\"errorCount\":1}]",
    "[{\"code\":\"E501\",\"filename\":\"/r/a.py\",\"location\":{\"row\":3,\"column\":1},\"end_location\":{\"row\":3,\"column\":2},\"message\":\"m\",\"fix\":null,\"noqa_row\":3}]",
    "make: *** [Makefile:3: test] Error 1\nError: something broke\n    at f (a.js:3:1)\n1 passing\n2 failing\n",
    "##[error]a.cs(3,4): error CS0103: m\n\u{1b}[31mFAIL\u{1b}[0m a.test.ts > s > a\nTests  1 failed | 2 passed (3)\n",
];

pub(crate) fn reports() -> Vec<Vec<u8>> {
    let forms = (0..4_u8).cycle();
    forms.zip(REPORTS).map(|(form, text)| [&[form], text.as_bytes()].concat()).collect()
}

/// A file in base and the one in head, and where the one ends and the other begins.
const DIFFS: [(&str, &str); 8] = [
    ("a\nb\nc\n", "a\nB\nc\n"),
    ("a\nb", "a\nb\n"),
    ("", "new\n"),
    ("gone\n", ""),
    ("a\r\nb\r\n", "a\nb\n"),
    ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"),
    ("\u{feff}ä\n", "\0\u{1}binary"),
    ("same\nsame\nsame\n", "same\nsame\nsame\n"),
];

pub(crate) fn diffs() -> Vec<Vec<u8>> {
    let seed = |(base, head): (&str, &str)| {
        let length = base.len() + head.len();
        let share = (0..=u8::MAX).find(|share| length * usize::from(*share) / 255 == base.len());
        [&[share.unwrap_or(128)], base.as_bytes(), head.as_bytes()].concat()
    };
    DIFFS.into_iter().map(seed).collect()
}
