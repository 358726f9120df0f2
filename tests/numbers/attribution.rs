//! Attribution patching against central differences and exact patching; ablations against whole runs.

use crate::reference::{expected, external, open, token_ids};
use candle_core::{D, Tensor};
use glassbox::{
    Model,
    hook::{Intervention, Site, add, replace, scale, zero},
    notebook::Show,
    patching::{Corruption, HeadPart, IoiPrompts, Metric, PatchSweep, Patching},
    text::{Padding, Tokens},
};
use ndarray::{Array1, ArrayD};

const NAMES: [&str; 6] =
    ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny", "families/gemma2", "families/mixtral", "families/bert"];

/// Two pairs of prompts of different length, padded on either side.
fn prompts(model: &Model, name: &str, side: Padding) -> (Tokens, Tokens) {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let clean = vec![ids[..6].to_vec(), ids[3..8].to_vec()];
    let mut corrupt = clean.clone();
    (corrupt[0][1], corrupt[1][2]) = (17, 23);
    let tokens = |texts: Vec<Vec<u32>>| model.tokens(texts).unwrap().padded(side);
    (tokens(clean), tokens(corrupt))
}

fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [42, 3], 2).unwrap()
}

fn experiment(model: &Model, name: &str, side: Padding) -> Patching {
    let (clean, corrupt) = prompts(model, name, side);
    Patching::new(model, clean, corrupt, metric(model)).unwrap()
}

/// Every map that both kinds of patching have.
fn maps(patching: &Patching) -> Vec<PatchSweep> {
    let mut maps = patching.every_block_part().unwrap();
    maps.extend(patching.every_head_part().unwrap());
    maps.extend(HeadPart::ALL.map(|part| patching.heads_by_position(part).unwrap()));
    maps.extend([patching.layers().unwrap(), patching.pattern_entries().unwrap()]);
    maps
}

/// What each cell does to the metric of each text.
fn effects(sweep: &PatchSweep) -> ArrayD<f32> {
    &sweep.values() - &Array1::from_vec(sweep.corrupt().to_vec())
}

fn correlation(a: &ArrayD<f32>, b: &ArrayD<f32>) -> f32 {
    let (a, b) = (a - a.mean().unwrap(), b - b.mean().unwrap());
    (&a * &b).sum() / ((&a * &a).sum() * (&b * &b).sum()).sqrt()
}

#[test]
fn attribution_is_the_slope_of_the_metric_on_the_way_to_the_clean_activation() {
    for name in NAMES {
        for side in [Padding::Left, Padding::Right] {
            let model = open(name);
            let patching = experiment(&model, name, side);
            let fast = patching.attribution().unwrap();
            let (clean, corrupt) = (model.run(patching.clean()).unwrap(), model.run(patching.corrupt()).unwrap());
            let moved = |site: Site, head: i64, position: i64, step: f64| {
                let (there, here) = (clean.cache().get(site).unwrap(), corrupt.cache().get(site).unwrap());
                let value = (&here + ((there - &here).unwrap() * step).unwrap()).unwrap();
                let cell = replace(site, value).head(head).position(position);
                metric(&model).of(model.run_with(patching.corrupt(), [cell]).unwrap()).unwrap()
            };
            for (part, site) in [
                (HeadPart::Out, Site::z as fn(usize) -> Site),
                (HeadPart::Query, Site::q),
                (HeadPart::Key, Site::k),
                (HeadPart::Value, Site::v),
                (HeadPart::Pattern, Site::pattern),
            ] {
                let slopes = effects(&fast.heads_by_position(part).unwrap());
                for (at, head) in [([0, 2, 1], 1), ([1, 4, 0], 0), ([1, 5, 1], 1)] {
                    let (position, step) = (at[1] as i64, 0.05);
                    let (after, before) =
                        (moved(site(at[0]), head, position, step), moved(site(at[0]), head, position, -step));
                    for (text, (after, before)) in after.iter().zip(&before).enumerate() {
                        let (slope, got) =
                            ((after - before) / (2.0 * step as f32), slopes[[at[0], at[1], at[2], text]]);
                        assert!(
                            (slope - got).abs() < 2e-4 + 1e-2 * slope.abs(),
                            "{name} {part:?} {at:?}: {got}, {slope}"
                        );
                    }
                }
            }
        }
    }
}

