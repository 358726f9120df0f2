//! Queries and keys: patterns and scores worked out from them, scores and logits taken apart.

use crate::reference::{difference, expected, folder, open, token_ids};
use candle_core::IndexOp;
use glassbox::{
    Model,
    circuits::attention_from_qk,
    hook::{Site, edit},
    model::{Architecture, Run, compare_losses},
    ndarray,
};

/// All small models: of every family, decoders, encoders and both.
fn all() -> Vec<String> {
    let families = std::fs::read_dir(folder("families")).unwrap().map(|entry| entry.unwrap());
    let families = families.filter(|entry| entry.path().join("config.json").exists());
    let mut names: Vec<_> = families.map(|entry| format!("families/{}", entry.file_name().to_str().unwrap())).collect();
    names.extend(["gpt2-tiny", "shortformer-tiny", "llama-gqa-untied", "llama-rope-llama3"].map(String::from));
    names.sort();
    names
}

/// Two texts of different length, one padded.
fn run_of(model: &Model) -> Run {
    let ids = |len: usize| (0..len).map(|n| ((7 * n + 3) % model.config().d_vocab.min(30)) as u32).collect::<Vec<_>>();
    let texts = vec![ids(9), ids(6)];
    if model.config().n_mels > 0 {
        let value = |n: usize| ((5 * n) % 13) as f32 / 6.0 - 1.0;
        let values: Vec<f32> = (0..2 * model.config().n_mels * 20).map(value).collect();
        let mel = candle_core::Tensor::from_vec(values, (2, model.config().n_mels, 20), &candle_core::Device::Cpu);
        let sounds = glassbox::input::Frames::new(mel.unwrap()).unwrap();
        let pass = model.pass((sounds, vec![ids(5), ids(4)])).unwrap();
        return pass.record(model.sites()).run().unwrap();
    }
    let pass = model.pass(texts).unwrap().record(model.sites());
    match model.config().architecture {
        Architecture::EncoderDecoder => pass.decoder_input(vec![ids(5), ids(4)]).unwrap().run().unwrap(),
        _ => pass.run().unwrap(),
    }
}

#[test]
fn attention_from_q_and_k_is_that_of_the_run_in_every_family() {
    let mut patterns = 0;
    for name in all() {
        let model = open(&name);
        let run = run_of(&model);
        for site in run.cache().sites() {
            let written = site.to_string();
            let Some(start) = written.strip_suffix("hook_pattern") else { continue };
            let get = |point: &str| run.cache().get(format!("{start}{point}").as_str()).unwrap().clone();
            let made = attention_from_qk(&run, site, get("hook_q"), get("hook_k")).unwrap();
            // A row that sees nothing is no number in both.
            let number = |x: candle_core::Tensor| {
                let of = |value: f32| if value.is_nan() { 7.0 } else { value };
                x.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(of).collect::<Vec<_>>()
            };
            let (mine, theirs) = (number(made.pattern()), number(get("hook_pattern")));
            let apart = mine.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{name} {written}: {apart:e}");
            assert!(difference(&made.scores(), &get("hook_attn_scores")) < 1e-4, "{name} {written}");
            patterns += 1;
        }
    }
    assert!(patterns > 100, "{patterns}");
}

#[test]
fn attention_from_changed_keys_is_that_of_a_run_with_the_change() {
    for name in ["gpt2-tiny", "families/qwen3", "families/gemma2", "families/bloom", "families/mistral-window"] {
        let model = open(name);
        let ids: Vec<u32> = (3..12).collect();
        let run = model.run(ids.clone()).unwrap();
        let (q, k) = (run.cache().get(Site::q(1)).unwrap(), run.cache().get(Site::k(1)).unwrap());
        let changed = model.run_with(ids, [edit(Site::k(1), |k| k * 0.5)]).unwrap();
        let made = attention_from_qk(&run, 1, &q, (&k * 0.5).unwrap()).unwrap();
        assert!(difference(&made.pattern(), &changed.cache().get(Site::pattern(1)).unwrap()) < 1e-6, "{name}");
        made.draw().unwrap();
        let error = attention_from_qk(&run, 1, q.narrow(1, 0, 3).unwrap(), &k).unwrap_err().to_string();
        assert!(error.contains("queries") && error.contains("[1, 9"), "{error}");
    }
}

