//! What is remembered of each client: which of its requests came, and which were accepted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::batch::bounded_name;

/// Clients that are remembered; the one that has been silent longest makes room.
const CLIENTS: usize = 256;
/// Requests that are remembered of each, back from the highest number.
const SEQUENCES: u64 = 1_024;
/// A jump beyond this is no loss but a client that counts in its own way; its numbering starts anew.
const LARGEST_GAP: u64 = 1_000_000;

/// The clients of one source.
#[derive(Debug, Default)]
pub(super) struct Clients {
    by_id: HashMap<Arc<str>, Client>,
    clock: u64,
    /// Rows that clients say they dropped; what one reports at first contact counts in full, because
    /// it was most likely dropped while nobody listened.
    pub(super) dropped_rows: u64,
    /// Numbers skipped and not seen since. Falls when a late one comes.
    pub(super) missing_requests: u64,
}

#[derive(Debug, Default)]
struct Client {
    last_used: u64,
    dropped_rows: u64,
    /// First number seen: what came before may have gone to a sidecar before this one.
    first: u64,
    /// Highest number seen; 0 before the first.
    highest: u64,
    seen: Bits,
    accepted: Bits,
}

/// One bit for each of the last [`SEQUENCES`] numbers.
#[derive(Debug)]
struct Bits([u64; SEQUENCES as usize / 64]);

impl Default for Bits {
    fn default() -> Self {
        Self([0; SEQUENCES as usize / 64])
    }
}

impl Bits {
    fn at(sequence: u64) -> (usize, u64) {
        let bit = sequence % SEQUENCES;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn has(&self, sequence: u64) -> bool {
        let (word, bit) = Self::at(sequence);
        self.0[word] & bit != 0
    }

    fn set(&mut self, sequence: u64) {
        let (word, bit) = Self::at(sequence);
        self.0[word] |= bit;
    }

    fn clear(&mut self, sequence: u64) {
        let (word, bit) = Self::at(sequence);
        self.0[word] &= !bit;
    }
}

impl Client {
    fn remembers(&self, sequence: u64) -> bool {
        sequence <= self.highest && self.highest - sequence < SEQUENCES
    }

    /// Notes that a request came; returns by how much the number of missing ones changes.
    fn came(&mut self, sequence: u64) -> i64 {
        if self.highest == 0 || sequence.saturating_sub(self.highest) > LARGEST_GAP {
            (self.first, self.highest) = (sequence, sequence);
            (self.seen, self.accepted) = (Bits::default(), Bits::default());
            self.seen.set(sequence);
            return 0;
        }
        if sequence > self.highest {
            let skipped = sequence - self.highest - 1;
            let forgotten = (sequence - self.highest).min(SEQUENCES);
            for new in sequence - forgotten + 1..=sequence {
                self.seen.clear(new);
                self.accepted.clear(new);
            }
            self.highest = sequence;
            self.seen.set(sequence);
            return skipped as i64;
        }
        if self.remembers(sequence) && !self.seen.has(sequence) {
            self.seen.set(sequence);
            return if sequence > self.first { -1 } else { 0 };
        }
        0
    }
}

impl Clients {
    /// Notes that a request came, accepted or not.
    pub(super) fn came(&mut self, id: &str, sequence: u64, dropped_rows: u64) {
        if id.is_empty() {
            return;
        }
        self.clock += 1;
        let clock = self.clock;
        let id = bounded_name(id);
        if !self.by_id.contains_key(&id) && self.by_id.len() >= CLIENTS {
            let silent = self
                .by_id
                .iter()
                .min_by_key(|(_, client)| client.last_used)
                .map(|(id, _)| id.clone());
            if let Some(silent) = silent {
                self.by_id.remove(&silent);
            }
        }
        let client = self.by_id.entry(id).or_default();
        client.last_used = clock;
        let more = dropped_rows.saturating_sub(client.dropped_rows);
        client.dropped_rows += more;
        self.dropped_rows = self.dropped_rows.saturating_add(more);
        if sequence > 0 {
            self.missing_requests = self
                .missing_requests
                .saturating_add_signed(client.came(sequence));
        }
    }

    /// Whether this request was accepted before, as far as is remembered.
    pub(super) fn was_accepted(&self, id: &str, sequence: u64) -> bool {
        sequence > 0
            && self
                .by_id
                .get(&*bounded_name(id))
                .is_some_and(|client| client.remembers(sequence) && client.accepted.has(sequence))
    }

    /// Remembers that this request, which [`came`](Self::came), is accepted.
    pub(super) fn accept(&mut self, id: &str, sequence: u64) {
        if let Some(client) = self.by_id.get_mut(&*bounded_name(id))
            && sequence > 0
            && client.remembers(sequence)
        {
            client.accepted.set(sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(clients: &mut Clients, id: &str, sequence: u64) -> bool {
        clients.came(id, sequence, 0);
        let new = !clients.was_accepted(id, sequence);
        clients.accept(id, sequence);
        new
    }

    #[test]
    fn a_number_counts_once_until_it_is_forgotten() {
        let mut clients = Clients::default();
        assert!(take(&mut clients, "a", 1));
        assert!(!take(&mut clients, "a", 1));
        assert!(take(&mut clients, "b", 1), "another client");
        assert!(take(&mut clients, "a", 1_024));
        assert!(!take(&mut clients, "a", 1), "still remembered");
        assert!(take(&mut clients, "a", 1_025));
        assert!(take(&mut clients, "a", 1), "forgotten");
        assert!(take(&mut clients, "a", 0) && take(&mut clients, "a", 0));
        assert!(take(&mut clients, "", 7) && take(&mut clients, "", 7));
    }

    #[test]
    fn gaps_are_missing_until_the_late_one_comes() {
        let mut clients = Clients::default();
        for sequence in [57, 58, 61] {
            take(&mut clients, "a", sequence);
        }
        assert_eq!(clients.missing_requests, 2);
        take(&mut clients, "a", 60);
        take(&mut clients, "a", 60);
        assert_eq!(clients.missing_requests, 1);
        take(&mut clients, "a", 56);
        assert_eq!(clients.missing_requests, 1, "before the first contact");
        take(&mut clients, "a", 10_000);
        assert_eq!(clients.missing_requests, 1 + 10_000 - 62);
        take(&mut clients, "a", u64::MAX);
        take(&mut clients, "a", 3);
        assert_eq!(clients.missing_requests, 1 + 10_000 - 62);
    }

    #[test]
    fn dropped_rows_are_a_sum_per_client() {
        let mut clients = Clients::default();
        for (id, dropped) in [("a", 5), ("a", 5), ("b", 2), ("a", 9), ("a", 7), ("", 99)] {
            clients.came(id, 0, dropped);
        }
        assert_eq!(clients.dropped_rows, 11);
    }

    #[test]
    fn the_client_silent_longest_makes_room() {
        let mut clients = Clients::default();
        for client in 0..CLIENTS {
            take(&mut clients, &format!("client {client}"), 1);
        }
        assert!(!take(&mut clients, "client 0", 1));
        take(&mut clients, "one more", 1);
        assert_eq!(clients.by_id.len(), CLIENTS);
        assert!(!take(&mut clients, "client 0", 1), "spoke since");
        assert!(take(&mut clients, "client 1", 1), "forgotten");
    }
}
