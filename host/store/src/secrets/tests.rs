//! No secret gets out.

use super::*;

#[track_caller]
fn check(said: &str, expected: &str) {
    let lookup = |name: &str| match name {
        "KEY" => Some("s3cret".to_owned()),
        "LONGER" => Some("s3cret-and-more".to_owned()),
        "SHORT" => Some("e".to_owned()),
        "OPEN" => Some("region".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let mut settings = Settings::new(&lookup);
    assert_eq!(settings.secret(&["EMPTY", "NONE", "KEY"]).as_deref(), Some("s3cret"));
    assert!(settings.secret(&["LONGER"]).is_some());
    assert!(settings.secret(&["SHORT"]).is_some());
    assert!(settings.setting(&["OPEN"]).is_some());
    assert_eq!(settings.into_censor().clean(said), expected);
}

#[test]
fn what_a_service_says_loses_its_secrets_and_its_lines() {
    check("the region is wrong", "the region is wrong");
    check("key s3cret,\n  s3cret-and-more is\r\nbad", "key ***, *** is bad");
    check(&"x".repeat(500), &format!("{}…", "x".repeat(400)));
}
