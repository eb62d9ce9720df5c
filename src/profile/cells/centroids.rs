//! Cells of vectors: each vector belongs to the reference centroid that is nearest to it.
//!
//! Shares of clusters add up over windows and pods like all counts, and can be explained: "this kind
//! of text has doubled". What they cannot see, a turn of all vectors together, the angle to the
//! reference mean does.

/// Most elements of a vector whose values are looked at; of wider ones only missing values are.
pub const MAX_ELEMENTS: usize = 4_096;
/// A cell number fits into a byte, with room for "none".
const MOST_CENTROIDS: usize = 254;

/// Centroids of reference vectors, and the direction of their mean.
#[derive(Clone, Debug, PartialEq)]
pub struct CentroidCells {
    width: usize,
    mean: Vec<f32>,
    /// 1 / length of `mean`; 0 if it has none.
    inverse_length: f64,
    /// One after the other.
    centroids: Vec<f32>,
}

impl CentroidCells {
    /// Cells around these centroids. `mean` is the mean of the directions of all reference vectors
    /// (each vector divided by its length), so that a few huge ones do not decide it.
    ///
    /// # Errors
    /// A sentence when there is no centroid or more than 254, when a vector has fewer than 2 or more
    /// than [`MAX_ELEMENTS`] elements or not as many as the others, or when an element is not finite.
    pub fn new(mean: Vec<f32>, centroids: &[Vec<f32>]) -> Result<Self, String> {
        let width = mean.len();
        if !(2..=MAX_ELEMENTS).contains(&width) {
            return Err(format!(
                "the mean has {width} elements, must have 2 to {MAX_ELEMENTS}"
            ));
        }
        if !(1..=MOST_CENTROIDS).contains(&centroids.len()) {
            return Err(format!(
                "{} centroids; there must be 1 to {MOST_CENTROIDS}",
                centroids.len()
            ));
        }
        if let Some(other) = centroids.iter().find(|centroid| centroid.len() != width) {
            return Err(format!(
                "a centroid has {} elements and the mean {width}",
                other.len()
            ));
        }
        let centroids = centroids.concat();
        if !centroids.iter().chain(&mean).all(|e| e.is_finite()) {
            return Err("an element of a centroid or of the mean is not finite".into());
        }
        let (_, square) = product_and_square(&mean, &mean);
        Ok(Self {
            width,
            mean,
            inverse_length: if square > 0.0 {
                1.0 / square.sqrt()
            } else {
                0.0
            },
            centroids,
        })
    }

    /// Elements of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Mean of the directions of the reference vectors.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The centroids, one a cell.
    pub fn centroids(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.centroids.chunks_exact(self.width)
    }

    /// Cell of a vector of [`CentroidCells::width`] finite elements: the nearest centroid by
    /// Euclidean distance, the first of equally near ones. `None` when it is so far from all of them
    /// that the square of no distance is a finite `f32`.
    pub fn nearest(&self, vector: &[f32]) -> Option<usize> {
        let mut best = (f32::INFINITY, None);
        for (cell, centroid) in self.centroids().enumerate() {
            let distance = squared_distance(vector, centroid);
            if distance < best.0 {
                best = (distance, Some(cell));
            }
        }
        best.1
    }

    /// Cosine of the angle between a vector and the mean, −1 … 1. `None` when one of them has no
    /// direction, because all its elements are 0.
    pub fn cosine(&self, vector: &[f32]) -> Option<f64> {
        let (product, square) = product_and_square(vector, &self.mean);
        (square > 0.0 && self.inverse_length > 0.0)
            .then(|| (product / square.sqrt() * self.inverse_length).clamp(-1.0, 1.0))
    }
}

/// Σ (aᵢ − bᵢ)² in independent lanes that the compiler can vectorise; infinite where it is beyond
/// `f32`, never NaN for finite elements.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += (a - b) * (a - b);
    }
    sums.iter().sum()
}

/// Σ aᵢ², wide enough for any `f32`.
pub fn squared_length(a: &[f32]) -> f64 {
    product_and_square(a, a).1
}

/// Σ aᵢbᵢ and Σ aᵢ², wide enough for any `f32`.
fn product_and_square(a: &[f32], b: &[f32]) -> (f64, f64) {
    const LANES: usize = 4;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (mut products, mut squares) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let mut add = |lane: usize, a: f32, b: f32| {
        let (a, b) = (f64::from(a), f64::from(b));
        products[lane] += a * b;
        squares[lane] += a * a;
    };
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            add(lane, a[lane], b[lane]);
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        add(lane, *a, *b);
    }
    (products.iter().sum(), squares.iter().sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_centroid_is_that_of_a_plain_search(
            (vector, centroids) in (2_usize..40).prop_flat_map(|width| {
                let vector = || prop::collection::vec(-1e3_f32..1e3, width);
                (vector(), prop::collection::vec(vector(), 1..40))
            }),
        ) {
            let cells = CentroidCells::new(vector.clone(), &centroids).unwrap();
            let exact = |centroid: &[f32]| -> f64 {
                let pairs = vector.iter().zip(centroid);
                pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
            };
            let least = centroids.iter().map(|c| exact(c)).fold(f64::INFINITY, f64::min);
            let found = cells.nearest(&vector).unwrap();
            prop_assert!(exact(&centroids[found]) <= least * (1.0 + 1e-5) + 1e-9);
        }

        #[test]
        fn no_finite_vector_has_a_distance_that_is_no_number(
            vector in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 17),
        ) {
            let cells = CentroidCells::new(vec![1.0; 17], &[vec![0.0; 17], vec![-f32::MAX; 17]]);
            let cells = cells.unwrap();
            prop_assert!(cells.cosine(&vector).is_none_or(|c| (-1.0..=1.0).contains(&c)));
            prop_assert!(!squared_distance(&vector, &[f32::MIN; 17]).is_nan());
            if cells.nearest(&vector).is_none() {
                prop_assert!(vector.iter().any(|e| e.abs() > 1e18));
            }
        }
    }

    #[test]
    fn a_cosine_knows_the_direction_and_not_the_length() {
        let cells = CentroidCells::new(vec![1.0, 0.0, 0.0], &[vec![0.0; 3]]).unwrap();
        assert_eq!(cells.cosine(&[1e30, 0.0, 0.0]), Some(1.0));
        assert_eq!(cells.cosine(&[-1e-30, 0.0, 0.0]), Some(-1.0));
        assert_eq!(cells.cosine(&[0.0, 5.0, 0.0]), Some(0.0));
        assert!((cells.cosine(&[3.0, 4.0, 0.0]).unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(cells.cosine(&[0.0; 3]), None);
    }

    #[test]
    fn the_first_of_equally_near_centroids_has_the_vector() {
        let cells = CentroidCells::new(vec![1.0; 2], &[vec![1.0, 0.0], vec![-1.0, 0.0]]).unwrap();
        assert_eq!(cells.nearest(&[0.0, 3.0]), Some(0));
    }

    #[test]
    fn what_is_no_set_of_centroids_is_refused() {
        assert!(CentroidCells::new(vec![1.0], &[vec![1.0]]).is_err());
        assert!(CentroidCells::new(vec![1.0; 2], &[]).is_err());
        assert!(CentroidCells::new(vec![1.0; 2], &[vec![1.0; 3]]).is_err());
        assert!(CentroidCells::new(vec![1.0; 2], &[vec![1.0, f32::NAN]]).is_err());
        assert!(CentroidCells::new(vec![1.0; 2], &vec![vec![1.0; 2]; 255]).is_err());
    }
}
