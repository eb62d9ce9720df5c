//! What is on the screen, for documents, choices and sizes of every kind.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use ratatui::style::Color;
use serde_json::{Value, json};

use super::super::keys::Action;
use super::super::view::Sort;
use super::*;

const NOW: f64 = 1_700_000_010.0;

fn window(label: &str, state: &str, ratio: Value, missing: f64) -> Value {
    let since = ratio
        .as_f64()
        .filter(|ratio| *ratio > 1.0)
        .map(|_| NOW - 7_300.0);
    json!({
        "window": label, "state": state, "null_ratio": missing,
        "drift": [{"reference": "profile", "ratio": ratio, "since": since}],
    })
}

fn feature(name: &str, short: Value, long: Value) -> Value {
    let state = |ratio: &Value| {
        if ratio.is_null() {
            "too_few_rows"
        } else {
            "ok"
        }
    };
    let windows = [
        window("5m", state(&short), short.clone(), 0.01),
        window("1h", state(&long), long.clone(), 0.25),
    ];
    json!({"feature": name, "role": "feature", "shape": null, "windows": windows})
}

fn flights() -> Value {
    let mut gone = feature("gate", Value::Null, json!(0.4));
    gone["windows"][0]["state"] = "absent".into();
    let mut temp = feature("temp", json!(27.664), json!(126.78));
    temp["shape"] = "gradual".into();
    json!({
        "version": "1.2.3",
        "evaluated_at": NOW - 3.0,
        "sidecar": {"sources": [{
            "received_rows": 5000,
            "shed_rows": {"queue_rows": 20, "queue_bytes": 0},
            "rejected_rows": {"no_model": 0},
        }]},
        "models": [{
            "model": "flights", "version": "2", "predictions": 4980.0,
            "last_row_at": NOW - 4.0, "now": NOW,
            "references": [{"profile": "38d44c60", "source": "file"}],
            "windows": [
                {"window": "5m", "throughput_rows_per_second": 16.6, "error_ratio": 0.004,
                 "latency_seconds": {"0.5": 0.00138, "0.99": 0.00176}},
                {"window": "1h", "throughput_rows_per_second": 1.5},
            ],
            "model_drift": [
                {"window": "1h", "reference": "profile", "kind": "worst_feature", "ratio": 126.8},
                {"window": "1h", "reference": "profile", "kind": "dependence", "ratio": 1.2,
                 "fields": ["temp", "humid"]},
                {"window": "1h", "reference": "profile", "kind": "mmd", "ratio": 0.4},
            ],
            "outliers": [{"window": "1h", "ratio": 0.012, "reference_ratio": 0.01}],
            "features": [
                feature("dest", json!(0.34), json!(0.95)),
                temp,
                feature("visibility", Value::Null, json!(1.5)),
                gone,
            ],
        }],
    })
}

fn document(value: &Value) -> Document {
    Document::read(value.to_string().as_bytes()).unwrap()
}

fn news(document: &Document) -> News<'_> {
    News {
        place: "localhost:9599",
        document: Some(document),
        age: 1.0,
        trouble: None,
        interval: 2.0,
        now: NOW,
    }
}

/// The screen as a terminal has it.
fn screen(news: News<'_>, view: &View, width: u16, height: u16) -> Vec<String> {
    let frame = composed(news, view, width, height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|to| {
            for (line, y) in frame.lines.into_iter().zip(0..) {
                let area = Rect::new(0, y, width, 1);
                to.render_widget(line, area);
            }
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(width).max(1));
    let row = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        text.trim_end().to_owned()
    };
    rows.map(row).collect()
}

fn composed(news: News<'_>, view: &View, width: u16, height: u16) -> Frame {
    let palette = Palette { has_colour: true };
    compose(news, view, (width.into(), height.into()), palette)
}

/// The first word of each line of the table.
fn names(screen: &[String]) -> Vec<&str> {
    let mut lines = screen
        .iter()
        .skip_while(|line| !line.starts_with("feature"));
    lines.next();
    let lines = lines.take_while(|line| !line.is_empty() && !line.starts_with("? help"));
    lines.filter_map(|line| line.split(' ').next()).collect()
}

fn golden(name: &str, screen: &[String]) {
    insta::with_settings!({
        snapshot_path => "../../../../tests/golden", prepend_module_to_snapshot => false
    }, {
        insta::assert_snapshot!(name, screen.join("\n"));
    });
}

