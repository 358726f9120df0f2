//! Sweeps of an encoder-decoder, in encoder, decoder and cross attention, give what one whole run for each cell gives; the
//! same for an encoder by itself.

use crate::{patching::agrees, reference::open};
use glassbox::{
    Model,
    hook::{Intervention, Site, add, block_attention, edit, mean, patch, scale, zero},
    input::Input,
    model::Run,
    model::ToInput,
    patching::{Alignment, HeadPart, Metric, Noise, PatchSweep, Patching, clean},
    text::Padding,
};
use ndarray::Dimension;

const CASES: [&str; 2] = ["families/t5", "families/t5-v1_1"];

const SOURCES: [[&[u32]; 2]; 2] =
    [[&[5, 9, 30, 7, 11, 2], &[4, 8, 19, 6, 2]], [&[5, 17, 30, 7, 12, 2], &[4, 8, 23, 6, 2]]];
const TARGETS: [[&[u32]; 2]; 2] = [[&[0, 3, 14, 21], &[0, 13, 9]], [&[0, 16, 14, 5], &[0, 13, 31]]];

/// Two prompts of different length, padded on either side; clean (0) or corrupt (1) in either thing that is read.
fn input(model: &Model, source: usize, target: usize, side: Padding) -> Input {
    let texts = |ids: [&[u32]; 2]| model.tokens(ids.map(<[u32]>::to_vec)).unwrap().padded(side);
    (texts(SOURCES[source]), TARGETS[target].map(<[u32]>::to_vec)).to_input(model).unwrap()
}

fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [22, 3], 2).unwrap()
}

/// Prompts that differ in the source, in what the decoder reads, or in both.
const DIFFER: [(usize, usize); 3] = [(1, 0), (0, 1), (1, 1)];

fn experiment(model: &Model, (source, target): (usize, usize), side: Padding) -> (Patching, Run) {
    let (clean, corrupt) = (input(model, 0, 0, side), input(model, source, target, side));
    let run = model.run(&clean).unwrap();
    (Patching::new(model, clean, corrupt, metric(model)).unwrap(), run)
}

/// The slow way: one run from the start for each cell.
fn whole(patching: &Patching, model: &Model, cells: Vec<Intervention>) -> Vec<f32> {
    metric(model).of(model.run_with(patching.corrupt_input(), cells).unwrap()).unwrap()
}

fn moves(sweep: &PatchSweep) -> bool {
    let corrupt = sweep.corrupt();
    sweep.values().indexed_iter().any(|(at, value)| (value - corrupt[at[at.ndim() - 1]]).abs() > 1e-4)
}

