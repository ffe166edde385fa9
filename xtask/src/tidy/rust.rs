//! Just enough of Rust's grammar to know what is text in a program and what is the program.

/// The program with its strings emptied: quotes, line ends and comments stay where they are.
pub(super) fn without_strings(program: &str) -> String {
    let mut out = String::with_capacity(program.len());
    let mut rest = program;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '\'' => char_literal(rest),
            '"' => {
                let length = string(rest, raw_hashes(&out));
                let inside = rest[1..length].chars().filter(|c| *c == '\n');
                out.push('"');
                out.extend(inside);
                out.push('"');
                rest = &rest[length..];
                continue;
            }
            _ => next.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// The length of a comment that may hold others.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a character in quotes; 1 where the quote begins the name of a lifetime.
fn char_literal(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let escaped = chars.next().map_or(rest.len(), |(at, c)| at + c.len_utf8());
            rest[escaped..].find('\'').map_or(rest.len(), |end| escaped + end + 1)
        }
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1),
        None => 1,
    }
}

/// How many `#` stand between the `r` and the quote of a raw string that begins after `before`.
fn raw_hashes(before: &str) -> Option<usize> {
    let name = before.trim_end_matches('#');
    name.ends_with('r').then_some(before.len() - name.len())
}

/// The length of a string with its quotes.
fn string(rest: &str, raw: Option<usize>) -> usize {
    if let Some(hashes) = raw {
        let end = format!("\"{}", "#".repeat(hashes));
        // The hashes after the quote stay: they are no text.
        return rest[1..].find(&end).map_or(rest.len(), |at| at + 2);
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_emptied_and_nothing_else_is() {
        for (program, expected) in [
            (r#"a("b", "c\"d") // "e""#, r#"a("", "") // "e""#),
            (r##"r#"a "b" c"# + br"\" + d"##, r##"r#""# + br"" + d"##),
            ("\"a\nb\" c", "\"\n\" c"),
            ("'\"' 'a' '\\'' '\\u{41}' &'a str \"x\"", "'\"' 'a' '\\'' '\\u{41}' &'a str \"\""),
            ("/* \" /* \" */ \" */ \"x\"", "/* \" /* \" */ \" */ \"\""),
            ("\"é\" é 'é' \"", "\"\" é 'é' \"\""),
            ("/* never closed", "/* never closed"),
        ] {
            assert_eq!(without_strings(program), expected);
        }
    }
}
