//! Milliseconds per patching sweep on a model of GPT-2 small's shape with random weights, 15 tokens;
//! `patching_torch.py` is the same in TransformerLens, which takes as long whatever the prompts have in common.
//!
//!     cargo bench --bench patching -- [--prompts 1,8] [--case resid_pre] [--seconds 1]
//!     cargo bench --bench patching -- --memory       the peak of attribution at all sites, one pair, beside the model's own

mod cases;
mod model;
mod peak;

use glassbox::{
    Result,
    patching::{HeadPart, Metric, Patching},
};

fn main() -> cases::Result<()> {
    let model = model::open("patching")?;
    // Prompts whose pairs differ from this token on.
    let patching = |prompts: usize, from: usize| -> Result<Patching> {
        let ids = |text: usize| (0..15).map(move |at| ((text * 1009 + at * 7919) % 50_257) as u32).collect();
        let clean: Vec<Vec<u32>> = (0..prompts).map(ids).collect();
        let mut corrupt = clean.clone();
        corrupt.iter_mut().flat_map(|text| &mut text[from..]).for_each(|id| *id = (*id + 1) % 50_257);
        Patching::new(&model, &clean, &corrupt, Metric::logit_diff(&model, 11u32, 12u32, prompts)?)
    };
    if std::env::args().any(|argument| argument == "--memory") {
        let pair = patching(1, 0)?;
        peak::forget()?;
        let before = peak::megabytes().ok_or("the system does not tell")?;
        pair.attribution()?.resid_pre()?;
        let after = peak::megabytes().ok_or("the system does not tell")?;
        println!("attribution at all sites: {} MB beside {before} MB", after - before);
        return Ok(());
    }
    cases::bench(
        "prompts",
        "1,8",
        1,
        &[
            ("resid_pre", &|prompts| patching(prompts, 0)?.resid_pre().map(drop)),
            ("head_out_all_pos", &|prompts| patching(prompts, 0)?.heads(HeadPart::Out).map(drop)),
            ("resid_pre, alike to token 9", &|prompts| patching(prompts, 9)?.resid_pre().map(drop)),
            ("head_out_all_pos, alike to token 9", &|prompts| patching(prompts, 9)?.heads(HeadPart::Out).map(drop)),
        ],
    )
}
