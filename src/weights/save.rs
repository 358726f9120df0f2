//! A model as a folder of files.

use crate::{
    Error, Model, Result,
    cache::save_tensors,
    text::{SpecialIds, Tokenizer},
};
use candle_core::Tensor;
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

/// Writes `config.json`, `model.safetensors`, and `tokenizer.json` where there is a tokenizer.
pub(super) fn write(
    model: &Model,
    folder: &Path,
    mut config: Map<String, Value>,
    weights: &[(String, Tensor)],
) -> Result<()> {
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| Error::io(format!("{} cannot be written", path.display()), error))
    };
    fs::create_dir_all(folder).map_err(|error| Error::io(format!("{} cannot be made", folder.display()), error))?;
    if let Some(tokenizer) = model.tokenizer() {
        specials(tokenizer.special_ids(), &mut config);
        write("tokenizer.json", &Tokenizer::to_json(tokenizer)?)?;
    }
    write("config.json", &format!("{:#}\n", Value::Object(config)))?;
    save_tensors(weights, &folder.join("model.safetensors"))
}

/// The special tokens, as configurations have them.
fn specials(ids: &SpecialIds, config: &mut Map<String, Value>) {
    let SpecialIds { bos, eos, pad, unk, cls, sep, mask, adds_bos } = ids;
    let singles = [("bos", bos), ("pad", pad), ("unk", unk), ("cls", cls), ("sep", sep), ("mask", mask)];
    let singles = singles.into_iter().filter_map(|(kind, id)| Some((kind, json!((*id)?))));
    let ends = (!eos.is_empty()).then(|| ("eos", json!(eos)));
    config.extend(singles.chain(ends).map(|(kind, ids)| (format!("{kind}_token_id"), ids)));
    config.extend(adds_bos.map(|adds| ("add_bos_token".to_owned(), json!(adds))));
}
