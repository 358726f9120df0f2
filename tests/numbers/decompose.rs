//! What is taken apart adds up again.

use crate::reference::{difference, expected, open, token_ids};
use candle_core::{D, IndexOp, Tensor};
use glassbox::{
    Model,
    decompose::ResidStack,
    hook::Site,
    model::{Normalization, Run},
};

const NAMES: [&str; 6] =
    ["gpt2-tiny", "gpt2-untied", "llama-gqa-tied", "llama-gqa-untied", "attn-only-tiny", "solu-tiny"];

fn model_and_run(name: &str) -> (Model, Run) {
    let model = open(name);
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let other: Vec<u32> = ids.iter().rev().copied().collect();
    let run = model.run(vec![ids, other]).unwrap();
    (model, run)
}

fn streams(model: &Model) -> Vec<Site> {
    let layers = 0..model.config().n_layers;
    let sites = layers.flat_map(|layer| [Site::resid_pre(layer), Site::resid_mid(layer), Site::resid_post(layer)]);
    sites.filter(|site| model.has(*site)).collect()
}

/// Norms after attention and MLP, streams and embeddings multiplied, attention and MLP side by side.
const MORE: [&str; 4] = ["families/gemma2", "families/olmo2", "families/granite", "families/cohere"];

#[test]
fn every_way_of_taking_a_stream_apart_adds_up_to_it() {
    for name in NAMES.into_iter().chain(MORE) {
        let (model, run) = model_and_run(name);
        for site in streams(&model) {
            let stream = &run.cache().get(site).unwrap();
            for stack in [
                run.decompose(site).unwrap(),
                run.decompose_heads(site).unwrap(),
                run.decompose_neurons(site).unwrap(),
                run.decompose_fully(site).unwrap(),
            ] {
                assert!(difference(&stack.sum().unwrap(), stream) < 1e-5, "{name} {site}");
                let values = stack.values().unwrap();
                assert_eq!(values.dim(0).unwrap(), stack.len());
                assert!(difference(&values.sum(0).unwrap(), stream) < 1e-5, "{name} {site}");
            }
        }
    }
}

#[test]
fn heads_are_their_results_and_the_bias_is_the_same_everywhere() {
    let (model, run) = model_and_run("gpt2-tiny");
    let results = model.pass(run.tokens()).unwrap().record("blocks.*.attn.hook_result").run().unwrap();
    let stack = run.decompose_fully(Site::resid_post(1)).unwrap();
    let values = stack.values().unwrap();
    let at = |label: &str| values.get(stack.labels().iter().position(|one| one == label).unwrap()).unwrap();
    let head = results.cache().get(Site::result(1)).unwrap().i((.., .., 2, ..)).unwrap();
    assert!(difference(&at("L1H2"), &head) < 1e-6);
    // Nothing is left but biases: no position and no text differs from another.
    let bias = at("bias");
    let first = bias.i((0, 0)).unwrap();
    assert!(difference(&bias, &first.broadcast_as(bias.shape()).unwrap().contiguous().unwrap()) < 1e-5);
    assert_eq!(stack.len(), 2 * 4 + 2 * model.config().d_mlp + 3);
}

fn logit_difference(run: &Run, answer: u32, wrong: u32) -> Tensor {
    let logits = run.logits().unwrap();
    let of = |id: u32| logits.i((.., .., id as usize)).unwrap();
    (of(answer) - of(wrong)).unwrap()
}

#[test]
fn attributions_and_the_constant_add_up_to_the_logit_difference() {
    for name in NAMES {
        let (model, run) = model_and_run(name);
        let last = Site::resid_post(model.config().n_layers - 1);
        let expected = logit_difference(&run, 7, 42);
        for stack in [run.decompose(last), run.decompose_heads(last), run.decompose_fully(last)] {
            let attribution = stack.unwrap().logit_attrs(7, 42).unwrap();
            let constant = attribution.constant()[0] as f64;
            let sum = (attribution.values().sum(0).unwrap() + constant).unwrap();
            assert!(difference(&sum, &expected) < 1e-4, "{name}");
        }
    }
}

