//! How what matters looks: with colour, or in bold and inverse alone.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// A name that heads something.
    Title,
    /// Less important than the rest.
    Faint,
    /// Above its threshold. The text says so too, with a `!` or a word.
    Drift,
    /// To be looked at.
    Odd,
    /// A bar across the screen.
    Bar,
}

/// Whether there is colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub has_colour: bool,
}

impl Palette {
    /// Without colour where `NO_COLOR` is set to something (<https://no-color.org>).
    pub fn of_environment() -> Self {
        let asked = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { has_colour: !asked }
    }

    /// Colours are of the eight that every theme of a terminal sets so that they can be read.
    pub fn style(self, tone: Tone) -> Style {
        let colour = |style: Style, colour| match self.has_colour {
            true => style.fg(colour),
            false => style,
        };
        let bold = Style::new().add_modifier(Modifier::BOLD);
        match tone {
            Tone::Plain => Style::new(),
            Tone::Title => bold,
            Tone::Faint => Style::new().add_modifier(Modifier::DIM),
            Tone::Drift => colour(bold, Color::Red),
            Tone::Odd => colour(bold, Color::Yellow),
            Tone::Bar => Style::new().add_modifier(Modifier::REVERSED),
        }
    }
}
