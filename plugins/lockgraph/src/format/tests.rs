//! What holds of every format.

use super::*;

#[test]
fn whatever_is_looked_for_is_in_the_grants() {
    for format in Format::ALL {
        for pattern in format.patterns() {
            let name = path::file_name(pattern);
            assert!(GRANTS.contains(name), "{format:?}: `{name}` is missing in GRANTS");
        }
    }
}

#[test]
fn a_file_has_the_format_that_its_pattern_says() {
    for format in Format::ALL {
        for pattern in format.patterns() {
            let path = format!("some/dir/{}", pattern.replace('*', "x"));
            assert_eq!(Format::detect(&path), Some(format), "{path}");
        }
    }
}
