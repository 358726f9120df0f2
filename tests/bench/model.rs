//! A model of GPT-2 small's shape with random weights.

use candle_core::{Device, Tensor};
use glassbox::Model;
use std::{collections::HashMap, fs, path::Path};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const CONFIG: &str = r#"{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257,
    "n_positions": 1024, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}"#;

/// Writes it, opens it, and removes what was written.
#[allow(dead_code, reason = "not every bench needs all of this")]
pub fn open(name: &str) -> Result<Model> {
    let folder = std::env::temp_dir().join(format!("glassbox-bench-{name}-{}", std::process::id()));
    write(&folder)?;
    let model = Model::open(folder.to_string_lossy());
    fs::remove_dir_all(&folder)?;
    Ok(model?)
}

/// A checkpoint with random weights, as Hugging Face names them.
pub fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("config.json"), CONFIG)?;
    let mut tensors = HashMap::new();
    let mut add = |name: String, shape: &[usize]| -> candle_core::Result<()> {
        tensors.insert(name, Tensor::randn(0f32, 0.02, shape, &Device::Cpu)?);
        Ok(())
    };
    let d = 768;
    add("wte.weight".into(), &[50_257, d])?;
    add("wpe.weight".into(), &[1024, d])?;
    add("ln_f.weight".into(), &[d])?;
    add("ln_f.bias".into(), &[d])?;
    for layer in 0..12 {
        for (name, d_in, d_out) in
            [("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, 4 * d), ("mlp.c_proj", 4 * d, d)]
        {
            add(format!("h.{layer}.{name}.weight"), &[d_in, d_out])?;
            add(format!("h.{layer}.{name}.bias"), &[d_out])?;
        }
        for norm in ["ln_1", "ln_2"] {
            add(format!("h.{layer}.{norm}.weight"), &[d])?;
            add(format!("h.{layer}.{norm}.bias"), &[d])?;
        }
    }
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors"))?;
    Ok(())
}
