//! What can stand where a format wants an address.

/// Whether a text is an absolute address of the plain kind.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    // A host with a path after a colon, which git takes, is no address.
    let host = rest.split('/').next().unwrap_or(rest);
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    is_scheme
        && text.chars().all(is_plain)
        && text.matches('#').count() < 2
        && port.chars().all(|c| c.is_ascii_digit())
        && percent_is_used_well(text)
}

/// `text` where it is an address, and otherwise a relative address of a file called so.
pub(crate) fn or_relative(text: String) -> String {
    if is_address(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~/!$&'()*+,;=@".contains(c) {
            out.push(c);
        } else {
            out.push('%');
            out.push_str(&hex(byte));
        }
    }
    out
}

fn hex(byte: u8) -> String {
    format!("{byte:02X}")
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c)
}

fn percent_is_used_well(text: &str) -> bool {
    let follows = |rest: &str| rest.chars().take(2).filter(char::is_ascii_hexdigit).count() == 2;
    text.split('%').skip(1).all(follows)
}

/// Whether the last name of an address is one of a file that packages come in.
pub(crate) fn is_archive(address: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".crate", ".gem", ".jar", ".nupkg", ".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tgz",
        ".whl", ".zip", ".aar",
    ];
    let path = address.split(['?', '#']).next().unwrap_or(address).to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_absolute_and_plain() {
        for is in
            ["https://host.example/a", "git+ssh://git@host.example/a.git#1", "https://h:8/%20"]
        {
            assert!(is_address(is), "{is}");
        }
        for not in
            ["a.whl", "ssh://git@host:a/b", "https://h/a b", "https://h/%2", "https://h/#a#b"]
        {
            assert!(!is_address(not), "{not}");
        }
        assert_eq!(or_relative("a b:1.whl".to_owned()), "a%20b%3A1.whl");
        assert!(is_archive("https://h/a.tar.gz?x#y") && !is_archive("https://h/simple/"));
    }
}
