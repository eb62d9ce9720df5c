//! Where the centroids of vectors are: k-means over a sample.

use super::random::mix;
use crate::profile::squared_distance;

/// Most centroids of a field.
pub const MAX_CENTROIDS: usize = 32;
/// Most elements of all centroids of a field together: what a profile holds and what finding the
/// nearest of them costs a row, whatever the width.
pub const MAX_CENTROID_ELEMENTS: usize = 32_768;
/// Rounds of Lloyd's algorithm; it ends earlier when no vector changes sides.
const ROUNDS: usize = 20;
/// A centroid of fewer vectors is left out: that of one would be a row, and a profile holds none.
const LEAST_MEMBERS: u64 = 5;
const SEED: u64 = 0x6b2d_6d65_616e_7321;

/// At most `count` centroids (at least 1) of vectors of `width` elements, the ones with most vectors
/// first. Fewer, if there are fewer distinct vectors, or if some would be the mean of fewer than five. The same vectors in the same order always give
/// the same centroids, to six digits.
///
/// **Source** Lloyd, *Least squares quantization in PCM*, IEEE Trans. Inf. Theory 28, 1982; begun
/// with k-means++: Arthur and Vassilvitskii, SODA 2007.
pub fn centroids(vectors: &[&[f32]], width: usize, count: usize) -> Vec<Vec<f32>> {
    let mut centroids = far_apart(vectors, count);
    let mut cell_of = vec![usize::MAX; vectors.len()];
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (vector, cell) in vectors.iter().zip(&mut cell_of) {
            let nearest = nearest(vector, &centroids);
            changed |= *cell != nearest;
            *cell = nearest;
        }
        if !changed {
            break;
        }
        centroids = means(vectors, &cell_of, width, &centroids);
    }
    let mut counts = vec![0_u64; centroids.len()];
    cell_of.iter().for_each(|&cell| counts[cell] += 1);
    let mut counted: Vec<_> = counts.into_iter().zip(centroids).collect();
    counted.sort_by(|(a, _), (b, _)| b.cmp(a));
    let least = counted
        .first()
        .map_or(0, |(most, _)| LEAST_MEMBERS.min(*most));
    counted.retain(|(rows, _)| *rows >= least);
    let centroids = counted.into_iter().map(|(_, centroid)| rounded(centroid));
    centroids.collect()
}

/// The mean of the directions of vectors, to six digits; vectors without a direction do not count.
pub fn mean_direction(vectors: &[&[f32]], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f64; width];
    for vector in vectors {
        let square: f64 = vector.iter().map(|e| f64::from(*e).powi(2)).sum();
        if square > 0.0 {
            let inverse = 1.0 / square.sqrt();
            for (sum, element) in sum.iter_mut().zip(*vector) {
                *sum += f64::from(*element) * inverse;
            }
        }
    }
    let rows = vectors.len().max(1) as f64;
    rounded(sum.into_iter().map(|sum| (sum / rows) as f32).collect())
}

/// Vectors drawn one after the other, each with a chance in proportion to its squared distance from
/// those drawn before.
fn far_apart(vectors: &[&[f32]], count: usize) -> Vec<Vec<f32>> {
    let mut drawn: Vec<Vec<f32>> = Vec::with_capacity(count);
    let mut distances = vec![f64::from(f32::MAX); vectors.len()];
    for draw in 0..count as u64 {
        let total: f64 = distances.iter().sum();
        if total <= 0.0 {
            break;
        }
        let random = (mix(SEED.wrapping_add(draw)) >> 11) as f64 / (1_u64 << 53) as f64;
        let mut rest = random * total;
        let chosen = distances.iter().position(|&distance| {
            rest -= distance;
            rest < 0.0
        });
        // Rounding may leave a rest; then it is the last one that has a chance.
        let chosen = chosen.or_else(|| distances.iter().rposition(|&distance| distance > 0.0));
        let Some(next) = chosen.and_then(|chosen| vectors.get(chosen)) else {
            break;
        };
        for (distance, vector) in distances.iter_mut().zip(vectors) {
            let to_next = squared_distance(vector, next).min(f32::MAX);
            *distance = distance.min(f64::from(to_next));
        }
        drawn.push(next.to_vec());
    }
    drawn
}

