//! Policies, as they are written and as they are refused.

use super::*;

const KEY: &str = "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn check(text: &str, pull_request: Option<&str>, key: Option<&str>) -> Result<Sharing, String> {
    let policy: Policy = toml::from_str(text).map_err(|err| err.message().to_owned())?;
    let lookup = |name: &str| match name {
        "STEPWELL_CACHE_KEY" => key.map(str::to_owned),
        "ACTIONS_RUNTIME_TOKEN" => Some("token".to_owned()),
        "ACTIONS_RESULTS_URL" => Some("https://example.org/".to_owned()),
        _ => None,
    };
    policy.check(Path::new("cache.toml"), pull_request, &lookup).map_err(|err| err.to_string())
}

fn domain(name: &str, rest: &str) -> String {
    format!("[[domain]]\nname = \"{name}\"\nurl = \"memory://\"\n{rest}\n")
}

#[test]
fn a_policy_says_what_is_read_and_written_and_who_is_believed() {
    let trusted = domain("trusted", &format!("signers = [\"{KEY}\"]"));
    let own = "[[domain]]\nname = \"pr\"\nurl = \"fs:///tmp/pr/{pull-request}\"\n\
               signers = \"anyone\"\nwrite = true\n";
    let policy = format!("{trusted}{own}[remote]\nlookup = \"1s\"\n");
    let sharing = check(&policy, Some("17"), None).unwrap();
    assert_eq!(sharing.trust.domains.keys().collect::<Vec<_>>(), ["pr", "trusted"]);
    assert_eq!(sharing.remote.writes().unwrap().store.url(), "fs:///tmp/pr/17");
    // Of no pull request, or of one whose number is a path, there is no such domain.
    for number in [None, Some("../trusted"), Some("1/2")] {
        let sharing = check(&policy, number, None).unwrap();
        assert_eq!(sharing.trust.domains.keys().collect::<Vec<_>>(), ["trusted"], "{number:?}");
        assert!(sharing.remote.writes().is_none());
    }
}

#[test]
fn a_policy_that_is_not_understood_is_refused() {
    let listed = format!("signers = [\"{KEY}\"]");
    let cases = [
        (domain("a", "signers = []"), "believes nobody"),
        (domain("a", "signers = \"everyone\""), "is not who signs"),
        (domain("a", "signers = [\"ed25519:short\"]"), "it is not a key"),
        (domain("a", ""), "missing field `signers`"),
        (domain("a", &format!("{listed}\nreadonly = true")), "unknown field `readonly`"),
        (domain("a", &format!("{listed}\nwrite = true")), "there is no key to sign with"),
        (domain("a", &listed).repeat(2), "two domains `a`"),
        (domain("a", &listed).replace("memory:", "nowhere:"), "the domain `a` cannot be used"),
        (
            domain("a", "signers = \"anyone\"\nwrite = true")
                .replace("memory://", "ghac://stepwell/cache"),
            "cannot replace what it holds",
        ),
        ("[remote]\nlookup = \"2h\"".to_owned(), "longer than a minute"),
        ("[revoked]\ncomponents = [\"xyz\"]".to_owned(), "is not a digest"),
        ("[trust]\n".to_owned(), "unknown field `trust`"),
        ((0..9).map(|n| domain(&n.to_string(), &listed)).collect(), "more than 8 domains"),
    ];
    for (policy, expected) in cases {
        let refused = check(&policy, None, None).map(drop).unwrap_err();
        assert!(refused.contains(expected), "{policy}\n{refused}");
    }
    let both = |name| domain(name, &format!("{listed}\nwrite = true"));
    let refused = check(&[both("a"), both("b")].concat(), None, Some(KEY)).map(drop).unwrap_err();
    assert!(refused.contains("more than one domain"), "{refused}");
}
