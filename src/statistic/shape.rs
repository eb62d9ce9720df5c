//! Which shape a drift has, read from how long and in which windows it has been seen.
//!
//! A drifted field says that something changed. What to do depends on how: a sudden change is looked
//! for in the last deployment, a gradual one in the world, a periodic one wants another reference, a
//! temporary one an incident report.

/// Seconds after which a drift is no longer new: those of the seasonal reference's week.
const WEEK: f64 = 7.0 * 86_400.0;

/// How often drift must have begun within a week to be periodic where the seasonal reference finds
/// nothing unusual.
const STARTS_OF_A_SEASON: u32 = 2;

/// The same without a seasonal reference, where two incidents in a week may be just that.
const STARTS_WITHOUT_A_SEASON: u32 = 3;

/// What is known of one field in one window, compared with the fixed reference (`profile`).
///
/// The caller needs to remember three times and a count for each field and window, all of which
/// follow from the ratio at each evaluation. `None` where a ratio is not known *now* (too few rows).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Course {
    /// Length of the window in seconds.
    pub length: f64,
    /// For how many seconds the ratio has been above 1 without a break; `None`: it is not now.
    pub drifted: Option<f64>,
    /// For how many seconds it has been above ½ without a break, at least as long; `None`: it is not
    /// now.
    pub nearing: Option<f64>,
    /// How many seconds ago it last was above 1; 0 now, `None` never since the reference is in force.
    pub last: Option<f64>,
    /// How often in the last 7 days it rose above 1 after it had not been for a window's length.
    pub starts: u32,
    /// Whether the ratio to the seasonal reference is above 1 now; `None` without such a reference
    /// or ratio.
    pub seasonal: Option<bool>,
}

/// How a field has come to be as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has not drifted in any window.
    None,
    /// It changed from one moment to the next, and stays.
    Sudden,
    /// It changes slowly.
    Gradual,
    /// It comes and goes.
    Periodic,
    /// It is gone again, or too young to be told from what goes.
    Temporary,
    /// It has been so for more than a week.
    Permanent,
}

impl Shape {
    /// The word in the API and on the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
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
            Self::None => "No window has drifted.",
            Self::Sudden => {
                "It changed from one moment to the next and has stayed so: look at what was deployed \
                 or changed upstream then."
            }
            Self::Gradual => {
                "It moves away slowly: look at how the world changes, and plan to train again."
            }
            Self::Periodic => {
                "It comes and goes: compare with the same hour of the last days (the seasonal \
                 reference), or learn the profile from a whole period."
            }
            Self::Temporary => {
                "Only the last rows differ, or did for a while: temporary if it ends by itself, the \
                 beginning of a sudden change if it does not."
            }
            Self::Permanent => {
                "It has been so for more than a week: train again, or make it the new profile."
            }
        }
    }
}

