//! Which models each sidecar serves, remembered while it does not answer: the series of a target that is
//! down are gone, and its alert must name a model to reach somebody.

use super::super::series::SERVED;
use super::super::{Group, Record};
use crate::export::names;

/// How long Prometheus may be away without forgetting.
const REMEMBERED: &str = "15m";

pub(super) fn group() -> Group {
    let serves = names::PREDICTIONS.series();
    // What is recorded feeds itself: no range over days has to be read again and again.
    let served = format!(
        "0 * max without (version) ({serves}) + 1\n\
         or\n\
         (last_over_time({SERVED}[{REMEMBERED}]) and ignoring (model) up == 0)"
    );
    Group {
        name: "driftgauge-served".into(),
        interval: None,
        rules: vec![Record::rule(SERVED, served, [])],
    }
}
