//! YAML as people write it: long texts as blocks, nothing quoted that need not be.

use serde::{Serialize, Serializer};

/// A document with a first line that says where it comes from.
pub(super) fn document(what: &str, content: &impl Serialize) -> String {
    // Only maps with keys that are not text cannot be written, and there are none.
    let yaml = serde_saphyr::to_string(content).unwrap_or_default();
    format!(
        "# {what} Made by `driftgauge generate`: do not edit.\n{}\n",
        yaml.trim_end()
    )
}

/// For `serialize_with`: a text of several lines, as a block.
pub(super) fn block<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serde_saphyr::LitStr(text).serialize(serializer)
}
