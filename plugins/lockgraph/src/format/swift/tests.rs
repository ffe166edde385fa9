//! What a Package.resolved and the Package.swift beside it come to.

use super::super::sketch::{parse, read};
use crate::Format;

const V3: &str = r#"{
  "originHash" : "6b0e3b8b1d7a9a9e",
  "pins" : [
    {
      "identity" : "swift-crypto",
      "kind" : "remoteSourceControl",
      "location" : "https://user:word@Git.example.org/Apple/swift-crypto.git",
      "state" : { "revision" : "8b0f61a32e7d0f1e6de46cbdef59e71c74eb74e3", "version" : "3.0.0" }
    },
    {
      "identity" : "branchy",
      "kind" : "remoteSourceControl",
      "location" : "git@git.example.org:me/Branchy.git",
      "state" : { "branch" : "main", "revision" : "9b0f61a32e7d0f1e6de46cbdef59e71c74eb74e3" }
    },
    {
      "identity" : "mona.LinkedList",
      "kind" : "registry",
      "location" : "",
      "state" : { "version" : "1.1.0" }
    },
    {
      "identity" : "local",
      "kind" : "localSourceControl",
      "location" : "/opt/local",
      "state" : { "revision" : "ab0f61a32e7d0f1e6de46cbdef59e71c74eb74e3", "version" : "0.1.0" }
    }
  ],
  "version" : 3
}"#;

const V1: &str = r#"{
  "object": {
    "pins": [
      {
        "package": "Alamofire",
        "repositoryURL": "ssh://git@git.example.org:22/Alamofire/Alamofire",
        "state": { "branch": null, "revision": "becd9a729a37bdbef5bc39dc3c702b99f9e3d046", "version": "5.2.2" }
      }
    ]
  },
  "version": 1
}"#;

#[test]
fn a_package_needs_what_its_package_swift_names() {
    let manifest = "let package = Package(\n    name: \"Mine\",\n    dependencies: [\n        \
        .package(url: \"https://git.example.org/apple/swift-crypto\", from: \"3.0.0\"),\n        \
        // .package(url: \"https://git.example.org/me/Branchy\", branch: \"main\"),\n        \
        .package(id: \"mona.LinkedList\", .upToNextMajor(from: \"1.0.0\")),\n    ]\n)\n";
    insta::assert_snapshot!(read([("Package.resolved", V3), ("Package.swift", manifest)]), @r"
    root pkg:swift/Mine member runtime at `` Package.swift:1
        runtime git.example.org/Apple/swift-crypto@3.0.0
        runtime mona/LinkedList@1.1.0
    pkg:swift/git.example.org/Apple/swift-crypto@3.0.0 git runtime from `https://Git.example.org/Apple/swift-crypto.git#8b0f61a32e7d0f1e6de46cbdef59e71c74eb74e3` Package.resolved:4
    pkg:swift/git.example.org/me/Branchy?vcs_url=git%40git.example.org:me%2FBranchy.git%409b0f61a32e7d0f1e6de46cbdef59e71c74eb74e3 git unknown from `git@git.example.org:me/Branchy.git#9b0f61a32e7d0f1e6de46cbdef59e71c74eb74e3` Package.resolved:10
    pkg:swift/local@0.1.0 path unknown Package.resolved:22
    pkg:swift/mona/LinkedList@1.1.0 registry runtime Package.resolved:16
    ");
}

#[test]
fn version_1_and_one_that_xcode_keeps_are_read_alike() {
    insta::assert_snapshot!(parse(Format::Swift, V1), @"pkg:swift/git.example.org/Alamofire/Alamofire@5.2.2 git unknown from `ssh://git@git.example.org:22/Alamofire/Alamofire#becd9a729a37bdbef5bc39dc3c702b99f9e3d046` Package.resolved:4");
}

#[test]
fn a_broken_pin_costs_itself() {
    let text = "{\"pins\": [\n{},\nnull,\n{\"identity\": \"a\", \"location\": \"https://example.org/x/a\", \"state\": {}},\n\
        {\"identity\": \"b\", \"location\": \"https://example.org/x/b\", \"state\": {\"version\": \"1.0.0\"}},\n\
        {\"identity\": \"b\", \"location\": \"https://example.org/x/b.git\", \"state\": {\"version\": \"1.0.1\"}},\n\
        {\"identity\": \"s.c\", \"kind\": \"other\", \"location\": \"\", \"state\": {\"version\": \"2\"}},\n\
        {\"identity\": \"d\", \"kind\": \"registry\", \"state\": {\"version\": \"2\"}},\n\
        {\"identity\": \"s.\", \"kind\": \"registry\", \"state\": {\"version\": \"2\"}}\n], \"version\": 2}";
    insta::assert_snapshot!(parse(Format::Swift, text), @r"
    pkg:swift/example.org/x/b@1.0.0 git unknown from `https://example.org/x/b` Package.resolved:5
    warning: Package.resolved:2: a pin without a usable name
    warning: Package.resolved:3: a pin that is no object
    warning: Package.resolved:4: a pin without a version and a revision
    warning: Package.resolved:6: `example.org/x/b` is pinned twice
    warning: Package.resolved:7: a pin without the address of its repository
    warning: Package.resolved:8: a pin of a registry whose identity has no scope
    warning: Package.resolved:9: a pin of a registry whose identity has no scope
    ");
    insta::assert_snapshot!(parse(Format::Swift, "{\"pins\": {}}"), @"error: None: not a lock file: it has no list of `pins`");
    insta::assert_snapshot!(parse(Format::Swift, "not\njson"), @"error: Some(1): not valid JSON: expected ident at line 1 column 2");
}
