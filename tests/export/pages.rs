//! The pages for people: what they say first, how they are sorted, and that names stay text.

use driftgauge::batch::Role;
use driftgauge::engine::{NewCategory, Snapshot, State};
use driftgauge::export::WebOptions;
use driftgauge::profile::Kind;
use driftgauge::tally::FrequentTexts;
use sha2::{Digest, Sha256};

use crate::port::{Answer, Web, ask, everything, start};
use crate::snapshot::{self, AWKWARD, field, model};

const STYLE: &str = include_str!("../../src/export/page/style.css");

/// Ends an attribute, an element and a line, runs a script, and turns the text around.
const HOSTILE: &str = "\"></td><script>alert('1')</script>\u{202e}<a href=\"x\n&amp;";

async fn get(web: &Web, path: &str) -> Answer {
    let answer = ask(web.address, &format!("GET {path}"), &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

/// The page without its style, which is the same on all and would rewrite them all.
fn golden(name: &str, answer: Answer) {
    let page = answer.text().replace(STYLE, "…");
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        insta::assert_binary_snapshot!(name, page.into_bytes());
    });
}

/// One model with these fields.
fn of(fields: Vec<driftgauge::engine::FeatureSnapshot>) -> Web {
    let snapshot = Snapshot {
        models: vec![model("m", "1", fields)],
        evaluated_at: 1_700_000_005.5,
        ..Snapshot::default()
    };
    start(snapshot, WebOptions::default())
}

/// Names of the fields in the order of the table.
fn order(page: &str) -> Vec<&str> {
    let links = page.split("<th scope=\"row\"><a href=\"feature?").skip(1);
    links
        .map(|rest| {
            rest.split("<bdi>")
                .nth(1)
                .unwrap()
                .split("</bdi>")
                .next()
                .unwrap()
        })
        .collect()
}

#[tokio::test]
async fn several_models_are_an_overview_that_leads_to_each() {
    let mut snapshot = snapshot::everything();
    let young = &mut snapshot.models[1];
    young.drift.clear();
    young.drifted_fields.clear();
    young.outliers.clear();
    let web = start(snapshot, WebOptions::default());
    let overview = get(&web, "/").await;
    assert!(overview.header("content-type").starts_with("text/html"));
    let page = overview.text();
    assert!(
        page.contains("▲ 1 of 2 models have changed, 1 cannot be judged."),
        "{page}"
    );
    assert!(page.contains("1\u{202f}200 of 5\u{202f}000 rows so far"));
    let links: Vec<&str> = page.split("<a href=\"./?").skip(1).collect();
    assert_eq!(links.len(), 2);
    for link in links {
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        let model = get(&web, &format!("/?{link}")).await;
        assert!(model.text().contains("<a href=\"./\">All models</a>"));
    }
    golden("landing.html", overview);
    golden("model.html", get(&web, "/?model=fraud&version=2").await);
}

#[tokio::test]
async fn one_model_is_the_landing_page() {
    let web = of(vec![field("amount", Some(Kind::Numeric), 4, &["profile"])]);
    let page = get(&web, "/").await;
    assert!(
        page.text()
            .contains("<h1><bdi>m</bdi> <small>version <bdi>1</bdi></small></h1>")
    );
    assert!(!page.text().contains("All models"));
}

#[tokio::test]
async fn without_any_model_the_page_says_so() {
    let web = start(Snapshot::default(), WebOptions::default());
    assert!(
        get(&web, "/")
            .await
            .text()
            .contains("No model has been seen yet.")
    );
}

