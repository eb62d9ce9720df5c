//! Log lines as Prometheus and its exporters write them: `time=… level=info msg="…" key=value`.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// One line an event.
pub(super) struct Logfmt;

/// Fields as ` key=value`.
pub(super) struct Pairs;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let level = metadata.level().as_str().to_ascii_lowercase();
        let target = metadata.target();
        let now = jiff::Timestamp::now();
        write!(writer, "time={now:.3} level={level} target={target}")?;
        Pairs.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

impl<'writer> FormatFields<'writer> for Pairs {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut pairs = Line {
            writer,
            result: Ok(()),
        };
        fields.record(&mut pairs);
        pairs.result
    }
}

struct Line<'writer> {
    writer: Writer<'writer>,
    result: fmt::Result,
}

impl Line<'_> {
    fn pair(&mut self, field: &Field, value: &str) {
        let key = match field.name() {
            "message" => "msg",
            name => name.trim_start_matches("r#"),
        };
        let is_plain = !value.is_empty()
            && value
                .chars()
                .all(|c| c.is_ascii_graphic() && !"\"=\\".contains(c));
        let written = if is_plain {
            write!(self.writer, " {key}={value}")
        } else {
            write!(self.writer, " {key}={value:?}")
        };
        self.result = self.result.and(written);
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.pair(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.pair(field, &text);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_of_pairs_whatever_is_in_it() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Logfmt)
            .fmt_fields(Pairs)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(
                target: "driftgauge",
                rows = 3,
                model = "a b",
                path = %"/x",
                odd = "say \"hi\"\nlevel=error",
                "bad batch: {}",
                "refused"
            );
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(time.starts_with("time=2") && time.ends_with('Z'), "{time}");
        assert_eq!(
            rest,
            "level=warn target=driftgauge msg=\"bad batch: refused\" rows=3 model=\"a b\" path=/x \
             odd=\"say \\\"hi\\\"\\nlevel=error\"\n"
        );
    }
}
