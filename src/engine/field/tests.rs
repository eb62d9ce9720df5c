//! What is counted of a column, and what is written down of its rows, are the same.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::batch::{Column, Presence, Scalar, ValueType, Values};
use crate::profile::{
    CategoryCells, CentroidCells, FeatureProfile, Missing, Moments, NumericCells, ReferenceCells,
    Variation,
};
use crate::tally::RowCodes;

fn feature(name: &str, kind: Kind, cells: Cells) -> FeatureProfile {
    let count = cells.len();
    FeatureProfile {
        name: name.into(),
        role: Role::Feature,
        kind,
        missing: Missing::default(),
        cells: Some(ReferenceCells {
            means: vec![0.0; if cells.is_numeric() { count } else { 0 }],
            cells,
            rows: vec![100; count],
        }),
        moments: Some(Moments {
            mean: 0.0,
            stddev: 1.0,
            min: -3.0,
            max: 3.0,
        }),
        distinct: 9,
        variation: Variation::default(),
        importance: None,
        derived_from: None,
        embedding: None,
    }
}

fn cells(kind: Kind) -> Cells {
    match kind {
        Kind::Numeric => Cells::Numeric(NumericCells::new(vec![-1.0, 0.0, 1.5]).unwrap()),
        Kind::Categorical => Cells::Categorical(
            CategoryCells::new(vec!["a".into(), "1".into()], vec!["b".into()], true).unwrap(),
        ),
        Kind::Vector => {
            let centroids = [vec![0.0, 0.1], vec![1.0, 1.0], vec![-2.0, -1.0]];
            Cells::Centroids(CentroidCells::new(vec![0.2, 0.1], &centroids).unwrap())
        }
        _ => Cells::Hashed,
    }
}

/// A column of each layout, some with holes.
fn column(layout: usize, numbers: &[f64], present: &[bool]) -> Column {
    let bits = present.chunks(8).map(|bits| {
        let bits = bits.iter().enumerate();
        bits.map(|(at, &bit)| u8::from(bit) << at).sum::<u8>()
    });
    let presence = Presence::Bits {
        bits: Bytes::from_iter(bits),
        first: 0,
        stride: 1,
    };
    let text = |x: &f64| if *x > 0.0 { "a" } else { "b" }.to_owned();
    let values = match layout {
        0 => Values::Numbers(numbers.to_vec()),
        1 => Values::Fixed {
            data: numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            value_type: ValueType::Float64,
            offset: 0,
            stride: 8,
            width: 1,
        },
        2 => Values::Text(numbers.iter().map(text).collect()),
        3 => Values::Dictionary {
            dictionary: vec!["a".into(), "c".into()],
            codes: numbers.iter().map(|x| u32::from(*x > 0.0)).collect(),
        },
        4 => Values::Mixed(
            numbers
                .iter()
                .map(|&x| match (x * 10.0) as i64 % 4 {
                    0 => Scalar::Text(text(&x)),
                    1 => Scalar::Null,
                    2 => Scalar::Bool(true),
                    _ => Scalar::Number(x),
                })
                .collect(),
        ),
        5 => Values::Invalid,
        _ => Values::Fixed {
            data: numbers
                .iter()
                .flat_map(|x| [*x as f32; 2])
                .flat_map(f32::to_le_bytes)
                .collect(),
            value_type: ValueType::Float32,
            offset: 0,
            stride: 8,
            width: 2,
        },
    };
    Column { values, presence }
}

fn field(kind: Kind) -> Field {
    let reference = Reference {
        feature: Arc::new(feature("x", kind, cells(kind))),
        embedding: None,
        profile: "".into(),
        learned: false,
    };
    let config = Config::default();
    Field::new("x".into(), Role::Feature, Some(reference), "m", &config)
}

proptest! {
    #[test]
    fn cells_written_down_while_folding_are_those_read_alone_and_change_no_sum(
        rows in prop::collection::vec(
            (prop_oneof![4 => -3.0f64..3.0, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)], any::<bool>()),
            0..150,
        ),
        is_full: bool,
        is_finite: bool,
        from in 0usize..20,
    ) {
        let finite = |x: f64| if is_finite && !x.is_finite() { 0.5 } else { x };
        let numbers: Vec<f64> = rows.iter().map(|(x, _)| finite(*x)).collect();
        let present: Vec<bool> = rows.iter().map(|(_, has)| *has || is_full).collect();
        let range = from.min(rows.len())..rows.len();
        let mut scratch = Scratch::default();
        for layout in 0..7 {
            let column = column(layout, &numbers, &present);
            for kind in [Kind::Numeric, Kind::Categorical, Kind::HighCardinality, Kind::Vector] {
                let (mut with, mut without) = (field(kind), field(kind));
                let mut codes = vec![RowCodes::MISSING; range.len()];
                with.fold(&column, range.clone(), &mut scratch, Some(&mut codes));
                without.fold(&column, range.clone(), &mut scratch, None);
                prop_assert_eq!(&with.pending, &without.pending);

                let mut counts = vec![0; with.cells()];
                let written = codes.iter().filter(|code| **code != RowCodes::MISSING);
                written.for_each(|code| counts[usize::from(*code)] += 1);
                prop_assert_eq!(&*with.pending.cells, &*counts);

                let mut alone = RowCodes::default();
                alone.begin(1, rows.len());
                alone.read(0, range.start, &column, range.clone(), &cells(kind));
                prop_assert_eq!(alone.of(0)[range.clone()].to_vec(), codes, "{} {:?}", layout, kind);
            }
        }
    }
}

#[test]
fn the_cosines_of_a_vector_are_written_down_at_its_row() {
    let numbers = [1.0, f64::NAN, -1.0, 0.0, 2.0];
    let column = column(6, &numbers, &[true, true, true, true, false]);
    let Cells::Centroids(centroids) = cells(Kind::Vector) else {
        panic!("no centroids");
    };
    let Cells::Numeric(of_cosines) = cells(Kind::Numeric) else {
        panic!("no numbers");
    };
    let (mut vectors, mut cosines) = (field(Kind::Vector), field(Kind::Numeric));
    let mut scratch = Scratch::default();
    let mut codes = [[RowCodes::MISSING; 4]; 2];
    vectors.fold(&column, 1..5, &mut scratch, Some(&mut codes[0]));
    cosines.fold_cosines(&mut scratch, Some(&mut codes[1]));
    // Rows 1 (NaN) and 4 (null) have neither, row 3 (zeros) has no direction.
    let mut alone = RowCodes::default();
    alone.begin(2, 4);
    alone.read(0, 0, &column, 1..5, &cells(Kind::Vector));
    alone.read_cosines(1, 0, &column, 1..5, &centroids, &of_cosines);
    assert_eq!([alone.of(0), alone.of(1)], [&codes[0][..], &codes[1]]);
    let is_there = codes.map(|codes| codes.map(|code| code != RowCodes::MISSING));
    assert_eq!(is_there[0], [false, true, true, false]);
    assert_eq!(is_there[1], [false, true, false, false]);
    let missing = cosines.pending.missing;
    assert_eq!(
        (cosines.pending.values, missing.nan, missing.null),
        (1, 2, 1)
    );
}
