//! The values of nested arrays one after the other, and the shape that the arrays have.

use super::Stop;
use super::json::{Reader, Value};
use crate::ingest::inference::Unusable;

/// Arrays in arrays at most, as many as NumPy has dimensions.
const MAX_DEPTH: usize = 64;

/// Walks through a value.
#[derive(Debug)]
pub(super) struct Leaves<'a> {
    reader: Reader<'a>,
    is_started: bool,
    /// Elements so far of each array that is open, from the outermost.
    open: Vec<usize>,
    /// Elements of the first array of each depth; `None` until it is closed.
    lengths: Vec<Option<usize>>,
    has_leaf: bool,
    is_ragged: bool,
}

impl<'a> Leaves<'a> {
    /// The leaves of the value that comes next.
    pub(super) fn of(reader: Reader<'a>) -> Self {
        Self {
            reader,
            is_started: false,
            open: Vec::new(),
            lengths: Vec::new(),
            has_leaf: false,
            is_ragged: false,
        }
    }

    /// The next value that is no array; `None` after the last. An object is one, whatever it holds.
    pub(super) fn next(&mut self) -> Result<Option<Value<'a>>, Stop> {
        if !self.is_started {
            self.is_started = true;
            match self.reader.value()? {
                Value::Array => self.enter()?,
                leaf => return self.leaf(leaf).map(Some),
            }
        }
        while let Some(count) = self.open.last_mut() {
            if !self.reader.next_element(*count == 0)? {
                self.close();
                continue;
            }
            *count += 1;
            match self.reader.value()? {
                Value::Array => self.enter()?,
                leaf => return self.leaf(leaf).map(Some),
            }
        }
        Ok(None)
    }

    /// Elements along each dimension, once all leaves were walked through; of a value that is no
    /// array none. An error where arrays of one depth differ in length.
    pub(super) fn shape(&self) -> Result<Vec<usize>, Unusable> {
        if self.is_ragged {
            return Err(Unusable::Shape);
        }
        let lengths = self.lengths.iter().map(|length| length.unwrap_or(0));
        Ok(lengths.collect())
    }

    fn leaf(&mut self, leaf: Value<'a>) -> Result<Value<'a>, Stop> {
        self.has_leaf = true;
        self.is_ragged |= self.open.len() != self.lengths.len();
        if leaf == Value::Object {
            self.reader.leave()?;
        }
        Ok(leaf)
    }

    fn enter(&mut self) -> Result<(), Unusable> {
        if self.open.len() == MAX_DEPTH {
            return Err(Unusable::Shape);
        }
        if self.open.len() == self.lengths.len() {
            self.is_ragged |= self.has_leaf;
            self.lengths.push(None);
        }
        self.open.push(0);
        Ok(())
    }

    fn close(&mut self) {
        let Some(count) = self.open.pop() else {
            return;
        };
        let first = self.lengths[self.open.len()].get_or_insert(count);
        self.is_ragged |= *first != count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str) -> Result<(usize, Vec<usize>), Stop> {
        let mut leaves = Leaves::of(Reader::new(text.as_bytes()));
        let mut count = 0;
        while leaves.next()?.is_some() {
            count += 1;
        }
        Ok((count, leaves.shape()?))
    }

    #[test]
    fn the_shape_is_that_of_the_arrays() {
        for (text, count, shape) in [
            ("5", 1, &[][..]),
            ("[]", 0, &[0]),
            ("[[], []]", 0, &[2, 0]),
            ("[1, null, \"a\"]", 3, &[3]),
            ("[[1, 2, 3], [4, 5, 6]]", 6, &[2, 3]),
            ("[[[1], [2]], [[3], [{\"b64\": \"AA==\"}]]]", 4, &[2, 2, 1]),
        ] {
            assert_eq!(walk(text), Ok((count, shape.to_vec())), "{text}");
        }
    }

    #[test]
    fn ragged_arrays_have_no_shape() {
        for text in [
            "[[1], [2, 3]]",
            "[1, [2]]",
            "[[1], 2]",
            "[[], [1]]",
            "[[], 1]",
            "[[[]], []]",
        ] {
            assert_eq!(walk(text), Err(Stop::Unusable(Unusable::Shape)), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |depth| "[".repeat(depth) + "1" + &"]".repeat(depth);
        assert_eq!(walk(&deep(64)).unwrap().1, vec![1; 64]);
        let too_deep = Err(Stop::Unusable(Unusable::Shape));
        assert_eq!(walk(&deep(65)), too_deep);
        assert_eq!(walk(&deep(1_000_000)), too_deep);
    }
}
