//! What an answer may look like.

/// What no sentence of this crate shows: marks of the tensor library, of parsers, of Rust's own debugging.
const INSIDE: [&str; 14] = [
    "untagged enum",
    "dim:",
    "backtrace",
    "panicked",
    "called `",
    "Err(",
    "Some(",
    "candle",
    "TensorInfo",
    "SafeTensorError",
    "shape mismatch in",
    "unexpected rank",
    "index out of bounds",
    "overflow",
];
/// A sentence may be long, but is not a file.
const LONGEST: usize = 3000;

/// What is wrong with the sentence of an error, if anything is.
pub fn sentence(error: &glassbox::Error) -> Result<(), String> {
    let text = error.to_string();
    let wrong =
        |what: &str| Err(format!("{what}: {}", text.escape_debug().to_string().chars().take(500).collect::<String>()));
    if text != format!("{error:?}") {
        return wrong("Debug is not the sentence");
    }
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return wrong("an error with a control character");
    }
    if text.chars().count() > LONGEST {
        return wrong("an error as long as a file");
    }
    // What a file or an argument says is quoted; only the rest is the crate's own.
    let own = without_quotes(&text);
    // A quoted name may hold a quotation mark itself: then only what is outside of the first and last one counts.
    let outside = text.split_once('`').map_or(text.clone(), |(before, rest)| {
        format!("{before}{}", rest.rsplit_once('`').map_or("", |(_, after)| after))
    });
    if own.contains("  ") && outside.contains("  ") {
        return wrong("a gap in an error");
    }
    match INSIDE.iter().find(|mark| own.contains(*mark)) {
        Some(mark) => wrong(&format!("an error that shows `{mark}`")),
        None => Ok(()),
    }
}

fn without_quotes(text: &str) -> String {
    let parts = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    parts.split('"').step_by(2).collect::<Vec<_>>().join("\"")
}

/// What is wrong with what was shown to the kernel, if anything is: outside of its blocks no line may be for it, and
/// none inside.
pub fn blocks(shown: &str) -> Option<String> {
    let mut open = false;
    for line in shown.lines() {
        let mark = line.trim();
        let fine = match mark.strip_prefix("EVCXR_") {
            None => true,
            Some(rest) if rest.starts_with("BEGIN_CONTENT ") => !std::mem::replace(&mut open, true),
            Some("END_CONTENT") => std::mem::replace(&mut open, false),
            Some(_) => false,
        };
        if !fine {
            return Some(format!("a line for the kernel that is not ours: {}", line.escape_debug()));
        }
    }
    open.then(|| "a block that does not end".into())
}
