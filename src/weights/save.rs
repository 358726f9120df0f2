//! Writing a model as a folder of files, used by every format.

use crate::{
    Model, Result,
    error::WeightsError,
    files, load,
    text::{SpecialIds, Tokenizer},
};
use candle_core::Tensor;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Writes `config.json`, `model.safetensors`, and `tokenizer.json` if there is a tokenizer, in one step.
pub(super) fn write(
    model: &Model,
    folder: &Path,
    mut config: Map<String, Value>,
    weights: Vec<(String, Tensor)>,
) -> Result<()> {
    refuse_a_mix(model, folder)?;
    files::write_folder(folder, |new| {
        if let Some(tokenizer) = model.tokenizer() {
            specials(&tokenizer.special_ids(), &mut config);
            files::write(new.join(load::TOKENIZER), Tokenizer::to_json(&tokenizer)?)?;
        }
        files::write(new.join(load::CONFIG), format!("{:#}\n", Value::Object(config)))?;
        files::write_tensors(new.join(load::WEIGHTS), weights)
    })
}

/// Refuses a folder with files of another model that would be read as part of this one.
pub(crate) fn refuse_a_mix(model: &Model, folder: &Path) -> Result<()> {
    let tokenizer = model.tokenizer().is_none().then_some(load::TOKENIZER);
    let mut read = load::BESIDE.into_iter().chain(tokenizer);
    match read.find(|file| folder.join(file).exists()) {
        Some(file) => Err(WeightsError::Mixed { folder: folder.to_owned(), file }.into()),
        None => Ok(()),
    }
}

/// Refuses a folder with a model that did not come from training, because it would be lost. Every training writes its
/// losses next to its model.
pub(crate) fn refuse_another(folder: &Path) -> Result<()> {
    let there = |file: &str| folder.join(file).exists();
    match there(load::CONFIG) && there(load::WEIGHTS) && !there(LOSSES) {
        true => Err(WeightsError::Another { folder: folder.to_owned() }.into()),
        false => Ok(()),
    }
}

/// The file that a training writes next to its model.
pub(crate) const LOSSES: &str = "loss.csv";

/// Writes the special tokens as Hugging Face configurations name them.
fn specials(ids: &SpecialIds, config: &mut Map<String, Value>) {
    let SpecialIds { bos, eos, pad, unk, cls, sep, mask, adds_bos, unknown: _ } = ids;
    let singles = [("bos", bos), ("pad", pad), ("unk", unk), ("cls", cls), ("sep", sep), ("mask", mask)];
    let singles = singles.into_iter().filter_map(|(kind, id)| Some((kind, json!((*id)?))));
    let ends = (!eos.is_empty()).then(|| ("eos", json!(eos)));
    config.extend(singles.chain(ends).map(|(kind, ids)| (format!("{kind}_token_id"), ids)));
    config.extend(adds_bos.map(|adds| ("add_bos_token".to_owned(), json!(adds))));
}
