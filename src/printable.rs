//! Makes text safe to show: visible spaces and control characters, escapes, widths, number formats. Pictures, notebook
//! output and errors use it.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Left-to-right mark: keeps an index such as `@3` to the right of a right-to-left token.
const LEFT_TO_RIGHT: char = '\u{200e}';

/// A token in visible form: space as `·`, newline as `↵`, tab as `→`, other control characters as their pictures, and a
/// leading combining mark on a dotted circle.
pub(crate) fn visible(token: &str) -> String {
    printable(token).replace(' ', "·")
}

/// The most characters of a name or title, and of a sentence.
const LONGEST_NAME: usize = 1000;
const LONGEST_SENTENCE: usize = 2500;
/// The most characters of a quoted part of a sentence, and of one word such as a path.
const LONGEST_QUOTE: usize = 300;
const LONGEST_WORD: usize = 600;

/// A name without invisible characters and without those that would disturb the text around it.
pub(crate) fn printable(name: &str) -> String {
    if name.is_empty() { "∅".into() } else { line(name) }
}

/// Outside text on one safe line: a title, the name of an axis, a table cell. Very long text loses its middle. Empty
/// text stays empty.
pub(crate) fn line(text: impl AsRef<str>) -> String {
    one_line(text.as_ref(), LONGEST_NAME)
}

/// An error or a description on one safe line. It may be longer than [`line()`] allows; long quotes and words lose
/// their middle, so that the sentence itself remains.
pub(crate) fn sentence(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    if text.len() <= LONGEST_QUOTE {
        return one_line(text, LONGEST_SENTENCE);
    }
    let quoted = |(at, part)| if at % 2 == 1 { shortened(part, LONGEST_QUOTE) } else { part.into() };
    let quotes = text.split('`').enumerate().map(quoted).collect::<Vec<_>>().join("`");
    let words = quotes.split(' ').map(|word| shortened(word, LONGEST_WORD)).collect::<Vec<_>>().join(" ");
    one_line(&words, LONGEST_SENTENCE)
}

/// Several lines of text, with control characters replaced by their pictures.
pub(crate) fn lines(text: &str) -> String {
    without_marks(with_pictures(text, |c| matches!(c, '\n' | '\t')))
}

/// The beginning of the notebook kernel's marker words, such as the one that ends an output.
const MARK: &str = "EVCXR_";

/// Breaks up the kernel's marker words, because the kernel obeys any line that contains one.
fn without_marks(text: String) -> String {
    if text.contains(MARK) { text.replace(MARK, "EVCXR-") } else { text }
}

fn with_pictures(text: &str, keep: fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        match hidden(c).filter(|_| !keep(c) && c != LEFT_TO_RIGHT) {
            Some(picture) => shown.push_str(&picture),
            None => shown.push(c),
        }
    }
    shown
}

fn one_line(text: &str, most: usize) -> String {
    let name = &shortened(text, most);
    let mut shown = String::with_capacity(name.len() + 4);
    if name.chars().next().is_some_and(|c| c.width() == Some(0) && hidden(c).is_none()) {
        shown.push('◌');
    }
    for c in name.chars() {
        match hidden(c) {
            Some(picture) => shown.push_str(&picture),
            None => shown.push(c),
        }
    }
    if name.chars().any(is_right_to_left) {
        shown.push(LEFT_TO_RIGHT);
    }
    without_marks(shown)
}

/// At most `most` characters: the first two thirds and the last third, with `…` between them.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most || text.chars().nth(most).is_none() {
        return text.into();
    }
    let (first, last) = (most * 2 / 3, most / 3 - 1);
    let head = text.char_indices().nth(first).map_or(text, |(end, _)| &text[..end]);
    let tail = text.char_indices().nth_back(last.max(1) - 1).map_or("", |(start, _)| &text[start..]);
    format!("{head}…{tail}").into()
}

/// The replacement for a character that is invisible or changes how its neighbours appear.
fn hidden(c: char) -> Option<String> {
    Some(match c {
        '\n' => "↵".into(),
        '\t' => "→".into(),
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32)?.into(),
        '\x7f' => "␡".into(),
        '\u{fffe}' | '\u{ffff}' => "\u{fffd}".into(),
        '\u{80}'..='\u{a0}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202f}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => format!("⟨{:x}⟩", c as u32),
        _ => return None,
    })
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// The number of monospace columns of a text; wide characters take two.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The width in px of a monospace text, at 0.6 em per column.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    columns(text) as f64 * size * 0.6
}

/// The text, cut to at most `limit` columns with `…` at the cut.
pub(crate) fn fit(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        let longer = columns(&kept) + c.width().unwrap_or(0);
        if longer + 1 > limit {
            break;
        }
        kept.push(c);
    }
    let kept = kept.trim_end_matches('\u{200d}');
    let mark = if text.ends_with(LEFT_TO_RIGHT) { "\u{200e}" } else { "" };
    format!("{kept}…{mark}")
}

