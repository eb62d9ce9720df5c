//! The bounded door between sockets and analysis.
//!
//! Any thread may [`offer`](Queue::offer); the analysis thread [`drain`](Queue::drain)s on its tick
//! and is never woken, because waking a parked thread costs the sender thirty times the push.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::batch::Batch;

/// Rows that one [`Queue::drain`] hands out before it stops, so that the tick stays on time.
const DRAIN_ROWS: usize = 16_384;
/// Batches likewise.
const DRAIN_BATCHES: usize = 1_024;
/// Bytes likewise, which stay counted until they are done with and leave no room meanwhile.
const DRAIN_BYTES: usize = 1 << 20;

/// A queue of batches, bounded by rows and by bytes.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    batches: VecDeque<Batch>,
    fill: Fill,
    /// Rows and bytes handed out by the last [`Queue::drain`], part of `fill`.
    out: (usize, usize),
}

/// How full a queue is, and how full it may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Rows that wait.
    pub rows: usize,
    /// Bytes of memory that they hold on to.
    pub bytes: usize,
    /// Most rows.
    pub row_capacity: usize,
    /// Most bytes.
    pub byte_capacity: usize,
}

impl Fill {
    /// The fuller of rows and bytes, 0 … 1 (above 1 after the capacity was lowered).
    pub fn ratio(&self) -> f64 {
        let rows = self.rows as f64 / self.row_capacity.max(1) as f64;
        let bytes = self.bytes as f64 / self.byte_capacity.max(1) as f64;
        rows.max(bytes)
    }
}

/// Why batches were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many rows wait; later there will be room.
    #[error("the queue is full of rows")]
    Rows,
    /// Too many bytes wait; later there will be room.
    #[error("the queue is full of bytes")]
    Bytes,
    /// Even an empty queue has no room for so much at once.
    #[error(
        "{rows} rows of {bytes} bytes at once exceed the whole queue (queue.rows, queue.bytes): send smaller batches"
    )]
    Never {
        /// Rows offered.
        rows: usize,
        /// Bytes offered.
        bytes: usize,
    },
}

impl Queue {
    /// An empty queue for at most this many rows and bytes.
    pub fn new(rows: usize, bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                batches: VecDeque::new(),
                out: (0, 0),
                fill: Fill {
                    rows: 0,
                    bytes: 0,
                    row_capacity: rows,
                    byte_capacity: bytes,
                },
            }),
        }
    }

    /// Takes all of `batches`, or none of them. Never waits.
    ///
    /// # Errors
    /// When there is no room for all of them; they are dropped.
    pub fn offer(&self, batches: Vec<Batch>) -> Result<(), Full> {
        let rows = batches.iter().map(|batch| batch.rows).sum::<usize>();
        let bytes = batches.iter().map(cost).sum::<usize>();
        let mut state = self.lock();
        let fill = &mut state.fill;
        if rows > fill.row_capacity || bytes > fill.byte_capacity {
            return Err(Full::Never { rows, bytes });
        }
        if fill.rows + rows > fill.row_capacity {
            return Err(Full::Rows);
        }
        if fill.bytes + bytes > fill.byte_capacity {
            return Err(Full::Bytes);
        }
        fill.rows += rows;
        fill.bytes += bytes;
        state.batches.extend(batches);
        Ok(())
    }

    /// Moves the oldest batches to the end of `into`, a bounded number at a time; returns how many.
    /// 0 means that the queue is empty. Asking for more says that those of the last time are done
    /// with; until then they count as waiting, because they hold memory.
    pub fn drain(&self, into: &mut Vec<Batch>) -> usize {
        let mut state = self.lock();
        let (rows, bytes) = std::mem::take(&mut state.out);
        state.fill.rows -= rows;
        state.fill.bytes -= bytes;
        let (mut taken, mut rows, mut bytes) = (0, 0, 0);
        while taken < DRAIN_BATCHES && rows < DRAIN_ROWS && bytes < DRAIN_BYTES {
            let Some(batch) = state.batches.pop_front() else {
                break;
            };
            rows += batch.rows;
            bytes += cost(&batch);
            taken += 1;
            into.push(batch);
        }
        state.out = (rows, bytes);
        if state.batches.is_empty() {
            state.batches.shrink_to(DRAIN_BATCHES);
        }
        taken
    }

    /// Sets new capacities. What already waits stays.
    pub fn set_capacity(&self, rows: usize, bytes: usize) {
        let mut state = self.lock();
        state.fill.row_capacity = rows;
        state.fill.byte_capacity = bytes;
    }

    /// How full it is, and how full it may get, all at one moment.
    pub fn fill(&self) -> Fill {
        self.lock().fill
    }

    /// Rows that wait.
    pub fn rows(&self) -> usize {
        self.fill().rows
    }

    /// Bytes of memory that they hold on to.
    pub fn bytes(&self) -> usize {
        self.fill().bytes
    }

    /// Most rows.
    pub fn row_capacity(&self) -> usize {
        self.fill().row_capacity
    }

    /// Most bytes.
    pub fn byte_capacity(&self) -> usize {
        self.fill().byte_capacity
    }

    /// No code panics while it holds the lock, so a poisoned one is still in order.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch without rows still takes room.
