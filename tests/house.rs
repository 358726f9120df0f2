//! The order of the crate's folders: who may use whom. It stands in the documentation of the crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

#[path = "house/shapes.rs"]
mod shapes;

#[test]
fn no_folder_uses_one_that_stands_above_it() {
    let floors = floors(&fs::read_to_string(source("lib.rs")).unwrap());
    let folders: BTreeSet<_> = modules("").into_iter().collect();
    let named: BTreeSet<_> = floors.keys().cloned().collect();
    assert_eq!(named, folders, "the floors in src/lib.rs name other folders than there are");
    let mut upward = Vec::new();
    for (path, text) in sources(&source("")) {
        let own = folder_of(&path);
        let Some(&height) = floors.get(&own) else { continue };
        for used in uses(&text) {
            if floors.get(&used).is_some_and(|&other| other > height) {
                upward.push(format!("{} uses {used}, which stands above {own}", path.display()));
            }
        }
    }
    assert!(upward.is_empty(), "move what is used down, or what uses it up:\n{}", upward.join("\n"));
}

/// A parent module and its children may know each other: the parent holds what they share. Between siblings, three files
/// may go round in a circle, no more.
#[test]
fn within_a_folder_no_more_than_three_files_use_each_other_in_a_circle() {
    let mut long = Vec::new();
    for folder in folders(&source("")) {
        let files = siblings(&folder);
        let shared = fs::read_to_string(folder.join("mod.rs")).or_else(|_| fs::read_to_string(folder.join("lib.rs")));
        let exports = exports(&code(&shared.unwrap_or_default()));
        let arrows: BTreeMap<_, _> = files
            .iter()
            .map(|(name, text)| (name.clone(), sibling_uses(text, &exports, &files.keys().cloned().collect())))
            .collect();
        for circle in circles(&arrows).into_iter().filter(|circle| circle.len() > 3) {
            long.push(format!("{}: {}", folder.display(), circle.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    assert!(long.is_empty(), "files that use each other in a circle:\n{}", long.join("\n"));
}

#[test]
fn one_file_says_on_which_device_tensors_of_numbers_lie() {
    let says = sources(&source("")).into_iter().filter(|(_, text)| text.contains("Device::")).map(|(path, _)| path);
    assert_eq!(
        says.collect::<Vec<_>>(),
        [source("tensor/made.rs")],
        "make the tensor with a function of tensor/made.rs"
    );
}

#[test]
fn the_reader_of_use_lines_finds_every_form() {
    let text = code(
        "//! crate::above::doc\nuse crate::{Model, a::b, c::{d, e::f}};\nfn x() { crate::g::h(); } // crate::not\n\
         #[cfg(test)]\nmod tests { use crate::test_only; }",
    );
    assert_eq!(uses(&text), ["model", "a", "c", "g"].map(String::from).into());
    let arrows = BTreeMap::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
        ("b".to_owned(), BTreeSet::from(["c".to_owned()])),
        ("c".to_owned(), BTreeSet::from(["a".to_owned(), "d".to_owned()])),
        ("d".to_owned(), BTreeSet::new()),
    ]);
    assert_eq!(circles(&arrows), [BTreeSet::from(["a", "b", "c"].map(String::from))]);
    assert_eq!(
        exports("pub use site::{Site, Stack};\npub(crate) use short::nearest;"),
        BTreeMap::from([("Site", "site"), ("Stack", "site"), ("nearest", "short")].map(|(a, b)| (a.into(), b.into())))
    );
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)
}

/// How high each folder stands, from the table in the documentation of the crate.
fn floors(lib: &str) -> BTreeMap<String, usize> {
    let table = lib.split("# The floors of this crate").nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    let known: BTreeSet<_> = modules("").into_iter().collect();
    // The names stand in the last column, behind at least two spaces.
    let names = |line: &str| line.rsplit("  ").next().unwrap_or_default().trim().to_owned();
    let mut heights = BTreeMap::new();
    for line in table.lines().rev().filter(|line| line.contains("  ")).map(names) {
        // Within a line, what stands to the right is higher.
        for word in line.split_whitespace() {
            assert!(known.contains(word), "`{word}` is among the floors and no module");
            let height = heights.len();
            assert!(heights.insert(word.to_owned(), height).is_none(), "`{word}` stands on two floors");
        }
    }
    heights
}

/// The folders and files of `src` that are modules.
fn modules(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(source(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.to_string_lossy().trim_end_matches(".rs").to_owned());
    names.filter(|name| !["lib", "bin"].contains(&name.as_str())).collect()
}

fn folder_of(path: &Path) -> String {
    let below = path.strip_prefix(source("")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Every file below a folder, without comments and tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => fs::read_to_string(&path).map(|text| vec![(path, code(&text))]).unwrap_or_default(),
    };
    let files =
        entries.filter(|path| !path.ends_with("bin") && !path.ends_with("tests") && !path.ends_with("tests.rs"));
    files.flat_map(below).filter(|(path, _)| path.extension().is_some_and(|end| end == "rs")).collect()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = entries.filter(|path| path.is_dir() && !path.ends_with("bin") && !path.ends_with("tests"));
    below.flat_map(|path| [vec![path.clone()], folders(&path)].concat()).collect()
}

fn code(text: &str) -> String {
    let tests = ["#[cfg(test)]\nmod", "#[cfg(all(test"].iter().filter_map(|mark| text.find(mark)).min();
    let lines = text[..tests.unwrap_or(text.len())].lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The folders that a text names after `crate::`.
fn uses(text: &str) -> BTreeSet<String> {
    let of_root = |name: &str| match name {
        "Model" => "model".to_owned(),
        "Error" | "Result" => "error".to_owned(),
        name => name.to_owned(),
    };
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group).iter().map(|name| of_root(name))),
            None => found.extend([of_root(&identifier(rest))]),
        }
    }
    found
}

