//! The promise "every alarm can be believed", measured: how often drift is raised on unchanged data,
//! at the defaults and at α = 1 %, and that real changes are not missed.
//!
//! Reference *and* window are drawn anew each time from the true distribution, as counts per cell
//! (multinomial): a single lucky reference would hide the noise that it brings itself. The seed is
//! printed; `NULL_CALIBRATION_SEED` tries another one. `--no-capture` shows the rates.

#[path = "../multinomial/mod.rs"]
mod multinomial;

mod clusters;
mod edges;
mod kinds;
mod rates;
mod reference;
mod suite;