#[test]
fn a_screen_of_usual_size_has_everything() {
    let document = document(&flights());
    golden(
        "top-120",
        &screen(news(&document), &View::default(), 120, 16),
    );
}

#[test]
fn a_narrow_screen_has_what_matters_most() {
    let document = document(&flights());
    golden("top-60", &screen(news(&document), &View::default(), 60, 20));
}

#[test]
fn what_is_gone_comes_first_then_what_has_drifted_most() {
    let document = document(&flights());
    let shown = |view: &View| screen(news(&document), view, 120, 16);
    let any = shown(&View::default());
    assert_eq!(names(&any), ["gate", "temp", "visibility", "dest"]);
    let mut view = View {
        window: Some("1h".into()),
        ..View::default()
    };
    assert_eq!(names(&shown(&view)), ["temp", "visibility", "dest", "gate"]);
    view.sort = Sort::Name;
    assert_eq!(names(&shown(&view)), ["dest", "gate", "temp", "visibility"]);
}

#[test]
fn keys_change_what_is_shown() {
    let document = document(&flights());
    let mut view = View::default();
    let mut press = |action| view.apply(action, Some(&document));
    press(Action::NextSort);
    press(Action::Window);
    for c in "TE!".chars() {
        press(Action::Type(c));
    }
    press(Action::Erase);
    let shown = screen(news(&document), &view, 120, 16);
    assert_eq!(names(&shown), ["gate", "temp"]);
    let title = shown
        .iter()
        .find(|line| line.starts_with("feature"))
        .unwrap();
    assert!(
        title.contains("[5m]") && title.contains("missing↓"),
        "{title}"
    );
    assert!(
        shown
            .last()
            .unwrap()
            .contains("s sort:missing  w window:5m")
    );

    for expected in [Some("1h"), None, Some("5m")] {
        view.apply(Action::Window, Some(&document));
        assert_eq!(view.window.as_deref(), expected);
    }
    for expected in [Sort::Drift, Sort::Name, Sort::Since] {
        view.apply(Action::PreviousSort, Some(&document));
        assert_eq!(view.sort, expected);
    }
    view.apply(Action::Drop, None);
    view.apply(Action::Help, None);
    let help = screen(news(&document), &view, 120, 40).join("\n");
    assert!(
        help.contains("PgUp PgDn") && help.contains("? back"),
        "{help}"
    );
}

#[test]
fn models_take_turns_and_the_worst_is_first() {
    let mut value = flights();
    let mut calm = value["models"][0].clone();
    calm["model"] = "calm".into();
    calm["features"] = json!([feature("x", json!(0.1), json!(0.1))]);
    value["models"].as_array_mut().unwrap().insert(0, calm);
    let mut document = document(&value);
    let mut view = View::default();
    view.hold(&document);
    let model = |view: &View, document: &Document| {
        let shown = screen(news(document), view, 120, 16);
        let line = shown
            .iter()
            .find(|line| line.starts_with("model "))
            .unwrap();
        let position = shown.last().unwrap().clone();
        (line.split(' ').nth(1).unwrap().to_owned(), position)
    };
    let (name, position) = model(&view, &document);
    assert_eq!(name, "flights");
    assert!(position.ends_with("model 2 of 2"), "{position}");
    // It stays although the other becomes the worst.
    document.models[0].features[0].windows[1].drift[0].ratio = Some(1e6);
    view.hold(&document);
    assert_eq!(model(&view, &document).0, "flights");
    view.apply(Action::Model, Some(&document));
    assert_eq!(model(&view, &document).0, "calm");
    view.apply(Action::Model, Some(&document));
    assert_eq!(model(&view, &document).0, "flights");
    // It goes away.
    document.models.truncate(1);
    let shown = screen(news(&document), &view, 120, 16).join("\n");
    assert!(
        shown.contains("there is no model flights version 2; there is calm"),
        "{shown}"
    );
}

