//! Where vectors lie, as sums: Fourier features of a random projection of their directions.
//!
//! Shares of clusters cannot show that a cloud has changed its form inside a cell, nor a cosine that it
//! has moved about its axis; the mean embedding of all rows can.

use super::{FourierMap, JointTally, RUN};
use crate::profile::{EMBEDDING_DIMENSIONS, FourierReference, squared_length};

/// A point of the projection; 0 beyond its elements.
pub type Point = [f64; EMBEDDING_DIMENSIONS];

/// Projects the direction x/‖x‖ of a vector to at most [`EMBEDDING_DIMENSIONS`] elements.
///
/// Element j is Σ ±xᵢ / √32 with random signs: distances stay as they are, but for chance. Vectors of no
/// more elements stay whole.
///
/// **Source** Achlioptas 2003, *Database-friendly random projections*.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    dimensions: usize,
    /// What each element of a vector adds to each of the point.
    weights: Box<[[f32; EMBEDDING_DIMENSIONS]]>,
}

impl Projection {
    /// Of vectors of `width` elements. The sign of element i in element j is minus where bit j of number
    /// i is set, of the generator SplitMix64 that was started at `seed` + 1.
    pub fn new(width: usize, seed: u64) -> Self {
        let weights = |element: usize| {
            let mut weights = [0.0; EMBEDDING_DIMENSIONS];
            if width <= EMBEDDING_DIMENSIONS {
                weights[element] = 1.0;
                return weights;
            }
            let bits = super::fourier::split_mix(seed.wrapping_add(1), element as u64);
            for (at, weight) in weights.iter_mut().enumerate() {
                let size = 1.0 / (EMBEDDING_DIMENSIONS as f32).sqrt();
                *weight = if bits >> at & 1 == 1 { -size } else { size };
            }
            weights
        };
        Self {
            dimensions: width.min(EMBEDDING_DIMENSIONS),
            weights: (0..width).map(weights).collect(),
        }
    }

    /// Elements of a point.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The point of a vector of as many finite elements; `None` when it has no direction, because all
    /// are 0, or is too long for `f32`.
    pub fn point(&self, vector: &[f32]) -> Option<Point> {
        let mut sums = [0.0_f32; EMBEDDING_DIMENSIONS];
        for (&element, weights) in vector.iter().zip(&self.weights) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += element * weight;
            }
        }
        let square = squared_length(vector);
        let is_usable = square > 0.0 && sums.iter().all(|sum| sum.is_finite());
        let inverse = 1.0 / square.sqrt();
        is_usable.then(|| sums.map(|sum| f64::from(sum) * inverse))
    }
}

/// Points of up to [`RUN`] rows, element after element; 0 beyond the rows.
#[derive(Clone, Debug)]
pub struct Points {
    columns: Box<[[f64; RUN]; EMBEDDING_DIMENSIONS]>,
    rows: usize,
}

impl Default for Points {
    fn default() -> Self {
        Self {
            columns: Box::new([[0.0; RUN]; EMBEDDING_DIMENSIONS]),
            rows: 0,
        }
    }
}

impl Points {
    fn push(&mut self, point: &Point) {
        for (column, element) in self.columns.iter_mut().zip(point) {
            column[self.rows] = *element;
        }
        self.rows += 1;
    }

    fn clear(&mut self) {
        for column in &mut *self.columns {
            column[..self.rows].fill(0.0);
        }
        self.rows = 0;
    }
}

/// Turns vectors into sums of Fourier features.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingMap {
    projection: Projection,
    fourier: FourierMap,
}

impl EmbeddingMap {
    /// Fourier features of as many elements as a point of the projection has.
    pub fn new(projection: Projection, fourier: FourierMap) -> Self {
        Self {
            projection,
            fourier,
        }
    }

    /// As a reference of vectors of `width` elements was measured.
    pub fn of(reference: &FourierReference, width: usize) -> Self {
        let projection = Projection::new(width, reference.seed);
        Self::new(projection, FourierMap::of(reference))
    }

    /// Sums of nothing.
    pub fn tally(&self) -> JointTally {
        JointTally::new(0, self.fourier.features())
    }

    /// Adds vectors of the width of the map and of finite elements; those without a direction are left
    /// out. `points` is memory to be used again.
    pub fn add<'a>(
        &self,
        vectors: impl IntoIterator<Item = &'a [f32]>,
        points: &mut Points,
        sums: &mut JointTally,
    ) {
        points.clear();
        for vector in vectors {
            let Some(point) = self.projection.point(vector) else {
                continue;
            };
            points.push(&point);
            if points.rows == RUN {
                self.add_points(points, sums);
            }
        }
        self.add_points(points, sums);
    }

    fn add_points(&self, points: &mut Points, sums: &mut JointTally) {
        let columns = &points.columns[..self.projection.dimensions];
        self.fourier.add(columns, points.rows, &mut sums.fourier);
        sums.rows += points.rows as u64;
        points.clear();
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.projection.weights) + self.fourier.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(width: usize, seed: u64) -> Vec<f32> {
        let element = |at| {
            let bits = super::super::fourier::split_mix(seed, at as u64);
            (bits >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..width).map(element).collect()
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    }

    #[test]
    fn distances_of_directions_survive_the_projection() {
        for (width, tolerance) in [(8, 1e-6), (32, 1e-6), (768, 0.15)] {
            let projection = Projection::new(width, 0);
            let (mut projected, mut exact) = (0.0, 0.0);
            for pair in 0..50 {
                let [a, b] = [2 * pair, 2 * pair + 1].map(|seed| vector(width, seed));
                let direction = |v: &[f32]| -> Vec<f64> {
                    let length = squared_length(v).sqrt();
                    v.iter().map(|e| f64::from(*e) / length).collect()
                };
                exact += distance(&direction(&a), &direction(&b));
                let [a, b] = [a, b].map(|v| projection.point(&v).unwrap());
                projected += distance(&a, &b);
            }
            let off = projected / exact - 1.0;
            assert!(off.abs() < tolerance, "{width} elements: off by {off}");
        }
    }

    #[test]
    fn length_does_not_matter_and_what_has_none_has_no_point() {
        let projection = Projection::new(40, 0);
        let short = vector(40, 1);
        let long: Vec<f32> = short.iter().map(|element| element * 1e6).collect();
        let points = [short, long].map(|vector| projection.point(&vector).unwrap());
        assert!(distance(&points[0], &points[1]) < 1e-10);
        assert_eq!(projection.point(&[0.0; 40]), None);
        let huge: Vec<f32> = vector(40, 1).iter().map(|e| e * f32::MAX).collect();
        let point = projection.point(&huge);
        assert!(point.is_none_or(|point| point.iter().all(|e| e.is_finite())));
    }
}
