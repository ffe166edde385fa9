//! What NuGet's files come to.

use crate::drawn::read;

const LOCK: &str = r#"{
  "version": 2,
  "dependencies": {
    "net8.0": {
      "Analyzer": {
        "type": "Direct", "requested": "[1.0.0, )", "resolved": "1.0.0", "contentHash": "QUJD"
      },
      "Serilog": {
        "type": "Direct",
        "requested": "[3.1.1, )",
        "resolved": "3.1.1",
        "contentHash": "REVG",
        "dependencies": { "system.memory": "4.5.5", "Gone": "1.0.0" }
      },
      "System.Memory": { "type": "CentralTransitive", "requested": "[4.5.5, )", "resolved": "4.5.5" },
      "core": { "type": "Project", "dependencies": { "Serilog": "[3.1.1, )", "deep": "[1.0.0, )" } },
      "deep": { "type": "Project" }
    },
    "net8.0/linux-x64": {
      "runtime.native": { "type": "Transitive", "resolved": "4.3.0", "dependencies": { "Serilog": "3" } },
      "Broken": { "type": "Transitive" },
      "Worse": []
    },
    "odd": 7
  }
}
"#;

const PROJECT: &str = r#"<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <PackageId>Acme.App</PackageId>
    <Version>1.2.0</Version>
    <PackageLicenseExpression>MIT</PackageLicenseExpression>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Serilog" />
    <PackageReference Include="analyzer" PrivateAssets="all" />
    <ProjectReference Include="..\Core\Core.csproj" />
  </ItemGroup>
</Project>
"#;

const CORE: &str = r#"<Project><ItemGroup><ProjectReference Include="..\..\Deep\deep.fsproj" /></ItemGroup></Project>"#;