#[test]
fn each_text_has_its_own_answers_and_positions_can_be_chosen() {
    let (model, run) = model_and_run("gpt2-untied");
    let last = Site::resid_post(model.config().n_layers - 1);
    let stack = run.decompose(last).unwrap().positions([-1, 0]).unwrap();
    let attribution = stack.logit_attrs([7, 3], [42, 9]).unwrap();
    assert_eq!(attribution.values().dims(), [6, 2, 2]);
    let sums = attribution.values().sum(0).unwrap();
    for (text, (answer, wrong)) in [(7, 42), (3, 9)].into_iter().enumerate() {
        let whole = logit_difference(&run, answer, wrong);
        for (kept, position) in [(0, run.tokens().len() - 1), (1, 0)] {
            let got = sums.i((text, kept)).unwrap().to_scalar::<f32>().unwrap() + attribution.constant()[text];
            let expected = whole.i((text, position)).unwrap().to_scalar::<f32>().unwrap();
            assert!((got - expected).abs() < 1e-4);
        }
    }
    let of_one = stack.logit_attrs_of(7).unwrap();
    let logit = run.logits().unwrap().i((0, 0, 7)).unwrap().to_scalar::<f32>().unwrap();
    let got = of_one.values().sum(0).unwrap().i((0, 1)).unwrap().to_scalar::<f32>().unwrap() + of_one.constant()[0];
    assert!((got - logit).abs() < 1e-4);
}

fn normalized(stack: &ResidStack, reader: Site) -> Tensor {
    stack.apply_ln(reader).unwrap().sum(0).unwrap()
}

#[test]
fn normed_parts_add_up_to_the_normed_stream() {
    for name in NAMES {
        let (model, run) = model_and_run(name);
        if model.config().normalization == Normalization::None {
            continue;
        }
        for layer in 0..model.config().n_layers {
            let stack = run.decompose(Site::resid_pre(layer)).unwrap();
            let expected = &run.cache().get(Site::ln1_normalized(layer)).unwrap();
            assert!(difference(&normalized(&stack, Site::resid_pre(layer)), expected) < 1e-4, "{name}");
            if model.has(Site::resid_mid(layer)) {
                let stack = run.decompose(Site::resid_mid(layer)).unwrap();
                let expected = &run.cache().get(Site::ln2_normalized(layer)).unwrap();
                assert!(difference(&normalized(&stack, Site::resid_mid(layer)), expected) < 1e-4, "{name}");
            }
        }
        let last = run.decompose(Site::resid_post(model.config().n_layers - 1)).unwrap();
        let expected = &run.cache().get(Site::ln_final_normalized()).unwrap();
        assert!(difference(&normalized(&last, Site::unembed_in()), expected) < 1e-4, "{name}");
    }
}

#[test]
fn projections_of_neurons_need_no_vectors_and_agree_with_them() {
    let (_, run) = model_and_run("llama-gqa-tied");
    let stack = run.decompose_fully(Site::resid_post(1)).unwrap();
    let direction = run.cache().get(Site::resid_post(0)).unwrap().i((.., 0)).unwrap().contiguous().unwrap();
    let projected = stack.project(&direction).unwrap();
    let by_hand = stack.values().unwrap().broadcast_mul(&direction.unsqueeze(1).unwrap()).unwrap();
    assert!(difference(&projected.values(), &by_hand.sum(D::Minus1).unwrap()) < 1e-4);
}

#[test]
fn the_stream_grows_from_place_to_place() {
    let (_, run) = model_and_run("gpt2-tiny");
    let stack = run.accumulated_resid(Site::resid_post(1), true).unwrap();
    assert_eq!(stack.labels(), ["0_pre", "0_mid", "1_pre", "1_mid", "final_post"]);
    let until_middle = run.accumulated_resid(Site::resid_mid(1), false).unwrap();
    assert_eq!(until_middle.labels(), ["0_pre", "1_pre", "1_mid"]);
    let mid = stack.values().unwrap().get(3).unwrap();
    assert_eq!(difference(&mid, &run.cache().get(Site::resid_mid(1)).unwrap()), 0.0);
}

#[test]
fn what_cannot_be_taken_apart_is_refused_with_the_reason() {
    let (model, run) = model_and_run("gpt2-tiny");
    let bare = model.pass(run.tokens()).unwrap().record([Site::embed()]).run().unwrap();
    for (error, words) in [
        (run.decompose(Site::z(0)).unwrap_err(), "`blocks.0.attn.hook_z` is not a site of the residual stream"),
        (run.decompose(Site::resid_post(9)).unwrap_err(), "layers 0 to 1, not 9"),
        (bare.decompose(Site::resid_post(0)).unwrap_err(), "`hook_pos_embed` was not recorded"),
        (run.decompose(Site::resid_post(1)).unwrap().logit_attrs([1, 2, 3], 4).unwrap_err(), "3 answers were given"),
        (run.decompose(Site::resid_post(1)).unwrap().logit_attrs(999, 4).unwrap_err(), "999"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}
