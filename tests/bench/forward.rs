//! Seconds per forward pass of a model of GPT-2 small's shape with random weights; `tests/bench/compare` sets them
//! beside TransformerLens and Hugging Face.
//!
//!     cargo bench --bench forward -- [--json] [--tokens 15,64,256] [--runs 7] [--case forward]

#[path = "model.rs"]
mod model;

use glassbox::{Result, hook::Site, prelude::Sites};
use std::{fs, time::Instant};

type Case<'a> = Box<dyn Fn() -> Result<()> + 'a>;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let lengths = after("--tokens").unwrap_or("15,64,256".into());
    let lengths = lengths.split(',').map(str::parse).collect::<std::result::Result<Vec<usize>, _>>()?;
    let runs: usize = after("--runs").map_or(Ok(7), |runs| runs.parse())?;
    let only = after("--case");

    let model = model::open("forward")?;
    let mut results = Vec::new();
    for tokens in lengths {
        let ids: Vec<u32> = (0..tokens as u32).map(|i| (i * 7919) % 50_257).collect();
        let cases: [(&str, Case); 4] = [
            ("forward", Box::new(|| model.forward(&ids).map(drop))),
            ("run_with_cache", Box::new(|| model.run(&ids).map(drop))),
            (
                "one_site_one_logit",
                Box::new(|| model.pass(&ids)?.record(Site::resid_post(6)).logits_at([-1]).run().map(drop)),
            ),
            (
                "gradients_at_all_residual_sites",
                Box::new(|| {
                    let residual = Sites::filter(|site| site.to_string().contains("hook_resid_"));
                    model
                        .pass(&ids)?
                        .logits_at([-1])
                        .differentiate(residual, |logits| Ok(logits.flatten_all()?.get(0)?))
                        .run()
                        .map(drop)
                }),
            ),
        ];
        for (case, run) in cases.into_iter().filter(|(case, _)| only.as_ref().is_none_or(|only| only == case)) {
            results.push((case, tokens, measure(runs, run)?));
        }
    }
    if args.iter().any(|arg| arg == "--json") {
        let threads = candle_core::utils::get_num_threads();
        let rows = results.iter().map(|(case, tokens, time)| {
            let Time { median, min, cpu } = time;
            format!(
                r#"{{"case": "{case}", "tokens": {tokens}, "median_ms": {median:.3}, "min_ms": {min:.3}, "cpu_ms": {cpu:.3}}}"#
            )
        });
        println!(
            r#"{{"system": "glassbox", "threads": {threads}, "results": [{}]}}"#,
            rows.collect::<Vec<_>>().join(", ")
        );
    } else {
        for (case, tokens, Time { median, min, cpu }) in results {
            println!("{case:<34} {tokens:>4} tokens  {median:>7.1} ms  least {min:>7.1} ms  processor {cpu:>7.1} ms");
        }
    }
    Ok(())
}

/// Milliseconds of one run.
struct Time {
    median: f64,
    min: f64,
    /// Of all threads together, the mean: what a busy machine does not change much. 0 where there is no `/proc`.
    cpu: f64,
}

/// Several runs, after one that is not counted.
fn measure(runs: usize, run: impl Fn() -> Result<()>) -> Result<Time> {
    run()?;
    let (mut times, cpu) = (Vec::new(), cpu_ms());
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        run()?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    let cpu = (cpu_ms() - cpu) / times.len() as f64;
    times.sort_by(f64::total_cmp);
    Ok(Time { median: times[times.len() / 2], min: times[0], cpu })
}

/// What this process has had of the processor, in milliseconds.
fn cpu_ms() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, user and system time are the 12th and 13th, in hundredths of a second.
    let after_name = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    after_name.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}
