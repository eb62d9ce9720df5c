//! The field of the cosines: it has its own name and the role of its vectors, whatever is sent.

use std::sync::Arc;

use driftgauge::batch::{Column, Role, Values};
use driftgauge::engine::{Engine, FeatureConfig};
use driftgauge::learn::LearnOptions;

use super::common::{Random, config, feature, model};
use super::watch::{START, batch, batch_of, column, engine, learn, learn_with};
use super::world::{World, usual};

#[test]
fn a_column_of_traffic_is_never_taken_for_the_cosines() {
    let world = World::new(8, 3, 0.5, 41);
    let mut random = Random(42);
    let reference = world.rows(&mut random, 2_000, usual);
    let vectors = world.rows(&mut random, 200, usual);
    let own = || Some(Column::full(Values::Numbers(vec![7.0; 200])));
    let sent = batch_of(
        200,
        vec![("emb[cosine]", own()), ("emb", Some(column(&vectors)))],
    );
    let mut engine = engine(learn(&reference), FeatureConfig::default());
    engine.apply(&sent, START);
    let snapshot = engine.tick(START);
    let cosine = feature(model(&snapshot, "m", "1"), "emb[cosine]");
    assert_eq!(cosine.values, 200);
    assert!(cosine.windows[0].max.unwrap() <= 1.0);

    // Data that have a column of that name keep it, and it is said.
    let learned = learn_with(&[sent], LearnOptions::default());
    let names: Vec<_> = learned.profile.features.iter().map(|f| &*f.name).collect();
    assert_eq!(names, ["emb[cosine]", "emb"]);
    assert!(learned.profile.features[0].derived_from.is_none());
    let said = &learned.report.fields[1].warnings;
    assert!(
        said.iter().any(|w| w.contains("cosines are not watched")),
        "{said:?}"
    );
}

#[test]
fn a_role_of_the_settings_holds_for_the_cosines_too() {
    let world = World::new(8, 3, 0.5, 91);
    let mut random = Random(92);
    let profile = learn(&world.rows(&mut random, 2_000, usual));
    let with_role = |role| {
        let said = FeatureConfig {
            role,
            ..FeatureConfig::default()
        };
        let mut settings = config(profile.clone());
        let model = settings.models.get_mut("m").unwrap();
        model.features = [("emb".into(), said)].into();
        Arc::new(settings)
    };
    let mut engine = Engine::new(with_role(None));
    engine.apply(&batch(&world.rows(&mut random, 200, usual)), START);
    assert_eq!(model(&engine.tick(START), "m", "1").features.len(), 2);
    engine.reconfigure(with_role(Some(Role::Score)));
    engine.apply(&batch(&world.rows(&mut random, 200, usual)), START);
    let snapshot = engine.tick(START);
    let cosine = feature(model(&snapshot, "m", "1"), "emb[cosine]");
    assert_eq!((cosine.role, cosine.values), (Role::Score, 400));
    engine.reconfigure(with_role(Some(Role::Ignore)));
    engine.apply(&batch(&world.rows(&mut random, 200, usual)), START);
    assert!(model(&engine.tick(START), "m", "1").features.is_empty());
}