#[test]
fn scores_taken_apart_add_up_to_the_scores_in_every_family_whose_stream_is_a_sum() {
    let mut taken_apart = 0;
    for name in all() {
        let model = open(&name);
        let run = run_of(&model);
        for (layer, head) in [(0, 0), (-1, -1)] {
            let scores = match run.decompose_scores(layer, head) {
                Ok(scores) => scores,
                Err(error) => {
                    let error = error.to_string();
                    let reasons = ["not taken apart", "clip_qkv", "named `encoder` and `decoder`"];
                    assert!(reasons.iter().any(|reason| error.contains(reason)), "{name}: {error}");
                    continue;
                }
            };
            let at = model.config().n_layers - 1;
            let hook = run.cache().get(Site::attn_scores(if layer == 0 { 0 } else { at })).unwrap();
            let hook = hook.i((0, if head == 0 { 0 } else { model.config().n_heads - 1 })).unwrap();
            let hook = hook.to_vec2::<f32>().unwrap();
            let total = scores.total().unwrap();
            for ((query, key), &mine) in total.indexed_iter() {
                let theirs = hook[query][key];
                let close = mine == theirs || (mine - theirs).abs() < 1e-4 * theirs.abs().max(1.0);
                assert!(close, "{name} layer {layer}, {query} to {key}: {mine} for {theirs}");
            }
            let all = scores.to_array().unwrap();
            let pair = scores.at(4, 2).unwrap();
            for ((of_query, of_key), &value) in pair.indexed_iter() {
                assert!((all[[of_query, of_key, 4, 2]] - value).abs() < 1e-5);
            }
            assert_eq!(scores.labels().len(), pair.nrows());
            taken_apart += 1;
        }
    }
    assert!(taken_apart > 60, "{taken_apart}");
}

#[test]
fn a_pair_of_parts_is_the_query_of_one_times_the_key_of_the_other() {
    // By hand, in a model without rotation: each part through the norm, its weight, and W_Q or W_K.
    let model = open("gpt2-tiny");
    let run = model.run(token_ids(&expected("gpt2-tiny", "expected.safetensors"))).unwrap();
    let (layer, head) = (1, 2);
    let stack = run.decompose(Site::resid_pre(layer)).unwrap().apply_ln(Site::resid_pre(layer)).unwrap();
    let folded = model.weights();
    let weight = folded.named().unwrap().into_iter().find(|(name, _)| name == "blocks.1.ln1.w").map(|(_, w)| w);
    let Some(weight) = weight else { return };
    let (w_q, w_k) = (folded.w_q(layer).unwrap().get(head).unwrap(), folded.w_k(layer).unwrap().get(head).unwrap());
    let scores = run.decompose_scores(layer, head).unwrap();
    let pair = scores.at(5, 3).unwrap();
    let part = |component: usize, position: usize| {
        stack.i((component, 0, position)).unwrap().mul(&weight).unwrap().unsqueeze(0).unwrap()
    };
    let width = (model.config().d_head as f64).sqrt();
    for of_query in 0..3 {
        for of_key in 0..3 {
            let (q, k) = (part(of_query, 5).matmul(&w_q).unwrap(), part(of_key, 3).matmul(&w_k).unwrap());
            let by_hand = (q.mul(&k).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap() as f64 / width) as f32;
            assert!((pair[[of_query, of_key]] - by_hand).abs() < 1e-4);
        }
    }
}

