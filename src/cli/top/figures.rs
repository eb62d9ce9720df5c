//! Figures as people read them.

/// A drift ratio; above 1 it is marked, because colour alone does not reach everybody.
pub(super) fn ratio(ratio: f64) -> String {
    let mark = if ratio > 1.0 { '!' } else { ' ' };
    match ratio {
        // Not 1.00 and yet marked, nor 1.00 and not.
        r if r > 1.0 && r < 1.005 => format!("{r:.4}{mark}"),
        r if (0.995..=1.0).contains(&r) => format!("{r:.4}{mark}"),
        r if r < 1e3 => format!("{r:.2}{mark}"),
        r if r < 1e6 => format!("{r:.0}{mark}"),
        r => format!("{r:.1e}{mark}"),
    }
}

/// A share in percent.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.1}%", share * 100.0))
}

/// A length of time in its largest unit: `3 h`.
pub(super) fn lasting(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 90.0 * 60.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3_600.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

/// A rate, with digits that tell.
pub(super) fn rate(a_second: f64) -> String {
    match a_second {
        r if r >= 100.0 => format!("{r:.0}"),
        r if r >= 1.0 || r == 0.0 => format!("{r:.1}"),
        r => format!("{r:.4}"),
    }
}

/// Milliseconds of seconds.
pub(super) fn millis(seconds: f64) -> String {
    match seconds * 1e3 {
        m if m >= 100.0 => format!("{m:.0} ms"),
        m => format!("{m:.2} ms"),
    }
}

/// `1 model`, `2 models`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_marked_exactly_when_it_is_above_1() {
        let shown = [0.0, 0.994, 0.999, 1.0, 1.001, 1.3, 126.78, 5e4, 2.5e7].map(ratio);
        assert_eq!(
            shown,
            [
                "0.00 ", "0.99 ", "0.9990 ", "1.0000 ", "1.0010!", "1.30!", "126.78!", "50000!",
                "2.5e7!"
            ]
        );
    }

    #[test]
    fn times_and_rates_are_for_people() {
        let shown = [-1.0, 59.6, 120.0, 7_200.0, 200_000.0].map(lasting);
        assert_eq!(shown, ["0 s", "60 s", "2 min", "2 h", "2 d"]);
        assert_eq!(
            [0.0, 0.0054, 16.66, 465.4].map(rate),
            ["0.0", "0.0054", "16.7", "465"]
        );
        assert_eq!([0.00138, 0.25].map(millis), ["1.38 ms", "250 ms"]);
        assert_eq!([percent(Some(0.0123)), percent(None)], ["1.2%", "-"]);
        assert_eq!(
            [count(1, "model"), count(2, "model")],
            ["1 model", "2 models"]
        );
    }
}
