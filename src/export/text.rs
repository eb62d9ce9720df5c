//! The classic text format 0.0.4, made from OpenMetrics line by line.
//!
//! Both formats write samples alike. They differ in the metadata: the classic one names a counter
//! and an info family by their samples (`_total`, `_info`), knows no info (a gauge) and no unknown
//! (untyped), no `# UNIT`, no `# EOF` and no exemplars.

/// Turns an OpenMetrics page into a page of format 0.0.4.
pub fn classic(openmetrics: &str) -> String {
    let mut page = String::with_capacity(openmetrics.len());
    // HELP comes before the TYPE that decides the name: it waits for it.
    let mut help: Option<(&str, &str)> = None;
    for line in openmetrics.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            if !line.is_empty() {
                page.push_str(without_exemplar(line));
                page.push('\n');
            }
            continue;
        };
        if let Some(rest) = comment.strip_prefix("HELP ") {
            help = Some(rest.split_once(' ').unwrap_or((rest, "")));
        } else if let Some((name, kind)) = comment
            .strip_prefix("TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "stateset" | "gauge" => ("", "gauge"),
                "histogram" => ("", "histogram"),
                "summary" => ("", "summary"),
                _ => ("", "untyped"),
            };
            if let Some((_, text)) = help.take().filter(|(helped, _)| *helped == name) {
                for part in ["# HELP ", name, suffix, " ", text, "\n"] {
                    page.push_str(part);
                }
            }
            for part in ["# TYPE ", name, suffix, " ", kind, "\n"] {
                page.push_str(part);
            }
        }
    }
    page
}

/// A sample without its exemplar, ` # {…} value`, which follows the labels.
fn without_exemplar(line: &str) -> &str {
    if !line.contains(" # ") {
        return line;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted && line[at..].starts_with(" # ") => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_named_by_the_samples_and_samples_stay_as_they_are() {
        let openmetrics = r#"# HELP a Things.
# TYPE a counter
# UNIT a s
a_total{x="1"} 2
# HELP b About.
# TYPE b info
b_info{v="1"} 1
# HELP c Level.
# TYPE c gauge
c -1.5
# HELP d What.
# TYPE d unknown
d 3
# HELP e Times.
# TYPE e histogram
e_sum 1.0
e_count 1
e_bucket{le="+Inf"} 1
# EOF
"#;
        let expected = r#"# HELP a_total Things.
# TYPE a_total counter
a_total{x="1"} 2
# HELP b_info About.
# TYPE b_info gauge
b_info{v="1"} 1
# HELP c Level.
# TYPE c gauge
c -1.5
# HELP d What.
# TYPE d untyped
d 3
# HELP e Times.
# TYPE e histogram
e_sum 1.0
e_count 1
e_bucket{le="+Inf"} 1
"#;
        assert_eq!(classic(openmetrics), expected);
    }

    #[test]
    fn exemplars_go_but_label_values_that_look_like_one_stay() {
        assert_eq!(
            classic("a_total{x=\"1\"} 2 # {id=\"q\"} 1.0\n"),
            "a_total{x=\"1\"} 2\n"
        );
        let tricky = "a{x=\"b\\\" # {c=\\\"\"} 2\n";
        assert_eq!(classic(tricky), tricky);
        let comment = "a{x=\"# HELP a\"} 2\n";
        assert_eq!(classic(comment), comment);
    }
}
