//! YAML as people write it: long texts as blocks, nothing quoted that need not be.

use serde::{Serialize, Serializer};

/// A document with a first line that says where it comes from.
pub(super) fn document(what: &str, content: &impl Serialize) -> String {
    format!(
        "# {what} Made by `driftgauge generate`: do not edit.\n{}\n",
        text(content)
    )
}

/// A part of a document.
pub(super) fn text(content: &impl Serialize) -> String {
    // Only maps with keys that are not text cannot be written, and there are none.
    let yaml = serde_saphyr::to_string(content).unwrap_or_default();
    yaml.trim_end().to_owned()
}

/// For `serialize_with`: a text of several lines, as a block.
pub(super) fn block<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serde_saphyr::LitStr(text).serialize(serializer)
}
