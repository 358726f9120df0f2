//! Checks a `tokenizer.json` before and after the tokenizers library reads it. The library panics on merges that do not
//! fit, assigns other ids than the file does, and does not say which part it fails on.

use std::collections::{HashMap, HashSet};

use super::processor;
use serde_json::{Map, Value};
use tokenizers::{DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};

/// The error is half a sentence.
type Checked = Result<(), String>;

/// The limit for token ids and for the lengths of token lists.
const MOST: u64 = i32::MAX as u64;

/// Checks the model and the added tokens.
pub(super) fn check(json: &Value) -> Checked {
    let file = json.as_object().ok_or_else(|| format!("it holds {}, not an object", short(json)))?;
    let model = file.get("model").and_then(Value::as_object).ok_or("it has no `model`, which must be an object")?;
    match file.get("version").filter(|version| **version != "1.0") {
        Some(version) => Err(format!("its `version` is {}, but glassbox reads \"1.0\"", short(version))),
        None => Ok(()),
    }?;
    vocabulary(model)?;
    lengths(file.get("pre_tokenizer").unwrap_or(&Value::Null))?;
    added(file.get("added_tokens").unwrap_or(&Value::Null))
}

/// Names the part of a file that the library cannot read.
pub(super) fn part(json: &Value) -> String {
    let unknown = "the tokenizers library cannot read it".to_owned();
    json.as_object().map_or(Ok(()), parts).err().unwrap_or(unknown)
}

fn parts(file: &Map<String, Value>) -> Checked {
    understood(file, "added_tokens", "", |value| serde_json::from_value::<Vec<tokenizers::AddedToken>>(value).is_ok())?;
    understood(file, "model", "", |value| serde_json::from_value::<ModelWrapper>(value).is_ok())?;
    understood(file, "normalizer", "normalizers", |value| serde_json::from_value::<NormalizerWrapper>(value).is_ok())?;
    understood(file, "pre_tokenizer", "pretokenizers", |value| {
        serde_json::from_value::<PreTokenizerWrapper>(value).is_ok()
    })?;
    understood(file, "post_processor", "processors", |value| {
        serde_json::from_value::<PostProcessorWrapper>(value).is_ok()
    })?;
    understood(file, "decoder", "decoders", |value| serde_json::from_value::<DecoderWrapper>(value).is_ok())
}

