//! Milliseconds per new token, greedily, of a model of GPT-2 small's shape with random weights; `generate_torch.py` has
//! TransformerLens's and Hugging Face's.
//!
//!     cargo bench --bench generate -- [--json] [--tokens 15,256] [--new 32] [--batch 1] [--runs 5]

use candle_core::{Device, Tensor};
use glassbox::{Model, hook::Site};
use std::{collections::HashMap, error::Error, fs, path::Path, time::Instant};

const CONFIG: &str = r#"{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257,
    "n_positions": 1024, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let number = |name: &str, default: usize| after(name).map_or(Ok(default), |number| number.parse());
    let (new, batch, runs) = (number("--new", 32)?, number("--batch", 1)?, number("--runs", 5)?);
    let lengths = after("--tokens").unwrap_or("15,256".into());

    let folder = std::env::temp_dir().join(format!("glassbox-bench-generate-{}", std::process::id()));
    write_model(&folder)?;
    let model = Model::open(&folder.to_string_lossy())?;
    fs::remove_dir_all(&folder)?;

    let mut results = Vec::new();
    for tokens in lengths.split(',') {
        let tokens: usize = tokens.parse()?;
        let ids = (0..batch).map(|text| (0..tokens).map(|i| ((text + i * 7919) % 50_257) as u32).collect());
        let plain = model.generate(ids.collect::<Vec<Vec<u32>>>())?.max_new_tokens(new);
        let cases = [
            ("generate", plain.clone()),
            ("generate_recording_patterns", plain.clone().record("blocks.*.attn.hook_pattern")),
            ("generate_recording_a_site", plain.record(Site::resid_post(6))),
        ];
        for (case, generation) in cases {
            results.push((case, tokens, median(runs, new, || generation.run().map(drop))?));
        }
    }
    if args.iter().any(|arg| arg == "--json") {
        let threads = candle_core::utils::get_num_threads();
        let row = |(case, tokens, ms): &(&str, usize, f64)| {
            format!(r#"{{"case": "{case}", "tokens": {tokens}, "median_ms": {ms:.3}}}"#)
        };
        let rows = results.iter().map(row).collect::<Vec<_>>().join(", ");
        println!(r#"{{"system": "glassbox", "threads": {threads}, "results": [{rows}]}}"#);
    } else {
        for (case, tokens, ms) in results {
            let rate = 1e3 * batch as f64 / ms;
            println!("{case:<28} {tokens:>4} tokens of prompt  {ms:>7.1} ms per new token  {rate:>6.1} tokens/s");
        }
    }
    Ok(())
}

/// The median over several runs of the time for each new token, in milliseconds, after one that is not counted.
fn median(runs: usize, new: usize, run: impl Fn() -> glassbox::Result<()>) -> glassbox::Result<f64> {
    run()?;
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        run()?;
        times.push(1e3 * start.elapsed().as_secs_f64() / new as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// A checkpoint with random weights, as Hugging Face names them.
fn write_model(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("config.json"), CONFIG)?;
    let d = 768;
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("wte.weight".into(), vec![50_257, d]),
        ("wpe.weight".into(), vec![1024, d]),
        ("ln_f.weight".into(), vec![d]),
        ("ln_f.bias".into(), vec![d]),
    ];
    let matrices = [("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, 4 * d), ("mlp.c_proj", 4 * d, d)];
    for layer in 0..12 {
        for (name, d_in, d_out) in matrices {
            shapes.push((format!("h.{layer}.{name}.weight"), vec![d_in, d_out]));
            shapes.push((format!("h.{layer}.{name}.bias"), vec![d_out]));
        }
        for norm in ["ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias"] {
            shapes.push((format!("h.{layer}.{norm}"), vec![d]));
        }
    }
    let random = |(name, shape): (String, Vec<usize>)| Ok((name, Tensor::randn(0f32, 0.02, shape, &Device::Cpu)?));
    let tensors = shapes.into_iter().map(random).collect::<candle_core::Result<HashMap<_, _>>>()?;
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors"))?;
    Ok(())
}
