//! Trained models: published activations, losses and probabilities.

use crate::reference::{difference, external, run_everything};
use candle_core::{D, DType, Device, Tensor};
use glassbox::{
    Model,
    hook::{Site, zero},
    train::induction::evaluate,
};
use serde_json::Value;
use std::{fs, path::Path};

fn open(path: &Path) -> Model {
    Model::open(path.to_str().unwrap()).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn reference(name: &str) -> Value {
    json(crate::reference::folder(name))
}

#[test]
fn the_shipped_model_has_the_heads_it_is_shipped_for() {
    let model = Model::open("induction-2l").unwrap();
    // Seeds the recipe never uses for training.
    let evaluation = evaluate(&model, 48, 20_261_122).unwrap();
    println!("{evaluation}");
    assert!(evaluation.second_repeat_loss < 0.3, "{evaluation}");
    let (layer, _, score) = evaluation.heads.strongest_previous_token();
    assert!(layer == 0 && score > 0.8, "{evaluation}");
    let (layer, _, score) = evaluation.heads.strongest_induction();
    assert!(layer == 1 && score > 0.8, "{evaluation}");

    let text = "red fox blue owl red fox blue";
    let run = model.run(text).unwrap();
    assert_eq!(run.predictions(-1, 1).unwrap()[0].text, "owl");
    let without = |intervention| model.run_with(text, [intervention]).unwrap().probability("owl", -1).unwrap();
    let (layer, head, _) = evaluation.heads.strongest_previous_token();
    assert!(without(zero(Site::z(layer)).head(head as i64)) < 0.1);
    assert!(without(zero(Site::z(1))) < 0.1);
}

/// A published activation: base64 of little-endian float32.
fn published(partials: &Value, name: &str) -> Tensor {
    let entry = &partials[name];
    let shape: Vec<usize> = entry["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let bytes = base64(entry["data"].as_str().unwrap());
    let values: Vec<f32> = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    let digit =
        |c: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|&d| d == c);
    let digits: Vec<u32> = text.bytes().filter_map(digit).map(|d| d as u32).collect();
    let bits = digits.chunks(4).flat_map(|four| {
        let word = four.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - four.len()));
        word.to_be_bytes()[1..four.len()].to_vec()
    });
    bits.collect()
}

#[test]
fn nanosort_agrees_with_its_published_activations() {
    let Some(folder) = external("GLASSBOX_ASSETS", "models/nanosort") else { return };
    let model = open(&folder);
    let partials = json(folder.join("gpt-nano-sort-t0-partials.json"));
    let ids: Vec<Vec<f32>> = published(&partials, "idx").to_vec2().unwrap();
    let ids: Vec<Vec<u32>> = ids.iter().map(|row| row.iter().map(|&id| id as u32).collect()).collect();
    let run = model.run(&ids).unwrap();
    let weights = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
    let weighted = |x: &Tensor, name: &str| {
        let get = |part: &str| &weights[&format!("transformer.{name}.{part}")];
        x.broadcast_mul(get("weight")).unwrap().broadcast_add(get("bias")).unwrap()
    };
    for entry in reference("nanosort.json").as_array().unwrap() {
        let name = entry["partial"].as_str().unwrap();
        let expected = published(&partials, name);
        let hooks = entry["hooks"].as_array().unwrap().iter().map(|hook| match hook.as_str().unwrap() {
            "logits" => run.logits().unwrap(),
            hook => run.cache().get(hook).unwrap(),
        });
        let hooks: Vec<Tensor> = hooks.collect();
        let x = &hooks[0];
        let got = match entry["transform"].as_str().unwrap() {
            "same" => x.clone(),
            "first of the batch" => x.narrow(0, 0, 1).unwrap(),
            "swap pos and head" => x.transpose(1, 2).unwrap(),
            "softmax over the vocabulary" => candle_nn::ops::softmax(x, D::Minus1).unwrap(),
            "times ln1.w plus ln1.b" => weighted(x, "h.0.ln_1"),
            "times ln2.w plus ln2.b" => weighted(x, "h.0.ln_2"),
            "times ln_final.w plus ln_final.b" => weighted(x, "ln_f"),
            "merge head and d_head, then concatenate" => {
                let flat: Vec<_> = hooks.iter().map(|hook| hook.flatten_from(D::Minus2).unwrap()).collect();
                Tensor::cat(&flat, 2).unwrap()
            }
            other => panic!("no such transform: {other}"),
        };
        assert_eq!(got.dims(), expected.dims(), "{name}");
        // Logits reach 8.4, where float32 itself is coarser than 2e-6.
        let largest = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let scale = largest(&expected).into_iter().filter(|v| v.is_finite()).fold(1.0, |m: f32, v| m.max(v.abs()));
        let difference = difference(&got, &expected);
        assert!(difference <= 2e-6 * scale, "{name}: {difference:e} at scale {scale}");
    }
}

