//! Milliseconds per new token, greedily, of a model of GPT-2 small's shape with random weights; `generate_torch.py` has
//! TransformerLens's and Hugging Face's.
//!
//!     cargo bench --bench generate -- [--json] [--tokens 15,256] [--new 32] [--batch 1] [--runs 5]

#[path = "model.rs"]
mod model;

use glassbox::hook::Site;
use std::{error::Error, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let number = |name: &str, default: usize| after(name).map_or(Ok(default), |number| number.parse());
    let (new, batch, runs) = (number("--new", 32)?, number("--batch", 1)?, number("--runs", 5)?);
    let lengths = after("--tokens").unwrap_or("15,256".into());

    let model = model::open("generate")?;
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