#[tokio::test]
async fn the_overview_speaks_of_the_window_that_the_verdict_names() {
    let mut snapshot = snapshot::everything();
    let fraud = &mut snapshot.models[0];
    let most = fraud.drifted_fields.iter_mut().find(|c| &*c.window == "1h");
    most.unwrap().drifted = 9;
    let worst = fraud.drift.iter().find(|d| d.kind == "worst_feature");
    let worst = worst.unwrap().clone();
    fraud.drift.retain(|drift| drift.kind != "worst_feature");
    for (window, reference, name, ratio) in [
        ("5m", "profile", "in_five_minutes", 77.0),
        ("1h", "profile", "in_an_hour", 3.0),
        ("1h", "previous", "since_the_last_hour", 88.0),
    ] {
        let mut drift = worst.clone();
        drift.window = window.into();
        drift.reference = reference.into();
        drift.fields = vec![name.into()];
        drift.ratio = ratio;
        fraud.drift.push(drift);
    }
    let web = start(snapshot, WebOptions::default());
    let overview = get(&web, "/").await;
    let page = overview.text();
    assert!(page.contains("have drifted in 1h"), "{page}");
    assert!(
        page.contains(
            "<bdi>in_an_hour</bdi></td><td class=\"w n drift\">▲\u{a0}3.00 <small>1h</small></td>"
        ),
        "{page}"
    );
}

