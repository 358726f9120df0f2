//! Sweeps of models that are changed already, and cells that put in values of their own, against whole runs.

use crate::reference::{expected, open, token_ids};
use candle_core::{Device, Tensor};
use glassbox::{
    Model,
    hook::{Intervention, Site, add, edit, mean, patch, replace, scale, zero},
    patching::{HeadPart, Metric, PatchSweep, Patching, clean},
    text::{Padding, Tokens},
};

const LEN: usize = 6;

/// Two texts, the second one shorter.
fn prompts(model: &Model, name: &str) -> (Tokens, Tokens) {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let texts = vec![ids[..LEN].to_vec(), ids[3..8].to_vec()];
    let mut corrupt = texts.clone();
    (corrupt[0][1], corrupt[1][2]) = (17, 23);
    let tokens = |texts: Vec<Vec<u32>>| model.tokens(texts).unwrap().padded(Padding::Left);
    (tokens(texts), tokens(corrupt))
}

fn metrics(model: &Model) -> [Metric; 2] {
    [Metric::logit_diff(model, [7, 9], [42, 3], 2).unwrap(), Metric::log_probability(model, [7, 9], 2).unwrap()]
}

/// Numbers that differ everywhere.
fn noise(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count).map(|i| 0.3 * (i as f32 * 1.7).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Every cell against one whole run of the standing interventions and its own.
fn agrees(
    what: &str,
    sweep: &PatchSweep,
    metric: &Metric,
    whole: &Model,
    texts: &Tokens,
    cell: impl Fn(&[usize]) -> Intervention,
) {
    for (at, got) in sweep.values().indexed_iter() {
        let at: Vec<usize> = (0..sweep.axes().len() + 1).map(|axis| at[axis]).collect();
        let (at, text) = at.split_at(at.len() - 1);
        let run = whole.run_with(texts, [cell(at)]).unwrap();
        let expected = metric.of(&run).unwrap()[text[0]];
        assert!((got - expected).abs() < 1e-5, "{what}, {}, {at:?}: {got} and {expected}", sweep.name());
    }
}

/// Maps over a hooked model, over a corrupted run and of ablations.
fn every_kind_agrees(name: &str, standing: impl Fn(&Model, &Tokens) -> Vec<Intervention>) {
    let model = open(name);
    let (texts, corrupt) = prompts(&model, name);
    for metric in metrics(&model) {
        let hooked = model.hooked(standing(&model, &corrupt));
        let clean_run = hooked.run(&texts).unwrap();
        let patching = Patching::new(&hooked, &texts, &corrupt, metric.clone()).unwrap();
        for (got, run) in [(patching.clean_metric(), &texts), (patching.corrupt_metric(), &corrupt)] {
            let expected = metric.of(hooked.run(run).unwrap()).unwrap();
            assert!(got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-5));
        }
        let cell = |site: fn(usize) -> Site| {
            let cache = clean_run.cache();
            move |at: &[usize]| patch(site(at[0]), &cache).unwrap().position(at[1])
        };
        let check = |sweep: PatchSweep, site| agrees(name, &sweep, &metric, &hooked, &corrupt, cell(site));
        let streams = patching.resid_pre().unwrap();
        assert!(streams.strongest().1.abs() > 0.1, "{name}: no cell does anything");
        check(streams, Site::resid_pre);
        check(patching.attn_out().unwrap(), Site::attn_out);
        check(patching.mlp_out().unwrap(), Site::mlp_out);
        let restored = Patching::corrupted(&model, &texts, standing(&model, &texts), metric.clone()).unwrap();
        let (broken, whole) = (model.hooked(standing(&model, &texts)), model.run(&texts).unwrap());
        agrees(name, &restored.resid_pre().unwrap(), &metric, &broken, &texts, |at| {
            patch(Site::resid_pre(at[0]), whole.cache()).unwrap().position(at[1])
        });
        let ablation = Patching::zero_ablation(&hooked, &corrupt, metric.clone()).unwrap();
        let heads = ablation.heads_by_position(HeadPart::Out).unwrap();
        agrees(name, &heads, &metric, &hooked, &corrupt, |at| zero(Site::z(at[0])).position(at[1]).head(at[2]));
    }
}

#[test]
fn values_as_large_as_the_text_stand_in_every_cell() {
    for name in ["gpt2-tiny", "llama-gqa-tied"] {
        every_kind_agrees(name, |model, texts| {
            let (batch, config) = (texts.batch(), model.config());
            let z = noise(&[batch, LEN, config.n_heads, config.d_head]);
            vec![
                add(Site::resid_mid(0), noise(&[batch, LEN, config.d_model])),
                patch(Site::attn_out(1), model.run(texts).unwrap().cache()).unwrap(),
                replace(Site::z(0), z.clone()).position(2).head(1),
                // As large as the part alone, and out of order.
                add(Site::mlp_out(1), noise(&[batch, 3, config.d_model])).positions([5, 1, -2]),
                add(Site::z(1), noise(&[LEN, config.n_heads, config.d_head])),
                add(Site::attn_scores(1), noise(&[batch, config.n_heads, LEN, LEN])),
            ]
        });
    }
}

#[test]
fn what_stands_and_sees_all_positions_sees_them_in_every_cell() {
    let centred = |x: &Tensor| x.broadcast_sub(&x.mean_keepdim(1)?);
    for name in ["gpt2-tiny", "llama-gqa-tied"] {
        every_kind_agrees(name, |_, _| vec![mean(Site::mlp_out(0)), scale(Site::mlp_out(0), 20.0)]);
        every_kind_agrees(name, |_, _| vec![scale(Site::attn_out(1), 20.0), edit(Site::attn_out(1), centred)]);
        every_kind_agrees(name, |_, _| {
            vec![mean(Site::z(1)).positions([1, 3]), mean(Site::mlp_out(1)).positions([3, 4])]
        });
    }
}

