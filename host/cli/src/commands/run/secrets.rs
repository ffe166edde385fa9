//! Which of this machine's values must not leave: the model's key, what headers take from the
//! environment, and every variable whose name says that it holds a secret.

use std::collections::BTreeSet;
use std::env;

use gate::Secrets;

use crate::problem::Problem;
use crate::step::Step;

/// What is in the name of a variable that holds a secret.
const NAME_PARTS: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "api_key",
    "apikey",
    "private_key",
];

/// How variables of ours begin and end that hold keys to sign with.
const OWN_KEY: (&str, &str) = ("stepwell_", "_key");

/// Where Docker's credentials stand.
const DOCKER: &str = "docker_auth_config";

/// Variables whose names do not say that keys stand in them.
const TELEMETRY_HEADERS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
];

/// The values, by the names of their variables. One that is not text is looked for by its bytes.
pub(super) fn secrets(step: &Step) -> Result<Secrets, Problem> {
    let model = step.model.iter();
    let mut names: BTreeSet<String> = model
        .flat_map(|model| {
            let headers = model.headers.values().filter_map(|header| header.variable());
            headers.chain([model.key_env.as_str()]).map(str::to_owned)
        })
        .collect();
    let all = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.extend(all.filter(|name| says_secret(name)));
    // Whoever tells a collector who they are does so by a key.
    names.extend(TELEMETRY_HEADERS.map(str::to_owned));
    let value = |name: String| {
        let value = env::var_os(&name)?;
        Some((name, std::os::unix::ffi::OsStringExt::into_vec(value)))
    };
    let headers = telemetry_headers(|name| env::var(name).ok());
    Secrets::new(names.into_iter().filter_map(value).chain(headers)).map_err(Problem::Secrets)
}

/// The value of each header that a collector is sent, as it is on the wire.
fn telemetry_headers(var: impl Fn(&str) -> Option<String>) -> Vec<(String, Vec<u8>)> {
    // One that cannot be read is not sent either.
    let to = telemetry::Destinations::of(var).unwrap_or_default();
    let mut values: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (_, one) in to.each() {
        values.extend(one.headers().values().map(<[u8]>::to_vec));
    }
    let name = "a header of OTEL_EXPORTER_OTLP_HEADERS";
    values.into_iter().map(|value| (name.to_owned(), value)).collect()
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_own_key = name.starts_with(OWN_KEY.0) && name.ends_with(OWN_KEY.1);
    is_own_key || name == DOCKER || NAME_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_is_told_of_us_is_a_secret() {
        let vars = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc%2Fdef,x=y"),
        ];
        let var = |name: &str| Some(vars.iter().find(|(it, _)| *it == name)?.1.to_owned());
        let values: Vec<_> = telemetry_headers(var).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [b"Bearer abc/def".to_vec(), b"y".to_vec()]);
    }

    #[test]
    fn a_variable_that_holds_a_secret_says_so() {
        let names = [
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "OPENAI_API_KEY",
            "db_password",
            "STEPWELL_TRACE_KEY",
            "STEPWELL_APPROVAL_KEY",
            "STEPWELL_CACHE_KEY",
            "STEPWELL_TOOL_KEY",
            "DOCKER_AUTH_CONFIG",
        ];
        assert!(names.into_iter().all(says_secret));
        let names = ["PATH", "HOME", "KEYMAP", "GITHUB_SHA", "CI", "STEPWELL_CACHE_KEY_FILE"];
        assert!(!names.into_iter().any(says_secret));
    }
}