/// The first name of every part of a group, which begins after its brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut part) = (1, Vec::new(), String::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && letter == ',') {
            names.push(identifier(part.trim()));
            part.clear();
        } else {
            part.push(letter);
        }
        if depth == 0 {
            break;
        }
    }
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The files of a folder but its `mod.rs`, and folders of it by all that is in them.
fn siblings(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::<String, String>::new();
    for (path, text) in sources(folder) {
        let below = path.strip_prefix(folder).unwrap();
        // What a folder's files share through `super` is their own affair.
        if below.components().count() == 1 && !below.ends_with("mod.rs") {
            files.insert(identifier(&below.to_string_lossy()), text);
        }
    }
    files
}

/// From the names that a module gives away to the file that has them.
fn exports(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for statement in text.split(';').filter(|statement| statement.trim_start().starts_with("pub")) {
        let Some((_, path)) = statement.split_once("use ") else { continue };
        let Some((file, names)) = path.split_once("::") else { continue };
        for name in names.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')) {
            found.insert(name.to_owned(), file.trim().to_owned());
        }
    }
    found.remove("");
    found
}

/// The other files of the folder that a file uses, by their names or by what the folder gives away of theirs.
fn sibling_uses(text: &str, exports: &BTreeMap<String, String>, files: &BTreeSet<String>) -> BTreeSet<String> {
    let mut names = Vec::new();
    for rest in text.split("super::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => names.extend(first_names(group)),
            None => names.push(identifier(rest)),
        }
    }
    let file = |name: &String| files.get(name).or_else(|| files.get(exports.get(name)?)).cloned();
    names.iter().filter_map(file).collect()
}

/// The sets of more than one file that can all be reached from each other.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach = |start: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(name) = next.pop() {
            next.extend(arrows.get(&name).into_iter().flatten().filter(|other| seen.insert((*other).clone())).cloned());
        }
        seen
    };
    let reached: BTreeMap<_, _> = arrows.keys().map(|name| (name, reach(name))).collect();
    let mutual = |name: &String| -> BTreeSet<String> {
        reached[name]
            .iter()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(name)))
            .cloned()
            .collect()
    };
    let mut found: Vec<_> = arrows.keys().map(mutual).filter(|circle| circle.len() > 1).collect();
    found.sort();
    found.dedup();
    found
}
