//! Rotary embedding in GGUF: which part of a head is rotated, and how the frequencies are scaled.
//!
//! Llama 3.1 and later scale by a rule. GGUF stores the resulting factor of each frequency (`rope_freqs.weight`), while
//! a `config.json` stores the rule. Phi 3 has two lists of factors, and both formats store the lists.

use std::f64::consts::PI;

use serde_json::{Map, Value, json};

use super::{
    facts::Facts,
    family::{Pair, Rotary},
};
use crate::{
    error::{Error, LoadError, Result},
    load::Settings,
    order,
};

/// Tensors that a `config.json` stores as settings.
#[derive(Default)]
pub(super) struct Factors {
    pub(super) llama3: Option<Vec<f32>>,
    pub(super) long: Option<Vec<f32>>,
    pub(super) short: Option<Vec<f32>>,
}

/// The names of these tensors.
pub(super) const LLAMA3: &str = "rope_freqs.weight";
pub(super) const LONG: &str = "rope_factors_long.weight";
pub(super) const SHORT: &str = "rope_factors_short.weight";

/// Sets the base, the rotated part of a head and the scaling. The family then implements or refuses them.
pub(super) fn translate(rotary: Rotary, facts: &Facts, factors: &Factors, settings: &mut Settings) -> Result<()> {
    let theta = facts.or("rope.freq_base", 10_000.0)?;
    settings.set(rotary.theta, theta);
    let d_head = facts.d_head()?;
    let turned = facts.or("rope.dimension_count", d_head)?;
    match rotary.part {
        Some(part) => settings.set(part, share(turned, d_head)),
        None if turned != d_head => {
            let why = format!("this family rotates the whole head, here {d_head} dimensions");
            return Err(facts.refuse("rope.dimension_count", turned, why));
        }
        None => {}
    }
    if let Some(factors) = factors.llama3.as_ref().filter(|factors| 2 * factors.len() != turned) {
        let why = format!("`{LLAMA3}` has {} factors, one for each pair of them", factors.len());
        return Err(facts.refuse("rope.dimension_count", turned, why));
    }
    if let Some(scaling) = scaling(facts, factors, theta)? {
        for (own, gguf) in KEYS.iter().filter(|(_, gguf)| facts.states(gguf)) {
            settings.call(&format!("rope_scaling.{own}"), facts.key(gguf));
        }
        settings.set("rope_scaling", scaling);
    }
    Ok(())
}

/// `part / whole`, rounded so that `whole` times the share is never slightly less than `part`, because families
/// truncate the product.
fn share(part: usize, whole: usize) -> f64 {
    let (part, whole) = (part as f64, whole.max(1) as f64);
    let share = part / whole;
    if share * whole < part { share.next_up() } else { share }
}

/// Refuses factors in a family without rotation.
pub(super) fn refuse(factors: &Factors) -> Result<()> {
    let given = [(LLAMA3, &factors.llama3), (LONG, &factors.long), (SHORT, &factors.short)];
    match given.into_iter().find(|(_, factors)| factors.is_some()) {
        Some((name, _)) => Err(lost(name, "this family has no rotary positions")),
        None => Ok(()),
    }
}

fn lost(tensor: &str, why: &str) -> Error {
    LoadError::Unsupported { key: tensor.into(), value: "factors of rotary frequencies".into(), why: why.into() }.into()
}

fn scaling(facts: &Facts, factors: &Factors, theta: f64) -> Result<Option<Value>> {
    let mut scaling = Map::new();
    for (own, gguf) in KEYS {
        if let Some(value) = facts.find::<Value>(gguf)? {
            scaling.insert((*own).to_owned(), value);
        }
    }
    // GGUF writes 0 for "none".
    scaling.retain(|_, value| value.as_f64() != Some(0.0));
    let stretched = scaling.get("factor").is_some_and(|factor| factor.as_f64() != Some(1.0));
    let stated = facts.find::<String>("rope.scaling.type")?;
    let kind = stated.or(stretched.then(|| "linear".to_owned())).filter(|kind| kind != "none");
    let kind = match (&factors.long, &factors.short) {
        (Some(long), Some(short)) => {
            scaling.extend([("long_factor".to_owned(), json!(long)), ("short_factor".to_owned(), json!(short))]);
            Some("longrope".to_owned())
        }
        (None, None) => kind,
        (long, _) => return Err(lost(if long.is_some() { LONG } else { SHORT }, "its counterpart is missing")),
    };
    match (kind, &factors.llama3) {
        (None, None) => match scaling.get("attention_factor").filter(|factor| factor.as_f64() != Some(1.0)) {
            Some(factor) => {
                Err(facts.refuse("rope.scaling.attn_factor", factor, "there is no `rope.scaling.type` beside it"))
            }
            None => Ok(None),
        },
        (None, Some(factors)) => rule(factors, theta).map(Some),
        (Some(kind), None) => {
            scaling.insert("rope_type".to_owned(), kind.into());
            Ok(Some(scaling.into()))
        }
        (Some(kind), Some(_)) => {
            Err(facts.refuse("rope.scaling.type", kind, format!("`{LLAMA3}` already is another scaling")))
        }
    }
}

