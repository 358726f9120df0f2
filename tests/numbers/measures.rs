//! Metrics at other positions, and several at once: sweeps, attribution, edges and circuits.

use crate::reference::{expected, open, token_ids};
use candle_core::Tensor;
use glassbox::{
    Model,
    axes::Axis,
    hook::{Site, patch, scale},
    patching::{HeadPart, Metric, PatchSweep, Patching, clean},
    text::{Padding, Tokens},
};

fn prompts(model: &Model, name: &str, side: Padding) -> (Tokens, Tokens) {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let texts = vec![ids[..7].to_vec(), ids[3..8].to_vec()];
    let mut corrupt = texts.clone();
    (corrupt[0][1], corrupt[1][1]) = (17, 23);
    let tokens = |texts: Vec<Vec<u32>>| model.tokens(texts).unwrap().padded(side);
    (tokens(texts), tokens(corrupt))
}

fn logit_diff(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [42, 3], 2).unwrap()
}

fn agrees(
    what: &str,
    sweep: &PatchSweep,
    metric: &Metric,
    patching: &Patching,
    model: &Model,
    site: fn(usize) -> Site,
) {
    let clean = model.run(patching.clean()).unwrap();
    for (at, got) in sweep.values().indexed_iter() {
        let cell = patch(site(at[0]), clean.cache()).unwrap();
        let cell = if sweep.axes()[1] == "head" { cell.head(at[1]) } else { cell.position(at[1]) };
        let expected = metric.of(model.run_with(patching.corrupt(), [cell]).unwrap()).unwrap()[at[2]];
        assert!((got - expected).abs() < 1e-5, "{what}, {}, {at:?}: {got} and {expected}", sweep.name());
    }
    let moved =
        |map: &PatchSweep| map.values().iter().zip(map.corrupt().iter().cycle()).any(|(a, b)| (a - b).abs() > 1e-4);
    assert!(moved(sweep), "{what}: no cell does anything");
}

#[test]
fn metrics_at_other_positions_agree_with_whole_runs() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "families/bert"] {
        let model = open(name);
        for side in [Padding::Left, Padding::Right] {
            let (clean, corrupt) = prompts(&model, name, side);
            let reference = Metric::kl_divergence(model.run(&clean).unwrap()).unwrap();
            for metric in [
                logit_diff(&model).at(3).unwrap(),
                logit_diff(&model).at(-3).unwrap(),
                logit_diff(&model).at_each([4i64, -2]).unwrap(),
                Metric::probability(&model, [7, 9], 2).unwrap().at(-2).unwrap(),
                reference.at(-2).unwrap(),
            ] {
                // Position 3 is padding in the shorter text on the left, and the third from its start on the right.
                let Ok(expected) = metric.of(model.run(&corrupt).unwrap()) else { continue };
                let patching = Patching::new(&model, &clean, &corrupt, metric.clone()).unwrap();
                let off =
                    patching.corrupt_metric().iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 1e-5, "{name}: {off}");
                agrees(name, &patching.resid_pre().unwrap(), &metric, &patching, &model, Site::resid_pre);
                agrees(name, &patching.attn_out().unwrap(), &metric, &patching, &model, Site::attn_out);
                agrees(name, &patching.heads(HeadPart::Value).unwrap(), &metric, &patching, &model, Site::v);
            }
        }
    }
}

#[test]
fn a_metric_at_one_position_of_all_texts_reads_the_last_layer_there_alone() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "families/mistral-window", "families/bert"] {
        let model = open(name);
        let ids = token_ids(&expected(name, "expected.safetensors"));
        let mut corrupt = ids[..8].to_vec();
        corrupt[1] = 17;
        for position in [4, 5, 7] {
            let metric = Metric::logit_diff(&model, 7, 42, 1).unwrap().at(position).unwrap();
            let patching = Patching::new(&model, &ids[..8], &corrupt[..], metric.clone()).unwrap();
            agrees(name, &patching.resid_pre().unwrap(), &metric, &patching, &model, Site::resid_pre);
            agrees(name, &patching.heads(HeadPart::Out).unwrap(), &metric, &patching, &model, Site::z);
            let after = patching.resid_pre().unwrap();
            if name != "families/bert" {
                let still = |(at, value): ([usize; 3], f32)| at[1] <= position || value == patching.corrupt_metric()[0];
                assert!(after.values().indexed_iter().map(|(at, value)| ([at[0], at[1], at[2]], *value)).all(still));
            }
        }
    }
}

