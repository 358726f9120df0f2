//! Causal tracing, attention knock-outs and maps over any cells, against one whole run for each cell.

use crate::reference::{difference, expected, open, token_ids};
use candle_core::Tensor;
use glassbox::{
    Model,
    hook::{Intervention, Site, ToSite, add, block_attention, edit, patch, scale, zero},
    patching::{HeadPart, MapAxis, Metric, Noise, PatchSweep, Patching, clean},
    text::{Padding, Tokens},
};

const NAMES: [&str; 5] = ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny", "families/mixtral", "families/bert"];

fn prompts(model: &Model, name: &str) -> Tokens {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    model.tokens(vec![ids[..7].to_vec(), ids[1..6].to_vec()]).unwrap().padded(Padding::Left)
}

fn metric(model: &Model, batch: usize) -> Metric {
    let repeat = |ids: [u32; 2]| ids.repeat(batch / 2);
    Metric::logit_diff(model, repeat([7, 9]), repeat([42, 3]), batch).unwrap()
}

fn agrees(sweep: &PatchSweep, slow: impl Fn(&[usize]) -> Vec<f32>) {
    let rows = sweep.values();
    let cells = rows.shape()[..rows.ndim() - 1].to_vec();
    for nth in 0..cells.iter().product() {
        let mut rest: usize = nth;
        let mut at: Vec<usize> = cells.iter().rev().map(|len| (rest % len, rest /= len).0).collect();
        at.reverse();
        for (text, expected) in slow(&at).into_iter().enumerate() {
            let got = rows[&at.iter().copied().chain([text]).collect::<Vec<_>>()[..]];
            assert!((got - expected).abs() < 1e-5, "{} {at:?}: {got} and {expected}", sweep.name());
        }
    }
}

/// A corruption that is not the same for all texts, and acts in the embedding and in a block.
fn corruption(model: &Model, tokens: &Tokens) -> Vec<Intervention> {
    let first = if model.has(Site::embed()) { Site::embed() } else { "hook_full_embed".parse().unwrap() };
    let shape = (tokens.batch(), tokens.len(), model.config().d_model);
    let count = shape.0 * shape.1 * shape.2;
    let noise: Vec<f32> = (0..count).map(|i| (i as f32 * 1.7).sin()).collect();
    let noise = Tensor::from_vec(noise, shape, &candle_core::Device::Cpu).unwrap();
    vec![add(first, noise), scale(Site::z(1), 0.3).head(1).position(5).text(1)]
}

#[test]
fn what_is_restored_after_a_corruption_agrees_with_whole_runs() {
    for name in NAMES {
        let model = open(name);
        let tokens = prompts(&model, name);
        let corrupt = corruption(&model, &tokens);
        let patching = Patching::corrupted(&model, &tokens, corrupt.clone(), metric(&model, 2)).unwrap();
        let clean = model.run(&tokens).unwrap();
        for (got, expected) in patching.clean_metric().iter().zip(metric(&model, 2).of(&clean).unwrap()) {
            assert!((got - expected).abs() < 1e-5);
        }
        let whole = |cells: Vec<Intervention>| {
            metric(&model, 2).of(model.hooked(corrupt.clone()).run_with(&tokens, cells).unwrap()).unwrap()
        };
        let site = |site: Site| patch(site, clean.cache()).unwrap();
        agrees(&patching.resid_pre().unwrap(), |at| whole(vec![site(Site::resid_pre(at[0])).position(at[1])]));
        agrees(&patching.heads(HeadPart::Out).unwrap(), |at| whole(vec![site(Site::z(at[0])).head(at[1])]));
        agrees(&patching.attn_out_windows(2).unwrap(), |at| {
            let layers = at[0].saturating_sub(1)..(at[0] + 1).min(model.config().n_layers);
            whole(layers.map(|layer| site(Site::attn_out(layer)).position(at[1])).collect())
        });
    }
}

