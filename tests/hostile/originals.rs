//! The well-formed files that cases are made from: small models of every family, shipped ones, and `seeds/`.

use crate::case::Kind;
use glassbox::train::{self, Recipe, Training};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The names of the seed files of a kind, in alphabetical order.
pub fn names(kind: Kind) -> &'static [String] {
    static NAMES: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    &NAMES.get_or_init(|| Kind::ALL.map(list).to_vec())[kind as usize]
}

fn list(kind: Kind) -> Vec<String> {
    let mut names: Vec<String> = match kind {
        Kind::Config | Kind::Weights => models(),
        Kind::Gguf => entries("tests/reference/gguf", ".gguf"),
        Kind::Beside => entries("tests/hostile/seeds/beside", ".json"),
        Kind::Tokenizer => entries("tests/hostile/seeds/tokenizers", ".json"),
        Kind::Index => vec!["llama-gqa-untied".into(), "families/t5".into()],
        Kind::Training => vec!["induction".into()],
        Kind::Calls => vec!["induction-2l".into(), "grammar-4l".into(), "families/bert-masked-lm".into()],
    };
    names.sort();
    names
}

/// The reference models, as folders below `tests/reference`.
fn models() -> Vec<String> {
    let below = |folder: &str, prefix: &str| -> Vec<String> {
        let names = entries(folder, "").into_iter();
        let names = names.filter(|name| repository().join(folder).join(name).join("config.json").is_file());
        names.map(|name| format!("{prefix}{name}")).collect()
    };
    [below("tests/reference", ""), below("tests/reference/families", "families/")].concat()
}

fn entries(folder: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(repository().join(folder)).expect("a folder of this repository");
    files
        .flatten()
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(ending))
        .collect()
}

/// The bytes of a seed file.
pub fn bytes(kind: Kind, base: &str) -> Vec<u8> {
    let file = match kind {
        Kind::Config => reference(base).join("config.json"),
        Kind::Weights => reference(base).join("model.safetensors"),
        Kind::Gguf => repository().join("tests/reference/gguf").join(base),
        Kind::Beside => repository().join("tests/hostile/seeds/beside").join(base),
        Kind::Tokenizer => repository().join("tests/hostile/seeds/tokenizers").join(base),
        Kind::Index => return crate::lay::index(base),
        Kind::Training => return training(),
        Kind::Calls => return Vec::new(),
    };
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A reference model's folder, or a shipped one's.
pub fn reference(base: &str) -> PathBuf {
    let shipped = repository().join("data").join(base);
    if shipped.is_dir() { shipped } else { repository().join("tests/reference").join(base) }
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The recipe of the training that is put aside.
pub fn recipe() -> Box<dyn Recipe> {
    let mut recipe = train::recipe("induction").expect("a recipe of this crate");
    recipe.schedule_mut().steps = 2;
    recipe.schedule_mut().evaluate_every = 1;
    recipe
}

/// A training put aside after one step.
fn training() -> Vec<u8> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        let path = std::env::temp_dir().join(format!("glassbox-hostile-training-{}.safetensors", std::process::id()));
        let mut training = Training::start(recipe()).expect("the recipe is in order");
        training
            .run(|training| if training.progress().step == 1 { training.put_aside(&path) } else { Ok(()) })
            .expect("two steps");
        let bytes = fs::read(&path).expect("it was put aside");
        fs::remove_file(&path).expect("it was put aside");
        bytes
    };
    BYTES.get_or_init(make).clone()
}
