//! Reload and rebaseline over the web port: only where they were switched on, and with a reason where
//! they fail.

use driftgauge::export::WebOptions;

use crate::port::{ask, everything, start};
use crate::snapshot;

#[tokio::test]
async fn reload_needs_the_lifecycle_switch() {
    let web = everything();
    let answer = ask(web.address, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
    assert_eq!(ask(web.address, "GET /-/ready", &[]).await.status, 200);

    let options = WebOptions {
        enable_lifecycle: true,
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    assert_eq!(ask(web.address, "POST /-/reload", &[]).await.status, 200);
    let answer = ask(web.address, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("line 3: no such key"));
    let answer = ask(web.address, "GET /-/ready", &[]).await;
    assert_eq!(answer.status, 503, "the state says it is not");
    assert_eq!(ask(web.address, "GET /-/healthy", &[]).await.status, 200);
}

#[tokio::test]
async fn a_rebaseline_needs_the_lifecycle_switch_and_says_what_it_did_or_why_not() {
    let web = everything();
    let path = "POST /api/v1/rebaseline";
    let answer = ask(web.address, &format!("{path}?model=fraud"), &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
    assert!(answer.text().contains("--web.admin-socket"));

    let options = WebOptions {
        enable_lifecycle: true,
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    for (query, status, words) in [
        ("", 400, "Say which model"),
        ("?model=", 400, "Say which model"),
        ("?model=nobody", 404, "no model \"nobody\""),
        ("?model=young", 409, "no reference"),
        ("?model=stuck", 503, "did not answer"),
    ] {
        let answer = ask(web.address, &format!("{path}{query}"), &[]).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.text().contains(words), "{query}: {}", answer.text());
        assert!(answer.text().ends_with(".\n"), "{}", answer.text());
    }
    let query = "?model=fraud&version=2&window=1h&by=ann%0A%1b%5bof+ops";
    let answer = ask(web.address, &format!("{path}{query}"), &[]).await;
    assert_eq!(answer.status, 200);
    let done: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let expected = serde_json::json!({
        "model": "fraud", "version": "2", "window": "1h", "profile": "0123abcd",
        "replaced": "89efcdab", "rows": 1234, "kept_fields": ["ann[of ops over the web port"],
        "survives_restart": false,
    });
    assert_eq!(done, expected);
}