/// The further settings of a scaling.
const KEYS: &[Pair] = &[
    ("factor", "rope.scale_linear"),
    ("factor", "rope.scaling.factor"),
    ("original_max_position_embeddings", "rope.scaling.original_context_length"),
    ("attention_factor", "rope.scaling.attn_factor"),
    ("attention_factor", "rope.scaling.yarn_attn_factor"),
    ("beta_fast", "rope.scaling.yarn_beta_fast"),
    ("beta_slow", "rope.scaling.yarn_beta_slow"),
];

/// The rule of every published Llama 3 model, in which only the factor varies.
const LOW_FREQ_FACTOR: f64 = 1.0;
const HIGH_FREQ_FACTOR: f64 = 4.0;
const TRAINED_ON: f64 = 8192.0;

/// The `rope_scaling` that produces these factors.
///
/// # Errors
/// When the known rule produces others. Without the right factors, every position would be rotated wrongly.
fn rule(factors: &[f32], theta: f64) -> Result<Value> {
    let factor = factors.iter().copied().fold(1.0, order::larger).into();
    let expected = (0..factors.len()).map(|pair| divisor(pair as f64 / factors.len() as f64, theta, factor));
    // Written so that NaN counts as a difference.
    if !factors.iter().zip(expected).all(|(&given, rule)| (f64::from(given) - rule).abs() <= 1e-3 * rule) {
        let why = "only the factors of Llama 3 (low 1, high 4, trained on 8192 positions) are known".to_owned();
        let value = format!("{} factors up to {factor}", factors.len());
        return Err(LoadError::Unsupported { key: LLAMA3.into(), value, why }.into());
    }
    Ok(json!({
        "rope_type": "llama3", "factor": factor, "low_freq_factor": LOW_FREQ_FACTOR,
        "high_freq_factor": HIGH_FREQ_FACTOR, "original_max_position_embeddings": TRAINED_ON as usize,
    }))
}

/// The divisor of the frequency `theta^-part` (transformers' `_compute_llama3_parameters`).
fn divisor(part: f64, theta: f64, factor: f64) -> f64 {
    let turns = TRAINED_ON * theta.powf(-part) / (2.0 * PI);
    let kept = ((turns - LOW_FREQ_FACTOR) / (HIGH_FREQ_FACTOR - LOW_FREQ_FACTOR)).clamp(0.0, 1.0);
    1.0 / ((1.0 - kept) / factor + kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factors as llama.cpp's converter writes them: three cases by wavelength.
    fn written(theta: f64, d_head: usize, factor: f64) -> Vec<f32> {
        let by_wavelength = |pair: usize| {
            let wavelength = 2.0 * PI * theta.powf(2.0 * pair as f64 / d_head as f64);
            if wavelength < 8192.0 / 4.0 {
                1.0
            } else if wavelength > 8192.0 {
                factor
            } else {
                let smooth = (8192.0 / wavelength - 1.0) / 3.0;
                1.0 / ((1.0 - smooth) / factor + smooth)
            }
        };
        (0..d_head / 2).map(|pair| by_wavelength(pair) as f32).collect()
    }

    #[test]
    fn the_factors_of_llama_3_give_back_their_rule() {
        for (d_head, factor) in [(64, 32.0), (128, 8.0)] {
            let rule = rule(&written(5e5, d_head, factor), 5e5).unwrap();
            assert_eq!((rule["rope_type"].as_str(), rule["factor"].as_f64()), (Some("llama3"), Some(factor)));
        }
    }

    #[test]
    fn the_share_of_a_head_gives_back_the_part() {
        let cases = (1..=512).flat_map(|whole| (1..=whole).map(move |part| (part, whole)));
        assert!(cases.clone().all(|(part, whole)| (share(part, whole) * whole as f64) as usize == part));
        assert!(cases.clone().any(|(part, whole)| share(part, whole) != part as f64 / whole as f64));
    }

    #[test]
    fn other_factors_are_refused() {
        let error = rule(&written(1e4, 64, 8.0), 5e5).unwrap_err().to_string();
        assert!(error.contains("rope_freqs.weight"), "{error}");
        let mut damaged = written(5e5, 64, 8.0);
        damaged[3] = f32::NAN;
        assert!(rule(&damaged, 5e5).is_err());
    }
}
