//! `replay` against a real server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftgauge::batch::{Batch, Calls, Column, Field, Role, Schema, Times, ValueType, Values};
use driftgauge::cli::replay::{Pace, Replay, Summary, send};
use driftgauge::ingest::push::serve_push;
use driftgauge::ingest::{Admission, Intake, Limits};
use driftgauge::queue::Queue;
use driftgauge::socket::Listener;
use tokio::sync::watch;

async fn server() -> (String, Arc<Intake>) {
    let listener = Listener::bind("127.0.0.1:0", 0).await.unwrap();
    let address = listener.to_string();
    let queue = Arc::new(Queue::new(1_000_000, 64 << 20));
    let intake = Arc::new(Intake::new("push", queue, Arc::new(Admission::default())));
    let serve = serve_push(
        listener,
        intake.clone(),
        Limits::default(),
        std::future::pending(),
    );
    tokio::spawn(async { serve.await.unwrap() });
    (address, intake)
}

fn replay(to: String) -> Replay {
    Replay {
        to,
        model: "fraud".into(),
        version: "7".into(),
        pace: Pace::Unlimited,
        request_rows: 100,
        stream: false,
        limit: u64::MAX,
        retry_for: Duration::from_secs(5),
        stop: watch::channel(false).1,
    }
}

/// 250 rows, one a second, with a feature, a label and a column to be ignored.
fn batch() -> Batch {
    let field = |name: &str, role| Field {
        name: name.into(),
        role,
        value_type: ValueType::Float64,
        width: 1,
    };
    let numbers = || {
        Some(Column::full(Values::Numbers(
            (0..250).map(f64::from).collect(),
        )))
    };
    Batch {
        model: "file".into(),
        version: "".into(),
        schema: Arc::new(Schema::new(vec![
            field("truth", Role::Label),
            field("a", Role::Feature),
            field("note", Role::Ignore),
        ])),
        rows: 250,
        columns: vec![numbers(), numbers(), numbers()],
        calls: Calls::default(),
        times: Times::Each((0..250).map(|row| row * 1_000_000).collect()),
        weight: 1.0,
        bytes: 0,
    }
}

async fn run(loops: usize, replay: Replay) -> anyhow::Result<Summary> {
    let loops = (0..loops).map(|_| Ok(std::iter::once(Ok(batch()))));
    send(loops, replay, |_| {}).await
}

fn drain(intake: &Intake) -> Vec<Batch> {
    let mut out = Vec::new();
    while intake.queue().drain(&mut out) > 0 {}
    out
}

#[tokio::test]
async fn all_rows_arrive_as_the_model_asked_for_and_without_labels() {
    let (address, intake) = server().await;
    let summary = run(1, replay(address)).await.unwrap();
    assert_eq!((summary.totals.sent, summary.totals.accepted), (250, 250));
    let text = summary.to_string();
    assert!(text.contains("sent 250 rows in 3 requests"), "{text}");
    assert!(text.contains("accepted 250, rejected 0, lost 0"), "{text}");
    let got = drain(&intake);
    assert_eq!(
        got.iter().map(|batch| batch.rows).collect::<Vec<_>>(),
        [100, 100, 50]
    );
    let names: Vec<_> = got[0]
        .schema
        .fields
        .iter()
        .map(|field| &*field.name)
        .collect();
    assert_eq!(
        (names, &*got[0].model, &*got[0].version),
        (vec!["a"], "fraud", "7")
    );
}

#[tokio::test]
async fn loops_repeat_the_rows_and_go_on_in_time_up_to_the_limit() {
    let (address, intake) = server().await;
    let mut replay = replay(address);
    (replay.limit, replay.stream) = (600, true);
    let summary = run(3, replay).await.unwrap();
    assert_eq!(summary.totals.accepted, 600);
    let mut times = Vec::new();
    for batch in drain(&intake) {
        let Times::Each(each) = batch.times else {
            panic!()
        };
        times.extend(each);
    }
    assert_eq!(times.len(), 600);
    assert!(times.is_sorted_by(|a, b| a < b));
}

#[tokio::test]
async fn a_rate_and_a_time_lapse_take_their_time() {
    let (address, _) = server().await;
    for pace in [Pace::RowsPerSecond(1_000.0), Pace::TimeLapse(1_000.0)] {
        let mut replay = replay(address.clone());
        replay.pace = pace;
        let begun = Instant::now();
        let summary = run(2, replay).await.unwrap();
        assert_eq!(summary.totals.accepted, 500);
        // The last request starts one beat before the end at the latest.
        assert!(begun.elapsed() >= Duration::from_millis(390), "{pace:?}");
    }
}

#[tokio::test]
async fn a_time_lapse_of_rows_without_times_is_an_error() {
    let (address, _) = server().await;
    let mut replay = replay(address);
    replay.pace = Pace::TimeLapse(2.0);
    let mut timeless = batch();
    timeless.times = Times::Arrival;
    let loops = [Ok(std::iter::once(Ok(timeless)))];
    let error = send(loops, replay, |_| {}).await.unwrap_err();
    assert!(format!("{error:#}").contains("times"), "{error:#}");
}

#[tokio::test]
async fn it_can_be_stopped_and_says_what_was_sent() {
    let (address, intake) = server().await;
    let mut replay = replay(address);
    let (stop, stopped) = watch::channel(false);
    (replay.pace, replay.stop) = (Pace::RowsPerSecond(100.0), stopped);
    let counted = intake.clone();
    tokio::spawn(async move {
        while counted.counts().accepted < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
        std::future::pending::<()>().await;
    });
    let summary = run(1, replay).await.unwrap();
    assert!(summary.stopped && summary.totals.sent < 250);
    assert_eq!(summary.totals.accepted, intake.counts().accepted);
    assert!(summary.to_string().starts_with("stopped: sent"));
}

#[tokio::test]
async fn a_sidecar_that_is_away_loses_rows_and_the_summary_says_so() {
    let mut replay = replay("127.0.0.1:1".into());
    replay.retry_for = Duration::from_millis(60);
    let summary = run(1, replay).await.unwrap();
    assert_eq!((summary.totals.sent, summary.totals.lost), (250, 250));
    let text = summary.to_string();
    assert!(
        text.contains("lost 250") && text.contains("lost because of"),
        "{text}"
    );
}

#[tokio::test]
async fn data_that_cannot_be_read_is_an_error_after_what_was_sent() {
    let (address, intake) = server().await;
    let rows = vec![Ok(batch()), Err(anyhow::anyhow!("line 7 is broken"))];
    let error = send([Ok(rows.into_iter())], replay(address), |_| {}).await;
    let text = format!("{:#}", error.unwrap_err());
    assert!(
        text.contains("250 rows") && text.contains("line 7"),
        "{text}"
    );
    assert_eq!(intake.counts().accepted, 250);
}

#[test]
fn the_command_line_is_understood() {
    use clap::Parser;
    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        replay: driftgauge::cli::replay::Args,
    }
    let parse = |arguments: &str| Command::try_parse_from(arguments.split(' '));
    let args = parse("replay a.csv b.csv --to unix:/x --model m --version 2 --rate 10 --loop 3");
    let args = args.ok().unwrap().replay;
    assert_eq!(
        (args.data.len(), args.model_version, args.repeat),
        (2, "2".into(), 3)
    );
    for wrong in [
        "replay --model m",
        "replay a.csv",
        "replay a.csv --model m --rate 0",
        "replay a.csv --model m --speed 10",
        "replay a.csv --model m --speed 10 --time t --rate 5",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
