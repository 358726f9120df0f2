//! Parts of a run equal the whole: start, stop, positions, standing interventions, edited gradients.

use crate::reference::{difference, expected, open, run_everything, token_ids};
use candle_core::{IndexOp, Tensor};
use glassbox::{
    Model,
    axes::Axis,
    hook::{Site, Sites, add, edit_gradient, scale, zero},
    text::Padding,
};

const NAMES: [&str; 4] = ["gpt2-tiny", "llama-gqa-tied", "llama-gqa-untied", "attn-only-tiny"];

fn model_and_ids(name: &str) -> (Model, Vec<u32>) {
    (open(name), token_ids(&expected(name, "expected.safetensors")))
}

#[test]
fn a_run_started_at_any_layer_ends_as_the_whole_run_does() {
    for name in NAMES {
        let (model, ids) = model_and_ids(name);
        let whole = run_everything(&model, &ids);
        for layer in 0..model.config().n_layers {
            let resid = &whole.cache().get(Site::resid_pre(layer)).unwrap();
            let from_end = layer as i64 - model.config().n_layers as i64;
            for layer in [layer as i64, from_end] {
                let started = model.pass(&ids).unwrap().start_at_layer(layer, resid).record("*").run().unwrap();
                assert_eq!(difference(&started.logits().unwrap(), &whole.logits().unwrap()), 0.0, "{name} {layer}");
                for (site, value) in started.cache().iter() {
                    assert_eq!(difference(&value, &whole.cache().get(site).unwrap()), 0.0, "{name} {site}");
                }
            }
        }
    }
}

#[test]
fn two_halves_of_a_run_make_the_whole() {
    let (model, ids) = model_and_ids("llama-gqa-untied");
    let whole = model.forward(&ids).unwrap();
    let first = model.pass(&ids).unwrap().stop_at_layer(-1).run().unwrap();
    let second = model.pass(&ids).unwrap().start_at_layer(-1, first.resid()).run().unwrap();
    assert_eq!(difference(&second.logits().unwrap(), &whole), 0.0);
    let end = model.pass(&ids).unwrap().start_at_layer(1, first.resid()).stop_at_layer(1).run().unwrap();
    assert_eq!(difference(&end.resid(), &first.resid()), 0.0, "no layer between 1 and 1");
}

#[test]
fn what_a_part_of_a_run_does_not_come_to_is_refused() {
    let (model, ids) = model_and_ids("gpt2-tiny");
    let resid = model.pass(&ids).unwrap().stop_at_layer(1).run().unwrap().resid();
    let from = |layer| model.pass(&ids).unwrap().start_at_layer(layer, &resid);
    for (pass, words) in [
        (from(1).record(Site::z(0)), "layers 1 to 2 (not included) and does not reach `blocks.0.attn.hook_z`"),
        (from(1).intervene([zero(Site::embed())]), "does not reach `hook_embed`"),
        (from(1).stop_at_layer(0), "starts at layer 1 but stops before layer 0"),
        (from(3), "layer 3 is out of range"),
        (model.pass(&ids).unwrap().stop_at_layer(-3), "layer -3 is out of range"),
        (model.pass([1, 2]).unwrap().start_at_layer(1, &resid), "where [1, 2, 32] is needed"),
    ] {
        let error = pass.run().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn recorded_positions_are_the_whole_records_positions() {
    for name in NAMES {
        let (model, ids) = model_and_ids(name);
        let whole = run_everything(&model, &ids);
        let last = ids.len() - 1;
        let some = model.pass(&ids).unwrap().record(model.sites()).positions([-1, 1]).run().unwrap();
        for (site, value) in some.cache().iter() {
            let whole = whole.cache().get(site).unwrap();
            let along = site.axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query)).unwrap();
            let chosen = Tensor::new(&[last as u32, 1], whole.device()).unwrap();
            assert_eq!(difference(&value, &whole.index_select(&chosen, along).unwrap()), 0.0, "{name} {site}");
        }
        assert_eq!(difference(&some.logits().unwrap(), &whole.logits().unwrap()), 0.0);
    }
}

