//! What a model answered: predictions and scores, by settings, the profile, or how they look.

use std::borrow::Cow;
use std::sync::Arc;

use super::look::{Kind, Row};
use super::output_role;
use super::plan::{Plan, Seen, Take};
use crate::batch::Role;
use crate::ingest::mapping::{Mapping, TensorMapping};

/// Most classes whose scores are followed one by one; of more, only the largest score is.
const CLASSES: usize = 10;
/// What a prediction is called whose tensor has no name of its own, or that is read from scores.
const PREDICTION: &str = "prediction";
/// The same of scores.
const SCORE: &str = "score";

/// A field to be.
struct Draft<'a> {
    name: Cow<'a, str>,
    /// Whether settings or the profile gave the name.
    is_said: bool,
    role: Role,
    seen: Seen<'a>,
    shape: Shape,
}

/// Which columns a draft is.
enum Shape {
    /// One.
    Take(Take),
    /// As many as there are values a row, up to this many; else a vector.
    Several(usize),
    /// With the names of settings.
    Named(Vec<Arc<str>>),
}

/// Adds the fields of the outputs.
pub(super) fn plan(plan: &mut Plan<'_>, outputs: &[Seen<'_>], mapping: &Mapping) {
    let mut drafts = Vec::new();
    let mut scored = None;
    for output in outputs {
        let said = mapping.outputs.get(output.name);
        draft(*output, said, mapping, plan, &mut scored, &mut drafts);
    }
    let is = |role| move |draft: &&mut Draft<'_>| draft.role == role;
    if let ([only], [name], []) = (
        &mut drafts[..],
        &mapping.profile_predictions[..],
        &mapping.profile_scores[..],
    ) && only.role == Role::Score
        && !only.is_said
        && only.seen.look.row == Row::One
    {
        // A regression: the profile knows what its fraction is.
        only.role = Role::Prediction;
        only.name = name.to_string().into();
    }
    if let Some(output) = scored
        && !drafts.iter().any(|draft| draft.role == Role::Prediction)
    {
        let classes = classes(mapping, output.look.row.width()).to_vec();
        let likeliest = Draft {
            name: PREDICTION.into(),
            is_said: false,
            role: Role::Prediction,
            seen: output,
            shape: Shape::Take(Take::Likeliest(classes)),
        };
        drafts.insert(0, likeliest);
    }
    for (role, profile) in [
        (Role::Prediction, &mapping.profile_predictions),
        (Role::Score, &mapping.profile_scores),
    ] {
        let mut of_role = drafts.iter_mut().filter(is(role));
        if let (Some(only), None, [name]) = (of_role.next(), of_role.next(), &profile[..])
            && matches!(only.shape, Shape::Take(_))
            && !only.is_said
        {
            only.name = name.to_string().into();
        }
    }
    for draft in drafts {
        let Draft {
            name, role, seen, ..
        } = draft;
        match draft.shape {
            Shape::Take(Take::All) => plan.add_vector(&name, role, seen),
            Shape::Take(take) => plan.add(&name, role, seen, take),
            Shape::Several(most) => plan.add_several(&name, role, seen, most),
            Shape::Named(names) => {
                plan.add_named(&names, role, seen);
            }
        }
    }
}

