//! The mean embedding of reference vectors.
//!
//! Unlike centroids, nothing but two bandwidths is fitted to the rows, so all that are kept count.

use super::covariance::{Covariance, rounded};
use super::joint::{BANDWIDTHS, FREQUENCIES, SEED};
use crate::profile::{EMBEDDING_DIMENSIONS, FourierReference};
use crate::tally::{EmbeddingMap, FourierMap, Points, Projection};

/// Of directions nearer to each other than this, `f32` leaves mostly noise.
const LEAST_DISTANCE: f64 = 1e-4;

/// The mean embedding of vectors of `width` elements; `None` of fewer than 20 with a direction, or if
/// all were alike.
pub(super) fn embedding<'a>(
    vectors: impl ExactSizeIterator<Item = &'a [f32]> + Clone,
    width: usize,
) -> Option<FourierReference> {
    let projection = Projection::new(width, SEED);
    let dimensions = projection.dimensions();
    let (mut rows, mut sums, mut squares) = (0_u64, [0.0; EMBEDDING_DIMENSIONS], 0.0);
    for point in vectors
        .clone()
        .filter_map(|vector| projection.point(vector))
    {
        rows += 1;
        for (sum, element) in sums.iter_mut().zip(&point) {
            *sum += element;
            squares += element * element;
        }
    }
    let count = rows.max(1) as f64;
    let spread = squares / count - sums.iter().map(|sum| (sum / count).powi(2)).sum::<f64>();
    // Of two independent rows, as the root of the mean square.
    let distance = (2.0 * spread.max(0.0)).sqrt();
    if distance < LEAST_DISTANCE {
        return None;
    }
    let bandwidths = BANDWIDTHS.map(|bandwidth| rounded(bandwidth * distance));
    let fourier = FourierMap::new(dimensions, FREQUENCIES, SEED, &bandwidths);
    let map = EmbeddingMap::new(projection, fourier);
    let mut covariance = Covariance::new(rows);
    let (mut all, mut points) = (map.tally(), Points::default());
    for vector in vectors {
        let mut single = map.tally();
        map.add([vector], &mut points, &mut single);
        covariance.observe(single.rows, |_, phi| phi.copy_from_slice(&single.fourier));
        all.rows += single.rows;
        let parts = all.fourier.iter_mut().zip(&single.fourier);
        parts.for_each(|(sum, part)| *sum += part);
    }
    let means = all.fourier.iter().map(|sum| rounded(sum / rows as f64));
    let means: Vec<_> = means.collect();
    let [trace, trace_of_square, trace_of_cube] = covariance.traces(&means)?;
    Some(FourierReference {
        rows,
        dimensions,
        seed: SEED,
        bandwidths: bandwidths.to_vec(),
        means,
        trace,
        trace_of_square,
        trace_of_cube,
        variation: None,
    })
}
