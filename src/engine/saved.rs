//! What is kept of all models over a restart: their windows and since when they are in alarm, as plain data.
//!
//! Counters are not: one restored from a snapshot older than the last scrape would look like a reset
//! and be counted twice. Nor is what is still being learned. Windows fit only where they are sums of
//! the same cells over slices of the same length; what does not fit is left out, and said.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Engine;
use super::alarms::Alarms;
use super::config::{Clock, Config, WindowConfig};
use super::field::Field;
use super::model::Model;
use super::version::{Version, longest};
use crate::batch::Role;
use crate::tally::{
    CellSumsTally, DistinctTally, FeatureTally, JointTally, OutlierTally, Tally, TrafficTally,
};
use crate::window::{Ring, Seasonal};

/// The windows of all models at one moment.
#[derive(Serialize, Deserialize)]
pub struct Saved<'a> {
    /// Wall time in microseconds since the Unix epoch.
    pub at: i64,
    clock: Clock,
    windows: Vec<WindowConfig>,
    models: Vec<SavedModel<'a>>,
}

#[derive(Serialize, Deserialize)]
struct SavedModel<'a> {
    name: Arc<str>,
    now: Option<i64>,
    last_version: Arc<str>,
    versions: Vec<SavedVersion<'a>>,
}

#[derive(Serialize, Deserialize)]
struct SavedVersion<'a> {
    name: Arc<str>,
    started_at: Option<i64>,
    last_row_at: Option<i64>,
    traffic: Cow<'a, [Ring<TrafficTally>]>,
    fields: Vec<SavedField<'a>>,
    /// Hash of the profile whose cells the sums over several fields are of.
    profile: Option<Arc<str>>,
    outliers: Option<SavedSum<'a, OutlierTally>>,
    joint: Option<SavedSum<'a, JointTally>>,
}

#[derive(Serialize, Deserialize)]
struct SavedField<'a> {
    name: Arc<str>,
    role: Role,
    /// Hash of the profile whose cells these are.
    profile: Option<Arc<str>>,
    windows: Cow<'a, [Ring<FeatureTally>]>,
    seasonal: Option<Cow<'a, Seasonal>>,
    cell_sums: Option<Cow<'a, [Ring<CellSumsTally>]>>,
    embedding: Option<Cow<'a, [Ring<JointTally>]>>,
    distinct: Option<Cow<'a, Ring<DistinctTally>>>,
    alarms: Cow<'a, Alarms>,
}

/// Windows of a sum over several fields.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub(super) struct SavedSum<'a, T: Clone> {
    /// Name and number of cells of each field.
    pub fields: Vec<(Arc<str>, usize)>,
    pub windows: Cow<'a, [Ring<T>]>,
}

/// What of a snapshot was left out, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub why: Unfit,
    /// What that means for whom.
    pub sentence: String,
}

/// Why something of a snapshot does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The clock or the length of windows has changed.
    Settings,
    /// The cells are those of another profile.
    Profile,
}

/// Goes on with the windows that were kept: `places` says where each stands among them. False, and
/// nothing is done, if they are not sums like these.
pub(super) fn resume<T: Tally>(
    rings: &mut [Ring<T>],
    saved: Cow<'_, [Ring<T>]>,
    places: &[Option<usize>],
) -> bool {
    let found = || {
        places
            .iter()
            .map(|place| place.map(|place| saved.get(place)))
    };
    let fits = rings.iter().zip(found()).all(|(ring, found)| {
        found.is_none_or(|saved| saved.is_some_and(|saved| saved.has_shape_of(ring)))
    });
    if fits {
        for (ring, saved) in rings.iter_mut().zip(found()) {
            if let Some(saved) = saved.flatten() {
                ring.resume(saved.clone());
            }
        }
    }
    fits
}

