//! Which format and encoding a client gets: RFC 9110 §12.5, with what Prometheus makes of it
//! (<https://prometheus.io/docs/instrumenting/content_negotiation/>).
//!
//! For each format the most specific range of `Accept` that names it decides its quality; the
//! best quality wins, then the earlier range, then text before OpenMetrics before protobuf. A
//! client that names none of them gets text 0.0.4, never an error: a scrape is worth more than a
//! protest.

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic text, version 0.0.4.
    Text,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` messages, each after its length.
    Protobuf,
}

/// A format, and the escaping scheme for names that the client asked for. All our names are plain
/// ASCII, so every scheme holds, and the one asked for is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Format.
    pub format: Format,
    /// Value of the parameter `escaping`; `None` when the client did not ask.
    pub escaping: Option<&'static str>,
}

const ESCAPINGS: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

impl Chosen {
    /// Value of the header `Content-Type`.
    pub fn content_type(self) -> String {
        let kind = match self.format {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        };
        match self.escaping {
            Some(escaping) => format!("{kind}; escaping={escaping}"),
            None => kind.to_owned(),
        }
    }
}

/// Chooses the format by the value of `Accept`; several headers are joined by commas, none is "".
pub fn format(accept: &str) -> Chosen {
    let ranges: Vec<Range<'_>> = split(accept, ',').filter_map(Range::parse).collect();
    let mut best = (
        0.0,
        usize::MAX,
        Chosen {
            format: Format::Text,
            escaping: None,
        },
    );
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        let decisive = ranges
            .iter()
            .enumerate()
            .filter_map(|(at, range)| Some((range.specificity(format)?, at, range)))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        if let Some((_, at, range)) = decisive
            && (range.quality > best.0 || (range.quality == best.0 && at < best.1))
            && range.quality > 0.0
        {
            let escaping = range.escaping;
            best = (range.quality, at, Chosen { format, escaping });
        }
    }
    best.2
}

/// Whether the value of `Accept-Encoding` allows gzip.
pub fn gzip(accept_encoding: &str) -> bool {
    let mut any = false;
    for coding in split(accept_encoding, ',') {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let wanted = quality(parameters) > 0.0;
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => return wanted,
            "*" => any = wanted,
            _ => {}
        }
    }
    any
}

/// One range of `Accept`.
struct Range<'a> {
    media: &'a str,
    version: Option<&'a str>,
    proto: Option<&'a str>,
    encoding: Option<&'a str>,
    escaping: Option<&'static str>,
    quality: f64,
}

impl<'a> Range<'a> {
    fn parse(range: &'a str) -> Option<Self> {
        let mut parts = split(range, ';');
        let mut parsed = Self {
            media: parts.next().filter(|media| media.contains('/'))?,
            version: None,
            proto: None,
            encoding: None,
            escaping: None,
            quality: 1.0,
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match key.trim().to_ascii_lowercase().as_str() {
                "version" => parsed.version = Some(value),
                "proto" => parsed.proto = Some(value),
                "encoding" => parsed.encoding = Some(value),
                "escaping" => {
                    parsed.escaping = ESCAPINGS.into_iter().find(|known| *known == value);
                }
                "q" => parsed.quality = parse_quality(value),
                _ => {}
            }
        }
        Some(parsed)
    }

    /// How closely the range names the format; `None` when it does not.
    fn specificity(&self, format: Format) -> Option<u8> {
        let (media, family, version) = match format {
            Format::Text => ("text/plain", "text/*", "0.0.4"),
            Format::OpenMetrics => ("application/openmetrics-text", "application/*", "1.0.0"),
            Format::Protobuf => ("application/vnd.google.protobuf", "application/*", ""),
        };
        let is = |name: &str| self.media.eq_ignore_ascii_case(name);
        if is("*/*") {
            return Some(0);
        }
        if is(family) {
            return Some(1);
        }
        if !is(media) {
            return None;
        }
        let named = match format {
            Format::Protobuf => {
                let message = "io.prometheus.client.MetricFamily";
                if self.proto? != message || self.encoding? != "delimited" {
                    return None;
                }
                true
            }
            _ => match self.version {
                Some(asked) if asked != version => return None,
                asked => asked.is_some(),
            },
        };
        Some(2 + u8::from(named))
    }
}

/// Value of the parameter `q` among others; 1 without.
fn quality(parameters: &str) -> f64 {
    split(parameters, ';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| parse_quality(value.trim()))
}

/// A quality between 0 and 1; 0 when it is not a number.
fn parse_quality(value: &str) -> f64 {
    match value.parse::<f64>() {
        Ok(quality) if quality.is_finite() => quality.clamp(0.0, 1.0),
        _ => 0.0,
    }
}

/// Parts between separators, trimmed, without empty ones; separators in quotes do not count.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == separator && !quoted
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    #[track_caller]
    fn chosen(accept: &str, format_: Format, escaping: Option<&str>) {
        let chosen = format(accept);
        assert_eq!((chosen.format, chosen.escaping), (format_, escaping));
    }

    #[test]
    fn prometheus_gets_what_it_prefers() {
        // 2.42.0
        chosen(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetrics,
            None,
        );
        // 3.5.3
        let three = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        chosen(three, Format::OpenMetrics, Some("allow-utf-8"));
        // with native histograms
        chosen(
            &format!("{PROTOBUF};escaping=allow-utf-8;q=0.7,{three}"),
            Format::Protobuf,
            Some("allow-utf-8"),
        );
        // scrape_protocols: [PrometheusText0.0.4]
        chosen(
            "text/plain;version=0.0.4;escaping=underscores;q=0.6,*/*;q=0.5",
            Format::Text,
            Some("underscores"),
        );
    }

    #[test]
    fn whoever_names_no_format_gets_text() {
        for accept in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "image/png",
            "nonsense, ;;, /, q=1",
            "application/vnd.google.protobuf",
            "application/openmetrics-text;version=9.9.9",
            "text/plain;version=1.0.0",
            "application/openmetrics-text;q=0",
        ] {
            chosen(accept, Format::Text, None);
        }
    }

    #[test]
    fn the_most_specific_range_decides_the_quality_of_a_format() {
        chosen("*/*, text/plain;q=0.1", Format::OpenMetrics, None);
        chosen(
            "text/*;q=0.1, application/*;q=0.2",
            Format::OpenMetrics,
            None,
        );
        chosen(
            &format!("*/*;q=0.1, {PROTOBUF};q=0.2"),
            Format::Protobuf,
            None,
        );
        chosen(
            "application/openmetrics-text;q=0.4, application/openmetrics-text;version=1.0.0;q=0.1, text/plain;q=0.2",
            Format::Text,
            None,
        );
        chosen(
            "application/openmetrics-text;q=wat, text/plain;q=0.2",
            Format::Text,
            None,
        );
    }

    #[test]
    fn equal_quality_goes_to_the_first_range() {
        chosen(
            "application/openmetrics-text, text/plain",
            Format::OpenMetrics,
            None,
        );
        chosen(
            "text/plain, application/openmetrics-text",
            Format::Text,
            None,
        );
    }

    #[test]
    fn an_escaping_that_nobody_knows_is_not_echoed() {
        chosen(
            "text/plain;version=0.0.4;escaping=\"x\r\nEvil: 1\"",
            Format::Text,
            None,
        );
    }

    #[test]
    fn gzip_is_used_only_when_allowed() {
        assert!(gzip("gzip"));
        assert!(gzip("deflate, GZIP;q=0.5"));
        assert!(gzip("*"));
        assert!(!gzip(""));
        assert!(!gzip("gzip;q=0"));
        assert!(!gzip("*, gzip;q=0"));
        assert!(!gzip("br, deflate"));
    }
}
