//! What an operator can say and is told: settings files, flags, environment, reload, `check`.

#[path = "settings/support.rs"]
mod support;

#[path = "settings/check.rs"]
mod check;
#[path = "settings/flags.rs"]
mod flags;
#[path = "settings/messages.rs"]
mod messages;
#[path = "settings/reload.rs"]
mod reload;
