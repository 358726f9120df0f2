//! Weight processing held against the model's own log-probabilities and TransformerLens's numbers.

use crate::reference::{difference, expected, open, token_ids};
use candle_core::{DType, Tensor};
use glassbox::{
    Model,
    hook::{Site, zero},
    model::{Architecture, Run},
    prelude::{Processing, WeightViews},
    weights::Step,
};

/// A checkpoint of `tests/reference` and the initials of the steps that apply to it: `fold_ln`, `center_writing_weights`,
/// `center_unembed`, `fold_value_biases`, `refactor_factored_attn_matrices`; a capital one applies after `fold_ln` only,
/// as its values have the bias of the norm alone.
pub type Case = (&'static str, &'static str);

pub const CASES: &[Case] = &[
    ("gpt2-tiny", "fwuvr"),
    ("gpt2-untied", "fwuvr"),
    ("attn-only-tiny", "fwuvr"),
    ("solu-tiny", "fwuvr"),
    ("shortformer-tiny", "uvr"),
    ("llama-gqa-tied", "fu"),
    ("llama-gqa-untied", "fu"),
    ("llama-mha", "fuv"),
    ("llama-mlp-bias", "fuv"),
    ("llama-rope-linear", "fu"),
    ("llama-rope-llama3", "fu"),
];

pub const FAMILIES: &[Case] = &[
    ("families/albert", "uvr"),
    ("families/albert-pretraining", "uvr"),
    ("families/bert", "uvr"),
    ("families/bert-masked-lm", "uvr"),
    ("families/bert-model", "vr"),
    ("families/bloom", "fuvr"),
    ("families/bloom-6-heads", "fuvr"),
    ("families/cohere", "fwu"),
    ("families/cohere-qk-norm", "fwu"),
    ("families/distilbert", "uvr"),
    ("families/falcon", "fwuV"),
    ("families/falcon-alibi", "fwuvr"),
    ("families/falcon-new", "fwuV"),
    ("families/falcon-new-one-norm", "fwuV"),
    ("families/gemma", "fu"),
    ("families/gemma2", "f"),
    ("families/gemma3_text", "fu"),
    ("families/gemma3_text-linear", "fu"),
    ("families/gpt2-inverse-layer", "fwuvr"),
    ("families/gpt_bigcode", "fwuv"),
    ("families/gpt_bigcode-multi-head", "fwuvr"),
    ("families/gpt_neo", "fwuVr"),
    ("families/gpt_neox", "fwuv"),
    ("families/gpt_neox-sequential", "fwuv"),
    ("families/gptj", "fwuV"),
    ("families/granite", "fu"),
    ("families/mistral", "fu"),
    ("families/mistral-window", "fu"),
    ("families/mixtral", "fu"),
    ("families/olmo", "fwu"),
    ("families/olmo-clip", "fwu"),
    ("families/olmo2", "u"),
    ("families/olmoe", "fu"),
    ("families/opt", "fwuvr"),
    ("families/opt-post-norm", "uvr"),
    ("families/opt-projected", "uvr"),
    ("families/phi", "fwuv"),
    ("families/phi3", "fu"),
    ("families/phi3-longrope-long", "fu"),
    ("families/phi3-longrope-short", "fu"),
    ("families/qwen2", "fuv"),
    ("families/qwen2-window", "fuv"),
    ("families/qwen3", "fu"),
    ("families/qwen3_moe", "fu"),
    ("families/roberta", "uvr"),
    ("families/smollm3", "fu"),
    ("families/stablelm", "fwuv"),
    ("families/stablelm-parallel", "fwuV"),
    ("families/starcoder2", "fwuv"),
    ("families/t5", "fur"),
    ("families/t5-v1_1", "fur"),
];

/// The initials of all steps.
const INITIALS: &str = "fwuvr";

/// Whether a step applies, alone or after `fold_ln`.
fn applies(initials: &str, step: Step, folded: bool) -> bool {
    let initial = INITIALS.chars().zip(Step::ALL).find(|(_, other)| *other == step).unwrap().0;
    initials.contains(initial) || folded && initials.contains(initial.to_ascii_uppercase())
}

pub fn ids(name: &str) -> Vec<u32> {
    token_ids(&expected(name, "expected.safetensors"))
}

