//! How values appear as the output of a notebook cell.
//!
//! The evcxr kernel calls `evcxr_display` on a cell's last expression, which prints a block of text for each output
//! format. Everything in this crate that can be shown implements [`Show`]. So does a `Result` of it, so a cell may end
//! in a call that can fail, with or without `?`.
//!
//! To make a type show itself, implement [`Show`] and enter the type in the `shown!` macro of its file.

mod card;
mod kernel;
#[macro_use]
mod shown;
mod values;

use crate::printable::{escape, sentence};
pub(crate) use card::{Card, Chip};
pub(crate) use shown::debug;
use std::{fmt::Display, panic::Location};

/// Anything that a notebook cell can show, as HTML and as plain text.
///
/// # Examples
/// ```
/// use glassbox::notebook::Show;
/// let failed: glassbox::Result<glassbox::plot::Figure> = glassbox::plot::Bars::new(Vec::<(&str, f32)>::new()).draw();
/// assert!(failed.plain().contains("nothing to draw"));
/// ```
pub trait Show {
    /// The value as a piece of HTML that needs no script and no style sheet.
    fn html(&self) -> String;

    /// The value as plain text.
    fn plain(&self) -> String;

    /// Several values as HTML: one below the other, unless the type overrides it.
    fn html_of_all(all: &[Self]) -> String
    where
        Self: Sized,
    {
        match all {
            [] => NOTHING.into(),
            all if all.iter().all(Self::is_text) => values::html(&Self::plain_of_all(all)),
            all => all.iter().map(Self::html).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Several values as plain text.
    fn plain_of_all(all: &[Self]) -> String
    where
        Self: Sized,
    {
        match all {
            [] => "nothing to show".into(),
            all if all.iter().all(Self::is_text) => values::list('[', all.iter().map(Self::plain), ']'),
            all => all.iter().map(|one| one.plain().trim_end().to_owned()).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Whether the value is a short text, such as a number. Several short texts are shown on one line.
    fn is_text(&self) -> bool {
        false
    }

    /// Shows the value as output of the cell, below its earlier output. The kernel calls this on the cell's last
    /// expression.
    #[track_caller]
    fn evcxr_display(&self) {
        kernel::show(self.html(), self.plain(), Location::caller());
    }

    /// Shows the value from the middle of a cell, as [`display`] does.
    #[track_caller]
    fn show(&self) {
        self.evcxr_display();
    }
}

/// Shows a value from the middle of a cell. The outputs of a cell appear one below the other, its last expression last.
///
/// ```
/// use glassbox::{notebook::display, plot::Bars};
/// for (name, value) in [("Mary", 0.7), ("John", 0.2)] {
///     display(Bars::new([(name, value)]));
/// }
/// ```
#[track_caller]
pub fn display(shown: impl Show) {
    shown.evcxr_display();
}

/// `Ok` shows the value; `Err` shows one sentence with a red border.
impl<T: Show, E: Display> Show for Result<T, E> {
    fn html(&self) -> String {
        match self {
            Ok(value) => value.html(),
            Err(error) => format!(
                "<div style=\"border:1px solid #b2182b;border-left-width:4px;border-radius:4px;padding:8px 12px;\
                 background:#fff;color:#1f2933;max-width:80ch\"><strong>Error:</strong> {}</div>",
                escape(&said(error))
            ),
        }
    }

    fn plain(&self) -> String {
        match self {
            Ok(value) => value.plain(),
            Err(error) => format!("Error: {}", said(error)),
        }
    }

    fn is_text(&self) -> bool {
        self.as_ref().is_ok_and(Show::is_text)
    }
}

/// The message of an error, without the backtrace that candle appends.
fn said(error: &impl Display) -> String {
    let said = error.to_string();
    let frames = said.lines().position(|line| line.trim_start().starts_with("0: "));
    sentence(said.lines().take(frames.unwrap_or(usize::MAX)).collect::<Vec<_>>().join("\n"))
}

/// `None` shows that there is no value.
impl<T: Show> Show for Option<T> {
    fn html(&self) -> String {
        self.as_ref().map_or_else(|| NOTHING.into(), Show::html)
    }

    fn plain(&self) -> String {
        self.as_ref().map_or_else(|| "nothing to show".into(), Show::plain)
    }

    fn is_text(&self) -> bool {
        self.as_ref().is_some_and(Show::is_text)
    }
}

const NOTHING: &str = "<em>nothing to show</em>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_cell_shows_its_sentence_escaped() {
        let failed: Result<Card, &str> = Err("no token `<bos>`");
        assert!(failed.html().contains("no token `&lt;bos&gt;`"));
        assert_eq!(failed.plain(), "Error: no token `<bos>`");
        let fine: Result<Card, &str> = Ok(Card::new("model"));
        assert_eq!(fine.plain(), "model\n");
    }

    #[test]
    fn an_error_of_the_tensor_library_is_shown_without_its_frames() {
        let error = candle_core::Error::Msg("no such axis".into());
        let backtrace = Box::new(std::backtrace::Backtrace::force_capture());
        let traced = candle_core::Error::WithBacktrace { inner: Box::new(error), backtrace };
        assert_eq!(Err::<Card, _>(traced).plain(), "Error: no such axis");
    }
}
