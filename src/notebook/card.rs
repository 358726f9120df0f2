//! [`Card`]: a small page of facts, tables and pictures. Models, runs and other types show themselves with it.

use super::Show;
use crate::printable::{columns, escape, line, pad, sentence};
use std::fmt::Display;

/// A piece of text on a [`Card`].
pub(crate) struct Chip {
    /// The text.
    pub text: String,
    /// The tooltip.
    pub title: String,
    /// Whether it is less important than its neighbours.
    pub faint: bool,
}

/// A small page of facts, tables and pictures, written once and kept as HTML and as plain text.
///
/// The HTML uses plain elements; its few styles may be dropped without loss.
#[derive(Clone, Debug, Default)]
pub(crate) struct Card {
    html: String,
    plain: String,
}

impl Card {
    /// Starts a card with a heading.
    pub(crate) fn new(title: &str) -> Self {
        let title = line(title);
        let html = format!("<strong style=\"font-size:14px\">{}</strong>\n", escape(&title));
        Self { html, plain: format!("{title}\n") }
    }

    /// Adds names and values in two columns.
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

    /// Adds a table with a header row. Of very many rows, only the first are shown and the rest are counted.
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

    /// Adds a long part behind a line that opens it; the plain-text form shows it in full.
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

    /// Adds pieces of text in a row, each with a tooltip. In plain text, faint pieces are in brackets. Of very many
    /// pieces, only the first are shown.
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

    /// Adds a sentence.
    pub(crate) fn note(mut self, text: &str) -> Self {
        let text = sentence(text);
        self.html += &format!("<div style=\"margin:6px 0;color:#67727f\">{}</div>\n", escape(&text));
        self.plain += &format!("  {text}\n");
        self
    }

    /// Adds anything that can be shown, such as a figure.
    pub(crate) fn shown(mut self, part: &impl Show) -> Self {
        self.html += &format!("{}\n", part.html());
        self.plain += &format!("{}\n", part.plain().trim_end());
        self
    }
}

/// The most rows of a table, and the most pieces in a row.
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
    fn a_table_or_text_without_end_is_shown_by_its_beginning() {
        let card = Card::new("a").table(&["n"], (0..1_000_000).map(|n| [n.to_string()]));
        assert!(card.plain().ends_with("… and 998000 more rows\n") && card.html().len() < 1_000_000);
        let chip = |n: usize| Chip { text: n.to_string(), title: String::new(), faint: false };
        let card = Card::new("a").chips((0..1_000_000).map(chip));
        assert!(card.plain().ends_with("… and 998000 more pieces\n") && card.html().len() < 1_000_000);
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
