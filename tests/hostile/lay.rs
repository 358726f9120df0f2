//! Laying a case out as the files that a user would have.

use crate::{
    case::{Case, Kind},
    originals::{bytes, reference},
};
use safetensors::{SafeTensors, tensor::TensorView};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

/// Writes the files of a case into a folder, and says what to open.
pub fn lay(case: &Case, folder: &Path) -> io::Result<PathBuf> {
    let base = reference(&case.base);
    let write = |name: &str| fs::write(folder.join(name), &case.bytes);
    match case.kind {
        Kind::Config => {
            write("config.json")?;
            link(&base, folder, &["model.safetensors"])?;
        }
        Kind::Weights => {
            write("model.safetensors")?;
            link(&base, folder, &["config.json"])?;
        }
        Kind::Beside => {
            // The seed file's name says what it is: `generation_config.json`, ...
            write(case.base.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-'))?;
            link(&reference("induction-2l"), folder, &["config.json", "model.safetensors", "tokenizer.json"])?;
        }
        Kind::Tokenizer => {
            write("tokenizer.json")?;
            link(&reference("induction-2l"), folder, &["config.json", "model.safetensors"])?;
        }
        Kind::Index => {
            write("model.safetensors.index.json")?;
            link(&base, folder, &["config.json"])?;
            for (name, shard) in SHARDS.iter().zip(shards(&case.base)) {
                fs::write(folder.join(name), shard)?;
            }
        }
        Kind::Gguf | Kind::Training => {
            let file = folder.join(if case.kind == Kind::Gguf { "model.gguf" } else { "training.safetensors" });
            fs::write(&file, &case.bytes)?;
            return Ok(file);
        }
        Kind::Calls => return Ok(base),
    }
    Ok(folder.to_owned())
}

fn link(from: &Path, to: &Path, names: &[&str]) -> io::Result<()> {
    names.iter().try_for_each(|name| fs::copy(from.join(name), to.join(name)).map(drop))
}

/// The index of a reference model in two files.
pub fn index(base: &str) -> Vec<u8> {
    let whole = bytes(Kind::Weights, base);
    let tensors = SafeTensors::deserialize(&whole).expect("a reference model");
    let map: BTreeMap<_, _> =
        sorted(&tensors).into_iter().enumerate().map(|(at, (name, _))| (name, SHARDS[at % 2])).collect();
    let index = serde_json::json!({"metadata": {"total_size": whole.len()}, "weight_map": map});
    serde_json::to_vec_pretty(&index).expect("an object of texts")
}

fn shards(base: &str) -> [Vec<u8>; 2] {
    let whole = bytes(Kind::Weights, base);
    let tensors = SafeTensors::deserialize(&whole).expect("a reference model");
    [0, 1].map(|shard| {
        let part = sorted(&tensors).into_iter().enumerate().filter(|(at, _)| at % 2 == shard).map(|(_, part)| part);
        safetensors::serialize(part, None).expect("tensors of a file")
    })
}

fn sorted<'a>(tensors: &SafeTensors<'a>) -> Vec<(String, TensorView<'a>)> {
    let mut tensors = tensors.tensors();
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    tensors
}
