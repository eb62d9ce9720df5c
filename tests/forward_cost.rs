//! What it costs to look at a forwarded call, in counts that no machine changes. Its time is measured by
//! `cargo bench --bench forward`.

#[path = "../benches/measure/mod.rs"]
mod measure;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use driftgauge::engine::{Config, Engine};
use driftgauge::ingest::layout::Layouts;
use driftgauge::ingest::mapping::Mappings;
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Message, Transport};
use driftgauge::ingest::{Admission, HandOver, Intake, Limits, open_inference};
use driftgauge::queue::Queue;
use http::{HeaderMap, HeaderValue};
use measure::model_server::{INFER, answers, requests};

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Allocations of all calls while this is done with each.
fn allocations<T, R>(calls: Vec<T>, mut done: impl FnMut(T) -> R) -> (f64, Vec<R>) {
    let mut results = Vec::with_capacity(calls.len());
    let (count, before) = (calls.len() as f64, ALLOCATIONS.get());
    for call in calls {
        results.push(done(call));
    }
    ((ALLOCATIONS.get() - before) as f64 / count, results)
}

/// Calls as the proxy puts them aside.
fn calls() -> Vec<Exchange> {
    let kept = |status: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        if let Some(status) = status {
            headers.insert("grpc-status", HeaderValue::from_static(status));
        }
        Headers::of(&headers, &[])
    };
    let pairs = requests().into_iter().zip(answers());
    let call = |(request, answer)| Exchange {
        transport: Transport::Grpc,
        path: INFER.to_owned(),
        request: Message {
            headers: kept(None),
            body: vec![request],
        },
        status: Some(200),
        response: Message {
            headers: kept(Some("0")),
            body: vec![answer],
        },
        ending: Ending::Complete,
        started_micros: 1_000_000,
        latency_micros: Some(100),
        draw: 0.5,
        held: None,
    };
    pairs.map(call).collect()
}

#[test]
fn looking_at_a_call_takes_few_allocations() {
    let (limits, mappings) = (Limits::default(), Mappings::default());
    let mut layouts = Layouts::default();
    let queue = Arc::new(Queue::new(1 << 20, 64 << 20));
    let intake = Intake::new("forward", queue.clone(), Arc::new(Admission::default()));
    let mut engine = Engine::new(Arc::new(Config::default()));
    // What is found out once is found out with the first calls.
    for first in [true, false] {
        let calls = calls();
        let count = calls.len() as u64;
        let (decoding, calls) = allocations(calls, |call| {
            open_inference::decode(call, "unnamed", &limits).unwrap()
        });
        let (layout, laid) = allocations(calls, |call| {
            layouts.batch(call, &mappings, &limits).batch.unwrap()
        });
        let (handing_over, _) = allocations(laid, |batch| {
            intake.hand_over(HandOver {
                batches: vec![batch],
                ..HandOver::default()
            });
        });
        assert!(intake.counts().accepted >= count);
        let mut batches = Vec::new();
        while queue.drain(&mut batches) > 0 {}
        assert_eq!(batches.len() as u64, count);
        let (engine, _) = allocations(batches, |batch| engine.apply(&batch, 1_000_000));
        println!("decoding {decoding}, layout {layout}, hand-over {handing_over}, engine {engine}");
        if !first {
            assert!(decoding <= 21.5, "{decoding}");
            assert!(layout <= 4.5, "{layout}");
            assert!(handing_over <= 2.5, "{handing_over}");
        }
    }
}
