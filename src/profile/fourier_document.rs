//! The mean embedding of rows in a profile document.
//!
//! That of the joint reference and that of a vector are the same; only the former says how it varies.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{FourierReference, Variation};

/// Most frequencies: what a reader has to hold.
const MOST_FREQUENCIES: usize = 1_024;
/// Where variances, bandwidths and traces lie at the widest, so that no ratio of them overflows.
pub(super) const PLAUSIBLE: RangeInclusive<f64> = 1e-60..=1e30;

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
    variation: Option<Variation>,
    means: Vec<f64>,
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
            variation: fourier.variation,
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
        let is_plausible = |number: &f64| number.abs() <= *PLAUSIBLE.end();
        if !self.means.iter().all(is_plausible) {
            return Err(format!(
                "a number of fourier is beyond {:e}",
                PLAUSIBLE.end()
            ));
        }
        if !positive().all(|number| PLAUSIBLE.contains(number)) {
            let (least, most) = (PLAUSIBLE.start(), PLAUSIBLE.end());
            return Err(format!(
                "bandwidths and traces must be above 0: {least:e} to {most:e}"
            ));
        }
        if let Some(variation) = &self.variation {
            variation.check(" of fourier")?;
        }
        Ok(FourierReference {
            rows: self.rows,
            dimensions: self.dimensions,
            seed: self.seed,
            bandwidths: self.bandwidths,
            means: self.means,
            trace: self.trace,
            trace_of_square: self.trace_of_square,
            trace_of_cube: self.trace_of_cube,
            variation: self.variation,
        })
    }
}
