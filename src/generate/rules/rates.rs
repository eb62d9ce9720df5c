//! Rates of values that are missing, out of range or never seen, and whether they are surely above
//! the reference's.
//!
//! They need no cells but for new categories, so they are there with `metrics.fleet` off as well.
//! Below the rows that drift needs none is judged: of two rows, half may be anything, and Wilson's
//! bound does not hold for a handful.

use super::super::promql::{
    IN_ALL_WINDOWS, in_window, increase, max_over_pods, sum_over_pods, sum_over_pods_and,
};
use super::super::series::{
    DESIGN_EFFECT, JUDGED_FROM, MISSING, NEW_CATEGORY_RATIO, NEW_CATEGORY_RATIO_NOISE,
    NEW_CATEGORY_RATIO_RAISE, NOISE, NULL_RATIO, NULL_RATIO_NOISE, NULL_RATIO_RAISE, OUT_OF_RANGE,
    OUT_OF_RANGE_RATIO, OUT_OF_RANGE_RATIO_NOISE, OUT_OF_RANGE_RATIO_RAISE, REFERENCE_CELLS,
    REFERENCE_NOISE, REFERENCE_ROWS, SIGNIFICANCE, VALUES, WINDOW_CELLS, WINDOW_ROWS,
};
use super::super::{Record, Rule};
use super::reference::{judged_from, significance};
use crate::export::names;

pub(super) fn rules(window: &str) -> Vec<Rule> {
    let of = |recorded: &str| in_window(recorded, window);
    let (values, missing, outside) = (of(VALUES), of(MISSING), of(OUT_OF_RANGE));
    let all = format!("({values} + {missing})");
    let enough = |rows: &str| format!("({rows} >= {IN_ALL_WINDOWS} {JUDGED_FROM})");
    let rows = of(WINDOW_ROWS);
    let new = format!("sum without (bin) ({WINDOW_CELLS}{{window=\"{window}\", bin=\"new\"}})");
    let null_reference = max_over_pods(&names::REFERENCE_NULL_RATIO.series());
    let new_reference =
        format!("sum without (bin) ({REFERENCE_CELLS}{{bin=\"new\"}}) / ({REFERENCE_ROWS} > 0)");
    let rules = [
        (
            VALUES,
            sum_over_pods(&increase(&names::FEATURE_VALUES, "", window)),
        ),
        (
            MISSING,
            sum_over_pods_and("reason", &increase(&names::FEATURE_MISSING, "", window)),
        ),
        (
            OUT_OF_RANGE,
            sum_over_pods_and("side", &increase(&names::FEATURE_OUT_OF_RANGE, "", window)),
        ),
        (NULL_RATIO, format!("{missing} / ({all} > 0)")),
        // Counters that begin at different moments are extrapolated differently.
        (
            OUT_OF_RANGE_RATIO,
            format!("clamp_max({outside} / ({values} > 0), 1)"),
        ),
        (NEW_CATEGORY_RATIO, format!("{new} / ({rows} > 0)")),
        (
            NULL_RATIO_NOISE,
            // Of the rows of the reference, values are those that are not missing.
            noise(
                &enough(&all),
                &format!("({REFERENCE_NOISE} * (1 - {null_reference}))"),
            ),
        ),
        (
            OUT_OF_RANGE_RATIO_NOISE,
            noise(&enough(&values), REFERENCE_NOISE),
        ),
        (
            NEW_CATEGORY_RATIO_NOISE,
            format!(
                "sum without (reference) ({NOISE}{{window=\"{window}\", reference=\"profile\"}}) * {IN_ALL_WINDOWS} {} ^ 2\n\
                 and {rows} >= {IN_ALL_WINDOWS} ({})",
                significance(),
                judged_from()
            ),
        ),
        (
            NULL_RATIO_RAISE,
            raise(&of(NULL_RATIO), &of(NULL_RATIO_NOISE), &null_reference),
        ),
        (
            OUT_OF_RANGE_RATIO_RAISE,
            raise(
                &of(OUT_OF_RANGE_RATIO),
                &of(OUT_OF_RANGE_RATIO_NOISE),
                // One value in m + 1 is the smallest of all, and one the largest.
                &format!(
                    "(max without (profile) (2 / ({REFERENCE_ROWS} + 1)) or 0 * {REFERENCE_NOISE})"
                ),
            ),
        ),
        (
            NEW_CATEGORY_RATIO_RAISE,
            raise(
                &of(NEW_CATEGORY_RATIO),
                &of(NEW_CATEGORY_RATIO_NOISE),
                &format!("({new_reference})"),
            ),
        ),
    ];
    rules
        .map(|(name, expr)| Record::rule(name, expr, [("window", window)]))
        .into()
}

/// z²φ(1/n + 1/m): the rate of the reference is that of a sample, too.
fn noise(rows: &str, of_reference: &str) -> String {
    format!(
        "(1 / {rows} * {IN_ALL_WINDOWS} {DESIGN_EFFECT} + {IN_ALL_WINDOWS} {of_reference})\n\
         * {IN_ALL_WINDOWS} {SIGNIFICANCE} ^ 2"
    )
}

/// Wilson's lower bound less the rate of the reference, as [`crate::statistic::wilson_lower`] has it:
/// with w = z²/N, p² / (p + w/2 + √(p(1−p)w + w²/4)).
fn raise(p: &str, w: &str, reference: &str) -> String {
    format!(
        "{p} ^ 2 / (\n  {p}\n  + {w} / 2\n  + sqrt({p} * (1 - {p}) * {w} + {w} ^ 2 / 4)\n)\n\
         - {IN_ALL_WINDOWS} {reference}"
    )
}
