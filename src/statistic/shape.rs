//! Which way drift came: the pattern of short and long windows tells a step from a slope, a blip and
//! a daily wave.

/// How often in a week an alarm must have begun anew, on different days, to be called periodic.
const PERIODIC_DAYS: u32 = 3;
/// Longer than this many lengths of a window, its alarm is neither temporary nor new.
const TEMPORARY: f64 = 2.0;
/// A step fills a short window first: there the change is at least this many times that of a long
/// one. On a slope, which both follow, it is not.
const STEP: f64 = 2.0;
const DAY: f64 = 86_400.0;
/// An alarm that lasts longer is old.
const WEEK: f64 = 7.0 * DAY;

/// The way drift came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// From one moment to the next, and it stays: look for what was released or changed then.
    Sudden,
    /// Little by little: the world moves, a retrain will be due.
    Gradual,
    /// It comes and goes, day after day: compare with the same hours of the days before.
    Periodic,
    /// Too short for the long window, so far.
    Temporary,
    /// For more than a week, and the days before look the same: re-baseline or retrain.
    Permanent,
}

impl Shape {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sudden => "sudden",
            Self::Gradual => "gradual",
            Self::Periodic => "periodic",
            Self::Temporary => "temporary",
            Self::Permanent => "permanent",
        }
    }

    /// What it means and what to do, for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Sudden => {
                "Sudden: it changed from one moment to the next and stays; look at what was deployed \
                 or changed upstream then."
            }
            Self::Gradual => "Gradual: it moves away slowly; a retrain will be due.",
            Self::Periodic => {
                "Periodic: it comes and goes day after day; compare with the same hours of the days \
                 before (reference seasonal), or make the profile from whole days."
            }
            Self::Temporary => {
                "Temporary so far: only the last rows differ; if it does not end by itself, it is the \
                 beginning of a sudden change."
            }
            Self::Permanent => {
                "Permanent: it has been so for more than a week; re-baseline or retrain."
            }
        }
    }
}

/// What is known of one window against the fixed reference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trace {
    /// Length of the window in seconds.
    pub window: f64,
    /// Whether its rows reach back over at least half of it.
    pub is_filled: bool,
    /// max(0, PSI − k·v): the change without the noise of few rows; `None` without a ratio.
    pub excess: Option<f64>,
    /// Seconds since which ratio is above 1 without a break; `None` while it is not.
    pub on_for: Option<f64>,
    /// Excess of the next shorter window in units of that of this one, when the alarm of this one
    /// began; `None` if there was none, or this one was not filled.
    pub lead: Option<f64>,
    /// Days of the last week on which an alarm began.
    pub days: u32,
}

/// Names the way drift came, from the windows against the fixed reference, shortest first, and
/// whether any window differs from the same hours of the days before (`None` where that is not
/// looked at). `None` without drift, or when it cannot be told.
///
/// - *periodic*: alarms began on three days of the last week, none lasted, and the same hours of the
///   days before look alike; also between two alarms.
/// - *permanent*: the long window has been in alarm for a week, and the days before look alike.
/// - *sudden* and *gradual*: when the long window came into alarm, the next shorter one had changed at
///   least twice as much, or had not; gradual only once that is as long ago as twice the shorter one, as
///   what has only just been seen has had no time to be slow.
/// - *temporary*: only shorter windows are in alarm, for less than twice their length. Whether it
///   stays cannot be known before.
///
/// On top of a daily wave a step may pass for a slope, as the wave alone moves both windows.
///
/// The long window is the longest that is filled: in the first hours after a start all windows hold
/// the same rows and nothing can be told.
///
/// ```
/// use driftgauge::statistic::{Shape, Trace, shape};
///
/// let hour = Trace { window: 3_600.0, is_filled: true, excess: Some(0.09), ..Trace::default() };
/// let day = Trace { window: 86_400.0, is_filled: true, excess: Some(0.03), ..Trace::default() };
/// assert_eq!(shape(&[hour, day], None), None);
/// let hour = Trace { on_for: Some(50_000.0), ..hour };
/// let day = Trace { on_for: Some(60.0), lead: Some(3.0), ..day };
/// assert_eq!(shape(&[hour, day], None), Some(Shape::Sudden));
/// ```
pub fn shape(fixed: &[Trace], differs_from_days_before: Option<bool>) -> Option<Shape> {
    let before = differs_from_days_before.unwrap_or(false);
    let lasts = |trace: &Trace| trace.on_for.is_some_and(|s| s > DAY || trace.window >= DAY);
    let returns = |trace: &Trace| trace.days >= PERIODIC_DAYS;
    if !before && fixed.iter().any(returns) && !fixed.iter().any(lasts) {
        return Some(Shape::Periodic);
    }
    let long = fixed.iter().rposition(|trace| trace.is_filled)?;
    let (shorter, long) = (&fixed[..long], &fixed[long]);
    match long.on_for {
        Some(seconds) if seconds > WEEK && !before => Some(Shape::Permanent),
        Some(_) if shorter.is_empty() => None,
        Some(seconds) => {
            let next = shorter.last()?;
            step_or_slope(long.lead?, seconds > TEMPORARY * next.window)
        }
        None => {
            let on = shorter.iter().rev().find(|trace| trace.on_for.is_some())?;
            let lead = on.excess.unwrap_or(0.0) / long.excess.unwrap_or(0.0);
            let is_old = on.on_for.is_some_and(|s| s > TEMPORARY * on.window);
            match step_or_slope(lead, is_old) {
                Some(Shape::Sudden) if !is_old => Some(Shape::Temporary),
                shape => shape,
            }
        }
    }
}

