//! Reads the sources for what is public and gives something borrowed.

use std::collections::BTreeSet;

/// Types of other crates that hold a reference, by the beginning of their names.
const OF_OTHERS: [&str; 10] =
    ["ArrayView", "CowArray", "Cow<", "Ref<", "RefMut<", "MutexGuard", "RwLock", "Iter<", "Chunks", "Chars"];

/// Code alone: no comments, no attributes, no words in quotation marks, no tests.
pub fn plain(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut code, mut rest) = (String::new(), text);
    while let Some(next) = rest.chars().next() {
        let skipped = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '#' if rest.starts_with("#[") || rest.starts_with("#![") => end_of_attribute(rest),
            'r' if rest.starts_with("r#\"") => rest.find("\"#").map_or(rest.len(), |end| end + 2),
            '"' => end_of_string(rest),
            // A character, and no lifetime.
            '\'' if rest.starts_with("'\\") => rest[3..].find('\'').map_or(rest.len(), |end| end + 4),
            '\'' if rest.chars().nth(2) == Some('\'') => rest.char_indices().nth(3).map_or(rest.len(), |(at, _)| at),
            _ => 0,
        };
        if skipped == 0 {
            code.push(next);
        }
        rest = &rest[skipped.max(next.len_utf8())..];
    }
    code
}

fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, next) in text.char_indices().skip(1) {
        match (escaped, next) {
            (true, _) => escaped = false,
            (false, '\\') => escaped = true,
            (false, '"') => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn end_of_attribute(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        match next {
            '"' => at += end_of_string(&text[at..]) - 1,
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth -= 1,
            _ => {}
        }
        at += next.len_utf8();
    }
    text.len()
}

/// The names of the types that are declared with a lifetime.
pub fn with_a_lifetime(code: &str) -> BTreeSet<String> {
    let kinds = ["struct ", "enum ", "type "];
    let declared = kinds.iter().flat_map(|kind| code.split(kind).skip(1));
    let named = declared.filter_map(|rest| rest.split_once("<'").map(|(name, _)| name));
    named.filter(|name| name.chars().all(char::is_alphanumeric)).map(str::to_owned).collect()
}

/// What is public and gives something borrowed: `Type::name`, and what it gives.
pub fn borrowed(code: &str, holders: &BTreeSet<String>) -> Vec<(String, String)> {
    let (mut found, mut within, mut start, mut depth) = (Vec::new(), Vec::new(), 0, 0);
    for (at, next) in code.char_indices() {
        match next {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' | ';' if depth == 0 => {
                let head = code[start..at].trim();
                found.extend(judged(within.last().copied().unwrap_or_default(), head, holders));
                if next == '{' {
                    within.push(head);
                }
                start = at + 1;
            }
            // Within the brackets of a macro or of a call.
            '{' => {
                within.push("");
                start = at + 1;
            }
            '}' => {
                within.pop();
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// `head`: an item up to its `{` or `;`; `within`: that of the block it stands in.
fn judged(within: &str, head: &str, holders: &BTreeSet<String>) -> Option<(String, String)> {
    let of_a_trait = within.starts_with("pub trait ") || within.starts_with("pub unsafe trait ");
    let holder = ["pub struct ", "pub enum ", "pub type "].iter().find_map(|kind| head.strip_prefix(kind));
    if let Some((name, _)) = holder.and_then(|rest| rest.split_once("<'")) {
        return name.chars().all(char::is_alphanumeric).then(|| (name.into(), "a type with a lifetime".into()));
    }
    let (name, gives) = match head.split_once("fn ") {
        Some((before, function)) if of_a_trait || before.starts_with("pub ") => gives(function)?,
        // What a loop over it gives, and whatever else a trait of others asks for.
        None if within.contains(" for ") => head.strip_prefix("type ")?.split_once('=')?,
        _ => return None,
    };
    let owner = if within.starts_with("impl") { type_of(within) } else { within.strip_prefix("pub trait ").map(word) };
    let name = owner.into_iter().chain([word(name.trim())]).collect::<Vec<_>>().join("::");
    is_borrowed(gives, holders).then(|| (name, gives.trim().into()))
}

/// Name and result of a function, which is empty where it gives nothing.
fn gives(function: &str) -> Option<(&str, &str)> {
    let name = word(function);
    let rest = &function[name.len()..];
    let rest = if rest.starts_with('<') { &rest[balanced(rest, '<', '>')..] } else { rest };
    let result = rest[balanced(rest, '(', ')')..].trim_start().strip_prefix("->")?;
    Some((name, result.split(" where ").next()?.split("\nwhere ").next()?))
}

/// Where the bracket that the text begins with is closed; an arrow closes none.
fn balanced(text: &str, open: char, close: char) -> usize {
    let (mut depth, mut before) = (0, ' ');
    for (at, next) in text.char_indices() {
        match next {
            _ if next == open => depth += 1,
            _ if next == close && !(close == '>' && matches!(before, '-' | '=')) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + next.len_utf8();
        }
        before = next;
    }
    text.len()
}

/// Of which type `impl<..> Trait for Type<..>` is.
fn type_of(head: &str) -> Option<&str> {
    let rest = head.strip_prefix("impl")?;
    let rest = if rest.starts_with('<') { &rest[balanced(rest, '<', '>')..] } else { rest };
    let rest = rest.split_once(" for ").map_or(rest, |(_, of)| of).trim_start_matches(['&', ' ']);
    let rest = if rest.starts_with('\'') { rest.split_once(' ')?.1 } else { rest };
    Some(word(rest))
}

fn word(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

fn is_borrowed(gives: &str, holders: &BTreeSet<String>) -> bool {
    let mut gives = gives.replace("&'static ", "").replace("'static", "");
    // What a function that is given takes is its own affair.
    while let Some(at) =
        ["Fn(", "FnMut(", "FnOnce(", "fn("].iter().find_map(|name| Some(gives.find(name)? + name.len() - 1))
    {
        let end = at + balanced(&gives[at..], '(', ')');
        gives.replace_range(at..end, " ");
    }
    let mut words = gives.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let hidden = gives.contains('&') || gives.contains('\'') || gives.contains("impl ");
    hidden || words.any(|word| holders.contains(word)) || OF_OTHERS.iter().any(|other| begins_a_word(&gives, other))
}

fn begins_a_word(text: &str, beginning: &str) -> bool {
    text.match_indices(beginning).any(|(at, _)| !text[..at].ends_with(|letter: char| letter.is_alphanumeric()))
}
