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
    let value = |name: String| {
        let value = env::var_os(&name)?;
        Some((name, std::os::unix::ffi::OsStringExt::into_vec(value)))
    };
    Secrets::new(names.into_iter().filter_map(value)).map_err(Problem::Secrets)
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAME_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_holds_a_secret_says_so() {
        let names = ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "db_password"];
        assert!(names.into_iter().all(says_secret));
        let names = ["PATH", "HOME", "KEYMAP", "GITHUB_SHA", "CI"];
        assert!(!names.into_iter().any(says_secret));
    }
}