fn step_or_slope(lead: f64, is_old: bool) -> Option<Shape> {
    if lead >= STEP {
        Some(Shape::Sudden)
    } else {
        is_old.then_some(Shape::Gradual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: [Trace; 3] = [quiet(300.0), quiet(3_600.0), quiet(DAY)];

    const fn quiet(window: f64) -> Trace {
        Trace {
            window,
            is_filled: true,
            excess: Some(0.0),
            on_for: None,
            lead: None,
            days: 0,
        }
    }

    fn on(at: &mut Trace, seconds: f64, excess: f64) {
        (at.on_for, at.excess) = (Some(seconds), Some(excess));
    }

    #[test]
    fn only_short_windows_mean_temporary_until_it_lasts() {
        let mut windows = QUIET;
        assert_eq!(shape(&windows, None), None);
        on(&mut windows[0], 400.0, 0.7);
        assert_eq!(shape(&windows, None), Some(Shape::Temporary));
        on(&mut windows[1], 900.0, 0.2);
        windows[2].excess = Some(0.001);
        assert_eq!(shape(&windows, None), Some(Shape::Temporary));
        on(&mut windows[1], 7_300.0, 0.2);
        assert_eq!(shape(&windows, Some(true)), Some(Shape::Sudden));
        windows[2].excess = Some(0.15);
        assert_eq!(shape(&windows, Some(true)), Some(Shape::Gradual));
    }

    #[test]
    fn a_step_and_a_slope_are_told_apart_when_the_long_window_follows() {
        let mut windows = QUIET;
        on(&mut windows[2], 7_300.0, 0.03);
        assert_eq!(shape(&windows, None), None, "no shorter window to judge by");
        windows[2].lead = Some(0.0);
        assert_eq!(
            shape(&windows, None),
            Some(Shape::Gradual),
            "long and not short"
        );
        windows[2].lead = Some(1.5);
        assert_eq!(shape(&windows, None), Some(Shape::Gradual));
        windows[2].lead = Some(3.0);
        assert_eq!(shape(&windows, None), Some(Shape::Sudden));
    }

    #[test]
    fn what_has_only_just_been_seen_is_not_called_gradual() {
        let mut windows = QUIET;
        (windows[1].excess, windows[2].excess) = (Some(0.03), Some(0.02));
        on(&mut windows[1], 0.0, 0.03);
        assert_eq!(shape(&windows, None), None);
        on(&mut windows[1], 7_300.0, 0.03);
        assert_eq!(shape(&windows, None), Some(Shape::Gradual));
        let mut windows = QUIET;
        windows[2].lead = Some(1.5);
        for (seconds, expected) in [
            (0.0, None),
            (7_000.0, None),
            (7_300.0, Some(Shape::Gradual)),
        ] {
            on(&mut windows[2], seconds, 0.02);
            assert_eq!(shape(&windows, None), expected, "{seconds} s");
        }
    }

    #[test]
    fn after_a_week_drift_is_old_unless_the_days_before_still_differ() {
        let mut windows = QUIET;
        on(&mut windows[2], 8.0 * DAY, 0.1);
        windows[2].lead = Some(3.0);
        assert_eq!(shape(&windows, None), Some(Shape::Permanent));
        assert_eq!(shape(&windows, Some(false)), Some(Shape::Permanent));
        assert_eq!(shape(&windows, Some(true)), Some(Shape::Sudden));
    }

    #[test]
    fn what_returns_day_after_day_is_periodic_also_while_it_is_away() {
        let mut windows = QUIET;
        windows[1].days = 2;
        assert_eq!(shape(&windows, None), None);
        windows[1].days = 3;
        assert_eq!(shape(&windows, None), Some(Shape::Periodic));
        on(&mut windows[1], 5.0 * 3_600.0, 0.2);
        assert_eq!(shape(&windows, Some(false)), Some(Shape::Periodic));
        assert_eq!(
            shape(&windows, Some(true)),
            Some(Shape::Sudden),
            "unlike the days before"
        );
        on(&mut windows[2], 60.0, 0.05);
        windows[2].lead = Some(4.0);
        assert_eq!(
            shape(&windows, None),
            Some(Shape::Sudden),
            "a day holds a whole wave"
        );
    }

    #[test]
    fn in_the_first_hours_nothing_can_be_told() {
        let mut windows = QUIET;
        windows.iter_mut().for_each(|trace| on(trace, 60.0, 0.3));
        windows[1].is_filled = false;
        windows[2].is_filled = false;
        assert_eq!(shape(&windows, None), None);
        assert_eq!(shape(&[], None), None);
    }
}
