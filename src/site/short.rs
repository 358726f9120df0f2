//! The short names of TransformerLens's `utils.get_act_name`: `pattern` in layer 0, `scale` of `ln1` in layer 4, `k6`.
//!
//! Used by [`ToSite`](super::ToSite) and when a [`Site`](super::Site) is parsed. The reference is `get_act_name`:
//! <https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/utilities/components_utils.py>.

use super::point::{Place, TABLE};
use crate::error::{beginning, most_like};

/// Returns the full name for a short one in a layer, as `get_act_name` does.
/// A short name that `get_act_name` maps to no hook is read as the name of a [`Site`](super::Site) constructor.
pub(super) fn in_layer(name: &str, layer: i64, layer_type: Option<&str>) -> String {
    let name = match name {
        "attn" => "pattern",
        "attn_logits" => "attn_scores",
        "key" => "k",
        "query" => "q",
        "value" => "v",
        "mlp_pre" => "pre",
        "mlp_mid" => "mid",
        "mlp_post" => "post",
        name => name,
    };
    let own = match name {
        "k" | "v" | "q" | "result" | "rot_k" | "rot_q" | "attn_scores" | "pattern" | "z" => Some("attn"),
        "pre" | "post" | "mid" | "pre_linear" | "expert_weights" | "expert_indices" => Some("mlp"),
        _ => None,
    };
    let part = match layer_type {
        Some("cross_attn" | "cross") if own == Some("attn") => Some("cross_attn"),
        _ if own.is_some() => own,
        Some("a" | "attention") => Some("attn"),
        Some("m") => Some("mlp"),
        Some("b" | "block" | "blocks" | "") | None => None,
        Some(other) => Some(other),
    };
    let rest = part.map_or_else(|| format!("hook_{name}"), |part| format!("{part}.hook_{name}"));
    let block = |row: &&super::point::Row| row.place == Place::Block;
    let of_constructor = || TABLE.iter().filter(block).find(|row| row.short == name && layer_type.is_none());
    match TABLE.iter().filter(block).any(|row| row.name == rest) {
        true => format!("blocks.{layer}.{rest}"),
        false => format!("blocks.{layer}.{}", of_constructor().map_or(rest.as_str(), |row| row.name)),
    }
}

/// Returns the full name for a short one that contains its layer (`k6`, `scale4ln1`) or needs none (`embed`).
pub(super) fn whole_name(name: &str) -> Option<String> {
    if name.contains('.') || name.starts_with("hook_") {
        return None;
    }
    if let Some(at) = name.find(|c: char| c.is_ascii_digit()) {
        let (short, rest) = name.split_at(at);
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let layer = rest[..end].parse().ok()?;
        return Some(in_layer(short, layer, Some(&rest[end..]).filter(|part| !part.is_empty())));
    }
    match name {
        "scale" | "normalized" => Some(format!("ln_final.hook_{name}")),
        name => {
            let row = TABLE.iter().find(|row| row.place == Place::Model && row.short == name)?;
            Some(row.name.into())
        }
    }
}

/// Returns what to write instead if `name` is a short name that lacks its layer.
pub(super) fn hint(name: &str) -> Option<String> {
    let known = |name: &str| {
        let whole = in_layer(name, 0, None);
        TABLE.iter().any(|row| row.place == Place::Block && whole.strip_prefix("blocks.0.") == Some(row.name))
    };
    let bare = name.strip_prefix("hook_").unwrap_or(name);
    known(bare).then(|| format!("(\"{bare}\", 0)"))
}

/// Returns the candidates most similar to a name, best first.
/// The last part of a name counts most: `pattern` is most similar to `blocks.0.attn.hook_pattern`.
/// Among equally similar candidates the shortest comes first.
pub(crate) fn nearest_sites(name: &str, candidates: impl IntoIterator<Item = String>, count: usize) -> Vec<String> {
    let name = beginning(name);
    let last = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        last.strip_prefix("hook_").unwrap_or(last).to_owned()
    };
    let (own, in_block) = (last(&name), name.contains('.'));
    most_like(candidates, count, |candidate| {
        let whole = if in_block { strsim::jaro_winkler(&name, candidate) } else { 0.0 };
        (strsim::jaro_winkler(&own, &last(candidate)) + whole, candidate.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Layers, Site, ToSite};

    #[test]
    fn short_names_are_what_transformer_lens_makes_of_them() {
        let site = |name: &str, layer, part: Option<&str>| in_layer(name, layer, part).parse::<Site>().unwrap();
        for (name, part, expected) in [
            ("pattern", None, Site::pattern(3)),
            ("attn", None, Site::pattern(3)),
            ("k", Some("attn"), Site::k(3)),
            ("key", None, Site::k(3)),
            ("pattern", Some("a"), Site::pattern(3)),
            ("pattern", Some("cross_attn"), Site::cross_pattern(3)),
            ("resid_post", None, Site::resid_post(3)),
            ("pre", Some("mlp"), Site::mlp_pre(3)),
            ("post", None, Site::mlp_post(3)),
            ("mlp_post", None, Site::mlp_post(3)),
            ("scale", Some("ln1"), Site::ln1_scale(3)),
            ("ln2_normalized", None, Site::ln2_normalized(3)),
            ("attn_out", None, Site::attn_out(3)),
        ] {
            assert_eq!(site(name, 3, part), expected, "{name} {part:?}");
        }
        assert_eq!(site("z", -1, None), Site::z(-1));
        for (name, expected) in [("k6", Site::k(6)), ("resid_post12", Site::resid_post(12)), ("embed", Site::embed())] {
            assert_eq!(name.parse::<Site>().unwrap(), expected);
        }
        assert_eq!("scale4ln1".parse::<Site>().unwrap(), Site::ln1_scale(4));
        assert_eq!("normalized".parse::<Site>().unwrap(), Site::ln_final_normalized());
        let layers = Layers::new(|_| 6, false);
        assert_eq!(("pattern", -1).site_in(layers).unwrap(), Site::pattern(5));
        assert_eq!(("scale", 2u32, "ln1").site_in(layers).unwrap(), Site::ln1_scale(2));
    }

    #[test]
    fn a_short_name_without_its_layer_is_told_to_give_one() {
        for (name, whole, short) in [
            ("pattern", "`blocks.0.attn.hook_pattern`", "(\"pattern\", 0)"),
            ("resid_post", "`blocks.0.hook_resid_post`", "(\"resid_post\", 0)"),
            ("hook_z", "`blocks.0.attn.hook_z`", "(\"z\", 0)"),
        ] {
            let sentence = name.parse::<Site>().unwrap_err().to_string();
            let at = sentence.find(whole).unwrap_or_else(|| panic!("{sentence}"));
            assert!(!sentence[..at].contains("`blocks"), "the nearest comes first: {sentence}");
            assert!(sentence.contains(short), "{sentence}");
        }
        let patern = "patern".parse::<Site>().unwrap_err().to_string();
        assert!(patern.contains("blocks.0.attn.hook_pattern"), "{patern}");
    }
}
