//! Checks the rewriting tables of SentencePiece's normalizers before they are used.
//!
//! The tokenizers library uses a table's content as indices without checks. A damaged table would make it panic, either
//! when it is read or in the middle of a text.

use serde_json::Value;

/// Checks every table in the normalizer of a `tokenizer.json`, at any depth. The error is half a sentence.
pub(super) fn check(normalizer: &Value) -> Result<(), String> {
    let table = normalizer.get("precompiled_charsmap");
    if table.is_some() || normalizer.get("type").is_some_and(|kind| kind == "Precompiled") {
        let written = table.and_then(Value::as_str).unwrap_or_default();
        let bytes = base64::decode(written).map_err(|why| format!("its rewriting table is not base64: {why}"))?;
        return Table::read(&bytes).and_then(|table| table.walk()).ok_or("its rewriting table is damaged".into());
    }
    match normalizer {
        Value::Array(parts) => parts.iter().try_for_each(check),
        Value::Object(parts) => parts.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// A byte trie (a double array as in the Darts library) whose leaves hold the offset of a replacement.
struct Table {
    units: Vec<usize>,
    replacements: String,
}

impl Table {
    /// The trie's size in bytes, the trie, the replacements.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk::<4>()?;
        let (units, replacements) = rest.split_at_checked(u32::from_le_bytes(*size) as usize / 4 * 4)?;
        let unit = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) as usize;
        let (units, _) = units.as_chunks();
        Some(Self {
            units: units.iter().map(unit).collect(),
            replacements: std::str::from_utf8(replacements).ok()?.into(),
        })
    }

    /// Visits every state that a text could reach; `None` if one is outside the table.
    fn walk(&self) -> Option<()> {
        let mut reached = vec![false; self.units.len()];
        let mut bases = vec![offset(*self.units.first()?)];
        while let Some(base) = bases.pop() {
            for byte in (0x01..=0xf4).filter(|byte| !matches!(byte, 0xc0 | 0xc1)) {
                let node = base ^ byte;
                let unit = *self.units.get(node)?;
                if unit & LABEL != byte {
                    continue;
                }
                let base = node ^ offset(unit);
                if unit & HAS_LEAF != 0 && !self.replacements.is_char_boundary(self.units.get(base)? & VALUE) {
                    return None;
                }
                if !std::mem::replace(&mut reached[node], true) {
                    bases.push(base);
                }
            }
        }
        Some(())
    }
}

const HAS_LEAF: usize = 1 << 8;
const LABEL: usize = 1 << 31 | 0xff;
const VALUE: usize = (1 << 31) - 1;

/// The distance to a unit's children.
fn offset(unit: usize) -> usize {
    (unit >> 10) << ((unit & 1 << 9) >> 6)
}

#[cfg(test)]
mod tests {
    use crate::text::Tokenizer;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// A table that rewrites `a` as `bé`.
    fn table() -> Vec<u8> {
        let mut units = vec![0u32; 512];
        units[0] = 256 << 10;
        units[256 ^ 97] = 97 | 1 << 8 | (353 ^ 300) << 10;
        let trie = units.iter().flat_map(|unit| unit.to_le_bytes());
        (2048u32).to_le_bytes().into_iter().chain(trie).chain(*"bé\0".as_bytes().first_chunk::<4>().unwrap()).collect()
    }

    fn tokenizer(table: &[u8]) -> crate::Result<Tokenizer> {
        let table = base64::encode(table);
        let json = format!(
            r#"{{"model": {{"type": "WordLevel", "vocab": {{"bé": 0, "x": 1, "?": 2}}, "unk_token": "?"}},
                "normalizer": {{"type": "Sequence", "normalizers":
                    [{{"type": "Precompiled", "precompiled_charsmap": "{table}"}}]}},
                "pre_tokenizer": {{"type": "WhitespaceSplit"}}, "added_tokens": [], "post_processor": null,
                "decoder": null, "version": "1.0", "truncation": null, "padding": null}}"#
        );
        Tokenizer::from_bytes(json.as_bytes())
    }

    #[test]
    fn a_sound_table_rewrites() {
        let encoded = tokenizer(&table()).unwrap().encode("x a").unwrap();
        assert_eq!((encoded.ids, encoded.spans), (vec![1, 0], vec![0..1, 2..3]));
    }

    #[test]
    fn a_table_that_is_cut_short_or_empty_is_refused() {
        let whole = table();
        for damaged in [&[][..], &[0; 4], &[255; 4], &whole[..100]] {
            let error = tokenizer(damaged).unwrap_err();
            assert!(error.is_load() && error.to_string().contains("its rewriting table is damaged"), "{error}");
        }
    }

    #[test]
    fn a_damaged_table_is_refused_or_does_no_harm() {
        let mut random = StdRng::seed_from_u64(7);
        let text = "a x \u{1} aa é€𐍈 the quick brown fox ~\u{7f}";
        let mut refused = 0;
        for _ in 0..400 {
            let mut bytes = table();
            for _ in 0..3 {
                let at =
                    *[0, 4, 5, 6, 7].get(random.random_range(0..8)).unwrap_or(&random.random_range(0..bytes.len()));
                bytes[at] = random.random();
            }
            match tokenizer(&bytes) {
                Ok(tokenizer) => drop(tokenizer.encode(text)),
                Err(_) => refused += 1,
            }
        }
        assert!((100..400).contains(&refused), "{refused} refused");
    }
}
