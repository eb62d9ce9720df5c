//! Why settings cannot be used, in sentences that name file, line and key and say what to do.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no YAML, has a key that does not exist or a value of the wrong type.
    #[error("{rendered}")]
    Yaml {
        /// Line, counted from 1; 0 if unknown.
        line: usize,
        /// Column, counted from 1; 0 if unknown.
        column: usize,
        /// The dotted key on that line, as far as it is known.
        key: Option<String>,
        /// What is wrong, in one line.
        message: String,
        /// The same with file, line, column and the offending lines with a caret.
        rendered: String,
    },
    /// A flag or environment variable has a value that does not fit.
    #[error("{0}")]
    Override(String),
    /// The values are well formed but cannot work, or profiles cannot be used; all that was found.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
}

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key, such as `drift.significance`.
    pub key: String,
    /// Where the key was said: `driftgauge.yml:12:3`, `--web.max-series`, or nothing for a default.
    pub place: Option<String>,
    /// What is wrong and what to do.
    pub sentence: String,
    /// The line in the file with a caret, when it was said there.
    pub excerpt: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{} {}", self.key, self.sentence)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    let mut text = String::new();
    for (i, problem) in problems.iter().enumerate() {
        let _ = write!(text, "{}{problem}", if i == 0 { "" } else { "\n" });
    }
    text
}
