//! Tests writers that are stopped after every number of steps, by a failure and by a kill.

use super::{super::*, Scratch, files as files_of, leftovers, under};
use crate::files::{
    exchange::MANY,
    steps::{End, ended},
};
use std::{fs, path::PathBuf};

const ENDS: [End; 2] = [End::Fail, End::Kill];

/// Runs `write` on a fresh scratch folder, stopped after 0, 1, 2, ... steps, until it finishes.
fn at_every_step(
    prepare: impl Fn(&Scratch) -> PathBuf,
    write: impl Fn(&Path) -> Result<()>,
    check: impl Fn(&Scratch, &Path, End, Result<()>, usize),
) -> usize {
    let mut most = 0;
    for end in ENDS {
        for steps in 0.. {
            let scratch = Scratch::new();
            let path = prepare(&scratch);
            let (said, reached) = ended(steps, end, || write(&path));
            if !reached {
                said.unwrap();
                break;
            }
            most = most.max(steps);
            check(&scratch, &path, end, said, steps);
        }
    }
    most
}

#[test]
fn a_file_is_one_of_the_two_wholes_wherever_its_writer_is_stopped() {
    let steps = at_every_step(
        |scratch| scratch.file("a.txt", "old"),
        |path| write(path, "new"),
        |scratch, path, end, said, steps| {
            let now = fs::read_to_string(path).unwrap();
            assert!(["old", "new"].contains(&&*now), "{end:?} after {steps} steps: {now}");
            assert!(said.unwrap_err().to_string().contains("a.txt cannot be written: stopped"));
            if end == End::Fail {
                assert_eq!(leftovers(&scratch.0), Vec::<PathBuf>::new(), "after {steps} steps");
            }
        },
    );
    assert!(steps >= 5, "{steps}");
}

#[test]
fn a_new_file_is_whole_or_not_there() {
    at_every_step(
        |scratch| scratch.0.join("a.txt"),
        |path| write(path, "new"),
        |_, path, end, _, steps| {
            let now = fs::read_to_string(path).unwrap_or("new".into());
            assert_eq!(now, "new", "{end:?} after {steps} steps");
        },
    );
}

fn model(scratch: &Scratch) -> PathBuf {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        scratch.file(&format!("m/{name}"), "old");
    }
    scratch.file("m/README.md", "mine");
    scratch.file("m/checkpoints/0.safetensors", "mine");
    scratch.0.join("m")
}

fn fill(new: &Path) -> Result<()> {
    ["config.json", "model.safetensors", "tokenizer.json"].into_iter().try_for_each(|name| write(new.join(name), "new"))
}

/// The content of a model's folder, by the content of its three files.
fn holds(of: &str) -> Vec<(String, String)> {
    let file = |name: &str, content: &str| (name.to_owned(), content.to_owned());
    vec![
        file("README.md", "mine"),
        file("checkpoints/0.safetensors", "mine"),
        file("config.json", of),
        file("model.safetensors", of),
        file("tokenizer.json", of),
    ]
}

#[test]
fn a_model_is_one_of_the_two_wholes_wherever_its_writer_is_stopped() {
    let steps = at_every_step(
        model,
        |path| write_folder(path, fill),
        |scratch, path, end, said, steps| {
            let now = files_of(path);
            // A failed step may be done in the other way, and a step that fails after the exchange does not matter.
            let new = match &said {
                Ok(()) => vec![holds("new")],
                Err(_) => vec![holds("old"), holds("new")],
            };
            assert!(new.contains(&now), "{end:?} after {steps} steps: {said:?} {now:?}");
            if end == End::Fail && said.is_err() {
                assert_eq!(leftovers(&scratch.0), Vec::<PathBuf>::new(), "after {steps} steps");
            }
        },
    );
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_new_folder_is_whole_or_not_there() {
    at_every_step(
        |scratch| scratch.0.join("within/m"),
        |path| write_folder(path, fill),
        |_, path, end, said, steps| {
            let whole = path.exists().then(|| files_of(path).len());
            assert!([None, Some(3)].contains(&whole), "{end:?} after {steps} steps: {said:?} {whole:?}");
        },
    );
}

#[test]
fn where_folders_cannot_be_exchanged_a_stopped_writer_loses_no_file_and_leaves_no_mixture() {
    // More files than are carried over.
    let prepare = |scratch: &Scratch| {
        let path = model(scratch);
        (0..=MANY).for_each(|count| drop(scratch.file(&format!("m/many/{count}"), "mine")));
        path
    };
    at_every_step(
        prepare,
        |path| write_folder(path, fill),
        |scratch, path, end, said, steps| {
            let now: Vec<_> = files_of(path).into_iter().filter(|(name, _)| !name.starts_with("many/")).collect();
            let (old, new) = (holds("old"), holds("new"));
            if end == End::Fail {
                let expected = if said.is_ok() { &new } else { &old };
                assert_eq!(&now, expected, "a failure after {steps} steps: {said:?}");
                assert_eq!(leftovers(path), Vec::<PathBuf>::new(), "after {steps} steps");
                return;
            }
            let mixed = now.iter().any(|(name, _)| name == "config.json") && now != old && now != new;
            assert!(!mixed, "a kill after {steps} steps: {now:?}");
            let everything = under(&scratch.0);
            let has = |name: &str, content: &str| {
                everything.iter().any(|(path, what)| path.ends_with(name) && what == content)
            };
            let whole = |content: &str| {
                ["config.json", "model.safetensors", "tokenizer.json"].iter().all(|name| has(name, content))
            };
            assert!(whole("old") || now == new, "a kill after {steps} steps: {everything:?}");
            assert!(now == old || whole("new"), "a kill after {steps} steps: {everything:?}");
        },
    );
}