#[test]
fn every_sweep_over_positions_of_either_stack_is_its_whole_runs() {
    for name in CASES {
        let model = open(name);
        for (differ, side) in DIFFER.into_iter().zip([Padding::Left, Padding::Right, Padding::Left]) {
            let (patching, run) = experiment(&model, differ, side);
            let slow = |site: fn(usize) -> Site| {
                let (patching, model, run) = (&patching, &model, &run);
                move |at: &[usize]| {
                    whole(patching, model, vec![patch(site(at[0]), run.cache()).unwrap().position(at[1] as i64)])
                }
            };
            let (encoder, across) = (patching.encoder().unwrap(), patching.cross_attention().unwrap());
            let stream = encoder.resid_pre().unwrap();
            assert_eq!(
                stream.values().shape(),
                [model.config().stack(glassbox::hook::Stack::Encoder).unwrap().n_layers, 6, 2]
            );
            assert_eq!(moves(&stream), differ.0 == 1, "{name} {differ:?}");
            agrees(name, &stream, slow(|layer| Site::resid_pre(layer).in_encoder()));
            agrees(name, &encoder.resid_mid().unwrap(), slow(|layer| Site::resid_mid(layer).in_encoder()));
            agrees(name, &encoder.resid_post().unwrap(), slow(|layer| Site::resid_post(layer).in_encoder()));
            agrees(name, &encoder.attn_out().unwrap(), slow(|layer| Site::attn_out(layer).in_encoder()));
            agrees(name, &encoder.mlp_out().unwrap(), slow(|layer| Site::mlp_out(layer).in_encoder()));
            let stream = patching.resid_pre().unwrap();
            assert_eq!(stream.values().shape(), [2, 4, 2]);
            assert!(moves(&stream), "{name} {differ:?}");
            assert_eq!(stream, patching.decoder().unwrap().resid_pre().unwrap());
            agrees(name, &stream, slow(|layer| Site::resid_pre(layer).in_decoder()));
            agrees(name, &patching.resid_mid().unwrap(), slow(|layer| Site::resid_mid(layer).in_decoder()));
            agrees(name, &patching.resid_post().unwrap(), slow(|layer| Site::resid_post(layer).in_decoder()));
            agrees(name, &patching.attn_out().unwrap(), slow(|layer| Site::attn_out(layer).in_decoder()));
            agrees(name, &patching.mlp_out().unwrap(), slow(|layer| Site::mlp_out(layer).in_decoder()));
            agrees(name, &across.attn_out().unwrap(), slow(|layer| Site::cross_attn_out(layer).in_decoder()));
            agrees(name, &across.resid_mid().unwrap(), slow(|layer| Site::resid_mid_cross(layer).in_decoder()));
        }
    }
}

#[test]
fn every_sweep_over_heads_of_either_stack_and_across_is_its_whole_runs() {
    type Part = (HeadPart, [fn(usize) -> Site; 3]);
    let parts: [Part; 5] = [
        (HeadPart::Out, [|l| Site::z(l).in_encoder(), |l| Site::z(l).in_decoder(), |l| Site::cross_z(l).in_decoder()]),
        (
            HeadPart::Query,
            [|l| Site::q(l).in_encoder(), |l| Site::q(l).in_decoder(), |l| Site::cross_q(l).in_decoder()],
        ),
        (HeadPart::Key, [|l| Site::k(l).in_encoder(), |l| Site::k(l).in_decoder(), |l| Site::cross_k(l).in_decoder()]),
        (
            HeadPart::Value,
            [|l| Site::v(l).in_encoder(), |l| Site::v(l).in_decoder(), |l| Site::cross_v(l).in_decoder()],
        ),
        (
            HeadPart::Pattern,
            [
                |l| Site::pattern(l).in_encoder(),
                |l| Site::pattern(l).in_decoder(),
                |l| Site::cross_pattern(l).in_decoder(),
            ],
        ),
    ];
    for (name, side) in CASES.into_iter().zip([Padding::Left, Padding::Right]) {
        let model = open(name);
        let (patching, run) = experiment(&model, (1, 1), side);
        let views = [patching.encoder(), patching.decoder(), patching.cross_attention()].map(Result::unwrap);
        for (part, sites) in &parts {
            for (view, site) in views.iter().zip(sites) {
                let cell = |at: &[usize]| patch(site(at[0]), run.cache()).unwrap();
                let heads = view.heads(*part).unwrap();
                assert!(moves(&heads), "{name} {part:?}");
                agrees(name, &heads, |at| whole(&patching, &model, vec![cell(at).head(at[1])]));
                agrees(name, &view.heads_by_position(*part).unwrap(), |at| {
                    whole(&patching, &model, vec![cell(at).position(at[1]).head(at[2])])
                });
            }
        }
        // Keys and values of cross attention stand at positions of the source.
        assert_eq!(views[2].heads_by_position(HeadPart::Key).unwrap().values().shape(), [2, 6, 4, 2]);
        assert_eq!(views[2].heads_by_position(HeadPart::Query).unwrap().values().shape(), [2, 4, 4, 2]);
        let entries = views[2].pattern_entries().unwrap();
        assert_eq!(entries.values().shape(), [2, 4, 4, 6, 2]);
        agrees(name, &entries, |at| {
            let cell = patch(Site::cross_pattern(at[0]).in_decoder(), run.cache()).unwrap();
            whole(&patching, &model, vec![cell.head(at[1]).position(at[2]).key(at[3])])
        });
    }
}