/// How far attribution is from exact patching, of its own length, when everything that enters the first block is
/// `width` times as far from one fixed stream.
fn error(name: &str, width: f64) -> f32 {
    let model = open(name);
    let middle: Vec<f32> = (0..model.config().d_model).map(|i| (i as f32 * 1.7).sin()).collect();
    let middle = Tensor::new(middle, &candle_core::Device::Cpu).unwrap();
    let near = model.hooked([scale(Site::resid_pre(0), width), add(Site::resid_pre(0), middle)]);
    let patching = experiment(&near, name, Padding::Left);
    let (mut off, mut all) = (0.0, 0.0);
    for (exact, fast) in maps(&patching).iter().zip(maps(&patching.attribution().unwrap())) {
        let (exact, fast) = (effects(exact), effects(&fast));
        assert_eq!(exact.shape(), fast.shape());
        off += (&exact - &fast).mapv(|x| x * x).sum();
        all += (&fast * &fast).sum();
    }
    (off / all).sqrt()
}

#[test]
fn the_nearer_the_prompts_the_nearer_is_attribution_to_exact_patching() {
    for name in NAMES {
        let (far, near) = (error(name, 0.2), error(name, 0.02));
        println!("{name}: off by {far} at a fifth, by {near} at a fiftieth");
        assert!(near < 0.05 && near < far / 3.0, "{name}: {far}, then {near}");
    }
}

#[test]
fn every_smooth_metric_has_the_slope_that_a_closure_of_the_same_formula_has() {
    let model = open("gpt2-tiny");
    let (clean, corrupt) = prompts(&model, "gpt2-tiny", Padding::Right);
    let ids = |a: u32, b: u32| Tensor::new(&[[a], [b]], &candle_core::Device::Cpu).unwrap();
    let softmax = |logits: &Tensor| candle_nn::ops::softmax(logits, D::Minus1);
    let pairs = [
        (
            metric(&model),
            Metric::custom("same", move |x| (x.gather(&ids(7, 9), 1)? - x.gather(&ids(42, 3), 1)?)?.squeeze(1)),
        ),
        (
            Metric::logit(&model, [7, 9], 2).unwrap(),
            Metric::custom("same", move |x| x.gather(&ids(7, 9), 1)?.squeeze(1)),
        ),
        (
            Metric::probability(&model, [7, 9], 2).unwrap(),
            Metric::custom("same", move |x| softmax(x)?.gather(&ids(7, 9), 1)?.squeeze(1)),
        ),
        (
            Metric::log_probability(&model, [7, 9], 2).unwrap(),
            Metric::custom("same", move |x| softmax(x)?.log()?.gather(&ids(7, 9), 1)?.squeeze(1)),
        ),
    ];
    for (ours, same) in pairs {
        let of = |metric: Metric| {
            let patching = Patching::new(&model, &clean, &corrupt, metric).unwrap();
            effects(&patching.attribution().unwrap().heads(HeadPart::Out).unwrap())
        };
        let (got, expected) = (of(ours.clone()), of(same));
        let most = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!(most > 1e-6);
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-4 * most, "{ours:?}: {got} and {expected}");
        }
    }
}

