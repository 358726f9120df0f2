//! The words of `# Shapes`: they stand in the glossary, src/axes.rs.

use std::{collections::BTreeSet, fs};

use super::{folders, source};

#[test]
fn shapes_use_only_the_words_of_the_glossary() {
    let glossary = fs::read_to_string(source("axes.rs")).unwrap();
    let rows = glossary.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let words: BTreeSet<_> = rows.flat_map(|row| row.split(" | ").next().unwrap().split(['`', ',', ' '])).collect();
    let mut unknown = Vec::new();
    for folder in [folders(&source("")), vec![source("")]].concat() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let beyond = shapes(&text).into_iter().filter(|(_, word)| !words.contains(word));
            unknown.extend(beyond.map(|(line, word)| format!("{}:{line}: {word}", path.display())));
        }
    }
    assert!(unknown.is_empty(), "use a word of src/axes.rs, or add a row there:\n{}", unknown.join("\n"));
}

#[test]
fn the_reader_of_shapes_finds_every_word() {
    let text =
        "/// # Shapes\n/// `x`: `[batch * pos, 3]` to `[.., way]`.\n/// # Errors\n/// `[not]`\nfn f() {} // `[nor]`";
    assert_eq!(shapes(text), [(2, "batch"), (2, "pos"), (2, ".."), (2, "way")]);
}

/// The words of the shapes in a file's `# Shapes` sections, with the numbers of their lines.
fn shapes(text: &str) -> Vec<(usize, &str)> {
    let (mut within, mut found) = (false, Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim);
        within = comment.is_some_and(|text| if text.starts_with("# ") { text == "# Shapes" } else { within });
        let shapes = comment.unwrap_or_default().split('`').skip(1).step_by(2).filter(|code| code.starts_with('['));
        let words = shapes.flat_map(|shape| shape.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')));
        let words = words.filter(|word| within && !word.is_empty() && word.parse::<usize>().is_err());
        found.extend(words.map(|word| (number + 1, word)));
    }
    found
}
