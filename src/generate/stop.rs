//! [`StopReason`]: why a text ended, and the search for stop strings.

use std::fmt;

/// Why a generated text ended.
///
/// # Examples
/// ```
/// use glassbox::{generate::StopReason, prelude::*};
/// let text = Model::open("induction-2l")?.generate("red fox red")?.stop("fox").run()?;
/// assert_eq!(text.stop_reason(0)?, StopReason::StopString("fox".into()));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The model chose an end token.
    EndOfText,
    /// This stop string was generated.
    StopString(String),
    /// The text has the requested number of new tokens.
    MaxNewTokens,
    /// The text fills the model's context (`n_ctx`).
    ContextFull,
    /// The closure of [`Generation::stream`](super::Generation::stream) asked to stop.
    Interrupted,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfText => f.write_str("the model ended the text"),
            Self::StopString(string) => write!(f, "{string:?} was generated"),
            Self::MaxNewTokens => f.write_str("max_new_tokens reached"),
            Self::ContextFull => f.write_str("the text fills the model's context (n_ctx)"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// A text as it is generated, cut before the first stop string. Text that may turn out to begin a stop string is held
/// back.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    text: String,
    /// The number of bytes that have been returned.
    out: usize,
}

impl Written {
    /// Adds a piece; returns the stop string that it completes.
    pub(super) fn push<'a>(&mut self, piece: &str, stops: &'a [String]) -> Option<&'a str> {
        self.text.push_str(piece);
        let find = |stop: &'a String| Some((self.out + self.text[self.out..].find(stop)?, stop));
        let (at, stop) = stops.iter().filter_map(find).min_by_key(|(at, stop)| (*at, stop.len()))?;
        self.text.truncate(at);
        Some(stop)
    }

    /// Returns the text that cannot become part of a stop string any more.
    pub(super) fn take(&mut self, stops: &[String]) -> String {
        let rest = &self.text[self.out..];
        let begun = |stop: &String| {
            let lengths = (1..stop.len().min(rest.len() + 1)).rev();
            lengths.filter(|&len| stop.is_char_boundary(len)).find(|&len| rest.ends_with(&stop[..len])).unwrap_or(0)
        };
        let held = stops.iter().map(begun).max().unwrap_or(0);
        self.hand_out(self.text.len() - held)
    }

    /// Returns all the remaining text.
    pub(super) fn take_rest(&mut self) -> String {
        self.hand_out(self.text.len())
    }

    fn hand_out(&mut self, end: usize) -> String {
        let out = self.text[self.out..end].to_owned();
        self.out = end;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the text for each piece, and the stop string if one was found.
    fn write(pieces: &[&str], stops: &[&str]) -> (Vec<String>, Option<String>) {
        let stops = stops.iter().map(|&stop| stop.to_owned()).collect::<Vec<_>>();
        let mut written = Written::default();
        let mut out = Vec::new();
        for piece in pieces {
            if let Some(stop) = written.push(piece, &stops) {
                out.push(written.take_rest());
                return (out, Some(stop.into()));
            }
            out.push(written.take(&stops));
        }
        out.push(written.take_rest());
        (out, None)
    }

    #[test]
    fn a_stop_string_is_found_across_pieces_and_none_of_it_is_handed_out() {
        let (out, stop) = write(&["one", " .\n", "\n two", "never"], &["\n\n"]);
        assert_eq!((out, stop.as_deref()), (vec!["one".into(), " .".into(), String::new()], Some("\n\n")));
        let (out, stop) = write(&["a", "b", "c", "d"], &["bcd", "zz"]);
        assert_eq!((out.concat().as_str(), stop.as_deref()), ("a", Some("bcd")));
    }

    #[test]
    fn what_only_looked_like_a_stop_string_is_handed_out_later() {
        let (out, stop) = write(&["ab", "a", "b", "x"], &["abac"]);
        assert_eq!((out, stop), (["", "", "ab", "abx", ""].map(String::from).to_vec(), None));
        assert_eq!(write(&["end abc"], &["abcd"]).0, ["end ", "abc"]);
    }

    #[test]
    fn the_first_of_several_stop_strings_ends_the_text() {
        let (out, stop) = write(&["one x two y"], &["y", "x"]);
        assert_eq!((out.concat().as_str(), stop.as_deref()), ("one ", Some("x")));
    }

    #[test]
    fn characters_of_several_bytes_are_never_cut() {
        let (out, stop) = write(&["é😀", "é", "😀b"], &["😀b"]);
        assert_eq!((out.concat().as_str(), stop.as_deref()), ("é😀é", Some("😀b")));
    }
}
