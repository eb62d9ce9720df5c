//! Where clicks lead: from all models to one, to one field, and to its sidecar; the time that is shown
//! goes along.

use super::board::Name;
use super::panel::DataLink;

/// What stays as it is chosen.
const KEPT: &str = "${datasource:queryparam}&${namespace:queryparam}&${job:queryparam}";

/// From a row with the labels `model` and `version` to that model.
pub fn to_model() -> DataLink {
    link(
        "Open this model",
        Name::Model,
        "${window:queryparam}&${reference:queryparam}&var-model=${__data.fields.model}&var-version=${__data.fields.version}",
    )
}

/// From a row with the labels `model`, `version` and `feature` to that field.
pub fn to_feature() -> DataLink {
    link(
        "Open this feature",
        Name::Feature,
        "${window:queryparam}&${reference:queryparam}&var-model=${__data.fields.model}&var-version=${__data.fields.version}&var-feature=${__data.fields.feature}",
    )
}

/// From a line of a model to it.
pub fn of_line_to_model() -> DataLink {
    link(
        "Open this model",
        Name::Model,
        "${window:queryparam}&${reference:queryparam}&var-model=${__field.labels.model}&var-version=${__field.labels.version}",
    )
}

/// From a line or a row of a field on the board of its model to it.
pub fn of_this_model_to_feature(field: Field) -> DataLink {
    let label = match field {
        Field::Line => "${__field.labels.feature}",
        Field::Row => "${__data.fields.feature}",
    };
    link(
        "Open this feature",
        Name::Feature,
        &format!(
            "${{window:queryparam}}&${{reference:queryparam}}&${{model:queryparam}}&${{version:queryparam}}&var-feature={label}"
        ),
    )
}

/// What is clicked on.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// A line, a band or a figure.
    Line,
    /// A row of a table.
    Row,
}

/// From a row with the label `instance` to that sidecar.
pub fn to_sidecar() -> DataLink {
    link(
        "Open this sidecar",
        Name::Sidecar,
        "var-instance=${__data.fields.instance}",
    )
}

fn link(title: &str, to: Name, variables: &str) -> DataLink {
    DataLink {
        title: title.into(),
        url: format!("/d/{}?{KEPT}&{variables}&${{__url_time_range}}", to.uid()),
    }
}