impl Engine {
    /// The windows as they are after a tick at `at` (wall time in microseconds since the Unix epoch):
    /// what has come since is not in them.
    pub fn save(&self, at: i64) -> Saved<'_> {
        Saved {
            at,
            clock: self.config.clock,
            windows: self.config.windows.clone(),
            models: self.models.values().map(SavedModel::of).collect(),
        }
    }

    /// Goes on with windows that were kept, as far as they fit; says what does not. The next tick
    /// moves them on.
    pub fn restore(&mut self, saved: Saved<'_>) -> Vec<LeftOut> {
        let config = self.config.clone();
        let mut left_out = Vec::new();
        if saved.clock != config.clock {
            let sentence = "the clock setting has changed, so all windows begin anew".into();
            left_out.push(LeftOut {
                why: Unfit::Settings,
                sentence,
            });
            return left_out;
        }
        let place = |window| saved.windows.iter().position(|saved| saved == window);
        let places: Vec<_> = config.windows.iter().map(place).collect();
        let changed: Vec<_> = config.windows.iter().zip(&places).collect();
        let changed: Vec<_> = changed
            .into_iter()
            .filter(|(_, place)| place.is_none())
            .map(|(window, _)| &*window.label)
            .collect();
        if !changed.is_empty() {
            left_out.push(LeftOut {
                why: Unfit::Settings,
                sentence: format!("windows {} are new and begin empty", changed.join(", ")),
            });
        }
        let kept_longest = (!saved.windows.is_empty()).then(|| longest(&saved.windows));
        let keeps_longest = places.get(longest(&config.windows)) == Some(&kept_longest);
        let fit = Fit {
            config: &config,
            places,
            keeps_longest,
        };
        for saved in saved.models {
            let rooms = &self.rooms;
            let model = self
                .models
                .entry(saved.name.clone())
                .or_insert_with(|| Model::new(saved.name.clone(), &config, rooms.clone()));
            model.now = saved.now;
            model.last_version = saved.last_version;
            for version in saved.versions {
                left_out.extend(fit.resume(model, version));
            }
        }
        left_out
    }
}

impl<'a> SavedModel<'a> {
    fn of(model: &'a Model) -> Self {
        let with_rows = |(_, version): &(_, &Version)| version.last_row_at.is_some();
        let versions = model.versions.iter().filter(with_rows);
        let versions = versions.map(|(name, version)| SavedVersion {
            name: name.clone(),
            started_at: version.started_at,
            last_row_at: version.last_row_at,
            traffic: Cow::Borrowed(&version.traffic),
            fields: version.fields.iter().map(SavedField::of).collect(),
            profile: model.hash_of_inputs(name).cloned(),
            outliers: version
                .row_sums
                .outliers
                .as_ref()
                .and_then(|sum| sum.save()),
            joint: version.row_sums.joint.as_ref().and_then(|sum| sum.save()),
        });
        Self {
            name: model.name.clone(),
            now: model.now,
            last_version: model.last_version.clone(),
            versions: versions.collect(),
        }
    }
}

fn profile_of(field: &Field) -> Option<&Arc<str>> {
    field.reference.as_ref().map(|reference| &reference.profile)
}

impl<'a> SavedField<'a> {
    fn of(field: &'a Field) -> Self {
        Self {
            name: field.name.clone(),
            role: field.own_role,
            profile: profile_of(field).cloned(),
            windows: Cow::Borrowed(&field.windows),
            seasonal: field.seasonal.as_deref().map(Cow::Borrowed),
            cell_sums: field
                .cell_sums
                .as_ref()
                .map(|sums| Cow::Borrowed(&*sums.windows)),
            embedding: field
                .embedding
                .as_ref()
                .map(|sums| Cow::Borrowed(&*sums.windows)),
            distinct: field
                .distinct
                .as_ref()
                .map(|distinct| Cow::Borrowed(&distinct.window)),
            alarms: Cow::Borrowed(&field.alarms),
        }
    }
}

/// What decides whether something that was kept fits.
struct Fit<'c> {
    config: &'c Config,
    /// Place of each window among those that were kept.
    places: Vec<Option<usize>>,
    keeps_longest: bool,
}