/// `[batch, pos, d_vocab]`
fn log_probabilities(run: &Run) -> Tensor {
    let logits = run.logits().unwrap().to_dtype(DType::F64).unwrap();
    let largest = logits.max_keepdim(2).unwrap();
    let shifted = logits.broadcast_sub(&largest).unwrap();
    let sums = shifted.exp().unwrap().sum_keepdim(2).unwrap().log().unwrap();
    shifted.broadcast_sub(&sums).unwrap().to_dtype(DType::F32).unwrap()
}

fn largest(tensor: &Tensor) -> f32 {
    tensor.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

/// The run of a reference text, and what it says: log-probabilities, or the last residual stream where it gives none.
pub fn said(model: &Model, name: &str) -> (Run, Tensor) {
    let expected = expected(name, "expected.safetensors");
    let ids = |key: &str| -> Vec<u32> {
        let ids = expected[key].to_dtype(DType::U32).unwrap();
        // Of texts side by side the longest, which is no shorter than any mask.
        let ids = if ids.rank() == 2 { ids.get(0).unwrap() } else { ids };
        ids.to_vec1().unwrap()
    };
    let run = match model.config().architecture {
        Architecture::EncoderDecoder => {
            let pass = model.pass(ids("input_ids")).unwrap().decoder_input(ids("decoder_input_ids")).unwrap();
            pass.record("*").run().unwrap()
        }
        _ => model.run(ids("tokens")).unwrap(),
    };
    let said = match model.config().heads.unembed {
        true => log_probabilities(&run),
        false => run.resid(),
    };
    (run, said)
}

/// All sets of steps.
fn combinations() -> impl Iterator<Item = Vec<Step>> {
    (0..1 << Step::ALL.len()).map(|set: usize| {
        let chosen = Step::ALL.into_iter().enumerate().filter(|(index, _)| set >> index & 1 == 1);
        chosen.map(|(_, step)| step).collect()
    })
}

#[test]
fn log_probabilities_are_equal_under_all_combinations_of_steps() {
    for (name, initials) in CASES.iter().chain(FAMILIES) {
        let model = open(name);
        let (_, before) = said(&model, name);
        let mut worst = 0f32;
        for steps in combinations() {
            let processed = model.processed(steps.iter().copied().collect()).unwrap();
            let folded = steps.contains(&Step::FoldLn);
            let expected: Vec<_> = steps.iter().copied().filter(|step| applies(initials, *step, folded)).collect();
            assert_eq!(processed.processing().done(), expected, "{name} {steps:?}");
            assert_eq!(processed.processing().left_out().len(), steps.len() - expected.len());
            worst = worst.max(difference(&said(&processed, name).1, &before));
        }
        println!("{name}: log-probabilities within {worst:.1e} under 32 combinations");
        assert!(worst < 1e-4, "{name}: {worst:e}");
    }
}

/// One step by itself.
fn alone(model: &Model, step: Step) -> glassbox::Result<Model> {
    match step {
        Step::FoldLn => model.fold_ln(),
        Step::CenterWritingWeights => model.center_writing_weights(),
        Step::CenterUnembed => model.center_unembed(),
        Step::FoldValueBiases => model.fold_value_biases(),
        Step::RefactorFactoredAttnMatrices => model.refactor_factored_attn_matrices(),
    }
}

#[test]
fn a_step_that_does_not_apply_is_an_error_when_asked_for_alone_and_is_reported_when_left_out() {
    for (name, initials) in CASES.iter().chain(FAMILIES) {
        let model = open(name);
        for step in Step::ALL {
            match (applies(initials, step, false), alone(&model, step)) {
                (true, Ok(processed)) => assert_eq!(processed.processing().done(), [step]),
                (false, Err(error)) => {
                    let error = error.to_string();
                    let processed = model.processed([step].into_iter().collect()).unwrap();
                    let [(left_out, why)] = processed.processing().left_out()[..] else { panic!("{name} {step}") };
                    assert_eq!(left_out, step);
                    assert!(error.contains(step.name()) && error.contains(why), "{error}");
                }
                (_, result) => panic!("{name} {step}: {result:?}"),
            }
        }
    }
}

#[test]
fn a_step_done_twice_or_after_a_later_one_is_an_error() {
    let model = open("gpt2-tiny");
    for (index, step) in Step::ALL.into_iter().enumerate() {
        let once = alone(&model, step).unwrap();
        let error = alone(&once, step).unwrap_err().to_string();
        assert!(error.contains("already") && error.contains(step.name()), "{error}");
        for earlier in &Step::ALL[..index] {
            let error = alone(&once, *earlier).unwrap_err().to_string();
            assert!(error.contains("in order"), "{error}");
        }
    }
    let processed = model.processed(Processing::default()).unwrap();
    assert!(processed.processed(Processing::default()).is_err());
    assert!(processed.refactor_factored_attn_matrices().is_ok());
    assert!(model.processing().is_empty() && model.processed(Processing::none()).unwrap().processing().is_empty());
}

#[test]
fn after_centring_the_residual_stream_has_mean_0_and_so_have_the_logits() {
    for (name, initials) in CASES.iter().chain(FAMILIES) {
        let processed = open(name).processed(Processing::default()).unwrap();
        let (run, _) = said(&processed, name);
        if initials.contains('u') {
            assert!(largest(&run.logits().unwrap().mean(2).unwrap()) < 1e-4, "{name}");
            assert!(largest(&processed.weights().w_u().unwrap().mean(1).unwrap()) < 1e-6, "{name}");
        }
        let streams = run.cache().iter().filter(|(site, _)| site.to_string().contains("hook_resid"));
        let means = streams.map(|(_, stream)| largest(&stream.mean(2).unwrap())).fold(0.0, f32::max);
        assert_eq!(means < 1e-5, initials.contains('w'), "{name}: {means:e}");
    }
}

#[test]
fn after_folding_the_matrices_read_what_the_norm_gives_as_it_is() {
    for (name, _) in CASES.iter().chain(FAMILIES).filter(|(_, initials)| initials.contains('f')) {
        let processed = open(name).fold_ln().unwrap();
        let config = processed.config();
        if config.architecture == Architecture::EncoderDecoder || config.clip_qkv.is_some() {
            continue; // two stacks, or something between matrix and hook
        }
        let weights = processed.weights();
        let (run, _) = said(&processed, name);
        let get = |site| run.cache().get(site).unwrap().get(0).unwrap();
        for layer in 0..config.n_layers {
            let normalized = get(Site::ln1_normalized(layer)).unsqueeze(0).unwrap();
            for (site, weight, bias) in [
                (Site::q(layer), weights.w_q(layer), weights.b_q(layer)),
                (Site::k(layer), weights.w_k(layer), weights.b_k(layer)),
                (Site::v(layer), weights.w_v(layer), weights.b_v(layer)),
            ] {
                let read = normalized.broadcast_matmul(&weight.unwrap().contiguous().unwrap()).unwrap();
                let read = read.broadcast_add(&bias.unwrap().unsqueeze(1).unwrap()).unwrap();
                assert!(difference(&read.transpose(0, 1).unwrap(), &get(site)) < 1e-5, "{name} {site}");
            }
            assert_eq!(largest(&(weights.ln_w(layer, "ln1").unwrap() - 1.0).unwrap()), 0.0);
            assert_eq!(largest(&weights.ln_b(layer, "ln1").unwrap()), 0.0);
        }
        let folded = ["ln1.", "ln2.", "mlp.ln.", "ln_final."];
        let is_left = |(name, _): &(String, Tensor)| folded.iter().any(|norm| name.contains(norm));
        assert!(!weights.named().unwrap().iter().any(is_left), "{name}");
        assert!(!config.tied);
    }
}

#[test]
fn after_folding_value_biases_values_have_none() {
    for (name, _) in CASES.iter().chain(FAMILIES).filter(|(_, initials)| initials.contains('v')) {
        let model = open(name);
        let processed = model.fold_value_biases().unwrap();
        assert!(largest(&model.weights().b_v(0).unwrap()) > 0.0);
        assert_eq!(largest(&processed.weights().stacked(WeightViews::b_v).unwrap()), 0.0, "{name}");
    }
}

#[test]
fn refactored_matrices_are_orthogonal_and_keep_their_products() {
    let model = open("gpt2-untied");
    let (before, after) = (model.weights(), model.refactor_factored_attn_matrices().unwrap().weights());
    let head = |tensor: glassbox::Result<Tensor>| tensor.unwrap().get(2).unwrap().contiguous().unwrap();
    let product = |weights: &WeightViews| head(weights.w_v(1)).matmul(&head(weights.w_o(1))).unwrap();
    assert!(difference(&product(&after), &product(&before)) < 1e-6);
    let output = head(after.w_o(1));
    let identity = Tensor::eye(8, DType::F32, output.device()).unwrap();
    assert!(difference(&output.matmul(&output.t().unwrap()).unwrap(), &identity) < 1e-6);
    // Queries and keys are equally long in every dimension of the head, biases counted in.
    let squares = |weight, bias| {
        let both = Tensor::cat(&[head(weight), head(bias).unsqueeze(0).unwrap()], 0).unwrap();
        both.sqr().unwrap().sum(0).unwrap()
    };
    assert!(difference(&squares(after.w_q(1), after.b_q(1)), &squares(after.w_k(1), after.b_k(1))) < 1e-5);
}

#[test]
fn processed_weights_are_transformer_lenses() {
    for name in ["gpt2-tiny", "llama-gqa-untied"] {
        let model = open(name).processed(Processing::default()).unwrap();
        let refactored = model.refactor_factored_attn_matrices().map(|model| model.weights());
        let theirs = expected(name, "processed.safetensors");
        let mut worst = 0f32;
        for (key, theirs) in &theirs {
            let difference = match key.strip_prefix("refactored.") {
                // Singular vectors are found up to their sign.
                Some(key) => {
                    let sizes = |x: &Tensor| x.abs().unwrap();
                    difference(&sizes(&or_zero(refactored.as_ref().unwrap(), key, theirs)), &sizes(theirs))
                }
                None => difference(&or_zero(&model.weights(), key, theirs), theirs),
            };
            worst = worst.max(difference);
            assert!(difference < 1e-5, "{name} {key}: {difference:e}");
        }
        println!("{name}: {} processed tensors within {worst:.1e} of TransformerLens's", theirs.len());
        assert!(theirs.len() >= 16);
    }
}

/// A parameter by its name; zeros for a bias that the model has not.
fn or_zero(weights: &WeightViews, key: &str, like: &Tensor) -> Tensor {
    let tensor = weights.get(key).or_else(|error| match key.contains("b_") {
        true => Ok(like.zeros_like()?),
        false => Err(error),
    });
    let tensor = tensor.unwrap();
    assert_eq!(tensor.dims(), like.dims(), "{key}");
    tensor
}

#[test]
fn the_model_that_was_processed_stays_as_it_is() {
    let (model, ids) = (open("gpt2-tiny"), ids("gpt2-tiny"));
    let before = model.run(&ids).unwrap();
    let hooked = model.hooked([zero(Site::z(0))]);
    let processed = hooked.processed(Processing::all()).unwrap();
    assert_eq!(processed.interventions().len(), 1);
    assert_eq!(difference(&model.run(&ids).unwrap().logits().unwrap(), &before.logits().unwrap()), 0.0);
    assert!(model.processing().is_empty() && model.config().tied);
}

#[test]
fn a_processed_model_is_patched_differentiated_and_read_as_any_other() {
    let (model, ids) = (open("gpt2-tiny"), ids("gpt2-tiny"));
    let processed = model.processed(Processing::default()).unwrap();
    let gradient = |model: &Model| {
        let metric = |logits: &Tensor| {
            let last = logits.get(0)?.get(logits.dim(1)? - 1)?;
            last.get(7)? - last.get(42)?
        };
        let run = model.pass(&ids).unwrap().differentiate(Site::resid_pre(1), metric).run().unwrap();
        run.gradients().unwrap().get(Site::resid_pre(1)).unwrap()
    };
    // The stream lost its mean, along which the gradient is 0 in both.
    assert!(difference(&gradient(&processed), &gradient(&model)) < 1e-4);
    let lens = |model: &Model| model.run(&ids).unwrap().logit_lens().unwrap();
    let (before, after) = (lens(&model), lens(&processed));
    for row in 0..before.rows() {
        let (before, after) = (before.cell(row, -1).unwrap(), after.cell(row, -1).unwrap());
        assert_eq!(before.top[0].0, after.top[0].0);
        assert!((before.entropy - after.entropy).abs() < 1e-4 && (before.top[0].1 - after.top[0].1).abs() < 1e-5);
    }
}
