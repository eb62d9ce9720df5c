//! Sums of cell counts over slices of time, chunks of slices and spans of chunks: what the variation
//! of counts is estimated from.
//!
//! Of a slice nothing stays once it has ended but its part of the sums, so chunks cost the same
//! memory whether a file holds them or a week of traffic.

/// Chunks of a span, of reference rows: twelve spans of 96 chunks.
pub const SPAN_CHUNKS: u64 = 8;
/// The same of a burn-in: with chunks of an hour a span is a day, so that what comes back each day is
/// no wander of windows of a day.
pub const BURN_IN_SPAN_CHUNKS: u64 = 24;

/// Counts of one field, in slices, chunks and spans. Those without rows do not count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkSums {
    /// Rows in each cell of the running slice.
    slice: Box<[u64]>,
    /// Rows in each cell of the slices of the running chunk that have ended.
    chunk: Box<[u64]>,
    /// Rows in each cell of the chunks of the running span that have ended.
    span: Box<[u64]>,
    /// Chunks of the running span that have ended, with or without rows.
    span_chunks: u64,
    /// Chunks of a whole span.
    span_length: u64,
    /// Rows in each cell of the chunks that have ended.
    totals: Box<[u64]>,
    slices: GroupSums,
    chunks: GroupSums,
    spans: GroupSums,
}

/// Sums over groups of n rows with s_j of them in cell j.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSums {
    /// Groups with rows.
    pub groups: u64,
    /// Σ n² over them.
    pub rows_squared: f64,
    /// Σ s_j²/n, cell by cell.
    pub squares: Box<[f64]>,
}

impl GroupSums {
    fn new(cells: usize) -> Self {
        Self {
            groups: 0,
            rows_squared: 0.0,
            squares: vec![0.0; cells].into(),
        }
    }

    /// Adds a group with these counts, unless it has no rows; how many it has.
    fn add(&mut self, counts: &[u64]) -> f64 {
        let rows = counts.iter().sum::<u64>() as f64;
        if rows > 0.0 {
            self.groups += 1;
            self.rows_squared += rows * rows;
            for (square, &count) in self.squares.iter_mut().zip(counts) {
                *square += count as f64 * count as f64 / rows;
            }
        }
        rows
    }
}

impl ChunkSums {
    /// Nothing yet, over this many cells, in spans of so many chunks.
    pub fn new(cells: usize, span_length: u64) -> Self {
        let zeros: Box<[u64]> = vec![0; cells].into();
        Self {
            slice: zeros.clone(),
            chunk: zeros.clone(),
            span: zeros.clone(),
            span_chunks: 0,
            span_length,
            totals: zeros,
            slices: GroupSums::new(cells),
            chunks: GroupSums::new(cells),
            spans: GroupSums::new(cells),
        }
    }

    /// Adds counts of all cells to the running slice.
    pub fn add(&mut self, counts: impl IntoIterator<Item = u64>) {
        for (sum, count) in self.slice.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// Ends the running slice.
    pub fn end_slice(&mut self) {
        self.slices.add(&self.slice);
        for (sum, count) in self.chunk.iter_mut().zip(&mut self.slice) {
            *sum += std::mem::take(count);
        }
    }

    /// Ends the running slice and the running chunk; whether the chunk has rows.
    pub fn end_chunk(&mut self) -> bool {
        self.end_slice();
        let rows = self.chunks.add(&self.chunk);
        let sums = self.totals.iter_mut().zip(&mut self.span);
        for ((total, span), count) in sums.zip(&mut self.chunk) {
            *total += *count;
            *span += std::mem::take(count);
        }
        self.span_chunks += 1;
        if self.span_chunks == self.span_length {
            self.span_chunks = 0;
            self.spans.add(&self.span);
            self.span.fill(0);
        }
        rows > 0.0
    }

    /// Rows in each cell of the chunks that have ended.
    pub fn totals(&self) -> &[u64] {
        &self.totals
    }

    /// Sums over slices; those of the running chunk that have ended included.
    pub fn slices(&self) -> &GroupSums {
        &self.slices
    }

    /// Sums over the chunks that have ended.
    pub fn chunks(&self) -> &GroupSums {
        &self.chunks
    }

    /// Chunks of a span.
    pub fn span_length(&self) -> u64 {
        self.span_length
    }

    /// Rows in each cell of the spans that have ended.
    pub fn span_totals(&self) -> Box<[u64]> {
        let running = self.totals.iter().zip(&self.span);
        running.map(|(total, span)| total - span).collect()
    }

    /// Sums over the spans that have ended.
    pub fn spans(&self) -> &GroupSums {
        &self.spans
    }

    /// Bytes of memory held, itself included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + 7 * size_of::<u64>() * self.totals.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_groups_with_rows() {
        let mut sums = ChunkSums::new(2, SPAN_CHUNKS);
        for slice in [[1, 1], [0, 0], [4, 0]] {
            sums.add(slice);
            sums.end_slice();
        }
        assert!(sums.end_chunk());
        assert!(!sums.end_chunk());
        sums.add([0, 1]);
        sums.add([0, 1]);
        assert!(sums.end_chunk());

        assert_eq!(sums.totals(), [5, 3]);
        // 1/2 + 16/4 and 1/2 + 4/2; 25/6 and 1/6 + 4/2.
        let of = |groups, rows_squared, squares: [f64; 2]| GroupSums {
            groups,
            rows_squared,
            squares: squares.into(),
        };
        assert_eq!(*sums.slices(), of(3, 4.0 + 16.0 + 4.0, [4.5, 2.5]));
        let chunks = [25.0 / 6.0, 1.0 / 6.0 + 2.0];
        assert_eq!(*sums.chunks(), of(2, 36.0 + 4.0, chunks));

        assert_eq!(sums.spans().groups, 0);
        (0..SPAN_CHUNKS - 3).for_each(|_| assert!(!sums.end_chunk()));
        assert_eq!(*sums.spans(), of(1, 64.0, [25.0 / 8.0, 9.0 / 8.0]));
        assert_eq!(sums.bytes(), size_of::<ChunkSums>() + 7 * 8 * 2);
    }
}