#[test]
fn noise_lies_on_the_subject_alone_and_is_drawn_anew_for_each_sample() {
    let model = Model::open("induction-2l").unwrap();
    let prompts = ["red fox blue owl red fox blue", "ant sun blue owl tree ant sun"];
    let one = || Metric::probability(&model, ["owl", "blue"], 2).unwrap();
    let noise = |noise: Noise| Patching::noise(&model, prompts, "blue owl", noise, one()).unwrap();
    let tracing = noise(Noise::default().samples(3));
    assert_eq!((tracing.corrupt().batch(), tracing.clean_metric().len()), (6, 6));
    assert_eq!(tracing.clean_metric()[..2], tracing.clean_metric()[4..], "one prompt is run three times");
    let of_first: Vec<f32> = tracing.corrupt_metric().iter().copied().step_by(2).collect();
    assert!(of_first[0] != of_first[1] && of_first[1] != of_first[2], "{of_first:?}");
    assert_eq!(tracing.corrupt_metric(), noise(Noise::default().samples(3)).corrupt_metric(), "seeded");
    assert_ne!(tracing.corrupt_metric(), noise(Noise::default().samples(3).seed(1)).corrupt_metric());
    assert_eq!(noise(Noise::default().sigmas(0.0)).corrupt_metric()[0], tracing.clean_metric()[0]);
    // Nothing is changed before the subject, and everything is brought back there.
    let effect = tracing.resid_pre().unwrap().mean();
    assert!(effect[[0, 1]].abs() < 1e-6 && effect[[0, 7]].abs() < 1e-6);
    let both = tracing.clone().also(Metric::loss(&model, ["owl", "blue"], 2).unwrap()).unwrap().resid_pre().unwrap();
    let loss = both.for_metric("loss (nats)").unwrap();
    for (probability, loss) in both.values().iter().zip(loss.values()) {
        assert!((probability.ln() + loss).abs() < 1e-3, "{probability} and {loss}");
    }
    let error = Patching::noise(&model, prompts, "cat", Noise::default(), one()).unwrap_err().to_string();
    assert!(error.contains("`cat` is not in the text"), "{error}");
    let error = Patching::noise(&model, prompts, "owl", Noise::default().sigmas(f32::NAN), one()).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
}

#[test]
fn knock_outs_agree_with_attention_renormalised_by_hand() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "families/bert"] {
        let model = open(name);
        let tokens = prompts(&model, name);
        let patching = Patching::unpatched(&model, &tokens, metric(&model, 2)).unwrap();
        let (queries, keys) = ([-1i64, 4], [3usize, 2]);
        // The pattern without these keys, made up to 1 again.
        let by_hand = |layer: usize, heads: Vec<i64>| {
            edit(Site::pattern(layer), move |pattern: &Tensor| {
                let mut rows = pattern.to_device(&candle_core::Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
                let (_, n_heads, len, _) = pattern.dims4()?;
                for (row, weights) in rows.chunks_mut(len).enumerate() {
                    let (head, query) = ((row / len % n_heads) as i64, row % len);
                    if heads.contains(&head) && (query == 4 || query == len - 1) {
                        (weights[2], weights[3]) = (0.0, 0.0);
                        let total: f32 = weights.iter().sum();
                        weights.iter_mut().for_each(|weight| *weight /= if total > 0.0 { total } else { 1.0 });
                    }
                }
                Tensor::from_vec(rows, pattern.shape(), pattern.device())
            })
        };
        let whole = |cells: Vec<Intervention>| metric(&model, 2).of(model.run_with(&tokens, cells).unwrap()).unwrap();
        agrees(&patching.knock_out_heads(queries, keys).unwrap(), |at| whole(vec![by_hand(at[0], vec![at[1] as i64])]));
        let all = (0..model.config().n_heads as i64).collect::<Vec<_>>();
        agrees(&patching.knock_out(queries, keys, 1).unwrap(), |at| whole(vec![by_hand(at[0], all.clone())]));
        agrees(&patching.knock_out(queries, keys, 3).unwrap(), |at| {
            let layers = at[0].saturating_sub(1)..(at[0] + 2).min(model.config().n_layers);
            whole(layers.map(|layer| by_hand(layer, all.clone())).collect())
        });
        agrees(&patching.knock_out_keys([4i64, -1], 1).unwrap(), |at| {
            whole(vec![block_attention(at[0], [4i64, -1], [at[1]])])
        });
    }
}

#[test]
fn a_position_that_may_look_nowhere_reads_nothing() {
    let model = open("gpt2-tiny");
    let run = model.run_with([5, 9, 2], [block_attention(0, [1], 0..3usize).head(1)]).unwrap();
    let z = run.cache().get(Site::z(0)).unwrap();
    let zeros = z.narrow(1, 1, 1).unwrap().narrow(2, 1, 1).unwrap();
    assert_eq!(difference(&zeros, &zeros.zeros_like().unwrap()), 0.0);
    assert!(run.loss().unwrap().is_finite());
}

