//! Halves that wait, come twice, or never.

use bytes::Bytes;

use super::{SECOND, all, half, kserve, pairs, set};
use crate::ingest::Limits;
use crate::ingest::events::Pairs;
use crate::ingest::seen::{Budget, Ending};

#[test]
fn a_request_without_response_is_a_call_without_status_after_its_time() {
    let mut pairs = pairs();
    assert!(
        pairs
            .event(half("request", "a"), 0, &Limits::default())
            .is_empty()
    );
    assert!(pairs.expire(60 * SECOND - 1).is_empty());
    let call = pairs.expire(60 * SECOND).remove(0).unwrap();
    assert_eq!((call.status, call.ending), (None, Ending::Complete));
    assert!(call.response.body.is_empty());
    assert_eq!(pairs.counts().unpaired(), [("request", 1), ("response", 0)]);
    assert_eq!(pairs.counts().pending(), 0);
    assert!(pairs.expire(i64::MAX).is_empty(), "only once");
}

#[test]
fn a_response_without_request_is_only_counted() {
    let mut pairs = pairs();
    assert!(all(&mut pairs, vec![half("response", "a")]).is_empty());
    assert!(pairs.expire(i64::MAX).is_empty());
    assert_eq!(pairs.counts().unpaired(), [("request", 0), ("response", 1)]);
}

#[test]
fn a_half_that_comes_twice_counts_once() {
    let mut pairs = pairs();
    let made = all(
        &mut pairs,
        vec![
            half("request", "a"),
            half("request", "a"),
            half("response", "a"),
        ],
    );
    assert_eq!((made.len(), pairs.counts().duplicates()), (1, 1));
    assert_eq!((pairs.counts().paired(), pairs.counts().pending()), (2, 0));
}

#[test]
fn halves_find_each_other_among_many() {
    let mut pairs = pairs();
    let ids: Vec<String> = (0..50).map(|id| id.to_string()).collect();
    let requests = ids.iter().map(|id| half("request", id));
    assert!(all(&mut pairs, requests.collect()).is_empty());
    let responses = ids.iter().rev().map(|id| half("response", id));
    assert_eq!(all(&mut pairs, responses.collect()).len(), 50);
    assert_eq!(pairs.counts().pending(), 0);
}

#[test]
fn feedback_is_counted_and_requests_without_body_are_no_inference() {
    let mut pairs = pairs();
    let mut feedback = kserve("seldon_executor_request");
    set(&mut feedback, "ce-type", "io.seldon.serving.feedback");
    let mut health = half("request", "health");
    health.body = Bytes::new();
    let made = all(
        &mut pairs,
        vec![feedback, health, half("response", "health")],
    );
    assert!(made.is_empty());
    assert_eq!(pairs.counts().feedback(), 1);
    assert_eq!(pairs.counts().without_body(), 1);
}

#[test]
fn of_too_many_halves_the_oldest_goes_as_if_its_time_were_over() {
    let mut pairs = Pairs::new(60 * SECOND, 3, 1 << 20);
    let ids = ["a", "b", "c", "d", "e"];
    let made = all(
        &mut pairs,
        ids.iter().map(|id| half("request", id)).collect(),
    );
    assert_eq!((made.len(), pairs.counts().pending()), (2, 3));
    assert_eq!(
        made[0].as_ref().unwrap().request.headers.get("ce-id"),
        Some("a")
    );
    assert_eq!(pairs.counts().unpaired()[0], ("request", 2));
}

#[test]
fn a_flood_of_requests_holds_no_more_than_the_bound() {
    let budget = Budget::new(usize::MAX);
    let bound = 64 << 10;
    let mut pairs = Pairs::new(60 * SECOND, 1_000_000, bound);
    let mut calls = 0;
    for id in 0..2_000 {
        let mut event = half("request", &id.to_string());
        let mut held = budget.hold();
        assert!(held.grow(event.body.len() + 1_500));
        event.held = Some(held);
        calls += pairs.event(event, 0, &Limits::default()).len();
        assert!(budget.bytes() <= bound, "{} bytes", budget.bytes());
    }
    assert!(pairs.counts().pending() > 10);
    assert_eq!(calls as u64 + pairs.counts().pending(), 2_000);
}

#[test]
fn a_call_holds_the_bytes_of_both_halves_until_it_is_decoded() {
    let budget = Budget::new(1_000);
    let held = |mut event: crate::ingest::seen::Event, bytes| {
        let mut held = budget.hold();
        assert!(held.grow(bytes));
        event.held = Some(held);
        event
    };
    let request = held(half("request", "a"), 600);
    let response = held(half("response", "a"), 300);
    let made = all(&mut pairs(), vec![response, request]);
    assert_eq!(budget.bytes(), 900);
    drop(made);
    assert_eq!(budget.bytes(), 0);
}
