//! How changes of different shapes show in windows of different lengths against different
//! references, over three simulated weeks. `--no-capture` shows the table.

mod common;

use std::collections::BTreeMap;

use common::simulation::{DAYS, ONSET, SHAPES, simulate, undrifted};
use common::{Random, config, model};
use driftgauge::engine::{Config, References};

const SEED: u64 = 20_240_229;
const WINDOWS: [&str; 3] = ["5m", "1h", "1d"];
const REFERENCES: [&str; 3] = ["profile", "seasonal", "previous"];

/// What one comparison of one field came to.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    /// Steps before the onset that were judged, and those in alarm.
    before: (u32, u32),
    /// The same after it.
    after: (u32, u32),
    /// Hours from the onset to the first alarm after it.
    first: Option<f64>,
}

impl Course {
    fn share_before(self) -> f64 {
        f64::from(self.before.1) / f64::from(self.before.0.max(1))
    }

    /// Share of the time in alarm from the first one on.
    fn share_after(self) -> f64 {
        f64::from(self.after.1) / f64::from(self.after.0.max(1))
    }

    fn observe(&mut self, day: f64, ratio: f64) {
        let is_alarm = ratio > 1.0;
        if day <= ONSET {
            self.before.0 += 1;
            self.before.1 += u32::from(is_alarm);
            return;
        }
        if is_alarm {
            self.first.get_or_insert((day - ONSET) * 24.0);
        }
        if self.first.is_some() {
            self.after.0 += 1;
            self.after.1 += u32::from(is_alarm);
        }
    }

    fn never(self) -> bool {
        self.first.is_none() && self.before.1 == 0
    }
}

type Courses = BTreeMap<(String, String, String), Course>;

/// The courses of all shapes, with a burn-in of so many microseconds; 0: none.
fn courses(burn_in_micros: i64) -> Courses {
    println!("seed {SEED}, {DAYS} days, onset after {ONSET:.2}");
    let mut random = Random(SEED);
    let settings = Config {
        burn_in_micros,
        references: References {
            seasonal: true,
            previous: true,
            ..References::default()
        },
        ..config(undrifted(&mut random, &SHAPES))
    };
    let mut courses = Courses::new();
    simulate(&mut random, settings, &SHAPES, |day, snapshot| {
        for field in &model(snapshot, "m", "1").features {
            for window in &field.windows {
                for drift in &window.drift {
                    let Some(ratio) = drift.ratio else { continue };
                    // Whatever the season says must hold from the start; a window of a day says
                    // something of days once it has seen one, and one before.
                    if day < 2.0 && &*drift.reference != "seasonal" {
                        continue;
                    }
                    let labels = [&field.name, &window.window, &drift.reference];
                    let [field, window, reference] = labels.map(ToString::to_string);
                    let course = courses.entry((field, window, reference)).or_default();
                    course.observe(day, ratio);
                }
            }
        }
    });
    courses
}

/// Hours to the first alarm and the share of the time in alarm since; before it, the share of the
/// time before the onset.
fn table(courses: &Courses) {
    print!("{:20}", "");
    for reference in REFERENCES {
        for window in WINDOWS {
            print!(" | {window:>3} {reference:11}");
        }
    }
    println!();
    for (shape, _) in SHAPES {
        print!("{shape:20}");
        for reference in REFERENCES {
            for window in WINDOWS {
                let course = of(courses, shape, window, reference);
                let after = course.first.map_or("–".into(), |hours| {
                    format!("{hours:.1} h {:.0} %", 100.0 * course.share_after())
                });
                let before = match course.before.1 {
                    0 => String::new(),
                    _ => format!("({:.0} %) ", 100.0 * course.share_before()),
                };
                print!(" | {:15}", before + &after);
            }
        }
        println!();
    }
}

fn of(courses: &Courses, shape: &str, window: &str, reference: &str) -> Course {
    let key = (shape.into(), window.into(), reference.into());
    courses[&key]
}

