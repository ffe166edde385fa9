//! Words from outside, fit to be repeated: one line, nothing unprintable, cut.

/// `text` as one line of at most `max` characters. Runs of white space become one space, what
/// cannot be seen or changes the direction of text is shown as an escape.
pub(super) fn plain(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let space = usize::from(!line.is_empty());
        if space == 1 {
            line.push(' ');
        }
        length += space;
        for c in word.chars() {
            if length >= max {
                line.push('…');
                return line;
            }
            length += 1;
            match c {
                '"' | '\'' | '\\' => line.push(c),
                c if is_hidden(c) => line.extend(c.escape_unicode()),
                c => line.extend(c.escape_debug()),
            }
        }
    }
    line
}

/// The same in backticks, which it cannot close.
pub(super) fn quoted(text: &str, max: usize) -> String {
    format!("`{}`", plain(text, max).replace('`', "'"))
}

/// `1 file`, `2 files`
pub(super) fn things(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Whether a command with this text does one thing in any shell.
pub(super) fn is_shell_safe(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || " _-:./=,+@".contains(c);
    !text.is_empty() && text.chars().all(is_safe)
}

/// A command as a person would type it, what is not plain in single quotes; none if it has more
/// than `max` characters, or some that cannot be seen, typed or quoted.
pub(super) fn typed(words: &[String], max: usize) -> Option<String> {
    let typed = |word: &String| {
        let is_typed = |c: char| (c.is_ascii_graphic() || c == ' ') && c != '\'' && c != '`';
        let is_plain = is_shell_safe(word) && !word.contains(' ');
        let quoted = || word.chars().all(is_typed).then(|| format!("'{word}'"));
        if is_plain { Some(word.clone()) } else { quoted() }
    };
    let command = words.iter().map(typed).collect::<Option<Vec<_>>>()?.join(" ");
    (!command.is_empty() && command.len() <= max).then_some(command)
}

/// Whether a path may be asked of a tool: relative, without `..`, printable.
pub(super) fn is_plain_path(path: &str) -> bool {
    const BYTES_MAX: usize = 1_024;
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    path.len() <= BYTES_MAX
        && path.split('/').all(is_part)
        && !path.contains(['\\', ':', '<', '>'])
        && !path.chars().any(|c| c.is_control() || is_hidden(c))
}

fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
    )
}