impl Fit<'_> {
    fn resume(&self, model: &mut Model, saved: SavedVersion<'_>) -> Vec<LeftOut> {
        model.admit(&saved.name, self.config);
        let same_profile = saved.profile.as_ref() == model.hash_of_inputs(&saved.name);
        let name = model.name.clone();
        let Some(version) = model.versions.get_mut(&saved.name) else {
            return Vec::new(); // it was admitted two lines above
        };
        version.started_at = saved.started_at;
        version.last_row_at = saved.last_row_at;
        resume(&mut version.traffic, saved.traffic, &self.places);
        let mut anew = Parts::default();
        if let (Some(sum), Some(saved)) = (&mut version.row_sums.outliers, saved.outliers) {
            anew.unless(same_profile && sum.resume(saved, &self.places));
        }
        if let (Some(sum), Some(saved)) = (&mut version.row_sums.joint, saved.joint) {
            anew.unless(same_profile && sum.resume(saved, &self.places));
        }
        for saved in saved.fields.iter().filter(|saved| saved.profile.is_none()) {
            if version.field(&saved.name).is_none() {
                let field = Field::new(saved.name.clone(), saved.role, None, &name, self.config);
                if field.role.is_watched() {
                    version.add_field(field, self.config);
                }
            }
        }
        let mut unfit = saved.fields.len();
        let fields = saved.fields.into_iter();
        let mut fields: HashMap<_, _> = fields.map(|of| (of.name.clone(), of)).collect();
        for field in &mut version.fields {
            if let Some(saved) = fields.remove(&field.name)
                && self.resume_field(field, saved, &mut anew)
            {
                unfit -= 1;
            }
        }
        let of = format!("of model {name}, version {}", saved.name);
        let fields = (unfit > 0).then(|| LeftOut {
            why: Unfit::Profile,
            sentence: format!(
                "{unfit} fields {of} have another profile by now, or are not followed any more; \
                 their windows begin anew"
            ),
        });
        let parts = (anew.0 > 0).then(|| LeftOut {
            why: Unfit::Settings,
            sentence: format!(
                "{} sums {of} beside its windows (vectors, distinct values, season, outliers, \
                 dependence) are made in another way by now, or of what was learned since the \
                 start; they begin anew",
                anew.0
            ),
        });
        fields.into_iter().chain(parts).collect()
    }

    /// Whether it fits; then it goes on.
    fn resume_field(&self, field: &mut Field, saved: SavedField<'_>, anew: &mut Parts) -> bool {
        if profile_of(field) != saved.profile.as_ref()
            || !resume(&mut field.windows, saved.windows, &self.places)
        {
            return false;
        }
        if let (Some(seasonal), Some(saved)) = (&mut field.seasonal, saved.seasonal) {
            let fits = saved.has_shape_of(seasonal);
            if fits {
                **seasonal = saved.into_owned();
            }
            anew.unless(fits);
        }
        if let (Some(sums), Some(saved)) = (&mut field.cell_sums, saved.cell_sums) {
            anew.unless(resume(&mut sums.windows, saved, &self.places));
        }
        if let (Some(sums), Some(saved)) = (&mut field.embedding, saved.embedding) {
            anew.unless(resume(&mut sums.windows, saved, &self.places));
        }
        if let (Some(distinct), Some(saved)) = (&mut field.distinct, saved.distinct)
            && self.keeps_longest
        {
            let fits = saved.has_shape_of(&distinct.window);
            if fits {
                distinct.window.resume(saved.into_owned());
            }
            anew.unless(fits);
        }
        field.alarms = saved.alarms.into_owned();
        true
    }
}

/// How many sums that stand beside windows begin anew.
#[derive(Default)]
struct Parts(usize);

impl Parts {
    fn unless(&mut self, goes_on: bool) {
        self.0 += usize::from(!goes_on);
    }
}
