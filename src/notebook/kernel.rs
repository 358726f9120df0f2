//! What the kernel is told: blocks of text, one for each form of an output.
//!
//! The kernel keeps one output a cell: of several, the last. So each output of a cell is printed together with those
//! before it, and the last one has them all.

use crate::printable::lines;
use std::{
    io::{self, Write},
    panic::Location,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What a cell has shown: HTML and plain text.
struct Shown {
    cell: usize,
    outputs: Vec<(String, String)>,
}

/// A cell that shows more than this many bytes keeps its last outputs.
const MOST: usize = 4 << 20;

static SHOWN: Mutex<Shown> = Mutex::new(Shown { cell: 0, outputs: Vec::new() });

/// Prints an output of the cell that `caller` is in, and what the cell has shown before.
pub(super) fn show(html: String, plain: String, caller: &'static Location<'static>) {
    let (html, plain) = together(html, plain, cell(caller));
    // A closed standard output has nobody to tell. One write, so that no other thread's line can fall between.
    let _ = io::stdout().lock().write_all(blocks(&html, &plain).as_bytes());
}

/// The HTML of one value that the kernel prints, such as each part of a tuple, and when the last part was printed.
static PRINTED: Mutex<(Option<Instant>, String)> = Mutex::new((None, String::new()));

/// The parts of one value follow each other faster than this. The next cell does not: it has to be compiled first.
const NEXT_CELL: Duration = Duration::from_millis(150);

/// Prints the HTML alone, where the kernel prints the plain text: that of a whole value, part after part. `begun` is when
/// the part's turn came.
pub(super) fn show_html(begun: Instant, html: &str) {
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let (last, parts) = &mut *printed;
    if last.is_none_or(|last| begun.duration_since(last) > NEXT_CELL) {
        parts.clear();
    }
    *parts = if parts.is_empty() { html.to_owned() } else { format!("{parts}\n{html}") };
    let _ = io::stdout().lock().write_all(block("text/html", parts).as_bytes());
    *last = Some(Instant::now());
}

/// A number that tells the cells of a session apart. The kernel compiles each into a library of its own, which is never
/// unloaded, and with it the name of the file that the call is in.
fn cell(caller: &'static Location<'static>) -> usize {
    caller.file().as_ptr().addr()
}

/// The outputs of a cell so far, with this one.
fn together(html: String, plain: String, cell: usize) -> (String, String) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if shown.cell != cell {
        *shown = Shown { cell, outputs: Vec::new() };
    }
    shown.outputs.push((html, plain));
    while shown.outputs.len() > 1
        && shown.outputs.iter().map(|(html, plain)| html.len() + plain.len()).sum::<usize>() > MOST
    {
        shown.outputs.remove(0);
    }
    let join = |form: fn(&(String, String)) -> &str| shown.outputs.iter().map(form).collect::<Vec<_>>().join("\n");
    (join(|(html, _)| html), join(|(_, plain)| plain.trim_end()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::{Card, Show};

    #[test]
    fn a_cell_shows_all_that_it_was_told_to_show_and_nothing_of_another_cell() {
        let show = |name: &str, cell| together(format!("<b>{name}</b>"), format!("{name}\n"), cell);
        assert_eq!(show("one", 1), ("<b>one</b>".into(), "one".into()));
        assert_eq!(show("two", 1), ("<b>one</b>\n<b>two</b>".into(), "one\ntwo".into()));
        assert_eq!(show("three", 2).1, "three");
        let long = "x".repeat(MOST);
        assert_eq!(show(&long, 2).1, long);
    }

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
}
