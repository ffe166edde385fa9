//! What a deno.lock comes to.

use crate::format::js::drawn::{read, told};
use crate::{Format, Warnings};

pub(in crate::format) const V5: &str = r#"{
  "version": "5",
  "specifiers": {
    "jsr:@std/fs@1": "1.0.23",
    "jsr:@std/path@1": "1.1.4",
    "jsr:@std/path@1.0": "1.0.9",
    "jsr:@std/internal@^1.0.12": "1.0.12",
    "npm:a@^2.9.0": "2.9.0_peer@10.29.0",
    "npm:tool@1": "1.0.0"
  },
  "jsr": {
    "@std/fs@1.0.23": {
      "integrity": "3ecbae4ce4fee03b180fa710caff36bb5adb66631c46a6460aaad49515565a37",
      "dependencies": [
        "jsr:@std/internal",
        "jsr:@std/path@1",
        "npm:tool"
      ]
    },
    "@std/internal@1.0.12": { "integrity": "972a634fd5bc34b242024402972cd5143eac68d8dffaca5eaa4dba30ce17b027" },
    "@std/path@1.0.9": {},
    "@std/path@1.1.4": { "dependencies": [ "jsr:@std/internal" ] }
  },
  "npm": {
    "a@2.9.0_peer@10.29.0": {
      "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
      "dependencies": [ "alias@npm:b@1.0.0", "b@2.0.0", "gone", "peer" ],
      "optionalDependencies": [ "maybe" ],
      "optionalPeers": [ "peer" ]
    },
    "b@1.0.0": { "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" },
    "b@2.0.0": {},
    "maybe@1.0.0": { "os": ["darwin"] },
    "peer@10.29.0": {},
    "tool@1.0.0": {}
  },
  "redirects": { "https://deno.example.org/x": "https://deno.example.org/x@1" },
  "remote": {
    "https://deno.example.org/x@1/mod.ts": "03ad95e543d2808bc43c17a3dd29d25b43d0f16287fe562a0be89bf632454a12"
  },
  "workspace": {
    "dependencies": [ "jsr:@std/fs@1" ],
    "packageJson": { "dependencies": [ "npm:a@^2.9.0", "npm:tool@1", "jsr:@s/member@^0.1.0" ] },
    "members": {
      "packages/member": { "dependencies": [ "jsr:@std/path@1.0", "npm:gone@1" ] }
    }
  }
}
"#;

