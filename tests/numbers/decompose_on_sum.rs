//! Streams with norms on them taken apart: each part is carried through the norms, whose scales are held.

use crate::{
    decompose_stacks::{ON_SUM, apart, end, error_of, every_way, logit, model_and_run, part, streams, total},
    reference::{difference, external},
};
use candle_core::{D, IndexOp, Tensor};
use glassbox::{
    Model,
    decompose::LogitAttribution,
    hook::{Intervention, Site, patch, zero},
    model::{NormPlace, Run},
};

/// The stream in a run without what is written at a site, or by one head there, in which all else that is written and every
/// scale stays as it was.
fn without(model: &Model, run: &Run, (site, head): (Site, Option<usize>), stream: Site) -> Tensor {
    let taken = head.map_or(zero(site), |head| zero(site).head(head));
    // A head is taken from its layer's attention, which then cannot stay.
    let free = head.and(site.layer()).map_or(site, Site::attn_out);
    let stays = |one: &Site| {
        let name = one.to_string();
        ["hook_attn_out", "hook_mlp_out", "hook_scale"].iter().any(|end| name.ends_with(end)) && *one != free
    };
    let frozen = model.sites().into_iter().filter(stays).map(|site| patch(site, run.cache()).unwrap());
    let all = frozen.chain([taken]).collect::<Vec<Intervention>>();
    let run = model.pass(run.tokens()).unwrap().intervene(all).record([stream]).run().unwrap();
    run.cache().get(stream).unwrap()
}

#[test]
fn a_part_carried_through_held_norms_is_what_a_whole_run_with_those_scales_lacks_without_it() {
    for name in ON_SUM {
        let (model, run) = model_and_run(name);
        let encoder = model.has(Site::full_embed());
        let at_start = |site: Site| if encoder { format!("embed.{site}").parse().unwrap() } else { site };
        let parts = [
            ("embed", (at_start(Site::embed()), None)),
            ("pos_embed", (at_start(Site::pos_embed()), None)),
            ("0_attn_out", (Site::attn_out(0), None)),
            ("0_mlp_out", (Site::mlp_out(0), None)),
            ("1_attn_out", (Site::attn_out(1), None)),
            ("L0H1", (Site::z(0), Some(1))),
        ];
        for site in [Site::resid_pre(1), Site::resid_mid(1), Site::resid_post(1), Site::normalized_resid_post(1)] {
            let (parts_of, heads) = (run.decompose(site).unwrap(), run.decompose_heads(site).unwrap());
            for &(label, taken) in &parts {
                let stack = if label.starts_with('L') { &heads } else { &parts_of };
                if !stack.labels().iter().any(|one| one == label) {
                    assert_eq!((site, label), (Site::resid_pre(1), "1_attn_out"));
                    continue;
                }
                let lost = (run.cache().get(site).unwrap() - without(&model, &run, taken, site)).unwrap();
                let apart = difference(&part(stack, label), &lost);
                assert!(apart < 1e-5, "{name} {site} {label}: {apart:e}");
            }
        }
    }
}

#[test]
fn the_logits_of_masked_language_models_are_the_sum_of_what_their_parts_gave() {
    for name in ON_SUM {
        let (model, run) = model_and_run(name);
        if !model.config().heads.unembed {
            let error = run.decompose(end(&model)).unwrap().logit_attrs(7, 42).unwrap_err().to_string();
            assert!(error.contains("has no unembedding"), "{error}");
            continue;
        }
        let (one, between) = (logit(&run, 9), (logit(&run, 7) - logit(&run, 42)).unwrap());
        // The sum before the last norm gives the same: it is carried through it.
        for site in [end(&model), Site::resid_post(-1)] {
            for stack in every_way(&run, site) {
                for (given, logit) in [(stack.logit_attrs_of(9), &one), (stack.logit_attrs(7, 42), &between)] {
                    let given = given.unwrap();
                    let apart = difference(&total(&given), logit);
                    assert!(apart < 1e-4, "{name} {site}: {apart:e}");
                    assert_eq!(given.values().dim(0).unwrap(), given.labels().len(), "{name}");
                }
            }
        }
        // What a part gave does not depend on where the stream was taken apart.
        let (early, late) = (run.decompose(Site::resid_mid(1)).unwrap(), run.decompose(end(&model)).unwrap());
        let (early, late) = (early.logit_attrs(7, 42).unwrap(), late.logit_attrs(7, 42).unwrap());
        for (label, value) in early.labels().iter().zip(0..).filter(|(label, _)| !label.contains("bias")) {
            let at = late.labels().iter().position(|one| one == label).unwrap();
            let (early, late) = (early.values().get(value).unwrap(), late.values().get(at).unwrap());
            assert!(difference(&early, &late) < 1e-4, "{name} {label}");
        }
    }
}

