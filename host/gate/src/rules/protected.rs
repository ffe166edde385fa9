//! Which paths are protected without anybody's saying so.

/// Files that decide what runs, with whose rights, or who must review.
pub(super) const DECIDING: &[&str] = &[
    // Every directory at the root that begins with a dot: .github, .circleci, .claude, .husky,
    // .cargo, .vscode … New tools put their hooks and settings there.
    ".*/**",
    // Pipelines
    "**/.github/**",
    ".gitlab-ci.{yml,yaml}",
    "**/*.gitlab-ci.{yml,yaml}",
    "**/Jenkinsfile*",
    "azure-pipelines*.{yml,yaml}",
    "bitbucket-pipelines.{yml,yaml}",
    "{.travis,appveyor,.appveyor,.drone,cloudbuild,buildspec,codemagic}.{yml,yaml}",
    "{.woodpecker,.cirrus}.{yml,yaml,star}",
    // Which tools of others later steps may call
    "stepwell.lock",
    // Who reviews; what git itself obeys
    "**/CODEOWNERS",
    "**/.gitmodules",
    "**/.gitattributes",
    // What agents obey, at any depth
    "**/{AGENTS,CLAUDE,GEMINI,COPILOT}{.md,.local.md,.override.md}",
    "**/{.claude,.gemini,.cursor,.codex,.windsurf,.continue,.aider,.agents,.kiro,.roo}*/**",
    "**/{.mcp,mcp}.json",
    "**/{.cursorrules,.windsurfrules,.clinerules,.aider.conf.yml}",
    // Hooks
    "**/{.husky,.githooks,.git-hooks}/**",
    "**/{.pre-commit-config.yaml,.pre-commit-hooks.yaml,lefthook.yml,.lefthook.yml}",
];

/// Manifests and lock files: new code comes in through them.
pub(super) const MANIFESTS: &[&str] = &[
    "**/{Cargo.toml,Cargo.lock,rust-toolchain,rust-toolchain.toml}",
    "**/{package.json,package-lock.json,npm-shrinkwrap.json,.npmrc,.yarnrc,.yarnrc.yml}",
    "**/{yarn.lock,pnpm-lock.yaml,pnpm-workspace.yaml,.pnpmfile.cjs,bun.lock,bun.lockb,bunfig.toml}",
    "**/{deno.json,deno.jsonc,deno.lock}",
    "**/{pyproject.toml,setup.py,setup.cfg,Pipfile,Pipfile.lock,poetry.lock,uv.lock,uv.toml}",
    "**/{pdm.lock,pylock.toml,pylock.*.toml,pip.conf,conda-lock.yml,environment.yml}",
    "**/*{requirements,constraints}*.{txt,in}",
    "**/requirements/*.{txt,in}",
    "**/{go.mod,go.sum,go.work,go.work.sum}",
    "**/vendor/modules.txt",
    "**/.terraform.lock.hcl",
    "**/{Gemfile,Gemfile.lock,gems.rb,gems.locked,*.gemspec}",
    "**/{pom.xml,build.gradle,build.gradle.kts,settings.gradle,settings.gradle.kts}",
    "**/*gradle.lockfile",
    "**/gradle/dependency-locks/*.lockfile",
    "**/{gradle.properties,libs.versions.toml,gradle-wrapper.properties,gradle-wrapper.jar}",
    "**/{composer.json,composer.lock,mix.exs,mix.lock,pubspec.yaml,pubspec.lock}",
    "**/{Package.swift,Package.resolved,Podfile,Podfile.lock,Cartfile,Cartfile.resolved}",
    "**/{packages.lock.json,packages.*.lock.json,packages.config,nuget.config}",
    "**/{*.csproj,*.fsproj,*.vbproj,Directory.Packages.props,Directory.Build.props,Directory.Build.targets}",
    "**/{MODULE.bazel,MODULE.bazel.lock,WORKSPACE,WORKSPACE.bazel,flake.nix,flake.lock}",
    "**/{conan.lock,conanfile.txt,conanfile.py,vcpkg.json}",
];

/// What else names code of others: container files, and workflows (which are deciding, too). Not
/// bills of materials: what is compared is what lock files say.
pub(super) const OTHER_SOURCES: &[&str] = &[
    "**/{Dockerfile,Containerfile}*",
    "**/*.{Dockerfile,dockerfile,Containerfile,containerfile}",
    "**/.github/**/*.{yml,yaml}",
    "**/action.{yml,yaml}",
    "**/verification-metadata.xml",
];