#[test]
fn packages_of_both_registries_are_resolved() {
    let manifest = r#"{ "name": "shop", "dependencies": { "a": "^2.9.0" }, "devDependencies": { "tool": "1" } }"#;
    let member = "{ // ours\n \"name\": \"@s/member\", \"version\": \"0.1.0\", }";
    let files =
        [("deno.lock", V5), ("package.json", manifest), ("packages/member/deno.jsonc", member)];
    insta::assert_snapshot!(read(files), @r"
    pkg:npm/%40jsr/std__fs@1.0.23?repository_url=https:%2F%2Fnpm.jsr.io registry runtime:12
        runtime @std/internal@1.0.12
        runtime @std/path@1.1.4
        runtime tool@1.0.0
    pkg:npm/%40jsr/std__internal@1.0.12?repository_url=https:%2F%2Fnpm.jsr.io registry runtime:20
    pkg:npm/%40jsr/std__path@1.0.9?repository_url=https:%2F%2Fnpm.jsr.io registry runtime:21
    pkg:npm/%40jsr/std__path@1.1.4?repository_url=https:%2F%2Fnpm.jsr.io registry runtime:22
        runtime @std/internal@1.0.12
    root pkg:npm/%40s/member@0.1.0 member runtime at `packages/member`:45,1
        runtime @std/path@1.0.9
    pkg:npm/a@2.9.0 registry runtime:25
        runtime b@1.0.0
        runtime b@2.0.0
        optional maybe@1.0.0
        peer peer@10.29.0
    pkg:npm/b@1.0.0 registry runtime:31
    pkg:npm/b@2.0.0 registry runtime:32
    pkg:npm/maybe@1.0.0 registry optional:33
    pkg:npm/peer@10.29.0 registry runtime:34
    root pkg:npm/shop member runtime at ``:41,1
        runtime @std/fs@1.0.23
        unknown @s/member@0.1.0 at `packages/member`
        runtime a@2.9.0
        dev tool@1.0.0
    pkg:npm/tool@1.0.0 registry runtime:35
    warning: deno.lock: files imported by address are no packages and left out: 1
    warning: deno.lock:25: `gone`, which a needs, is not in the lock file
    warning: deno.lock:45: `npm:gone@1` is asked for and not in the lock file
    ");
}

#[test]
fn digests_are_what_the_file_says() {
    let graph = Format::Deno.parse("deno.lock", V5.as_bytes(), &mut Warnings::default()).unwrap();
    insta::assert_snapshot!(told(&graph), @r"
    @std/fs@1.0.23: from jsr:@std/fs@1.0.23; integrity 3ecbae4ce4fee03b180fa710caff36bb5adb66631c46a6460aaad49515565a37
    @std/internal@1.0.12: from jsr:@std/internal@1.0.12; integrity 972a634fd5bc34b242024402972cd5143eac68d8dffaca5eaa4dba30ce17b027
    @std/path@1.0.9: from jsr:@std/path@1.0.9
    @std/path@1.1.4: from jsr:@std/path@1.1.4
    a@2.9.0: Sha1 da39a3ee…
    b@1.0.0: Sha1 da39a3ee…
    ");
}

#[test]
fn older_versions_are_resolved() {
    let v3 = r#"{
  "version": "3",
  "packages": {
    "specifiers": { "jsr:@std/fs@1": "jsr:@std/fs@1.0.0", "npm:a@1": "npm:a@1.0.0_b@2.0.0" },
    "jsr": { "@std/fs@1.0.0": { "dependencies": [ "npm:a@1" ] } },
    "npm": {
      "a@1.0.0_b@2.0.0": { "integrity": "", "dependencies": { "other": "b@2.0.0" } },
      "b@2.0.0": { "integrity": "", "dependencies": {} }
    }
  },
  "remote": {},
  "workspace": { "dependencies": [ "jsr:@std/fs@1" ] }
}"#;
    let v2 = r#"{
  "version": "2",
  "remote": {},
  "npm": {
    "specifiers": { "a@1": "a@1.0.0" },
    "packages": {
      "a@1.0.0": { "integrity": "", "dependencies": { "b": "b@2.0.0" } },
      "b@2.0.0": { "integrity": "", "dependencies": {} },
      "broken": 1, "worse": {}
    }
  }
}"#;
    insta::assert_snapshot!(read([("deno.lock", v3)]), @r"
    pkg:npm/%40jsr/std__fs@1.0.0?repository_url=https:%2F%2Fnpm.jsr.io registry runtime:5
        runtime a@1.0.0
    pkg:npm/a@1.0.0 registry runtime:7
        runtime b@2.0.0
    pkg:npm/b@2.0.0 registry runtime:8
    root pkg:npm/root member runtime at ``:12
        runtime @std/fs@1.0.0
    ");
    insta::assert_snapshot!(read([("deno.lock", v2)]), @r"
    pkg:npm/a@1.0.0 registry unknown:7
        runtime b@2.0.0
    pkg:npm/b@2.0.0 registry unknown:8
    warning: deno.lock:9: `broken`: no usable entry
    warning: deno.lock:9: `worse`: it names no version
    ");
}

#[test]
fn what_is_no_lock_file_is_an_error_with_a_reason() {
    insta::assert_snapshot!(read([("deno.lock", "{}")]), @"warning: deno.lock: not a lock file: it has no section of deno's");
    insta::assert_snapshot!(read([("deno.lock", "{\"version\": \"5\", ")]), @"warning: deno.lock:1: not valid JSON: it ends too early");
}
