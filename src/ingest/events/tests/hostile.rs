//! Whatever comes, it is counted, bounded, and no panic.

use proptest::prelude::*;

use super::{json, kserve, mesh};
use crate::ingest::Limits;
use crate::ingest::events::{EventCounts, Pairs};
use crate::ingest::seen::Event;

fn adds_up(counts: &EventCounts) -> bool {
    let unpaired: u64 = counts.unpaired().iter().map(|(_, count)| count).sum();
    let ended = counts.paired() + unpaired + counts.duplicates() + counts.feedback();
    counts.events() == ended + counts.other() + counts.faulty() + counts.pending()
}

fn seed(number: usize) -> Event {
    match number % 9 {
        0 => kserve("kserve_agent_grpc_request"),
        1 => kserve("kserve_agent_grpc_response"),
        2 => kserve("kserve_agent_v2_request"),
        3 => kserve("kserve_agent_v2_binary_request_with_metadata"),
        4 => kserve("structured_mode_request"),
        5 => mesh("request"),
        6 => mesh("response"),
        7 => json(
            "application/cloudevents-batch+json",
            "[{},{\"data\":\"x\"}]",
        ),
        _ => kserve("seldon_executor_request"),
    }
}

proptest! {
    #[test]
    fn damaged_events_are_counted(
        damages in prop::collection::vec(
            (0_usize..9, any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..20),
    ) {
        let mut pairs = Pairs::new(10, 4, 20_000);
        for (now, (number, place, byte, is_cut)) in damages.into_iter().enumerate() {
            let mut event = seed(number);
            let mut body = event.body.to_vec();
            let place = place.index(body.len());
            if is_cut { body.truncate(place) } else { body[place] = byte }
            event.body = body.into();
            pairs.event(event, now as i64, &Limits::default());
            pairs.expire(now as i64);
            prop_assert!(pairs.counts().pending() <= 4);
            prop_assert!(adds_up(pairs.counts()), "{:?}", pairs.counts());
        }
        pairs.expire(i64::MAX);
        prop_assert_eq!(pairs.counts().pending(), 0);
        prop_assert!(adds_up(pairs.counts()));
    }

    #[test]
    fn any_bytes_are_taken(
        body in prop::collection::vec(any::<u8>(), 0..200),
        times in prop::collection::vec(any::<i64>(), 3),
        kind in 0_usize..4,
    ) {
        let kinds = [
            "application/json",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
        ];
        let mut pairs = Pairs::new(times[0], 2, 10_000);
        let event = match kinds.get(kind) {
            Some(kind) => json(kind, body),
            None => {
                let mut event = kserve("kserve_agent_v1_request");
                event.body = body.into();
                event
            }
        };
        pairs.event(event, times[1], &Limits::default());
        pairs.expire(times[2]);
        prop_assert!(adds_up(pairs.counts()));
    }
}

#[test]
fn a_batch_of_nothing_a_million_times_is_refused() {
    let batch = format!("[{}1]", "1,".repeat(1_000_000));
    let mut pairs = Pairs::new(10, 4, 20_000);
    let event = json("application/cloudevents-batch+json", batch);
    let made = pairs.event(event, 0, &Limits::default());
    assert_eq!(made.len(), 1);
}