#[test]
fn standing_interventions_are_done_first_and_nest() {
    let (model, ids) = model_and_ids("gpt2-tiny");
    let doubled = model.hooked([scale(Site::z(0), 2.0)]);
    let both = doubled.hooked([zero(Site::z(1))]);
    let logits = |model: &Model| model.forward(&ids).unwrap();
    let given = |interventions: Vec<_>| model.run_with(&ids, interventions).unwrap().logits().unwrap();
    assert_eq!(difference(&logits(&doubled), &given(vec![scale(Site::z(0), 2.0)])), 0.0);
    assert_eq!(difference(&logits(&both), &given(vec![scale(Site::z(0), 2.0), zero(Site::z(1))])), 0.0);
    assert_eq!(both.interventions().len(), 2);
    assert!(difference(&logits(&model), &logits(&doubled)) > 1e-3, "the first model is as it was");
    // Doubled, then added to: not the other way round.
    let one = Tensor::ones(model.config().d_head, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    let run = doubled.run_with(&ids, [add(Site::z(0), one.clone())]).unwrap();
    let plain = model.run(&ids).unwrap().cache().get(Site::z(0)).unwrap();
    let expected = (plain * 2.0).unwrap().broadcast_add(&one).unwrap();
    assert!(difference(&run.cache().get(Site::z(0)).unwrap(), &expected) < 1e-6);
}

fn last_logit(logits: &Tensor) -> candle_core::Result<Tensor> {
    logits.i((0, logits.dim(1)? - 1, 5))
}

#[test]
fn a_doubled_gradient_doubles_what_lies_before_it_and_nothing_else() {
    let (model, ids) = model_and_ids("llama-gqa-tied");
    let sites = [Site::z(1), Site::attn_out(1), Site::mlp_out(1)];
    let plain = model.pass(&ids).unwrap().differentiate(sites, last_logit).run().unwrap();
    let double = edit_gradient(Site::attn_out(1), |grad| grad * 2.0);
    let edited = model.pass(&ids).unwrap().intervene([double]).differentiate(sites, last_logit).run().unwrap();
    assert_eq!(difference(&edited.logits().unwrap(), &plain.logits().unwrap()), 0.0);
    let gradient = |run: &glassbox::model::Run, site: Site| run.gradients().unwrap().get(site).unwrap();
    let twice = (gradient(&plain, Site::z(1)) * 2.0).unwrap();
    assert!(difference(&gradient(&edited, Site::z(1)), &twice) < 1e-6);
    assert_eq!(difference(&gradient(&edited, Site::mlp_out(1)), &gradient(&plain, Site::mlp_out(1))), 0.0);
}

#[test]
fn sites_are_chosen_by_name_list_pattern_or_predicate() {
    let (model, ids) = model_and_ids("gpt2-tiny");
    let count = |sites: Sites| model.pass(&ids).unwrap().record(sites).run().unwrap().cache().len();
    assert_eq!(count("blocks.1.attn.hook_z".into()), 1);
    assert_eq!(count(vec![Site::z(0), Site::z(1)].into()), 2);
    assert_eq!(count("blocks.*.hook_resid_*".into()), 6);
    assert_eq!(count(Sites::filter(|site| site.layer() == Some(1) && site.is_gated())), 6);
}

/// What Hugging Face gives for texts padded on the left: `tests/reference/make_families.py`.
fn padded(name: &str) -> (Vec<Vec<u32>>, Vec<Vec<u32>>, Tensor) {
    let values = expected("families/padding", &format!("{name}.safetensors"));
    let rows = |key: &str| values[key].to_dtype(candle_core::DType::U32).unwrap().to_vec2::<u32>().unwrap();
    (rows("tokens"), rows("attention_mask"), values["logits"].clone())
}

#[test]
fn padded_texts_give_what_hugging_face_gives_and_what_each_gives_alone() {
    for (name, file) in [("gpt2-tiny", "gpt2"), ("llama-gqa-tied", "llama")] {
        let model = open(name);
        let (tokens, mask, logits) = padded(file);
        let real =
            |text: usize| tokens[text].iter().zip(&mask[text]).filter(|(_, real)| **real == 1).map(|(id, _)| *id);
        let texts: Vec<Vec<u32>> = (0..tokens.len()).map(|text| real(text).collect()).collect();
        assert!(texts.iter().any(|text| text.len() < tokens[0].len()));
        for side in [Padding::Left, Padding::Right] {
            let batch = model.tokens(texts.clone()).unwrap().padded(side);
            let run = model.pass(&batch).unwrap().record(model.sites()).run().unwrap();
            let mut total = (0.0, 0);
            for (index, text) in texts.iter().enumerate() {
                let at = batch.real(index);
                let part = |x: &Tensor| x.i(index).unwrap().narrow(0, at.start, at.len()).unwrap();
                let expected = logits.i(index).unwrap().narrow(0, tokens[0].len() - text.len(), text.len()).unwrap();
                assert!(difference(&part(&run.logits().unwrap()), &expected) < 1e-3, "{name} {side:?} {index}");
                let alone = run_everything(&model, text);
                for (site, value) in alone.cache().iter() {
                    let mut padded = run.cache().get(site).unwrap().i(index).unwrap();
                    for (dim, axis) in site.axes()[1..].iter().enumerate() {
                        if matches!(axis, Axis::Pos | Axis::Query | Axis::Key) {
                            padded = padded.narrow(dim, at.start, at.len()).unwrap();
                        }
                    }
                    assert!(difference(&padded, &value) < 1e-4, "{name} {side:?} {index} {site}");
                }
                let last = run.predictions_in(index, -1, 1).unwrap()[0].id;
                assert_eq!(last, alone.predictions(-1, 1).unwrap()[0].id);
                total.0 += alone.loss().unwrap() * (text.len() - 1) as f64;
                total.1 += text.len() - 1;
            }
            assert!((run.loss().unwrap() - total.0 / total.1 as f64).abs() < 1e-4, "padding is in no mean");
            let only = model.pass(&batch).unwrap().logits_at([-1]).run().unwrap();
            assert_eq!(only.logits().unwrap().dims()[1], 1);
            for index in 0..texts.len() {
                let (one, all) =
                    (only.predictions_in(index, -1, 1).unwrap(), run.predictions_in(index, -1, 1).unwrap());
                assert_eq!(one[0].id, all[0].id);
            }
        }
    }
}
