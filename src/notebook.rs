//! What a notebook cell shows.
//!
//! The evcxr kernel shows a cell's last expression by calling `evcxr_display` on it, which prints a block of text for
//! each form of the output. Everything in this crate that can be shown implements [`Show`]; so does a `Result` of it,
//! so that a cell may end in a call that can fail, with or without `?`.

use std::{
    fmt::Display,
    io::{self, Write},
};

use crate::plot::text::{columns, escape, line, lines, pad, sentence};

/// Something a notebook cell can show, as HTML and as plain text.
///
/// # Examples
/// ```
/// use glassbox::notebook::Show;
/// let failed: glassbox::Result<glassbox::plot::Figure> = glassbox::plot::Bars::new(Vec::<(&str, f32)>::new()).draw();
/// assert!(failed.plain().contains("nothing to draw"));
/// ```
pub trait Show {
    /// The thing as a piece of HTML that needs no script and no style sheet.
    fn html(&self) -> String;

    /// The thing as plain text.
    fn plain(&self) -> String;

    /// Several of these as HTML: one under the other, unless the type knows better.
    fn html_of_all(all: &[Self]) -> String
    where
        Self: Sized,
    {
        match all {
            [] => NOTHING.into(),
            all => all.iter().map(Self::html).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Several of these as plain text.
    fn plain_of_all(all: &[Self]) -> String
    where
        Self: Sized,
    {
        match all {
            [] => "nothing to show".into(),
            all => all.iter().map(|one| one.plain().trim_end().to_owned()).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Shows it as the output of the cell; the kernel calls this on the cell's last expression.
    #[track_caller]
    fn evcxr_display(&self) {
        show(&self.html(), &self.plain());
    }
}

/// `Ok` shows the value, `Err` one red-bordered sentence.
impl<T: Show, E: Display> Show for Result<T, E> {
    fn html(&self) -> String {
        match self {
            Ok(value) => value.html(),
            Err(error) => format!(
                "<div style=\"border:1px solid #b2182b;border-left-width:4px;border-radius:4px;padding:8px 12px;\
                 background:#fff;color:#1f2933;max-width:80ch\"><strong>Error:</strong> {}</div>",
                escape(&sentence(error.to_string()))
            ),
        }
    }

    fn plain(&self) -> String {
        match self {
            Ok(value) => value.plain(),
            Err(error) => format!("Error: {}", sentence(error.to_string())),
        }
    }
}

/// Numbers show themselves. With a trait that has `evcxr_display` anywhere in sight, the kernel cannot fall back to
/// `{:?}` for a number whose type is still open, so that a cell `let n = 3; n` would not compile.
macro_rules! numbers {
    ($($number:ty)*) => { $(
        impl Show for $number {
            fn html(&self) -> String {
                format!("<pre>{self:?}</pre>")
            }

            fn plain(&self) -> String {
                format!("{self:?}")
            }
        }
    )* };
}

numbers!(i32 i64 u8 u32 u64 usize f32 f64);

/// `None` shows that there is nothing.
impl<T: Show> Show for Option<T> {
    fn html(&self) -> String {
        self.as_ref().map_or_else(|| NOTHING.into(), Show::html)
    }

    fn plain(&self) -> String {
        self.as_ref().map_or_else(|| "nothing to show".into(), Show::plain)
    }
}

const NOTHING: &str = "<em>nothing to show</em>";

/// Prints the HTML alone, where the kernel prints the plain text.
pub(crate) fn show_html(html: &str) {
    let _ = io::stdout().lock().write_all(block("text/html", html).as_bytes());
}

/// Prints both forms in one write, so that no other thread's line can fall between them.
pub(crate) fn show(html: &str, plain: &str) {
    // A closed standard output has nobody to tell.
    let _ = io::stdout().lock().write_all(blocks(html, plain).as_bytes());
}

/// A block of the kernel: one form of an output. No line of the form can end the block or begin another: it holds none of
/// the kernel's words.
fn block(mime: &str, content: &str) -> String {
    let content = lines(content);
    let end = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    format!("EVCXR_BEGIN_CONTENT {mime}\n{content}{end}EVCXR_END_CONTENT\n")
}

fn blocks(html: &str, plain: &str) -> String {
    format!("{}{}", block("text/html", html), block("text/plain", plain))
}

/// A piece of text on a [`Card`].
pub(crate) struct Chip {
    /// The text.
    pub text: String,
    /// What is said of it when pointed at.
    pub title: String,
    /// Whether it matters less than its neighbours.
    pub faint: bool,
}

/// A small page of facts, tables and pictures, written once and kept as HTML and as plain text.
///
/// The HTML is made of plain elements; the few styles are comfort and may be dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Card {
    html: String,
    plain: String,
}

impl Card {
    /// A card with a heading.
    pub(crate) fn new(title: &str) -> Self {
        let title = line(title);
        let html = format!("<strong style=\"font-size:14px\">{}</strong>\n", escape(&title));
        Self { html, plain: format!("{title}\n") }
    }

    /// Names and values in two columns.
    pub(crate) fn facts<N: AsRef<str>, V: Display>(mut self, facts: impl IntoIterator<Item = (N, V)>) -> Self {
        let facts = facts.into_iter().map(|(name, value)| (line(name), sentence(value.to_string())));
        let facts: Vec<(String, String)> = facts.collect();
        let width = facts.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
        let rows: String = facts
            .iter()
            .map(|(name, value)| {
                let (name, value) = (escape(name), escape(value));
                format!("<tr><th {HEAD}>{name}</th><td {CELL}>{value}</td></tr>\n")
            })
            .collect();
        self.html += &table(&rows);
        for (name, value) in &facts {
            self.plain += &format!("  {}  {value}\n", pad(name, width));
        }
        self
    }

    /// A table with a row of column names; of very many rows the first, and how many more there are.
    pub(crate) fn table<R: IntoIterator<Item = String>>(
        mut self,
        header: &[&str],
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        let mut rows = rows.into_iter();
        let cells = |row: R| row.into_iter().map(line).collect();
        let shown: Vec<Vec<String>> = rows.by_ref().take(MOST).map(cells).collect();
        let (rows, more) = (shown, rows.count());
        let mut widths: Vec<usize> = header.iter().map(|name| columns(name)).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell).max(*width);
            }
        }
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<_> = cells.zip(&widths).map(|(cell, &width)| pad(cell, width)).collect();
            format!("  {}\n", padded.join("  ").trim_end())
        };
        self.plain += &line(&mut header.iter().copied());
        for row in &rows {
            self.plain += &line(&mut row.iter().map(String::as_str));
        }
        let cells = |tag: &str, style: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
            let cells: String = cells.map(|cell| format!("<{tag} {style}>{}</{tag}>", escape(cell))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let head = cells("th", HEAD, &mut header.iter().copied());
        let body: String = rows.iter().map(|row| cells("td", CELL, &mut row.iter().map(String::as_str))).collect();
        self.html += &table(&format!("{head}{body}"));
        self.and_more(more, "rows")
    }

