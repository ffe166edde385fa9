//! No spelling of a secret leaves, and no verdict shows one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::formats;
use crate::{Judgement, Patch, RuleSpec, Rules, Ruling, SecretForm, Secrets, SecretsError, judge};

const KEY: &str = "OPENAI_API_KEY";

fn knowing(value: &[u8]) -> Rules {
    let secrets = Secrets::new([(KEY.to_owned(), value.to_vec())]).unwrap();
    Rules::new(&RuleSpec::default()).unwrap().knowing(secrets)
}

fn judged(rules: &Rules, patch: &str) -> Judgement {
    judge(&Patch::parse(patch).unwrap().validate().unwrap(), rules)
}

fn new_file(path: &str, lines: &[&str]) -> String {
    let text: String = lines.iter().map(|line| format!("+{line}\n")).collect();
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{text}", lines.len())
}

fn said(rules: &Rules, patch: &str) -> String {
    let judgement = judged(rules, patch);
    let verdict = judgement.verdicts.last().unwrap();
    format!("{}: {}", verdict.ruling, verdict.because)
}

#[test]
fn a_known_value_is_found_in_every_spelling_and_told_by_its_name() {
    let value = "s3cr3t/v+lue é";
    let in_text = STANDARD.encode(format!("x{value}"));
    let wrapped = format!("{}\n+  {}", &in_text[..9], &in_text[9..]);
    let hex: String = value.bytes().map(|byte| format!("{byte:02X}")).collect();
    let rules = knowing(format!("{value}\n").as_bytes());
    let lines = |lines: &[&str]| said(&rules, &new_file("a.txt", lines));
    let found = [
        lines(&["fine", &format!("key = {value:?}")]),
        lines(&[&STANDARD.encode(value)]),
        lines(&[&URL_SAFE.encode(format!("user:{value}@host"))]),
        lines(&[&hex]),
        lines(&["?k=s3cr3t%2fv%2Blue%20%C3%A9&x"]),
        said(&rules, &format!("--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1,3 @@\n+one\n+{wrapped}\n")),
        lines(&["fine"]),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    refuse: 1 secret: the value of `OPENAI_API_KEY` in `a.txt` line 2; take it out, and change it if it was ever real
    refuse: 1 secret: the value of `OPENAI_API_KEY` in base64 in `a.txt` line 1; take it out, and change it if it was ever real
    refuse: 1 secret: the value of `OPENAI_API_KEY` in base64 in `a.txt` line 1; take it out, and change it if it was ever real
    refuse: 1 secret: the value of `OPENAI_API_KEY` in hexadecimal in `a.txt` line 1; take it out, and change it if it was ever real
    refuse: 1 secret: the value of `OPENAI_API_KEY` as in a URL in `a.txt` line 1; take it out, and change it if it was ever real
    refuse: 1 secret: the value of `OPENAI_API_KEY` in base64 in `a.txt` line 2; take it out, and change it if it was ever real
    pass: no secret that is known, or looks like one
    ");
}

#[test]
fn a_secret_in_a_name_is_masked_in_every_verdict() {
    let value = "sekret-value-1";
    let rules = knowing(value.as_bytes());
    let patch = new_file(&format!(".github/{value}/x.yml"), &["x\u{202e}"]);
    let judgement = judged(&rules, &patch);
    assert_eq!(judgement.ruling(), Ruling::Refuse);
    let shown = serde_json::to_string_pretty(&judgement).unwrap();
    assert!(!shown.contains(value), "{shown}");
    assert!(shown.contains(".github/***/x.yml"), "{shown}");
    assert!(!format!("{rules:?}").contains(value));
}

#[test]
fn values_that_overlap_are_masked_as_a_whole() {
    let value = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let secrets = Secrets::new([
        value("WHOLE", "abcdefgh-0123456789"),
        value("PART", "gh-01234"),
        value("NEXT", "6789-uvwxyz"),
    ]);
    let rules = Rules::new(&RuleSpec::default()).unwrap().knowing(secrets.unwrap());
    let patch = new_file("x/abcdefgh-0123456789-uvwxyz.txt", &["x"]);
    let verdict = judged(&rules, &patch).verdicts.pop().unwrap();
    assert_eq!(verdict.paths, ["x/***.txt"]);
    let patch = new_file("x/gh-01234/y", &["x"]);
    assert_eq!(judged(&rules, &patch).verdicts.pop().unwrap().paths, ["x/***/y"]);
}

#[test]
fn what_was_there_before_is_no_finding() {
    let rules = knowing(b"sekret-value-1");
    let patch = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n sekret-value-1\n-sekret-value-1\n+new\n";
    insta::assert_snapshot!(said(&rules, patch), @"pass: no secret that is known, or looks like one");
}

/// Put together here, so that no scanner takes this file for a leak.
fn samples() -> Vec<(&'static str, String)> {
    let many = |text: &str, times: usize| text.repeat(times);
    vec![
        ("a private key", ["-----BEGIN RSA ", "PRIVATE KEY-----"].concat()),
        ("a private key", ["-----BEGIN PGP ", "PRIVATE KEY BLOCK-----"].concat()),
        ("a GitHub token", format!("ghp_{}", many("aB3", 12))),
        ("a GitHub token", format!("github_pat_{}_{}", many("a", 22), many("b", 59))),
        ("a GitLab token", format!("glpat-{}", many("x9_-", 5))),
        ("a Slack token", format!("xoxb-{}", many("123-", 5))),
        ("a Slack token", format!("xapp-1-{}", many("A1B2", 6))),
        ("a Slack webhook", format!("hooks.slack.com/services/T0000AAAA/{}", many("B0/x", 6))),
        ("an AWS access key", format!("AKIA{}", many("ABCD", 4))),
        ("a Google API key", format!("AIza{}", many("Ab_-9", 7))),
        ("a Google OAuth secret", format!("GOCSPX-{}", many("ab-_", 7))),
        ("an Azure storage key", format!("AccountKey={}==", many("a+", 43))),
        ("an Azure client secret", format!("abc8Q~{}", many("x", 34))),
        ("an Azure DevOps token", format!("{}AZDO1234", many("abcd", 19))),
        ("a Stripe key", format!("sk_live_{}", many("a1B2", 6))),
        ("a Stripe webhook secret", format!("whsec_{}", many("a1B2", 8))),
        ("an npm token", format!("npm_{}", many("aB3", 12))),
        ("a PyPI token", format!("pypi-AgE{}", many("Ia_-", 15))),
        ("a Cargo registry token", format!("cio{}", many("aB3x", 8))),
        ("a RubyGems key", format!("rubygems_{}", many("0af", 16))),
        ("a Docker Hub token", format!("dckr_pat_{}", many("a-B", 9))),
        ("an OpenAI key", format!("sk-proj-{}T3BlbkFJ{}", many("a1", 10), many("b2", 10))),
        ("an Anthropic key", format!("sk-ant-api03-{}", many("a-_9", 23))),
        ("a Hugging Face token", format!("hf_{}", many("aB", 17))),
        ("a SendGrid key", format!("SG.{}.{}", many("a", 22), many("b", 43))),
        ("a Twilio key", format!("SK{}", many("0a", 16))),
        ("a DigitalOcean token", format!("dop_v1_{}", many("0a", 32))),
        ("a Databricks token", format!("dapi{}", many("0a", 16))),
        ("a Shopify token", format!("shpat_{}", many("0a", 16))),
        ("a Vault token", format!("hvs.{}", many("aB_-", 6))),
        ("a Terraform token", format!("{}.atlasv1.{}", many("ab", 7), many("c", 67))),
        ("a Grafana token", format!("glsa_{}_0a1b2c3d", many("ab", 16))),
        ("a Telegram bot token", format!("123456789:AA{}", many("a-_", 11))),
        ("an age key", format!("AGE-SECRET-KEY-1{}", many("QP", 29))),
        ("a JSON Web Token", format!("eyJ{0}.eyJ{0}.{0}", many("aB_-", 6))),
    ]
}

#[test]
fn each_well_known_shape_is_found_and_never_shown() {
    let rules = Rules::new(&RuleSpec::default()).unwrap();
    for (kind, secret) in samples() {
        let judgement = judged(&rules, &new_file("a.env", &[&format!("KEY=\"{secret}\"")]));
        let verdict = judgement.verdicts.last().unwrap();
        let whats: Vec<&str> = verdict.places.iter().map(|place| place.what.as_str()).collect();
        assert_eq!(whats, [kind], "{secret}");
        assert_eq!((verdict.ruling, verdict.places[0].line), (Ruling::Refuse, Some(1)));
        assert!(!serde_json::to_string(&judgement).unwrap().contains(&secret), "{secret}");
    }
    let kinds: std::collections::BTreeSet<&str> = samples().into_iter().map(|(k, _)| k).collect();
    let known: std::collections::BTreeSet<&str> = formats::kinds().collect();
    assert_eq!(kinds, known, "each kind has a sample");
}

#[test]
fn ordinary_text_has_no_shape_of_a_secret() {
    let rules = Rules::new(&RuleSpec::default()).unwrap();
    let text = [
        "let skip = risk_test_case; // ghp_ is a prefix, github_pat_ another",
        "AKIAIOSFODNN7EXAMPLE",
        "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "-----BEGIN PUBLIC KEY-----",
        "https://hooks.slack.com/services/",
        "eyJhbGciOiJIUzI1NiJ9 is the head of a token",
        "npm_config_registry, hf_transfer, glpat-XXX, xoxb-…",
    ];
    insta::assert_snapshot!(said(&rules, &new_file("a.txt", &text)), @"pass: no secret that is known, or looks like one");
}

#[test]
fn values_that_cannot_be_looked_for_are_told() {
    let one = |name: &str, value: &[u8]| [(name.to_owned(), value.to_vec())];
    let short = Secrets::new(one("CI", b"true")).unwrap();
    assert!(short.is_empty());
    assert_eq!(short.short(), ["CI"]);
    let long = Secrets::new(one("BIG", &vec![b'x'; 64 * 1024 + 1])).unwrap_err();
    assert_eq!(long, SecretsError::TooLong { name: "BIG".to_owned(), bytes: 64 * 1024 + 1 });
    let many = (0..257).map(|n| (n.to_string(), format!("value number {n}").into_bytes()));
    assert_eq!(Secrets::new(many).unwrap_err(), SecretsError::TooMany { found: 257 });
}

proptest! {
    /// Whatever stands around a value, and whatever it is made of, its spellings are found.
    #[test]
    fn no_spelling_hides_a_value(
        value in proptest::collection::vec(33_u8..127, 8..40),
        before in proptest::collection::vec(any::<u8>(), 0..7),
        after in proptest::collection::vec(any::<u8>(), 0..7),
        spelling in 0..5_usize,
        broken in 1..9_usize,
    ) {
        let secrets = Secrets::new([(KEY.to_owned(), value.clone())]).unwrap();
        let around = [before.as_slice(), &value, &after].concat();
        let (form, text) = match spelling {
            0 => (SecretForm::Plain, around),
            1 => (SecretForm::Base64, STANDARD.encode(&around).into_bytes()),
            2 => (SecretForm::Base64, URL_SAFE.encode(&around).into_bytes()),
            3 => {
                let text = STANDARD.encode(&around).into_bytes();
                (SecretForm::Base64, text.chunks(broken).collect::<Vec<_>>().join(&b"\r\n  "[..]))
            }
            _ => {
                let hex: String = around.iter().map(|byte| format!("{byte:02x}")).collect();
                (SecretForm::Hex, hex.into_bytes())
            }
        };
        let found = secrets.find(&text);
        prop_assert!(found.iter().any(|leak| leak.form == form), "{found:?}");
        prop_assert!(found.iter().all(|leak| leak.at.end <= text.len() && leak.name == KEY));
    }

    /// The search comes to an end on any text, and tells places within it.
    #[test]
    fn any_text_can_be_looked_at(text in any::<String>()) {
        for (_, at) in formats::find(&text) {
            prop_assert!(text.get(at).is_some());
        }
    }
}
