//! What a model was given: features, by the names of settings, tensors or the profile.

use super::look::Row;
use super::plan::{Plan, Seen, Take};
use crate::batch::Role;
use crate::ingest::mapping::{Mapping, TensorMapping};

/// What an input is called that has no name.
const UNNAMED: &str = "input";

/// Adds the fields of the inputs.
///
/// The profile's names are taken by position only for the one input that is a feature, and only if it
/// has as many columns as the profile has features. A tensor that has the name of a feature is that
/// feature, as a vector if it has several values a row.
pub(super) fn plan(
    plan: &mut Plan<'_>,
    inputs: &[Seen<'_>],
    inputs_are_columns: bool,
    mapping: &Mapping,
) {
    let profile = &mapping.profile_features;
    let is_of_profile = |name: &str| profile.iter().any(|known| **known == *name);
    let said = |input: &Seen<'_>| mapping.inputs.get(input.name);
    let role_of = |said: Option<&TensorMapping>| said.and_then(|said| said.role);
    let features = inputs
        .iter()
        .filter(|input| role_of(said(input)).is_none_or(|role| role == Role::Feature));
    let is_alone = features.count() == 1;
    for input in inputs {
        let said = said(input);
        let role = role_of(said).unwrap_or(Role::Feature);
        let width = input.look.row.width();
        if input.look.row == Row::Nothing || role == Role::Ignore {
            continue;
        }
        if said.is_some_and(|said| plan.add_named(&said.names, role, *input)) {
            continue;
        }
        let may_be_position = is_alone
            && role == Role::Feature
            && !inputs_are_columns
            && width == profile.len()
            && matches!(input.look.row, Row::One | Row::Several(_));
        if !input.name.is_empty() && is_of_profile(input.name) {
            match width {
                1 => plan.add(input.name, role, *input, Take::Element(0)),
                _ => plan.add_vector(input.name, role, *input),
            }
        } else if may_be_position {
            plan.by_position = true;
            for (element, name) in profile.iter().enumerate() {
                plan.add(name, role, *input, Take::Element(element));
            }
        } else {
            let base = match input.name {
                "" => UNNAMED,
                name => name,
            };
            plan.add_several(base, role, *input, plan.tensor_columns);
        }
    }
}