#[test]
fn what_is_done_at_the_end_of_the_model_is_done_in_every_cell() {
    let centred = |x: &Tensor| x.broadcast_sub(&x.mean_keepdim(1)?);
    for name in ["gpt2-tiny", "llama-gqa-tied"] {
        every_kind_agrees(name, |_, _| vec![scale(Site::ln_final_scale(), 0.5)]);
        every_kind_agrees(name, |model, texts| {
            let config = model.config();
            vec![
                add(Site::ln_final_normalized(), noise(&[texts.batch(), LEN, config.d_model])),
                edit(Site::unembed_in(), centred),
            ]
        });
        every_kind_agrees(name, |model, texts| {
            vec![
                add(Site::unembed_out(), noise(&[texts.batch(), LEN, model.config().d_vocab])).position(-1),
                zero(Site::unembed_out()).position(2),
            ]
        });
    }
    every_kind_agrees("families/bert", |model, _| {
        vec![
            scale(Site::mlm_head_scale(), 2.0),
            add(Site::mlm_head_normalized(), noise(&[LEN, model.config().d_model])),
        ]
    });
}

#[test]
fn cells_put_in_values_as_large_as_the_text() {
    let model = open("gpt2-tiny");
    let (texts, corrupt) = prompts(&model, "gpt2-tiny");
    let [metric, _] = metrics(&model);
    let patching = Patching::new(&model, &texts, &corrupt, metric.clone()).unwrap();
    let run = model.run(&texts).unwrap();
    let z = noise(&[2, LEN, model.config().n_heads, model.config().d_head]);
    for one in [
        &(|at: &[usize]| patch(Site::attn_out(at[0]), run.cache()).unwrap().position(at[1]))
            as &dyn Fn(&[usize]) -> Intervention,
        &|at| add(Site::z(at[0]), z.clone()).position(at[1]).head(0),
        &|at| replace(Site::resid_post(at[0]), run.resid().narrow(1, 0, 1).unwrap()).position(at[1]),
    ] {
        let axes = [patching.layer_axis(), patching.position_axis("position")];
        let sweep = patching.sweep("values", axes, |at| [one(at)]).unwrap();
        agrees("cells", &sweep, &metric, &model, &corrupt, one);
    }
    let wrong = |_: &[usize]| [add(Site::resid_pre(0), noise(&[2, LEN + 1, 3])).position(2)];
    let error = patching.sweep("x", [patching.layer_axis()], wrong).unwrap_err().to_string();
    assert!(error.contains("blocks.0.hook_resid_pre") && error.contains("[2, 7, 3]"), "{error}");
}

#[test]
fn experts_have_no_rows_of_their_own_for_each_text_and_are_refused() {
    let model = open("families/mixtral");
    let (texts, corrupt) = prompts(&model, "families/mixtral");
    let [metric, _] = metrics(&model);
    let patching = Patching::new(&model, &texts, &corrupt, metric.clone()).unwrap();
    let sites = [
        "blocks.0.mlp.hook_expert_weights",
        "blocks.0.mlp.hook_expert_indices",
        "blocks.1.mlp.experts.1.hook_post",
        "blocks.1.mlp.experts.0.hook_pre",
    ];
    for site in sites.map(|site| site.parse::<Site>().unwrap()) {
        for cell in [clean(site), zero(site), scale(site, 2.0)] {
            let error = patching.sweep("x", [patching.layer_axis()], |_| [cell.clone()]).unwrap_err().to_string();
            assert!(error.contains(&site.to_string()) && error.contains("`hook_mlp_out`"), "{error}");
        }
        let error = Patching::new(&model.hooked([zero(site)]), &texts, &corrupt, metric.clone()).unwrap_err();
        assert!(error.to_string().contains(&site.to_string()), "{error}");
    }
    assert!(patching.mlp_out().is_ok());
}

#[test]
fn attribution_of_texts_one_by_one_takes_means_over_all_of_them() {
    let model = open("gpt2-tiny");
    let (texts, corrupt) = prompts(&model, "gpt2-tiny");
    let hooked = model.hooked([mean(Site::mlp_out(0))]);
    let patching = Patching::new(&hooked, &texts, &corrupt, metrics(&model)[0].clone()).unwrap();
    let [whole, small] =
        [patching.clone(), patching.budget(1)].map(|one| one.attribution().unwrap().resid_pre().unwrap());
    for (whole, small) in whole.values().iter().zip(small.values()) {
        assert!((whole - small).abs() < 1e-5, "{whole} and {small}");
    }
}

#[test]
fn what_is_scaled_at_the_end_is_scaled_along_the_gradient_too() {
    let model = open("gpt2-tiny");
    let (texts, corrupt) = prompts(&model, "gpt2-tiny");
    let metric = Metric::logit_diff(&model, [7, 9], [42, 3], 2).unwrap().at(-2).unwrap();
    let map = |model: &Model, steps: bool| {
        let patching = Patching::new(model, &texts, &corrupt, metric.clone()).unwrap();
        match steps {
            true => patching.budget(1).integrated_gradients(2).unwrap().mlp_out().unwrap(),
            false => patching.attribution().unwrap().attn_out().unwrap(),
        }
    };
    for site in [Site::unembed_in(), Site::unembed_out()] {
        for steps in [false, true] {
            let (once, thrice) = (map(&model, steps), map(&model.hooked([scale(site, 3.0)]), steps));
            assert!(once.strongest().1.abs() > 0.1);
            for (once, thrice) in once.values().iter().zip(thrice.values()) {
                assert!((3.0 * once - thrice).abs() < 1e-5, "{site}: {once} and {thrice}");
            }
        }
    }
}
