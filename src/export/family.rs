//! What the table of metrics says about one family, and how the table reads as Markdown.

use std::fmt::Write;

/// Type of a family, in OpenMetrics' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Only grows; series end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
    /// Always 1, all is in the labels; series end in `_info`.
    Info,
}

/// Whose series they are: gives the labels that all of them share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The sidecar or its process: no shared labels.
    Sidecar,
    /// A model: `model`, `version`.
    Model,
    /// A field of a model: `model`, `version`, `feature`, `role`.
    Feature,
}

/// From which setting `metrics.detail` on a family is exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Whatever the setting.
    Always,
    /// From `lean` on.
    Lean,
    /// From `standard` on.
    Standard,
    /// Only with `full`.
    Full,
    /// With `fleet`, at `standard` or `full`.
    Fleet,
}

/// Chapter of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Calls and rows.
    Traffic,
    /// Values of fields.
    Features,
    /// How far fields are from their references.
    Drift,
    /// What fields are compared with.
    Reference,
    /// The sidecar itself.
    Sidecar,
    /// Its process.
    Process,
}

/// A family of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name without the suffix that the type brings: what OpenMetrics calls the family.
    pub name: &'static str,
    /// Type.
    pub kind: Type,
    /// Base unit, which also ends the name; empty without.
    pub unit: &'static str,
    /// One sentence, on one line.
    pub help: &'static str,
    /// Whose series they are.
    pub scope: Scope,
    /// Label keys beyond those of the scope.
    pub labels: &'static [&'static str],
    /// From which detail on.
    pub level: Level,
    /// Chapter.
    pub section: Section,
}

impl Family {
    /// Name as PromQL knows it (histograms: their stem).
    pub fn series(&self) -> String {
        let suffix = match self.kind {
            Type::Counter => "_total",
            Type::Info => "_info",
            Type::Gauge | Type::Histogram => "",
        };
        format!("{}{suffix}", self.name)
    }

    /// Name without its unit, as prometheus-client wants it.
    pub(super) fn stem(&self) -> &'static str {
        match self.unit {
            "" => self.name,
            unit => self
                .name
                .strip_suffix(unit)
                .and_then(|stem| stem.strip_suffix('_'))
                .unwrap_or(self.name),
        }
    }
}

impl Type {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

impl Scope {
    /// Label keys that all series of the scope share.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Sidecar => &[],
            Self::Model => &["model", "version"],
            Self::Feature => &["model", "version", "feature", "role"],
        }
    }
}

impl Level {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Lean => "lean",
            Self::Standard => "standard",
            Self::Full => "full",
            Self::Fleet => "fleet",
        }
    }
}

impl Section {
    /// All chapters in their order.
    pub const ALL: [Self; 6] = [
        Self::Traffic,
        Self::Features,
        Self::Drift,
        Self::Reference,
        Self::Sidecar,
        Self::Process,
    ];

    /// Heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Traffic => "Traffic",
            Self::Features => "Features",
            Self::Drift => "Drift",
            Self::Reference => "Reference",
            Self::Sidecar => "The sidecar itself",
            Self::Process => "Its process",
        }
    }

    /// Labels that all families of the chapter share, as a sentence; empty without.
    const fn shared(self) -> &'static str {
        match self {
            Self::Traffic => "All carry `model` and `version`.",
            Self::Features | Self::Drift => "All carry `model`, `version`, `feature` and `role`.",
            Self::Reference => {
                "All carry `model` and `version`; those of a field also `feature` and `role`."
            }
            Self::Sidecar | Self::Process => "",
        }
    }
}

/// The table as Markdown: a heading and a table for each chapter.
pub fn markdown(families: &[&Family]) -> String {
    let mut page = String::new();
    for section in Section::ALL {
        let _ = writeln!(page, "### {}\n", section.title());
        if !section.shared().is_empty() {
            let _ = writeln!(page, "{}\n", section.shared());
        }
        page.push_str("| metric | type | further labels | level | meaning |\n");
        page.push_str("|---|---|---|---|---|\n");
        for family in families.iter().filter(|f| f.section == section) {
            let mut labels: Vec<String> = family.labels.iter().map(|l| format!("`{l}`")).collect();
            if section == Section::Reference && family.scope == Scope::Feature {
                labels.splice(0..0, ["`feature`".to_owned(), "`role`".to_owned()]);
            }
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} |",
                family.series(),
                family.kind.as_str(),
                labels.join(", "),
                family.level.as_str(),
                family.help.replace('|', "\\|"),
            );
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}
