//! Colours and words for figures: the same limits as those of the alerts.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Plan, limits};

/// Nothing to do.
pub const GOOD: &str = "green";
/// Look at it today.
pub const CAUTION: &str = "orange";
/// Look at it now.
pub const BAD: &str = "red";
/// Neither good nor bad.
pub const NEUTRAL: &str = "text";
/// What is compared with.
pub const REFERENCE: &str = "#8e8e8e";
/// What is seen now.
pub const LIVE: &str = "blue";

/// Colours from a value on.
#[derive(Clone, Debug, Serialize)]
pub struct Thresholds {
    mode: &'static str,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Serialize)]
struct Step {
    color: &'static str,
    value: Option<f64>,
}

impl Thresholds {
    fn steps(first: &'static str, further: &[(f64, &'static str)]) -> Self {
        let mut steps = vec![Step {
            color: first,
            value: None,
        }];
        steps.extend(further.iter().map(|&(value, color)| Step {
            color,
            value: Some(value),
        }));
        Self {
            mode: "absolute",
            steps,
        }
    }

    /// Not judged.
    pub fn none() -> Self {
        Self::steps(NEUTRAL, &[])
    }

    /// Good up to a limit, bad above.
    pub fn above(limit: f64, color: &'static str) -> Self {
        // Steps include their value; a ratio of exactly 1 is not yet above 1.
        Self::steps(GOOD, &[(limit, color)])
    }

    /// Good up to a limit, then caution, then bad.
    pub fn two(caution: f64, bad: f64) -> Self {
        Self::steps(GOOD, &[(caution, CAUTION), (bad, BAD)])
    }

    /// Bad below a limit, good from it on.
    pub fn below(limit: f64) -> Self {
        Self::steps(BAD, &[(limit, GOOD)])
    }

    /// Less in one colour, more in another.
    pub fn sign() -> Self {
        Self::steps(LIVE, &[(0.0, CAUTION)])
    }

    /// Drift in units of its threshold.
    pub fn drift_ratio() -> Self {
        Self::above(limits::DRIFT_RATIO, BAD)
    }

    /// The share of failed calls: what the objective allows, and ten times that.
    pub fn errors(plan: &Plan) -> Self {
        let allowed = ((1.0 - plan.error_objective) * 1e6).round() / 1e6;
        Self::two(allowed, 10.0 * allowed)
    }

    /// Rows or calls that figures do not see.
    pub fn lost() -> Self {
        Self::two(limits::LOST_SHARE / 10.0, limits::LOST_SHARE)
    }

    /// A count of things that should not be.
    pub fn any(color: &'static str) -> Self {
        Self::above(1.0, color)
    }
}

/// A word and a colour for a value.
pub fn word(value: usize, text: &str, color: &str) -> Value {
    json!({"type": "value", "options": {value.to_string(): {"color": color, "index": value, "text": text}}})
}

/// A word and a colour where there is no figure.
pub fn word_for_nothing(text: &str) -> Value {
    json!({"type": "special", "options": {"match": "null+nan", "result": {"color": NEUTRAL, "index": 9, "text": text}}})
}

/// Words for 0 and 1.
pub fn yes_or_no(no: (&str, &str), yes: (&str, &str)) -> Vec<Value> {
    vec![word(0, no.0, no.1), word(1, yes.0, yes.1)]
}

/// Words for the range from a value to another, both included.
pub fn words_between(from: f64, to: Option<f64>, text: &str, color: &str) -> Value {
    json!({"type": "range", "options": {"from": from, "to": to, "result": {"color": color, "index": 1, "text": text}}})
}

/// Words for how soon somebody must look at an alert.
pub fn urgency() -> Vec<Value> {
    vec![
        word(3, "critical", BAD),
        word(2, "warning", CAUTION),
        word(1, "info", LIVE),
    ]
}

/// Words for a drift ratio.
pub fn verdict() -> Vec<Value> {
    vec![
        words_between(0.0, Some(limits::DRIFT_RATIO), "steady", GOOD),
        words_between(limits::DRIFT_RATIO, None, "drifted", BAD),
        word_for_nothing("not judged"),
    ]
}
