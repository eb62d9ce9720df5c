//! How rows hang together in time: design effect and wander of each field, from rows with times.
//!
//! The span of the rows is cut into 96 chunks of equal length, and those into slices: what varies
//! between the slices of a chunk more than independent rows would is the design effect φ, what varies
//! between chunks beyond that the wander τ. Counts of all slices are kept until the end, so rows may
//! come in any order.

use super::second_pass::{CodedRows, SecondPass};
use super::{FieldReport, LearnReport};
use crate::batch::Times;
use crate::profile::{Profile, Variation};
use crate::statistic::{Groups, long_wander, overdispersion, wander_of_window};
use crate::tally::{ChunkSums, GroupSums, RowCodes, SPAN_CHUNKS};

/// Chunks that the time of reference rows is cut into.
pub const CHUNKS: usize = 96;
/// Chunks with rows that an estimate needs: with 12 a wander of 0.2 σ brings ten times as many false
/// alarms as it should.
pub const LEAST_CHUNKS: u64 = 48;
/// Slices of a chunk.
pub const CHUNK_SLICES: usize = 12;

/// Where 12 slices a chunk would not fit into the memory for counts, or would have fewer rows than
/// [`SLICE_ROWS`] on average, there are 6, and then 3.
pub(super) const LEAST_SLICES: usize = 3;
/// Memory for the counts of all slices: 600 fields of 24 cells with 12 slices a chunk, 2,400 with 3.
/// More fields than that take more, 28 kB each.
const COUNT_BYTES: usize = 64 << 20;
/// Clusters that an edge of a slice cuts in two count as two, and look like wander: with slices of 52
/// rows a cluster size of 5 is measured as 4.8.
pub(super) const SLICE_ROWS: u64 = 100;

/// A design effect above this is worth a remark.
const REMARKABLE_EFFECT: f64 = 1.2;
/// Wander that raises the smallest effect above this is worth a remark: it is the default δ.
const REMARKABLE_WANDER: f64 = 0.02;
/// Wander that raises the smallest effect above this hides what is usually called moderate drift.
const BLINDING_WANDER: f64 = 0.1;
/// Fields that a warning names.
const NAMED_FIELDS: usize = 8;

/// Design effect and wander by these sums; `None` with fewer than [`LEAST_CHUNKS`] chunks, or when
/// none has more than one slice.
pub fn variation(sums: &ChunkSums, chunk_seconds: f64) -> Option<Variation> {
    let (slices, chunks) = (sums.slices(), sums.chunks());
    if chunks.groups < LEAST_CHUNKS || slices.groups <= chunks.groups {
        return None;
    }
    let rows: u64 = sums.totals().iter().sum();
    let totals: Vec<f64> = sums.totals().iter().map(|&rows| rows as f64).collect();
    let weights: Vec<f64> = totals.iter().map(|total| total / rows as f64).collect();
    let filled = totals.iter().filter(|&&total| total > 0.0).count();
    let directions = filled.saturating_sub(1) as f64;
    let found = overdispersion(
        &groups(slices, &totals, &weights),
        &groups(chunks, &totals, &weights),
        directions,
        directions,
    );
    let spans = sums.span_totals();
    let span_totals: Vec<f64> = spans.iter().map(|&rows| rows as f64).collect();
    let spans = groups(sums.spans(), &span_totals, &weights);
    let long = long_wander(&spans, found.design_effect, directions, directions);
    Some(Variation {
        design_effect: found.design_effect,
        wander: found.wander,
        long_wander: long.map_or(found.wander, |long| long.min(found.wander)),
        chunk_seconds,
        span_seconds: chunk_seconds * sums.span_length() as f64,
        chunks: u32::try_from(chunks.groups).unwrap_or(u32::MAX),
    })
}

/// Counts by groups as [`statistic`](crate::statistic) takes them: all rows are in a cell.
fn groups<'a>(of: &'a GroupSums, totals: &'a [f64], weights: &'a [f64]) -> Groups<'a> {
    Groups {
        squares: &of.squares,
        totals,
        weights,
        rows: totals.iter().sum(),
        groups: of.groups,
        rows_squared: of.rows_squared,
    }
}