#[test]
fn a_metric_without_a_gradient_is_refused_by_name() {
    let model = open("gpt2-tiny");
    let with = |metric| Patching::new(&model, [1, 2, 3], [1, 4, 3], metric).unwrap();
    let rank = with(Metric::rank(&model, 5, 1).unwrap());
    for error in [rank.attribution().unwrap_err(), rank.integrated_gradients(3).unwrap_err()] {
        assert!(error.to_string().contains("`rank` changes in steps"), "{error}");
    }
    let blind = with(Metric::custom("blind", |logits| logits.detach().max(1)));
    assert!(blind.attribution().is_err(), "nothing flows back through a detached tensor");
    assert!(blind.integrated_gradients(0).unwrap_err().to_string().contains("averaged over 0 steps"));
    let zeros = Patching::zero_ablation(&model, [1, 2, 3], Metric::logit(&model, 5, 1).unwrap()).unwrap();
    assert!(zeros.attribution().is_ok());
    assert!(zeros.integrated_gradients(2).unwrap_err().to_string().contains("zeros"));
}

#[test]
fn integrated_gradients_over_the_first_stream_add_up_to_the_whole_difference() {
    // Where a mixture's router changes its mind the metric jumps, and no gradient sees it.
    for name in NAMES.into_iter().filter(|name| !name.contains("mixtral")) {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let off = |patching: Patching| {
            let effects = effects(&patching.resid_pre().unwrap());
            let total = |text: usize| (0..6).map(|position| effects[[0, position, text]]).sum::<f32>();
            let whole = |text: usize| patching.clean_metric()[text] - patching.corrupt_metric()[text];
            (0..2).map(|text| (total(text) - whole(text)).abs()).fold(0f32, f32::max)
        };
        let (one, many) = (off(patching.attribution().unwrap()), off(patching.integrated_gradients(40).unwrap()));
        println!("{name}: {one} by attribution, {many} by integrated gradients");
        assert!(many < 2e-3 && many < one, "{name}: {one}, {many}");
    }
}

#[test]
fn attribution_finds_what_exact_patching_finds_in_the_shipped_model() {
    let model = Model::open("induction-2l").unwrap();
    let metric = Metric::logit_diff(&model, "blue", "tree", 1).unwrap();
    let texts = ["red fox blue owl tree red fox", "red owl blue fox tree red fox"];
    let exact = Patching::new(&model, texts[0], texts[1], metric).unwrap();
    let (fast, better) = (exact.attribution().unwrap(), exact.integrated_gradients(10).unwrap());
    let all = [maps(&exact), maps(&fast), maps(&better)];
    for ((exact, fast), better) in all[0].iter().zip(&all[1]).zip(&all[2]) {
        let both = [fast, better].map(|other| correlation(&exact.mean(), &other.mean()));
        let most = exact.strongest().1;
        println!("{} ({most:.3}): attribution {:.3}, integrated gradients {:.3}", exact.name(), both[0], both[1]);
    }
    let pooled = |maps: &[PatchSweep]| {
        Array1::from_iter(maps.iter().flat_map(|map| map.mean().into_iter().collect::<Vec<_>>())).into_dyn()
    };
    let [attribution, integrated] = [1, 2].map(|nth| correlation(&pooled(&all[0]), &pooled(&all[nth])));
    println!("all cells: attribution {attribution:.3}, integrated gradients {integrated:.3}");
    assert!(attribution > 0.2 && integrated > 0.9, "{attribution}, {integrated}");
}

fn whole_runs_agree(ablation: &Patching, model: &Model, cell: impl Fn(Site, usize) -> Intervention) {
    let heads = ablation.heads(HeadPart::Out).unwrap();
    let layers = ablation.layers().unwrap();
    let mean = heads.mean();
    for layer in 0..2 {
        for head in 0..2 {
            let one = cell(Site::z(layer), head).head(head as i64);
            let slow = metric(model).of(model.run_with(ablation.corrupt(), [one]).unwrap()).unwrap();
            let intact = ablation.corrupt_metric();
            for (text, slow) in slow.iter().enumerate() {
                assert!((heads.values()[[layer, head, text]] - slow).abs() < 1e-5);
            }
            let change = (slow[0] - intact[0] + slow[1] - intact[1]) / 2.0;
            assert!((mean[[layer, head]] - change).abs() < 1e-5, "the map is the change of the metric");
        }
        for (part, site) in [Site::attn_out(layer), Site::mlp_out(layer)].into_iter().enumerate() {
            let slow = metric(model).of(model.run_with(ablation.corrupt(), [cell(site, 0)]).unwrap()).unwrap();
            (0..2).for_each(|text| assert!((layers.values()[[layer, part, text]] - slow[text]).abs() < 1e-5));
        }
    }
}

