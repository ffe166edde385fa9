//! Where a run took place: what tells the runs of one team from those of another.

use serde::{Deserialize, Serialize};

/// What the pipeline of a run says of itself. It decides nothing.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pipeline {
    /// The repository, such as `acme/shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The branch; of a pull request, the one that is to be merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The workflow or pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
}

/// The longest name that is kept of a repository, a branch or a workflow, in bytes.
pub const PIPELINE_NAME_BYTES_MAX: usize = 256;

impl Pipeline {
    /// Names as an environment has them, so much of each; none where it says nothing. Of an address
    /// the user and the password are left out.
    #[must_use]
    pub fn named(
        repository: Option<&str>,
        branch: Option<&str>,
        workflow: Option<&str>,
    ) -> Option<Self> {
        let kept = |name: Option<&str>| {
            let name = without_user(name?.trim());
            let end = name.floor_char_boundary(PIPELINE_NAME_BYTES_MAX);
            (end > 0).then(|| name[..end].to_owned())
        };
        let named =
            Self { repository: kept(repository), branch: kept(branch), workflow: kept(workflow) };
        (named != Self::default()).then_some(named)
    }
}

/// An address without what stands before its host: that may be a password.
fn without_user(name: &str) -> String {
    let Some((scheme, rest)) = name.split_once("://") else { return name.to_owned() };
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let begin = rest[..host].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[begin..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_without_its_password() {
        for (address, kept) in [
            ("https://ci:p@ss@host.example/acme/shop", "https://host.example/acme/shop"),
            ("https://host.example/a@b", "https://host.example/a@b"),
            ("git@host.example:acme/shop.git", "git@host.example:acme/shop.git"),
            ("acme/shop", "acme/shop"),
        ] {
            let named = Pipeline::named(Some(address), None, None).unwrap();
            assert_eq!(named.repository.as_deref(), Some(kept));
        }
    }

    #[test]
    fn a_name_is_kept_as_far_as_there_is_room() {
        assert_eq!(Pipeline::named(None, Some(" "), Some("")), None);
        let long = "ü".repeat(PIPELINE_NAME_BYTES_MAX);
        let named = Pipeline::named(Some(&long), None, Some(" ci ")).unwrap();
        assert_eq!(named.repository.unwrap().len(), PIPELINE_NAME_BYTES_MAX);
        assert_eq!((named.branch, named.workflow.as_deref()), (None, Some("ci")));
    }
}