#[test]
fn a_part_of_a_masked_logit_is_the_held_head_worked_out_by_hand() {
    let (model, run) = model_and_run("families/bert");
    let file = crate::reference::folder("families/bert").join("model.safetensors");
    let weights = candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap();
    let get = |name: &str| &weights[&format!("cls.predictions.{name}")];
    let dense = |x: &Tensor| x.broadcast_matmul(&get("transform.dense.weight").t().unwrap()).unwrap();
    let stream = run.cache().get(end(&model)).unwrap();
    let u = dense(&stream).broadcast_add(get("transform.dense.bias")).unwrap();
    let gate = (u.gelu_erf().unwrap() / &u).unwrap();
    let scale = run.cache().get(Site::mlm_head_scale()).unwrap();
    let stack = run.decompose(end(&model)).unwrap();
    let given = stack.logit_attrs_of(9).unwrap();
    let unembed = weights["bert.embeddings.word_embeddings.weight"].get(9).unwrap();
    for (at, label) in stack.labels().iter().enumerate() {
        let hidden = (dense(&part(&stack, label)) * &gate).unwrap();
        let centred = hidden.broadcast_sub(&hidden.mean_keepdim(D::Minus1).unwrap()).unwrap();
        let normed = centred.broadcast_div(&scale).unwrap().broadcast_mul(get("transform.LayerNorm.weight")).unwrap();
        let by_hand = normed.broadcast_mul(&unembed).unwrap().sum(D::Minus1).unwrap();
        assert!(difference(&given.values().get(at).unwrap(), &by_hand) < 1e-5, "{label}");
    }
    assert_eq!((given.labels().last().unwrap().as_str(), given.constant()), ("readout bias", vec![0.0; 2]));
}

#[test]
fn the_lens_of_an_answer_is_the_masked_language_models_own_head_on_every_stream() {
    for name in ["families/bert", "families/roberta", "families/distilbert", "families/albert"] {
        let (model, run) = model_and_run(name);
        let streams = run.accumulated_resid(end(&model), true).unwrap();
        let (held, lens) = (streams.logit_attrs_of(7).unwrap(), streams.recompute_ln().logit_attrs_of(7).unwrap());
        let values = streams.values().unwrap();
        let constant = |given: &LogitAttribution, at: usize| {
            let constant = Tensor::new(given.constant(), &candle_core::Device::Cpu).unwrap().unsqueeze(1).unwrap();
            given.values().get(at).unwrap().broadcast_add(&constant).unwrap()
        };
        for at in 0..streams.len() {
            let logits = model.unembed(values.get(at).unwrap()).unwrap().i((.., .., 7)).unwrap();
            assert!(difference(&constant(&lens, at), &logits.contiguous().unwrap()) < 1e-4, "{name} {at}");
        }
        let last = streams.len() - 1;
        assert!(difference(&constant(&held, last), &logit(&run, 7)) < 1e-4, "{name}");
        assert!(difference(&constant(&held, 0), &constant(&lens, 0)) > 1e-3, "{name}");
    }
}

#[test]
fn an_encoder_is_not_asked_for_the_next_token() {
    let (model, run) = model_and_run("families/bert");
    let error = error_of(run.decompose(end(&model)).unwrap().next_token_attrs());
    assert!(error.contains("not the next one") && error.contains("logit_attrs_of"), "{error}");
    // A decoder with norms on the stream is.
    let (model, run) = model_and_run("families/opt-post-norm");
    for site in [end(&model), Site::resid_post(-1)] {
        let given = run.decompose(site).unwrap().next_token_attrs().unwrap();
        let sum = given.values().sum(0).unwrap();
        for position in 0..5 {
            let follows = run.tokens().ids(0)[position + 1] as usize;
            let logit = run.logits().unwrap().i((0, position, follows)).unwrap();
            assert!(difference(&sum.i((0, position)).unwrap(), &logit) < 1e-4);
        }
    }
}

#[test]
fn real_encoders_are_taken_apart_too() {
    for name in ["bert-tiny-splade", "all-minilm-l6-v2"] {
        let Some(folder) = external("GLASSBOX_MODELS", name) else { continue };
        let model = Model::open(folder.to_str().unwrap()).unwrap();
        assert_eq!(model.config().norm_place, NormPlace::Post);
        let run = model.run("The capital of France is [MASK].").unwrap();
        for site in streams(&model) {
            let stream = run.cache().get(site).unwrap();
            for stack in [run.decompose(site).unwrap(), run.decompose_heads_and_mlps(site).unwrap()] {
                let apart = apart(&stack.sum().unwrap(), &stream);
                assert!(apart < 1e-5, "{name} {site}: {apart:e}");
            }
        }
        if model.config().heads.mlm {
            for stack in every_way(&run, end(&model)) {
                let given = stack.logit_attrs("paris", "london").unwrap();
                let expected = run.logit_diff("paris", "london", -1).unwrap();
                let got = total(&given).i((0, run.tokens().len() - 1)).unwrap().to_scalar::<f32>().unwrap();
                assert!((got - expected).abs() < 1e-4, "{name}: {got} for {expected}");
            }
        }
    }
}
