//! What a user of generation asks for: batches, ends, prefixes, draws, text as it comes, and what is refused.

use crate::{
    generate::{PROMPT, after, models},
    reference::{difference, external, folder, open},
};
use candle_core::{DType, IndexOp, Tensor};
use glassbox::{
    Model,
    generate::{Generation, StopReason},
    hook::{Intervention, Site, Sites, add, edit, patch, scale, zero},
};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

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
            assert!(difference(&logits, &alone.logits().unwrap()) <= 1e-4, "{name}");
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
    assert_eq!(ended.stop_reason(1).unwrap(), StopReason::EndOfText);
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
        assert_eq!(said.stop_reason(0).unwrap(), StopReason::ContextFull);
        assert_eq!(said.new_ids(1), after(&model, &[6, 7], 20).run().unwrap().new_ids(0), "{name}");
        model.run(said.tokens()).unwrap();
        let full = model.generate(vec![5; n_ctx]).unwrap().run().unwrap_err().to_string();
        assert!(full.contains(&format!("at most {n_ctx}")), "{full}");
    }
}

#[test]
fn a_prefix_is_read_once_and_continued_as_the_whole_text_would_be() {
    for (name, model) in models().filter(|(_, model)| model.config().decoder_start.is_empty()) {
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
            assert!(difference(&said.logits().unwrap(), &anew.logits().unwrap()) <= 1e-4, "{name}");
        }
    }
}

#[test]
fn a_model_changed_at_its_end_reads_a_prefix_and_goes_on_as_it_was_changed() {
    let model = open("gpt2-tiny").hooked([scale(Site::unembed_out(), -1.0)]);
    let said = model.read(PROMPT).unwrap().generate().end_tokens([]).max_new_tokens(4).run().unwrap();
    assert_eq!(said.new_ids(0), after(&model, &PROMPT, 4).run().unwrap().new_ids(0));
    assert_ne!(said.new_ids(0), after(&open("gpt2-tiny"), &PROMPT, 4).run().unwrap().new_ids(0));
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
    assert!(late.contains("does not reach `encoder.0.attn.hook_z`"), "{late}");
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
    let said = text.clone().stop("blue").stream(|new| heard[new.row] += &new.text).unwrap();
    assert_eq!(said.continuations(), heard);
    assert_eq!(said.stop_reason(0).unwrap(), StopReason::StopString("blue".into()));
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
    assert_eq!(broken.stop_reason(1).unwrap(), StopReason::Interrupted);
}

#[test]
fn tokens_know_where_in_the_text_they_are() {
    let model = Model::open("induction-2l").unwrap();
    let said = model.generate("red fox blue red").unwrap().max_new_tokens(2).run().unwrap();
    assert_eq!(said.texts(), ["red fox blue red fox blue"]);
    assert_eq!(said.tokens().text(0).as_deref(), Some("red fox blue red fox blue"));
    assert_eq!(said.tokens().find(0, "red fox blue").unwrap(), 1..4);
    assert_eq!(said.tokens().characters(0, 5..7).unwrap(), 16..25);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_runs() {
    let model = open("gpt2-tiny");
    let text = || after(&model, &PROMPT, 6);
    let never = |_: &Tensor| -> Tensor { panic!("nothing may run") };
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
    says(text().intervene([zero(Site::z(0)).position(11)]), &["position 11", "0 to 10"]);
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
    let broken: Intervention = edit(Site::resid_post(1), |x| x / 0.0);
    let error = after(&model, &PROMPT, 6).intervene_during(2..3, [broken]).run().unwrap_err().to_string();
    assert!(error.contains("step 2") && error.contains("not a finite number"), "{error}");
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
    let said = text.stream(|new| heard[new.row] += &new.text).unwrap();
    assert_eq!(said.continuations(), heard);
    for (text, written) in said.texts().iter().enumerate() {
        let ids = &said.tokens().ids(text)[said.tokens().real(text)];
        let decoded = model.to_string(ids).unwrap();
        assert!(decoded.ends_with(written.as_str()), "{decoded:?} {written:?}");
        assert_eq!(said.tokens().text(text).as_ref(), Some(written));
    }
    // A stop string that is no token, nor begins with one.
    let greedy = model.generate("Once upon a time").unwrap().max_new_tokens(40);
    let whole = greedy.run().unwrap().continuations()[0].clone();
    let stop = whole.chars().skip(7).take(9).collect::<String>();
    let stopped = greedy.stop(stop.as_str()).run().unwrap();
    assert_eq!(stopped.continuations()[0], whole.chars().take(7).collect::<String>());
    assert_eq!(stopped.stop_reason(0).unwrap(), StopReason::StopString(stop));
}
