//! Finds the special tokens in the files beside a tokenizer.

use serde_json::Value;

use super::{Settings, settings::bad};
use crate::{
    error::{LoadError, Result},
    text::{SpecialIds, Tokenizer},
};

/// Finds the special tokens. The first setting in `written` that names one wins, by its text (`"bos_token": "<s>"`, or
/// an object with a `content`) or by its id (`"bos_token_id": 1`, or a list for `eos`). An id that is in the model's
/// vocabulary but not in the tokenizer is left out, because configurations carry the defaults of their family. It is
/// listed in `unknown`, which the model's card shows.
///
/// # Errors
/// When a text or an id has the wrong type, or an id is outside the vocabulary, in any of the settings.
pub(super) fn find(written: &[Settings], config: &Settings, tokenizer: &Tokenizer) -> Result<SpecialIds> {
    let sizes = ["vocab_size", "d_vocab", "text_config.vocab_size"];
    let d_vocab = config.find::<usize>(sizes)?.map_or(usize::MAX, |size| size.max(tokenizer.d_vocab()));
    let all = |kind: &str| -> Result<Vec<u32>> {
        let mut all = Vec::new();
        for settings in written {
            let text = settings.value(&format!("{kind}_token"))?.map(|token| text_of(kind, token)).transpose()?;
            all.extend(text.and_then(|text| tokenizer.find_id(text)));
            all.extend(ids(settings, kind, d_vocab)?.into_iter().filter(|&id| tokenizer.has_id(id)));
        }
        Ok(all)
    };
    let mut unknown = Vec::new();
    for (settings, kind) in written.iter().flat_map(|settings| KINDS.map(|kind| (settings, kind))) {
        let lacking = ids(settings, kind, d_vocab)?.into_iter().filter(|&id| !tokenizer.has_id(id));
        unknown.extend(lacking.map(|id| format!("{kind}_token_id = {id}")));
    }
    unknown.sort_unstable();
    unknown.dedup();
    let first = |kind: &str| Ok::<_, crate::Error>(all(kind)?.first().copied());
    let mut adds_bos = None;
    for settings in written {
        adds_bos = adds_bos.or(settings.find("add_bos_token")?);
    }
    let bos = first("bos")?;
    if adds_bos == Some(true) && bos.is_none() {
        let why = "no `bos_token` or `bos_token_id` names a token of the tokenizer".to_owned();
        return Err(LoadError::Senseless { key: "add_bos_token".into(), value: "true".into(), why }.into());
    }
    let eos = all("eos")?.into_iter().fold(Vec::new(), |mut seen, id| {
        if !seen.contains(&id) {
            seen.push(id);
        }
        seen
    });
    Ok(SpecialIds {
        bos,
        eos,
        pad: first("pad")?,
        unk: first("unk")?,
        cls: first("cls")?,
        sep: first("sep")?,
        mask: first("mask")?,
        adds_bos,
        unknown,
    })
}

const KINDS: [&str; 7] = ["bos", "eos", "pad", "unk", "cls", "sep", "mask"];

/// Refuses ids of special tokens that are outside the configuration's vocabulary.
///
/// # Errors
/// When one is not a valid id, or outside the vocabulary.
pub(crate) fn check(settings: &Settings, d_vocab: usize) -> Result<()> {
    for settings in [Some(settings.clone()), settings.section(TEXT)?].iter().flatten() {
        for kind in KINDS.into_iter().chain(["decoder_start"]) {
            ids(settings, kind, d_vocab)?;
        }
    }
    Ok(())
}

/// The section of the text model, in a model that also reads images.
const TEXT: &str = "text_config";

fn text_of<'a>(kind: &str, token: &'a Value) -> Result<&'a str> {
    let text = token.get("content").unwrap_or(token).as_str();
    text.ok_or_else(|| bad(&format!("{kind}_token"), token, "a text, or an object with the text as `content`,".into()))
}

/// The ids in `{kind}_token_id`; only `eos` may have several.
fn ids(settings: &Settings, kind: &str, d_vocab: usize) -> Result<Vec<u32>> {
    let key = format!("{kind}_token_id");
    let several = kind == "eos" && settings.value(&key)?.is_some_and(Value::is_array);
    let ids = match several {
        true => settings.find::<Vec<u32>>(&*key)?.unwrap_or_default(),
        false => settings.find::<u32>(&*key)?.into_iter().collect(),
    };
    match ids.iter().find(|&&id| id as usize >= d_vocab) {
        Some(id) => {
            let why = format!("the vocabulary has ids 0 to {}", d_vocab.saturating_sub(1));
            Err(LoadError::Senseless { key, value: id.to_string(), why }.into())
        }
        None => Ok(ids),
    }
}
