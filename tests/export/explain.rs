//! `GET /api/v1/explain` and the page of a field.

use driftgauge::engine::{NewCategory, Snapshot};
use driftgauge::export::WebOptions;
use driftgauge::profile::Kind;
use driftgauge::tally::FrequentTexts;

use crate::port::{ask, start};
use crate::snapshot::{self, AWKWARD, everything, field, model};

/// Percent-encoded.
const AWKWARD_ENCODED: &str = "Z%C3%BCrich+%22%5C%0A%7Bx%3D%221%22%7D+%23+2";
const HOSTILE: &str = "</td><script>alert('1')</script><a href=\"x";

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

/// A snapshot whose every name is hostile.
fn hostile() -> Snapshot {
    let mut feature = field(HOSTILE, Some(Kind::Categorical), 5, &["profile", HOSTILE]);
    let mut names = FrequentTexts::default();
    names.add(HOSTILE, 5);
    feature.new_categories = names.top();
    assert_eq!(NewCategory::from(&feature.new_categories[0]).at_least, 5);
    let mut model = model(HOSTILE, HOSTILE, vec![feature]);
    for drift in &mut model.drift {
        drift.fields = vec![HOSTILE.into(), AWKWARD.into()];
    }
    Snapshot {
        models: vec![model],
        ..Snapshot::default()
    }
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let web = start(hostile(), WebOptions::default());
    let landing = ask(web.address, "GET /", &[]).await;
    let link = landing.text().split("<a href=\"/feature").nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let page = ask(web.address, &format!("GET /feature{link}"), &[]).await;
    assert_eq!(page.status, 200, "the link leads to the page: {link}");
    for page in [landing.text(), page.text()] {
        assert!(page.contains("&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)"));
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("alert('"), "{page}");
        assert_eq!(
            page.matches("<table>").count(),
            page.matches("</table>").count()
        );
    }
    let json = ask(web.address, &format!("GET /api/v1/explain{link}"), &[]).await;
    let explained: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(explained["feature"], HOSTILE);
    assert_eq!(explained["new_categories"][0]["name"], HOSTILE);
    let refused = ask(
        web.address,
        &format!("GET /feature{link}&window=%3Cb%3E"),
        &[],
    )
    .await;
    assert_eq!(
        (refused.status, refused.header("content-type")),
        (404, "text/plain; charset=utf-8")
    );
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_hundred_drifted_fields_fit_on_a_page_and_each_is_led_to() {
    let fields = (0..150).map(|i| field(&format!("f{i}"), Some(Kind::Numeric), 30, &["profile"]));
    let mut many = model("m", "1", fields.collect());
    let mut score = field("score", Some(Kind::Numeric), 30, &["profile"]);
    score.role = driftgauge::batch::Role::Score;
    many.features.push(score);
    let models = vec![many];
    let web = start(
        Snapshot {
            models,
            ..Snapshot::default()
        },
        WebOptions::default(),
    );
    let page = ask(web.address, "GET /", &[]).await;
    assert!(page.body.len() < 200_000, "{}", page.body.len());
    let at = |text: &str| {
        page.text()
            .find(text)
            .unwrap_or_else(|| panic!("no {text}"))
    };
    assert!(
        at(">score</a>") < at(">f0</a>"),
        "what the model says comes first"
    );
    assert_eq!(page.text().matches("<a href=\"/feature?").count(), 100);
    assert!(page.text().contains("<p>51 more fields"));
    let page = ask(web.address, "GET /feature?model=m&feature=f0", &[]).await;
    assert_eq!(page.text().matches("<svg").count(), 30);
    assert!(page.body.len() < 30_000, "{}", page.body.len());
}

#[tokio::test]
async fn the_page_of_a_field_is_as_it_was() {
    let web = start(snapshot::everything(), WebOptions::default());
    let line = format!("GET /feature?model=fraud&feature={AWKWARD_ENCODED}");
    let answer = ask(web.address, &line, &[]).await;
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        insta::assert_binary_snapshot!("feature.html", answer.body);
    });
}
