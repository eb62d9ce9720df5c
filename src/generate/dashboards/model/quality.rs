//! What is wrong with values themselves.

use super::super::super::series;
use super::super::links::{self, Field};
use super::super::panel::Panel;
use super::super::query;
use super::super::unit::Unit;
use crate::export::family::Family;
use crate::export::names;

fn rates(title: &str, description: &str, recorded: &str, family: &Family) -> Panel {
    Panel::lines(title, description, Unit::Share)
        .link(links::of_this_model_to_feature(Field::Line))
        .with_any(
            &query::worst("feature", recorded, family, &query::in_window()),
            "feature",
            "{{feature}}",
        )
}

pub(super) fn nulls() -> Panel {
    rates(
        "Nulls",
        "Rows without a usable value, of all rows of the field in the window; fields without any are left out.",
        series::NULL_RATIO,
        &names::FEATURE_NULL_RATIO,
    )
}

pub(super) fn out_of_range() -> Panel {
    rates(
        "Out of range",
        "Values below the smallest or above the largest of the reference, of all values in the window; fields without \
         any are left out.",
        series::OUT_OF_RANGE_RATIO,
        &names::FEATURE_OUT_OF_RANGE_RATIO,
    )
}

pub(super) fn new_categories() -> Panel {
    rates(
        "New categories",
        "Values that the reference has never seen, of all values in the window; fields without any are left out.",
        series::NEW_CATEGORY_RATIO,
        &names::FEATURE_NEW_CATEGORY_RATIO,
    )
}