#[test]
fn several_metrics_are_measured_along_the_gradient_and_edge_by_edge() {
    let name = "gpt2-tiny";
    let model = open(name);
    let (clean, corrupt) = prompts(&model, name, Padding::Left);
    let middle = || Metric::log_probability(&model, [7, 9], 2).unwrap().at(-3).unwrap().named("in the middle");
    let alone = |metric: Metric| Patching::new(&model, &clean, &corrupt, metric).unwrap();
    let (first, second) = (alone(logit_diff(&model)), alone(middle()));
    let both = first.clone().also(middle()).unwrap();
    let same = |what: &str, got: &PatchSweep, expected: &PatchSweep| {
        assert_eq!((got.metric(), got.clean().len()), (expected.metric(), 2));
        for (got, expected) in got.values().iter().zip(expected.values()) {
            assert!((got - expected).abs() < 1e-5, "{what}: {got} and {expected}");
        }
    };
    for budget in [1, 4096] {
        let both = both.clone().budget(budget);
        let maps = |patching: &Patching| patching.heads_by_position(HeadPart::Key).unwrap();
        let map = maps(&both.attribution().unwrap());
        same("attribution", &map, &maps(&first.attribution().unwrap()));
        same("attribution", &map.for_metric("in the middle").unwrap(), &maps(&second.attribution().unwrap()));
        let later = first.attribution().unwrap().also(middle()).unwrap();
        same("added later", &maps(&later).for_metric("in the middle").unwrap(), &maps(&second.attribution().unwrap()));
        let map = maps(&both.integrated_gradients(2).unwrap());
        same("integrated", &map.for_metric("in the middle").unwrap(), &maps(&second.integrated_gradients(2).unwrap()));
        for edges in [Patching::edge_attribution, Patching::edge_patching] {
            let scores = edges(&both).unwrap();
            same("edges", &scores.sweep(), &edges(&first).unwrap().sweep());
            same("edges", &scores.for_metric("in the middle").unwrap().sweep(), &edges(&second).unwrap().sweep());
            assert!(scores.for_metric("at the end").is_none());
        }
    }
    let circuit = first.edge_attribution().unwrap().circuit(20).titled("Twenty edges");
    assert!(glassbox::notebook::Show::html(&circuit).contains("Twenty edges"));
    let effect = both.run_circuit(&circuit).unwrap();
    same("circuit", &effect.sweep(), &first.run_circuit(&circuit).unwrap().sweep());
    same(
        "circuit",
        &effect.sweep().for_metric("in the middle").unwrap(),
        &second.run_circuit(&circuit).unwrap().sweep(),
    );
}

#[test]
fn gradients_at_a_position_are_those_of_a_pass_of_ones_own() {
    for name in ["gpt2-tiny", "families/bert"] {
        let model = open(name);
        let (clean, corrupt) = prompts(&model, name, Padding::Right);
        for at in [vec![-2], vec![4, 1]] {
            let metric = logit_diff(&model).at_each(at.clone()).unwrap();
            let fast =
                Patching::new(&model, &clean, &corrupt, metric).unwrap().attribution().unwrap().mlp_out().unwrap();
            let rows: Vec<usize> = (0..2).map(|text| corrupt.index_in(text, at[text % at.len()]).unwrap()).collect();
            let run =
                model.pass(&corrupt).unwrap().differentiate([Site::mlp_out(0), Site::mlp_out(1)], move |logits| {
                    let of = |text: usize, id: usize| logits.get(text)?.get(rows[text])?.get(id);
                    ((of(0, 7)? - of(0, 42)?)? + of(1, 9)?)? - of(1, 3)?
                });
            let run = run.run().unwrap();
            let (there, here) = (model.run(&clean).unwrap(), model.run(&corrupt).unwrap());
            for layer in 0..2 {
                let site = Site::mlp_out(layer);
                let way = (there.cache().get(site).unwrap() - here.cache().get(site).unwrap()).unwrap();
                let slow = (way * run.gradients().unwrap().get(site).unwrap())
                    .unwrap()
                    .sum(2)
                    .unwrap()
                    .to_vec2::<f32>()
                    .unwrap();
                for (text, slow) in slow.iter().enumerate() {
                    for (position, slow) in slow.iter().enumerate() {
                        let got = fast.values()[[layer, position, text]] - fast.corrupt()[text];
                        assert!((got - slow).abs() < 1e-5, "{name}: {got}, {slow}");
                    }
                }
            }
        }
    }
}