/// Drafts the fields of one output. `scored` becomes the first whose rows are scores of classes.
fn draft<'a>(
    output: Seen<'a>,
    said: Option<&TensorMapping>,
    mapping: &Mapping,
    plan: &mut Plan<'_>,
    scored: &mut Option<Seen<'a>>,
    drafts: &mut Vec<Draft<'a>>,
) {
    let role = output_role(said.and_then(|said| said.role));
    if output.look.row == Row::Nothing || role == Some(Role::Ignore) {
        return;
    }
    let width = output.look.row.width();
    let names = said.map_or(&[][..], |said| &said.names);
    let looks = if output.look.are_classes() {
        Role::Prediction
    } else {
        Role::Score
    };
    let is_of = |names: &[Arc<str>]| names.iter().any(|name| **name == *output.name);
    let of_profile = if is_of(&mapping.profile_predictions) {
        Some(Role::Prediction)
    } else if is_of(&mapping.profile_scores) {
        Some(Role::Score)
    } else {
        None
    };
    // The truth has that name; what a model answers is never the truth.
    let name = if is_of(&mapping.profile_labels) {
        ""
    } else {
        output.name
    };
    let base = match (name, role.or(of_profile).unwrap_or(looks)) {
        ("", Role::Score) => SCORE,
        ("", _) => PREDICTION,
        (name, _) => name,
    };
    let mut add = |name: Cow<'a, str>, is_said, role, shape| {
        drafts.push(Draft {
            name,
            is_said,
            role,
            seen: output,
            shape,
        });
    };

    let are_scores = looks == Role::Score
        && matches!(output.look.row, Row::Several(_))
        && role.is_none_or(|role| role == Role::Score);
    if names.len() == width || (!are_scores && names.len() == 1) {
        let shape = Shape::Named(names.to_vec());
        let role = role.unwrap_or(looks);
        if are_scores {
            scored.get_or_insert(output);
        }
        add(names[0].to_string().into(), true, role, shape);
        return;
    }
    if names.len() > 1 {
        // Says so in the log.
        plan.add_named(names, looks, output);
    }
    if !are_scores {
        let role = role.or(of_profile).unwrap_or(looks);
        let is_alone = output.look.row == Row::One;
        let shape = match output.look.row {
            Row::One => Shape::Take(Take::Element(0)),
            Row::Several(_) if looks == Role::Prediction && said.is_none() => {
                Shape::Several(CLASSES)
            }
            Row::Block(_) if output.look.kind != Kind::Text => Shape::Take(Take::All),
            _ => Shape::Several(plan.tensor_columns),
        };
        let is_said = of_profile.is_some() && is_alone;
        add(base.to_owned().into(), is_said, role, shape);
        return;
    }

    // Scores of classes.
    let is_first = scored.is_none();
    scored.get_or_insert(output);
    let base: Cow<'a, str> = match names {
        [name] => name.to_string().into(),
        _ if is_first || name.is_empty() => SCORE.into(),
        _ => name.into(),
    };
    let is_said = !names.is_empty();
    let of_class = |class: &str| Cow::from(format!("{base}[{class}]"));
    let one = |take| Shape::Take(take);
    match width {
        2 => {
            let (element, class) = positive(mapping);
            let name = match names {
                [name] => name.to_string().into(),
                _ => of_class(&class),
            };
            add(name, is_said, Role::Score, one(Take::Element(element)));
        }
        3..=CLASSES => {
            let classes = classes(mapping, width);
            for element in 0..width {
                let name = match classes.get(element) {
                    Some(class) => of_class(class),
                    None => of_class(&element.to_string()),
                };
                add(name, is_said, Role::Score, one(Take::Element(element)));
            }
        }
        _ => {
            let name = match names {
                [name] => name.to_string().into(),
                _ => of_class("max"),
            };
            add(name, is_said, Role::Score, one(Take::Largest));
        }
    }
}

/// Names of so many classes; empty when settings do not name so many.
fn classes(mapping: &Mapping, width: usize) -> &[Arc<str>] {
    let fits = mapping.classes.len() == width;
    if fits { &mapping.classes } else { &[] }
}

/// Place and name of the class whose score is followed when there are two.
fn positive(mapping: &Mapping) -> (usize, Cow<'_, str>) {
    let classes = classes(mapping, 2);
    let Some(said) = &mapping.positive_class else {
        return match classes {
            [_, last] => (1, Cow::Borrowed(last)),
            _ => (1, "1".into()),
        };
    };
    let named = classes.iter().position(|class| class == said);
    // Without names of classes, their numbers are their names.
    let place = named.unwrap_or(usize::from(&**said != "0" || !classes.is_empty()));
    (place, Cow::Borrowed(said))
}
