//! Milliseconds per forward pass of a model of GPT-2 small's shape with random weights; `tests/bench/compare` sets them
//! beside TransformerLens and Hugging Face.
//!
//!     cargo bench --bench forward -- [--tokens 15,64,256] [--case forward] [--seconds 1]

mod cases;
mod model;

use glassbox::{Result, hook::Site, prelude::Sites};

fn main() -> cases::Result<()> {
    let model = &model::open("forward")?;
    cases::bench(
        "tokens",
        "15,64,256",
        1,
        &[
            ("forward", &|tokens| model.forward(ids(tokens)).map(drop)),
            ("run_with_cache", &|tokens| model.run(ids(tokens)).map(drop)),
            ("one_site_one_logit", &|tokens| {
                model.pass(ids(tokens))?.record(Site::resid_post(6)).logits_at([-1]).run().map(drop)
            }),
            ("gradients_at_all_residual_sites", &|tokens| residual_gradients(model, tokens)),
        ],
    )
}

fn ids(tokens: usize) -> Vec<u32> {
    (0..tokens as u32).map(|i| (i * 7919) % 50_257).collect()
}

fn residual_gradients(model: &glassbox::Model, tokens: usize) -> Result<()> {
    let residual = Sites::filter(|site| site.to_string().contains("hook_resid_"));
    let pass = model.pass(ids(tokens))?.logits_at([-1]);
    pass.differentiate(residual, |logits| logits.flatten_all()?.get(0)).run().map(drop)
}
