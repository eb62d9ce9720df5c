//! What becomes of requests.

use super::*;
use crate::batch::{Calls, Outcome, Schema, Times};

fn batch(model: &str, rows: usize) -> Batch {
    Batch {
        model: model.into(),
        version: "".into(),
        schema: Arc::new(Schema::new(Vec::new())),
        rows,
        columns: Vec::new(),
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: 300,
    }
}

fn request(client: &str, sequence: u64, rows: usize) -> HandOver {
    HandOver {
        client_id: client.into(),
        sequence,
        batches: vec![batch("m", rows)],
        ..HandOver::default()
    }
}

fn intake(rows: usize) -> Intake {
    let queue = Arc::new(Queue::new(rows, 1 << 20));
    Intake::new("push", queue, Arc::new(Admission::default()))
}

/// Fails unless every row received has one fate.
fn assert_adds_up(counts: &SourceCounts) {
    let sum = |list: &[(&str, u64)]| list.iter().map(|(_, rows)| rows).sum::<u64>();
    assert_eq!(
        counts.received,
        counts.accepted + counts.duplicate + sum(&counts.shed) + sum(&counts.rejected),
        "{counts:?}"
    );
}

fn count(list: &[(&str, u64)], reason: &str) -> u64 {
    list.iter().find(|(name, _)| *name == reason).unwrap().1
}