/// How far above its mean τ the wander of a chunk goes, one time in a thousand: the quantile of χ²
/// with one degree of freedom.
pub const WANDER_QUANTILE: f64 = 10.8;

/// Drift that wander alone brings to windows of `seconds`, 10.8 τ(W): the smallest effect δ is never
/// below.
pub fn tolerated_effect(variation: &Variation, seconds: f64) -> f64 {
    let (chunk, span) = (variation.chunk_seconds, variation.span_seconds);
    let (wander, long) = (variation.wander, variation.long_wander);
    WANDER_QUANTILE * wander_of_window(wander, long, chunk, span, seconds)
}

/// The counts of all slices.
pub(super) struct Chunks {
    /// Time of the first row in microseconds.
    first: i64,
    /// Microseconds from the first row to just after the last one.
    span: i128,
    /// Slices of a chunk.
    slices: usize,
    /// Rows of each feature in each cell of each slice, cell after cell, slice after slice; empty
    /// where there are no cells, or too many.
    counts: Vec<Vec<u32>>,
    cells: Vec<usize>,
    /// Slice of each row of a batch.
    slice_of: Vec<usize>,
}

impl Chunks {
    /// No counts yet of rows like those of `provisional`, between the times `first` and `last`.
    pub fn new(provisional: &Profile, (first, last): (i64, i64)) -> Self {
        let cells = provisional.features.iter().map(|feature| {
            let cells = feature.cells.as_ref().map_or(0, |of| of.cells.len());
            if cells > RowCodes::MOST_CELLS {
                0
            } else {
                cells
            }
        });
        let cells: Vec<usize> = cells.collect();
        let chunk_bytes = CHUNKS * size_of::<u32>() * cells.iter().sum::<usize>();
        let mut slices = CHUNK_SLICES;
        let is_too_many = |slices: usize| {
            slices * chunk_bytes > COUNT_BYTES
                || provisional.rows < SLICE_ROWS * (CHUNKS * slices) as u64
        };
        while slices > LEAST_SLICES && is_too_many(slices) {
            slices /= 2;
        }
        let counts = cells.iter().map(|&cells| vec![0; CHUNKS * slices * cells]);
        Self {
            first,
            span: i128::from(last) - i128::from(first) + 1,
            slices,
            counts: counts.collect(),
            cells,
            slice_of: Vec::new(),
        }
    }

    /// Slice of a moment; one outside of the span belongs to the slice at its end.
    fn slice(&self, micros: i64) -> usize {
        let slices = CHUNKS * self.slices;
        let since = (i128::from(micros) - i128::from(self.first)).clamp(0, self.span - 1);
        (since * slices as i128 / self.span) as usize
    }

    /// Sums of a feature over slices and chunks.
    fn sums(&self, feature: usize) -> ChunkSums {
        let cells = self.cells[feature];
        let mut sums = ChunkSums::new(cells, SPAN_CHUNKS);
        if cells > 0 {
            for chunk in self.counts[feature].chunks(self.slices * cells) {
                for slice in chunk.chunks(cells) {
                    sums.add(slice.iter().map(|&rows| u64::from(rows)));
                    sums.end_slice();
                }
                sums.end_chunk();
            }
        }
        sums
    }
}

impl SecondPass for Chunks {
    fn observe(&mut self, rows: &CodedRows<'_>) {
        let Times::Each(times) = &rows.batch.times else {
            return;
        };
        let mut slice_of = std::mem::take(&mut self.slice_of);
        slice_of.clear();
        slice_of.extend(times.iter().map(|&micros| self.slice(micros)));
        for (feature, (counts, &cells)) in self.counts.iter_mut().zip(&self.cells).enumerate() {
            for (&code, slice) in rows.codes.of(feature).iter().zip(&slice_of) {
                if code != RowCodes::MISSING
                    && let Some(count) = counts.get_mut(slice * cells + usize::from(code))
                {
                    *count = count.saturating_add(1);
                }
            }
        }
        self.slice_of = slice_of;
    }

