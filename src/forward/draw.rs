//! Random numbers for sampling: cheap, one sequence a thread, of no use to cryptography.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0));
}

/// A number from 0 to 1, spread evenly.
pub(super) fn draw() -> f64 {
    // SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    let mut x = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(x);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    // 53 bits, as many as a float has.
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly_between_0_and_1() {
        let mut tenths = [0; 10];
        for _ in 0..100_000 {
            let x = draw();
            assert!((0.0..1.0).contains(&x));
            tenths[(x * 10.0) as usize] += 1;
        }
        // 10,000 each, standard deviation 95.
        assert!(
            tenths.iter().all(|n| (9_400..10_600).contains(n)),
            "{tenths:?}"
        );
    }
}
