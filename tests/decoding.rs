//! The decoding thread: recorded calls of real servers go in, batches come out, and every call has
//! one fate.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::{BufMut, Bytes, BytesMut};
use driftgauge::batch::{Batch, Role};
use driftgauge::ingest::decoding::{Decoding, Running, Source};
use driftgauge::ingest::events::Pairs;
use driftgauge::ingest::mapping::{IdSource, Mapping, Mappings};
use driftgauge::ingest::seen::{
    Budget, Ending, Exchange, Headers, Message, Observer, Seen, Transport,
};
use driftgauge::ingest::{Admission, CallsSeen, Intake, Limits, ModelLimits};
use driftgauge::queue::Queue;
use http::{HeaderMap, HeaderName, HeaderValue};

const ID: &str = "x-request-id";

/// What comes out once all that went in is decoded.
struct World {
    observer: Observer,
    intake: Arc<Intake>,
    queue: Arc<Queue>,
    budget: Arc<Budget>,
    mappings: Arc<ArcSwap<Mappings>>,
    running: Running,
}

fn world(mappings: Mappings) -> World {
    let budget = Budget::new(1 << 20);
    let (observer, seen) = Observer::new("forward", 10_000, budget.clone());
    let queue = Arc::new(Queue::new(100_000, 8 << 20));
    let admission = Arc::new(Admission::new(ModelLimits::default()));
    let intake = Arc::new(Intake::new("forward", queue.clone(), admission));
    let mappings = Arc::new(ArcSwap::from_pointee(mappings));
    let decoding = Decoding {
        seen,
        sources: vec![Source {
            observer: observer.clone(),
            intake: intake.clone(),
        }],
        mappings: mappings.clone(),
        limits: Limits::default(),
        pairs: Pairs::new(1_000_000, 10, 1 << 20),
    };
    World {
        observer,
        intake,
        queue,
        budget,
        mappings,
        running: decoding.start().unwrap(),
    }
}

impl World {
    fn see(&self, exchange: Exchange) {
        self.observer.counts().see();
        assert!(self.observer.offer(Seen::Call(Box::new(exchange))));
    }

    /// Ends the thread, which decodes what waits; returns the batches and what became of calls.
    fn end(self) -> (Vec<Batch>, CallsSeen, u64) {
        self.running.stop();
        let mut batches = Vec::new();
        while self.queue.drain(&mut batches) > 0 {}
        let calls = self.observer.counts().counts();
        let undecodable = self.intake.counts().undecodable;
        let undecodable = undecodable.iter().map(|(_, count)| count).sum();
        let shed: u64 = calls.shed.iter().map(|(_, count)| count).sum();
        let fates = calls.decoded + undecodable + shed + calls.unsampled;
        assert_eq!(calls.seen, fates, "{calls:?}");
        assert_eq!(self.budget.bytes(), 0, "all is given back");
        (batches, calls, undecodable)
    }
}

fn every_call() -> Mappings {
    Mappings {
        sample_rate: 1.0,
        tensor_columns: 256,
        unnamed_model: "model".into(),
        ..Mappings::default()
    }
}

fn recorded(name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/mlserver");
    let message = fs::read(folder.join(name)).unwrap();
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.extend_from_slice(&message);
    frame.freeze()
}

/// A call of MLServer's iris with 32 rows, as it was recorded; `number` is its id.
fn iris(budget: &Arc<Budget>, number: u32) -> Exchange {
    let mut held = budget.hold();
    assert!(held.grow(100));
    let headers = |name: &'static str, value: String| {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::try_from(value).unwrap();
        let all = HeaderMap::from_iter([(name.clone(), value)]);
        Headers::of(&all, &[name])
    };
    Exchange {
        transport: Transport::Grpc,
        path: "/inference.GRPCInferenceService/ModelInfer".into(),
        request: Message {
            headers: headers(ID, format!("call {number}")),
            body: vec![recorded("iris_fp32_raw_b32.req.pb")],
        },
        status: Some(200),
        response: Message {
            headers: headers("grpc-status", "0".into()),
            body: vec![recorded("iris_fp32_raw_b32.resp.pb")],
        },
        ending: Ending::Complete,
        started_micros: 1_700_000_000_000_000,
        latency_micros: Some(1_234),
        draw: 0.5,
        held: Some(held),
    }
}

