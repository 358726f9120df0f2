//! Rotary embeddings from the configuration, in the keys of transformers 4 and 5. The computation is that of
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/modeling_rope_utils.py>.
//!
//! To add a scaling of the frequencies, touch `Rope::rotary`.

use super::common::{countable, senseless};
use crate::{
    Result,
    config::{LongContext, Rotary},
    error::LoadError,
    load::{Finite, FromSetting, Settings},
};
use serde_json::Value;
use std::f64::consts::TAU;

const KINDS: &str = "the rotary scalings glassbox computes are default, dynamic, linear, llama3, yarn and longrope";

/// The rotary embedding in a configuration, or one of several.
pub(super) struct Rope<'a> {
    settings: &'a Settings,
    /// Sections that may hold its keys.
    sections: &'a [&'a str],
    /// The key of the base outside the sections.
    base: &'a str,
}

/// The rotary embeddings of layers without a window and of layers with one, in a model where they differ.
///
/// # Errors
/// Same as [`Rope::rotary`].
pub(super) fn by_layer_type(settings: &Settings, d_head: usize, local_base: &str) -> Result<[Rotary; 2]> {
    const TYPES: [&str; 2] = ["full_attention", "sliding_attention"];
    let written = settings.section("rope_parameters")?.unwrap_or_default();
    if let Some(key) = written.keys().into_iter().find(|key| !TYPES.contains(&&**key)) {
        let why = "in this family each type of layer has its own rotary embedding, under full_attention and \
                   sliding_attention";
        return Err(unsupported("rope_parameters", &key, why));
    }
    for section in ["rope_parameters.full_attention", "rope_parameters.sliding_attention", "rope_scaling"] {
        settings.section(section)?;
    }
    let global = Rope { settings, sections: &["rope_parameters.full_attention", "rope_scaling"], base: "rope_theta" };
    let local = Rope { settings, sections: &["rope_parameters.sliding_attention"], base: local_base };
    Ok([global.rotary(d_head)?, local.rotary(d_head)?])
}

impl<'a> Rope<'a> {
    /// The single rotary embedding of all layers.
    ///
    /// # Errors
    /// When the configuration has one for each type of layer, or a section has another type.
    pub(super) fn of(settings: &'a Settings) -> Result<Self> {
        for key in ["rope_parameters.full_attention", "rope_parameters.sliding_attention"] {
            if settings.has(key)? {
                let why = "in this family all layers have the same rotary embedding";
                return Err(unsupported(key, "a separate rotary embedding", why));
            }
        }
        for section in ["rope_parameters", "rope_scaling"] {
            settings.section(section)?;
        }
        Ok(Self { settings, sections: &["rope_parameters", "rope_scaling"], base: "rope_theta" })
    }

    /// Refuses a second section that contradicts the first, because only one of them can be meant.
    fn agree(&self) -> Result<()> {
        let [first, second] = self.sections else { return Ok(()) };
        let (Some(one), Some(other)) = (self.settings.section(first)?, self.settings.section(second)?) else {
            return Ok(());
        };
        // `type` is the older name of `rope_type`.
        fn keys(key: &str) -> Vec<&str> {
            if ["type", "rope_type"].contains(&key) { vec!["rope_type", "type"] } else { vec![key] }
        }
        let said = |section: &Settings, key: &str| {
            keys(key).into_iter().find_map(|key| section.find::<Value>(key).transpose()).transpose()
        };
        for key in other.keys() {
            let value = said(&other, &key)?;
            if value.is_some() && value != said(&one, &key)? {
                let (key, value) = (format!("{second}.{key}"), value.unwrap_or_default());
                return Err(senseless(&key, value, format!("`{first}` has another value; leave one of the two out")));
            }
        }
        Ok(())
    }

    /// The kind of scaling.
    ///
    /// # Errors
    /// When there are settings of a scaling but no kind.
    fn kind(&self) -> Result<String> {
        if let Some(kind) = self.find("rope_type")?.map_or_else(|| self.find("type"), |kind| Ok(Some(kind)))? {
            return Ok(kind);
        }
        for section in self.sections {
            for key in ["factor", "low_freq_factor", "long_factor"].map(|key| format!("{section}.{key}")) {
                match self.settings.find::<Value>(&*key)? {
                    Some(value) if value.as_f64() != Some(1.0) => {
                        let why = format!("there is no `rope_type` beside it; {KINDS}");
                        return Err(senseless(&key, value, why));
                    }
                    _ => {}
                }
            }
        }
        Ok("default".to_owned())
    }