/// Shape of a field's drift, from its course in all windows.
///
/// Windows whose ratio is above 1 now decide, the shortest of them first. The first rule that holds:
///
/// 1. none has drifted: [`Shape::None`];
/// 2. the seasonal reference does not agree in any drifted window, and drift has begun at least twice
///    in a week (three times without a seasonal reference): [`Shape::Periodic`];
/// 3. above 1 for more than 7 days in some window, and the seasonal reference does not agree or is
///    missing: [`Shape::Permanent`];
/// 4. the longest window has not drifted, and the shortest drifted one has for at most twice its
///    length, since even a passing change stays in a window for its length: [`Shape::Temporary`]; also
///    when a window shorter than all drifted ones was drifted within their length, and is no more;
/// 5. in the shortest drifted window the ratio was above ½ for more than half of the window's length
///    before it passed 1: [`Shape::Gradual`]. The drift of a sudden change grows with the square of
///    the share of the window that lies behind it, and so takes at most 0.3 lengths from ½ to 1;
/// 6. otherwise [`Shape::Sudden`].
///
/// **Limits** A change so small that the ratio stays about 1 passes for gradual. Slow is what is slow
/// for the shortest window that sees it: within one day, to one of a day, all is sudden.
///
/// ```
/// use driftgauge::statistic::{Course, Shape, shape};
///
/// let hour = Course {
///     length: 3_600.0,
///     drifted: Some(20_000.0),
///     nearing: Some(20_500.0),
///     last: Some(0.0),
///     starts: 1,
///     seasonal: Some(true),
/// };
/// let day = Course { length: 86_400.0, ..Course::default() };
/// assert_eq!(shape(&[hour, day]), Shape::Sudden);
/// ```
pub fn shape(windows: &[Course]) -> Shape {
    let drifted = || windows.iter().filter(|window| window.drifted.is_some());
    let by_length = |a: &&Course, b: &&Course| a.length.total_cmp(&b.length);
    let (Some(first), Some(longest)) = (
        drifted().min_by(by_length),
        windows.iter().max_by(by_length),
    ) else {
        return Shape::None;
    };
    let since = first.drifted.unwrap_or(0.0);
    let season_agrees = drifted().any(|window| window.seasonal == Some(true));
    let has_season = drifted().any(|window| window.seasonal.is_some());
    let starts = drifted().map(|window| window.starts).max().unwrap_or(0);
    let of_a_season = if has_season {
        STARTS_OF_A_SEASON
    } else {
        STARTS_WITHOUT_A_SEASON
    };
    if !season_agrees && starts >= of_a_season {
        return Shape::Periodic;
    }
    let is_old = drifted().any(|window| window.drifted > Some(WEEK));
    if is_old && !season_agrees {
        return Shape::Permanent;
    }
    let is_young = longest.drifted.is_none() && since <= 2.0 * first.length;
    let is_over = windows.iter().any(|window| {
        window.length < first.length && window.last.is_some_and(|ago| ago <= first.length)
    });
    if is_young || is_over {
        return Shape::Temporary;
    }
    let approach = first.nearing.map_or(0.0, |nearing| nearing - since);
    if approach > first.length / 2.0 {
        Shape::Gradual
    } else {
        Shape::Sudden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3_600.0;
    const DAY: f64 = 24.0 * HOUR;

    /// Drifted for so long, with so long an approach.
    fn drifted(length: f64, since: f64, approach: f64) -> Course {
        Course {
            length,
            drifted: Some(since),
            nearing: Some(since + approach),
            last: Some(0.0),
            starts: 1,
            seasonal: None,
        }
    }

    fn calm(length: f64) -> Course {
        Course {
            length,
            ..Course::default()
        }
    }

    #[test]
    fn nothing_drifted_has_no_shape() {
        assert_eq!(shape(&[]), Shape::None);
        let over = Course {
            last: Some(10.0),
            starts: 5,
            ..calm(HOUR)
        };
        assert_eq!(shape(&[over, calm(DAY)]), Shape::None);
    }

    #[test]
    fn what_only_a_short_window_sees_is_temporary_until_it_stays() {
        let after = |since| shape(&[drifted(HOUR, since, 60.0), calm(DAY)]);
        assert_eq!(after(0.5 * HOUR), Shape::Temporary);
        assert_eq!(after(2.5 * HOUR), Shape::Sudden);
    }

    #[test]
    fn a_short_window_that_has_recovered_makes_a_long_one_temporary() {
        let recovered = Course {
            last: Some(2.0 * HOUR),
            starts: 1,
            ..calm(HOUR)
        };
        let day = drifted(DAY, 5.0 * HOUR, HOUR);
        assert_eq!(shape(&[recovered, day]), Shape::Temporary);
        let never = calm(HOUR);
        assert_eq!(
            shape(&[never, day]),
            Shape::Sudden,
            "too small for the short one"
        );
    }

    #[test]
    fn a_slow_approach_is_gradual_and_a_quick_one_sudden() {
        let day = drifted(DAY, HOUR, 15.0 * HOUR);
        assert_eq!(
            shape(&[drifted(HOUR, 4.0 * HOUR, 20.0 * HOUR), day]),
            Shape::Gradual
        );
        assert_eq!(
            shape(&[drifted(HOUR, 4.0 * HOUR, 0.2 * HOUR), day]),
            Shape::Sudden
        );
        assert_eq!(shape(&[calm(HOUR), day]), Shape::Gradual);
    }

    #[test]
    fn what_comes_and_goes_is_periodic_unless_the_season_differs_too() {
        let swinging = |starts, seasonal| Course {
            starts,
            seasonal,
            ..drifted(HOUR, 3.0 * HOUR, HOUR)
        };
        assert_eq!(
            shape(&[swinging(2, Some(false)), calm(DAY)]),
            Shape::Periodic
        );
        assert_eq!(shape(&[swinging(2, None), calm(DAY)]), Shape::Gradual);
        assert_eq!(shape(&[swinging(3, None), calm(DAY)]), Shape::Periodic);
        assert_ne!(
            shape(&[swinging(9, Some(true)), calm(DAY)]),
            Shape::Periodic
        );
    }

    #[test]
    fn what_the_last_week_has_accepted_is_permanent() {
        let old = |seasonal| Course {
            seasonal,
            ..drifted(HOUR, 8.0 * DAY, 0.0)
        };
        let day = drifted(DAY, 7.5 * DAY, 0.0);
        assert_eq!(shape(&[old(Some(false)), day]), Shape::Permanent);
        assert_eq!(shape(&[old(None), day]), Shape::Permanent);
        assert_eq!(shape(&[old(Some(true)), day]), Shape::Sudden);
    }

    #[test]
    fn the_order_of_windows_does_not_matter() {
        let (hour, day) = (drifted(HOUR, 0.5 * HOUR, 0.0), calm(DAY));
        assert_eq!(shape(&[hour, day]), shape(&[day, hour]));
    }
}