fn cost(batch: &Batch) -> usize {
    batch.bytes.max(size_of::<Batch>())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::{Calls, Schema, Times};

    fn batch(rows: usize, bytes: usize) -> Batch {
        Batch {
            model: "m".into(),
            version: "".into(),
            schema: Arc::new(Schema::new(Vec::new())),
            rows,
            columns: Vec::new(),
            calls: Calls::default(),
            times: Times::Arrival,
            weight: 1.0,
            bytes,
        }
    }

    #[test]
    fn takes_all_or_nothing_and_says_which_bound_was_hit() {
        let queue = Queue::new(10, 10_000);
        queue.offer(vec![batch(4, 1_000), batch(4, 1_000)]).unwrap();
        assert_eq!(
            queue.offer(vec![batch(1, 300), batch(2, 300)]),
            Err(Full::Rows)
        );
        assert_eq!(queue.offer(vec![batch(1, 9_000)]), Err(Full::Bytes));
        assert_eq!((queue.rows(), queue.bytes()), (8, 2_000));
        assert!((queue.fill().ratio() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn what_never_fits_is_told_apart_from_what_does_not_fit_now() {
        let queue = Queue::new(10, 10_000);
        let refused = queue.offer(vec![batch(6, 300), batch(5, 300)]);
        assert_eq!(
            refused,
            Err(Full::Never {
                rows: 11,
                bytes: 600
            })
        );
        queue.set_capacity(11, 10_000);
        queue.offer(vec![batch(6, 300), batch(5, 300)]).unwrap();
    }

    #[test]
    fn drains_in_order_and_a_bounded_part_at_a_time() {
        let queue = Queue::new(1_000_000, 1 << 30);
        for rows in 1..=3 {
            queue.offer(vec![batch(rows * 10_000, 1_000)]).unwrap();
        }
        let mut out = Vec::new();
        assert_eq!(queue.drain(&mut out), 2);
        assert_eq!(queue.drain(&mut out), 1);
        assert_eq!(queue.drain(&mut out), 0);
        let rows: Vec<_> = out.iter().map(|batch| batch.rows).collect();
        assert_eq!(rows, [10_000, 20_000, 30_000]);
        assert_eq!((queue.rows(), queue.bytes()), (0, 0));
    }

    #[test]
    fn what_is_handed_out_takes_room_until_it_is_done_with() {
        let queue = Queue::new(10, 10_000);
        queue.offer(vec![batch(8, 1_000)]).unwrap();
        let mut out = Vec::new();
        assert_eq!(queue.drain(&mut out), 1);
        assert_eq!((queue.rows(), queue.bytes()), (8, 1_000));
        assert_eq!(queue.offer(vec![batch(8, 1_000)]), Err(Full::Rows));
        out.clear();
        assert_eq!(queue.drain(&mut out), 0);
        queue.offer(vec![batch(8, 1_000)]).unwrap();
    }

    #[test]
    fn batches_without_rows_are_bounded_too() {
        let queue = Queue::new(10, 10_000);
        let taken = (0..10_000)
            .take_while(|_| queue.offer(vec![batch(0, 0)]).is_ok())
            .count();
        assert!(taken > 0 && taken < 100, "{taken}");
    }
}
