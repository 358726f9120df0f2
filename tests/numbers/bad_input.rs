//! Whatever is asked wrongly gets a sentence that says what, and nothing is lost.

use crate::reference::{folder, open};
use candle_core::{Device, Tensor};
use glassbox::{Error, Model, hook::Site, load::Checkpoint};
use std::{collections::HashMap, fs, path::PathBuf};

fn says(error: Error, words: &[&str]) {
    let sentence = error.to_string();
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
    assert_eq!(format!("{error:?}"), sentence, "a notebook shows Debug");
}

fn shipped() -> Model {
    Model::open("induction-2l").unwrap()
}

#[test]
fn empty_text_is_one_token_where_there_is_a_bos_and_an_error_where_there_is_none() {
    let model = shipped();
    assert_eq!(model.run("").unwrap().tokens().strings(0), ["<bos>"]);
    says(model.to_tokens("", false).unwrap_err(), &["empty", "at least one token"]);
    says(model.run(Vec::<u32>::new()).unwrap_err(), &["empty"]);
    says(model.run(Vec::<Vec<u32>>::new()).unwrap_err(), &["empty"]);
}

#[test]
fn one_token_runs_and_only_its_loss_is_refused() {
    let run = shipped().run([5]).unwrap();
    assert_eq!(run.logits().unwrap().dims()[1], 1);
    run.attention(0).unwrap();
    run.logit_lens().unwrap().figure().unwrap();
    says(run.loss().unwrap_err(), &["single token"]);
    says(run.surprise().unwrap_err(), &["single token"]);
}

#[test]
fn a_text_beyond_the_context_is_refused_with_both_lengths() {
    let error = shipped().run(vec![1u32; 65]).unwrap_err();
    assert!(error.is_out_of_range());
    says(error, &["65 tokens", "at most 64"]);
}

#[test]
fn ids_and_words_outside_the_vocabulary_are_refused_by_name() {
    let model = shipped();
    says(model.run([3, 99_999]).unwrap_err(), &["token id 99999", "0 to 373"]);
    says(model.run("red foxx blue").unwrap_err(), &["`foxx`", "fox"]);
    says(model.to_single_token("red fox").unwrap_err(), &["2 tokens", "red", "fox"]);
    says(model.to_string([400]).unwrap_err(), &["token id 400"]);
    says(open("gpt2-tiny").run("words").unwrap_err(), &["no tokenizer", "token ids"]);
}

#[test]
fn sites_heads_layers_and_positions_that_are_not_there_are_refused_with_what_is() {
    let run = shipped().run("red fox blue").unwrap();
    says(run.cache().get("blocks.0.attn.hook_patern").unwrap_err(), &["no hook named", "blocks.0.attn.hook_pattern"]);
    says(run.cache().get(Site::result(1)).unwrap_err(), &["not recorded", "blocks.1.attn.hook_"]);
    says(run.cache().get(Site::mlp_out(0)).unwrap_err(), &["not recorded"]);
    says(run.attention(2).unwrap_err(), &["layers 0 to 1, not 2"]);
    says(run.attention_head(1, 4).unwrap_err(), &["head 4", "0 to 3"]);
    says(run.next_tokens(7, 3).unwrap_err(), &["position 7", "4 tokens"]);
    says(run.gradients().unwrap_err(), &["differentiate"]);
    let pass = |pattern: &str| shipped().pass("red fox").unwrap().record(pattern).run().unwrap_err();
    says(pass("blocks.*.mlp.hook_*"), &["no site of this model matches"]);
    says(pass("blocks.0.mlp.hook_pre"), &["attention only"]);
    says(shipped().pass("red").unwrap().stop_at_layer(3).run().unwrap_err(), &["layer 3", "0 to 2 (or -2 to -1)"]);
    says(run.tokens().position("owl").unwrap_err(), &["`owl`", "blue"]);
}

#[test]
fn no_random_texts_are_refused() {
    let none =
        |texts, repeats| glassbox::circuits::repeated_random_tokens(&shipped(), texts, 5, repeats, 0).unwrap_err();
    says(none(0, 2), &["0 random texts", "at least 1"]);
    says(none(1, 0), &["0 repeats", "at least 1"]);
}

#[test]
fn metrics_that_cannot_be_differentiated_are_refused() {
    let pass = || shipped().pass("red fox blue").unwrap();
    let all = pass().differentiate(Site::z(0), |logits| Ok(logits.clone())).run().unwrap_err();
    says(all, &["one number", "[1, 4, 374]"]);
    let constant = pass().differentiate(Site::z(0), |_| Tensor::new(1f32, &Device::Cpu)).run().unwrap_err();
    says(constant, &["blocks.0.attn.hook_z"]);
    let none = pass().without_logits().differentiate(Site::z(0), |x| x.sum_all()).run().unwrap_err();
    says(none, &["no logits"]);
}

