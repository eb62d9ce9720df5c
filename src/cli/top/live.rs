//! The live table: answers, keys and signals come in, and each draws the screen anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use super::ask;
use super::document::Document;
use super::frame::{News, compose};
use super::keys::{Action, action};
use super::screen::Screen;
use super::style::Palette;
use super::text::Text;
use super::view::View;
use crate::cli::sidecar::Place;
use crate::clock;

/// Ages on the screen go on while nothing comes in.
const PULSE: Duration = Duration::from_secs(1);

/// What is known of the sidecar.
#[derive(Default)]
struct Known {
    /// What it said last, and when.
    last: Option<(Document, Instant)>,
    trouble: Option<String>,
}

/// Shows the table until it is to end: by a key, by a signal, or because the terminal has gone.
///
/// # Errors
/// There is no terminal to be had, or it has gone.
pub(super) async fn run(place: &Place, interval: Duration, mut view: View) -> Result<()> {
    let mut ending = Ending::new().context("cannot receive signals")?;
    let palette = Palette::of_environment();
    let shown_place = place.to_string();
    let hurry = Arc::new(Notify::new());
    let mut answers = ask_again_and_again(place.clone(), interval, hurry.clone());
    let mut screen = Screen::take().context("cannot use this terminal; try --once")?;
    let mut events = events();
    let mut pulse = tokio::time::interval(PULSE);
    let mut known = Known::default();
    loop {
        screen.draw(|size| {
            let news = known.news(&shown_place, interval);
            let frame = compose(news, &view, size, palette);
            (view.first, view.visible) = (frame.first, frame.visible);
            frame.lines
        })?;
        tokio::select! {
            () = ending.asked() => return Ok(()),
            answer = answers.recv() => {
                known.take_in(answer.context("nobody asks the sidecar any longer")?);
                if let Some((document, _)) = &known.last {
                    view.hold(document);
                }
            }
            event = events.recv() => {
                let event = event.context("the terminal has gone")??;
                let document = known.last.as_ref().map(|(document, _)| document);
                match action(&event, view.is_typing) {
                    Some(Action::Quit) => return Ok(()),
                    Some(Action::Refresh) => {
                        screen.forget()?;
                        hurry.notify_one();
                    }
                    Some(action) => view.apply(action, document),
                    // A resize draws anew, and so does coming back from elsewhere.
                    None => {}
                }
            }
            _ = pulse.tick() => {}
        }
    }
}

impl Known {
    fn take_in(&mut self, answer: Result<Document>) {
        match answer {
            Ok(document) => {
                self.last = Some((document, Instant::now()));
                self.trouble = None;
            }
            // It may quote who answered.
            Err(error) => self.trouble = Some(Text::from(&*format!("{error:#}")).to_string()),
        }
    }

    fn news<'a>(&'a self, place: &'a str, interval: Duration) -> News<'a> {
        let last = self.last.as_ref();
        News {
            place,
            document: last.map(|(document, _)| document),
            age: last.map_or(0.0, |(_, read_at)| read_at.elapsed().as_secs_f64()),
            trouble: self.trouble.as_deref(),
            interval: interval.as_secs_f64(),
            now: clock::wall_micros() as f64 * 1e-6,
        }
    }
}

/// Asks at once, then after every `interval`, and at once again when told to hurry.
fn ask_again_and_again(
    place: Place,
    interval: Duration,
    hurry: Arc<Notify>,
) -> mpsc::Receiver<Result<Document>> {
    let (tell, answers) = mpsc::channel(1);
    tokio::spawn(async move {
        while tell.send(ask::status(&place).await).await.is_ok() {
            let _ = tokio::time::timeout(interval, hurry.notified()).await;
        }
    });
    answers
}

/// What happens at the terminal. The thread that waits for it ends with the process.
fn events() -> mpsc::UnboundedReceiver<std::io::Result<Event>> {
    let (tell, events) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        loop {
            let event = event::read();
            let is_over = event.is_err();
            if tell.send(event).is_err() || is_over {
                return;
            }
        }
    });
    events
}

/// The signals that end it: each is a wish, and the terminal is to be given back.
struct Ending([Signal; 3]);

impl Ending {
    fn new() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn asked(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
