//! What each key asks for.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Help,
    Refresh,
    Up,
    Down,
    PageUp,
    PageDown,
    Begin,
    End,
    NextSort,
    PreviousSort,
    Window,
    Model,
    Reference,
    /// Begins to type a filter.
    Filter,
    Type(char),
    Erase,
    /// Keeps the filter.
    Accept,
    /// Drops the filter.
    Drop,
}

/// The help, a line for each key.
pub(super) const HELP: &[(&str, &str)] = &[
    ("q  Ctrl-C", "quit"),
    ("↑ ↓  k j", "scroll by a line"),
    ("PgUp PgDn", "scroll by a page"),
    ("Home End  g G", "to the begin, to the end"),
    ("s  >  <", "sort by drift, missing, since, name"),
    ("w", "all windows, or the next one alone"),
    ("r", "all references, or the next one alone"),
    ("m  Tab", "the next model or version"),
    (
        "/",
        "only names with this in them; Enter keeps it, Esc drops it",
    ),
    ("Space", "ask the sidecar now"),
    ("?  h", "this help"),
];

/// What an event asks for, if anything; `is_typing` while a filter is being typed.
pub(super) fn action(event: &Event, is_typing: bool) -> Option<Action> {
    let Event::Key(KeyEvent {
        code,
        modifiers,
        kind: KeyEventKind::Press | KeyEventKind::Repeat,
        ..
    }) = event
    else {
        return None;
    };
    if modifiers.contains(KeyModifiers::CONTROL) {
        return match code {
            KeyCode::Char('c' | 'd') => Some(Action::Quit),
            KeyCode::Char('f') => Some(Action::PageDown),
            KeyCode::Char('b') => Some(Action::PageUp),
            KeyCode::Char('l') => Some(Action::Refresh),
            _ => None,
        };
    }
    Some(match code {
        KeyCode::Up => Action::Up,
        KeyCode::Down => Action::Down,
        KeyCode::PageUp => Action::PageUp,
        KeyCode::PageDown => Action::PageDown,
        KeyCode::Home => Action::Begin,
        KeyCode::End => Action::End,
        KeyCode::Tab => Action::Model,
        KeyCode::Esc => Action::Drop,
        KeyCode::Enter => Action::Accept,
        KeyCode::Backspace if is_typing => Action::Erase,
        KeyCode::Char(c) if is_typing => Action::Type(*c),
        KeyCode::Char(c) => match c {
            'q' | 'Q' => Action::Quit,
            '?' | 'h' | 'H' => Action::Help,
            ' ' => Action::Refresh,
            'k' => Action::Up,
            'j' => Action::Down,
            'g' => Action::Begin,
            'G' => Action::End,
            's' | '>' => Action::NextSort,
            'S' | '<' => Action::PreviousSort,
            'w' => Action::Window,
            'r' => Action::Reference,
            'm' => Action::Model,
            '/' => Action::Filter,
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn letters_are_typed_only_while_a_filter_is() {
        let q = key(KeyCode::Char('q'), KeyModifiers::NONE);
        assert_eq!(action(&q, false), Some(Action::Quit));
        assert_eq!(action(&q, true), Some(Action::Type('q')));
        let interrupt = key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(action(&interrupt, true), Some(Action::Quit));
        assert_eq!(
            action(&key(KeyCode::Char('z'), KeyModifiers::NONE), false),
            None
        );
        assert_eq!(action(&Event::Resize(1, 1), false), None);
    }

    #[test]
    fn every_key_of_the_help_does_something() {
        for (keys, what) in HELP {
            for name in keys.split_whitespace() {
                let mut letters = name.chars();
                let code = match name {
                    "Ctrl-C" => continue,
                    "↑" => KeyCode::Up,
                    "↓" => KeyCode::Down,
                    "PgUp" => KeyCode::PageUp,
                    "PgDn" => KeyCode::PageDown,
                    "Home" => KeyCode::Home,
                    "End" => KeyCode::End,
                    "Tab" => KeyCode::Tab,
                    "Space" => KeyCode::Char(' '),
                    _ => KeyCode::Char(letters.next().unwrap()),
                };
                let event = key(code, KeyModifiers::NONE);
                assert!(action(&event, false).is_some(), "{name}: {what}");
            }
        }
    }
}
