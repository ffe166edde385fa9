//! What a Gemfile.lock and the Gemfile beside it come to.

use super::super::sketch::{parse, read};
use super::DEFAULT_HOST;
use crate::Format;

/// An application. `HOST` stands for the usual registry.
const APP: &str = "GIT
  remote: https://user:word@git.example.org/forked.git
  revision: 027dbe2e56397b534e859fc283990cad1b6addd6
  branch: main
  specs:
    forked (2.0.0.alpha1)
      rack (~> 2.0)

PATH
  remote: engines/shop
  specs:
    shop (0.1.0)
      rack

GEM
  remote: https://HOST/
  specs:
    nokogiri (1.16.2-arm64-darwin)
      racc (~> 1.4)
    nokogiri (1.16.2-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.3)
    rack (2.2.8, extra)
    rack (2.2.8)
    rspec (3.13.0)
      bundler (>= 1.2.0, < 3)

GEM
  remote: https://token@gems.example.org/
  specs:
    secret (1.0.0)
      nokogiri (>= 1.6)
      missing

PLATFORMS
  arm64-darwin
  x86_64-linux

DEPENDENCIES
  forked!
  nokogiri (~> 1.16, < 2)
  rspec
  secret!
  shop!

CHECKSUMS
  forked (2.0.0.alpha1)
  nokogiri (1.16.2-arm64-darwin) sha256=6a7c5c2fd3ec3e4bdcc8d1ca0d8ab5e2ff4c0d6dcc2a7a3e5cc8a7bb0b7c6d01
  nokogiri (1.16.2-x86_64-linux) sha256=7a7c5c2fd3ec3e4bdcc8d1ca0d8ab5e2ff4c0d6dcc2a7a3e5cc8a7bb0b7c6d01
  racc (1.7.3) sha256=8a7c5c2fd3ec3e4bdcc8d1ca0d8ab5e2ff4c0d6dcc2a7a3e5cc8a7bb0b7c6d01

RUBY VERSION
   ruby 3.3.0p0

BUNDLED WITH
   2.5.6
";

fn app() -> String {
    APP.replace("HOST", DEFAULT_HOST).replace("    rack (2.2.8, extra)\n", "")
}

