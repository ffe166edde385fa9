//! What a lock file of Terraform comes to, whole and broken.

use crate::Format;
use crate::format::sketch::{parse, read};

#[test]
fn a_provider_has_the_digests_of_its_archives() {
    let zip = "zh:089aec7ba6b9843741fec84e0bc046d97d2e41a9fedbe5d77124e66227395c63";
    let other = "zh:022eb9cefb72d25cb39aebf17787ae5a1a239544abae7ac11fdc2b5a464c06f8";
    let text = format!(
        "# This file is maintained automatically.\n\n\
         provider \"registry.terraform.io/hashicorp/null\" {{\n  version     = \"2.1.0\"\n  \
         constraints = \">= 2.0.0, 2.1.0\"\n  hashes = [\n    \"h1:ZZ=\",\n    \"h1:AA=\",\n    \
         \"{zip}\",\n    \"{other}\",\n    \"zh:short\",\n  ]\n}}\n\n\
         provider \"registry.opentofu.org/hashicorp/random\" {{\n  version = \"3.6.0\"\n  \
         hashes  = [\"{zip}\"]\n}}\n\
         provider \"example.org:8443/Acme/thing\" {{ version = \"1.0.0-beta\" }}\n"
    );
    insta::assert_snapshot!(parse(Format::Terraform, &text), @r"
    pkg:terraform/Acme/thing@1.0.0-beta?repository_url=https:%2F%2Fexample.org:8443 registry unknown from `example.org:8443/Acme/thing` .terraform.lock.hcl:19
    pkg:terraform/hashicorp/null@2.1.0 registry unknown from `registry.terraform.io/hashicorp/null` integrity `h1:AA= h1:ZZ=` [ Sha256=022eb9ce] [ Sha256=089aec7b] .terraform.lock.hcl:3
    pkg:terraform/hashicorp/random@3.6.0?repository_url=https:%2F%2Fregistry.opentofu.org registry unknown from `registry.opentofu.org/hashicorp/random` Sha256=089aec7b .terraform.lock.hcl:15
    ");
}

#[test]
fn a_broken_part_costs_the_block_it_is_in() {
    let text = "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n\
        <<<<<<< ours\n  constraints = \"1\"\n=======\n  constraints = \"2\"\n>>>>>>> theirs\n}\n\
        provider \"registry.terraform.io/a/cut\" {\n  version = \"1.0.0\"\n  hashes = [\n\
        provider \"registry.terraform.io/a/unversioned\" {\n}\n\
        provider \"hashicorp/short\" {\n  version = \"1.0.0\"\n}\n\
        provider registry {\n}\n\
        module \"x\" {\n  source = \"y\"\n}\n\
        provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n}\n\
        provider \"registry.terraform.io/a/open {\n  version = \"1.0.0\"\n}\n\
        /* a remark\n */ provider \"registry.terraform.io/a/last\" {\n  version = \"2.0.0\" // two\n}\n";
    insta::assert_snapshot!(parse(Format::Terraform, text), @r"
    pkg:terraform/a/b@1.0.0 registry unknown from `registry.terraform.io/a/b` .terraform.lock.hcl:1
    pkg:terraform/a/cut@1.0.0 registry unknown from `registry.terraform.io/a/cut` .terraform.lock.hcl:9
    pkg:terraform/a/last@2.0.0 registry unknown from `registry.terraform.io/a/last` .terraform.lock.hcl:29
    warning: .terraform.lock.hcl:3: the mark of a merge conflict
    warning: .terraform.lock.hcl:5: the mark of a merge conflict
    warning: .terraform.lock.hcl:7: the mark of a merge conflict
    warning: .terraform.lock.hcl:9: a `provider` block that is broken
    warning: .terraform.lock.hcl:17: a `provider` block that is broken
    warning: .terraform.lock.hcl:25: a text without an end
    warning: .terraform.lock.hcl:25: a `provider` block that is broken
    warning: .terraform.lock.hcl:12: a provider without a usable version
    warning: .terraform.lock.hcl:14: no address of a provider: `host/namespace/type` is what one has
    warning: .terraform.lock.hcl:22: `a/b` is locked twice
    ");
}

#[test]
fn what_locks_nothing_is_no_lock_file_but_for_an_empty_one() {
    insta::assert_snapshot!(parse(Format::Terraform, "# nothing is locked\n\n"), @"");
    insta::assert_snapshot!(parse(Format::Terraform, "locals {\n  a = 1\n}\n"), @r"
    error: None: not a lock file: it has no `provider` block
    warning: .terraform.lock.hcl:1: no `provider` block: left out
    ");
}

#[test]
fn it_is_found_wherever_a_configuration_lies() {
    let text = "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n}\n";
    let files = [("live/prod/.terraform.lock.hcl", text), ("modules/m/main.tf", "")];
    insta::assert_snapshot!(read(files), @r"
    pkg:terraform/a/b@1.0.0 registry unknown from `registry.terraform.io/a/b` .terraform.lock.hcl:1
    ");
}
