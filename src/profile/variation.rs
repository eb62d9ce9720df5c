//! How much sums of rows vary: design effect and wander, and how both stand in documents.
//!
//! The numbers are named once: whoever holds them in a document flattens them into it. A field leaves out
//! what was not measured ([`Sparse`]), all else says all of them; hashes depend on which it is.

use serde::{Deserialize, Serialize};

/// Largest wander that is believed, far beyond any that can be measured.
const MOST_WANDER: f64 = 1e6;

/// How much more sums vary than those of independent rows of one unchanging distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variation {
    /// Design effect φ ≥ 1: the variance of counts in units of that of independent rows; clustered
    /// and autocorrelated rows raise it. 1 until it is measured.
    pub design_effect: f64,
    /// Wander τ ≥ 0: the mean χ² divergence between chunks that does not shrink with their rows. 0
    /// until it is measured.
    pub wander: f64,
    /// The same between spans of several chunks: how far wander fades over longer windows. `wander`
    /// where that is not known.
    pub long_wander: f64,
    /// Length of a chunk in seconds; 0 until it is measured.
    pub chunk_seconds: f64,
    /// Length of a span in seconds; 0 until it is measured.
    pub span_seconds: f64,
    /// Chunks of time-ordered rows that both were measured over; 0: not measured.
    pub chunks: u32,
}

impl Default for Variation {
    fn default() -> Self {
        Self {
            design_effect: 1.0,
            wander: 0.0,
            long_wander: 0.0,
            chunk_seconds: 0.0,
            span_seconds: 0.0,
            chunks: 0,
        }
    }
}

impl Variation {
    /// Whether it can be; `of` is what sentences add to a name, such as ` of products`, if anything.
    pub(super) fn check(&self, of: &str) -> Result<(), String> {
        let found = self.design_effect;
        if !(found >= 1.0 && found.is_finite()) {
            return Err(format!("design_effect{of} is {found}, must be 1 or more"));
        }
        let found = self.wander;
        if !(0.0..=MOST_WANDER).contains(&found) {
            return Err(format!("wander{of} is {found}, must be 0 to {MOST_WANDER}"));
        }
        let found = self.long_wander;
        if !(0.0..=self.wander).contains(&found) {
            return Err(format!("long_wander{of} is {found}, must be 0 to wander"));
        }
        let seconds = [self.chunk_seconds, self.span_seconds];
        if !seconds.iter().all(|&s| s >= 0.0 && s.is_finite()) {
            return Err(format!(
                "chunk_seconds and span_seconds{of} must be 0 or more"
            ));
        }
        Ok(())
    }
}

/// As a field says it: only what is not as unmeasured, so that fields without it keep their hash.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Variation")]
pub(super) struct Sparse {
    #[serde(default = "one")]
    design_effect: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    wander: f64,
    /// There where wander is, even if it is 0; left out, it is taken to be wander.
    #[serde(getter = "long_wander")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    long_wander: Option<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    chunk_seconds: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    span_seconds: f64,
    #[serde(default, skip_serializing_if = "is_none")]
    chunks: u32,
}

impl From<Sparse> for Variation {
    fn from(sparse: Sparse) -> Self {
        Self {
            design_effect: sparse.design_effect,
            wander: sparse.wander,
            long_wander: sparse.long_wander.unwrap_or(sparse.wander),
            chunk_seconds: sparse.chunk_seconds,
            span_seconds: sparse.span_seconds,
            chunks: sparse.chunks,
        }
    }
}

fn long_wander(variation: &Variation) -> Option<f64> {
    (variation.wander > 0.0).then_some(variation.long_wander)
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What holds one, with a member before and after, as a field does.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Field {
        name: String,
        #[serde(flatten, with = "Sparse")]
        variation: Variation,
        values: u64,
    }

    fn field(variation: Variation) -> Field {
        Field {
            name: "x".into(),
            variation,
            values: 3,
        }
    }

    fn said(members: &str) -> Result<Variation, serde_json::Error> {
        let json = format!(r#"{{"name":"x",{members}"values":3}}"#);
        serde_json::from_str(&json).map(|field: Field| field.variation)
    }

    fn measured() -> Variation {
        Variation {
            design_effect: 1.5,
            wander: 0.25,
            long_wander: 0.0,
            chunk_seconds: 60.0,
            span_seconds: 480.0,
            chunks: 96,
        }
    }

    #[test]
    fn a_field_says_only_what_was_measured() {
        let written = |variation| serde_json::to_string(&field(variation)).unwrap();
        assert_eq!(
            written(Variation::default()),
            r#"{"name":"x","design_effect":1.0,"values":3}"#
        );
        let steady = Variation {
            wander: 0.0,
            ..measured()
        };
        assert_eq!(
            written(steady),
            r#"{"name":"x","design_effect":1.5,"chunk_seconds":60.0,"span_seconds":480.0,"chunks":96,"values":3}"#
        );
        assert_eq!(
            written(measured()),
            r#"{"name":"x","design_effect":1.5,"wander":0.25,"long_wander":0.0,"chunk_seconds":60.0,"span_seconds":480.0,"chunks":96,"values":3}"#
        );
    }

    #[test]
    fn what_a_field_does_not_say_is_as_unmeasured_but_long_wander_is_as_wander() {
        assert_eq!(said("").unwrap(), Variation::default());
        let wanders = Variation {
            wander: 0.25,
            long_wander: 0.25,
            ..Variation::default()
        };
        assert_eq!(said(r#""wander":0.25,"#).unwrap(), wanders);
        assert!(said(r#""wander":null,"#).is_err());
    }

    #[test]
    fn all_else_says_and_needs_all_of_it() {
        let whole = serde_json::to_string(&Variation::default()).unwrap();
        assert_eq!(
            whole,
            r#"{"design_effect":1.0,"wander":0.0,"long_wander":0.0,"chunk_seconds":0.0,"span_seconds":0.0,"chunks":0}"#
        );
        let part = whole.replace(r#""long_wander":0.0,"#, "");
        assert!(serde_json::from_str::<Variation>(&part).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence() {
        let refused = |change: fn(&mut Variation), of: &str, sentence: &str| {
            let mut variation = measured();
            change(&mut variation);
            assert_eq!(variation.check(of).unwrap_err(), sentence);
        };
        assert_eq!(measured().check(""), Ok(()));
        refused(
            |of| of.design_effect = 0.5,
            "",
            "design_effect is 0.5, must be 1 or more",
        );
        refused(
            |of| of.wander = 2e6,
            " of products",
            "wander of products is 2000000, must be 0 to 1000000",
        );
        refused(
            |of| of.long_wander = 0.5,
            " of fourier",
            "long_wander of fourier is 0.5, must be 0 to wander",
        );
        refused(
            |of| of.span_seconds = f64::INFINITY,
            "",
            "chunk_seconds and span_seconds must be 0 or more",
        );
    }
}