#[test]
fn attribution_reads_every_site_that_an_exact_sweep_does() {
    let model = open("llama-gqa-tied");
    let (texts, mut corrupt) = (vec![3u32, 1, 4, 1, 5], vec![3u32, 1, 4, 1, 5]);
    corrupt[1] = 17;
    let patching = Patching::new(&model, &texts[..], &corrupt[..], Metric::logit(&model, 7, 1).unwrap()).unwrap();
    let fast = patching.attribution().unwrap();
    for of in [
        Site::mlp_pre,
        Site::mlp_post,
        Site::result,
        Site::attn_scores,
        Site::rot_q,
        Site::q_input,
        Site::ln2_normalized,
        Site::mlp_in,
    ] {
        let axes = [patching.layer_axis(), patching.position_axis("position")];
        let map = fast.sweep("x", axes, |at| [clean(of(at[0])).position(at[1])]).unwrap();
        assert!(map.strongest().1.abs() > 1e-3, "{}: nothing happens", of(0));
        for layer in 0..2 {
            let record = |ids: &[u32]| model.pass(ids).unwrap().record(of(layer)).run().unwrap();
            let value = |ids: &[u32]| record(ids).cache().get(of(layer)).unwrap().maximum(-1e9).unwrap();
            let way = (value(&texts) - value(&corrupt)).unwrap();
            let at_end = |logits: &Tensor| logits.get(0)?.get(4)?.get(7);
            let run = model.pass(&corrupt[..]).unwrap().differentiate(of(layer), at_end).run().unwrap();
            let effect = (way * run.gradients().unwrap().get(of(layer)).unwrap()).unwrap();
            let along = of(layer).axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query)).unwrap();
            for position in 0..5 {
                let slow = effect.narrow(along, position, 1).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
                let got = map.values()[[layer, position, 0]] - map.corrupt()[0];
                assert!((got - slow).abs() < 1e-5, "{}, {position}: {got} and {slow}", of(layer));
            }
        }
    }
    let error = fast.sweep("x", [fast.layer_axis()], |at| [scale(Site::mlp_pre(at[0]), 2.0)]).unwrap_err().to_string();
    assert!(error.contains("run the exact sweep"), "{error}");
}

#[test]
fn metrics_of_one_name_or_of_too_many_positions_are_refused() {
    let model = open("gpt2-tiny");
    let (clean, corrupt) = prompts(&model, "gpt2-tiny", Padding::Left);
    let patching = Patching::new(&model, &clean, &corrupt, logit_diff(&model)).unwrap();
    let three = logit_diff(&model).at_each([0i64, 1, 2]).unwrap();
    let rank = Metric::rank(&model, [7, 9], 2).unwrap();
    let short = Metric::kl_divergence(model.pass(&clean).unwrap().logits_at([-1]).run().unwrap()).unwrap();
    for (error, words) in [
        (patching.clone().also(logit_diff(&model)).unwrap_err(), "a metric named `logit difference` already"),
        (patching.clone().also(three).unwrap_err(), "3 positions for 2 texts"),
        (patching.clone().also(logit_diff(&model).at(9).unwrap().named("far")).unwrap_err(), "position 9"),
        (logit_diff(&model).at_each([0i64; 0]).unwrap_err(), "0 positions"),
        (short.at(2).unwrap_err(), "were not computed"),
        (patching.clone().also(rank).unwrap().attribution().unwrap_err(), "changes in steps"),
        (patching.attn_out_windows(0).unwrap_err(), "a window of 0 layers"),
        (patching.knock_out([-1], [2], 0).unwrap_err(), "a window of 0 layers"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(patching.mlp_out_windows(usize::MAX).unwrap().mean().shape(), [2, 7]);
    let zeros = Patching::zero_ablation(&model, &clean, logit_diff(&model)).unwrap().attribution().unwrap();
    let scores = zeros.sweep("x", [zeros.layer_axis()], |at| [glassbox::patching::clean(Site::attn_scores(at[0]))]);
    assert!(scores.unwrap_err().to_string().contains("difference is infinite"));
}
