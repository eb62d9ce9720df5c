//! The mean embedding of rows in a profile document, and how sums vary.

use serde::{Deserialize, Serialize};

use super::file::MOST_WANDER;
use super::joint_document::PLAUSIBLE;
use super::{FourierReference, Variation};

/// Most frequencies: what a reader has to hold.
const MOST_FREQUENCIES: usize = 1_024;

#[derive(Serialize, Deserialize)]
pub(super) struct FourierDocument {
    rows: u64,
    dimensions: usize,
    seed: u64,
    bandwidths: Vec<f64>,
    trace: f64,
    trace_of_square: f64,
    trace_of_cube: f64,
    #[serde(flatten)]
    variation: Option<VariationDocument>,
    means: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct VariationDocument {
    design_effect: f64,
    wander: f64,
    long_wander: f64,
    chunk_seconds: f64,
    span_seconds: f64,
    chunks: u32,
}

impl From<Variation> for VariationDocument {
    fn from(variation: Variation) -> Self {
        Self {
            design_effect: variation.design_effect,
            wander: variation.wander,
            long_wander: variation.long_wander,
            chunk_seconds: variation.chunk_seconds,
            span_seconds: variation.span_seconds,
            chunks: variation.chunks,
        }
    }
}

impl VariationDocument {
    pub(super) fn read(self, of: &str) -> Result<Variation, String> {
        if !(self.design_effect >= 1.0 && self.design_effect.is_finite()) {
            let found = self.design_effect;
            return Err(format!(
                "design_effect of {of} is {found}, must be 1 or more"
            ));
        }
        if !(0.0..=MOST_WANDER).contains(&self.wander) {
            let found = self.wander;
            return Err(format!(
                "wander of {of} is {found}, must be 0 to {MOST_WANDER}"
            ));
        }
        if !(0.0..=self.wander).contains(&self.long_wander) {
            let found = self.long_wander;
            return Err(format!(
                "long_wander of {of} is {found}, must be 0 to wander"
            ));
        }
        let seconds = [self.chunk_seconds, self.span_seconds];
        if !seconds.iter().all(|&s| s >= 0.0 && s.is_finite()) {
            return Err(format!(
                "chunk_seconds and span_seconds of {of} must be 0 or more"
            ));
        }
        Ok(Variation {
            design_effect: self.design_effect,
            wander: self.wander,
            long_wander: self.long_wander,
            chunk_seconds: self.chunk_seconds,
            span_seconds: self.span_seconds,
            chunks: self.chunks,
        })
    }
}

impl From<&FourierReference> for FourierDocument {
    fn from(fourier: &FourierReference) -> Self {
        Self {
            rows: fourier.rows,
            dimensions: fourier.dimensions,
            seed: fourier.seed,
            bandwidths: fourier.bandwidths.clone(),
            trace: fourier.trace,
            trace_of_square: fourier.trace_of_square,
            trace_of_cube: fourier.trace_of_cube,
            variation: fourier.variation.map(VariationDocument::from),
            means: fourier.means.clone(),
        }
    }
}

impl FourierDocument {
    /// The reference, of rows x of so many elements.
    pub(super) fn read(self, dimensions: usize) -> Result<FourierReference, String> {
        if self.dimensions != dimensions {
            return Err(format!(
                "dimensions is {}, must be {dimensions}",
                self.dimensions
            ));
        }
        let frequencies = self.means.len() / 2;
        if !(1..=MOST_FREQUENCIES).contains(&frequencies) || self.means.len() % 2 == 1 {
            let most = 2 * MOST_FREQUENCIES;
            return Err(format!(
                "the means of fourier must be an even number from 2 to {most}"
            ));
        }
        if self.bandwidths.is_empty() || self.bandwidths.len() > frequencies {
            return Err("there must be a bandwidth for one frequency or more".into());
        }
        let traces = [self.trace, self.trace_of_square, self.trace_of_cube];
        let positive = || self.bandwidths.iter().chain(&traces);
        let mut numbers = self.means.iter().chain(positive());
        if !numbers.all(|number| number.abs() <= *PLAUSIBLE.end()) {
            return Err(format!("a number is beyond {:e}", PLAUSIBLE.end()));
        }
        if !positive().all(|number| PLAUSIBLE.contains(number)) {
            let (least, most) = (PLAUSIBLE.start(), PLAUSIBLE.end());
            return Err(format!(
                "bandwidths and traces must be above 0: {least:e} to {most:e}"
            ));
        }
        let variation = self.variation.map(|variation| variation.read("fourier"));
        Ok(FourierReference {
            rows: self.rows,
            dimensions: self.dimensions,
            seed: self.seed,
            bandwidths: self.bandwidths,
            means: self.means,
            trace: self.trace,
            trace_of_square: self.trace_of_square,
            trace_of_cube: self.trace_of_cube,
            variation: variation.transpose()?,
        })
    }
}
