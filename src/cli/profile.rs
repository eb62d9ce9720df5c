//! `driftgauge profile`: training data → a profile, and a table of what was found in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use indicatif::ProgressBar;

use crate::batch::{Role, bounded_name};
use crate::cli::profile::table::table;
use crate::cli::progress;
use crate::files::{Dataset, ReadOptions};
use crate::learn::{FieldOverride, LearnOptions, Learned, Learner};
use crate::profile::{Kind, Provenance, short};
use crate::settings::Source;

mod table;

/// Learn what training data looks like
#[derive(clap::Args, Clone, Debug, Default)]
#[command(
    about = "Learn what training data looks like and write it down as a profile",
    long_about = "Reads data that a model was trained or validated on and writes a profile: for \
        every column how its values are distributed, how many are missing, what is usual. The \
        profile is what live traffic is compared with. It holds counts and category names, never \
        rows.\n\n\
        Reads Parquet, CSV (with a line of names) and JSON lines (one object a line), the last two \
        also with .gz. Several files count as one, if they have the same columns. Data may be \
        larger than memory; they are read twice.\n\n\
        Use the rows as the model sees them, after the same preparation as in production, and put \
        the model's own output beside them as a column `prediction` or `score`: that is the drift \
        that matters first.",
    after_long_help = "EXAMPLES\n  \
        driftgauge profile train.parquet --prediction is_fraud_pred --score fraud_prob\n  \
        driftgauge profile 2024-*.csv.gz --model fraud -o fraud.profile.json \\\n      \
        --id order_id --time-column created_at --ignore debug,comment --categorical zip\n\n\
        ROLES\n  \
        Columns called `prediction`, `score` and `label` have that role, the only column of times \
        is the\n  time, all others are features. Flags decide before the settings file, and that \
        before names.\n\n\
        KINDS\n  \
        numeric, integer, boolean    watched in cells of about equal mass, with the tails apart\n  \
        categorical                  up to 1,000 strings, the 50 heaviest by name\n  \
        high_cardinality             more strings than that: only their spread over 64 hash cells\n  \
        vector                       lists of numbers of one length: the nearest of 32 centroids, and the\n  \
        \x20                            cosine to the mean as a field of its own, NAME[cosine]"
)]
pub struct Args {
    /// Data files: Parquet, CSV or JSON lines.
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,

    /// Where to write the profile [default: <first file>.profile.json, here].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Name of the model, as live traffic gives it.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// Columns with what the model predicted: a class or a value.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub prediction: Vec<String>,

    /// Columns with the probability or raw score that the model gave.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub score: Vec<String>,

    /// Columns with the truth.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub label: Vec<String>,

    /// Column that says when a row happened: a timestamp, RFC 3339, or a number since 1970. It
    /// shows how rows hang together: clusters then raise no false alarms, and drift that comes and
    /// goes within these rows counts as usual.
    #[arg(long = "time-column", visible_alias = "time", value_name = "COL")]
    pub time: Option<String>,

    /// Columns that identify a row.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub id: Vec<String>,

    /// Columns that split rows into groups.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub segment: Vec<String>,

    /// Columns that are not looked at.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// Kind of a column, where it cannot be told from the data.
    #[arg(long, value_name = "COL=KIND", value_delimiter = ',', value_parser = column_and_kind)]
    pub kind: Vec<(String, Kind)>,

    /// Columns whose numbers are names, such as zip codes: short for --kind COL=categorical.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub categorical: Vec<String>,

    /// How much columns matter to the model, on any scale: more is more.
    #[arg(long, value_name = "COL=NUMBER", value_delimiter = ',', value_parser = column_and_importance)]
    pub importance: Vec<(String, f64)>,

    /// Settings file whose models.<model>.features.<column>.{role,kind,importance} hold here too.
    #[arg(long = "config.file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
}

