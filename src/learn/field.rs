//! The first pass over one field, and what kind of field it turns out to be.

use std::ops::Range;
use std::sync::Arc;

use super::FieldOverride;
use super::numbers::NumberLearner;
use super::numeric_sums::NumericSums;
use super::report::FieldReport;
use super::texts::{MAX_CATEGORIES, TextLearner};
use super::vectors::{VectorLearner, VectorSample, VectorSums};
use crate::batch::{Column, Field, Numbers, Role, Scalar, ValueType, Values};
use crate::profile::{FeatureProfile, Kind, Missing, Variation};

/// Fewer usable values than this are said: no drift is judged on so few.
pub const FEW_VALUES: u64 = 100;

/// The first pass over one field.
pub struct FieldLearner {
    pub name: Arc<str>,
    pub role: Role,
    kind: Option<Kind>,
    importance: Option<f64>,
    /// Type in the first schema that names the field; decides only for a field without any column.
    value_type: ValueType,
    /// Elements a row in that schema; decides where the first column says nothing.
    width: usize,
    /// How many vectors are kept, if that is what the field holds.
    vectors: VectorSample,
    /// Rows for which a column was there.
    seen_rows: u64,
    seen: Seen,
    /// Scalars by type, to tell truth values, numbers and strings apart where types change.
    bools: u64,
    numbers: u64,
    texts: u64,
}

/// The first column decides how a field is read.
enum Seen {
    Nothing,
    Numbers(NumberLearner),
    Texts(Box<TextLearner>),
    /// Values of changing type: both, until the end shows which are more.
    Either(NumberLearner, Box<TextLearner>),
    Vectors(Box<VectorLearner>),
}

/// A field after the first pass.
pub struct Settled {
    pub feature: FeatureProfile,
    pub report: FieldReport,
    /// What a second pass counts into; `None` when the first one was enough.
    pub recount: Option<Counting>,
    /// The field of what is derived from this one.
    pub companion: Option<Box<Settled>>,
}

/// What a second pass counts into.
pub enum Counting {
    Numbers(NumericSums),
    Vectors(VectorSums),
}

impl FieldLearner {
    /// A field as the first schema that has it describes it, in this role.
    pub fn new(
        field: &Field,
        role: Role,
        overridden: Option<&FieldOverride>,
        vectors: VectorSample,
    ) -> Self {
        Self {
            name: field.name.clone(),
            role,
            kind: overridden.and_then(|field| field.kind),
            importance: overridden.and_then(|field| field.importance),
            value_type: field.value_type,
            width: field.width as usize,
            vectors,
            seen_rows: 0,
            seen: Seen::Nothing,
            bools: 0,
            numbers: 0,
            texts: 0,
        }
    }

    /// Takes over rows `rows` of a column; `scratch` is memory to be used again.
    pub fn observe(&mut self, column: &Column, rows: Range<usize>, scratch: &mut Numbers) {
        if rows.is_empty() {
            return;
        }
        self.seen_rows += rows.len() as u64;
        if matches!(self.seen, Seen::Nothing) {
            self.seen = self.first_sight(column);
        }
        self.count_scalars(column, rows.clone());
        scratch.clear();
        match &mut self.seen {
            Seen::Nothing => {}
            Seen::Vectors(learner) => learner.observe(column, rows),
            Seen::Numbers(learner) => {
                read_scalars(column, rows, scratch);
                learner.observe(scratch);
            }
            Seen::Texts(learner) => learner.observe(column, rows),
            Seen::Either(numbers, texts) => {
                read_scalars(column, rows.clone(), scratch);
                numbers.observe(scratch);
                texts.observe(column, rows);
            }
        }
    }

