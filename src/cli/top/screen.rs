//! The terminal: taken over, drawn on, and given back as it was.

use std::io::Result;

use ratatui::DefaultTerminal;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The whole terminal, from when it is taken until this goes away. A panic gives it back too, before
/// it says what happened.
pub(super) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    /// Takes it: keys come one by one, and what was on it comes back later.
    ///
    /// # Errors
    /// There is no terminal.
    pub fn take() -> Result<Self> {
        let terminal = ratatui::try_init()?;
        Ok(Self { terminal })
    }

    /// Draws what `compose` makes for the size that there is.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn draw(
        &mut self,
        compose: impl FnOnce((usize, usize)) -> Vec<Line<'static>>,
    ) -> Result<()> {
        self.terminal.draw(|frame| {
            let area = frame.area();
            let lines = compose((area.width.into(), area.height.into()));
            for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
                frame.render_widget(
                    line,
                    Rect {
                        y,
                        height: 1,
                        ..area
                    },
                );
            }
        })?;
        Ok(())
    }

    /// Forgets what is on it, so that everything is drawn anew: something else may have written there.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn forget(&mut self) -> Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
