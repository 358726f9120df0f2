//! Sweeps of an encoder by itself, by the logits at a masked position, give what one whole run for each cell gives.

use crate::{
    patching::agrees,
    reference::{expected, open, token_ids},
};
use glassbox::{
    Model,
    hook::{Intervention, Site, block_attention, patch, zero},
    patching::{HeadPart, Metric, Patching},
    text::{Padding, Tokens},
};

const NAMES: [&str; 3] = ["families/bert", "families/bert-masked-lm", "families/distilbert"];

/// Two pairs of prompts of different length, padded on either side.
fn prompts(model: &Model, name: &str, side: Padding) -> (Tokens, Tokens) {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let clean = vec![ids[..6].to_vec(), ids[1..6].to_vec()];
    let mut corrupt = clean.clone();
    (corrupt[0][1], corrupt[1][3]) = (17, 23);
    let tokens = |texts: Vec<Vec<u32>>| model.tokens(texts).unwrap().padded(side);
    (tokens(clean), tokens(corrupt))
}

/// By what stands at the third token of each text, not at its end.
fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [22, 3], 2).unwrap().at(2).unwrap()
}

#[test]
fn every_sweep_of_an_encoder_by_its_logits_at_a_position_is_its_whole_runs() {
    for (name, side) in NAMES.into_iter().zip([Padding::Left, Padding::Right, Padding::Left]) {
        let model = open(name);
        let (clean, corrupt) = prompts(&model, name, side);
        let patching = Patching::new(&model, &clean, &corrupt, metric(&model)).unwrap();
        let run = model.run(&clean).unwrap();
        let whole = |cell: Intervention| metric(&model).of(model.run_with(&corrupt, [cell]).unwrap()).unwrap();
        let cell = |site: Site| patch(site, run.cache()).unwrap();
        let positions = |site: fn(usize) -> Site| move |at: &[usize]| whole(cell(site(at[0])).position(at[1]));
        agrees(name, &patching.resid_pre().unwrap(), positions(Site::resid_pre));
        agrees(name, &patching.resid_mid().unwrap(), positions(Site::resid_mid));
        agrees(name, &patching.resid_post().unwrap(), positions(Site::resid_post));
        agrees(name, &patching.attn_out().unwrap(), positions(Site::attn_out));
        agrees(name, &patching.mlp_out().unwrap(), positions(Site::mlp_out));
        for (part, site) in [
            (HeadPart::Out, Site::z as fn(usize) -> Site),
            (HeadPart::Query, Site::q),
            (HeadPart::Key, Site::k),
            (HeadPart::Value, Site::v),
            (HeadPart::Pattern, Site::pattern),
        ] {
            agrees(name, &patching.heads(part).unwrap(), |at| whole(cell(site(at[0])).head(at[1])));
            agrees(name, &patching.heads_by_position(part).unwrap(), |at| {
                whole(cell(site(at[0])).position(at[1]).head(at[2]))
            });
        }
        agrees(name, &patching.pattern_entries().unwrap(), |at| {
            whole(cell(Site::pattern(at[0])).head(at[1]).position(at[2]).key(at[3]))
        });
        let ablation = Patching::zero_ablation(&model, &corrupt, metric(&model)).unwrap();
        agrees(name, &ablation.heads(HeadPart::Value).unwrap(), |at| whole(zero(Site::v(at[0])).head(at[1])));
        agrees(name, &ablation.layers().unwrap(), |at| {
            whole(zero([Site::attn_out(at[0]), Site::mlp_out(at[0])][at[1]]))
        });
        agrees(name, &ablation.knock_out_heads([2i64], [1i64, -1]).unwrap(), |at| {
            whole(block_attention(at[0], [2i64], [1i64, -1]).head(at[1]))
        });
    }
}
