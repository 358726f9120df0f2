//! Exact identities that need no reference.

use crate::reference::{difference, expected, open, run_everything, token_ids};
use candle_core::Tensor;
use glassbox::{
    Model,
    hook::{Intervention, Site, ToInterventions, edit, mean, patch, replace, scale, zero},
    model::Run,
};

const NAMES: [&str; 5] = ["gpt2-tiny", "gpt2-untied", "llama-gqa-tied", "llama-gqa-untied", "attn-only-tiny"];

fn model_and_run(name: &str) -> (Model, Run, Vec<u32>) {
    let model = open(name);
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let run = run_everything(&model, &ids);
    (model, run, ids)
}

fn logits(model: &Model, ids: &[u32], interventions: impl ToInterventions) -> Tensor {
    model.run_with(ids.to_vec(), interventions).unwrap().logits().unwrap().clone()
}

#[test]
fn the_parts_add_up_to_the_residual_stream() {
    for name in NAMES {
        let (model, run, _) = model_and_run(name);
        let get = |site| run.cache().get(site).unwrap();
        let mut sum = get(Site::embed());
        if model.has(Site::pos_embed()) {
            sum = (sum + get(Site::pos_embed())).unwrap();
        }
        for layer in 0..model.config().n_layers {
            assert!(difference(&get(Site::resid_pre(layer)), &sum) < 1e-5);
            sum = (sum + get(Site::attn_out(layer))).unwrap();
            if model.has(Site::mlp_out(layer)) {
                assert!(difference(&get(Site::resid_mid(layer)), &sum) < 1e-5);
                sum = (sum + get(Site::mlp_out(layer))).unwrap();
            }
            assert!(difference(&get(Site::resid_post(layer)), &sum) < 1e-5);
        }
    }
}

#[test]
fn attention_rows_sum_to_one_and_never_look_ahead() {
    let (_, run, ids) = model_and_run("llama-gqa-untied");
    let pattern = run.cache().get(Site::pattern(2)).unwrap();
    let sums = pattern.sum(3).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5));
    let rows = pattern.get(0).unwrap().get(0).unwrap().to_vec2::<f32>().unwrap();
    for query in 0..ids.len() {
        assert!(rows[query][query + 1..].iter().all(|&weight| weight == 0.0));
    }
}

#[test]
fn patching_in_a_runs_own_activations_changes_nothing() {
    for name in NAMES {
        let (model, run, ids) = model_and_run(name);
        for site in model.sites().into_iter().filter(|site| *site != Site::tokens()) {
            let patched = logits(&model, &ids, [patch(site, run.cache()).unwrap()]);
            // hook_result and the per-head inputs are summed in another order than the fused route.
            assert!(difference(&patched, &run.logits().unwrap()) < 2e-5, "{name} {site}");
        }
    }
}

#[test]
fn a_gated_site_that_is_changed_reaches_the_logits() {
    let (model, run, ids) = model_and_run("gpt2-tiny");
    let gated =
        [Site::attn_in(1), Site::q_input(1), Site::k_input(1), Site::v_input(1), Site::result(1), Site::mlp_in(1)];
    for site in gated {
        let changed = logits(&model, &ids, [zero(site).position(2)]);
        assert!(difference(&changed, &run.logits().unwrap()) > 1e-4, "{site}");
    }
    let site = Site::unembed_out();
    let doubled = logits(&model, &ids, [scale(site, 2.0)]);
    assert!(difference(&doubled, &(run.logits().unwrap() * 2.0).unwrap()) < 1e-5);
}

#[test]
fn changing_one_heads_input_copy_changes_only_that_head() {
    let (model, run, ids) = model_and_run("llama-gqa-tied");
    let site = Site::k_input(0);
    let changed = model.run_with(ids, [scale(site, -1.0).head(1)]).unwrap();
    let head = |run: &Run, head| run.cache().get(Site::k(0)).unwrap().narrow(2, head, 1).unwrap();
    assert!(difference(&head(&changed, 0), &head(&run, 0)) < 1e-6);
    assert!(difference(&head(&changed, 1), &head(&run, 1)) > 1e-2);
}

#[test]
fn a_narrowed_intervention_touches_its_part_and_nothing_else() {
    let (model, run, ids) = model_and_run("gpt2-tiny");
    let site = Site::z(0);
    let one = model.run_with(ids.clone(), [zero(site).head(2).position(-1)]).unwrap();
    let (before, after) = (run.cache().get(site).unwrap(), one.cache().get(site).unwrap());
    let moved = (before - after).unwrap().abs().unwrap().sum((0, 3)).unwrap().to_vec2::<f32>().unwrap();
    for (position, heads) in moved.iter().enumerate() {
        for (head, moved) in heads.iter().enumerate() {
            assert_eq!(*moved > 0.0, position == ids.len() - 1 && head == 2, "position {position}, head {head}");
        }
    }
}

