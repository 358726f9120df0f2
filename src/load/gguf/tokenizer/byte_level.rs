//! Byte pair encoding over GPT-2's printable bytes, with the many ways to split text into words first.

use serde_json::{Value, json};

use super::Vocabulary;
use crate::error::{LoadError, Result};

pub(super) fn json(vocabulary: &Vocabulary) -> Result<Value> {
    let metadata = vocabulary.metadata;
    let merges = metadata.get::<Vec<String>>("tokenizer.ggml.merges")?;
    let default = if metadata.get::<String>("general.architecture")? == "gpt2" { "gpt-2" } else { "default" };
    let pre = metadata.or("tokenizer.ggml.pre", default.to_owned())?;
    let splitter = splitter(&pre).ok_or_else(|| LoadError::Unsupported {
        key: "tokenizer.ggml.pre".into(),
        value: pre.clone(),
        why: "this way of splitting text into words is not known".into(),
    })?;
    let normalizer = if QWEN_2.contains(&&*pre) { json!({"type": "NFC"}) } else { Value::Null };
    let frame = if ROBERTA.contains(&&*pre) { vocabulary.frame(true, 2)? } else { Value::Null };
    Ok(json!({
        "normalizer": normalizer,
        "pre_tokenizer": splitter,
        "post_processor": frame,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": vocabulary.ids(), "merges": merges,
                  "ignore_merges": LLAMA_3.contains(&&*pre)},
    }))
}

/// The names that llama.cpp gives to one and the same way of splitting text into words.
const GPT_2: &[&str] = &["gpt-2", "gpt2", "phi-2", "olmo", "mpt", "jais", "trillion", "exaone4", "mellum"];
const ROBERTA: &[&str] = &["roberta-bpe", "jina-v1-en", "jina-v2-code"];
const SMOLLM: &[&str] = &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"];
pub(super) const LLAMA_3: &[&str] = &["llama-bpe", "llama3", "llama-v3", "falcon3"];
const SMAUG: &[&str] = &["smaug-bpe", "dbrx"];
const QWEN_2: &[&str] = &["qwen2", "stablelm2", "deepseek-r1-qwen"];
const BLOOM: &[&str] = &["bloom", "gpt3-finnish"];

/// How text is split into words before their bytes are merged.
fn splitter(pre: &str) -> Option<Value> {
    const CONTRACTION: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    const REST: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let bytes =
        |regex| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex});
    let split =
        |regex: String| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
    let cl100k = |digits: &str| split(format!(r"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}|{REST}"));
    let steps = if GPT_2.contains(&pre) || ROBERTA.contains(&pre) {
        vec![bytes(true)]
    } else if SMOLLM.contains(&pre) {
        vec![json!({"type": "Digits", "individual_digits": true}), bytes(true)]
    } else if LLAMA_3.contains(&pre) || SMAUG.contains(&pre) {
        vec![cl100k("{1,3}"), bytes(false)]
    } else if QWEN_2.contains(&pre) {
        vec![cl100k(""), bytes(false)]
    } else if BLOOM.contains(&pre) {
        vec![split(r" ?[^(\s|.,!?…。，、।۔،)]+".to_owned()), bytes(false)]
    } else if pre == "default" || pre == "falcon" {
        let words = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
        let regexes: &[&str] = match pre {
            "falcon" => &[r"[\p{P}\$\+<=>\^~\|`]+", words, "[0-9][0-9][0-9]"],
            _ => &[r"[\p{P}\$\+<=>\^~\|]+", words, r"\p{N}+", "[0-9][0-9][0-9]"],
        };
        regexes.iter().map(|&regex| split(regex.to_owned())).chain([bytes(false)]).collect()
    } else {
        return None;
    };
    Some(json!({"type": "Sequence", "pretokenizers": steps}))
}
