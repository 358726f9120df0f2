//! Speech models: Whisper, held against Hugging Face at every hook, with two stacks that differ in everything.

use crate::reference::{difference, expected, open};
use candle_core::{DType, Tensor};
use glassbox::{
    Model,
    hook::{Site, Stack, ToSite, patch, scale, zero},
    input::Frames,
    model::Run,
    patching::{Metric, Patching},
};
use std::collections::BTreeMap;

type Expected = BTreeMap<String, Tensor>;

const CASES: [&str; 2] = ["whisper", "whisper-uneven"];

fn case(name: &str) -> (Model, Expected) {
    let name = format!("families/{name}");
    (open(&name), expected(&name, "expected.safetensors"))
}

fn ids(expected: &Expected, name: &str) -> Vec<u32> {
    expected[name].to_dtype(DType::U32).unwrap().to_vec1().unwrap()
}

fn sound(expected: &Expected) -> Frames {
    Frames::new(&expected["hook_mel"]).unwrap()
}

fn run(model: &Model, expected: &Expected) -> Run {
    let pass = model.pass((sound(expected), ids(expected, "decoder_input_ids"))).unwrap();
    pass.record(model.sites()).run().unwrap()
}

#[test]
fn every_hook_of_both_stacks_is_as_in_hugging_face() {
    for name in CASES {
        let (model, expected) = case(name);
        let run = run(&model, &expected);
        let mut compared = Vec::new();
        for (site, value) in expected.iter().filter(|(name, _)| !["decoder_input_ids", "greedy"].contains(&&***name)) {
            let got = match &**site {
                "logits" => run.logits().unwrap(),
                site => run.cache().get(site.to_site().unwrap()).unwrap(),
            };
            assert_eq!(&got.dims()[1..], value.dims(), "{name}: shape of {site}");
            let (difference, tolerance) = (difference(&got, value), if site == "logits" { 1e-3 } else { 1e-4 });
            assert!(difference <= tolerance, "{name}: {site} differs by {difference:e}");
            compared.push(site.clone());
        }
        let known = |site: &Site| {
            let copies = ["attn_in", "q_input", "k_input", "v_input", "mlp_in", "hook_tokens", "unembed.hook_out"];
            copies.iter().any(|copy| site.to_string().ends_with(copy))
        };
        let unknown: Vec<_> = model.sites().into_iter().filter(|site| !known(site)).collect();
        let unknown: Vec<_> = unknown.into_iter().filter(|site| !compared.contains(&site.to_string())).collect();
        assert_eq!(unknown, [], "{name}");
    }
}

#[test]
fn shapes_are_those_of_each_stack() {
    let (model, expected) = case("whisper-uneven");
    let (config, run) = (model.config(), run(&model, &expected));
    let (encoder, decoder) = (config.stack(Stack::Encoder).unwrap(), config.stack(Stack::Decoder).unwrap());
    assert_eq!((encoder.n_layers, encoder.n_heads, encoder.d_head, encoder.d_mlp, encoder.n_ctx), (2, 2, 8, 24, 16));
    assert_eq!((decoder.n_layers, decoder.n_heads, decoder.d_head, decoder.d_mlp, decoder.n_ctx), (3, 4, 4, 12, 20));
    for site in model.sites() {
        let expected = pass_shape(&model, &run, site);
        assert_eq!(run.cache().get(site).unwrap().dims(), expected, "{site}");
    }
}

/// The shape that a site must have by its axes' words.
fn pass_shape(model: &Model, run: &Run, site: Site) -> Vec<usize> {
    let frames = run.input().frames().unwrap();
    let (tokens, mel) = (run.tokens().len(), frames.mel());
    let config = model.config();
    let own = config.stack(if site.stack() == Stack::Encoder { Stack::Encoder } else { Stack::Decoder }).unwrap();
    let name = site.to_string();
    let across = name.contains("cross_attn.hook_k") || name.contains("cross_attn.hook_v");
    let of_encoder = name.starts_with("encoder") || name == "hook_mel" || across;
    let pos = if of_encoder { frames.len() } else { tokens };
    let word = |axis: &str| match axis {
        "batch" => 1,
        "pos" | "query" => pos,
        "key" if name.contains("cross") => frames.len(),
        "key" => pos,
        "head" | "kv_head" => own.n_heads,
        "d_model" => config.d_model,
        "d_head" => own.d_head,
        "d_mlp" => own.d_mlp,
        "d_vocab" => config.d_vocab,
        "mel" => mel.dims()[1],
        "mel_frame" => mel.dims()[2],
        "one" => 1,
        other => panic!("{other}"),
    };
    site.shape_in_words().split(", ").map(word).collect()
}