#[test]
fn all_reasons_are_there_from_the_start() {
    let counts = intake(1).counts();
    let names = |list: &[(&'static str, u64)]| list.iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(names(&counts.shed), ["queue_rows", "queue_bytes"]);
    assert_eq!(names(&counts.rejected).len(), Reject::ALL.len());
    assert!(names(&counts.undecodable).contains(&"message_too_large"));
}

#[test]
fn a_retry_after_a_lost_answer_does_not_count_again_but_one_after_a_refusal_does() {
    let intake = intake(10);
    let taken = Verdict::Taken {
        accepted: 8,
        rejected: 0,
        models: Vec::new(),
    };
    assert_eq!(intake.hand_over(request("c", 1, 8)).verdict, taken);
    let again = intake.hand_over(request("c", 1, 8)).verdict;
    assert_eq!(
        again,
        Verdict::Duplicate {
            accepted: 8,
            rejected: 0
        }
    );
    let full = intake.hand_over(request("c", 2, 8)).verdict;
    assert_eq!(
        full,
        Verdict::Shed {
            rows: 8,
            full: Full::Rows
        }
    );
    while intake.queue().drain(&mut Vec::new()) > 0 {}
    assert_eq!(intake.hand_over(request("c", 2, 8)).verdict, taken);
    let counts = intake.counts();
    assert_adds_up(&counts);
    assert_eq!(
        (counts.received, counts.accepted, counts.duplicate),
        (32, 16, 8)
    );
    assert_eq!(count(&counts.shed, "queue_rows"), 8);
    assert_eq!(counts.missing_requests, 0);
}

#[test]
fn a_request_larger_than_the_queue_is_a_limit_and_not_shed_for_ever() {
    let intake = intake(10);
    let verdict = intake.hand_over(request("c", 1, 11)).verdict;
    assert!(
        matches!(verdict, Verdict::TooLarge { rejected: 11, .. }),
        "{verdict:?}"
    );
    let counts = intake.counts();
    assert_adds_up(&counts);
    assert_eq!(count(&counts.rejected, "limit_queue"), 11);
}

#[test]
fn an_unknown_schema_refuses_the_whole_request_so_that_it_can_come_again() {
    let intake = intake(100);
    let mut first = request("c", 1, 8);
    first.needs_schema = true;
    first.refused.push(Refused {
        reason: Reject::UnknownSchema,
        rows: 5,
        detail: String::new(),
    });
    let verdict = intake.hand_over(first).verdict;
    assert_eq!(verdict, Verdict::NeedsSchema { rejected: 13 });
    assert_eq!(intake.queue().rows(), 0);
    let mut again = request("c", 1, 8);
    again.batches.push(batch("m", 5));
    let verdict = intake.hand_over(again).verdict;
    assert!(matches!(verdict, Verdict::Taken { accepted: 13, .. }));
    let counts = intake.counts();
    assert_adds_up(&counts);
    assert_eq!(count(&counts.rejected, "unknown_schema"), 13);
}

#[test]
fn models_beyond_the_limit_are_rejected_and_the_others_of_the_request_taken() {
    let queue = Arc::new(Queue::new(100, 1 << 20));
    let admission = Arc::new(Admission::new(ModelLimits {
        models: 1,
        versions: 1,
    }));
    let intake = Intake::new("push", queue, admission.clone());
    let mut two = request("c", 1, 3);
    two.batches.push(batch("other", 4));
    let verdict = intake.hand_over(two.clone()).verdict;
    let Verdict::Taken {
        accepted: 3,
        rejected: 4,
        models,
    } = verdict
    else {
        panic!("{verdict:?}")
    };
    assert_eq!(models, [("other".into(), ModelRefused::TooManyModels, 4)]);
    let again = intake.hand_over(two).verdict;
    assert_eq!(
        again,
        Verdict::Duplicate {
            accepted: 3,
            rejected: 4
        }
    );
    let counts = intake.counts();
    assert_adds_up(&counts);
    assert_eq!(count(&counts.rejected, "too_many_models"), 4);
}

/// A call to this model and version that ended so.
fn call(model: &str, version: &str, rows: usize, code: &'static str) -> HandOver {
    let mut batch = batch(model, rows);
    batch.version = version.into();
    batch.calls.rows = vec![rows as u32];
    batch.calls.outcomes = vec![match code {
        "" => Outcome::Ok,
        code => Outcome::Failed(code),
    }];
    HandOver {
        batches: vec![batch],
        ..HandOver::default()
    }
}

/// Whether the call went to the queue; the rest of it is counted.
fn is_taken(intake: &Intake, call: HandOver) -> bool {
    let before = intake.counts();
    let verdict = intake.hand_over(call).verdict;
    assert_adds_up(&intake.counts());
    let Verdict::Taken {
        accepted, rejected, ..
    } = verdict
    else {
        panic!("{verdict:?}")
    };
    assert_eq!(
        intake.counts().received,
        before.received + accepted + rejected
    );
    let unknown = |counts: &SourceCounts| count(&counts.rejected, "unknown_model");
    assert_eq!(unknown(&intake.counts()), unknown(&before) + rejected);
    while intake.queue().drain(&mut Vec::new()) > 0 {}
    rejected == 0
}

#[test]
fn a_model_that_no_server_knows_is_none_but_the_calls_are_counted() {
    let intake = intake(100);
    for (rows, code) in [(3, "NOT_FOUND"), (3, "404"), (0, "NOT_FOUND")] {
        let before = intake.counts().received;
        assert!(!is_taken(&intake, call("typo", "", rows, code)));
        assert!(!is_taken(&intake, call("typo", "7", rows, code)));
        let counted = intake.counts().received - before;
        assert_eq!(counted, 2 * rows.max(1) as u64, "{rows} rows, {code}");
    }
    assert!(!intake.admission.knows("typo", ""));
    // Any other answer comes from somebody who knows it.
    assert!(is_taken(&intake, call("real", "1", 3, "INTERNAL")));
    assert!(is_taken(&intake, call("real", "1", 3, "404")));
    assert!(intake.admission.knows("real", "1"));
}

#[test]
fn one_call_that_was_answered_is_enough_to_know_a_model() {
    let intake = intake(100);
    let mut two = call("m", "", 1, "NOT_FOUND");
    two.batches[0].calls.rows.push(1);
    two.batches[0].calls.outcomes.push(Outcome::Ok);
    two.batches[0].rows = 2;
    assert!(is_taken(&intake, two));
}

#[test]
fn a_version_that_no_server_knows_is_none_either() {
    let intake = intake(100);
    assert!(is_taken(&intake, call("m", "1", 1, "")));
    assert!(!is_taken(&intake, call("m", "2", 1, "NOT_FOUND")));
    assert!(!intake.admission.knows("m", "2"));
    // Without a version the call belongs to the one that is there, and lets no other in.
    assert!(is_taken(&intake, call("m", "", 1, "NOT_FOUND")));
    assert!(!intake.admission.knows("m", "default"));
    assert!(is_taken(&intake, call("m", "1", 1, "NOT_FOUND")));
}

#[test]
fn what_settings_name_is_known_before_its_first_answer() {
    let intake = intake(100);
    intake
        .admission
        .set_named([("named", None), ("named", Some("1"))]);
    assert!(is_taken(&intake, call("named", "", 1, "NOT_FOUND")));
    assert!(is_taken(&intake, call("named", "1", 1, "NOT_FOUND")));
    assert!(!is_taken(&intake, call("named", "2", 1, "NOT_FOUND")));
}

#[test]
fn a_retry_of_a_request_with_an_unknown_model_is_told_what_the_first_was() {
    let intake = intake(100);
    let mut two = request("c", 1, 3);
    two.batches.extend(call("typo", "", 4, "NOT_FOUND").batches);
    let first = intake.hand_over(two.clone()).verdict;
    assert!(matches!(
        first,
        Verdict::Taken {
            accepted: 3,
            rejected: 4,
            ..
        }
    ));
    let again = intake.hand_over(two).verdict;
    assert_eq!(
        again,
        Verdict::Duplicate {
            accepted: 3,
            rejected: 4
        }
    );
    assert_adds_up(&intake.counts());
}

#[test]
fn what_is_shed_takes_no_room_among_the_models() {
    let queue = Arc::new(Queue::new(4, 1 << 20));
    let admission = Arc::new(Admission::new(ModelLimits {
        models: 1,
        versions: 1,
    }));
    let intake = Intake::new("push", queue, admission.clone());
    intake.queue().offer(vec![batch("x", 4)]).unwrap();
    let verdict = intake.hand_over(request("c", 1, 1)).verdict;
    assert!(matches!(verdict, Verdict::Shed { .. }));
    assert!(admission.has("another", ""));
}

#[test]
fn the_share_to_send_falls_with_the_room_in_the_queue() {
    let intake = intake(100);
    let mut rates = Vec::new();
    for sequence in 1..=10 {
        rates.push(intake.hand_over(request("c", sequence, 10)).sample_rate);
    }
    assert!(rates[..5].iter().all(Option::is_none), "{rates:?}");
    let rates: Vec<f64> = rates[5..].iter().flatten().copied().collect();
    let wanted = [0.8, 0.6, 0.4, 0.2, 0.05];
    for (rate, wanted) in rates.iter().zip(wanted) {
        assert!((rate - wanted).abs() < 1e-9, "{rates:?}");
    }
    assert_eq!(rates.len(), wanted.len());
}

#[test]
fn rows_add_up_under_many_threads_retries_duplicates_and_a_tiny_queue() {
    let intake = Arc::new(intake(64));
    let drained = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|client| {
                let intake = intake.clone();
                scope.spawn(move || {
                    let id = format!("client {}", client / 2);
                    for sequence in 1..=500 {
                        for _ in 0..2 {
                            intake.hand_over(request(&id, sequence, 1 + sequence as usize % 70));
                        }
                    }
                })
            })
            .collect();
        let mut drained = Vec::new();
        while senders.iter().any(|sender| !sender.is_finished()) {
            intake.queue().drain(&mut drained);
            assert_adds_up(&intake.counts());
        }
        while intake.queue().drain(&mut drained) > 0 {}
        drained.iter().map(|batch| batch.rows as u64).sum::<u64>()
    });
    let counts = intake.counts();
    assert_adds_up(&counts);
    let sent: u64 = (1..=500).map(|sequence| 1 + sequence % 70).sum();
    assert_eq!(counts.received, 16 * sent);
    assert_eq!(counts.accepted, drained);
    assert!(counts.duplicate > 0 && count(&counts.shed, "queue_rows") > 0);
    assert!(count(&counts.rejected, "limit_queue") > 0);
}
