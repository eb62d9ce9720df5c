//! A small profile that the tests of its document write, read and spoil.

use crate::batch::Role;
use crate::profile::{
    CategoryCells, Cells, FeatureProfile, Kind, Missing, Moments, NumericCells, OutlierFeature,
    OutlierReference, Profile, Provenance, ReferenceCells, Variation,
};

/// Of a numeric and a categorical field, with outliers.
pub(super) fn profile() -> Profile {
    Profile {
        model: Some("fraud".into()),
        rows: 12,
        features: vec![
            FeatureProfile {
                name: "amount".into(),
                role: Role::Feature,
                kind: Kind::Numeric,
                missing: Missing {
                    nan: 2,
                    ..Missing::default()
                },
                cells: Some(ReferenceCells {
                    cells: Cells::Numeric(NumericCells::new(vec![0.1 + 0.2]).unwrap()),
                    rows: vec![4, 6],
                    means: vec![0.1, 2.0 / 3.0],
                }),
                moments: Some(Moments {
                    mean: 1.0 / 3.0,
                    stddev: 1e-300,
                    min: -1e300,
                    max: 5.0,
                }),
                distinct: 10,
                variation: Variation::default(),
                importance: None,
                derived_from: None,
                embedding: None,
            },
            FeatureProfile {
                name: "origin".into(),
                role: Role::Feature,
                kind: Kind::Categorical,
                missing: Missing::default(),
                cells: Some(ReferenceCells {
                    cells: Cells::Categorical(
                        CategoryCells::new(vec!["JFK".into()], vec!["EWR".into()], false).unwrap(),
                    ),
                    rows: vec![11, 1],
                    means: vec![],
                }),
                moments: None,
                distinct: 2,
                variation: Variation::default(),
                importance: None,
                derived_from: None,
                embedding: None,
            },
        ],
        joint: None,
        outliers: Some(OutlierReference {
            features: vec![OutlierFeature {
                name: "amount".into(),
                scores: vec![0.1 + 0.2, 2.0],
            }],
            rows: vec![8, 4],
            bin_width: 0.1,
        }),
        provenance: Provenance::default(),
    }
}