/// A copy of a reference checkpoint with its configuration and tensors changed.
pub fn altered(
    name: &str,
    config: impl Fn(&mut serde_json::Map<String, serde_json::Value>),
    tensors: impl Fn(&mut HashMap<String, Tensor>),
) -> Result<Model, Error> {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let place: PathBuf = std::env::temp_dir().join(format!("glassbox-altered-{}-{number}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let mut json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder(name).join("config.json")).unwrap()).unwrap();
    config(json.as_object_mut().unwrap());
    fs::write(place.join("config.json"), json.to_string()).unwrap();
    let mut weights = candle_core::safetensors::load(folder(name).join("model.safetensors"), &Device::Cpu).unwrap();
    tensors(&mut weights);
    candle_core::safetensors::save(&weights, place.join("model.safetensors")).unwrap();
    let model = Model::open(place.to_str().unwrap());
    fs::remove_dir_all(place).unwrap();
    model
}

pub fn refused(name: &str, key: &str, value: serde_json::Value, words: &[&str]) {
    let set = |config: &mut serde_json::Map<_, _>| drop(config.insert(key.into(), value.clone()));
    let error = altered(name, set, |_| ()).unwrap_err();
    assert!(error.is_load());
    says(error, words);
}

#[test]
fn settings_that_change_the_computation_and_are_not_implemented_are_refused_by_name() {
    use serde_json::json;
    refused("gpt2-tiny", "model_type", json!("mamba"), &["`mamba`", "llama, mistral"]);
    refused("gpt2-tiny", "activation_function", json!("softplus"), &["activation_function", "softplus"]);
    refused("gpt2-tiny", "scale_attn_weights", json!(false), &["scale_attn_weights"]);
    refused("gpt2-tiny", "n_head", json!("four"), &["n_head", "four"]);
    refused("gpt2-tiny", "n_layer", json!(0), &["from 1 to"]);
    refused("gpt2-tiny", "n_layer", json!(3), &["h.2."]);
    refused("gpt2-tiny", "n_layer", json!(1), &["h.1."]);
    refused("gpt2-tiny", "n_embd", json!(31), &["n_head", "must divide `n_embd`", "31"]);
    refused("llama-gqa-tied", "num_key_value_heads", json!(3), &["3", "divide"]);
    for kind in ["proportional", "something new"] {
        let rope = json!({"rope_type": kind, "factor": 2.0, "rope_theta": 500.0});
        refused("llama-gqa-tied", "rope_parameters", rope, &["rope_type", kind, "linear"]);
    }
    refused("llama-gqa-tied", "rope_parameters", json!({"rope_type": "linear", "rope_theta": 500.0}), &["factor"]);
    let rope = json!({"rope_type": "longrope", "rope_theta": 500.0, "long_factor": [1.0], "short_factor": [1.0, 2.0]});
    refused("llama-gqa-tied", "rope_parameters", rope, &["_factor", "pairs of dimensions"]);
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let change = |f: &dyn Fn(&mut HashMap<String, Tensor>)| altered("llama-gqa-untied", |_| (), f).unwrap_err();
    let query = "model.layers.1.self_attn.q_proj.weight";
    says(change(&|weights| drop(weights.remove(query))), &["layers.1.self_attn.q_proj.weight", "nearest"]);
    let short = |weights: &mut HashMap<String, Tensor>| {
        let narrow = weights[query].narrow(0, 0, 8).unwrap().contiguous().unwrap();
        weights.insert(query.into(), narrow);
    };
    says(change(&short), &[query, "shape [8, 32]"]);
    let poisoned = |weights: &mut HashMap<String, Tensor>| {
        let nan = (&weights[query] * f64::NAN).unwrap();
        weights.insert(query.into(), nan);
    };
    says(change(&poisoned), &[query, "not finite"]);
    let extra = |weights: &mut HashMap<String, Tensor>| {
        let norm = Tensor::ones(12, candle_core::DType::F32, &Device::Cpu).unwrap();
        weights.insert("model.layers.0.self_attn.q_norm.weight".into(), norm);
    };
    says(change(&extra), &["self_attn.q_norm.weight", "does not use"]);
}

#[test]
fn a_place_with_nothing_in_it_is_told_from_a_place_that_is_not_there() {
    says(Model::open("no-such-model").unwrap_err(), &["no-such-model", "neither a file nor a folder", "induction-2l"]);
    says(Model::open("").unwrap_err(), &["a model without a name was not found", "induction-2l"]);
    says(Model::open("no/such/folder").unwrap_err(), &["no/such/folder"]);
    let empty = std::env::temp_dir().join(format!("glassbox-empty-{}", std::process::id()));
    fs::create_dir_all(&empty).unwrap();
    says(Checkpoint::from_folder(&empty).unwrap_err(), &["config.json"]);
    fs::remove_dir_all(empty).unwrap();
}
