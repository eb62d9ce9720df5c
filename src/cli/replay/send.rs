//! Batches of any origin → a sidecar.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::sync::watch;
use tokio::time::Instant;

use super::pace::{Clock, Pace};
use crate::batch::{Batch, Role, Schema, Times, bounded_name};
use crate::client::{Client, Options, Totals};

/// How to replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Where the sidecar takes pushes.
    pub to: String,
    /// Name of the model.
    pub model: String,
    /// Version of the model; empty: none.
    pub version: String,
    /// How fast.
    pub pace: Pace,
    /// Rows of one request at most.
    pub request_rows: usize,
    /// Whether to send over one stream.
    pub stream: bool,
    /// Rows to stop after.
    pub limit: u64,
    /// How long a request is tried again before its rows are lost.
    pub retry_for: Duration,
    /// Turns true when no more is to be sent.
    pub stop: watch::Receiver<bool>,
}

/// What became of a replay.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Rows by what became of them.
    pub totals: Totals,
    /// How long it took.
    pub took: Duration,
    /// Whether it was stopped before the end of the data.
    pub stopped: bool,
}

/// Sends all rows of all `loops`, one after the other; `sent` is told how many rows so far.
///
/// # Errors
/// When the address makes no sense, when the data cannot be read (what was read before is sent), and
/// for a time-lapse of rows without times.
pub async fn send<Rows>(
    loops: impl IntoIterator<Item = Result<Rows>>,
    replay: Replay,
    sent: impl Fn(u64),
) -> Result<Summary>
where
    Rows: Iterator<Item = Result<Batch>>,
{
    let options = Options {
        request_rows: replay.request_rows,
        stream: replay.stream,
        retry_for: replay.retry_for,
        give_up: replay.stop.clone(),
        ..Options::default()
    };
    let mut client = Client::new(&replay.to, options)?;
    let begun = Instant::now();
    let outcome = send_all(loops, &replay, &mut client, begun, sent).await;
    let summary = Summary {
        totals: client.finish().await,
        took: begun.elapsed(),
        stopped: *replay.stop.borrow(),
    };
    match outcome {
        Ok(()) => Ok(summary),
        Err(error) => {
            let rows = summary.totals.accepted;
            Err(error.context(format!("after {rows} rows that were accepted")))
        }
    }
}

async fn send_all<Rows>(
    loops: impl IntoIterator<Item = Result<Rows>>,
    replay: &Replay,
    client: &mut Client,
    begun: Instant,
    sent: impl Fn(u64),
) -> Result<()>
where
    Rows: Iterator<Item = Result<Batch>>,
{
    let mut clock = Clock::new(replay.pace);
    let mut shift = Shift::default();
    let (model, version) = (bounded_name(&replay.model), bounded_name(&replay.version));
    for rows in loops {
        shift.next_loop();
        for batch in rows? {
            let mut batch = without_labels(batch?);
            (batch.model, batch.version) = (model.clone(), version.clone());
            ensure!(
                batch.times != Times::Arrival || !matches!(replay.pace, Pace::TimeLapse(_)),
                "a time-lapse needs rows with times"
            );
            shift.apply(&mut batch.times);
            let mut start = 0;
            while start < batch.rows {
                let left = replay.limit.saturating_sub(client.totals().sent);
                let most = replay
                    .request_rows
                    .min(usize::try_from(left).unwrap_or(usize::MAX));
                if most == 0 || *replay.stop.borrow() {
                    return Ok(());
                }
                let end = clock.cut(&batch, start, most);
                let due = begun.checked_add(clock.due(&batch, start, end - start));
                if !wait_until(due, replay.stop.clone()).await {
                    return Ok(());
                }
                client.send(&batch.slice(start..end)).await;
                sent(client.totals().sent);
                start = end;
            }
        }
    }
    Ok(())
}

/// Waits until `due` (`None`: for ever); false when it is stopped before.
async fn wait_until(due: Option<Instant>, mut stop: watch::Receiver<bool>) -> bool {
    let due = async {
        match due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    };
    let stopped = async {
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = due => true,
        () = stopped => false,
    }
}

/// The batch with its labels ignored: the truth is not known yet when a model answers.
fn without_labels(mut batch: Batch) -> Batch {
    if batch
        .schema
        .fields
        .iter()
        .any(|field| field.role == Role::Label)
    {
        let mut fields = batch.schema.fields.clone();
        for field in &mut fields {
            if field.role == Role::Label {
                field.role = Role::Ignore;
            }
        }
        batch.schema = Arc::new(Schema::new(fields));
    }
    batch
}

/// Lets row times go on from one loop to the next, as if the data came again later.
#[derive(Debug, Default)]
struct Shift {
    micros: i64,
    /// Earliest and latest row time of the data, as they are in the files.
    range: Option<(i64, i64)>,
}

impl Shift {
    fn next_loop(&mut self) {
        if let Some((first, last)) = self.range {
            let length = last.saturating_sub(first).saturating_add(1);
            self.micros = self.micros.saturating_add(length);
        }
    }

    fn apply(&mut self, times: &mut Times) {
        let times = match times {
            Times::Arrival => return,
            Times::At(time) => std::slice::from_mut(time),
            Times::Each(times) => &mut times[..],
        };
        for time in times {
            let (first, last) = self.range.unwrap_or((*time, *time));
            self.range = Some((first.min(*time), last.max(*time)));
            *time = time.saturating_add(self.micros);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = &self.totals;
        let seconds = self.took.as_secs_f64();
        let rate = totals.sent as f64 / seconds.max(1e-9);
        let stopped = if self.stopped { "stopped: " } else { "" };
        writeln!(
            f,
            "{stopped}sent {} rows in {} requests in {seconds:.1} s ({rate:.0} rows/s)",
            totals.sent, totals.requests
        )?;
        writeln!(
            f,
            "accepted {}, rejected {}, lost {} (retries {}, of them for rows already accepted {})",
            totals.accepted, totals.rejected, totals.lost, totals.retries, totals.duplicate
        )?;
        for one in &totals.rejections {
            let code = one
                .code()
                .as_str_name()
                .trim_start_matches("REJECTION_CODE_");
            writeln!(
                f,
                "{code} {} ({} rows): {}",
                one.field, one.rows, one.detail
            )?;
        }
        if let Some(error) = &totals.last_error {
            writeln!(f, "lost because of {error}")?;
        }
        Ok(())
    }
}
