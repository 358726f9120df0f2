//! Positions that queries and keys read beside the stream: what must hold of them wherever blocks are run.
//! `tiny.rs` holds every hook against TransformerLens.

use crate::reference::{difference, folder, open};
use candle_core::{IndexOp, Tensor};
use glassbox::{
    Model,
    hook::{Intervention, Site, edit, replace, scale, zero},
    patching::{HeadPart, Metric, Patching},
    text::Padding,
    weights::Step,
};

const IDS: [u32; 6] = [7, 3, 41, 3, 12, 9];

fn model() -> Model {
    open("shortformer-tiny")
}

fn logits(model: &Model, interventions: impl IntoIterator<Item = Intervention>) -> Tensor {
    model.pass(IDS).unwrap().intervene(Vec::from_iter(interventions)).run().unwrap().logits().unwrap()
}

#[test]
fn positions_reach_patterns_and_never_the_stream_or_a_value() {
    let model = model();
    let run = model.pass(IDS).unwrap().record("*").run().unwrap();
    let get = |site: Site| run.cache().get(site).unwrap();
    assert_eq!(difference(&get(Site::resid_pre(0)), &get(Site::embed())), 0.0);
    // The two tokens 3 have the same values, but not the same queries and keys.
    let apart = |site: Site| difference(&get(site).i((0, 1)).unwrap(), &get(site).i((0, 3)).unwrap());
    assert!(apart(Site::v(0)) < 1e-6 && apart(Site::q(0)) > 1e-2 && apart(Site::k(0)) > 1e-2);
    let without = model.pass(IDS).unwrap().intervene([zero(Site::pos_embed())]).record("*").run().unwrap();
    let changed = |site: Site| difference(&without.cache().get(site).unwrap(), &get(site));
    assert!(changed(Site::pattern(0)) > 1e-2 && changed(Site::v(0)) == 0.0);
}

#[test]
fn copies_of_what_heads_read_are_placed_as_the_whole_is() {
    let model = model();
    let plain = logits(&model, []);
    for site in [Site::attn_in(1), Site::q_input(0), Site::k_input(1), Site::v_input(0)] {
        assert!(difference(&logits(&model, [edit(site, |x| Ok(x.clone()))]), &plain) < 1e-5, "{site}");
        assert!(difference(&logits(&model, [scale(site, -1.0)]), &plain) > 1e-3, "{site}");
    }
}

#[test]
fn a_text_is_the_same_alone_padded_token_by_token_and_from_a_layer_on() {
    let model = model();
    let whole = model.run(IDS).unwrap();
    for side in [Padding::Left, Padding::Right] {
        let tokens = model.tokens([IDS.to_vec(), [IDS.to_vec(), vec![5, 6, 8]].concat()]).unwrap().padded(side);
        let both = model.run(&tokens).unwrap();
        let own = both.logits().unwrap().i((0, tokens.real(0))).unwrap();
        assert!(difference(&own, &whole.logits().unwrap().i(0).unwrap()) < 1e-5, "{side}");
    }
    let said = model.generate(IDS).unwrap().end_tokens([]).max_new_tokens(6).keep_logits();
    let anew = said.clone().without_kv_cache().run().unwrap();
    assert!(difference(&said.run().unwrap().logits().unwrap(), &anew.logits().unwrap()) < 1e-5);
    let resid = &whole.cache().get(Site::resid_pre(1)).unwrap();
    let rest = model.pass(IDS).unwrap().start_at_layer(1, resid).run().unwrap();
    assert_eq!(difference(&rest.logits().unwrap(), &whole.logits().unwrap()), 0.0);
}

#[test]
fn a_cell_of_a_sweep_is_a_run_of_its_own() {
    let model = model();
    let metric = Metric::logit_diff(&model, 7, 9, 1).unwrap();
    let corrupt = [7, 3, 40, 3, 12, 9];
    let patching = Patching::new(&model, IDS, corrupt, metric.clone()).unwrap();
    let clean = model.run(IDS).unwrap();
    let measured = |one: Intervention| metric.of(model.run_with(corrupt, [one]).unwrap()).unwrap()[0];
    let heads = patching.heads(HeadPart::Key).unwrap();
    let stream = patching.resid_pre().unwrap();
    for layer in 0..2 {
        for at in 0..4 {
            let value = |site: Site| replace(site, clean.cache().get(site).unwrap());
            let key = measured(value(Site::k(layer)).head(at));
            assert!((heads.raw()[[layer, at]] - key).abs() < 1e-4, "head {layer} {at}");
            let resid = measured(value(Site::resid_pre(layer)).position(at));
            assert!((stream.raw()[[layer, at]] - resid).abs() < 1e-4, "stream {layer} {at}");
        }
    }
    let hooked = model.hooked([zero(Site::pos_embed())]);
    let error = Patching::new(&hooked, IDS, corrupt, metric).unwrap_err().to_string();
    assert!(error.contains("`hook_pos_embed`"), "{error}");
}

#[test]
fn the_stream_is_the_sum_of_its_parts_without_positions() {
    let run = model().pass(IDS).unwrap().record("*").run().unwrap();
    for stack in [run.decompose(Site::resid_post(1)).unwrap(), run.decompose_fully(Site::resid_post(1)).unwrap()] {
        assert!(stack.labels().iter().all(|label| label != "pos_embed") && stack.labels()[0] == "embed");
        assert!(difference(&stack.sum().unwrap(), &run.cache().get(Site::resid_post(1)).unwrap()) < 1e-5);
    }
}

#[test]
fn what_would_move_positions_is_not_done_to_the_weights() {
    let model = model();
    let done = model.processed(Default::default()).unwrap();
    assert_eq!(done.processing().done(), [Step::CenterUnembed, Step::FoldValueBiases]);
    let names =
        candle_core::safetensors::load(folder("shortformer-tiny").join("model.safetensors"), &candle_core::Device::Cpu);
    assert!(names.unwrap().contains_key("pos_embed.W_pos"));
    for error in [model.fold_ln().unwrap_err(), model.center_writing_weights().unwrap_err()] {
        assert!(error.to_string().contains("positions that are added after the norm"), "{error}");
    }
}