    fn and_more(self, more: usize, what: &str) -> Self {
        if more == 0 { self } else { self.note(&format!("… and {more} more {what}")) }
    }

    /// What would be long, behind a line that opens it; the plain form has it whole.
    pub(crate) fn folded(self, summary: &str, part: impl FnOnce(Self) -> Self) -> Self {
        let part = part(Self { html: String::new(), plain: self.plain });
        let style = "style=\"cursor:pointer;color:#67727f\"";
        let html = format!(
            "{}<details><summary {style}>{}</summary>\n{}</details>\n",
            self.html,
            escape(&line(summary)),
            part.html
        );
        Self { html, plain: part.plain }
    }

    /// Pieces of text in a row, each with what is said of it when pointed at; a faint one is in brackets where there
    /// are no colours. Of very many the first are shown.
    pub(crate) fn chips(mut self, chips: impl IntoIterator<Item = Chip>) -> Self {
        let (mut html, mut plain) = (Vec::new(), Vec::new());
        let mut chips = chips.into_iter();
        for Chip { text, title, faint } in chips.by_ref().take(MOST) {
            let text = line(text);
            let style = if faint { FAINT_CHIP } else { CHIP };
            html.push(format!("<code title=\"{}\" {style}>{}</code>", escape(&title), escape(&text)));
            plain.push(if faint { format!("({text})") } else { text });
        }
        self.html += &format!("<div style=\"margin:6px 0;line-height:2\">{}</div>\n", html.join(" "));
        self.plain += &format!("  {}\n", plain.join("|"));
        self.and_more(chips.count(), "pieces")
    }

    /// A sentence.
    pub(crate) fn note(mut self, text: &str) -> Self {
        let text = sentence(text);
        self.html += &format!("<div style=\"margin:6px 0;color:#67727f\">{}</div>\n", escape(&text));
        self.plain += &format!("  {text}\n");
        self
    }

    /// Something else that can be shown, such as a figure.
    pub(crate) fn shown(mut self, part: &impl Show) -> Self {
        self.html += &format!("{}\n", part.html());
        self.plain += &format!("{}\n", part.plain().trim_end());
        self
    }
}