#[test]
fn recorded_calls_come_out_as_rows_with_their_latency() {
    let world = world(every_call());
    for number in 0..10 {
        world.see(iris(&world.budget, number));
    }
    let (batches, calls, undecodable) = world.end();
    assert_eq!((batches.len(), calls.decoded, undecodable), (10, 10, 0));
    for batch in &batches {
        assert_eq!(
            (&*batch.model, &*batch.version, batch.rows),
            ("iris", "v1", 32)
        );
        assert_eq!(batch.calls.latency_micros, [1_234]);
        assert_eq!(batch.weight, 1.0);
        let fields = batch.schema.fields.iter();
        let names: Vec<_> = fields.map(|field| (&*field.name, field.role)).collect();
        let features = (0..4).map(|column| format!("predict-input[{column}]"));
        assert!(
            features
                .zip(&names)
                .all(|(name, found)| (&*name, Role::Feature) == *found),
            "{names:?}"
        );
        assert_eq!(names[4..], [("predict", Role::Prediction)]);
    }
    // One schema for all, so that the engine resolves its names once.
    let schemas = batches.iter().map(|batch| batch.schema.uid());
    assert!(schemas.eq(std::iter::repeat_n(batches[0].schema.uid(), 10)));
}

#[test]
fn a_sampled_call_stands_for_those_left_out_and_its_id_decides() {
    let by_header = Mapping {
        sample_rate: Some(0.25),
        id: IdSource::Header(HeaderName::from_static(ID)),
        ..Mapping::default()
    };
    let run = || {
        let mut mappings = every_call();
        let mapping = Arc::new(by_header.clone());
        mappings.models.insert("iris".into(), mapping);
        let world = world(mappings);
        for number in 0..1_000 {
            world.see(iris(&world.budget, number));
        }
        world.end()
    };
    let (batches, calls, _) = run();
    assert!((200..300).contains(&calls.decoded), "{calls:?}");
    assert_eq!(calls.decoded + calls.unsampled, 1_000);
    assert!(batches.iter().all(|batch| batch.weight == 4.0));
    assert_eq!(run().1, calls, "the same calls in another pod");
}

#[test]
fn bytes_that_are_no_call_are_counted_and_cost_no_other_call() {
    let world = world(every_call());
    for number in 0..100 {
        let mut exchange = iris(&world.budget, number);
        match number % 4 {
            0 => {}
            1 => exchange.request.body = vec![Bytes::from_static(b"\x00\x00\x00\x00\x02\xff\xff")],
            2 => exchange.request.body = vec![Bytes::from_static(b"\x00\x00")],
            _ => exchange.transport = Transport::Http,
        }
        world.see(exchange);
    }
    let (batches, calls, undecodable) = world.end();
    assert_eq!((batches.len(), calls.decoded, undecodable), (25, 25, 75));
}

#[test]
fn new_settings_hold_while_calls_come() {
    let world = world(every_call());
    let counts = world.observer.counts().clone();
    let see_one = || {
        world.see(iris(&world.budget, 1));
        while counts.decoded() + counts.unsampled() < counts.seen() {
            std::thread::yield_now();
        }
    };
    see_one();
    assert_eq!(counts.decoded(), 1);
    world.mappings.store(Arc::new(Mappings {
        sample_rate: 0.0,
        ..every_call()
    }));
    // The first may come when the thread has just looked at the settings.
    (0..2).for_each(|_| see_one());
    assert!(counts.unsampled() >= 1, "{counts:?}");
    world.end();
}
