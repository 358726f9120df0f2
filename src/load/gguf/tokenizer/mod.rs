//! Rebuilds the `tokenizer.json` from which a GGUF file's tokenizer was made.
//!
//! To add a kind of tokenizer, add a file with its `build` and name it below. To add a way of splitting text into
//! words, touch `byte_level.rs`.

mod byte_level;
mod sentence_piece;
mod unigram;
mod word_piece;

use std::{collections::HashMap, path::Path};

use serde_json::{Map, Value, json};

use super::super::{Finite, Settings};
use crate::{
    error::{LoadError, Result},
    text::Tokenizer,
};

/// The kinds of token (`tokenizer.ggml.token_type`) that matter here.
const NORMAL: u32 = 1;
const CONTROL: u32 = 3;
const USER_DEFINED: u32 = 4;

const KINDS: &str = "tokenizer.ggml.token_type";
const SCORES: &str = "tokenizer.ggml.scores";

/// Refuses a list that does not have one entry for each token.
fn one_for_each<T>(key: &str, list: Vec<T>, tokens: usize) -> Result<Vec<T>> {
    match list.len() == tokens {
        true => Ok(list),
        false => {
            let (value, why) = (format!("{} entries", list.len()), format!("there are {tokens} tokens"));
            Err(LoadError::Senseless { key: key.into(), value, why }.into())
        }
    }
}

/// The tokens of a file, with their kinds and further settings.
struct Vocabulary<'a> {
    metadata: &'a Settings,
    tokens: Vec<String>,
    kinds: Vec<u32>,
}

/// Builds the tokenizer, if the file has one.
pub(super) fn build(metadata: &Settings, path: &Path) -> Result<Option<Tokenizer>> {
    let Some(model) = metadata.find::<String>("tokenizer.ggml.model")? else { return Ok(None) };
    if ["none", "no_vocab"].contains(&&*model) {
        return Ok(None);
    }
    let tokens = metadata.get::<Vec<String>>("tokenizer.ggml.tokens")?;
    let kinds = match metadata.find(KINDS)? {
        Some(kinds) => one_for_each(KINDS, kinds, tokens.len())?,
        None => vec![NORMAL; tokens.len()],
    };
    let mut seen = HashMap::new();
    for (id, token) in tokens.iter().enumerate() {
        if let Some(first) = seen.insert(token, id) {
            let why = format!("its tokens {first} and {id} are both `{token}`");
            return Err(LoadError::Damaged { path: path.to_owned(), what: "a tokenizer", why }.into());
        }
    }
    let mut vocabulary = Vocabulary { metadata, tokens, kinds };
    let json = match model.as_str() {
        "gpt2" => byte_level::json(&vocabulary)?,
        "llama" => sentence_piece::json(&vocabulary)?,
        "bert" => {
            word_piece::restore(&mut vocabulary);
            word_piece::json(&vocabulary)?
        }
        "t5" => unigram::json(&vocabulary)?,
        _ => {
            let why = "it reads `gpt2` (byte-level), `llama` (SentencePiece), `bert` (WordPiece) and `t5` (Unigram) \
                       tokenizers from GGUF";
            let key = "tokenizer.ggml.model".into();
            return Err(LoadError::Unsupported { key, value: model, why: why.into() }.into());
        }
    };
    let mut json = if let Value::Object(json) = json { json } else { Map::new() };
    json.insert("version".into(), "1.0".into());
    json.insert("added_tokens".into(), vocabulary.added());
    let json = Value::Object(json).to_string();
    Tokenizer::parse(json.as_bytes(), path).map(Some)
}

/// The settings of special tokens other than their ids, with llama.cpp's defaults.
///
/// # Errors
/// When a setting has the wrong type.
pub(super) fn flags(metadata: &Settings) -> Result<Settings> {
    let text = |key| metadata.or(key, String::new());
    let by_default =
        text("tokenizer.ggml.model")? == "llama" || byte_level::LLAMA_3.contains(&&*text("tokenizer.ggml.pre")?);
    let mut flags = Settings::default();
    // A file that does not name the token has none to add.
    let by_default = by_default && metadata.has("tokenizer.ggml.bos_token_id")?;
    flags.set("add_bos_token", metadata.or("tokenizer.ggml.add_bos_token", by_default)?);
    Ok(flags)
}

impl Vocabulary<'_> {
    /// The tokens that are recognised in a text before it is split.
    fn added(&self) -> Value {
        let entry = |(id, (content, &kind)): (usize, (&String, &u32))| {
            matches!(kind, CONTROL | USER_DEFINED).then(|| {
                json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": kind == CONTROL})
            })
        };
        self.tokens.iter().zip(&self.kinds).enumerate().filter_map(entry).collect()
    }

    /// The id of each token.
    fn ids(&self) -> Map<String, Value> {
        self.tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect()
    }

    /// The token and the id named by the first of these settings.
    fn special(&self, keys: &[&str]) -> Result<Option<(&str, usize)>> {
        for key in keys {
            let key = format!("tokenizer.ggml.{key}_token_id");
            if let Some(id) = self.metadata.find::<u32>(&*key)? {
                return self.token(&key, id).map(|token| Some((token, id as usize)));
            }
        }
        Ok(None)
    }

    /// The token whose id a setting gives.
    fn token(&self, key: &str, id: u32) -> Result<&str> {
        self.tokens.get(id as usize).map(String::as_str).ok_or_else(|| {
            let why = format!("the vocabulary has ids 0 to {}", self.tokens.len().saturating_sub(1));
            LoadError::Senseless { key: key.into(), value: id.to_string(), why }.into()
        })
    }

    /// The score of each token.
    fn scores(&self) -> Result<Vec<f64>> {
        let scores = self.metadata.get::<Vec<Finite>>(SCORES)?.into_iter().map(|Finite(score)| score).collect();
        one_for_each(SCORES, scores, self.tokens.len())
    }

    /// The frame that encoders put around a text: first token, text, last token. Between two texts, the last token is
    /// repeated `between` times. Null if the file does not name these tokens.
    fn frame(&self, first: bool, between: usize) -> Result<Value> {
        let cls = self.special(&["cls", "bos"])?.filter(|_| first);
        let Some(sep) = self.special(&["seperator", "eos"])? else { return Ok(Value::Null) };
        let piece = |(token, _): (&str, usize)| json!({"SpecialToken": {"id": token, "type_id": 0}});
        let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        let single: Vec<Value> = cls.map(piece).into_iter().chain([text("A"), piece(sep)]).collect();
        let between = std::iter::repeat_n(piece(sep), between - 1);
        let pair: Vec<Value> = single.iter().cloned().chain(between).chain([text("B"), piece(sep)]).collect();
        let names = cls.into_iter().chain([sep]);
        let names: Map<_, _> =
            names.map(|(token, id)| (token.to_owned(), json!({"id": token, "ids": [id], "tokens": [token]}))).collect();
        Ok(json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": names}))
    }
}