fn column_and_kind(text: &str) -> Result<(String, Kind), String> {
    const KINDS: [Kind; 6] = [
        Kind::Numeric,
        Kind::Integer,
        Kind::Boolean,
        Kind::Categorical,
        Kind::HighCardinality,
        Kind::Vector,
    ];
    let Some((column, word)) = text.rsplit_once('=') else {
        return Err("write COLUMN=KIND, for instance zip=categorical".into());
    };
    match KINDS.into_iter().find(|kind| kind.as_str() == word) {
        Some(kind) => Ok((column.into(), kind)),
        None => Err(format!(
            "{word:?} is no kind; there are {}",
            KINDS.map(Kind::as_str).join(", ")
        )),
    }
}

fn column_and_importance(text: &str) -> Result<(String, f64), String> {
    let Some((column, number)) = text.rsplit_once('=') else {
        return Err("write COLUMN=NUMBER, for instance income=0.31".into());
    };
    match number.trim().parse() {
        Ok(importance) if (0.0..=f64::MAX).contains(&importance) => Ok((column.into(), importance)),
        _ => Err(format!("{number:?} must be a number from 0 on")),
    }
}

/// Learns a profile and writes it. What the settings file says about the fields holds unless flags
/// say otherwise.
///
/// # Errors
/// A sentence: a file cannot be read or written, a column that a flag names is not there or named
/// twice.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let overrides = overrides(args, &said_in_settings(args)?)?;
    let mut options = ReadOptions {
        time: args.time.clone(),
        ..ReadOptions::default()
    };
    if let Some(model) = &args.model {
        options.model.clone_from(model);
    }
    for (column, field) in &overrides {
        options
            .roles
            .extend(field.role.map(|role| (column.clone(), role)));
        options
            .kinds
            .extend(field.kind.map(|kind| (column.clone(), kind)));
    }
    let bar = progress::bar();
    let dataset = Dataset::open_observed(&args.data, &options, &mut |read, total| {
        progress::show(&bar, "checking", read, total);
    })?;
    check_columns(args, &dataset)?;

    // Flag or settings name the time; one that is only found by its type is not enough.
    let is_time = |field: &FieldOverride| field.role == Some(Role::Time);
    let measures_variation = overrides.values().any(is_time);
    let mut columns = dataset.columns().iter();
    let time_column = columns.find(|column| column.role == Role::Time);
    let time_column = time_column.map(|column| column.name.to_string());
    // Batches carry names of bounded length.
    let overrides = overrides.into_iter();
    let overrides = overrides.map(|(name, field)| (bounded_name(&name).to_string(), field));
    let learner = Learner::new(LearnOptions {
        model: args.model.clone(),
        overrides: overrides.collect(),
        measures_variation,
        time_column,
        ..LearnOptions::default()
    });
    let learned = learn(learner, &dataset, &bar, provenance(&dataset)?)?;
    bar.finish_and_clear();

    for note in dataset.notes() {
        eprintln!("note: {note}");
    }
    eprint!("{}", table(&learned.report, dataset.columns()));
    for warning in &learned.report.warnings {
        eprintln!("warning: {warning}");
    }
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| default_output(&args.data[0]));
    learned.profile.save(&output)?;
    eprintln!(
        "{} fields of {} rows -> {} (profile {})",
        learned.profile.features.len(),
        learned.profile.rows,
        output.display(),
        short(&learned.profile.hash())
    );
    Ok(())
}

/// What the settings file says about the fields of the model.
fn said_in_settings(args: &Args) -> anyhow::Result<HashMap<String, FieldOverride>> {
    let Some(path) = &args.config_file else {
        return Ok(HashMap::new());
    };
    let source = Source {
        path: Some(path.clone()),
        overrides: Vec::new(),
    };
    let loaded = source.load_without_broken_profiles()?;
    let models = &loaded.settings.models;
    let model = match &args.model {
        Some(name) => match models.get(name) {
            Some(model) => Some(model),
            None => bail!("{} does not name the model {name}", path.display()),
        },
        None if models.len() > 1 => bail!(
            "{} names several models; say which one with --model",
            path.display()
        ),
        None => models.values().next(),
    };
    let features = model.into_iter().flat_map(|model| &model.features);
    let said = features.map(|(name, feature)| {
        let field = FieldOverride {
            role: feature.role,
            kind: feature.kind,
            importance: feature.importance,
        };
        (name.clone(), field)
    });
    Ok(said.collect())
}

