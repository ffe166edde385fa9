//! What a conan.lock and the conanfile.txt beside it come to.

use super::super::sketch::{parse, read};
use crate::Format;

const V1: &str = r#"{
  "graph_lock": {
    "nodes": {
      "0": {"ref": "app/1.0", "requires": ["1"], "build_requires": ["3"], "python_requires": ["tools/0.1@me/stable"], "path": "conanfile.py", "context": "host"},
      "1": {"ref": "libpng/1.6.39#7927e8ce5b2576a6ea497c6ca70e9751", "package_id": "d5b3", "prev": "0", "requires": ["2", "9"], "context": "host"},
      "2": {"ref": "zlib/1.2.13@_/_#0", "package_id": "1972", "prev": "0", "context": "host"},
      "3": {"ref": "ninja/1.11.1", "requires": ["4"], "context": "build"},
      "4": {"ref": "zlib/1.2.13@_/_#0", "context": "build"},
      "5": {"ref": "1.2.3", "context": "host"}
    },
    "revisions_enabled": true
  },
  "version": "0.4"
}"#;

const V0: &str = r#"{
  "graph_lock": {
    "nodes": {
      "05b715be": {"pref": null, "requires": {"zlib/1.2.11@bin/testing#5f49": "05b715bd"}},
      "05b715bd": {"pref": "zlib/1.2.11@bin/testing#5f49:19729b9559f3ae196cad45cb2b97468ccb75dcd1#58846c4e"}
    }
  }
}"#;

const V2: &str = r#"{
  "version": "0.5",
  "requires": [
    "zlib/1.2.13#13c96f538b52e1600c40b88994de240f%1667396813.733",
    "zlib/1.2.12#23c96f538b52e1600c40b88994de240f%1667396813.733",
    ["fmt/10.1.1@me/stable#33c96f538b52e1600c40b88994de240f", {"pkg": "prev"}],
    "1.2.3#ffa77daf83a57094149707928bdce823",
    7
  ],
  "build_requires": ["cmake/3.27.1#43c96f538b52e1600c40b88994de240f%1", "zlib/1.2.13#13c96f538b52e1600c40b88994de240f%9"],
  "python_requires": ["tools/0.1"],
  "config_requires": null
}"#;

#[test]
fn a_graph_of_conan_1_is_a_graph() {
    insta::assert_snapshot!(read([("app/conan.lock", V1)]), @r"
    root pkg:conan/app@1.0 member runtime at `app` conan.lock:4
        runtime libpng@1.6.39
        build ninja@1.11.1
        build tools@0.1
    pkg:conan/libpng@1.6.39?rrev=7927e8ce5b2576a6ea497c6ca70e9751 registry runtime integrity `7927e8ce5b2576a6ea497c6ca70e9751` conan.lock:5
        runtime zlib@1.2.13
    pkg:conan/ninja@1.11.1 registry build conan.lock:7
        runtime zlib@1.2.13
    pkg:conan/tools@0.1?channel=stable&user=me registry build conan.lock:4
    pkg:conan/zlib@1.2.13 registry runtime conan.lock:6
    pkg:conan/zlib@1.2.13 registry build conan.lock:8
    warning: app/conan.lock:9: a package without a usable name and version
    warning: app/conan.lock:5: package `9` is needed and not usable here
    ");
    insta::assert_snapshot!(parse(Format::Conan, V0), @r"
    root pkg:conan/root member runtime at `` conan.lock:4
        runtime zlib@1.2.11
    pkg:conan/zlib@1.2.11?channel=testing&rrev=5f49&user=bin registry runtime integrity `5f49` conan.lock:5
    ");
}

#[test]
fn lists_of_conan_2_say_what_for_and_the_conanfile_what_is_direct() {
    insta::assert_snapshot!(parse(Format::Conan, V2), @r"
    pkg:conan/cmake@3.27.1?rrev=43c96f538b52e1600c40b88994de240f registry build integrity `43c96f538b52e1600c40b88994de240f` conan.lock:10
    pkg:conan/fmt@10.1.1?channel=stable&rrev=33c96f538b52e1600c40b88994de240f&user=me registry runtime integrity `33c96f538b52e1600c40b88994de240f` conan.lock:6
    pkg:conan/tools@0.1 registry build conan.lock:11
    pkg:conan/zlib@1.2.12?rrev=23c96f538b52e1600c40b88994de240f registry runtime integrity `23c96f538b52e1600c40b88994de240f` conan.lock:5
    pkg:conan/zlib@1.2.13?rrev=13c96f538b52e1600c40b88994de240f registry runtime integrity `13c96f538b52e1600c40b88994de240f` conan.lock:4 conan.lock:10
    warning: conan.lock:8: a package that is no text
    warning: conan.lock:7: a package without a usable name and version
    ");
    let manifest = "[requires]\nzlib/1.2.12 # why\nfmt/[>=10]@me/stable\ngone/1.0\n[tool_requires]\ncmake/3.27.1\n[options]\nzlib/*:shared=True\n";
    insta::assert_snapshot!(read([("app/conan.lock", V2), ("app/conanfile.txt", manifest)]), @r"
    root pkg:conan/app member runtime at `app` conanfile.txt:1
        build cmake@3.27.1
        runtime fmt@10.1.1
        runtime zlib@1.2.12
    pkg:conan/cmake@3.27.1?rrev=43c96f538b52e1600c40b88994de240f registry build integrity `43c96f538b52e1600c40b88994de240f` conan.lock:10
    pkg:conan/fmt@10.1.1?channel=stable&rrev=33c96f538b52e1600c40b88994de240f&user=me registry runtime integrity `33c96f538b52e1600c40b88994de240f` conan.lock:6
    pkg:conan/tools@0.1 registry build conan.lock:11
    pkg:conan/zlib@1.2.12?rrev=23c96f538b52e1600c40b88994de240f registry runtime integrity `23c96f538b52e1600c40b88994de240f` conan.lock:5
    pkg:conan/zlib@1.2.13?rrev=13c96f538b52e1600c40b88994de240f registry runtime integrity `13c96f538b52e1600c40b88994de240f` conan.lock:4 conan.lock:10
    warning: app/conan.lock:8: a package that is no text
    warning: app/conan.lock:7: a package without a usable name and version
    ");
}

#[test]
fn what_is_no_lock_file_says_so() {
    for text in ["{}", "null", "{\"graph_lock\": {}}", "{\"requires\": [\n<<<<<<< HEAD\n"] {
        assert!(parse(Format::Conan, text).starts_with("error: "), "{text}");
    }
}
