//! `GET /api/v1/explain` and the page of a field.

use driftgauge::export::WebOptions;

use crate::port::{ask, start};
use crate::snapshot::{everything, field, model};

/// Percent-encoded.
const AWKWARD_ENCODED: &str = "Z%C3%BCrich+%22%5C%0A%7Bx%3D%221%22%7D+%23+2";

#[tokio::test]
async fn an_explanation_says_what_the_status_says() {
    let web = start(everything(), WebOptions::default());
    let answer = ask(
        web.address,
        "GET /api/v1/explain?model=fraud&feature=amount",
        &[],
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json; charset=utf-8")
    );
    let explained: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let status = ask(web.address, "GET /api/v1/status", &[]).await;
    let status: serde_json::Value = serde_json::from_slice(&status.body).unwrap();
    let amount = &status["models"][0]["features"][0];
    let drift = &amount["windows"][2]["drift"][0];
    assert_eq!(explained["window"], "1d", "the longest with a ratio");
    for key in [
        "drift",
        "threshold",
        "ratio",
        "excess",
        "since",
        "distances",
    ] {
        assert_eq!(explained[key], drift[key], "{key}");
    }
    assert_eq!(explained["shape"], amount["shape"]);
    assert_eq!(explained["reference"]["profile"], "0badcafe");
    let bins = explained["bins"].as_array().unwrap();
    for (bin, cell) in bins
        .iter()
        .zip(amount["reference"]["cells"].as_array().unwrap())
    {
        assert_eq!(bin["bin"], cell["bin"]);
        assert_eq!(bin["range"], cell["range"]);
        assert_eq!(bin["reference_rows"], cell["rows"]);
    }
    let other =
        "GET /api/v1/explain?model=fraud&version=2&feature=amount&window=5m&reference=profile";
    let answer = ask(web.address, other, &[]).await;
    let explained: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(explained["window"], "5m");
}

#[tokio::test]
async fn what_was_learned_from_traffic_is_not_named() {
    let web = start(everything(), WebOptions::default());
    for path in ["/api/v1/explain", "/feature"] {
        let line = format!("GET {path}?model=fraud&feature=class");
        let answer = ask(web.address, &line, &[]).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains("JFK"), "{path}");
        let line = format!("GET {path}?model=fraud&feature={AWKWARD_ENCODED}");
        assert!(
            ask(web.address, &line, &[]).await.text().contains("JFK"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn whoever_asks_for_what_is_not_there_is_told_what_is() {
    let mut snapshot = everything();
    let mut canary = model("fraud", "3", vec![field("amount", None, 0, &[])]);
    canary.drift.clear();
    snapshot.models.insert(1, canary);
    let web = start(snapshot, WebOptions::default());
    for (query, status, why) in [
        (
            "",
            400,
            "Say which model: add model=<model> to the address. Models: fraud, Zürich",
        ),
        (
            "?model=nobody",
            404,
            "There is no model \"nobody\". Models: fraud, ",
        ),
        (
            "?model=fraud",
            400,
            "Say which version: add version=<version> to the address. Versions: 2, 3.",
        ),
        (
            "?model=fraud&version=9",
            404,
            "There is no version \"9\". Versions: 2, 3.",
        ),
        (
            "?model=fraud&version=2",
            400,
            "Say which feature: add feature=<feature> to the address. Features: amount, ",
        ),
        (
            "?model=fraud&version=2&feature=ignored",
            404,
            "There is no feature \"ignored\". Features: amount, ",
        ),
        (
            "?model=fraud&version=2&feature=amount&window=2h",
            404,
            "There is no window \"2h\". Windows: 5m, 1h, 1d.",
        ),
        (
            "?model=fraud&version=2&feature=amount&reference=seasonal",
            404,
            "There is no reference \"seasonal\". References of this window: profile.",
        ),
        (
            "?model=fraud&version=3&feature=amount&reference=profile",
            404,
            "References of this window: none.",
        ),
    ] {
        for path in ["/api/v1/explain", "/feature"] {
            let answer = ask(web.address, &format!("GET {path}{query}"), &[]).await;
            assert_eq!(answer.status, status, "{query}");
            assert!(answer.text().contains(why), "{query}: {}", answer.text());
        }
    }
    let unknown = "GET /api/v1/explain?model=fraud&version=3&feature=amount";
    let answer = ask(web.address, unknown, &[]).await;
    let explained: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(explained["drift"], serde_json::Value::Null);
    assert!(
        explained["summary"]
            .as_str()
            .unwrap()
            .starts_with("The reference lacks amount")
    );
}

#[tokio::test]
async fn quantiles_of_both_sides_lie_within_their_cells() {
    let mut snapshot = everything();
    let amount = &mut snapshot.models[0].features[0];
    // Edges 2.5, 5 and 7.5; the reference has 10,000, 9,999, … rows from -1 to 99.
    amount.windows[2].cells = vec![0, 10, 10, 0];
    (amount.windows[2].min, amount.windows[2].max) = (Some(3.0), Some(7.0));
    let web = start(snapshot, WebOptions::default());
    let asked = "GET /api/v1/explain?model=fraud&feature=amount&window=1d";
    let answer = ask(web.address, asked, &[]).await;
    let explained: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let quantiles = explained["quantiles"].as_array().unwrap();
    let shares: Vec<_> = quantiles
        .iter()
        .map(|q| q["share"].as_f64().unwrap())
        .collect();
    assert_eq!(shares, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]);
    let of_window: Vec<_> = quantiles
        .iter()
        .map(|q| q["window"].as_f64().unwrap())
        .collect();
    for (found, wanted) in of_window.iter().zip([3.04, 3.2, 4.0, 5.0, 6.0, 6.8, 6.96]) {
        assert!((found - wanted).abs() < 1e-12, "{of_window:?}");
    }
    let of_reference: Vec<_> = quantiles
        .iter()
        .map(|q| q["reference"].as_f64().unwrap())
        .collect();
    assert!(of_reference.is_sorted() && of_reference[0] > -1.0 && of_reference[6] < 99.0);
    for feature in ["device", "lean", "class"] {
        let asked = format!("GET /api/v1/explain?model=fraud&feature={feature}");
        let answer = ask(web.address, &asked, &[]).await;
        let explained: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            explained["quantiles"],
            serde_json::json!([]),
            "{feature} is no number"
        );
    }
}