/// Two passes over the data: the first cuts the cells, the second measures what needs them.
fn learn(
    mut learner: Learner,
    dataset: &Dataset,
    bar: &ProgressBar,
    provenance: Provenance,
) -> anyhow::Result<Learned> {
    bar.set_length(dataset.bytes());
    bar.set_message("learning");
    let mut batches = dataset.batches();
    while let Some(batch) = batches.next() {
        learner.observe(&batch?);
        bar.set_position(batches.position());
    }
    bar.set_message("counting");
    let mut recount = learner.into_recount();
    let mut batches = dataset.batches();
    while let Some(batch) = batches.next() {
        recount.observe(&batch?);
        bar.set_position(batches.position());
    }
    Ok(recount.finish_with_report(provenance))
}

/// Flags over settings. A column has one role, so naming it twice is a mistake.
fn overrides(
    args: &Args,
    settings: &HashMap<String, FieldOverride>,
) -> anyhow::Result<HashMap<String, FieldOverride>> {
    let time: Vec<String> = args.time.iter().cloned().collect();
    let roles = [
        (&args.prediction, Role::Prediction),
        (&args.score, Role::Score),
        (&args.label, Role::Label),
        (&time, Role::Time),
        (&args.id, Role::Id),
        (&args.segment, Role::Segment),
        (&args.ignore, Role::Ignore),
    ];
    let mut by_flag: HashMap<&str, Role> = HashMap::new();
    let mut overrides = settings.clone();
    for (columns, role) in roles {
        for column in columns {
            if let Some(before) = by_flag
                .insert(column, role)
                .filter(|before| *before != role)
            {
                bail!(
                    "column {column:?} is given as --{} and as --{}; give it one role",
                    before.as_str(),
                    role.as_str()
                );
            }
            overrides.entry(column.clone()).or_default().role = Some(role);
        }
    }
    let categorical = args
        .categorical
        .iter()
        .map(|column| (column, Kind::Categorical));
    let kinds = args.kind.iter().map(|(column, kind)| (column, *kind));
    let mut by_flag: HashMap<&str, Kind> = HashMap::new();
    for (column, kind) in categorical.chain(kinds) {
        if let Some(before) = by_flag
            .insert(column, kind)
            .filter(|before| *before != kind)
        {
            bail!(
                "column {column:?} is given as {} and as {}; give it one kind",
                before.as_str(),
                kind.as_str()
            );
        }
        overrides.entry(column.clone()).or_default().kind = Some(kind);
    }
    for (column, importance) in &args.importance {
        overrides.entry(column.clone()).or_default().importance = Some(*importance);
    }
    Ok(overrides)
}

/// Every column that a flag names must be there; settings may name more.
fn check_columns(args: &Args, dataset: &Dataset) -> anyhow::Result<()> {
    let kinds = args.kind.iter().map(|(column, _)| column);
    let importances = args.importance.iter().map(|(column, _)| column);
    let named = [
        &args.prediction,
        &args.score,
        &args.label,
        &args.id,
        &args.segment,
        &args.ignore,
        &args.categorical,
    ];
    let named = named.into_iter().flatten().chain(kinds);
    let named = named.chain(importances).chain(&args.time);
    for column in named {
        let bounded = bounded_name(column);
        if !dataset.columns().iter().any(|there| there.name == bounded) {
            let there: Vec<&str> = dataset.columns().iter().map(|c| &*c.name).collect();
            bail!(
                "there is no column {column:?}; there are {}",
                there.join(", ")
            );
        }
    }
    Ok(())
}