#[test]
fn a_lock_file_is_one_graph_of_all_frameworks_and_its_project_the_root() {
    let files = [
        ("src/App/packages.lock.json", LOCK),
        ("src/App/App.csproj", PROJECT),
        ("src/Core/Core.csproj", CORE),
        ("Deep/deep.fsproj", "<Project/>"),
    ];
    insta::assert_snapshot!(read(files), @r"
    Deep/deep.fsproj:
    root pkg:nuget/deep member runtime at `Deep` Deep/deep.fsproj:1
    src/App/App.csproj:
    root pkg:nuget/Acme.App@1.2.0 member runtime at `src/App` licence `MIT` src/App/App.csproj:1
    src/App/packages.lock.json:
    root pkg:nuget/Acme.App@1.2.0 member runtime at `src/App` licence `MIT` src/App/App.csproj:1
        dev Analyzer@1.0.0
        runtime Core
        runtime Serilog@3.1.1
    pkg:nuget/Analyzer@1.0.0 registry dev integrity `sha512-QUJD` src/App/packages.lock.json:5
    pkg:nuget/Core member runtime at `src/Core` src/Core/Core.csproj:1
        runtime Serilog@3.1.1
        runtime deep
    pkg:nuget/Serilog@3.1.1 registry runtime integrity `sha512-REVG` src/App/packages.lock.json:8
        runtime System.Memory@4.5.5
    pkg:nuget/System.Memory@4.5.5 registry runtime src/App/packages.lock.json:15
    pkg:nuget/deep member runtime at `Deep` Deep/deep.fsproj:1
    pkg:nuget/runtime.native@4.3.0 registry unknown src/App/packages.lock.json:20
        runtime Serilog@3.1.1
    src/Core/Core.csproj:
    root pkg:nuget/Core member runtime at `src/Core` src/Core/Core.csproj:1
        runtime deep
    pkg:nuget/deep member runtime at `Deep` Deep/deep.fsproj:1
    warning: src/App/packages.lock.json:21: `Broken` has no usable version
    warning: src/App/packages.lock.json:22: `Worse` has no type
    warning: src/App/packages.lock.json:24: `odd` is no object
    warning: src/App/packages.lock.json:8: `gone`, which `serilog` needs, is not listed
    ");
}

#[test]
fn without_a_project_beside_it_a_lock_file_has_no_root() {
    insta::assert_snapshot!(read([("packages.lock.json", LOCK)]), @r"
    pkg:nuget/Analyzer@1.0.0 registry runtime integrity `sha512-QUJD` packages.lock.json:5
    pkg:nuget/Serilog@3.1.1 registry runtime integrity `sha512-REVG` packages.lock.json:8
        runtime System.Memory@4.5.5
    pkg:nuget/System.Memory@4.5.5 registry unknown packages.lock.json:15
    pkg:nuget/core path unknown packages.lock.json:16
        runtime Serilog@3.1.1
        runtime deep
    pkg:nuget/deep path unknown packages.lock.json:17
    pkg:nuget/runtime.native@4.3.0 registry unknown packages.lock.json:20
        runtime Serilog@3.1.1
    warning: packages.lock.json:21: `Broken` has no usable version
    warning: packages.lock.json:22: `Worse` has no type
    warning: packages.lock.json:24: `odd` is no object
    warning: packages.lock.json:8: `gone`, which `serilog` needs, is not listed
    ");
}

#[test]
fn a_lock_file_may_name_its_project() {
    let files = [
        ("packages.App.lock.json", r#"{"version": 1, "dependencies": {"net8.0": {}}}"#),
        (
            "App.csproj",
            "<Project><ItemGroup><PackageReference Include='x' Version='1'/></ItemGroup></Project>",
        ),
        ("Tool.csproj", "<Project/>"),
    ];
    insta::assert_snapshot!(read(files), @r"
    App.csproj:
    root pkg:nuget/App member runtime at `` App.csproj:1
    Tool.csproj:
    root pkg:nuget/Tool member runtime at `` Tool.csproj:1
    packages.App.lock.json:
    root pkg:nuget/App member runtime at `` App.csproj:1
    ");
}

#[test]
fn a_flat_list_has_what_only_development_needs() {
    let config = r#"<?xml version="1.0" encoding="utf-8"?>
<packages>
  <package id="Newtonsoft.Json" version="13.0.1" targetFramework="net48" />
  <package id="StyleCop" version="6.0" developmentDependency="true" />
  <package id="NoVersion" />
  <package version="1.0" />
</packages>
"#;
    let files = [
        ("a/packages.config", config),
        ("a/Old.vbproj", "<Project/>"),
        ("b/packages.config", config),
    ];
    insta::assert_snapshot!(read(files), @r"
    a/Old.vbproj:
    root pkg:nuget/Old member runtime at `a` a/Old.vbproj:1
    a/packages.config:
    pkg:nuget/Newtonsoft.Json@13.0.1 registry runtime a/packages.config:3
    root pkg:nuget/Old member runtime at `a` a/Old.vbproj:1
        runtime Newtonsoft.Json@13.0.1
        dev StyleCop@6.0
    pkg:nuget/StyleCop@6.0 registry dev a/packages.config:4
    b/packages.config:
    pkg:nuget/Newtonsoft.Json@13.0.1 registry runtime b/packages.config:3
    pkg:nuget/StyleCop@6.0 registry dev b/packages.config:4
    warning: a/packages.config:5: `NoVersion` has no usable version
    warning: a/packages.config:6: a package without a usable id
    warning: b/packages.config:5: `NoVersion` has no usable version
    warning: b/packages.config:6: a package without a usable id
    ");
}

const WITHOUT_LOCK: &str = r#"<Project Sdk="Microsoft.NET.Sdk">
  <ItemGroup>
    <PackageReference Include="Central" />
    <PackageReference Include="Overridden" VersionOverride="9.0.0" />
    <PackageReference Include="Element"><Version>$(ElementVersion)</Version></PackageReference>
    <PackageReference Include="Floating" Version="1.2.*" />
    <PackageReference Include="Range" Version="[1.0,2.0)" />
    <PackageReference Include="Exact" Version="[1.0]" />
    <PackageReference Include="Unknown" Version="$(Nowhere)" />
    <PackageReference Include="None" />
    <PackageReference Update="None" PrivateAssets="all" />
    <PackageReference Version="1" />
    <PackageReference Include="" Version="1" />
    <PackageReference Include="Two;Three" Version="3" Condition="'$(TargetFramework)' == 'net48'" />
    <ProjectReference Include="$(Root)lib/lib.csproj" />
    <ProjectReference Include="..\..\..\outside.csproj" />
  </ItemGroup>
  <Target Name="x"><ItemGroup><PackageReference Include="Never" Version="1" /></ItemGroup></Target>
</Project>
"#;

const CENTRAL: &str = r#"<Project>
  <ItemGroup>
    <PackageVersion Include="central" Version="$(Major).1.0" />
    <PackageVersion Include="Overridden" Version="1.0.0" />
    <GlobalPackageReference Include="Everywhere" Version="3.6.0" />
    <PackageVersion Include="Early" Version="5.0.0" />
  </ItemGroup>
</Project>
"#;

#[test]
fn a_project_without_a_lock_file_has_the_versions_that_directories_above_set() {
    let build = "<Project><PropertyGroup><Major>7</Major><ElementVersion>$(Major).2</ElementVersion><Root>../../</Root></PropertyGroup></Project>";
    let nearer = "<Project><Import Project=\"$([MSBuild]::GetPathOfFileAbove('Directory.Build.props', '$(MSBuildThisFileDirectory)../'))\"/><PropertyGroup><Major>8</Major></PropertyGroup><ItemGroup><PackageReference Include='Early' PrivateAssets='all'/></ItemGroup></Project>";
    let files = [
        ("src/App/App.csproj", WITHOUT_LOCK),
        ("src/Directory.Build.props", nearer),
        ("Directory.Build.props", build),
        ("Directory.Packages.props", CENTRAL),
        ("lib/lib.csproj", "<Project/>"),
    ];
    insta::assert_snapshot!(read(files), @r"
    lib/lib.csproj:
    pkg:nuget/Everywhere@3.6.0 registry dev Directory.Packages.props:5
    root pkg:nuget/lib member runtime at `lib` lib/lib.csproj:1
        dev Everywhere@3.6.0
    src/App/App.csproj:
    root pkg:nuget/App member runtime at `src/App` src/App/App.csproj:1
        runtime Central@8.1.0
        dev Early@5.0.0
        runtime Element@8.2
        dev Everywhere@3.6.0
        runtime Exact@1.0
        runtime Floating
        dev None
        runtime Overridden@9.0.0
        runtime Range
        runtime Three@3
        runtime Two@3
        runtime Unknown
        runtime lib
    pkg:nuget/Central@8.1.0 registry runtime src/App/App.csproj:3
    pkg:nuget/Early@5.0.0 registry dev src/Directory.Build.props:1
    pkg:nuget/Element@8.2 registry runtime src/App/App.csproj:5
    pkg:nuget/Everywhere@3.6.0 registry dev Directory.Packages.props:5
    pkg:nuget/Exact@1.0 registry runtime src/App/App.csproj:8
    pkg:nuget/Floating registry runtime range `1.2.*` src/App/App.csproj:6
    pkg:nuget/None registry dev src/App/App.csproj:10
    pkg:nuget/Overridden@9.0.0 registry runtime src/App/App.csproj:4
    pkg:nuget/Range registry runtime range `[1.0,2.0)` src/App/App.csproj:7
    pkg:nuget/Three@3 registry runtime src/App/App.csproj:14
    pkg:nuget/Two@3 registry runtime src/App/App.csproj:14
    pkg:nuget/Unknown registry runtime src/App/App.csproj:9
    pkg:nuget/lib member runtime at `lib` lib/lib.csproj:1
    warning: src/App/App.csproj:12: a package without a name
    warning: src/App/App.csproj:13: a package without a name
    warning: src/App/App.csproj:9: `Unknown` has no version that is known here
    warning: src/App/App.csproj:10: `None` has no version that is known here
    warning: src/App/App.csproj:16: the project `..\..\..\outside.csproj` is not in this repository
    ");
}

#[test]
fn what_only_a_test_project_needs_is_for_development() {
    let project = "<Project><ItemGroup><PackageReference Include='Microsoft.NET.Test.Sdk' Version='17.0.0'/><PackageReference Include='xunit' Version='2.4.1'/></ItemGroup></Project>";
    insta::assert_snapshot!(read([("T.csproj", project)]), @r"
    pkg:nuget/Microsoft.NET.Test.Sdk@17.0.0 registry dev T.csproj:1
    root pkg:nuget/T member runtime at `` T.csproj:1
        dev Microsoft.NET.Test.Sdk@17.0.0
        dev xunit@2.4.1
    pkg:nuget/xunit@2.4.1 registry dev T.csproj:1
    ");
}

#[test]
fn what_is_no_file_of_nuget_is_an_error_with_a_reason() {
    let files = [
        ("a/packages.lock.json", "[]"),
        ("b/packages.lock.json", "{}"),
        ("c/packages.lock.json", "{\"dependencies\": 1}"),
        ("d/packages.config", "<x/>"),
        ("e/E.csproj", "no xml"),
    ];
    insta::assert_snapshot!(read(files), @r"
    warning: a/packages.lock.json: not a lock file: it is no JSON object
    warning: b/packages.lock.json: not a lock file: it has no `dependencies`
    warning: c/packages.lock.json: not a lock file: `dependencies` is no object
    warning: d/packages.config: not a lock file: its element is not `packages`
    warning: e/E.csproj: not a lock file: it has no XML element
    ");
}
