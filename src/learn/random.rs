//! Random numbers by position: in integers only, so that every machine draws the same.

/// The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) at one position.
pub fn mix(position: u64) -> u64 {
    let mut bits = position.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Place in a uniform sample of `most` values that the value number `count` (from 1) takes, by
/// Vitter's algorithm R; `None` if it is not drawn.
pub fn place_in_sample(count: u64, most: usize, seed: u64) -> Option<usize> {
    if count <= most as u64 {
        return Some(count as usize - 1);
    }
    let random = mix(seed.wrapping_add(count));
    let place = ((u128::from(random) * u128::from(count)) >> 64) as usize;
    (place < most).then_some(place)
}