fn provenance(dataset: &Dataset) -> anyhow::Result<Provenance> {
    Ok(Provenance {
        created: created()?,
        source: "file".into(),
        inputs: dataset.inputs(),
        command: std::iter::once("driftgauge".to_owned())
            .chain(
                std::env::args()
                    .skip(1)
                    .map(|argument| without_folders(&argument)),
            )
            .collect::<Vec<_>>()
            .join(" "),
        tool: format!("driftgauge {}", env!("CARGO_PKG_VERSION")),
        ..Provenance::default()
    })
}

/// Now, or the moment of `SOURCE_DATE_EPOCH` for reproducible builds
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn created() -> anyhow::Result<String> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().with_context(|| {
            format!("SOURCE_DATE_EPOCH is {text:?}, must be seconds since 1970")
        })?,
        Err(_) => jiff::Timestamp::now().as_second(),
    };
    let moment = jiff::Timestamp::from_second(seconds)
        .context("SOURCE_DATE_EPOCH is beyond the year 9999")?;
    Ok(moment.to_string())
}

/// A path in an argument by its last part: a profile travels, folders say too much.
fn without_folders(argument: &str) -> String {
    let (flag, value) = match argument.split_once('=') {
        Some((flag, value)) if flag.starts_with('-') => (&argument[..=flag.len()], value),
        _ => ("", argument),
    };
    let value = value.rsplit(['/', '\\']).next().unwrap_or(value);
    if value.contains(char::is_whitespace) || value.is_empty() {
        format!("{flag}'{value}'")
    } else {
        format!("{flag}{value}")
    }
}

/// `train.csv.gz` → `train.profile.json`, in the working folder.
fn default_output(first: &Path) -> PathBuf {
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = if stem.is_empty() { "model" } else { stem };
    format!("{stem}.profile.json").into()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        let all = std::iter::once("profile").chain(arguments.iter().copied());
        Cli::try_parse_from(all).map(|cli| cli.args)
    }

    #[test]
    fn lists_repeat_and_have_commas() {
        let args = parse(&[
            "a.csv",
            "--ignore",
            "x,y",
            "--ignore",
            "z",
            "--kind",
            "a=b=integer",
        ]);
        let args = args.unwrap();
        assert_eq!(args.ignore, ["x", "y", "z"]);
        assert_eq!(args.kind, [("a=b".to_owned(), Kind::Integer)]);
    }

    #[test]
    fn an_unknown_kind_is_refused_with_those_there_are() {
        let error = parse(&["a.csv", "--kind", "zip=category"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("categorical, high_cardinality"), "{error}");
    }

    #[test]
    fn flags_decide_before_settings_and_a_column_has_one_role() {
        let settings = HashMap::from([(
            "x".to_owned(),
            FieldOverride {
                role: Some(Role::Id),
                kind: Some(Kind::Integer),
                importance: None,
            },
        )]);
        let args = parse(&["a.csv", "--score", "x"]).unwrap();
        let field = overrides(&args, &settings).unwrap()["x"];
        assert_eq!(
            (field.role, field.kind),
            (Some(Role::Score), Some(Kind::Integer))
        );
        let args = parse(&["a.csv", "--score", "x", "--id", "x"]).unwrap();
        let error = overrides(&args, &settings).unwrap_err().to_string();
        assert!(error.contains("--score and as --id"), "{error}");
    }

    #[test]
    fn names_lose_their_folders() {
        assert_eq!(without_folders("/data/in/train.csv"), "train.csv");
        assert_eq!(
            without_folders("--output=/out/a b.json"),
            "--output='a b.json'"
        );
        assert_eq!(
            default_output(Path::new("/d/train.csv.gz")),
            Path::new("train.profile.json")
        );
        assert_eq!(
            default_output(Path::new("train")),
            Path::new("train.profile.json")
        );
    }
}
