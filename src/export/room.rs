//! A room with few seats: when it is full, a newcomer sends away the guest who has sat longest.
//!
//! A plain limit would let a handful of clients that never read their answer lock everybody out.
//! Here they lose their seat as soon as somebody else wants it and they have had a fair time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

pub(super) struct Room {
    seats: usize,
    /// Time that every guest has for sure.
    grace: Duration,
    inside: Mutex<Inside>,
    /// Told each time that a seat becomes free.
    freed: Notify,
}

#[derive(Default)]
struct Inside {
    guests: VecDeque<Guest>,
    next: u64,
}

struct Guest {
    id: u64,
    since: Instant,
    leave: Arc<Notify>,
    asked: bool,
}

/// A seat, free again when dropped.
pub(super) struct Seat {
    room: Arc<Room>,
    id: u64,
}

impl Room {
    pub(super) fn new(seats: usize, grace: Duration) -> Arc<Self> {
        Arc::new(Self {
            seats: seats.max(1),
            grace,
            inside: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Takes a seat, waiting for one if need be; `leave` will be notified when the guest has to
    /// go, and should then drop the seat.
    pub(super) async fn enter(self: &Arc<Self>, leave: &Arc<Notify>) -> Seat {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // From here on no notification is missed.
            freed.as_mut().enable();
            match self.sit_or_ask(leave) {
                Ok(seat) => return seat,
                Err(Some(patience)) => {
                    let _ = timeout(patience, freed).await;
                }
                Err(None) => freed.await,
            }
        }
    }

    /// A seat; or how long to wait before asking again, `None` when everybody has been asked.
    fn sit_or_ask(self: &Arc<Self>, leave: &Arc<Notify>) -> Result<Seat, Option<Duration>> {
        let mut inside = self.lock();
        if inside.guests.len() < self.seats {
            let id = inside.next;
            inside.next += 1;
            inside.guests.push_back(Guest {
                id,
                since: Instant::now(),
                leave: Arc::clone(leave),
                asked: false,
            });
            let room = Arc::clone(self);
            return Ok(Seat { room, id });
        }
        let oldest = inside.guests.iter_mut().find(|guest| !guest.asked);
        let Some(oldest) = oldest else {
            return Err(None);
        };
        let patience = self.grace.saturating_sub(oldest.since.elapsed());
        if patience.is_zero() {
            oldest.asked = true;
            oldest.leave.notify_one();
            return Err(None);
        }
        Err(Some(patience))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.lock().guests.retain(|guest| guest.id != self.id);
        self.room.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_newcomer_to_a_full_room_sends_away_the_longest_guest() {
        let room = Room::new(2, Duration::ZERO);
        let leave: [_; 3] = std::array::from_fn(|_| Arc::new(Notify::new()));
        let first = room.enter(&leave[0]).await;
        let _second = room.enter(&leave[1]).await;
        let newcomer = room.enter(&leave[2]);
        let obedient = async {
            leave[0].notified().await;
            drop(first);
        };
        let both = async { tokio::join!(newcomer, obedient) };
        let (_third, ()) = timeout(PATIENCE, both).await.unwrap();
        assert_eq!(room.lock().guests.len(), 2);
        let told = timeout(Duration::ZERO, leave[1].notified()).await;
        assert!(told.is_err(), "nobody asked the second guest");
    }

    #[tokio::test]
    async fn nobody_is_sent_away_before_the_grace_is_over() {
        let grace = Duration::from_millis(50);
        let room = Room::new(1, grace);
        let leave = Arc::new(Notify::new());
        let before = Instant::now();
        let seat = room.enter(&leave).await;
        let obedient = async {
            leave.notified().await;
            assert!(before.elapsed() >= grace);
            drop(seat);
        };
        let other = Arc::new(Notify::new());
        let both = async { tokio::join!(room.enter(&other), obedient) };
        timeout(PATIENCE, both).await.unwrap();
    }
}
