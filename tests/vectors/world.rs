//! Where the vectors come from: clusters of known places and shares, so that a test knows what has
//! changed and what has not.

use super::common::Random;

fn gauss(random: &mut Random) -> f64 {
    // Irwin and Hall: near enough to a normal, and without a logarithm of zero.
    (0..4).map(|_| random.uniform() - 0.5).sum::<f64>() * 3_f64.sqrt()
}

/// A world of vectors: clusters of unequal shares around one common direction, with noise.
pub(super) struct World {
    pub(super) centres: Vec<Vec<f64>>,
    pub(super) noise: f64,
}

impl World {
    pub(super) fn new(width: usize, clusters: usize, noise: f64, seed: u64) -> Self {
        let mut random = Random(seed);
        let common: Vec<f64> = (0..width).map(|_| gauss(&mut random)).collect();
        let centre = |_| common.iter().map(|c| c + gauss(&mut random)).collect();
        Self {
            centres: (0..clusters).map(centre).collect(),
            noise,
        }
    }

    /// `rows` vectors; cluster i has a share in proportion to `share(i)`.
    pub(super) fn rows(
        &self,
        random: &mut Random,
        rows: usize,
        share: impl Fn(usize) -> f64,
    ) -> Vec<Vec<f32>> {
        let shares: Vec<f64> = (0..self.centres.len()).map(share).collect();
        let total: f64 = shares.iter().sum();
        let mut draw = || {
            let mut rest = random.uniform() * total;
            let cluster = shares.iter().position(|share| {
                rest -= share;
                rest < 0.0
            });
            let centre = &self.centres[cluster.unwrap_or(0)];
            let noisy = centre
                .iter()
                .map(|c| (c + self.noise * gauss(random)) as f32);
            noisy.collect()
        };
        (0..rows).map(|_| draw()).collect()
    }
}

pub(super) fn usual(cluster: usize) -> f64 {
    1.0 / (cluster + 2) as f64
}

/// Clusters, and in each a cloud along the diagonal of the first two elements, on which no centre
/// differs: the diagonal that `side` chooses.
pub(super) fn along_a_diagonal(
    world: &World,
    random: &mut Random,
    rows: usize,
    side: f32,
) -> Vec<Vec<f32>> {
    let mut vectors = world.rows(random, rows, |_| 1.0);
    for vector in &mut vectors {
        let along = 2.5 * gauss(random) as f32;
        vector[0] = along;
        vector[1] = side * along;
    }
    vectors
}