#[test]
fn ablations_agree_with_whole_runs() {
    let model = open("gpt2-tiny");
    let (others, prompts) = prompts(&model, "gpt2-tiny", Padding::Left);
    let zeros = Patching::zero_ablation(&model, &prompts, metric(&model)).unwrap();
    whole_runs_agree(&zeros, &model, |site, _| zero(site));
    let other = model.run(&others).unwrap();
    let resampled = Patching::resample_ablation(&model, &prompts, &others, metric(&model)).unwrap();
    whole_runs_agree(&resampled, &model, |site, _| replace(site, other.cache().get(site).unwrap()));
    let patched = Patching::new(&model, &others, &prompts, metric(&model)).unwrap().heads(HeadPart::Out).unwrap();
    assert_eq!(resampled.heads(HeadPart::Out).unwrap().values(), patched.values(), "another scale, the same runs");

    let (prompts, reference) =
        ([vec![1u32, 2, 3, 4], vec![1, 9, 3, 8]], [vec![5u32, 6, 7, 8], vec![9, 9, 2, 1], vec![3; 4]]);
    let means = Patching::mean_ablation(&model, &prompts, &reference, metric(&model)).unwrap();
    let other = model.run(&reference).unwrap();
    whole_runs_agree(&means, &model, |site, _| {
        let mean = other.cache().get(site).unwrap().mean_keepdim(0).unwrap();
        replace(site, Tensor::cat(&[&mean, &mean], 0).unwrap())
    });
    assert_eq!(means.heads(HeadPart::Out).unwrap().operation(), "Mean ablation");
    let error = Patching::mean_ablation(&model, &prompts, [1, 2, 3], metric(&model)).unwrap_err().to_string();
    assert!(error.contains("[4, 4] tokens and the reference texts [3]"), "{error}");
}

#[test]
fn attribution_foretells_small_ablations() {
    let model = open("gpt2-tiny");
    let (_, prompts) = prompts(&model, "gpt2-tiny", Padding::Left);
    let exact = Patching::zero_ablation(&model, &prompts, metric(&model)).unwrap();
    let fast = exact.attribution().unwrap().heads_by_position(HeadPart::Out).unwrap();
    let exact = exact.heads_by_position(HeadPart::Out).unwrap();
    let correlation = correlation(&effects(&exact), &effects(&fast));
    println!("zero ablation of heads by position: correlation {correlation}");
    assert!(correlation > 0.8, "{correlation}");
    assert_eq!(fast.operation(), "Zero ablation by attribution");
    assert!(fast.html().contains("Zero ablation by attribution: head output, by position"));
}

#[test]
fn a_real_model_names_the_indirect_object_and_attribution_finds_where_it_knows_it() {
    let Some(folder) = external("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let model = Model::open(folder.to_str().unwrap()).unwrap();
    let prompts = IoiPrompts::new(&model, Corruption::OtherRepeated, 2, 0).unwrap();
    let exact = prompts.patching(&model).unwrap();
    let right = exact.clean_metric().iter().filter(|difference| **difference > 0.0).count();
    assert_eq!(right, 2, "{:?}", exact.clean_metric());
    let slow = exact.heads(HeadPart::Out).unwrap();
    for (fast, least) in [(exact.attribution().unwrap(), 0.5), (exact.integrated_gradients(3).unwrap(), 0.8)] {
        let fast = fast.heads(HeadPart::Out).unwrap();
        let correlation = correlation(&slow.mean(), &fast.mean());
        println!("{}: correlation {correlation:.3}", fast.operation());
        assert!(correlation > least, "{}: {correlation}", fast.operation());
    }
}