#[test]
fn stories260k_has_the_loss_that_pytorch_finds() {
    let Some(folder) = external("GLASSBOX_ASSETS", "models/stories260K") else { return };
    let Some(text) = external("GLASSBOX_ASSETS", "data/text/tinystories_1000.json") else { return };
    let (model, expected) = (open(&folder), reference("stories260k.json"));
    let tokenizer = model.tokenizer().unwrap();
    let losses = |story: &str, limit: usize| -> Vec<f32> {
        let mut ids = [vec![tokenizer.bos().unwrap()], tokenizer.encode(story).unwrap().ids].concat();
        ids.truncate(limit);
        model.pass(ids).unwrap().run().unwrap().loss_per_token().unwrap().flatten_all().unwrap().to_vec1().unwrap()
    };
    let mean = |losses: &[f32]| losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len() as f64;
    let stories = json(text);
    let stories: Vec<&str> = stories.as_array().unwrap().iter().map(|story| story.as_str().unwrap()).collect();

    let first: Vec<f32> = stories[..20].iter().flat_map(|story| losses(story, 512)).collect();
    let difference = mean(&first) - expected["loss"].as_f64().unwrap();
    assert!(difference.abs() < 1e-4, "20 whole stories differ by {difference:e}");

    // Beginnings of the stories that are plain ASCII; the rest hold garbled quotation marks.
    let plain: Vec<f32> =
        stories.iter().filter(|story| story.is_ascii()).flat_map(|story| losses(story, 100)).collect();
    println!("loss over beginnings of plain stories: {:.4}", mean(&plain));
    assert!((mean(&plain) - 1.40).abs() < 0.02, "{}", mean(&plain));
}

#[test]
fn smollm2_from_gguf_and_from_safetensors_say_the_same_as_pytorch() {
    let Some(gguf) = external("GLASSBOX_MODELS", "smollm2-135m-instruct.Q4_1.gguf") else { return };
    let Some(folder) = external("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let (gguf, folder) = (open(&gguf), open(&folder));
    for case in reference("smollm2.json").as_array().unwrap() {
        let ids: Vec<u32> = case["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        let run = folder.pass(&ids).unwrap().logits_at([-1]).run().unwrap();
        let logits: Vec<f32> = run.logits().unwrap().flatten_all().unwrap().to_vec1().unwrap();
        for (id, expected) in case["logits"].as_object().unwrap() {
            let difference = logits[id.parse::<usize>().unwrap()] - expected.as_f64().unwrap() as f32;
            assert!(difference.abs() < 1e-3, "{case}: logit {id} differs by {difference:e}");
        }
        // The safetensors are the GGUF's weights rounded to half precision.
        let from_gguf = gguf.pass(&ids).unwrap().logits_at([-1]).run().unwrap();
        for (theirs, ours) in case["top"].as_array().unwrap().iter().zip(from_gguf.predictions(-1, 5).unwrap()) {
            let difference = theirs["probability"].as_f64().unwrap() - f64::from(ours.probability);
            assert!(difference.abs() < 1e-3, "{ours:?}");
        }
    }
}

#[test]
fn smollm2_straight_from_its_gguf_knows_paris_and_mary() {
    let Some(gguf) = external("GLASSBOX_MODELS", "smollm2-135m-instruct.Q4_1.gguf") else { return };
    let model = open(&gguf);
    for (prompt, answer, least) in [
        ("The capital of France is", " Paris", 0.7),
        ("When Mary and John went to the store, John gave a drink to", " Mary", 0.9),
    ] {
        let run = model.pass(prompt).unwrap().logits_at([-1]).run().unwrap();
        let probability = run.probability(answer, -1).unwrap();
        println!("{prompt}{answer}: {probability:.3}");
        assert_eq!(run.predictions(-1, 1).unwrap()[0].text, answer);
        assert!(probability > least, "{prompt}{answer}: {probability}");
    }
}

#[test]
fn text_round_trips_through_a_real_tokenizer() {
    let Some(gguf) = external("GLASSBOX_MODELS", "smollm2-135m-instruct.Q4_1.gguf") else { return };
    let model = open(&gguf);
    let text = "Naïve café — 東京 🦀 don't\n\tstop";
    let tokens = model.to_tokens(text, false).unwrap();
    assert_eq!(model.to_string(tokens.ids(0)).unwrap(), text);
    let characters: Vec<char> = text.chars().collect();
    for (string, span) in tokens.strings(0).iter().zip(tokens.spans(0)).filter(|(string, _)| !string.contains("\\x")) {
        assert_eq!(&characters[span.clone()].iter().collect::<String>(), string);
    }
    assert!(run_everything(&model, &[1, 2]).cache().get(Site::result(29)).is_ok());
    assert_eq!(model.forward([1u32, 2]).unwrap().dtype(), DType::F32);
}
