//! [`Case`]: one thing to try, made from a seed or read from a file.

use crate::{change, originals};
use arbitrary::Unstructured;
use rand::{RngCore, SeedableRng, rngs::StdRng};
use std::path::{Path, PathBuf};

/// What a case damages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A model's `config.json`.
    Config,
    /// `generation_config.json`, `tokenizer_config.json` and what else stands beside a model.
    Beside,
    /// `tokenizer.json`.
    Tokenizer,
    /// `model.safetensors`.
    Weights,
    /// The index of weights in several files.
    Index,
    /// A GGUF file.
    Gguf,
    /// A training that was put aside.
    Training,
    /// The arguments of public methods.
    Calls,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Config,
        Self::Beside,
        Self::Tokenizer,
        Self::Weights,
        Self::Index,
        Self::Gguf,
        Self::Training,
        Self::Calls,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Beside => "beside",
            Self::Tokenizer => "tokenizer",
            Self::Weights => "weights",
            Self::Index => "index",
            Self::Gguf => "gguf",
            Self::Training => "training",
            Self::Calls => "calls",
        }
    }

    pub fn parse(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| format!("--kind is one of {}", known()))
    }

    /// How often a kind is tried, against the others. A training's file is large, so it is tried seldom.
    fn weight(self) -> u64 {
        match self {
            Self::Config => 26,
            Self::Calls => 24,
            Self::Gguf => 16,
            Self::Weights => 12,
            Self::Tokenizer => 12,
            Self::Beside => 5,
            Self::Index => 3,
            Self::Training => 2,
        }
    }
}

/// A damaged file or a row of calls, and what it was made from.
pub struct Case {
    pub kind: Kind,
    /// The seed file, in the words of [`originals`].
    pub base: String,
    pub bytes: Vec<u8>,
}

impl Case {
    /// Case `number` of a seed.
    pub fn make(seed: u64, number: u64, only: Option<Kind>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let mut choices = vec![0; 1024];
        rng.fill_bytes(&mut choices);
        let mut choices = Unstructured::new(&choices);
        let all: u64 = Kind::ALL.into_iter().map(Kind::weight).sum();
        let mut left = choices.int_in_range(0..=all - 1).unwrap_or(0);
        let drawn = Kind::ALL.into_iter().find(|kind| match left.checked_sub(kind.weight()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        let kind = only.or(drawn).unwrap_or(Kind::Calls);
        let bases = originals::names(kind);
        let base = choices.choose(bases).expect("every kind has a seed file").clone();
        let bytes = change::damage(kind, &base, &mut choices).expect("a seed file can be read and its choices last");
        Self { kind, base, bytes }
    }

    /// Every case that was kept, by name.
    pub fn kept() -> Vec<Self> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(kept_folder())
            .map(|files| files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some()).collect())
            .unwrap_or_default();
        files.sort();
        let cases = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "case"));
        cases.map(|path| Self::read(path).unwrap_or_else(|error| panic!("{error}"))).collect()
    }

    /// Reads a case: a line with kind and seed file, then the bytes.
    pub fn read(path: &Path) -> Result<Self, String> {
        let whole = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let broken = || format!("{} is no case: its first line must be KIND SEED-FILE", path.display());
        let end = whole.iter().position(|&byte| byte == b'\n').ok_or_else(broken)?;
        let line = std::str::from_utf8(&whole[..end]).map_err(|_| broken())?;
        let (kind, base) = line.split_once(' ').ok_or_else(broken)?;
        Ok(Self { kind: Kind::parse(kind)?, base: base.into(), bytes: whole[end + 1..].to_vec() })
    }

    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let head = format!("{} {}\n", self.kind.name(), self.base);
        std::fs::write(path, [head.as_bytes(), &self.bytes].concat())
    }

    /// Writes the case among the kept ones, and says where.
    pub fn keep(&self) -> std::io::Result<PathBuf> {
        let path = kept_folder().join(format!("{}-{:016x}.case", self.kind.name(), self.fingerprint()));
        self.write(&path)?;
        Ok(path)
    }

    /// A number that tells this case's bytes from others' (FNV-1a).
    fn fingerprint(&self) -> u64 {
        self.bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }
}

fn kept_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/kept")
}
