//! Models inside the crate.

use crate::{Result, load::Checkpoint};

/// The files of one shipped model.
macro_rules! files {
    ($folder:literal) => {
        Files {
            name: $folder,
            config: include_str!(concat!("../../data/", $folder, "/config.json")),
            weights: include_bytes!(concat!("../../data/", $folder, "/model.safetensors")),
            tokenizer: include_bytes!(concat!("../../data/", $folder, "/tokenizer.json")),
        }
    };
}

struct Files {
    name: &'static str,
    config: &'static str,
    weights: &'static [u8],
    tokenizer: &'static [u8],
}

static SHIPPED: &[Files] = &[files!("induction-2l")];

/// The names of the shipped models.
pub(crate) fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|files| files.name)
}

/// The checkpoint of a shipped model, or `None` when there is none of that name.
pub(super) fn checkpoint(name: &str) -> Option<Result<Checkpoint>> {
    let files = SHIPPED.iter().find(|files| files.name == name)?;
    let checkpoint = Checkpoint::from_bytes(name, files.config, files.weights.to_vec(), Some(files.tokenizer));
    Some(checkpoint.map(|checkpoint| Checkpoint { origin: "inside glassbox".into(), ..checkpoint }))
}
