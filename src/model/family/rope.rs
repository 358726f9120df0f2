//! Rotary frequencies from the configuration, in the spelling of transformers 4 and 5.

use super::common::countable;
use crate::{Result, error::LoadError, load::Settings};

/// Where transformers 5 and 4 write the same key; GGUF files are read into the second.
fn keys(key: &str) -> [String; 2] {
    [format!("rope_parameters.{key}"), format!("rope_scaling.{key}")]
}

fn get(settings: &Settings, key: &str) -> Result<f64> {
    let keys = keys(key);
    settings.get([keys[0].as_str(), keys[1].as_str()])
}

/// Radians per position of each pair of dimensions.
///
/// # Errors
/// When the scaling is of a kind that is not implemented: a model run with other frequencies than it was trained
/// with gives plausible nonsense.
pub(super) fn frequencies(settings: &Settings, dims: usize) -> Result<Vec<f64>> {
    let base: f64 = settings.or(["rope_parameters.rope_theta", "rope_theta", "rotary_emb_base"], 10_000.0)?;
    let dims = countable("rotary dimensions", dims)?;
    let plain = (0..dims / 2).map(|pair| 1.0 / base.powf(2.0 * pair as f64 / dims as f64));
    let kind_keys =
        ["rope_parameters.rope_type", "rope_scaling.rope_type", "rope_parameters.type", "rope_scaling.type"];
    let kind = settings.or(kind_keys, "default".to_owned())?;
    match kind.as_str() {
        "default" => Ok(plain.collect()),
        "linear" => {
            let factor = get(settings, "factor")?;
            Ok(plain.map(|frequency| frequency / factor).collect())
        }
        "llama3" => {
            let scaling = Llama3::new(settings)?;
            Ok(plain.map(|frequency| scaling.scale(frequency)).collect())
        }
        _ => {
            let why = "the rotary scalings glassbox computes are default, linear and llama3".into();
            Err(LoadError::Unsupported { key: "rope_type".into(), value: kind, why }.into())
        }
    }
}

/// Llama 3.1's scaling: slow pairs are slowed further, fast ones kept, those between blended.
struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    original_n_ctx: f64,
}

impl Llama3 {
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            factor: get(settings, "factor")?,
            low: get(settings, "low_freq_factor")?,
            high: get(settings, "high_freq_factor")?,
            original_n_ctx: get(settings, "original_max_position_embeddings")?,
        })
    }

    fn scale(&self, frequency: f64) -> f64 {
        let turns = self.original_n_ctx * frequency / std::f64::consts::TAU;
        let keep = ((turns - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        frequency * (keep + (1.0 - keep) / self.factor)
    }
}
