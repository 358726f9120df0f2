//! Generation against Hugging Face's, against runs of the whole text, and of many texts against one.

use crate::reference::{difference, expected, external, folder, open};
use candle_core::{DType, IndexOp, Tensor};
use glassbox::{
    Model, Result,
    axes::Axis,
    cache::ActivationCache,
    generate::{Generated, Generation, StopReason},
    hook::{Intervention, Site, Sites, add, edit, patch, scale, zero},
};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
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

fn models() -> impl Iterator<Item = (&'static str, Model)> {
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
const PROMPT: [u32; 5] = [7, 3, 41, 3, 12];

fn after(model: &Model, prompt: &[u32], count: usize) -> Generation {
    model.generate(prompt.to_vec()).unwrap().max_new_tokens(count).end_tokens([])
}

fn ids(values: &Tensor) -> Vec<u32> {
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
        assert_eq!(penalized.stop_reason(0).unwrap(), &StopReason::MaxNewTokens);
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
        let difference = difference(kept.logits().unwrap(), anew.logits().unwrap());
        assert!(difference <= 1e-4, "{name} differs by {difference:e}");
    }
}

#[test]
fn hooks_at_every_step_are_those_of_a_run_of_the_whole_text() {
    for (name, model) in models().filter(|(_, model)| model.config().decoder_start.is_none()) {
        let said = after(&model, &PROMPT, 6).record("*").run().unwrap();
        let whole = model.pass(said.tokens()).unwrap().record("*").run().unwrap();
        for (step, cache) in said.caches().iter().enumerate() {
            let (first, len) = if step == 0 { (0, PROMPT.len()) } else { (PROMPT.len() + step - 1, 1) };
            // An expert is hooked where tokens are sent to it, which a step of one token does to few.
            let count = |cache: &ActivationCache| cache.iter().filter(|(site, _)| site.expert().is_none()).count();
            assert_eq!(count(cache), count(whole.cache()), "{name}");
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
    for (name, model) in models().filter(|(_, model)| model.config().decoder_start.is_none()) {
        let text = after(&model, &PROMPT, 7).keep_logits().record([Site::resid_post(0)]);
        let plain = text.run().unwrap();
        let changed = text.clone().intervene_during(3..4, [scale(Site::resid_post(0), -3.0)]).run().unwrap();
        let row = |said: &Generated, step| said.logits().unwrap().i((.., step)).unwrap();
        for step in 0..3 {
            assert_eq!(difference(&row(&plain, step), &row(&changed, step)), 0.0, "{name} {step}");
        }
        assert!(difference(&row(&plain, 3), &row(&changed, 3)) > 1e-3, "{name}");
        let at = |said: &Generated, step: usize| said.cache(step).unwrap().get(Site::resid_post(0)).unwrap().clone();
        assert!(difference(&(at(&plain, 3) * -3.0).unwrap(), &at(&changed, 3)) < 1e-5);
    }
}

#[test]
fn a_position_is_changed_when_it_is_read() {
    let model = open("llama-gqa-tied");
    let text = after(&model, &PROMPT, 6).keep_logits();
    let logits = |text: &Generation| text.run().unwrap().logits().unwrap().clone();
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
            Ok(logits.broadcast_add(&Tensor::new(banned, logits.device())?)?)
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
    assert_eq!(difference(standing.logits().unwrap(), given.logits().unwrap()), 0.0);
    let plain = after(&model, &PROMPT, 5).keep_logits().run().unwrap();
    assert!(difference(standing.logits().unwrap(), plain.logits().unwrap()) > 1e-3);
}

#[test]
fn each_text_of_a_batch_is_what_it_would_be_alone() {
    let prompts = vec![vec![7, 3, 41, 3, 12], vec![5], vec![9, 9, 30]];
    for (name, model) in models() {
        let settings = |text: Generation| text.end_tokens([]).max_new_tokens(8).repetition_penalty(1.2).keep_logits();
        let drawn = |text: Generation, seed| settings(text).temperature(1.5).top_k(40).top_p(0.95).seed(seed);
        let greedy = settings(model.generate(prompts.clone()).unwrap()).run().unwrap();
        let together = drawn(model.generate(prompts.clone()).unwrap(), 11).run().unwrap();
        for (text, prompt) in prompts.iter().enumerate() {
            let one = || model.generate(prompt.clone()).unwrap();
            let alone = settings(one()).run().unwrap();
            assert_eq!(greedy.new_ids(text), alone.new_ids(0), "{name}");
            let logits = greedy.logits().unwrap().i(text..text + 1).unwrap();
            assert!(difference(&logits, alone.logits().unwrap()) <= 1e-4, "{name}");
            assert_eq!(together.new_ids(text), drawn(one(), 11 + text as u64).run().unwrap().new_ids(0), "{name}");
        }
    }
}

#[test]
fn a_text_that_ended_is_filled_up_and_disturbs_nobody() {
    let model = open("llama-gqa-tied");
    let prompts = vec![vec![7, 3, 41, 3, 12], vec![9, 9, 30]];
    let free = model.generate(prompts.clone()).unwrap().end_tokens([]).repetition_penalty(1.5).max_new_tokens(8);
    let long = free.run().unwrap();
    // What the second text says third ends texts; the first never says it.
    let end = long.new_ids(1)[2];
    assert!(!long.new_ids(0).contains(&end) && !long.new_ids(1)[..2].contains(&end), "choose other prompts");
    let ended = free.end_tokens([end]).record([Site::z(0)]).run().unwrap();
    assert_eq!(ended.new_ids(0), long.new_ids(0));
    assert_eq!(ended.new_ids(1), &long.new_ids(1)[..3]);
    assert_eq!(ended.stop_reason(1).unwrap(), &StopReason::EndOfText);
    assert_eq!(ended.tokens().lengths(), [13, 6]);
    assert!(ended.tokens().ids(1).starts_with(&[9, 9, 30]), "padding is on the right");
    assert_eq!(ended.caches().len(), 8);
}

#[test]
fn the_context_is_never_left() {
    for name in ["gpt2-tiny", "llama-gqa-tied"] {
        let model = open(name);
        let n_ctx = model.config().n_ctx;
        let prompts = vec![vec![5; n_ctx - 3], vec![6, 7]];
        let said = model.generate(prompts).unwrap().end_tokens([]).max_new_tokens(20).run().unwrap();
        assert_eq!((said.new_ids(0).len(), said.new_ids(1).len()), (3, 20), "{name}");
        assert_eq!(said.stop_reason(0).unwrap(), &StopReason::ContextFull);
        assert_eq!(said.new_ids(1), after(&model, &[6, 7], 20).run().unwrap().new_ids(0), "{name}");
        model.run(said.tokens()).unwrap();
        let full = model.generate(vec![5; n_ctx]).unwrap().run().unwrap_err().to_string();
        assert!(full.contains(&format!("at most {n_ctx}")), "{full}");
    }
}

#[test]
fn a_prefix_is_read_once_and_continued_as_the_whole_text_would_be() {
    for (name, model) in models().filter(|(_, model)| model.config().decoder_start.is_none()) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let counting = model.hooked([edit(Site::resid_pre(0), move |x| {
            counted.fetch_add(x.dim(1)?, Ordering::Relaxed);
            Ok(x.clone())
        })]);
        let prefix = counting.read(PROMPT).unwrap();
        for more in [vec![8], vec![2, 30, 30]] {
            let longer = prefix.then(more.clone()).unwrap();
            count.store(0, Ordering::Relaxed);
            let said = longer.generate().end_tokens([]).max_new_tokens(6).keep_logits().run().unwrap();
            assert_eq!(count.load(Ordering::Relaxed), 6, "{name}: one token for each step");
            let anew = after(&model, &[&PROMPT[..], &more].concat(), 6).keep_logits().run().unwrap();
            assert_eq!(said.new_ids(0), anew.new_ids(0), "{name}");
            assert!(difference(said.logits().unwrap(), anew.logits().unwrap()) <= 1e-4, "{name}");
        }
    }
}

#[test]
fn an_encoder_is_run_once() {
    let Ok(model) = Model::open(folder("families/t5").to_str().unwrap()) else {
        println!("skipped: families/t5 cannot be read yet");
        return;
    };
    let encoder = Sites::filter(|site| site.to_string().starts_with("encoder.") || site.to_string().contains("cross"));
    let said = after(&model, &PROMPT, 4).record(encoder).run().unwrap();
    let has = |step: usize, name: &str| said.cache(step).unwrap().get(name).is_ok();
    assert!(has(0, "encoder.0.attn.hook_z") && has(0, "decoder.0.cross_attn.hook_k"));
    assert!(!has(1, "encoder.0.attn.hook_z") && !has(1, "decoder.0.cross_attn.hook_k"));
    assert!(has(1, "decoder.0.cross_attn.hook_pattern"));
    let late = after(&model, &PROMPT, 4).record_during(1.., "encoder.0.attn.hook_z").run().unwrap_err().to_string();
    assert!(late.contains("does not come to `encoder.0.attn.hook_z`"), "{late}");
}

#[test]
fn draws_repeat_with_their_seed_and_differ_without() {
    let model = open("gpt2-tiny");
    let drawn = |seed| after(&model, &PROMPT, 15).temperature(2.0).seed(seed).run().unwrap().new_ids(0).to_vec();
    assert_eq!(drawn(3), drawn(3));
    assert_ne!(drawn(3), drawn(4));
    let greedy = after(&model, &PROMPT, 15);
    let cold = greedy.clone().temperature(0.0).run().unwrap();
    assert_eq!(cold.new_ids(0), greedy.run().unwrap().new_ids(0));
    assert_eq!(cold.new_ids(0), greedy.temperature(1.0).top_k(1).run().unwrap().new_ids(0));
}

#[test]
fn what_is_chosen_comes_with_its_probability() {
    let model = open("gpt2-tiny");
    let said = after(&model, &PROMPT, 5).repetition_penalty(3.0).temperature(0.7).seed(1).run().unwrap();
    let whole = model.forward(said.tokens()).unwrap();
    for (step, chosen) in said.chosen(0).iter().enumerate() {
        let row = whole.i((0, PROMPT.len() - 1 + step)).unwrap();
        let p = candle_nn::ops::softmax(&row, 0).unwrap().i(chosen.id as usize).unwrap().to_scalar::<f32>().unwrap();
        assert!((chosen.probability - p).abs() < 1e-5);
    }
}

#[test]
fn a_listener_hears_all_of_the_text_and_may_break() {
    let model = Model::open("induction-2l").unwrap();
    let text = model.generate(["red fox blue red", "owl red owl"]).unwrap().max_new_tokens(4);
    let mut heard = [String::new(), String::new()];
    let said = text.clone().stop("blue").stream(|new| heard[new.text] += &new.piece).unwrap();
    assert_eq!(said.continuations(), heard);
    assert_eq!(said.stop_reason(0).unwrap(), &StopReason::StopString("blue".into()));
    let first = |count: usize| {
        let mut left = count;
        text.stream(|_| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap()
    };
    let broken = first(3);
    assert_eq!((broken.new_ids(0).len(), broken.new_ids(1).len()), (2, 2));
    assert_eq!(broken.stop_reason(1).unwrap(), &StopReason::Interrupted);
}

#[test]
fn tokens_know_where_in_the_text_they_are() {
    let model = Model::open("induction-2l").unwrap();
    let said = model.generate("red fox blue red").unwrap().max_new_tokens(2).run().unwrap();
    assert_eq!(said.texts(), ["red fox blue red fox blue"]);
    assert_eq!(said.tokens().text(0), Some("red fox blue red fox blue"));
    assert_eq!(said.tokens().find(0, "red fox blue").unwrap(), 1..4);
    assert_eq!(said.tokens().characters(0, 5..7).unwrap(), 16..25);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_runs() {
    let model = open("gpt2-tiny");
    let text = || after(&model, &PROMPT, 6);
    let never = |_: &Tensor| -> Result<Tensor> { panic!("nothing may run") };
    let resid = model.run(PROMPT).unwrap();
    let whole = patch(Site::resid_pre(1), resid.cache()).unwrap();
    let wide = Tensor::zeros(3, DType::F32, &candle_core::Device::Cpu).unwrap();
    let says = |generation: Generation, words: &[&str]| {
        let generation = generation.intervene([edit(Site::embed(), never)]);
        let sentence = generation.run().unwrap_err().to_string();
        assert!(words.iter().all(|word| sentence.contains(word)), "{sentence}");
    };
    says(text().temperature(-1.0), &["temperature", "-1"]);
    says(text().temperature(f64::NAN), &["temperature", "NaN"]);
    says(text().top_k(0), &["top_k"]);
    says(text().top_p(1.5), &["top_p", "1.5"]);
    says(text().repetition_penalty(0.0), &["repetition penalty"]);
    says(text().frequency_penalty(f64::INFINITY), &["frequency penalty"]);
    says(text().stop(""), &["stop string"]);
    says(text().max_new_tokens(0), &["max_new_tokens"]);
    says(text().intervene([zero(Site::z(9))]), &["blocks.9.attn.hook_z"]);
    says(text().intervene([add(Site::z(0), wide)]), &["has shape [3]"]);
    says(text().intervene([zero(Site::z(0)).position(11)]), &["pos 11", "0 to 10"]);
    says(text().intervene([whole]), &["step 1", "[1, 5, 32]", "intervene_during(..=0"]);
    says(text().intervene_during(6.., [zero(Site::z(0))]), &["steps 0 to 5", "6.."]);
    says(text().record("blocks.*.hook_nonsense"), &["hook_nonsense"]);
    says(text().record_during(2..2, "*"), &["2..2"]);
    let nothing = text().run().unwrap();
    assert!(nothing.logits().unwrap_err().to_string().contains("keep_logits"));
    assert!(nothing.cache(0).unwrap_err().to_string().contains(".record("));
    assert!(nothing.stop_reason(1).unwrap_err().to_string().contains("no text 1"));
}

#[test]
fn logits_that_are_no_numbers_are_refused() {
    let model = open("gpt2-tiny");
    let broken: Intervention = edit(Site::resid_post(1), |x| Ok((x / 0.0)?));
    let error = after(&model, &PROMPT, 6).intervene_during(2..3, [broken]).run().unwrap_err().to_string();
    assert!(error.contains("step 2") && error.contains("not a number"), "{error}");
}

#[test]
fn an_encoder_says_what_to_use_instead() {
    let error = open("families/bert").generate([1, 2, 3]).unwrap_err();
    assert!(error.to_string().contains("fill_mask"), "{error}");
}

#[test]
fn a_story_is_what_its_pieces_say_and_what_its_tokens_decode_to() {
    let Some(folder) = external("GLASSBOX_ASSETS", "models/stories260K") else { return };
    let model = Model::open(folder.to_str().unwrap()).unwrap();
    let text = model.generate(["Once upon a time", "The café"]).unwrap().max_new_tokens(60).temperature(1.2).seed(5);
    let mut heard = [String::new(), String::new()];
    let said = text.stream(|new| heard[new.text] += &new.piece).unwrap();
    assert_eq!(said.continuations(), heard);
    for (text, written) in said.texts().iter().enumerate() {
        let ids = &said.tokens().ids(text)[said.tokens().real(text)];
        let decoded = model.to_string(ids).unwrap();
        assert!(decoded.ends_with(written.as_str()), "{decoded:?} {written:?}");
        assert_eq!(said.tokens().text(text), Some(written.as_str()));
    }
    // A stop string that is no token, nor begins with one.
    let greedy = model.generate("Once upon a time").unwrap().max_new_tokens(40);
    let whole = greedy.run().unwrap().continuations()[0].clone();
    let stop = whole.chars().skip(7).take(9).collect::<String>();
    let stopped = greedy.stop(stop.as_str()).run().unwrap();
    assert_eq!(stopped.continuations()[0], whole.chars().take(7).collect::<String>());
    assert_eq!(stopped.stop_reason(0).unwrap(), &StopReason::StopString(stop));
}
