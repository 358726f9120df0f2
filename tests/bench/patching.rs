//! Seconds per patching sweep on a model of GPT-2 small's shape with random weights, 15 tokens; `patching_torch.py` is
//! the same in TransformerLens, which takes as long whatever the prompts have in common.
//!
//!     cargo bench --bench patching -- [--prompts 1,8] [--json]

#[path = "model.rs"]
mod model;

use glassbox::{
    Result,
    patching::{HeadPart, Metric, Patching},
};
use std::time::Instant;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let model = model::open("patching")?;
    let args: Vec<String> = std::env::args().collect();
    let json = args.iter().any(|arg| arg == "--json");
    let prompts = args.iter().position(|arg| arg == "--prompts").and_then(|at| args.get(at + 1));
    let prompts = prompts
        .map_or("1,8", String::as_str)
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<Vec<u32>, _>>()?;
    let ids = |text: u32, at: u32| (text * 1009 + at * 7919) % 50_257;
    let mut rows = Vec::new();
    for prompts in prompts {
        let clean: Vec<Vec<u32>> = (0..prompts).map(|text| (0..15).map(|at| ids(text, at)).collect()).collect();
        let metric = Metric::logit_diff(&model, 11u32, 12u32, prompts as usize)?;
        // From which token on the prompts differ.
        for (from, named) in [(0, ""), (9, ", alike to token 9")] {
            let mut corrupt = clean.clone();
            corrupt.iter_mut().flat_map(|text| &mut text[from..]).for_each(|id| *id = (*id + 1) % 50_257);
            let cases: [(&str, Sweep); 2] = [
                ("resid_pre", Box::new(|patching| patching.resid_pre().map(drop))),
                ("head_out_all_pos", Box::new(|patching| patching.heads(HeadPart::Out).map(drop))),
            ];
            for (case, sweep) in cases {
                let start = Instant::now();
                sweep(&Patching::new(&model, &clean, &corrupt, metric.clone())?)?;
                let ms = 1e3 * start.elapsed().as_secs_f64();
                rows.push(format!(r#"{{"case": "{case}{named}", "prompts": {prompts}, "median_ms": {ms:.3}}}"#));
                if !json {
                    println!("{:<36} {prompts} prompts  {:8.2} s", format!("{case}{named}"), ms / 1e3);
                }
            }
        }
    }
    if json {
        println!(r#"{{"system": "glassbox", "results": [{}]}}"#, rows.join(", "));
    }
    Ok(())
}

type Sweep = Box<dyn Fn(&Patching) -> Result<()>>;