#[test]
fn every_next_token_is_attributed_as_one_at_a_time() {
    let mut seen = 0;
    for name in all() {
        let model = open(&name);
        if model.config().architecture != Architecture::Decoder {
            continue;
        }
        let run = run_of(&model);
        let end = Site::resid_post(model.config().n_layers - 1);
        let Ok(stack) = run.decompose_heads_and_mlps(end) else { continue };
        let all = stack.next_token_attrs().unwrap().to_array().unwrap();
        // A scale on the logits is in every part; a soft cap is in none.
        let logits = match name == "families/gemma2" {
            true => run.cache().get(Site::unembed_out()).unwrap().clone(),
            false => run.logits().unwrap().clone(),
        };
        for (text, len) in [(0, 9), (1, 6)] {
            for position in 0..8 {
                let column = all.slice(ndarray::s![.., text, position]);
                if position + 1 >= len {
                    assert!(column.iter().all(|&value| value == 0.0), "{name}: padding");
                    continue;
                }
                let next = run.tokens().ids(text)[position + 1];
                let logit = logits.i((text, position, next as usize)).unwrap().to_scalar::<f32>().unwrap();
                let sum: f32 = column.sum();
                assert!((sum - logit).abs() < 1e-3 * logit.abs().max(1.0), "{name} {text} {position}: {sum} {logit}");
                if text == 0 && position % 3 == 0 {
                    let one = stack.positions([position as i64]).unwrap().logit_attrs_of(next).unwrap();
                    for (part, value) in one.to_array().unwrap().slice(ndarray::s![.., 0, 0]).iter().enumerate() {
                        assert!((value - column[part]).abs() < 1e-4 * value.abs().max(1.0));
                    }
                }
            }
        }
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
    let run = run_of(&open("gpt2-tiny"));
    let neurons = run.decompose_fully(Site::resid_post(-1)).unwrap().next_token_attrs().unwrap();
    let parts = run.decompose_heads_and_mlps(Site::resid_post(-1)).unwrap().next_token_attrs().unwrap();
    let sum = |given: &glassbox::decompose::LogitAttribution| given.values().sum(0).unwrap();
    assert!(difference(&sum(&neurons), &sum(&parts)) < 1e-3);
    assert!(format!("{parts:?}").contains("L0H0"));
}

#[test]
fn losses_of_a_batch_are_compared_without_its_padding() {
    let model = open("gpt2-tiny");
    let (run, other) = (run_of(&model), model.run_with(run_of(&model).tokens(), [glassbox::hook::zero(Site::z(0))]));
    let other = other.unwrap();
    let losses = compare_losses([("before", &run), ("after", &other)]).unwrap();
    let alone = |len: usize| {
        let ids = run.tokens().ids(usize::from(len == 6))[..len].to_vec();
        model.run(ids).unwrap().loss_per_token().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()
    };
    assert!((losses.mean()[0] - f64::from(alone(9) + alone(6)) / 13.0).abs() < 1e-5);
    assert_eq!(losses.mean(), [run.loss().unwrap(), other.loss().unwrap()]);
    assert!(losses.losses(0).unwrap().row(1).iter().skip(5).all(|&loss| loss == 0.0));
    let expected = losses.losses(1).unwrap() - losses.losses(0).unwrap();
    assert_eq!(losses.differences(1).unwrap(), expected);
    losses.draw().unwrap();
    let shorter = model.run([3u32, 4, 5].to_vec()).unwrap();
    let error = compare_losses([("before", &run), ("shorter", &shorter)]).err().unwrap().to_string();
    assert!(error.contains("`shorter`") && error.contains("different tokens"), "{error}");
}

#[test]
fn a_run_counts_each_of_its_buffers_once() {
    let model = open("gpt2-tiny");
    let run = model.pass(vec![3u32, 4, 5]).unwrap().record([Site::z(0), Site::pattern(1)]).run().unwrap();
    let bytes = |count: usize| 4 * count;
    let of = |site: Site| run.cache().get(site).unwrap().elem_count();
    assert_eq!(run.cache().bytes(), bytes(of(Site::z(0)) + of(Site::pattern(1))));
    let (logits, resid) = (run.logits().unwrap().elem_count(), run.resid().elem_count());
    assert_eq!(run.bytes(), run.cache().bytes() + bytes(logits + resid));
    // The stream that leaves the last block is recorded and kept: one buffer, counted once.
    let last = Site::resid_post(model.config().n_layers - 1);
    let both = model.pass(vec![3u32, 4, 5]).unwrap().record([last]).run().unwrap();
    assert_eq!(both.bytes(), bytes(logits + resid));
    assert!(format!("{:?}", run.cache()).contains("MB"));
}