fn nearest(vector: &[f32], centroids: &[Vec<f32>]) -> usize {
    let mut best = (f32::INFINITY, 0);
    for (cell, centroid) in centroids.iter().enumerate() {
        let distance = squared_distance(vector, centroid);
        if distance < best.0 {
            best = (distance, cell);
        }
    }
    best.1
}

/// The mean of the vectors of each cell; an empty cell keeps its centroid.
fn means(
    vectors: &[&[f32]],
    cell_of: &[usize],
    width: usize,
    before: &[Vec<f32>],
) -> Vec<Vec<f32>> {
    let mut sums = vec![(0_u64, vec![0.0_f64; width]); before.len()];
    for (vector, &cell) in vectors.iter().zip(cell_of) {
        let (rows, sum) = &mut sums[cell];
        *rows += 1;
        for (sum, element) in sum.iter_mut().zip(*vector) {
            *sum += f64::from(*element);
        }
    }
    let sums = sums.into_iter().zip(before);
    sums.map(|((rows, sum), before)| match rows {
        0 => before.clone(),
        rows => sum.iter().map(|s| (s / rows as f64) as f32).collect(),
    })
    .collect()
}

/// Six digits: what a profile shows is all that there is, and a fourth shorter.
fn rounded(vector: Vec<f32>) -> Vec<f32> {
    let round = |element: f32| format!("{element:.5e}").parse().unwrap_or(element) + 0.0;
    vector.into_iter().map(round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clusters around (10, 0), (0, 10) and (−10, −10), of 50, 30 and 20 vectors.
    fn clustered() -> Vec<[f32; 2]> {
        let near = |at: u64, x: f32, y: f32| {
            let jitter = |bits: u64| (bits % 1_000) as f32 / 1_000.0 - 0.5;
            [x + jitter(mix(at)), y + jitter(mix(at + 1_000))]
        };
        let first = (0..50).map(|at| near(at, 10.0, 0.0));
        let second = (50..80).map(|at| near(at, 0.0, 10.0));
        let third = (80..100).map(|at| near(at, -10.0, -10.0));
        first.chain(second).chain(third).collect()
    }

    fn slices(vectors: &[[f32; 2]]) -> Vec<&[f32]> {
        vectors.iter().map(|vector| &vector[..]).collect()
    }

    #[test]
    fn clusters_are_found_the_largest_first_and_always_the_same() {
        let vectors = clustered();
        let found = centroids(&slices(&vectors), 2, 3);
        assert_eq!(found.len(), 3);
        for (centroid, wanted) in found.iter().zip([[10.0, 0.0], [0.0, 10.0], [-10.0, -10.0]]) {
            assert!(squared_distance(centroid, &wanted) < 0.1, "{found:?}");
        }
        assert_eq!(centroids(&slices(&vectors), 2, 3), found);
    }

    #[test]
    fn there_are_no_more_centroids_than_distinct_vectors() {
        let mut vectors = vec![[1.0, 2.0]; 10];
        vectors.extend([[3.0, 4.0]; 9]);
        let found = centroids(&slices(&vectors), 2, 32);
        assert_eq!(found, [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(centroids(&slices(&[[0.0; 2]; 9]), 2, 32), [[0.0, 0.0]]);
        assert!(centroids(&[], 2, 32).is_empty());
    }

    #[test]
    fn an_absurd_vector_leaves_the_others_alone_and_is_no_centroid() {
        let mut vectors = clustered();
        vectors.push([f32::MAX, f32::MAX]);
        let found = centroids(&slices(&vectors), 2, 4);
        assert!(found.iter().flatten().all(|element| element.abs() < 100.0));
        let near = |wanted: [f32; 2]| found.iter().any(|c| squared_distance(c, &wanted) < 0.1);
        assert!(
            near([10.0, 0.0]) && near([0.0, 10.0]) && near([-10.0, -10.0]),
            "{found:?}"
        );
    }

    #[test]
    fn the_mean_direction_does_not_care_for_lengths() {
        let vectors = [[1e30, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 1.0]];
        assert_eq!(mean_direction(&slices(&vectors), 2), [0.25, 0.5]);
    }
}