#[test]
fn an_application_needs_what_its_gemfile_asks_for() {
    let gemfile = "gem \"nokogiri\"\ngem \"forked\", git: \"x\"\ngem \"secret\"\n\
        gem \"rspec\", group: :test\n";
    let app = app();
    insta::assert_snapshot!(read([("shop/Gemfile.lock", app.as_str()), ("shop/Gemfile", gemfile)]), @r"
    pkg:gem/forked@2.0.0.alpha1?vcs_url=https:%2F%2Fgit.example.org%2Fforked.git%40027dbe2e56397b534e859fc283990cad1b6addd6 git runtime from `https://git.example.org/forked.git#027dbe2e56397b534e859fc283990cad1b6addd6` Gemfile.lock:6
        runtime rack@2.2.8
    pkg:gem/nokogiri@1.16.2 registry runtime [nokogiri-1.16.2-arm64-darwin.gem Sha256=6a7c5c2f] [nokogiri-1.16.2-x86_64-linux.gem Sha256=7a7c5c2f] Gemfile.lock:18 Gemfile.lock:20
        runtime racc@1.7.3
    pkg:gem/racc@1.7.3 registry runtime Sha256=8a7c5c2f Gemfile.lock:22
    pkg:gem/rack@2.2.8 registry runtime Gemfile.lock:23
    pkg:gem/rspec@3.13.0 registry dev Gemfile.lock:24
    pkg:gem/secret@1.0.0?repository_url=https:%2F%2Fgems.example.org registry runtime from `https://gems.example.org` Gemfile.lock:30
        runtime nokogiri@1.16.2
    root pkg:gem/shop member runtime at `shop` Gemfile.lock:39
        runtime forked@2.0.0.alpha1
        runtime nokogiri@1.16.2
        dev rspec@3.13.0
        runtime secret@1.0.0
        unknown shop@0.1.0
    pkg:gem/shop@0.1.0 path unknown at `shop/engines/shop` Gemfile.lock:12
        runtime rack@2.2.8
    warning: shop/Gemfile.lock:32: `missing` is needed and not in the lock file
    ");
}

#[test]
fn a_gem_needs_the_rest_to_be_developed() {
    let text = format!(
        "PATH\n  remote: .\n  specs:\n    mine (1.0.0)\n      rack (>= 2)\n\nGEM\n  remote: https://{DEFAULT_HOST}/\n  specs:\n    rack (3.0.0)\n    rake (13.0.0)\n\nDEPENDENCIES\n  mine!\n  rake (~> 13.0)\n"
    );
    insta::assert_snapshot!(read([("gems.locked", text.as_str()), ("Gemfile.lock", "GEM\n")]), @r"
    root pkg:gem/mine@1.0.0 member runtime at `` gems.locked:4
        runtime rack@3.0.0
        dev rake@13.0.0
    pkg:gem/rack@3.0.0 registry runtime gems.locked:10
    pkg:gem/rake@13.0.0 registry dev gems.locked:11
    warning: Gemfile.lock: left out because `gems.locked` beside it wins
    ");
}

#[test]
fn several_gems_of_one_repository_are_needed_and_the_rest_to_develop_them() {
    let text = "PATH\n  remote: .\n  specs:\n    one (1.0.0)\n      two (= 1.0.0)\n    two (1.0.0)\n      rack\n\nGEM\n  specs:\n    rack (3.0.0)\n    rake (13.0.0)\n\nDEPENDENCIES\n  one!\n  rake\n  wdm\n";
    insta::assert_snapshot!(read([("whole/Gemfile.lock", text), ("whole/Gemfile", "gem \"rake\"\n")]), @r"
    root pkg:gem/one@1.0.0 member runtime at `whole` Gemfile.lock:4
        runtime two@1.0.0
    pkg:gem/rack@3.0.0 registry runtime Gemfile.lock:11
    pkg:gem/rake@13.0.0 registry dev Gemfile.lock:12
    root pkg:gem/two@1.0.0 member runtime at `whole` Gemfile.lock:6
        runtime rack@3.0.0
    root pkg:gem/whole member runtime at `whole` Gemfile.lock:15
        runtime one@1.0.0
        dev rake@13.0.0
    ");
}

#[test]
fn a_broken_line_costs_itself() {
    let text = "GEM\n  specs:\n    invalid-name\n      rack\n<<<<<<< HEAD\n    rack (2.2.8)\n=======\n    rack (2.2.9)\n>>>>>>> theirs\n     odd (1.0)\n    last (1.0)\n      rack\n\nDEPENDENCIES\n  last\n";
    insta::assert_snapshot!(parse(Format::Gem, text), @r"
    pkg:gem/last@1.0 registry unknown gems.locked:11
        runtime rack@2.2.8
        runtime rack@2.2.9
    pkg:gem/rack@2.2.8 registry unknown gems.locked:6
    pkg:gem/rack@2.2.9 registry unknown gems.locked:8
    root pkg:gem/root member runtime at `` gems.locked:15
        unknown last@1.0
    warning: gems.locked:3: a gem without a usable name and version
    warning: gems.locked:5: the mark of a merge conflict
    warning: gems.locked:7: the mark of a merge conflict
    warning: gems.locked:9: the mark of a merge conflict
    warning: gems.locked:10: a line that stands too far in, or not enough
    ");
    insta::assert_snapshot!(parse(Format::Gem, "GEM\n"), @"");
    insta::assert_snapshot!(parse(Format::Gem, "what is this"), @"error: None: not a lock file: it has no section of a Gemfile.lock");
}
