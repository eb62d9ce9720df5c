//! Sums of cell counts over slices of time and over chunks of slices: what the variation of counts is
//! estimated from.
//!
//! Of a slice nothing stays once it has ended but its part of the sums, so chunks cost the same
//! memory whether a file holds them or a week of traffic.

/// Counts of one field, in slices and chunks. Those without rows do not count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkSums {
    /// Rows in each cell of the running slice.
    slice: Box<[u64]>,
    /// Rows in each cell of the slices of the running chunk that have ended.
    chunk: Box<[u64]>,
    /// Rows in each cell of the chunks that have ended.
    totals: Box<[u64]>,
    slices: GroupSums,
    chunks: GroupSums,
    /// Σ n² over the chunks that have ended.
    chunk_rows_squared: f64,
}

/// Sums over groups of n rows with s_j of them in cell j.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSums {
    /// Groups with rows.
    pub groups: u64,
    /// Σ s_j²/n, cell by cell.
    pub squares: Box<[f64]>,
}

impl GroupSums {
    fn new(cells: usize) -> Self {
        Self {
            groups: 0,
            squares: vec![0.0; cells].into(),
        }
    }

    /// Adds a group with these counts, unless it has no rows; how many it has.
    fn add(&mut self, counts: &[u64]) -> f64 {
        let rows = counts.iter().sum::<u64>() as f64;
        if rows > 0.0 {
            self.groups += 1;
            for (square, &count) in self.squares.iter_mut().zip(counts) {
                *square += count as f64 * count as f64 / rows;
            }
        }
        rows
    }
}

impl ChunkSums {
    /// Nothing yet, over this many cells.
    pub fn new(cells: usize) -> Self {
        let zeros: Box<[u64]> = vec![0; cells].into();
        Self {
            slice: zeros.clone(),
            chunk: zeros.clone(),
            totals: zeros,
            slices: GroupSums::new(cells),
            chunks: GroupSums::new(cells),
            chunk_rows_squared: 0.0,
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
        self.chunk_rows_squared += rows * rows;
        for (sum, count) in self.totals.iter_mut().zip(&mut self.chunk) {
            *sum += std::mem::take(count);
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

    /// Σ n² over the chunks that have ended.
    pub fn chunk_rows_squared(&self) -> f64 {
        self.chunk_rows_squared
    }

    /// Bytes of memory held, itself included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + 5 * size_of::<u64>() * self.totals.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_groups_with_rows() {
        let mut sums = ChunkSums::new(2);
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
        let of = |groups, squares: [f64; 2]| GroupSums {
            groups,
            squares: squares.into(),
        };
        assert_eq!(*sums.slices(), of(3, [4.5, 2.5]));
        assert_eq!(*sums.chunks(), of(2, [25.0 / 6.0, 1.0 / 6.0 + 2.0]));
        assert_eq!(sums.chunk_rows_squared(), 36.0 + 4.0);
        assert_eq!(sums.bytes(), size_of::<ChunkSums>() + 5 * 8 * 2);
    }
}
