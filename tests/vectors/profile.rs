//! Profiles of vectors as files: read back as they were, refused where they contradict themselves,
//! and of a known size.

use driftgauge::learn::MAX_CENTROIDS;
use driftgauge::profile::{Kind, Profile};

use super::common::Random;
use super::watch::learn;
use super::world::{World, usual};

#[test]
fn a_profile_of_vectors_survives_its_file_and_is_always_the_same() {
    let world = World::new(16, 4, 0.5, 61);
    let vectors = world.rows(&mut Random(62), 3_000, usual);
    let profile = learn(&vectors);
    let json = profile.to_json();
    let read = Profile::from_json(&json).unwrap();
    assert_eq!(read, profile);
    assert_eq!(learn(&vectors).hash(), profile.hash());
    let [emb, cosine] = &profile.features[..] else {
        panic!("{:?}", profile.features);
    };
    assert_eq!((&*emb.name, emb.kind), ("emb", Kind::Vector));
    assert_eq!((&*cosine.name, cosine.kind), ("emb[cosine]", Kind::Numeric));
    // One vector in four places the centroids; the others are counted.
    assert_eq!((emb.values(), cosine.values()), (2_250, 2_250));
    assert!(emb.distinct.abs_diff(3_000) < 300, "{}", emb.distinct);
    let embedding = emb.embedding.as_ref().unwrap();
    assert_eq!((embedding.rows, embedding.dimensions), (3_000, 16));
    assert_eq!(embedding.means.len(), 128);
    assert!(cosine.embedding.is_none());
    let reference = emb.cells.as_ref().unwrap();
    assert_eq!(reference.cells.len(), MAX_CENTROIDS);
    assert_eq!(reference.cells.range(3), "centroid 3");
    assert!(!reference.cells.is_ordered());
}

#[test]
fn an_embedding_that_contradicts_its_field_is_refused_with_a_sentence() {
    let profile = learn(&World::new(8, 3, 0.5, 151).rows(&mut Random(152), 2_000, usual));
    let refused = |change: fn(&mut Profile)| {
        let mut profile = profile.clone();
        change(&mut profile);
        Profile::from_json(&profile.to_json())
            .unwrap_err()
            .to_string()
    };
    let wide = refused(|p| p.features[0].embedding.as_mut().unwrap().dimensions = 9);
    assert!(
        wide.contains("\"emb\"") && wide.contains("must be 8"),
        "{wide}"
    );
    let flat = refused(|p| p.features[0].embedding.as_mut().unwrap().trace = 0.0);
    assert!(flat.contains("above 0"), "{flat}");
    let homeless = refused(|p| p.features[1].embedding = p.features[0].embedding.clone());
    assert!(homeless.contains("no centroids"), "{homeless}");
}

#[test]
fn a_profile_of_wide_vectors_takes_about_as_much_as_the_design_says() {
    let world = World::new(768, 12, 0.7, 161);
    let profile = learn(&world.rows(&mut Random(162), 2_000, usual));
    let bytes = profile.to_json().len();
    println!("768 elements: {bytes} bytes");
    assert!((240_000..280_000).contains(&bytes), "{bytes}");
}