#[test]
fn each_shape_shows_where_it_should() {
    // A burn-in would take the daily wave of the first week for usual.
    let courses = courses(0);
    table(&courses);
    let of = |shape, window, reference| of(&courses, shape, window, reference);
    let first = |shape, window, reference| of(shape, window, reference).first.unwrap();
    let share = |shape, window, reference| of(shape, window, reference).share_after();

    for reference in REFERENCES {
        for window in WINDOWS {
            assert!(
                of("none", window, reference).never(),
                "{window} {reference}"
            );
            for (shape, _) in SHAPES
                .iter()
                .filter(|(shape, _)| !shape.contains("periodic"))
            {
                let before = of(shape, window, reference).before.1;
                assert_eq!(before, 0, "{shape} {window} {reference}");
            }
        }
    }

    // Sudden: the hour sees it first and for good, the season takes it for normal after a week.
    assert!((0.1..3.0).contains(&first("sudden", "1h", "profile")));
    assert!(share("sudden", "1h", "profile") > 0.9);
    assert!(share("sudden", "5m", "profile") < 0.2);
    assert!((5.0..22.0).contains(&first("sudden", "1d", "profile")));
    assert!(share("sudden", "1d", "profile") > 0.99);
    assert!((0.1..4.0).contains(&first("sudden", "1h", "seasonal")));
    // For a day; then the days before differ among themselves by as much.
    assert!((0.1..0.7).contains(&share("sudden", "1h", "seasonal")));

    // Gradual: long windows see it before it is large; the window before never does.
    assert!((25.0..80.0).contains(&first("gradual", "1h", "profile")));
    assert!((30.0..80.0).contains(&first("gradual", "1d", "profile")));
    assert!((30.0..90.0).contains(&first("gradual", "1d", "seasonal")));
    assert!(first("gradual", "5m", "profile") > 48.0);
    for window in WINDOWS {
        assert!(of("gradual", window, "previous").never(), "{window}");
    }

    // Temporary: short windows see it at once, the day never.
    assert!(first("temporary", "5m", "profile") < 0.26);
    assert!(first("temporary", "1h", "profile") < 0.6);
    assert!(share("temporary", "1h", "profile") < 0.05);
    for reference in REFERENCES {
        assert!(of("temporary", "1d", reference).never(), "{reference}");
    }

    // Periodic: the profile takes it for drift, the season knows it.
    assert!((0.3..0.8).contains(&of("periodic", "1h", "profile").share_before()));
    assert!(of("periodic", "5m", "profile").share_before() < 0.2);
    for window in WINDOWS {
        assert!(of("periodic", window, "seasonal").never(), "{window}");
        assert_eq!(of("periodic and sudden", window, "seasonal").before.1, 0);
    }
    assert!(of("periodic", "1d", "profile").never());
    assert!((0.1..4.0).contains(&first("periodic and sudden", "1h", "seasonal")));
}

/// What the burn-in learns of the profile says nothing of the season: a step on top of a daily wave is
/// seen at once, and the wave alone never.
#[test]
fn the_season_sees_a_step_on_a_wave_whatever_the_burn_in_has_learned() {
    let courses = courses(Config::default().burn_in_micros);
    table(&courses);
    let of = |shape, window, reference| of(&courses, shape, window, reference);
    for shape in ["sudden", "periodic and sudden"] {
        let hours = of(shape, "1h", "seasonal").first.unwrap();
        assert!((0.1..4.0).contains(&hours), "{shape}: {hours}");
        let hours = of(shape, "1d", "seasonal").first.unwrap();
        assert!((1.0..14.0).contains(&hours), "{shape}: {hours}");
        assert!(of(shape, "1d", "profile").first.is_some(), "{shape}");
    }
    for window in WINDOWS {
        for shape in ["none", "periodic"] {
            assert!(of(shape, window, "seasonal").never(), "{shape} {window}");
        }
        for reference in REFERENCES {
            assert!(
                of("none", window, reference).never(),
                "{window} {reference}"
            );
        }
        assert_eq!(
            of("periodic and sudden", window, "seasonal").before.1,
            0,
            "{window}"
        );
    }
    // The wave of the first week is usual for windows of an hour, as far as a burn-in may raise that.
    assert!(of("periodic", "1h", "profile").share_before() < 0.2);
}