/// The text padded with spaces on the right to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The text padded with spaces on the left to `width` columns.
pub(crate) fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The first line of a plain-text form; empty without a title.
pub(crate) fn headline(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("{title}\n") }
}

/// The title, or the fallback if it is empty.
pub(crate) fn or<'a>(title: &'a str, fallback: &'a str) -> &'a str {
    if title.is_empty() { fallback } else { title }
}

/// The text escaped for XML and HTML content and attributes, on one line.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            LEFT_TO_RIGHT => out.push(c),
            // XML cannot express some of these characters, even as references.
            _ => match hidden(c) {
                Some(picture) => out.push_str(&picture),
                None => out.push(c),
            },
        }
    }
    out
}

/// A number to read: three significant digits without trailing zeros, with a true minus sign.
pub(crate) fn number(value: f32) -> String {
    rounded(value, 3)
}

/// A number to glance at: two significant digits.
pub(crate) fn short_number(value: f32) -> String {
    rounded(value, 2)
}

fn rounded(value: f32, digits: i32) -> String {
    let magnitude = value.abs();
    let text = if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "∞".into() } else { "-∞".into() }
    } else if value == 0.0 {
        "0".into()
    } else if !(9.995e-4..1e6).contains(&magnitude) {
        let text = format!("{value:.*e}", digits as usize - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{exponent}", trimmed(mantissa))
    } else {
        let decimals = (digits - 1 - magnitude.log10().floor() as i32).clamp(0, 5) as usize;
        trimmed(&format!("{value:.decimals$}")).into()
    };
    text.replace('-', "−")
}

/// Drops trailing zeros after the decimal point.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_newlines_and_controls_can_be_seen() {
        assert_eq!(visible(" Mary"), "·Mary");
        assert_eq!(visible("a\n\tb"), "a↵→b");
        assert_eq!(visible("\0\x1b"), "␀␛");
        assert_eq!(visible("\u{202e}x\u{200b}"), "⟨202e⟩x⟨200b⟩");
        assert_eq!(visible("\u{301}"), "◌\u{301}");
        assert_eq!(visible(""), "∅");
    }

    #[test]
    fn a_right_to_left_token_keeps_its_index_at_its_right() {
        assert_eq!(visible("שלום"), "שלום\u{200e}");
        assert_eq!(fit(&visible("שלוםשלום"), 4), "שלו…\u{200e}");
    }

    #[test]
    fn a_cut_text_is_never_wider_than_asked() {
        for text in ["abcdefghij", "東京東京東京", "a\u{301}bcdefg", "👩‍👩‍👧‍👧xyzabc"] {
            for limit in 1..12 {
                assert!(columns(&fit(text, limit)) <= limit, "{text} cut to {limit}");
            }
        }
        assert_eq!(fit("abcdef", 4), "abc…");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("</svg><script>\"&'\n\x01"), "&lt;/svg&gt;&lt;script&gt;&quot;&amp;&#39;&#10;␁");
    }

    #[test]
    fn no_text_from_outside_begins_a_line_or_says_a_word_of_the_kernel() {
        let attack = "x\r\nEVCXR_PANIC_NOTIFICATION\u{2028}\u{85}\u{2066}\u{9b}EVCXR_BEGIN_CONTENT text/html\n\x1b[0m";
        for shown in [printable(attack), visible(attack), line(attack), sentence(attack)] {
            assert!(!shown.contains(MARK) && !shown.chars().any(|c| c.is_control() || hidden(c).is_some()), "{shown}");
        }
        let shown = lines(attack);
        assert_eq!(shown.lines().count(), 3);
        assert!(!shown.contains(MARK) && !shown.contains('\x1b'), "{shown}");
        assert_eq!(escape(attack).matches("&#10;").count(), 2);
        assert_eq!((line(""), line(line(attack))), (String::new(), line(attack)));
    }

    #[test]
    fn a_text_without_end_is_shown_by_its_ends() {
        let long = format!("begin{}end", "é".repeat(1_000_000));
        let shown = printable(&long);
        assert!(
            shown.starts_with("begin") && shown.ends_with("end") && shown.chars().count() <= LONGEST_NAME,
            "{shown}"
        );
        assert_eq!(line("a".repeat(LONGEST_NAME)).len(), LONGEST_NAME);
        assert!(fit(&printable(&"\u{301}".repeat(1_000_000)), 4).len() < 10_000);
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        let cases = [
            (0.41, "0.41"),
            (-0.0, "0"),
            (0.123_45, "0.123"),
            (12.345, "12.3"),
            (-1234.5, "−1234"),
            (2.0e7, "2e7"),
            (-1.25e-5, "−1.25e−5"),
            (0.001, "0.001"),
            (1.0, "1"),
            (100.0, "100"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(short_number(0.256), "0.26");
        assert_eq!(number(f32::NAN), "NaN");
        assert_eq!(number(f32::NEG_INFINITY), "−∞");
    }
}
