//! What a notebook cell shows.
//!
//! The evcxr kernel shows a cell's last expression by calling `evcxr_display` on it, which prints a block of text for
//! each form of the output. Everything in this crate that can be shown implements [`Show`]; so does a `Result` of it,
//! so that a cell may end in a call that can fail, with or without `?`.

use std::{
    fmt::Display,
    io::{self, Write},
};

use crate::plot::text::{columns, escape, pad};

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
                escape(&error.to_string())
            ),
        }
    }

    fn plain(&self) -> String {
        match self {
            Ok(value) => value.plain(),
            Err(error) => format!("Error: {error}"),
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

/// The kernel's blocks: one a form, ended by a line of its own, which no line inside may equal.
fn block(mime: &str, content: &str) -> String {
    let line = |line: &str| match line.trim() {
        END => "EVCXR-END-CONTENT\n".into(),
        _ => format!("{line}\n"),
    };
    let content: String = content.lines().map(line).collect();
    format!("EVCXR_BEGIN_CONTENT {mime}\n{content}{END}\n")
}

fn blocks(html: &str, plain: &str) -> String {
    format!("{}{}", block("text/html", html), block("text/plain", plain))
}

const END: &str = "EVCXR_END_CONTENT";

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
        let html = format!("<strong style=\"font-size:14px\">{}</strong>\n", escape(title));
        Self { html, plain: format!("{title}\n") }
    }

    /// Names and values in two columns.
    pub(crate) fn facts<N: AsRef<str>, V: Display>(mut self, facts: impl IntoIterator<Item = (N, V)>) -> Self {
        let facts: Vec<(N, String)> = facts.into_iter().map(|(name, value)| (name, value.to_string())).collect();
        let width = facts.iter().map(|(name, _)| columns(name.as_ref())).max().unwrap_or(0);
        let rows: String = facts
            .iter()
            .map(|(name, value)| {
                let (name, value) = (escape(name.as_ref()), escape(value));
                format!("<tr><th {HEAD}>{name}</th><td {CELL}>{value}</td></tr>\n")
            })
            .collect();
        self.html += &table(&rows);
        for (name, value) in &facts {
            self.plain += &format!("  {}  {value}\n", pad(name.as_ref(), width));
        }
        self
    }

    /// A table with a row of column names.
    pub(crate) fn table<R: IntoIterator<Item = String>>(
        mut self,
        header: &[&str],
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
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
        self
    }

    /// What would be long, behind a line that opens it; the plain form has it whole.
    pub(crate) fn folded(self, line: &str, part: impl FnOnce(Self) -> Self) -> Self {
        let part = part(Self { html: String::new(), plain: self.plain });
        let style = "style=\"cursor:pointer;color:#67727f\"";
        let html =
            format!("{}<details><summary {style}>{}</summary>\n{}</details>\n", self.html, escape(line), part.html);
        Self { html, plain: part.plain }
    }

    /// Pieces of text in a row, each with what is said of it when pointed at; a faint one is in brackets where there
    /// are no colours.
    pub(crate) fn chips(mut self, chips: impl IntoIterator<Item = Chip>) -> Self {
        let (mut html, mut plain) = (Vec::new(), Vec::new());
        for Chip { text, title, faint } in chips {
            let style = if faint { FAINT_CHIP } else { CHIP };
            html.push(format!("<code title=\"{}\" {style}>{}</code>", escape(&title), escape(&text)));
            plain.push(if faint { format!("({text})") } else { text });
        }
        self.html += &format!("<div style=\"margin:6px 0;line-height:2\">{}</div>\n", html.join(" "));
        self.plain += &format!("  {}\n", plain.join("|"));
        self
    }

    /// A sentence.
    pub(crate) fn note(mut self, text: &str) -> Self {
        self.html += &format!("<div style=\"margin:6px 0;color:#67727f\">{}</div>\n", escape(text));
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
        assert_eq!(text.lines().filter(|line| line.trim() == END).count(), 2);
        assert!(text.starts_with("EVCXR_BEGIN_CONTENT text/html\n<p>\n"));
        assert!(text.contains("\nEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/plain\na\n"));
        assert!(text.ends_with("\nEVCXR_END_CONTENT\n"));
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