#[test]
fn greedy_generation_says_what_hugging_face_says_and_hears_once() {
    for name in CASES {
        let (model, expected) = case(name);
        let greedy = ids(&expected, "greedy");
        let generated = model.generate(sound(&expected)).unwrap().max_new_tokens(8).greedy().run().unwrap();
        assert_eq!(generated.new_ids(0), greedy[1..], "{name}");
    }
}

#[test]
fn a_shorter_sound_has_fewer_frames() {
    let (model, expected) = case("whisper-uneven");
    let short = Frames::new(expected["hook_mel"].narrow(1, 0, 10).unwrap()).unwrap();
    let run = model.run(&short).unwrap();
    assert_eq!(run.cache().get(Site::resid_post(0).in_encoder()).unwrap().dims(), [1, 5, 16]);
    assert_eq!(run.input().source().unwrap().strings(0), ["0.00s", "0.02s", "0.04s", "0.06s", "0.08s"]);
}

#[test]
fn what_a_speech_model_cannot_read_is_said() {
    let (model, expected) = case("whisper-uneven");
    let says = |error: glassbox::Error, words: &str| assert!(error.to_string().contains(words), "{error}");
    says(model.run([1, 2]).unwrap_err(), "reads sound");
    says(open("families/t5").run(sound(&expected)).unwrap_err(), "reads text, not sound");
    let bands = Frames::new(expected["hook_mel"].narrow(0, 0, 3).unwrap()).unwrap();
    says(model.run(bands).unwrap_err(), "spectrograms of 7 bands and at most 32 columns");
    says(Frames::new(expected["hook_mel"].narrow(1, 0, 5).unwrap()).unwrap_err(), "even number of columns");
    says(Frames::new(expected["hook_mel"].narrow(1, 0, 0).unwrap()).unwrap_err(), "even number of columns");
    says(model.run_with(sound(&expected), zero(Site::embed())).unwrap_err(), "each stack has its own");
    says(open("families/t5").run_with([1, 2], zero(Site::mel())).unwrap_err(), "not a speech model");
}

#[test]
fn a_change_of_the_sound_reaches_the_logits_and_its_gradient_comes_back() {
    let (model, expected) = case("whisper-uneven");
    let input = (sound(&expected), ids(&expected, "decoder_input_ids"));
    let plain = model.run(input.clone()).unwrap().logits().unwrap();
    for site in ["hook_mel", "encoder.conv1.hook_out", "encoder.hook_embed", "encoder_final_ln.hook_out"] {
        let site: Site = site.parse().unwrap();
        let changed = model.run_with(input.clone(), scale(site, 1.01)).unwrap().logits().unwrap();
        let pass = model.pass(input.clone()).unwrap().differentiate(site, |logits: &Tensor| logits.sqr()?.sum_all());
        let run = pass.record(site).run().unwrap();
        let gradient = run.gradients().unwrap().get(site).unwrap();
        let along = (gradient * run.cache().get(site).unwrap()).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        let square = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        let down = model.run_with(input.clone(), scale(site, 0.99)).unwrap().logits().unwrap();
        let slope = (square(&changed) - square(&down)) / 0.02;
        assert!((along - slope).abs() < 0.02 * slope.abs().max(10.0), "{site}: {along} against {slope}");
        assert!(difference(&changed, &plain.squeeze(0).unwrap()) > 1e-4, "{site}");
    }
}

#[test]
fn patching_between_two_sounds_is_a_whole_run_for_each_cell() {
    let (model, expected) = case("whisper-uneven");
    let target = ids(&expected, "decoder_input_ids");
    let clean = sound(&expected);
    let corrupt = Frames::new(clean.mel().affine(-0.7, 0.2).unwrap()).unwrap();
    let metric = Metric::logit_diff(&model, 5, 9, 1).unwrap();
    let patching =
        Patching::new(&model, (clean.clone(), target.clone()), (corrupt.clone(), target.clone()), metric).unwrap();
    let sweep = patching.encoder().unwrap().resid_pre().unwrap();
    let clean_run = model.run((clean, target.clone())).unwrap();
    assert_eq!(sweep.values().shape(), [2, 16, 1]);
    for (layer, position) in [(0, 0), (1, 7), (1, 15)] {
        let site = Site::resid_pre(layer).in_encoder();
        let patched = patch(site, clean_run.cache()).unwrap().position(position as i64);
        let run = model.run_with((corrupt.clone(), target.clone()), patched).unwrap();
        let diff = run.logit_diff(5, 9, -1).unwrap();
        let cell = sweep.values()[[layer, position, 0]];
        assert!((cell - diff).abs() < 1e-4, "{layer} {position}: {cell} {diff}");
    }
}