    fn finish(self: Box<Self>, profile: &mut Profile, report: &mut LearnReport) {
        let (mut most_chunks, mut measured) = (0, 0);
        let mut unmeasured = Vec::new();
        let mut blinded = Vec::new();
        for (at, feature) in profile.features.iter_mut().enumerate() {
            if self.cells[at] == 0 {
                continue;
            }
            let sums = self.sums(at);
            most_chunks = most_chunks.max(sums.chunks().groups);
            let chunk_seconds = self.span as f64 * 1e-6 / CHUNKS as f64;
            let Some(found) = variation(&sums, chunk_seconds) else {
                unmeasured.push(feature.name.clone());
                continue;
            };
            measured += 1;
            feature.variation = found;
            let (in_chunk, in_span) = usual_drift(&found);
            if in_span > BLINDING_WANDER {
                blinded.push(format!("{} ({in_chunk:.2}, {in_span:.2})", feature.name));
            }
            let mut reports = report.fields.iter_mut();
            if let Some(report) = reports.find(|report| report.name == feature.name) {
                remark(report, &found);
            }
        }
        if measured == 0 {
            report.warnings.push(format!(
                "the times of the rows fill {most_chunks} of {CHUNKS} chunks of equal length, and \
                 {LEAST_CHUNKS} with rows at several times in each are needed to see how rows hang \
                 together; {UNMEASURED}"
            ));
        } else if !unmeasured.is_empty() {
            report.warnings.push(format!(
                "too few chunks of time have values of {}; {UNMEASURED}",
                named(&unmeasured)
            ));
        }
        if !blinded.is_empty() {
            report.warnings.push(format!(
                "some fields wander by themselves so much from one time to the next that only a \
                 drift above this is told from it, in windows of {} and {}: {}; compare them over \
                 longer windows or with the same hour of other days, or leave them out",
                length(self.span as f64 * 1e-6 / CHUNKS as f64),
                length(self.span as f64 * 1e-6 / CHUNKS as f64 * SPAN_CHUNKS as f64),
                named(&blinded)
            ));
        }
    }
}

/// What holds for fields whose variation is not known.
pub(super) const UNMEASURED: &str = "φ = 1 is assumed, and production learns better in the first \
     days (drift.burn_in)";

fn remark(report: &mut FieldReport, found: &Variation) {
    if found.design_effect > REMARKABLE_EFFECT {
        report.warnings.push(format!(
            "rows hang together: φ = {:.1}",
            found.design_effect
        ));
    }
    let (in_chunk, in_span) = usual_drift(found);
    if in_chunk > REMARKABLE_WANDER {
        report.warnings.push(format!(
            "wanders: a drift up to {in_chunk:.2} is usual in {}, up to {in_span:.2} in {}",
            length(found.chunk_seconds),
            length(found.span_seconds)
        ));
    }
}

/// Drift that wander alone brings to windows of a chunk and of a span.
fn usual_drift(found: &Variation) -> (f64, f64) {
    let of = |seconds| tolerated_effect(found, seconds);
    (of(found.chunk_seconds), of(found.span_seconds))
}

/// A length of time for people, such as `15h`.
fn length(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 2.0 * 86_400.0 => format!("{:.0}d", seconds / 86_400.0),
        _ if seconds >= 2.0 * 3_600.0 => format!("{:.0}h", seconds / 3_600.0),
        _ if seconds >= 120.0 => format!("{:.0}m", seconds / 60.0),
        _ => format!("{seconds:.0}s"),
    }
}

/// The first of these, and how many more there are.
fn named(fields: &[String]) -> String {
    let shown = fields[..fields.len().min(NAMED_FIELDS)].join(", ");
    match fields.len().saturating_sub(NAMED_FIELDS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
