//! The rotary scaling of Llama 3.1 and later, which GGUF stores as a factor for each frequency (`rope_freqs.weight`)
//! and a `config.json` as the rule that makes them.

use std::f64::consts::PI;

use serde_json::{Value, json};

use crate::error::{LoadError, Result};

/// The rule of every published Llama 3 model; only the factor differs.
const LOW_FREQ_FACTOR: f64 = 1.0;
const HIGH_FREQ_FACTOR: f64 = 4.0;
const TRAINED_ON: f64 = 8192.0;

/// The `rope_scaling` that makes these factors.
///
/// # Errors
/// When the known rule makes others: leaving them out would turn every position wrongly.
pub(super) fn rule(factors: &[f32], theta: f64) -> Result<Value> {
    let factor = factors.iter().copied().fold(1.0, f32::max).into();
    let expected = (0..factors.len()).map(|pair| divisor(pair as f64 / factors.len() as f64, theta, factor));
    if factors.iter().zip(expected).any(|(&given, rule)| (f64::from(given) - rule).abs() > 1e-3 * rule) {
        let why = "only the factors of Llama 3 (low 1, high 4, trained on 8192 positions) are known".to_owned();
        let value = format!("{} factors up to {factor}", factors.len());
        return Err(LoadError::Unsupported { key: "rope_freqs.weight".into(), value, why }.into());
    }
    Ok(json!({
        "rope_type": "llama3", "factor": factor, "low_freq_factor": LOW_FREQ_FACTOR,
        "high_freq_factor": HIGH_FREQ_FACTOR, "original_max_position_embeddings": TRAINED_ON as usize,
    }))
}

/// By how much the frequency `theta^-part` is divided (transformers' `_compute_llama3_parameters`).
fn divisor(part: f64, theta: f64, factor: f64) -> f64 {
    let turns = TRAINED_ON * theta.powf(-part) / (2.0 * PI);
    let kept = ((turns - LOW_FREQ_FACTOR) / (HIGH_FREQ_FACTOR - LOW_FREQ_FACTOR)).clamp(0.0, 1.0);
    1.0 / ((1.0 - kept) / factor + kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As llama.cpp's converter writes them: three cases by wavelength.
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
    fn other_factors_are_refused() {
        let error = rule(&written(1e4, 64, 8.0), 5e5).unwrap_err().to_string();
        assert!(error.contains("rope_freqs.weight"), "{error}");
    }
}