#[test]
fn scrolling_stops_at_both_ends() {
    let mut value = flights();
    let many = (0..100).map(|n| feature(&format!("f{n:03}"), json!(0.1), json!(0.1)));
    value["models"][0]["features"] = many.collect();
    let document = document(&value);
    let mut view = View::default();
    let mut after = |actions: &[Action]| {
        for &action in actions {
            view.apply(action, Some(&document));
            let frame = composed(news(&document), &view, 80, 20);
            (view.first, view.visible) = (frame.first, frame.visible);
        }
        let shown = screen(news(&document), &view, 80, 20);
        let names = names(&shown);
        let ends = (names[0].to_owned(), names[names.len() - 1].to_owned());
        (ends, shown.last().unwrap().clone())
    };
    let ((first, last), position) = after(&[Action::Up]);
    assert_eq!(first, "f000");
    assert!(position.contains(&format!(
        "1-{} of 100",
        last[1..].parse::<u32>().unwrap() + 1
    )));
    let ((next, _), _) = after(&[Action::Down]);
    assert_eq!(next, "f001");
    let ((page, _), _) = after(&[Action::Begin, Action::PageDown]);
    assert_eq!(page, last);
    let ((_, end), _) = after(&[Action::End, Action::PageDown, Action::Down]);
    assert_eq!(end, "f099");
    let ((before, _), _) = after(&[Action::Up]);
    let ((at_end, _), _) = after(&[Action::End]);
    assert!(before < at_end, "a key at the end is not remembered");
}

#[test]
fn a_sidecar_that_is_away_is_said_to_be_with_the_age_of_the_figures() {
    let document = document(&flights());
    let mut news = news(&document);
    news.trouble = Some("cannot connect to the sidecar at localhost:9599: Connection refused");
    news.age = 14.2;
    for (width, height) in [(200, 20), (60, 12), (60, 4)] {
        let shown = screen(news, &View::default(), width, height).join(" ");
        assert!(shown.contains("cannot connect"), "{shown}");
        assert!(height < 10 || shown.contains("14 s old"), "{shown}");
        assert!(shown.contains("gate"), "the figures stay: {shown}");
    }
    news.document = None;
    let shown = screen(news, &View::default(), 200, 20).join("\n");
    assert!(
        shown.contains("asking again every 2 s") && !shown.contains("old"),
        "{shown}"
    );
    news.trouble = None;
    let shown = screen(news, &View::default(), 200, 20).join("\n");
    assert!(shown.contains("asking localhost:9599"), "{shown}");
}

#[test]
fn any_size_and_any_document_can_be_drawn() {
    let golden = include_str!("../../../../tests/golden/status.json.snap");
    let golden: Value = serde_json::from_str(golden.splitn(3, "---\n").nth(2).unwrap()).unwrap();
    let mut wide = flights();
    wide["models"][0]["features"][1]["feature"] = "東京の気温と湿度👩‍👩‍👧".repeat(20).into();
    wide["models"][0]["features"][0]["feature"] = "\u{1b}[2J\u{9b}1m\n".repeat(5).into();
    let bare = json!({"version": "0", "models": [{"features": [{}, {"windows": [{}]}]}]});
    let huge = json!({"version": "0", "models": [{"now": 1e300, "predictions": -1e300,
        "last_row_at": -1e300, "windows": [{"throughput_rows_per_second": 1e300}],
        "features": [{"windows": [{"drift": [{"ratio": 1e300, "since": -1e300}]}]}]}]});
    let none = json!({"version": "0", "models": []});
    for value in [golden, wide, bare, huge, none] {
        let document = document(&value);
        for help in [false, true] {
            let view = View {
                is_help: help,
                first: 7,
                ..View::default()
            };
            for (width, height) in
                (0..40).flat_map(|n| [(n, n), (n * 5, 24), (80, n), (n, 3), (1, n)])
            {
                let frame = composed(news(&document), &view, width, height);
                assert!(frame.lines.len() <= height.into(), "{width} × {height}");
                for line in &frame.lines {
                    assert!(line.to_string().chars().all(|c| !c.is_control()));
                }
                screen(news(&document), &view, width.max(1), height.max(1));
            }
        }
    }
}

#[test]
fn colour_is_never_alone_and_goes_where_it_is_not_wanted() {
    let document = document(&flights());
    for has_colour in [true, false] {
        let size = (120, 16);
        let frame = compose(
            news(&document),
            &View::default(),
            size,
            Palette { has_colour },
        );
        let spans: Vec<_> = frame.lines.iter().flat_map(|line| &line.spans).collect();
        let coloured = |span: &&&Span<'_>| matches!(span.style.fg, Some(c) if c != Color::Reset);
        let coloured: Vec<_> = spans.iter().filter(coloured).collect();
        assert_eq!(coloured.is_empty(), !has_colour);
        for span in coloured {
            let text = span.content.trim();
            assert!(
                text.ends_with('!') || ["drift", "absent", "constant"].contains(&text),
                "{text:?} has nothing but its colour"
            );
        }
    }
}