    fn first_sight(&self, column: &Column) -> Seen {
        let texts = || Box::new(TextLearner::new());
        let width = match column.values {
            Values::Invalid => self.width,
            _ => column.width(),
        };
        match self.kind {
            _ if width > 1 => Seen::Vectors(Box::new(VectorLearner::new(width, self.vectors))),
            Some(Kind::Numeric | Kind::Integer | Kind::Boolean) => {
                Seen::Numbers(NumberLearner::default())
            }
            Some(Kind::Categorical | Kind::HighCardinality) => Seen::Texts(texts()),
            Some(Kind::Vector) | None => match &column.values {
                Values::Text(_) | Values::Dictionary { .. } => Seen::Texts(texts()),
                Values::Mixed(_) => Seen::Either(NumberLearner::default(), texts()),
                Values::Fixed { .. } | Values::Numbers(_) | Values::Invalid => {
                    Seen::Numbers(NumberLearner::default())
                }
            },
        }
    }

    fn count_scalars(&mut self, column: &Column, rows: Range<usize>) {
        match &column.values {
            Values::Fixed {
                value_type: ValueType::Bool,
                ..
            } => self.bools += rows.len() as u64,
            Values::Fixed { .. } | Values::Numbers(_) => self.numbers += rows.len() as u64,
            Values::Text(_) | Values::Dictionary { .. } => self.texts += rows.len() as u64,
            Values::Invalid => {}
            Values::Mixed(values) => {
                for scalar in rows.filter_map(|row| values.get(row)) {
                    match scalar {
                        Scalar::Bool(_) => self.bools += 1,
                        Scalar::Number(_) => self.numbers += 1,
                        Scalar::Text(_) => self.texts += 1,
                        Scalar::Null | Scalar::Vector(_) | Scalar::Invalid => {}
                    }
                }
            }
        }
    }

