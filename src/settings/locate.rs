//! Where in a settings file a key is, so that messages can name both.
//!
//! It reads block style by indentation, as people write settings; inside `{…}` and `[…]` the nearest
//! key outside is as close as it gets.

/// Every line that has a key, with the full path of the key.
pub(super) fn keys(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    text.lines().enumerate().filter_map(move |(line, content)| {
        let trimmed = content.trim_start();
        let indent = content.len() - trimmed.len();
        let (key, _) = split_key(trimmed)?;
        while open.last().is_some_and(|(deeper, _)| *deeper >= indent) {
            open.pop();
        }
        open.push((indent, key));
        Some((line + 1, open.iter().map(|(_, key)| *key).collect()))
    })
}

/// `key: rest`, if the line is that.
fn split_key(line: &str) -> Option<(&str, &str)> {
    if line.starts_with(['#', '-', '{', '[']) {
        return None;
    }
    if let Some(quote) = line.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let (key, rest) = line[1..].split_once(quote)?;
        return Some((key, rest.trim_start().strip_prefix(':')?));
    }
    let mut colons = line.match_indices(':');
    let (end, _) = colons.find(|(at, _)| {
        line[at + 1..]
            .chars()
            .next()
            .is_none_or(char::is_whitespace)
    })?;
    Some((line[..end].trim_end(), &line[end + 1..]))
}

/// The line, counted from 1, of a key, or of the nearest section around it that has one.
pub(super) fn line_of(text: &str, path: &[String]) -> Option<usize> {
    (1..=path.len()).rev().find_map(|depth| {
        let wanted = &path[..depth];
        keys(text)
            .find(|(_, found)| found.iter().eq(wanted.iter()))
            .map(|(line, _)| line)
    })
}

/// The dotted key on a line or, where that has none, on the nearest before it.
pub(super) fn key_at(text: &str, line: usize) -> Option<String> {
    let before = keys(text).take_while(|(at, _)| *at <= line);
    before.last().map(|(_, path)| path.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# all of it
web:
  listen_address: 0.0.0.0:9599

  max_series: 5   # few
models:
  'fraud.v2: x':
    features: {age: {role: id}}
  churn:
    profile: a.json
windows:
  - 5m
  - 1h
";

    fn line(path: &[&str]) -> Option<usize> {
        let path: Vec<_> = path.iter().map(|&key| key.to_owned()).collect();
        line_of(TEXT, &path)
    }

    #[test]
    fn a_key_is_found_by_its_path() {
        assert_eq!(line(&["web", "max_series"]), Some(5));
        assert_eq!(line(&["models", "churn", "profile"]), Some(10));
        assert_eq!(line(&["models", "fraud.v2: x"]), Some(7));
    }

    #[test]
    fn inside_braces_the_nearest_key_outside_is_named() {
        let path = ["models", "fraud.v2: x", "features", "age", "role"];
        assert_eq!(line(&path), Some(8));
        assert_eq!(line(&["push", "socket_mode"]), None);
    }

    #[test]
    fn a_line_has_the_key_it_belongs_to() {
        assert_eq!(key_at(TEXT, 5).as_deref(), Some("web.max_series"));
        assert_eq!(key_at(TEXT, 13).as_deref(), Some("windows"));
        assert_eq!(key_at(TEXT, 1), None);
    }
}
