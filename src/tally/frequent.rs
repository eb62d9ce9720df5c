//! The most frequent texts of a stream in bounded memory: names for people, no sum.
//!
//! SpaceSaving keeps a fixed number of counters; a text without one takes over the smallest, with
//! its count as error. It merges, but it does not subtract, so it is no [`Tally`](super::Tally), and
//! nothing that alarms may read it.

use xxhash_rust::xxh3::xxh3_64;

/// Texts that are counted at a time.
const COUNTERS: usize = 32;
/// Longest text that is kept, in bytes; longer ones are cut and end in `…`.
const MOST_BYTES: usize = 64;
const CUT: &str = "…";

/// Counts the most frequent texts: with `n` texts added, each that came more than `n` / 32 times is
/// among them, and no count is wrong by more than that.
///
/// **Source** Metwally, Agrawal and El Abbadi 2005, *Efficient computation of frequent and top-k
/// elements in data streams*.
///
/// ```
/// use driftgauge::tally::FrequentTexts;
///
/// let mut texts = FrequentTexts::default();
/// texts.add("XYZ", 3);
/// texts.add("QQQ", 1);
/// let top = texts.top();
/// assert_eq!((&*top[0].text, top[0].at_least, top[0].at_most), ("XYZ", 3, 3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct FrequentTexts {
    /// Hash of each counted text: looked through first, as it is dense in memory.
    hashes: Vec<u64>,
    counters: Vec<Counter>,
}

#[derive(Clone, Debug)]
struct Counter {
    text: Box<str>,
    count: u64,
    /// Most of `count` that belongs to texts that had the counter before.
    error: u64,
}

/// A frequent text and how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frequent {
    /// The text; if longer than 64 bytes its beginning and `…`, counted for all that begin so.
    pub text: Box<str>,
    /// It came at least so often.
    pub at_least: u64,
    /// And at most so often.
    pub at_most: u64,
}

impl FrequentTexts {
    /// Whether nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    /// Adds `count` times `text`.
    pub fn add(&mut self, text: &str, count: u64) {
        let (start, end) = shortened(text);
        let hash = xxh3_64(start.as_bytes()) ^ u64::from(!end.is_empty());
        let known = self.hashes.iter().position(|&known| known == hash);
        let is_same = |at: &usize| self.counters[*at].text.strip_suffix(end) == Some(start);
        if let Some(at) = known.filter(is_same) {
            self.counters[at].count += count;
            return;
        }
        let mut counter = Counter {
            text: [start, end].concat().into(),
            count,
            error: 0,
        };
        if self.counters.len() < COUNTERS {
            self.hashes.push(hash);
            self.counters.push(counter);
            return;
        }
        let counts = self.counters.iter().enumerate();
        let Some((at, smallest)) = counts.min_by_key(|(_, counter)| counter.count) else {
            return;
        };
        counter.error = smallest.count;
        counter.count += smallest.count;
        self.hashes[at] = hash;
        self.counters[at] = counter;
    }

    /// Texts by falling count.
    pub fn top(&self) -> Vec<Frequent> {
        self.top_with(&Self::default())
    }

    /// Texts of this stream and another one together, by falling count.
    pub fn top_with(&self, other: &Self) -> Vec<Frequent> {
        let mut top = self.bounds(other);
        let theirs = other.bounds(self);
        let is_mine = |text: &str| self.counters.iter().any(|mine| &*mine.text == text);
        top.extend(theirs.into_iter().filter(|their| !is_mine(&their.text)));
        top.sort_by(|a, b| {
            let falling = (b.at_least, b.at_most).cmp(&(a.at_least, a.at_most));
            falling.then_with(|| a.text.cmp(&b.text))
        });
        top
    }

    /// The texts counted here, with what `other` says of them.
    fn bounds(&self, other: &Self) -> Vec<Frequent> {
        let unseen = other.most_of_the_uncounted();
        let counters = self.counters.iter();
        let bounds = counters.map(|counter| {
            let theirs = other.counters.iter().find(|c| c.text == counter.text);
            let (least, most) = theirs.map_or((0, unseen), |c| (c.count - c.error, c.count));
            Frequent {
                text: counter.text.clone(),
                at_least: counter.count - counter.error + least,
                at_most: counter.count + most,
            }
        });
        bounds.collect()
    }

    /// How often a text without a counter may have come.
    fn most_of_the_uncounted(&self) -> u64 {
        if self.counters.len() < COUNTERS {
            return 0;
        }
        let counts = self.counters.iter().map(|counter| counter.count);
        counts.min().unwrap_or(0)
    }

    /// Bytes of memory held, itself included.
    pub fn bytes(&self) -> usize {
        let texts = self.counters.iter().map(|counter| counter.text.len());
        size_of::<Self>()
            + self.counters.capacity() * size_of::<Counter>()
            + self.hashes.capacity() * size_of::<u64>()
            + texts.sum::<usize>()
    }
}

/// The beginning of a text that is kept, and what shows that it was cut.
fn shortened(text: &str) -> (&str, &'static str) {
    if text.len() <= MOST_BYTES {
        return (text, "");
    }
    (
        &text[..text.floor_char_boundary(MOST_BYTES - CUT.len())],
        CUT,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn names(texts: &[u8]) -> impl Iterator<Item = String> {
        // Squares: few frequent, many rare.
        texts
            .iter()
            .map(|&t| format!("{}", u32::from(t) * u32::from(t) / 300))
    }

    proptest! {
        #[test]
        fn true_counts_lie_between_the_bounds(
            first in prop::collection::vec(any::<u8>(), 0..600),
            second in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let mut sketches = [FrequentTexts::default(), FrequentTexts::default()];
            let mut truth: HashMap<String, u64> = HashMap::new();
            for (sketch, texts) in sketches.iter_mut().zip([&first, &second]) {
                for text in names(texts) {
                    sketch.add(&text, 1);
                    *truth.entry(text).or_default() += 1;
                }
                prop_assert!(sketch.counters.len() <= COUNTERS);
            }
            let top = sketches[0].top_with(&sketches[1]);
            for found in &top {
                let count = truth.get(&*found.text).copied().unwrap_or(0);
                prop_assert!(found.at_least <= count && count <= found.at_most, "{found:?} {count}");
            }
            let rows = (first.len() + second.len()) as u64;
            for (text, count) in truth {
                if count > rows / COUNTERS as u64 {
                    prop_assert!(top.iter().any(|found| *found.text == *text), "{text} {count}");
                }
            }
        }
    }

    #[test]
    fn ever_new_texts_of_any_length_take_no_more_than_a_few_kilobytes() {
        let mut sketch = FrequentTexts::default();
        for i in 0..10_000 {
            sketch.add(&format!("{i} {}", "ü".repeat(4_000)), 1);
        }
        assert!(sketch.bytes() < 6_000, "{}", sketch.bytes());
        assert!(
            sketch
                .top()
                .iter()
                .all(|found| found.text.len() <= MOST_BYTES)
        );
    }

    #[test]
    fn long_texts_with_the_same_beginning_are_counted_together_and_said_to_be_cut() {
        let mut sketch = FrequentTexts::default();
        let beginning = "x".repeat(MOST_BYTES - CUT.len());
        for end in ["abcd", "efgh", ""] {
            sketch.add(&format!("{beginning}{end}"), 1);
        }
        let top = sketch.top();
        assert_eq!(
            (&*top[0].text, top[0].at_least),
            (&*format!("{beginning}…"), 2)
        );
        assert_eq!((&*top[1].text, top[1].at_least), (&*beginning, 1));
    }
}