    /// Whether the first pass has seen more values than it could keep.
    pub fn needs_second_pass(&self) -> bool {
        match &self.seen {
            Seen::Numbers(learner) => !learner.is_complete(),
            Seen::Vectors(learner) => !learner.is_complete(),
            Seen::Either(learner, _) => {
                !learner.is_complete() && self.numbers + self.bools >= self.texts
            }
            _ => false,
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let learned = match &self.seen {
            Seen::Nothing => 0,
            Seen::Vectors(vectors) => size_of::<VectorLearner>() + vectors.bytes(),
            Seen::Numbers(numbers) => numbers.bytes(),
            Seen::Texts(texts) => size_of::<TextLearner>() + texts.bytes(),
            Seen::Either(numbers, texts) => {
                numbers.bytes() + size_of::<TextLearner>() + texts.bytes()
            }
        };
        size_of::<Self>() + self.name.len() + learned
    }

    /// Ends the first pass. `expected_rows` rows could have had the field; `recount` says that a
    /// second pass follows, else a field with more values than were kept gets the counts of its
    /// sample.
    pub fn settle(self, expected_rows: u64, recount: bool) -> Settled {
        let absent = match self.role {
            Role::Feature | Role::Prediction | Role::Score => {
                expected_rows.saturating_sub(self.seen_rows)
            }
            _ => 0,
        };
        let mut settled = match self.seen {
            Seen::Vectors(mut learner) => {
                learner.missing.absent = absent;
                learner.settle(&self.name, self.role, recount)
            }
            Seen::Nothing => {
                let kind = self.kind.unwrap_or(match self.value_type {
                    ValueType::Bool => Kind::Boolean,
                    ValueType::Int8
                    | ValueType::UInt8
                    | ValueType::Int16
                    | ValueType::UInt16
                    | ValueType::Int32
                    | ValueType::UInt32
                    | ValueType::Int64
                    | ValueType::UInt64 => Kind::Integer,
                    ValueType::Text => Kind::Categorical,
                    _ => Kind::Numeric,
                });
                let mut settled = blank(&self.name, self.role, kind);
                settled.report.why = "by its declared type".into();
                settled.feature.missing.absent = absent;
                settled
            }
            Seen::Numbers(mut learner) => {
                learner.missing.absent = absent;
                let only_bools = self.bools > 0 && self.numbers == 0;
                settle_numbers(
                    &self.name, self.role, self.kind, only_bools, learner, recount,
                )
            }
            Seen::Texts(mut learner) => {
                learner.missing.absent = absent;
                settle_texts(&self.name, self.role, self.kind, *learner)
            }
            Seen::Either(mut numbers, mut texts) => {
                numbers.missing.absent = absent;
                texts.missing.absent = absent;
                let scalars = self.bools + self.numbers;
                let mut settled = if self.texts > scalars {
                    settle_texts(&self.name, self.role, self.kind, *texts)
                } else {
                    let only_bools = self.bools > 0 && self.numbers == 0;
                    settle_numbers(
                        &self.name, self.role, self.kind, only_bools, numbers, recount,
                    )
                };
                if self.texts > 0 && scalars > 0 {
                    settled.report.warnings.push(format!(
                        "{} texts among {scalars} numbers: {}",
                        self.texts,
                        if self.texts > scalars {
                            "the numbers are taken as text"
                        } else {
                            "the texts count as invalid"
                        }
                    ));
                }
                settled
            }
        };
        settled.feature.importance = self.importance;
        if self.kind == Some(Kind::Vector) && settled.feature.kind != Kind::Vector {
            settled.report.warnings.push(format!(
                "asked for as vector, but has one element a row: taken as {}",
                settled.feature.kind.as_str()
            ));
        }
        settled.conclude();
        settled
    }
}

/// Numbers of a column of scalars; each vector where a scalar should be is invalid.
fn read_scalars(column: &Column, rows: Range<usize>, into: &mut Numbers) {
    column.read_numbers(rows, into);
    if column.width() > 1 {
        into.invalid += into.finite.len() as u64 + into.nan + into.inf;
        into.finite.clear();
        (into.nan, into.inf) = (0, 0);
    }
}

/// A field of which nothing is known yet.
pub fn blank(name: &str, role: Role, kind: Kind) -> Settled {
    Settled {
        feature: FeatureProfile {
            name: name.into(),
            role,
            kind,
            missing: Missing::default(),
            cells: None,
            moments: None,
            distinct: 0,
            variation: Variation::default(),
            importance: None,
            derived_from: None,
            embedding: None,
        },
        report: FieldReport {
            name: name.into(),
            role,
            kind: Some(kind),
            why: String::new(),
            cells: 0,
            values: 0,
            distinct: 0,
            null_ratio: None,
            warnings: Vec::new(),
        },
        recount: None,
        companion: None,
    }
}

fn settle_numbers(
    name: &str,
    role: Role,
    asked: Option<Kind>,
    only_bools: bool,
    learner: NumberLearner,
    recount: bool,
) -> Settled {
    let whole = !learner.has_fraction && learner.values > 0;
    let (kind, why) = match asked {
        Some(kind @ (Kind::Numeric | Kind::Boolean)) => (kind, "as asked"),
        Some(Kind::Integer) if whole || learner.values == 0 => (Kind::Integer, "as asked"),
        _ if only_bools => (Kind::Boolean, "all values are true or false"),
        _ if whole => (Kind::Integer, "all values are whole numbers"),
        _ => (Kind::Numeric, "numbers"),
    };
    let mut settled = blank(name, role, kind);
    settled.report.why = why.into();
    settled.report.values = learner.values;
    if asked == Some(Kind::Integer) && kind != Kind::Integer {
        let warning =
            "asked for as integer, but some values are no whole numbers: taken as numeric";
        settled.report.warnings.push(warning.into());
    }
    let (values, complete) = (learner.values, learner.is_complete());
    let missing = learner.missing;
    settled.feature.missing = missing;
    let Some((mut sums, sample, distinct)) = learner.into_sums(kind != Kind::Numeric) else {
        return settled;
    };
    settled.feature.distinct = distinct;
    if !complete && recount {
        let mut provisional = sums.clone();
        sample.iter().for_each(|&value| provisional.add(value));
        let (cells, moments) = provisional.finish();
        settled.feature.cells = Some(cells);
        settled.feature.moments = Some(moments);
        settled.recount = Some(Counting::Numbers(sums));
        return settled;
    }
    sample.iter().for_each(|&value| sums.add(value));
    if !complete {
        // The sample stands for the whole; so must the missing rows.
        settled.feature.missing = missing.part(sample.len() as u64, values);
        let warning = format!("counts are those of a sample of {} values", sample.len());
        settled.report.warnings.push(warning);
    }
    settled.count(sums);
    settled
}

fn settle_texts(name: &str, role: Role, asked: Option<Kind>, learner: TextLearner) -> Settled {
    let distinct = learner.distinct();
    let listed = learner.can_be_listed();
    let (kind, why) = match asked {
        Some(Kind::HighCardinality) => (Kind::HighCardinality, "as asked".to_owned()),
        Some(Kind::Categorical) if listed => (Kind::Categorical, "as asked".to_owned()),
        _ if !listed => (
            Kind::HighCardinality,
            format!("more than {MAX_CATEGORIES} distinct values"),
        ),
        _ if learner.is_mostly_distinct() => (
            Kind::HighCardinality,
            "more than half of the values are distinct".to_owned(),
        ),
        _ => (Kind::Categorical, format!("{distinct} distinct values")),
    };
    let kind = if learner.values == 0 {
        asked.unwrap_or(Kind::Categorical)
    } else {
        kind
    };
    let mut settled = blank(name, role, kind);
    settled.report.why = why;
    settled.report.values = learner.values;
    settled.feature.missing = learner.missing;
    settled.feature.distinct = distinct;
    if asked == Some(Kind::Categorical) && !listed {
        settled.report.warnings.push(format!(
            "asked for as categorical, but about {distinct} distinct values are more than \
             {MAX_CATEGORIES}: taken as high_cardinality"
        ));
    } else if asked.is_none() && kind == Kind::HighCardinality && learner.values > 0 {
        settled.report.warnings.push(format!(
            "only the spread over {} hash cells is watched; if it identifies rows, give it the \
             role id",
            crate::profile::HASH_CELLS
        ));
    }
    settled.feature.cells = learner.into_reference(kind == Kind::Categorical);
    settled
}

impl Settled {
    /// Takes over the counts of a pass over the values.
    pub fn count(&mut self, sums: NumericSums) {
        let far = sums.far();
        if far > 0 {
            self.report.warnings.push(format!(
                "{far} {} absurdly far away and left out of mean and standard deviation",
                if far == 1 { "value is" } else { "values are" }
            ));
        }
        let (cells, moments) = sums.finish();
        self.feature.cells = Some(cells);
        self.feature.moments = Some(moments);
    }

    /// Takes over the counts of a pass over the vectors.
    pub fn count_vectors(&mut self, sums: &VectorSums) {
        self.feature.missing.inf += sums.far();
        self.feature.cells = Some(sums.reference());
    }

    /// Fills in the report once the counts are known; nothing to do before a second pass.
    pub fn conclude(&mut self) {
        if self.recount.is_some() {
            return;
        }
        let (feature, report) = (&self.feature, &mut self.report);
        if feature.derived_from.is_some() {
            report.values = feature.values();
        }
        let missing = feature.missing.total();
        let values = report.values;
        report.cells = feature.cells.as_ref().map_or(0, |cells| cells.rows.len());
        report.distinct = feature.distinct;
        report.null_ratio = match feature.cells {
            Some(_) => feature.null_ratio(),
            None => (values + missing > 0).then(|| missing as f64 / (values + missing) as f64),
        };
        if values == 0 {
            report
                .warnings
                .push("no usable value at all: nothing to compare with".into());
        } else if feature.distinct == 1 {
            report
                .warnings
                .push("constant: every other value will be drift".into());
        } else if values < FEW_VALUES {
            report.warnings.push(format!(
                "only {values} usable values: drift is not judged below {FEW_VALUES}"
            ));
        }
    }
}