/// Checks that every added token has the id from the file. The library numbers them in order instead.
pub(super) fn check_ids(json: &Value, tokenizer: &tokenizers::Tokenizer) -> Checked {
    processor::check(json, &|token| tokenizer.token_to_id(token))?;
    let tokens = json.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
    for (content, id) in tokens.filter_map(|token| Some((token.get("content")?.as_str()?, token.get("id")?.as_u64()?)))
    {
        match tokenizer.token_to_id(content) {
            Some(given) if u64::from(given) != id => {
                return Err(format!("its added token `{content}` has the id {id} in the file, where {given} is next"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks that the library can read one part of the file. For a sequence, the error names the unreadable member.
fn understood(file: &Map<String, Value>, part: &str, members: &str, reads: impl Fn(Value) -> bool) -> Checked {
    let Some(value) = file.get(part).filter(|value| !value.is_null()) else { return Ok(()) };
    if reads(value.clone()) {
        return Ok(());
    }
    let failing = |value: &&Value| !reads((*value).clone());
    let member = value.get(members).and_then(Value::as_array).and_then(|members| members.iter().find(failing));
    let value = member.unwrap_or(value);
    match value.get("type").and_then(Value::as_str) {
        Some(kind) => Err(format!("its `{part}` of the type `{kind}` is not understood")),
        None => Err(format!("its `{part}` is {}, which is not understood", short(value))),
    }
}

/// Checks that no splitter cuts a text into pieces of length 0, on which the library panics.
fn lengths(splitter: &Value) -> Checked {
    let members = splitter.get("pretokenizers").and_then(Value::as_array).into_iter().flatten();
    members.into_iter().try_for_each(lengths)?;
    let fixed = splitter.get("type").and_then(Value::as_str) == Some("FixedLength");
    match splitter.get("length").filter(|length| fixed && length.as_u64() == Some(0)) {
        Some(_) => Err("its `pre_tokenizer` cuts texts into pieces of `length` 0, but it must be at least 1".into()),
        None => Ok(()),
    }
}

/// Checks the tokens, their ids or scores, and the merges.
fn vocabulary(model: &Map<String, Value>) -> Checked {
    match model.get("vocab") {
        Some(Value::Object(vocab)) => {
            own_ids(vocab)?;
            match model.get("merges") {
                Some(Value::Array(merges)) => {
                    let tokens = vocab.keys().map(String::as_str).collect();
                    merge(merges, &tokens, model.get("continuing_subword_prefix"))
                }
                None | Some(Value::Null) => Ok(()),
                Some(other) => Err(format!("the `merges` of its model are {}, not a list", short(other))),
            }
        }
        Some(Value::Array(pieces)) => {
            let is_piece = |piece: &&Value| match piece.as_array().map(Vec::as_slice) {
                Some([text, score]) => text.is_string() && score.as_f64().is_some_and(f64::is_finite),
                _ => false,
            };
            if let Some(piece) = pieces.iter().find(|piece| !is_piece(piece)) {
                return Err(format!("its vocabulary has {}, which is not a text with a score", short(piece)));
            }
            let unknown = model.get("unk_id").filter(|id| !id.is_null());
            match unknown.filter(|id| id.as_u64().is_none_or(|id| id >= pieces.len() as u64)) {
                Some(id) => Err(format!("its `unk_id` is {}, but it has {} tokens", short(id), pieces.len())),
                None => Ok(()),
            }
        }
        _ => Err("its model has no `vocab`, which must be an object of ids or a list of scores".into()),
    }
}

/// Checks that no two tokens share an id.
fn own_ids(vocab: &Map<String, Value>) -> Checked {
    let mut seen = HashMap::new();
    for (token, id) in vocab {
        let number = id.as_u64().filter(|id| *id < MOST);
        let number = number.ok_or_else(|| format!("the id of its token `{token}` is {}", short(id)))?;
        if let Some(other) = seen.insert(number, token) {
            return Err(format!("its tokens `{other}` and `{token}` share the id {number}"));
        }
    }
    Ok(())
}

/// Checks that the halves and the result of every merge are tokens.
fn merge(merges: &[Value], tokens: &HashSet<&str>, prefix: Option<&Value>) -> Checked {
    let prefix = prefix.and_then(Value::as_str).unwrap_or_default();
    for merge in merges {
        let halves = match merge {
            Value::String(text) if text.starts_with("#version") => continue,
            Value::String(text) => text.split_once(' '),
            Value::Array(halves) => match halves.as_slice() {
                [left, right] => left.as_str().zip(right.as_str()),
                _ => None,
            },
            _ => None,
        };
        let (left, right) = halves.ok_or_else(|| format!("its merge {} is not two tokens", short(merge)))?;
        let rest = match right.strip_prefix(prefix) {
            Some(rest) => rest,
            None => {
                return Err(format!("its merge of `{left}` and `{right}` has no `{prefix}` before its second half"));
            }
        };
        let whole = format!("{left}{rest}");
        if let Some(missing) = [left, right, &whole].into_iter().find(|token| !tokens.contains(token)) {
            return Err(format!(
                "its merge of `{left}` and `{right}` needs the token `{missing}`, which it does not have"
            ));
        }
    }
    Ok(())
}

/// Checks the ids and texts of added tokens.
fn added(tokens: &Value) -> Checked {
    let none = Vec::new();
    let tokens = match tokens {
        Value::Null => &none,
        Value::Array(tokens) => tokens,
        other => return Err(format!("its `added_tokens` are {}, not a list", short(other))),
    };
    let mut seen = HashMap::new();
    for token in tokens {
        let content = token.get("content").and_then(Value::as_str);
        let id = token.get("id").and_then(Value::as_u64).filter(|id| *id < MOST);
        let (content, id) =
            content.zip(id).ok_or_else(|| format!("its added token {} has no `content` or no `id`", short(token)))?;
        if let Some(other) = seen.insert(id, content).filter(|other| *other != content) {
            return Err(format!("its added tokens `{other}` and `{content}` share the id {id}"));
        }
    }
    Ok(())
}

/// A value as it is written, shortened if it is long.
fn short(value: &Value) -> String {
    let written = value.to_string();
    match written.char_indices().nth(60) {
        Some((end, _)) => format!("`{}...`", &written[..end]),
        None => format!("`{written}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tokenizer;

    fn refuses(json: &str, parts: &[&str]) {
        let error = Tokenizer::from_bytes(json.as_bytes()).map(drop).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(error.contains(part), "{error} lacks {part}"));
        ["untagged", "line ", "variant", "serde"].iter().for_each(|raw| assert!(!error.contains(raw), "{error}"));
    }

    #[test]
    fn a_merge_whose_halves_or_whole_are_no_tokens_is_refused_before_anything_is_built() {
        let with = |vocab: &str, rest: &str| {
            format!(r#"{{"version": "1.0", "model": {{"type": "BPE", "vocab": {vocab}, {rest}}}}}"#)
        };
        let two = r#"{"a": 0, "b": 1}"#;
        refuses(&with(two, r#""merges": [["a", "b"]]"#), &["`a` and `b`", "`ab`"]);
        refuses(&with(two, r#""merges": ["a b"]"#), &["`ab`"]);
        refuses(&with(two, r#""merges": [["a", "c"]]"#), &["`c`"]);
        refuses(&with(two, r#""merges": ["ab"]"#), &["`\"ab\"` is not two tokens"]);
        refuses(&with(two, r#""merges": [["a", "b", "a"]]"#), &["is not two tokens"]);
        refuses(&with(two, r#""merges": 7"#), &["`merges`", "`7`"]);
        refuses(&with(two, r#""merges": [["a", "b"]], "continuing_subword_prefix": "+""#), &["`+`"]);
        refuses(&with(r#"{"a": 0, "b": 0}"#, r#""merges": []"#), &["share the id 0"]);
        refuses(&with(r#"{"a": -1}"#, r#""merges": []"#), &["`a`", "`-1`"]);
        refuses(&with("7", r#""merges": []"#), &["`vocab`"]);
        Tokenizer::from_bytes(with(r#"{"a": 0, "b": 1, "ab": 2}"#, r#""merges": ["a b"]"#).as_bytes()).unwrap();
    }

    #[test]
    fn the_part_that_is_not_understood_is_named_with_its_type() {
        let words = r#""model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "?"}"#;
        for part in ["normalizer", "pre_tokenizer", "post_processor", "decoder"] {
            let alone = format!(r#"{{"version": "1.0", {words}, "{part}": {{"type": "Sideways"}}}}"#);
            refuses(&alone, &[&format!("`{part}`"), "`Sideways`"]);
        }
        let several = r#"{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Sideways"}]}"#;
        refuses(&format!(r#"{{"version": "1.0", {words}, "decoder": {several}}}"#), &["`decoder`", "`Sideways`"]);
        refuses(&format!(r#"{{"version": "1.0", {words}, "decoder": 7}}"#), &["`decoder`", "`7`"]);
        refuses(r#"{"version": "1.0", "model": {"type": "Sideways", "vocab": {"a": 0}}}"#, &["`model`", "`Sideways`"]);
        refuses(&format!(r#"{{"version": "2.0", {words}}}"#), &["`version`", "2.0"]);
        refuses("[]", &["`[]`"]);
        refuses("{}", &["`model`"]);
    }

    #[test]
    fn an_added_token_has_the_id_of_the_file_or_is_refused() {
        let added = |id: &str, content: &str| {
            format!(
                r#"{{"id": {id}, "content": "{content}", "special": true, "normalized": false, "single_word": false,
                    "lstrip": false, "rstrip": false}}"#
            )
        };
        let file = |tokens: &[String]| {
            let tokens = tokens.join(", ");
            format!(
                r#"{{"version": "1.0", "model": {{"type": "WordLevel", "vocab": {{"a": 0, "b": 1}}, "unk_token": "?"}},
                    "added_tokens": [{tokens}]}}"#
            )
        };
        let tokenizer = Tokenizer::from_bytes(file(&[added("2", "x"), added("3", "y")]).as_bytes()).unwrap();
        assert_eq!(tokenizer.id_of("y").unwrap(), 3);
        refuses(&file(&[added("2", "x"), added("2", "y")]), &["`x` and `y`", "share the id 2"]);
        refuses(&file(&[added("7", "x")]), &["`x`", "id 7", "2 is next"]);
        refuses(&file(&[added("1", "a")]), &["`a`", "id 1"]);
        refuses(&file(&[added("\"2\"", "x")]), &["no `content` or no `id`"]);
        refuses(&file(&["7".to_owned()]), &["`7`"]);
    }

    #[test]
    fn a_piece_without_a_score_and_an_unknown_token_outside_the_vocabulary_are_refused() {
        let with = |vocab: &str, unknown: &str| {
            format!(r#"{{"version": "1.0", "model": {{"type": "Unigram", "vocab": {vocab}, "unk_id": {unknown}}}}}"#)
        };
        Tokenizer::from_bytes(with(r#"[["a", -1.5]]"#, "0").as_bytes()).unwrap();
        refuses(&with(r#"[["a", -1.5]]"#, "1"), &["`unk_id`", "`1`"]);
        refuses(&with(r#"[["a", "x"]]"#, "0"), &["not a text with a score"]);
        refuses(&with(r#"[["a"]]"#, "0"), &["not a text with a score"]);
    }
}
