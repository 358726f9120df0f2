//! Every public method that takes a number which counts something (token ids, layers, heads, positions, texts, experts,
//! neurons, ...) says in one sentence when it leads nowhere, whatever number it is.
//!
//! A new method is one line of the table; a line that is missing is found by reading the sources.

use crate::{
    ids_table::{Call, Table, WORDS, of_a_model, of_others},
    reference::folder,
};
use glassbox::{load::Checkpoint, prelude::*, text::Tokenizer};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// What a call does with numbers that are none of `len`; empty where it refuses all of them.
fn wrong(call: &Call, len: usize) -> Vec<String> {
    let (past, before) = (len as i64, -(len as i64) - 1);
    let numbers: Vec<i128> = match call {
        Call::Id(_) => vec![past as i128, u32::MAX as i128],
        Call::FromStart(_) => vec![past as i128, usize::MAX as i128],
        Call::EitherEnd(_) => [past, before, i64::MAX, i64::MIN].map(i128::from).to_vec(),
    };
    let verdict = |number: i128| {
        let result = catch_unwind(AssertUnwindSafe(|| match call {
            Call::Id(call) => call(number as u32),
            Call::FromStart(call) => call(number as usize),
            Call::EitherEnd(call) => call(number as i64),
        }));
        match result {
            Err(_) => Some(format!("{number} panics")),
            Ok(Ok(())) => Some(format!("{number} is taken")),
            Ok(Err(error)) if !error.is_out_of_range() => Some(format!("{number} is no number out of range: {error}")),
            Ok(Err(error)) => {
                let sentence = error.to_string();
                let raw = ["dim", "shape mismatch", "the tensor library"].iter().any(|word| sentence.contains(word));
                raw.then(|| format!("{number} gets a sentence of the tensor library: {sentence}"))
            }
        }
    };
    numbers.into_iter().filter_map(verdict).collect()
}

fn hold(table: &Table) {
    let faults = table.iter().flat_map(|(name, len, call)| {
        wrong(call, *len).into_iter().map(|fault| format!("{name}: {fault}")).collect::<Vec<_>>()
    });
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_number_that_leads_nowhere_is_refused_by_every_method_of_a_model() {
    hold(&of_a_model());
}

#[test]
fn a_number_that_leads_nowhere_is_refused_by_every_other_method() {
    hold(&of_others());
}

#[test]
fn a_word_that_the_tokenizer_knows_and_the_embedding_lacks_is_refused_wherever_a_word_is_given() {
    let model = with_a_word_too_many();
    let run = model.run([7, 8, 9]).unwrap();
    let stack = run.decompose(Site::resid_post(1)).unwrap();
    let table: Vec<(&str, Result<()>)> = vec![
        ("to_single_token", model.to_single_token("extra").map(drop)),
        ("run", model.run("w1 extra").map(drop)),
        ("test_prompt", model.test_prompt("w1 w2", ["extra"]).map(drop)),
        ("test_prompt", model.test_prompt("w1 w2", ["w3 extra"]).map(drop)),
        ("probability", run.probability("extra", -1).map(drop)),
        ("logit_diff", run.logit_diff("w1", "extra", -1).map(drop)),
        ("logit_lens_for", run.logit_lens_for("extra").map(drop)),
        ("Metric::logit", Metric::logit(&model, "extra", 1).map(drop)),
        ("Metric::rank", Metric::rank(&model, ["extra"].as_slice(), 1).map(drop)),
        ("logit_attrs", stack.logit_attrs("extra", "w1").map(drop)),
        ("token_to_residual_direction", model.weights().token_to_residual_direction("extra").map(drop)),
        ("generate", model.generate("extra").map(drop)),
        ("then", model.read("w1").unwrap().then("extra").map(drop)),
    ];
    for (name, result) in table {
        let error = result.expect_err(name);
        assert!(error.is_out_of_range(), "{name}: {error}");
        assert_eq!(
            error.to_string(),
            "token id 101 is out of range: this model's vocabulary has ids 0 to 100",
            "{name}"
        );
    }
}

/// A model of 101 ids whose tokenizer has 102 words.
fn with_a_word_too_many() -> Model {
    let words: serde_json::Map<String, serde_json::Value> =
        (0..101).map(|id| (format!("w{id}"), id.into())).chain([("extra".to_owned(), 101.into())]).collect();
    let mut json: serde_json::Value = serde_json::from_str(WORDS).unwrap();
    json["model"] = serde_json::json!({"type": "WordLevel", "vocab": words, "unk_token": "?"});
    let mut checkpoint = Checkpoint::from_folder(folder("gpt2-tiny")).unwrap();
    checkpoint.tokenizer = Some(Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap());
    Model::from_checkpoint(checkpoint).unwrap()
}

/// Methods that answer with nothing where nothing is: an empty slice, `None`, 0, a number written out. A budget is a
/// number of positions that counts none of them.
const ANSWER_NOTHING: &[&str] = &[
    "attractors",
    "best",
    "budget",
    "chosen",
    "frequencies_for",
    "head_type",
    "ids",
    "lowered",
    "name",
    "named_by",
    "new_ids",
    "outline",
    "positions_of",
    "raised",
    "rate",
    "real",
    "rotary",
    "share",
    "spans",
    "steps",
    "strings",
    "text_before",
    "token_text",
    "token_types",
    "window",
    "statistics",
    "is_missing",
];

/// What numbers that count something are called in signatures.
const COUNTING: &[&str] = &[
    "id",
    "ids",
    "layer",
    "head",
    "heads",
    "through",
    "position",
    "positions",
    "text",
    "expert",
    "neuron",
    "neurons",
    "row",
    "index",
    "query",
    "queries",
    "key",
    "keys",
    "frequency",
    "feature",
    "answer",
    "vector",
    "at",
    "cell",
];

#[test]
fn every_method_of_the_sources_that_takes_such_a_number_is_in_the_table() {
    let table = [of_a_model(), of_others()].into_iter().flatten();
    let known: Vec<&str> = table.map(|(name, ..)| name.split(' ').next().unwrap()).collect();
    let mut missing = Vec::new();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&source).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for function in code.split("\n    pub fn ").skip(1).chain(code.split("\npub fn ").skip(1)) {
            let (signature, name) =
                (function.split(['{', ';']).next().unwrap(), function.split(['(', '<']).next().unwrap());
            let counts = |parameter: &str| {
                let Some((name, kind)) = parameter.split_once(':') else { return false };
                let name = name.trim().rsplit(' ').next().unwrap_or_default();
                let kind = kind.split(')').next().unwrap();
                let of_numbers = ["usize", "u32", "i64", "ToIndex"].iter().any(|number| kind.contains(number));
                COUNTING.contains(&name) && of_numbers && !kind.contains("Fn(")
            };
            if signature.split(['(', ',']).any(counts) && !known.contains(&name) && !ANSWER_NOTHING.contains(&name) {
                missing.push(format!("{}: {name}", source.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no line of the table has\n{}", missing.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}