#[test]
fn interventions_at_one_site_are_done_in_order() {
    let (model, _, ids) = model_and_run("gpt2-tiny");
    let site = Site::mlp_post(1);
    let ones = |x: &Tensor| x.ones_like();
    let value = |interventions: Vec<Intervention>| {
        let run = model.run_with(ids.clone(), interventions).unwrap();
        run.cache().get(site).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0]
    };
    assert_eq!(value(vec![edit(site, ones), scale(site, 3.0)]), 3.0);
    assert_eq!(value(vec![scale(site, 3.0), edit(site, ones)]), 1.0);
}

#[test]
fn a_mean_keeps_what_is_always_said() {
    let (model, run, ids) = model_and_run("gpt2-tiny");
    let site = Site::attn_out(0);
    let meant = model.run_with(ids, [mean(site)]).unwrap();
    let expected = run.cache().get(site).unwrap().mean_keepdim(1).unwrap();
    let got = &meant.cache().get(site).unwrap();
    assert!(difference(got, &expected.broadcast_as(got.shape()).unwrap()) < 1e-6);
}

#[test]
fn a_batch_is_its_texts_side_by_side() {
    let model = open("llama-gqa-tied");
    let rows = vec![vec![3u32, 1, 4, 1, 5], vec![9, 2, 6, 5, 3]];
    let batch = model.run(&rows).unwrap();
    for (index, row) in rows.iter().enumerate() {
        let alone = model.run(row).unwrap();
        for (site, value) in alone.cache().iter() {
            let part = batch.cache().get(site).unwrap().narrow(0, index, 1).unwrap();
            assert!(difference(&part, &value) < 1e-5, "{site}");
        }
    }
}

#[test]
fn logits_at_some_positions_are_those_of_a_full_run() {
    let (model, run, ids) = model_and_run("gpt2-tiny");
    let some = model.pass(&ids).unwrap().logits_at([-1, 0]).run().unwrap();
    let all = run.logits().unwrap();
    let expected = Tensor::cat(&[all.narrow(1, ids.len() - 1, 1).unwrap(), all.narrow(1, 0, 1).unwrap()], 1).unwrap();
    assert!(difference(&some.logits().unwrap(), &expected) < 1e-5);
    assert_eq!(some.predictions(0, 3).unwrap()[0].id, run.predictions(0, 3).unwrap()[0].id);
    assert!(some.predictions(1, 3).unwrap_err().to_string().contains("position 1 were not computed"));
}

#[test]
fn a_stopped_run_holds_nothing_from_deeper_layers() {
    let (model, run, ids) = model_and_run("llama-gqa-untied");
    let stopped = model.pass(&ids).unwrap().record("*").stop_at_layer(1).run().unwrap();
    assert!(stopped.cache().sites().iter().all(|site| site.layer().is_none_or(|layer| layer < 1)));
    for (site, value) in stopped.cache().iter().filter(|(site, _)| *site != Site::tokens()) {
        assert!(difference(&value, &run.cache().get(site).unwrap()) < 1e-6, "{site}");
    }
    assert!(stopped.logits().is_err());
    let error = model.pass(&ids).unwrap().record(Site::z(2)).stop_at_layer(1).run().unwrap_err();
    assert!(error.to_string().contains("blocks.2.attn.hook_z"), "{error}");
}

#[test]
fn a_run_after_a_failed_one_is_untouched() {
    let (model, run, ids) = model_and_run("gpt2-tiny");
    let fails = edit(Site::z(1), |_| Err("blocks.0.hook_nothing".parse::<Site>().unwrap_err().into()));
    assert!(model.run_with(&ids, [fails]).unwrap_err().is_unknown_site(), "it is the error that it was");
    let again = model.run(&ids).unwrap();
    assert_eq!(difference(&again.logits().unwrap(), &run.logits().unwrap()), 0.0);
}

#[test]
fn what_does_not_fit_is_refused_before_anything_runs() {
    let model = open("llama-gqa-tied");
    let vector = |size: usize| Tensor::zeros(size, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    let touched = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = touched.clone();
    let watch = edit(Site::embed(), move |x| {
        seen.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(x.clone())
    });
    for (wrong, words) in [
        (zero(Site::z(0)).head(4), "head 4 is out of range at `blocks.0.attn.hook_z`"),
        (zero(Site::k(0)).head(2), "whose head axis goes from 0 to 1"),
        (zero(Site::z(7)), "layers 0 to 1, not 7"),
        (zero(Site::pos_embed()), "positions are rotary"),
        (zero(Site::attn_in(0)), "use q_input, k_input, v_input"),
        (zero(Site::resid_pre(0)).head(1), "has no head axis to narrow"),
        (zero(Site::mlp_post(0)).neuron(99_999), "d_mlp 99999 is out of range"),
        (zero(Site::z(0)).position(-4), "position -4 is out of range"),
        (replace(Site::resid_pre(0), vector(3)), "has shape [3] where [1, 3, 32]"),
    ] {
        let error = model.run_with([1, 2, 3], [watch.clone(), wrong]).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(!touched.load(std::sync::atomic::Ordering::Relaxed));
}
