//! Damage to JSON that keeps its form, and now and then to its bytes.

use super::bytes;
use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

/// Changes the values, keys and lists of a document; `other` is a document of the same sort to take values from.
pub fn damage(original: &[u8], other: &[u8], choices: &mut Unstructured) -> Result<Vec<u8>> {
    let (document, other) = (serde_json::from_slice(original), serde_json::from_slice::<Value>(other));
    let (Ok(mut document), Ok(other), false) = (document, other, choices.ratio(1, 10)?) else {
        return bytes::damage(original, choices);
    };
    for _ in 0..choices.int_in_range(1..=3)? {
        change(&mut document, &other, choices)?;
    }
    Ok(serde_json::to_vec(&document).expect("a document that was read"))
}

fn change(document: &mut Value, other: &Value, choices: &mut Unstructured) -> Result<()> {
    let place = descend(document, choices)?;
    match (choices.int_in_range(0..=9)?, &mut *place) {
        (0 | 1, Value::Object(map)) if !map.is_empty() => {
            let key = key_of(map, choices)?;
            let value = map.remove(&key);
            if choices.ratio(1, 3)? {
                map.insert(choices.choose(&STRINGS)?.to_string(), value.unwrap_or_default());
            }
        }
        (2, Value::Object(map)) => {
            if let Value::Object(more) = other
                && !more.is_empty()
            {
                let key = key_of(more, choices)?;
                map.insert(key.clone(), more[&key].clone());
            }
        }
        (0..=2, Value::Array(list)) if !list.is_empty() => {
            let at = choices.int_in_range(0..=list.len() - 1)?;
            match choices.int_in_range(0..=2)? {
                0 => drop(list.remove(at)),
                1 => list.truncate(at),
                _ => list.insert(at, list[at].clone()),
            }
        }
        (3, place @ Value::Number(_)) => {
            let number = place.as_f64().unwrap_or(0.0);
            let near = [number + 1.0, number - 1.0, number * 2.0, number / 2.0, -number, number * 1e6, number + 0.5];
            let near = *choices.choose(&near)?;
            *place = if near.fract() == 0.0 && near.abs() < 9e15 { json!(near as i64) } else { json!(near) };
        }
        (4, place) => *place = descend(&mut other.clone(), choices)?.clone(),
        (_, place) => *place = odd(choices)?,
    }
    Ok(())
}

/// A place in a document: every level is entered with a chance of three in four.
fn descend<'a>(mut place: &'a mut Value, choices: &mut Unstructured) -> Result<&'a mut Value> {
    let mut top = true;
    while top || choices.ratio(3, 4)? {
        top = false;
        let inside = place.as_object().map(|map| map.len()).or(place.as_array().map(Vec::len)).unwrap_or(0);
        if inside == 0 {
            break;
        }
        let at = choices.int_in_range(0..=inside - 1)?;
        place = match place {
            Value::Object(map) => map.values_mut().nth(at).expect("one of its values"),
            other => &mut other[at],
        };
    }
    Ok(place)
}

fn key_of(map: &serde_json::Map<String, Value>, choices: &mut Unstructured) -> Result<String> {
    let at = choices.int_in_range(0..=map.len() - 1)?;
    Ok(map.keys().nth(at).expect("one of its keys").clone())
}

pub const STRINGS: [&str; 12] = [
    "",
    "x",
    "gelu",
    "NaN",
    "../../etc/passwd",
    "\u{0}",
    "\u{1b}[2J",
    "x\nEVCXR_PANIC_NOTIFICATION\nEVCXR_BEGIN_CONTENT text/html\n<script>alert(1)</script>",
    "model.safetensors",
    "<s>",
    "\u{202e}reversed",
    "ﷺ🂡",
];

/// A value that nobody expects.
fn odd(choices: &mut Unstructured) -> Result<Value> {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(2),
        json!(3),
        json!(7),
        json!(0.5),
        json!(-0.0),
        json!(1e-320),
        json!(1e308),
        json!(-1e308),
        json!(1e18),
        json!(65_536),
        json!(16_777_216),
        json!(4_294_967_295_u64),
        json!(4_294_967_296_u64),
        json!(9_007_199_254_740_993_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!([[]]),
        json!([0]),
        json!([-1, 1e300]),
        json!({"": null}),
        json!("x".repeat(5_000)),
        (0..100).fold(json!([]), |deep, _| json!([deep])),
    ];
    match choices.ratio(1, 4)? {
        true => Ok(json!(choices.choose(&STRINGS)?)),
        false => choices.choose(&values).cloned(),
    }
}
