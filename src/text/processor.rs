//! Checks the special tokens that a `tokenizer.json` puts around a text against its vocabulary. The library uses their
//! ids unchecked, and panics on a name without an explanation.

use serde_json::Value;

/// Checks the `post_processor` part, including the members of a sequence.
pub(super) fn check(json: &Value, id_of: &dyn Fn(&str) -> Option<u32>) -> Result<(), String> {
    let Some(part) = json.get("post_processor") else { return Ok(()) };
    each(part).into_iter().try_for_each(|part| one(part, id_of))
}

fn each(part: &Value) -> Vec<&Value> {
    match part.get("processors").and_then(Value::as_array) {
        Some(members) => members.iter().flat_map(each).collect(),
        None => vec![part],
    }
}

fn one(part: &Value, id_of: &dyn Fn(&str) -> Option<u32>) -> Result<(), String> {
    let has = |token: &str, id: &Value| match id_of(token) {
        Some(own) if id.as_u64() == Some(own.into()) => Ok(()),
        Some(own) => Err(format!("its `post_processor` gives `{token}` the id {id}, but its vocabulary {own}")),
        None => Err(format!("its `post_processor` needs the token `{token}`, which its vocabulary does not have")),
    };
    // BERT and RoBERTa: pairs of a text and an id.
    for pair in ["cls", "sep"].iter().filter_map(|key| part.get(key)?.as_array()) {
        if let [token, id] = pair.as_slice() {
            has(token.as_str().unwrap_or_default(), id)?;
        }
    }
    let Some(explained) = part.get("special_tokens").and_then(Value::as_object) else { return Ok(()) };
    for (name, token) in explained {
        let list = |key: &str| token.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let (ids, tokens) = (list("ids"), list("tokens"));
        if ids.len() != tokens.len() {
            let (ids, tokens) = (ids.len(), tokens.len());
            return Err(format!("its `post_processor` has {ids} ids for the {tokens} tokens of `{name}`"));
        }
        tokens.iter().zip(&ids).try_for_each(|(token, id)| has(token.as_str().unwrap_or_default(), id))?;
    }
    for (key, texts) in [("single", &["A"][..]), ("pair", &["A", "B"])] {
        let pieces = part.get(key).and_then(Value::as_array).into_iter().flatten();
        let of = |piece: &Value, kind: &str| Some(piece.get(kind)?.get("id")?.as_str()?.to_owned());
        let (mut seen, mut unexplained) = (Vec::new(), None);
        for piece in pieces {
            seen.extend(of(piece, "Sequence"));
            unexplained = unexplained.or(of(piece, "SpecialToken").filter(|name| !explained.contains_key(name)));
        }
        if let Some(name) = unexplained {
            return Err(format!(
                "the `{key}` of its `post_processor` has `{name}`, which `special_tokens` does not explain"
            ));
        }
        seen.sort();
        // A pair template with only the first text is not a pair template; pairs are then refused when they are read.
        let alone = key == "pair" && seen == ["A"];
        if seen != texts && !alone {
            let (texts, seen) = (texts.join(" and "), if seen.is_empty() { "no text".into() } else { seen.join(", ") });
            return Err(format!("the `{key}` of its `post_processor` must have {texts} once, and has {seen}"));
        }
    }
    Ok(())
}