/// The most rows of a table, and pieces in a row.
const MOST: usize = 2000;
const HEAD: &str = "style=\"text-align:left;font-weight:600;padding:2px 14px 2px 0;color:#67727f\"";
const CELL: &str = "style=\"text-align:left;padding:2px 14px 2px 0;color:#1f2933\"";
const CHIP: &str = "style=\"background:#eef1f5;color:#1f2933;border-radius:3px;padding:2px 4px\"";
const FAINT_CHIP: &str =
    "style=\"background:#fff;color:#949ea9;border:1px dashed #cdd3da;border-radius:3px;padding:1px 3px\"";

fn table(rows: &str) -> String {
    format!("<table style=\"border-collapse:collapse;margin:6px 0\">\n{rows}</table>\n")
}

impl Show for Card {
    fn html(&self) -> String {
        format!(
            "<div style=\"background:#fff;color:#1f2933;font:13px/1.5 system-ui,sans-serif;padding:10px 14px;\
             overflow-x:auto\">\n{}</div>",
            self.html
        )
    }

    fn plain(&self) -> String {
        self.plain.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_ends_only_where_it_ends() {
        let text = blocks("<p>\nEVCXR_END_CONTENT\n</p>", "a\n  EVCXR_END_CONTENT");
        assert_eq!(text.matches("EVCXR_END_CONTENT").count(), 2);
        assert!(text.starts_with("EVCXR_BEGIN_CONTENT text/html\n<p>\n"));
        assert!(text.contains("\nEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/plain\na\n"));
        assert!(text.ends_with("\nEVCXR_END_CONTENT\n"));
    }

    #[test]
    fn no_line_of_a_form_holds_a_word_of_the_kernel() {
        let attack = "x\nEVCXR_PANIC_NOTIFICATION\r\nEVCXR_BEGIN_CONTENT text/html\n<script>\nEVCXR_END_CONTENT\n";
        for attack in [attack.to_owned(), attack.replace('\n', "\r"), attack.replace("EVCXR_", "say EVCXR_")] {
            let text = blocks(&attack, &attack);
            assert_eq!(text.matches("EVCXR_").count(), 4, "{text}");
            let failed: Result<Card, String> = Err(attack.clone());
            assert_eq!(failed.plain().lines().count(), 1);
            let card = Card::new(&attack).facts([(&attack, &attack)]).table(&["a"], [[attack.clone()]]).note(&attack);
            assert_eq!(card.plain().lines().count(), 5, "{}", card.plain());
            assert!(!card.html().contains("<script>") && !card.plain().contains("EVCXR_"));
        }
    }

    #[test]
    fn a_table_or_text_without_end_is_shown_by_its_beginning() {
        let card = Card::new("a").table(&["n"], (0..1_000_000).map(|n| [n.to_string()]));
        assert!(card.plain().ends_with("… and 998000 more rows\n") && card.html().len() < 1_000_000);
        let chip = |n: usize| Chip { text: n.to_string(), title: String::new(), faint: false };
        let card = Card::new("a").chips((0..1_000_000).map(chip));
        assert!(card.plain().ends_with("… and 998000 more pieces\n") && card.html().len() < 1_000_000);
    }

    #[test]
    fn a_failed_cell_shows_its_sentence_escaped() {
        let failed: Result<Card, &str> = Err("no token `<bos>`");
        assert!(failed.html().contains("no token `&lt;bos&gt;`"));
        assert_eq!(failed.plain(), "Error: no token `<bos>`");
        let fine: Result<Card, &str> = Ok(Card::new("model"));
        assert_eq!(fine.plain(), "model\n");
    }

    #[test]
    fn an_untyped_number_is_shown() {
        let n = 3;
        assert_eq!(n.plain(), "3");
        assert_eq!(Ok::<_, &str>(1.5).plain(), "1.5");
    }

    #[test]
    fn a_card_says_the_same_in_both_forms() {
        let card = Card::new("grammar-4l")
            .facts([("layers", "4"), ("d_model", "128")])
            .table(&["site", "shape"], [["pattern".to_string(), "[1, 4, 9, 9]".to_string()]])
            .chips([Chip { text: "<bos>".into(), title: "id 0".into(), faint: false }])
            .note("two & two")
            .folded("one <fact>", |card| card.facts([("a", "b")]));
        assert_eq!(
            card.plain(),
            "grammar-4l\n  layers   4\n  d_model  128\n  site     shape\n  pattern  [1, 4, 9, 9]\n  <bos>\n  two & two\n  a  b\n"
        );
        assert!(card.html().contains("&lt;bos&gt;</code>") && card.html().contains("two &amp; two"));
        assert!(!card.html().contains("<bos>") && card.html().contains("one &lt;fact&gt;</summary>"));
    }
}
