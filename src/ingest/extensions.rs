//! Extensions of the Open Inference Protocol that change where values are or what they mean, over gRPC
//! and over HTTP alike.
//!
//! They are parameters of tensors. What a request asks of an output need not be said again by the
//! response, so a response is read in the light of its request.

use std::collections::HashMap;

use super::inference::{Elements, Tensor, Unusable};
use crate::batch::Scalar;

/// Parameter of a tensor whose values lie in memory that client and server share:
/// [shared memory](https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_shared_memory.md).
pub(super) const SHARED_MEMORY: &str = "shared_memory_region";

/// Parameter of an output that is to be turned into its first classes; how many:
/// [classification](https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md).
pub(super) const CLASSIFICATION: &str = "classification";

/// Parameter of a request that says how its tensors are meant:
/// [content types](https://mlserver.readthedocs.io/en/stable/user-guide/content-type.html).
pub(super) const CONTENT_TYPE: &str = "content_type";

/// The content type of a data frame: each input is a column.
pub(super) const DATA_FRAME: &str = "pd";

/// What a request asks of its outputs, by name.
#[derive(Debug, Default)]
pub(super) struct Requested(HashMap<String, Wanted>);

/// What is asked of one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// It is to be written to shared memory.
    pub(super) is_shared: bool,
    /// It is to be turned into its first classes.
    pub(super) classifies: bool,
}

impl Requested {
    /// Notes what is asked of an output.
    pub(super) fn note(&mut self, output: String, wanted: Wanted) {
        // Of all others there is nothing to know.
        if wanted != Wanted::default() {
            self.0.entry(output).or_insert(wanted);
        }
    }

    /// What is asked of an output.
    pub(super) fn of(&self, output: &str) -> Wanted {
        self.0.get(output).copied().unwrap_or_default()
    }

    /// Reads outputs in the light of what is asked of them.
    pub(super) fn apply(&self, outputs: &mut [Tensor]) {
        for output in outputs {
            let wanted = self.of(&output.name);
            if wanted.is_shared && output.elements == Elements::Unusable(Unusable::NoContents) {
                output.elements = Elements::Unusable(Unusable::SharedMemory);
            }
            if wanted.classifies {
                keep_first_class(output);
            }
        }
    }
}

/// Turns the classes of each row, `score:index` or `score:index:label`, best first, into the name of
/// the first: the label if it has one, else the index. The shape [N, k] becomes [N, 1], and [k], of a
/// model that takes one row at a time, [1]. What does not look like a class is invalid.
fn keep_first_class(output: &mut Tensor) {
    let Some(last) = output.shape.last_mut().filter(|classes| **classes > 0) else {
        return;
    };
    let classes = std::mem::replace(last, 1);
    match &mut output.elements {
        Elements::Text(texts) => {
            let firsts = texts.iter().step_by(classes);
            let names: Option<Vec<_>> = firsts.clone().map(|text| class_name(text)).collect();
            output.elements = match names {
                Some(names) => Elements::Text(names),
                None => Elements::Mixed(firsts.map(|text| class_scalar(text)).collect()),
            };
        }
        Elements::Mixed(values) => {
            let firsts = values.iter().step_by(classes).map(|value| match value {
                Scalar::Text(text) => class_scalar(text),
                _ => Scalar::Invalid,
            });
            output.elements = Elements::Mixed(firsts.collect());
        }
        // It was not classified after all, or cannot be seen; the shape is as it was.
        Elements::Fixed { .. } | Elements::Unusable(_) => *last = classes,
    }
}

fn class_name(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, ':');
    let (_score, index) = (parts.next()?, parts.next()?);
    let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    let label = parts.next().filter(|label| !label.is_empty());
    is_index.then(|| label.unwrap_or(index).to_owned())
}

fn class_scalar(text: &str) -> Scalar {
    class_name(text).map_or(Scalar::Invalid, Scalar::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(shape: &[usize], texts: &[&str]) -> (Vec<usize>, Elements) {
        let mut requested = Requested::default();
        let wanted = Wanted {
            classifies: true,
            ..Wanted::default()
        };
        requested.note("p".into(), wanted);
        let mut outputs = [Tensor {
            name: "p".into(),
            shape: shape.to_vec(),
            elements: Elements::Text(texts.iter().map(|text| (*text).to_owned()).collect()),
        }];
        requested.apply(&mut outputs);
        let [output] = outputs;
        (output.shape, output.elements)
    }

    #[test]
    fn of_the_classes_of_a_row_the_first_is_kept_by_its_name() {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let rows = ["0.9:1:cat", "0.1:0:dog", "0.7:0", "0.3:1:"];
        let names = Elements::Text(vec!["cat".into(), "0".into()]);
        assert_eq!(classified(&[2, 2], &rows), (vec![2, 1], names));
        let colons = Elements::Text(vec!["a:b".into()]);
        assert_eq!(classified(&[2], &["0.9:1:a:b", "0.1:0"]), (vec![1], colons));
        let mixed = Elements::Mixed(vec![Scalar::Invalid, text("2")]);
        assert_eq!(classified(&[2, 1], &["cat", "0.5:2"]), (vec![2, 1], mixed));
        assert_eq!(classified(&[0], &[]), (vec![0], Elements::Text(vec![])));
    }

    #[test]
    fn what_was_to_be_shared_and_is_not_there_is_shared() {
        let mut requested = Requested::default();
        let wanted = Wanted {
            is_shared: true,
            ..Wanted::default()
        };
        requested.note("p".into(), wanted);
        let nothing = |name: &str| Tensor {
            name: name.into(),
            shape: vec![2],
            elements: Elements::Unusable(Unusable::NoContents),
        };
        let mut outputs = [nothing("p"), nothing("q")];
        requested.apply(&mut outputs);
        let [p, q] = outputs.map(|output| output.elements);
        assert_eq!(p, Elements::Unusable(Unusable::SharedMemory));
        assert_eq!(q, Elements::Unusable(Unusable::NoContents));
    }
}