#[test]
fn ablations_windows_layers_and_cells_across_stacks_are_their_whole_runs() {
    let model = open("families/t5");
    let both = |source, target| input(&model, source, target, Padding::Left);
    let zeros = Patching::zero_ablation(&model, both(0, 0), metric(&model)).unwrap();
    agrees("zeros", &zeros.encoder().unwrap().heads(HeadPart::Out).unwrap(), |at| {
        whole(&zeros, &model, vec![zero(Site::z(at[0]).in_encoder()).head(at[1])])
    });
    agrees("zeros", &zeros.cross_attention().unwrap().heads(HeadPart::Value).unwrap(), |at| {
        whole(&zeros, &model, vec![zero(Site::cross_v(at[0]).in_decoder()).head(at[1])])
    });
    let layers = zeros.layers().unwrap();
    assert_eq!(layers.values().shape(), [2, 3, 2]);
    agrees("zeros", &layers, |at| {
        let site = [Site::attn_out(at[0]), Site::cross_attn_out(at[0]), Site::mlp_out(at[0])][at[1]];
        whole(&zeros, &model, vec![zero(site.in_decoder())])
    });
    assert_eq!(zeros.every_block_part().unwrap().len(), 4);
    let windows = zeros.encoder().unwrap().mlp_out_windows(2).unwrap();
    agrees("zeros", &windows, |at| {
        let layers = at[0].saturating_sub(1)..at[0] + 1;
        let cell = |layer| zero(Site::mlp_out(layer).in_encoder()).position(at[1]);
        whole(&zeros, &model, layers.map(cell).collect())
    });
    // Means over texts of one length.
    let reference =
        (vec![SOURCES[0][0].to_vec(), SOURCES[1][0].to_vec()], vec![TARGETS[0][0].to_vec(), TARGETS[1][0].to_vec()]);
    let one = (SOURCES[0][0].to_vec(), TARGETS[0][0].to_vec());
    let of_one = || Metric::logit_diff(&model, 7, 22, 1).unwrap();
    let means = Patching::mean_ablation(&model, one, reference.clone(), of_one()).unwrap();
    let run = model.run(reference).unwrap();
    let slow = |site: Site, at: &[usize]| {
        let value = run.cache().get(site).unwrap().mean_keepdim(0).unwrap();
        let cell = glassbox::hook::replace(site, value).position(at[1]);
        of_one().of(model.run_with(means.corrupt_input(), [cell]).unwrap()).unwrap()
    };
    agrees("means", &means.encoder().unwrap().attn_out().unwrap(), |at| slow(Site::attn_out(at[0]).in_encoder(), at));
    agrees("means", &means.resid_pre().unwrap(), |at| slow(Site::resid_pre(at[0]).in_decoder(), at));
    // What is done in both stacks at once.
    let (patching, run) = experiment(&model, (1, 1), Padding::Right);
    let axes = [patching.layer_axis(), patching.head_axis("head")];
    let two = patching.sweep("both", axes, |at| {
        [clean(Site::z(at[0]).in_encoder()).head(at[1]), clean(Site::resid_pre(at[0]).in_decoder()).position(1)]
    });
    agrees("both", &two.unwrap(), |at| {
        let in_encoder = patch(Site::z(at[0]).in_encoder(), run.cache()).unwrap().head(at[1]);
        let in_decoder = patch(Site::resid_pre(at[0]).in_decoder(), run.cache()).unwrap().position(1);
        whole(&patching, &model, vec![in_encoder, in_decoder])
    });
    let small = patching.clone().budget(1).encoder().unwrap().resid_pre().unwrap();
    let large = patching.encoder().unwrap().resid_pre().unwrap();
    assert!(small.values().iter().zip(large.values()).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn a_hooked_encoder_decoder_is_patched_with_its_interventions() {
    let model = open("families/t5").hooked([
        zero(Site::z(0).in_encoder()).head(1),
        scale(Site::resid_pre(0).in_encoder(), 0.5),
        mean(Site::mlp_out(1).in_encoder()),
        edit(Site::encoder_final_ln_normalized(), |x| x * 1.5),
        scale(Site::cross_k(0).in_decoder(), 0.7),
        scale(Site::resid_pre(0).in_decoder(), 2.0),
        zero(Site::mlp_out(0).in_decoder()).position(1),
        mean(Site::attn_out(1).in_decoder()),
        scale(Site::decoder_final_ln_normalized(), 0.9),
        scale(Site::embed().in_decoder(), 1.1),
    ]);
    let (patching, run) = experiment(&model, (1, 1), Padding::Left);
    for (view, site) in [
        (patching.encoder().unwrap(), (|layer| Site::resid_pre(layer).in_encoder()) as fn(usize) -> Site),
        (patching.decoder().unwrap(), |layer| Site::resid_pre(layer).in_decoder()),
    ] {
        agrees("hooked", &view.resid_pre().unwrap(), |at| {
            whole(&patching, &model, vec![patch(site(at[0]), run.cache()).unwrap().position(at[1])])
        });
    }
    agrees("hooked", &patching.cross_attention().unwrap().heads(HeadPart::Key).unwrap(), |at| {
        let cell = patch(Site::cross_k(at[0]).in_decoder(), run.cache()).unwrap().head(at[1]);
        whole(&patching, &model, vec![cell])
    });
}

#[test]
fn causal_tracing_and_knock_outs_of_either_stack_are_their_whole_runs() {
    let model = open("families/t5");
    let prompts = input(&model, 0, 0, Padding::Left);
    let noise = vec![0.3f32; model.config().d_model];
    let corruption = || add(Site::embed(), noise.clone()).positions([1i64, 2]);
    let tracing = Patching::corrupted(&model, &prompts, [corruption()], metric(&model)).unwrap();
    let run = model.run(&prompts).unwrap();
    let hooked = model.hooked([corruption()]);
    let stream = tracing.encoder().unwrap().resid_pre().unwrap();
    assert!(moves(&stream));
    agrees("tracing", &stream, |at| {
        let cell = patch(Site::resid_pre(at[0]).in_encoder(), run.cache()).unwrap().position(at[1]);
        whole(&tracing, &hooked, vec![cell])
    });
    let drawn = Patching::noise(&model, ("w5 w9", "w3"), "w9", Noise::default().samples(2), metric(&model));
    assert!(drawn.is_err(), "this model has no tokenizer");
    let patching = Patching::unpatched(&model, &prompts, metric(&model)).unwrap();
    for (view, pattern) in [
        (patching.encoder().unwrap(), (|layer| Site::pattern(layer).in_encoder()) as fn(usize) -> Site),
        (patching.decoder().unwrap(), |layer| Site::pattern(layer).in_decoder()),
        (patching.cross_attention().unwrap(), |layer| Site::cross_pattern(layer).in_decoder()),
    ] {
        let blocked = |layer: usize, keys: Vec<usize>| block_attention(pattern(layer), [-1i64, 2], keys);
        agrees("blocked", &view.knock_out([-1i64, 2], [1usize, 3], 1).unwrap(), |at| {
            whole(&patching, &model, vec![blocked(at[0], vec![1, 3])])
        });
        agrees("blocked", &view.knock_out_heads([-1i64, 2], [1usize, 3]).unwrap(), |at| {
            whole(&patching, &model, vec![blocked(at[0], vec![1, 3]).head(at[1])])
        });
        agrees("blocked", &view.knock_out_keys([-1i64, 2], 1).unwrap(), |at| {
            whole(&patching, &model, vec![blocked(at[0], vec![at[1]])])
        });
    }
}

#[test]
fn prompts_of_an_encoder_decoder_that_differ_in_length_are_aligned_in_both_things_that_are_read() {
    let model = open("families/t5");
    let (clean_ids, corrupt_ids) =
        ((vec![5u32, 9, 30, 7, 2], vec![0u32, 3, 14]), (vec![8u32, 5, 17, 30, 7, 2], vec![0u32, 6, 3, 21]));
    let of_one = || Metric::logit_diff(&model, 7, 22, 1).unwrap();
    let error = Patching::new(&model, clean_ids.clone(), corrupt_ids.clone(), of_one()).unwrap_err().to_string();
    assert!(error.contains("[5]") && error.contains("Alignment::FromEnd"), "{error}");
    let patching = Patching::aligned(&model, clean_ids.clone(), corrupt_ids, Alignment::FromEnd, of_one()).unwrap();
    let run = model.run(clean_ids).unwrap();
    let whole = |site: Site, at: &[usize], before: usize| {
        let edits: Vec<Intervention> = (at[1] >= before)
            .then(|| {
                let value = run.cache().get(site).unwrap().narrow(1, at[1] - before, 1).unwrap();
                glassbox::hook::replace(site, value).position(at[1])
            })
            .into_iter()
            .collect();
        of_one().of(model.run_with(patching.corrupt_input(), edits).unwrap()).unwrap()
    };
    let (encoder, decoder) = (patching.encoder().unwrap().resid_pre().unwrap(), patching.resid_pre().unwrap());
    assert!(encoder.is_missing(&[0, 0]) && !encoder.is_missing(&[0, 1]) && decoder.is_missing(&[1, 0]));
    agrees("encoder", &encoder, |at| whole(Site::resid_pre(at[0]).in_encoder(), at, 1));
    agrees("decoder", &decoder, |at| whole(Site::resid_pre(at[0]).in_decoder(), at, 1));
}

#[test]
fn what_has_no_meaning_in_a_model_is_refused_with_what_there_is() {
    let gpt2 = open("gpt2-tiny");
    let patching = Patching::new(&gpt2, [1, 2], [1, 3], Metric::logit(&gpt2, 7, 1).unwrap()).unwrap();
    for error in
        [patching.encoder().unwrap_err(), patching.decoder().unwrap_err(), patching.cross_attention().unwrap_err()]
    {
        assert!(error.to_string().contains("one stack of blocks"), "{error}");
    }
    let layers = || [patching.layer_axis()];
    let error = patching.sweep("x", layers(), |at| [clean(Site::z(at[0]).in_encoder())]).unwrap_err().to_string();
    assert!(error.contains("`blocks.0.attn.hook_z`"), "{error}");
    let error = patching.sweep("x", layers(), |at| [clean(Site::cross_z(at[0]))]).unwrap_err().to_string();
    assert!(error.contains("has cross attention") && error.contains("`blocks.0.attn.hook_z`"), "{error}");
    let error = gpt2.run(([1, 2], [3])).unwrap_err().to_string();
    assert!(error.contains("no encoder"), "{error}");
    let t5 = open("families/t5");
    let (patching, _) = experiment(&t5, (1, 1), Padding::Left);
    let error = patching.sweep("x", layers(), |at| [clean(Site::z(at[0]))]).unwrap_err().to_string();
    assert!(error.contains("`encoder`") && error.contains("`decoder`"), "{error}");
    let error = patching.sweep("x", layers(), |at| [clean(Site::cross_z(at[0]).in_encoder())]).unwrap_err().to_string();
    assert!(error.contains("has cross attention"), "{error}");
    let error = Patching::new(&t5, ([5, 2], [0, 3]), ([5, 2], [0, 3, 4]), Metric::logit(&t5, 7, 1).unwrap());
    assert!(error.unwrap_err().to_string().contains("[2] tokens"));
}
