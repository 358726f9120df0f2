//! Generation against Hugging Face's and against runs of the whole text, at every step and every hook.

use crate::reference::{difference, expected, folder, open};
use candle_core::{DType, IndexOp, Tensor};
use glassbox::{
    Model,
    axes::Axis,
    cache::ActivationCache,
    generate::{Generated, Generation, StopReason},
    hook::{Site, edit, scale, zero},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A checkpoint, and what is special about keeping its keys and values.
const MODELS: &[(&str, &str)] = &[
    ("gpt2-tiny", "learned positions"),
    ("attn-only-tiny", "no MLP"),
    ("llama-gqa-tied", "rotated keys, shared by query heads"),
    ("llama-rope-linear", "scaled positions"),
    ("llama-rope-llama3", "scaled frequencies"),
];

/// As above, for families that may not be read yet.
const FAMILIES: &[(&str, &str)] = &[
    ("families/mistral-window", "a window"),
    ("families/gemma2", "windows in some layers, soft caps"),
    ("families/gemma3_text", "two rotary bases, norms of keys"),
    ("families/bloom", "biases by distance"),
    ("families/gptj", "adjacent pairs rotated"),
    ("families/gpt_neo", "local layers"),
    ("families/mixtral", "experts"),
    ("families/t5", "an encoder, biases by distance"),
];

pub fn models() -> impl Iterator<Item = (&'static str, Model)> {
    let families = FAMILIES.iter().filter_map(|(name, _)| match Model::open(folder(name).to_str().unwrap()) {
        Ok(model) => Some((*name, model)),
        Err(why) => {
            println!("skipped: {name}: {why}");
            None
        }
    });
    MODELS.iter().map(|(name, _)| (*name, open(name))).chain(families)
}

/// A prompt of five tokens, any model's.
pub const PROMPT: [u32; 5] = [7, 3, 41, 3, 12];

pub fn after(model: &Model, prompt: &[u32], count: usize) -> Generation {
    model.generate(prompt.to_vec()).unwrap().max_new_tokens(count).end_tokens([])
}

pub fn ids(values: &Tensor) -> Vec<u32> {
    values.to_dtype(DType::U32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn greedy_continuations_are_hugging_faces() {
    let mut compared = 0;
    for (name, model) in models().filter(|(name, _)| folder(name).join("generate.safetensors").exists()) {
        let expected = expected(name, "generate.safetensors");
        let prompt = ids(&expected["prompt"]);
        let plain = after(&model, &prompt, 12);
        assert_eq!(plain.run().unwrap().new_ids(0), ids(&expected["greedy"]), "{name}");
        let penalized = plain.repetition_penalty(1.3).run().unwrap();
        assert_eq!(penalized.new_ids(0), ids(&expected["greedy_penalty_1_3"]), "{name}");
        assert_eq!(penalized.stop_reason(0).unwrap(), StopReason::MaxNewTokens);
        compared += 1;
    }
    assert!(compared >= 2);
}

#[test]
fn kept_keys_and_values_give_the_logits_of_the_whole_text() {
    for (name, model) in models() {
        let text = after(&model, &PROMPT, 9).keep_logits();
        let (kept, anew) = (text.run().unwrap(), text.clone().without_kv_cache().run().unwrap());
        assert_eq!(kept.new_ids(0), anew.new_ids(0), "{name}");
        let difference = difference(&kept.logits().unwrap(), &anew.logits().unwrap());
        assert!(difference <= 1e-4, "{name} differs by {difference:e}");
    }
}

#[test]
fn hooks_at_every_step_are_those_of_a_run_of_the_whole_text() {
    for (name, model) in models().filter(|(_, model)| model.config().decoder_start.is_empty()) {
        let said = after(&model, &PROMPT, 6).record("*").run().unwrap();
        let whole = model.pass(said.tokens()).unwrap().record("*").run().unwrap();
        for (step, cache) in said.caches().iter().enumerate() {
            let (first, len) = if step == 0 { (0, PROMPT.len()) } else { (PROMPT.len() + step - 1, 1) };
            // An expert is hooked where tokens are sent to it, which a step of one token does to few.
            let count = |cache: &ActivationCache| cache.iter().filter(|(site, _)| site.expert().is_none()).count();
            assert_eq!(count(cache), count(&whole.cache()), "{name}");
            for (site, got) in cache.iter().filter(|(site, _)| site.expert().is_none()) {
                let all = whole.cache().get(site).unwrap();
                // Logits are worked out at the end alone.
                let (first, len) = if site == Site::unembed_out() { (first + len - 1, 1) } else { (first, len) };
                let got = if got.dtype() == DType::U32 { got.to_dtype(DType::F32).unwrap() } else { got.clone() };
                // The last token that was chosen is read by nobody but the whole run.
                let expected = match site.to_string().contains("expert") {
                    true => all.narrow(0, first, len).unwrap(),
                    false if site.axes().contains(&Axis::Query) => {
                        all.narrow(2, first, len).unwrap().narrow(3, 0, first + len).unwrap()
                    }
                    false => all.narrow(1, first, len).unwrap(),
                };
                assert_eq!(got.dims(), expected.dims(), "{name} {site} at step {step}");
                let difference = difference(&got, &expected);
                assert!(difference <= 1e-4, "{name} {site} at step {step} differs by {difference:e}");
            }
        }
    }
}

#[test]
fn an_intervention_at_some_steps_changes_nothing_before_and_something_after() {
    for (name, model) in models().filter(|(_, model)| model.config().decoder_start.is_empty()) {
        let text = after(&model, &PROMPT, 7).keep_logits().record([Site::resid_post(0)]);
        let plain = text.run().unwrap();
        let changed = text.clone().intervene_during(3..4, [scale(Site::resid_post(0), -3.0)]).run().unwrap();
        let row = |said: &Generated, step| said.logits().unwrap().i((.., step)).unwrap();
        for step in 0..3 {
            assert_eq!(difference(&row(&plain, step), &row(&changed, step)), 0.0, "{name} {step}");
        }
        assert!(difference(&row(&plain, 3), &row(&changed, 3)) > 1e-3, "{name}");
        let at = |said: &Generated, step: usize| said.cache(step).unwrap().get(Site::resid_post(0)).unwrap();
        assert!(difference(&(at(&plain, 3) * -3.0).unwrap(), &at(&changed, 3)) < 1e-5);
    }
}

#[test]
fn a_position_is_changed_when_it_is_read() {
    let model = open("llama-gqa-tied");
    let text = after(&model, &PROMPT, 6).keep_logits();
    let logits = |text: &Generation| text.run().unwrap().logits().unwrap();
    // Of the prompt, and of what was generated: as if the whole text were read each time.
    for position in [1, 4, 7] {
        let changed = text.clone().intervene([scale(Site::z(0), 5.0).head(2).position(position)]);
        let difference_to_plain = difference(&logits(&changed), &logits(&text));
        assert!(difference_to_plain > 1e-4, "{position}");
        let anew = logits(&changed.clone().without_kv_cache());
        assert!(difference(&logits(&changed), &anew) <= 1e-4, "{position}");
    }
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let newest = edit(Site::z(0), move |z| {
        counted.fetch_add(z.dim(1)?, Ordering::Relaxed);
        Ok(z.clone())
    });
    text.clone().intervene([newest.clone().position(-1)]).run().unwrap();
    assert_eq!(count.swap(0, Ordering::Relaxed), 6, "the newest token at each of six steps");
    text.intervene([newest]).run().unwrap();
    assert_eq!(count.load(Ordering::Relaxed), PROMPT.len() + 5, "every token once");
}

#[test]
fn a_changed_key_is_left_out_once_it_is_there() {
    let model = open("gpt2-tiny");
    let without = |key| {
        let text = after(&model, &PROMPT, 6).record([Site::pattern(1)]);
        text.intervene([zero(Site::pattern(1)).key(key)]).run().unwrap()
    };
    let said = without(6);
    let row = |step: usize| said.cache(step).unwrap().get(Site::pattern(1)).unwrap().i((0, 0, 0)).unwrap();
    let sum = |step| row(step).sum_all().unwrap().to_scalar::<f32>().unwrap();
    assert!((sum(1) - 1.0).abs() < 1e-5, "no key 6 yet");
    assert_eq!(row(3).to_vec1::<f32>().unwrap()[6], 0.0);
    assert!(sum(3) < 1.0 - 1e-4);
}

#[test]
fn a_token_can_be_forbidden_where_the_logits_are() {
    let model = open("gpt2-tiny");
    let text = after(&model, &PROMPT, 8);
    let said = text.run().unwrap().new_ids(0)[0];
    let ban = || {
        edit(Site::unembed_out(), move |logits| {
            let banned: Vec<f32> = (0..101).map(|id| if id == said { f32::NEG_INFINITY } else { 0.0 }).collect();
            logits.broadcast_add(&Tensor::new(banned, logits.device())?)
        })
    };
    for ban in [ban(), ban().position(-1)] {
        assert!(!text.clone().intervene([ban]).run().unwrap().new_ids(0).contains(&said));
    }
}

#[test]
fn hooked_models_generate_hooked() {
    let model = open("gpt2-tiny");
    let edits = || [scale(Site::mlp_out(0), 4.0), zero(Site::z(1)).position(2)];
    let standing = after(&model.hooked(edits()), &PROMPT, 5).keep_logits().run().unwrap();
    let given = after(&model, &PROMPT, 5).intervene(edits()).keep_logits().run().unwrap();
    assert_eq!(difference(&standing.logits().unwrap(), &given.logits().unwrap()), 0.0);
    let plain = after(&model, &PROMPT, 5).keep_logits().run().unwrap();
    assert!(difference(&standing.logits().unwrap(), &plain.logits().unwrap()) > 1e-3);
}