#[test]
fn any_cells_make_a_map_and_several_metrics_are_measured_at_once() {
    let model = open("llama-gqa-tied");
    let tokens = prompts(&model, "llama-gqa-tied");
    let corrupt = corruption(&model, &tokens);
    let rank = Metric::rank(&model, [7, 9], 2).unwrap();
    let loss = Metric::loss(&model, [7, 9], 2).unwrap();
    let patching = Patching::corrupted(&model, &tokens, corrupt.clone(), metric(&model, 2)).unwrap();
    let patching = patching.also(rank.clone()).unwrap().also(loss.clone()).unwrap();
    let axes = [MapAxis::names("where", ["stream", "head and MLP", "zero"]), patching.layer_axis()];
    let cells = |at: &[usize]| match at[0] {
        0 => vec![clean(Site::resid_pre(at[1])).positions([2, 4])],
        1 => vec![clean(Site::z(at[1])).head(-1), clean(Site::mlp_out(0)).position(3)],
        _ => vec![zero(Site::mlp_out(at[1])), clean(Site::attn_out(1))],
    };
    let sweep = patching.sweep("this and that", axes, cells).unwrap();
    let clean_run = model.run(&tokens).unwrap();
    let whole = |measure: &Metric, at: &[usize]| {
        let filled = cells(at).into_iter().map(|one| match format!("{one:?}").starts_with("put in") {
            false => one,
            true => {
                let value = patch(one.to_site().unwrap(), clean_run.cache()).unwrap();
                match at[0] {
                    0 => value.positions([2, 4]),
                    1 if one.to_site().unwrap() == Site::mlp_out(0) => value.position(3),
                    1 => value.head(-1),
                    _ => value,
                }
            }
        });
        measure.of(model.hooked(corrupt.clone()).run_with(&tokens, filled.collect::<Vec<_>>()).unwrap()).unwrap()
    };
    agrees(&sweep, |at| whole(&metric(&model, 2), at));
    agrees(&sweep.for_metric("rank").unwrap(), |at| whole(&rank, at));
    agrees(&sweep.for_metric(&loss.name()).unwrap(), |at| whole(&loss, at));
    assert!(sweep.for_metric("taste").is_none());
    assert_eq!(sweep.axes(), ["where", "layer"]);
}

#[test]
fn cells_that_make_no_sense_are_refused_with_the_reason() {
    let model = open("gpt2-tiny");
    let intact = Patching::unpatched(&model, [1, 2, 3], Metric::logit(&model, 5, 1).unwrap()).unwrap();
    let one = |cell: Intervention| intact.sweep("x", [intact.layer_axis()], move |_| [cell.clone()]).unwrap_err();
    for (error, words) in [
        (one(clean(Site::resid_pre(0))), "no other value to set at `blocks.0.hook_resid_pre`"),
        (one(zero(Site::embed())), "`hook_embed` is not in a block"),
        (one(zero(Site::z(0)).head(9)), "head 9 is out of range"),
        (one(zero(Site::z(7))), "blocks.7"),
        (one(zero(Site::z(0)).heads([0i64; 0])), "selects no head"),
        (intact.sweep("x", [intact.layer_axis()], |_| None::<Intervention>).unwrap_err(), "has no intervention"),
        (intact.knock_out([5], [0], 1).unwrap_err(), "position 5 is out of range"),
        (model.run_with([1, 2], [clean(Site::z(0))]).err().unwrap(), "only a sweep"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
    let attributed = intact.attribution().unwrap_err().to_string();
    assert!(attributed.contains("no other value to set"), "{attributed}");
    let pair = Patching::new(&model, [1, 2, 3], [1, 4, 3], Metric::logit(&model, 5, 1).unwrap()).unwrap();
    let error = pair.attribution().unwrap().knock_out([-1], [0], 1).unwrap_err().to_string();
    assert!(error.contains("run the exact sweep"), "{error}");
}

#[test]
fn attribution_in_slices_is_attribution_at_once() {
    let model = open("llama-gqa-tied");
    let tokens = prompts(&model, "llama-gqa-tied");
    let corrupt = corruption(&model, &tokens);
    for measure in [metric(&model, 2), Metric::custom("largest", |logits| logits.max(1))] {
        let patching = Patching::corrupted(&model, &tokens, corrupt.clone(), measure).unwrap();
        let sliced = patching.clone().budget(1);
        for [whole, slices] in [
            [patching.attribution().unwrap(), sliced.attribution().unwrap()],
            [patching.integrated_gradients(3).unwrap(), sliced.integrated_gradients(3).unwrap()],
        ] {
            let [whole, slices] = [whole, slices].map(|way| way.heads_by_position(HeadPart::Out).unwrap());
            let off = whole.values().iter().zip(slices.values()).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(off < 1e-5, "{off}");
        }
    }
}
