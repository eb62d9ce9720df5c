//! A progress bar on standard error, and only if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over bytes, not shown before [`show`].
pub fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{msg:9} {wide_bar} {bytes}/{total_bytes} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// Shows that `done` of `total` bytes are done.
pub fn show(bar: &ProgressBar, doing: &'static str, done: u64, total: u64) {
    bar.set_length(total);
    bar.set_message(doing);
    bar.set_position(done);
}