    fn find<T: FromSetting>(&self, key: &str) -> Result<Option<T>> {
        for section in self.sections {
            if let Some(value) = self.settings.find(format!("{section}.{key}").as_str())? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn get<T: FromSetting>(&self, key: &str) -> Result<T> {
        let nowhere = || self.settings.get(format!("{}.{key}", self.sections[0]).as_str());
        self.find(key)?.map_or_else(nowhere, Ok)
    }

    /// The number of rotated dimensions of a head, computed from the fraction in the configuration (GPT-NeoX's own key
    /// first).
    ///
    /// # Errors
    /// When the number is odd, or larger than the head.
    pub(super) fn dims(&self, d_head: usize) -> Result<usize> {
        const KEY: &str = "partial_rotary_factor";
        // Read even if a section overrides it, so that a wrong value is noticed.
        let outside = self.settings.or(["rotary_pct", KEY], 1.0)?;
        let share = self.find(KEY)?.unwrap_or(outside);
        let dims = (d_head as f64 * share) as usize;
        match dims.is_multiple_of(2) && (2..=d_head).contains(&dims) {
            true => Ok(dims),
            false => {
                let why = format!("an even number of the {d_head} dimensions must rotate");
                Err(unsupported(KEY, &share.to_string(), &why))
            }
        }
    }

    /// The rotary embedding of `dims` dimensions of a head, whose halves rotate together.
    ///
    /// # Errors
    /// When the kind of scaling is not implemented. A model run with other angles than it was trained with gives
    /// plausible nonsense.
    pub(super) fn rotary(&self, dims: usize) -> Result<Rotary> {
        self.agree()?;
        let outside = self.settings.or([self.base, "rotary_emb_base"], 10_000.0)?;
        let base: f64 = self.find("rope_theta")?.unwrap_or(outside);
        if base < 1.0 {
            return Err(senseless("rope_theta", base, "it must be at least 1"));
        }
        let dims = countable("rotary dimensions", dims)?;
        if dims == 0 || dims % 2 == 1 {
            return Err(senseless("rotary dimensions", dims, "they rotate in pairs, so the number must be even"));
        }
        let plain: Vec<f64> = (0..dims / 2).map(|pair| base.powf(-2.0 * pair as f64 / dims as f64)).collect();
        match self.kind()?.as_str() {
            // Dynamic scaling changes nothing up to the length that the model reads at most.
            "default" | "dynamic" => Ok(Rotary::halves(plain)),
            "linear" => {
                let factor: f64 = self.get("factor")?;
                Ok(Rotary::halves(plain.into_iter().map(|frequency| frequency / factor).collect()))
            }
            "llama3" => self.llama3(plain),
            // Phi 3 first used the name `su` for its LongRoPE.
            "longrope" | "su" => self.longrope(plain),
            "yarn" if self.find::<Vec<f64>>("long_factor")?.is_some() => self.longrope(plain),
            "yarn" => self.yarn(plain, base),
            kind => Err(unsupported("rope_type", kind, KINDS)),
        }
    }

    /// The length of the texts in the model's original training.
    fn original_n_ctx(&self) -> Result<f64> {
        const KEY: &str = "original_max_position_embeddings";
        let n_ctx: usize = match self.settings.find(KEY)?.map_or_else(|| self.find(KEY), |n_ctx| Ok(Some(n_ctx)))? {
            Some(n_ctx) => n_ctx,
            None => self.settings.get("max_position_embeddings")?,
        };
        // Scalings divide by its logarithm.
        if n_ctx < 2 { Err(senseless(KEY, n_ctx, "it must be at least 2")) } else { Ok(n_ctx as f64) }
    }

    /// The ratio of the longest text to the original training length.
    fn factor(&self) -> Result<f64> {
        let ratio = || Ok(self.settings.get::<f64>("max_position_embeddings")? / self.original_n_ctx()?);
        self.find("factor")?.map_or_else(ratio, Ok)
    }

    /// Llama 3.1's scaling: low frequencies are divided by a factor, high ones are unchanged, those between are
    /// blended.
    fn llama3(&self, plain: Vec<f64>) -> Result<Rotary> {
        let (factor, n_ctx): (f64, _) = (self.get("factor")?, self.original_n_ctx()?);
        let (low, high): (f64, f64) = (self.get("low_freq_factor")?, self.get("high_freq_factor")?);
        if low >= high {
            return Err(senseless("high_freq_factor", high, format!("it must be more than low_freq_factor, {low}")));
        }
        let scale = |frequency: f64| {
            let keep = ((n_ctx * frequency / TAU - low) / (high - low)).clamp(0.0, 1.0);
            frequency * (keep + (1.0 - keep) / factor)
        };
        Ok(Rotary::halves(plain.into_iter().map(scale).collect()))
    }

    /// YaRN (Peng et al. 2023, [arXiv:2309.00071](https://arxiv.org/abs/2309.00071)): like Llama 3.1's scaling, but the
    /// blend is a ramp over the pairs instead of over their frequencies.
    fn yarn(&self, plain: Vec<f64>, base: f64) -> Result<Rotary> {
        let (factor, n_ctx, dims) = (self.factor()?, self.original_n_ctx()?, 2.0 * plain.len() as f64);
        let truncate = self.find("truncate")?.unwrap_or(true);
        if base <= 1.0 {
            return Err(senseless("rope_theta", base, "with YaRN it must be more than 1"));
        }
        // The pair that makes this many turns within the original length.
        let pair_of = |turns: f64| dims * (n_ctx / (turns * TAU)).ln() / (2.0 * base.ln());
        let (first, last) = (pair_of(self.positive("beta_fast", 32.0)?), pair_of(self.positive("beta_slow", 1.0)?));
        let (first, last) = if truncate { (first.floor(), last.ceil()) } else { (first, last) };
        let (first, last) = (first.max(0.0), last.min(dims - 1.0));
        let width = if first == last { 0.001 } else { last - first };
        let scale = |(pair, frequency): (usize, f64)| {
            let slowed = ((pair as f64 - first) / width).clamp(0.0, 1.0);
            frequency * (1.0 - slowed + slowed / factor)
        };
        let mscale = |weight: f64| if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 };
        let attention_factor = match (self.positive("mscale", 0.0)?, self.positive("mscale_all_dim", 0.0)?) {
            (over, under) if over != 0.0 && under != 0.0 => mscale(over) / mscale(under),
            _ => mscale(1.0),
        };
        let attention_factor = self.find("attention_factor")?.unwrap_or(attention_factor);
        let frequencies = plain.into_iter().enumerate().map(scale).collect();
        Ok(Rotary { attention_factor, ..Rotary::halves(frequencies) })
    }

    /// A setting of YaRN where 0 counts as absent.
    fn positive(&self, key: &str, default: f64) -> Result<f64> {
        match self.find(key)? {
            Some(Finite(0.0)) => Ok(default),
            _ => Ok(self.find(key)?.unwrap_or(default)),
        }
    }

    /// LongRoPE (Ding et al. 2024, [arXiv:2402.13753](https://arxiv.org/abs/2402.13753)): each pair has its own factor,
    /// and another one in long texts.
    fn longrope(&self, plain: Vec<f64>) -> Result<Rotary> {
        let (factor, n_ctx) = (self.factor()?, self.original_n_ctx()?);
        let slowed = |key: &str| -> Result<Vec<f64>> {
            let factors: Vec<f64> = self.get(key)?;
            if factors.len() != plain.len() {
                let why = format!("{} pairs of dimensions rotate", plain.len());
                return Err(unsupported(key, &format!("{} factors", factors.len()), &why));
            }
            Ok(plain.iter().zip(factors).map(|(frequency, factor)| frequency / factor).collect())
        };
        let grown = if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / n_ctx.ln()).sqrt() };
        Ok(Rotary {
            attention_factor: self.find("attention_factor")?.unwrap_or(grown),
            long: Some(LongContext { after: n_ctx as usize, frequencies: slowed("long_factor")? }),
            ..Rotary::halves(slowed("short_factor")?)
        })
    }
}

fn unsupported(key: &str, value: &str, why: &str) -> crate::Error {
    LoadError::Unsupported { key: key.into(), value: value.into(), why: why.into() }.into()
}
