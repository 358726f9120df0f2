//! The output protocol of the evcxr kernel: blocks of text on standard output, one for each output format.
//!
//! The kernel keeps only the last output of a cell. So each output is printed together with all earlier ones of the
//! cell, and the last output contains them all.

use crate::printable::lines;
use std::{
    io::{self, Write},
    panic::Location,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The output of a cell so far: HTML and plain text.
struct Shown {
    cell: usize,
    outputs: Vec<(String, String)>,
}

/// If a cell shows more than this many bytes, only its last outputs are kept.
const MOST: usize = 4 << 20;

static SHOWN: Mutex<Shown> = Mutex::new(Shown { cell: 0, outputs: Vec::new() });

/// Prints an output of the cell that contains `caller`, after the earlier outputs of that cell.
pub(super) fn show(html: String, plain: String, caller: &'static Location<'static>) {
    let (html, plain) = together(html, plain, cell(caller));
    // Errors are ignored: a closed standard output has no reader. A single write keeps other threads' lines out.
    let _ = io::stdout().lock().write_all(blocks(&html, &plain).as_bytes());
}

/// The HTML of one value that the kernel prints in parts, such as a tuple, and the time of the last part.
static PRINTED: Mutex<(Option<Instant>, String)> = Mutex::new((None, String::new()));

/// The longest pause between the parts of one value. The next cell takes longer, because it has to be compiled first.
const NEXT_CELL: Duration = Duration::from_millis(150);

/// Prints only the HTML, because the kernel prints the plain text itself. It repeats the earlier parts of the same
/// value. `begun` is the time when this part started.
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

/// A number that identifies the cell. The kernel compiles each cell into a library that is never unloaded, so the
/// address of the caller's file name is unique to the cell.
fn cell(caller: &'static Location<'static>) -> usize {
    caller.file().as_ptr().addr()
}

/// The outputs of a cell so far, including this one.
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

/// A block for the kernel: one output format. No line of the content can end the block or start another, because it
/// contains none of the kernel's marker words.
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
