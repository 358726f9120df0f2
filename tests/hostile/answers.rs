//! Trying a case: what this process does with it, and whether what comes back is an answer.

use crate::{
    calls,
    case::{Case, Kind},
    judge,
    lay::lay,
    limits, originals,
};
use glassbox::{Model, load::Checkpoint, text::Tokenizer, train::Training};
use std::{path::Path, process::ExitCode};

/// Texts for tokenizers: empty, plain, control characters, emoji of several code points, an Arabic ligature, a long one.
const TEXTS: [&str; 8] =
    ["", "red fox", "\u{0}\u{1b}", "👩🏽‍🚀 ﷺ", "  \t\n ", "é e\u{301}", "<bos><s>[MASK]", "ſK\u{202e}"];

pub fn answer(case: &Path, place: &Path, seconds: u64) -> ExitCode {
    limits::stop_after(seconds);
    let outcome = Case::read(case).and_then(|case| {
        let laid = lay(&case, place).map_err(|error| format!("the case cannot be laid out: {error}"))?;
        answers(&case, &laid)
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(limits::FOUND)
        }
    }
}

fn answers(case: &Case, place: &Path) -> Result<(), String> {
    match case.kind {
        Kind::Config | Kind::Index => model(place, true),
        // A changed weight may be so large that the logits overflow, which is what they are.
        Kind::Weights | Kind::Gguf => shortened(case, place).and_then(|()| model(place, false)),
        Kind::Beside => model(place, true),
        Kind::Tokenizer => tokenizer(&case.bytes).and_then(|()| model(place, true)),
        Kind::Training => training(case, place),
        Kind::Calls => calls::make(&case.bytes, place),
    }
}

/// Nothing wrong, or what is; the value where there is one.
pub fn judged<T>(result: glassbox::Result<T>) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => judge::sentence(&error).map(|()| None),
    }
}

/// Opens the model, shows its card, runs it.
fn model(place: &Path, finite: bool) -> Result<(), String> {
    let Some(model) = judged(Model::open(place.to_string_lossy()))? else { return Ok(()) };
    model.evcxr_display();
    let ids: Vec<u32> = [5, 0, 3, 1, 9].into_iter().filter(|&id| (id as usize) < model.config().d_vocab).collect();
    if let Some(run) = judged(model.run(ids))?
        && let Some(logits) = judged(run.logits())?
    {
        let sum = logits.abs().and_then(|x| x.sum_all()?.to_scalar::<f32>()).map_err(|error| error.to_string())?;
        if finite && !sum.is_finite() {
            return Err("the model was opened and its logits are not finite".into());
        }
        judged(run.predictions(-1, 3))?;
    }
    if model.tokenizer().is_some() {
        for text in TEXTS {
            if let Some(run) = judged(model.run(text))? {
                judged(run.next_tokens(-1, 3))?.inspect(|figure| figure.evcxr_display());
            }
        }
        judged(model.generate("red fox").and_then(|generation| generation.max_new_tokens(2).run()))?;
    }
    Ok(())
}

fn tokenizer(bytes: &[u8]) -> Result<(), String> {
    let Some(tokenizer) = judged(Tokenizer::from_bytes(bytes))? else { return Ok(()) };
    for text in TEXTS.into_iter().chain([&*"a".repeat(5000), &*"日本".repeat(500)]) {
        judged(tokenizer.encode(text))?;
    }
    (0..600).chain([u32::MAX]).for_each(|id| drop(tokenizer.token_text(id)));
    judged(tokenizer.decode([0, 1, 2, 599, u32::MAX])).map(drop)
}

/// A file that becomes shorter after it was opened.
fn shortened(case: &Case, place: &Path) -> Result<(), String> {
    if case.bytes.last().is_none_or(|last| last % 8 != 0) {
        return Ok(());
    }
    let file = if place.is_dir() { place.join("model.safetensors") } else { place.to_owned() };
    let Some(checkpoint) = judged(Checkpoint::open(&place.to_string_lossy()))? else { return Ok(()) };
    std::fs::write(&file, &case.bytes[..case.bytes.len() / 2]).map_err(|error| error.to_string())?;
    judged(Model::from_checkpoint(checkpoint))?;
    std::fs::write(&file, &case.bytes).map_err(|error| error.to_string())
}

/// A training is taken up as it was put aside, or not at all.
fn training(case: &Case, place: &Path) -> Result<(), String> {
    match judged(Training::take_up(originals::recipe(), place))? {
        Some(_) if case.bytes != originals::bytes(Kind::Training, &case.base) => {
            Err("a damaged training was taken up".into())
        }
        _ => Ok(()),
    }
}
