//! Special tokens from the files beside a tokenizer.

use serde_json::Value;

use super::Settings;
use crate::{
    error::Result,
    text::{SpecialIds, Tokenizer},
};

/// The special tokens that `written` names, the first to name one wins: by its text (`"bos_token": "<s>"`, or an
/// object with a `content`) or by its id (`"bos_token_id": 1`, or a list). Ids that the tokenizer does not have are
/// left out, since configurations carry the defaults of their family.
pub(super) fn find(written: &[Settings], tokenizer: &Tokenizer) -> Result<SpecialIds> {
    let all = |kind: &str| -> Vec<u32> {
        written.iter().flat_map(|settings| ids(settings, kind, tokenizer)).filter(|&id| tokenizer.has_id(id)).collect()
    };
    let first = |kind: &str| all(kind).first().copied();
    let mut adds_bos = None;
    for settings in written {
        adds_bos = adds_bos.or(settings.find("add_bos_token")?);
    }
    let eos = all("eos").into_iter().fold(Vec::new(), |mut seen, id| {
        if !seen.contains(&id) {
            seen.push(id);
        }
        seen
    });
    let [bos, pad, unk, cls, sep, mask] = ["bos", "pad", "unk", "cls", "sep", "mask"].map(first);
    Ok(SpecialIds { bos, eos, pad, unk, cls, sep, mask, adds_bos })
}

fn ids(settings: &Settings, kind: &str, tokenizer: &Tokenizer) -> Vec<u32> {
    let token = settings.value(&format!("{kind}_token"));
    let text = token.and_then(|token| token.get("content").unwrap_or(token).as_str());
    let by_text = text.and_then(|text| tokenizer.find_id(text));
    let by_id = settings.value(&format!("{kind}_token_id"));
    let by_id = by_id.map_or(&[] as &[Value], |ids| ids.as_array().map_or(std::slice::from_ref(ids), Vec::as_slice));
    by_text.into_iter().chain(by_id.iter().filter_map(|id| id.as_u64()?.try_into().ok())).collect()
}