#[tokio::test]
async fn a_way_to_look_at_a_model_that_is_not_there_is_told_with_those_that_are() {
    let web = everything();
    for (query, why) in [
        (
            "model=%ff",
            "There is no model \"\u{fffd}\". Models: fraud, Zürich",
        ),
        (
            "model=fraud&version=2&window=2y",
            "There is no window \"2y\". Windows: 5m, 1h, 1d.\n",
        ),
        (
            "model=fraud&version=2&reference=x",
            "There is no reference \"x\". References: profile, version:1.\n",
        ),
        (
            "model=fraud&version=2&sort=nonsense",
            "There is no sort \"nonsense\". Sorts: drift, name, null, unseen, state, since.\n",
        ),
    ] {
        let answer = ask(web.address, &format!("GET /?{query}"), &[]).await;
        assert_eq!(answer.status, 404, "{query}");
        assert!(answer.text().starts_with(why), "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_with_those_that_are() {
    let web = everything();
    for (query, why) in [
        (
            "model=nobody",
            "There is no model \"nobody\". Models: fraud, Zürich",
        ),
        (
            "model=fraud&version=9",
            "There is no version \"9\". Versions: 2.",
        ),
        ("version=9", "Say which model"),
    ] {
        let answer = ask(web.address, &format!("GET /?{query}"), &[]).await;
        assert!([400, 404].contains(&answer.status), "{query}");
        assert!(answer.text().starts_with(why), "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn fields_are_sorted_by_what_is_asked_for_and_worst_first_otherwise() {
    let mut fields: Vec<_> = ["b", "d", "a", "c"]
        .into_iter()
        .map(|name| field(name, Some(Kind::Numeric), 4, &["profile", "previous"]))
        .collect();
    for (at, field) in fields.iter_mut().enumerate() {
        let at = at as f64;
        for window in &mut field.windows {
            window.drift[0].ratio = Some(10.0 + at);
            window.drift[0].since = Some(1e9 - at);
            window.drift[1].ratio = Some(10.0 - at);
            window.null_ratio = Some([0.5, 0.1, 0.9, 0.2][at as usize]);
            window.out_of_range_ratio = Some([0.4, 0.3, 0.1, 0.2][at as usize]);
        }
    }
    fields[1].windows[0].drift[0].ratio = Some(99.0);
    fields[2].windows[2].state = State::Constant;
    fields[2].windows[2].drift[0].ratio = None;
    let mut score = field("score", Some(Kind::Numeric), 4, &["profile"]);
    score.role = Role::Score;
    fields.push(score);
    let web = of(fields);
    for (query, expected) in [
        ("", "d c a b"),
        ("sort=drift&window=1h", "c a d b"),
        ("window=5m", "d c a b"),
        ("reference=previous", "b d a c"),
        ("sort=name", "a b c d"),
        ("sort=null", "a b c d"),
        ("sort=unseen", "b d c a"),
        ("sort=state&window=1d", "c d b a"),
        ("sort=since", "b d a c"),
        ("sort=&window=&reference=", "d c a b"),
    ] {
        let page = get(&web, &format!("/?{query}")).await;
        let found = order(page.text()).join(" ");
        assert_eq!(found, format!("score {expected}"), "{query}");
        let sorted = page.text().matches(" aria-sort=\"").count();
        assert!(sorted <= 1, "{query}: {sorted}");
    }
}

#[tokio::test]
async fn links_keep_what_was_chosen_before() {
    let web = of(vec![field(
        "a",
        Some(Kind::Numeric),
        4,
        &["profile", "previous"],
    )]);
    let page = get(&web, "/?sort=null&window=1h&reference=previous").await;
    for link in [
        "./?model=m&amp;version=1&amp;sort=state&amp;window=1h&amp;reference=previous#fields",
        "./?model=m&amp;version=1&amp;sort=null&amp;window=5m&amp;reference=previous#fields",
        "./?model=m&amp;version=1&amp;sort=null&amp;window=1h#fields",
        "feature?model=m&amp;version=1&amp;feature=a&amp;window=1h&amp;reference=previous",
    ] {
        assert!(
            page.text().contains(&format!("<a href=\"{link}\"")),
            "{link}"
        );
    }
}

#[tokio::test]
async fn every_one_of_five_hundred_fields_is_on_the_page() {
    let fields = (0..500).map(|i| field(&format!("f{i}"), Some(Kind::Numeric), 30, &["profile"]));
    let web = of(fields.collect());
    let page = get(&web, "/").await;
    assert_eq!(order(page.text()).len(), 500);
    assert_eq!(page.text().matches("<svg").count(), 500);
    assert!(page.body.len() < 1_000_000, "{}", page.body.len());
    let zipped = ask(web.address, "GET /", &[("accept-encoding", "gzip")]).await;
    assert!(zipped.body.len() < 100_000, "{}", zipped.body.len());
}

#[tokio::test]
async fn the_verdict_names_what_is_wrong_in_words() {
    let mut gone = field("gone", Some(Kind::Numeric), 4, &["profile"]);
    for window in &mut gone.windows {
        window.state = State::Absent;
        window.drift.clear();
    }
    let mut holes = field("holes", Some(Kind::Numeric), 4, &["profile"]);
    for window in &mut holes.windows {
        window.values = 100_000;
        window.null_ratio = Some(0.25);
        window.drift[0].ratio = Some(0.5);
    }
    let web = of(vec![gone, holes]);
    let page = get(&web, "/").await;
    for sentence in [
        "<b>▲ 2 of 4 fields have drifted in 1d.</b>",
        "<li>No row has a value of <bdi>gone</bdi>.</li>",
        "<li>More rows without a value: <bdi>holes</bdi> 25.0% (was 0.0%).</li>",
        "<li>All features seen together have moved: 1.2\u{a0}× the threshold in 1d.</li>",
        "<li>6.0% of the rows in 1d are unusual as a whole (was 1.0%), most of all in <bdi>age</bdi>",
        "<li>Burn-in 25% done",
    ] {
        assert!(page.text().contains(sentence), "{sentence} {}", page.text());
    }
}

#[tokio::test]
async fn the_sidecar_s_page_says_what_was_left_out_and_why() {
    let web = everything();
    let page = get(&web, "/sidecar").await;
    let page = page.text();
    for (what, reason, count) in [
        ("rows shed for lack of room", "queue rows", 20),
        ("rows that can never be taken", "too many rows", 10),
        ("calls that could not be decoded", "malformed", 1),
        ("calls that could not be decoded", "protobuf", 1),
        ("calls not looked at for lack of room", "too large", 2),
        ("tensors whose values cannot be seen", "shared memory", 4),
        ("events whose other half never came", "response", 2),
    ] {
        let line = format!("<td>{what}</td><td>{reason}</td><td class=\"n\">{count}</td>");
        assert!(page.contains(&line), "{line}");
    }
    assert!(page.contains("<li>20 of 107 rows were left out for lack of room.</li>"));
    assert!(page.contains("<code>0badcafe</code></td><td>file</td>"));
    assert!(
        page.contains("of 20\u{202f}000</td>"),
        "series against their limit"
    );
    let other = get(&web, "/").await;
    let first = "The sidecar:</b> 20 of 107 rows were left out";
    assert!(other.text().contains(first), "other pages tell it, too");
}

#[tokio::test]
async fn settings_are_told_with_where_they_were_said() {
    let web = everything();
    let page = get(&web, "/settings").await;
    let page = page.text();
    assert!(page.contains("3 of 4 were said"));
    assert!(page.contains("<code><bdi>&lt;hidden&gt;</bdi></code>"));
    assert!(page.contains("<b><bdi>driftgauge.yml:7</bdi></b>"));
    assert!(page.contains("after a restart: <code><bdi>json</bdi></code>"));
    assert!(page.contains("What it &lt;means&gt;."));
}

#[tokio::test]
async fn nothing_may_be_loaded_or_run() {
    let web = everything();
    for path in [
        "/",
        "/?model=fraud",
        "/feature?model=fraud&feature=amount",
        "/sidecar",
        "/settings",
    ] {
        let answer = get(&web, path).await;
        let page = answer.text();
        let style = page
            .split("<style>")
            .nth(1)
            .unwrap()
            .split("</style>")
            .next()
            .unwrap();
        assert_eq!(style, STYLE, "{path}");
        use base64::Engine;
        let hash = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(style));
        assert_eq!(
            answer.header("content-security-policy"),
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
            ),
        );
        for loads in [
            "<script", "<link", "<img", "<iframe", "@import", "url(", " style=", " on",
        ] {
            let tags = page
                .split('<')
                .skip(1)
                .filter_map(|rest| rest.split('>').next());
            let found = tags.filter(|tag| format!("<{tag}").contains(loads)).count();
            assert_eq!(found, 0, "{path}: {loads}");
        }
        assert!(!style.contains("url("), "{path}");
    }
}

/// A snapshot whose every name is hostile.
fn hostile() -> Snapshot {
    let mut feature = field(HOSTILE, Some(Kind::Categorical), 5, &["profile", HOSTILE]);
    let mut names = FrequentTexts::default();
    names.add(HOSTILE, 5);
    feature.new_categories = names.top();
    assert_eq!(NewCategory::from(&feature.new_categories[0]).at_least, 5);
    let mut first = model(HOSTILE, HOSTILE, vec![feature]);
    for drift in &mut first.drift {
        drift.fields = vec![HOSTILE.into(), AWKWARD.into()];
    }
    let long = "x".repeat(128);
    let second = model(
        &long,
        &long,
        vec![field(&long, Some(Kind::Numeric), 4, &[&long])],
    );
    Snapshot {
        models: vec![first, second],
        ..Snapshot::default()
    }
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let web = start(hostile(), WebOptions::default());
    let link = |page: &str, start: &str| {
        let link = page.split(&format!("<a href=\"{start}")).nth(1).unwrap();
        link.split('"').next().unwrap().replace("&amp;", "&")
    };
    let landing = get(&web, "/").await;
    let model = link(landing.text(), "./?");
    let model = get(&web, &format!("/?{model}")).await;
    let asked = link(model.text(), "feature?");
    let feature = get(&web, &format!("/feature?{asked}")).await;
    let sidecar = get(&web, "/sidecar").await;
    for page in [&landing, &model, &feature, &sidecar] {
        let page = page.text();
        assert!(page.contains("&quot;&gt;&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)"));
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("alert('"), "{page}");
        assert!(!page.contains('\u{202e}'), "{page}");
        for element in ["table", "svg", "bdi", "section", "title", "tr"] {
            let opened = page.matches(&format!("<{element}>")).count()
                + page.matches(&format!("<{element} ")).count();
            assert_eq!(
                opened,
                page.matches(&format!("</{element}>")).count(),
                "{element}"
            );
        }
    }
    let json = get(&web, &format!("/api/v1/explain?{asked}")).await;
    let explained: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(explained["feature"], HOSTILE);
    assert_eq!(explained["new_categories"][0]["name"], HOSTILE);
    let asked = format!("GET /feature?{asked}&version=%3Cb%3E");
    let refused = ask(web.address, &asked.replace("&version=%22", "&x=%22"), &[]).await;
    assert_eq!(
        (refused.status, refused.header("content-type")),
        (404, "text/plain; charset=utf-8")
    );
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_page_of_a_field_is_as_it_was() {
    let web = start(snapshot::everything(), WebOptions::default());
    let encoded = driftgauge::export::url::encode(AWKWARD);
    golden(
        "feature.html",
        get(&web, &format!("/feature?model=fraud&feature={encoded}")).await,
    );
    golden(
        "feature-number.html",
        get(&web, "/feature?model=fraud&feature=amount").await,
    );
}
