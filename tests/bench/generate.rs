//! Milliseconds per new token, greedily, of a model of GPT-2 small's shape with random weights; `generate_torch.py` has
//! TransformerLens's and Hugging Face's.
//!
//!     cargo bench --bench generate -- [--tokens 15,256] [--new 32] [--batch 1] [--case generate] [--seconds 5]

mod cases;
mod model;

use glassbox::{Result, generate::Generation, hook::Site};

fn main() -> cases::Result<()> {
    let (new, batch) = (cases::option("--new", 32)?, cases::option("--batch", 1)?);
    let model = model::open("generate")?;
    let plain = |tokens| -> Result<Generation> {
        let ids = (0..batch).map(|text| (0..tokens).map(|i| ((text + i * 7919) % 50_257) as u32).collect());
        Ok(model.generate(ids.collect::<Vec<Vec<u32>>>())?.max_new_tokens(new))
    };
    cases::bench(
        "tokens",
        "15,256",
        new,
        &[
            ("generate", &|tokens| plain(tokens)?.run().map(drop)),
            ("generate_recording_patterns", &|tokens| {
                plain(tokens)?.record("blocks.*.attn.hook_pattern").run().map(drop)
            }),
            ("generate_recording_a_site", &|tokens| plain(tokens)?.record(Site::resid_post(6)).run().map(drop)),
        ],
    )
}
