//! Every key of every configuration with values that it cannot have: each is refused by name, or changes nothing that is
//! ever computed, and then the key is known to.

use std::{collections::BTreeSet, path::PathBuf};

use glassbox::{
    Model,
    load::{Checkpoint, Settings, Weights},
};
use serde_json::{Value, json};

use super::support::*;

/// Keys that glassbox does not read, each for the reason above it.
const IRRELEVANT: &[&str] = &[
    // What wrote the file, what the file's numbers are, what the model was made for.
    "transformers_version",
    "architectures",
    "dtype",
    "torch_dtype",
    "model_type",
    "use_cache",
    // How the weights were drawn before training.
    "initializer_range",
    "initializer_factor",
    "init_std",
    "sinusoidal_pos_embds",
    // What training leaves out at random, which running does not.
    "activation_dropout",
    "attention_dropout",
    "decoder_layerdrop",
    "encoder_layerdrop",
    "apply_spec_augment",
    "mask_feature_length",
    "mask_feature_min_masks",
    "mask_feature_prob",
    "mask_time_length",
    "mask_time_min_masks",
    "mask_time_prob",
    "attention_probs_dropout_prob",
    "attn_pdrop",
    "classifier_dropout",
    "classifier_dropout_prob",
    "dropout",
    "dropout_rate",
    "embd_pdrop",
    "embed_dropout",
    "embedding_dropout",
    "hidden_dropout",
    "hidden_dropout_prob",
    "layerdrop",
    "qa_dropout",
    "resid_dropout",
    "resid_pdrop",
    "residual_dropout",
    "seq_classif_dropout",
    // Heads for classes, and losses, that glassbox does not compute.
    "classifier_proj_size",
    "use_weighted_layer_sum",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "output_router_logits",
    "router_aux_loss_coef",
    "router_jitter_noise",
    // For transcription, which glassbox does not do yet.
    "begin_suppress_tokens",
    "suppress_tokens",
    "median_filter_width",
    // How the library computes the same in 16 bits or on several machines.
    "attention_softmax_in_fp32",
    "scale_attention_softmax_in_fp32",
    "reorder_and_upcast_attn",
    "slow_but_exact",
    // Said again by another key, which is read: feed_forward_proj, attention_types, layer_types.
    "dense_act_fn",
    "is_gated_act",
    "attention_layers",
    "_sliding_window_pattern",
];

/// Lists that may be empty.
const MAY_BE_EMPTY: [&str; 2] = ["eos_token_id", "mlp_only_layers"];

/// Whether a key is not read in this family, though it is in others.
fn is_irrelevant(family: &str, key: &str) -> bool {
    let here = [("gpt_neox", "is_decoder"), ("bloom", "pretraining_tp")];
    IRRELEVANT.contains(&key) || here.contains(&(family, key))
}

/// Whether an error speaks of the key, or of tensors that the configuration would need.
fn speaks_of(error: &str, key: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    error.split(|c| !is_word(c)).any(|word| word == key)
        || ["where the configuration needs", "the weights have no tensor"].iter().any(|said| error.contains(said))
}

/// The folders with a configuration under tests/reference.
fn folders() -> Vec<PathBuf> {
    let reference = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference"));
    let inside = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = inside(reference.clone()).chain(inside(reference.join("families")));
    let mut all: Vec<_> = all.filter(|folder| folder.join("model.safetensors").is_file()).collect();
    all.sort();
    all
}

/// A reference model, of which any number of models with other settings can be made.
struct Reference {
    checkpoint: Checkpoint,
    config: Value,
}

impl Reference {
    fn open(folder: &PathBuf) -> Self {
        let mut checkpoint = Checkpoint::from_folder(folder).unwrap();
        let tensors = checkpoint.weights.names().into_iter().map(|name| {
            let shape = checkpoint.weights.shape(&name).unwrap().to_vec();
            let tensor = checkpoint.weights.get(&name, &shape).unwrap();
            (name, tensor)
        });
        checkpoint.weights = Weights::from_tensors(tensors.collect::<Vec<_>>());
        let config = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
        Self { checkpoint, config }
    }

    /// What is refused, or whether all logits of a short text are finite.
    fn with(&self, path: &[&str], value: Value) -> Result<bool, String> {
        let mut config = self.config.clone();
        *path.iter().fold(&mut config, |value, key| &mut value[*key]) = value;
        let run = || -> glassbox::Result<_> {
            let mut checkpoint = self.checkpoint.clone();
            checkpoint.settings = Settings::parse(&config.to_string())?;
            let model = Model::from_checkpoint(checkpoint)?;
            let last = format!("blocks.{}.hook_resid_post", model.config().n_layers - 1);
            let encodes = model.config().encoder.is_some();
            let ids = [5, 0, 3, 1, 9];
            let pass = match model.config().n_mels {
                0 if encodes => model.pass(ids)?,
                0 => model.pass(ids)?.record(&*last),
                n_mels => {
                    let mel =
                        candle_core::Tensor::ones((n_mels, 8), candle_core::DType::F32, &candle_core::Device::Cpu)?;
                    model.pass((glassbox::input::Frames::new(mel)?, ids))?
                }
            };
            let run = pass.run()?;
            run.logits().or_else(|_| run.cache().get(&*last))
        };
        let run = run().map_err(|error| error.to_string())?;
        let values = run.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        Ok(values.iter().all(|value| value.is_finite()))
    }
}

/// The paths of all keys, sections included.
fn paths(value: &Value, before: &[&str]) -> Vec<Vec<String>> {
    let Some(map) = value.as_object() else { return Vec::new() };
    let mut all = Vec::new();
    for (key, value) in map {
        let path: Vec<&str> = before.iter().copied().chain([key.as_str()]).collect();
        all.push(path.iter().map(|key| (*key).to_owned()).collect());
        all.extend(paths(value, &path));
    }
    all
}

/// Values of another kind.
fn wrong_kinds(value: &Value) -> Vec<Value> {
    let kinds = [json!("x"), json!(true), json!(7), json!([]), json!([null]), json!([["x"]]), json!({"x": 1})];
    let same = |other: &Value| match value {
        Value::Bool(_) => other.is_boolean(),
        Value::Number(_) => other.is_number(),
        Value::Object(_) => other.is_object(),
        _ => false,
    };
    kinds.into_iter().filter(|other| !same(other)).collect()
}

/// Numbers that hardly a key can have.
fn odd_numbers() -> Vec<Value> {
    let odd = [-1.0, 0.0, 0.5, 99_999.0, 1e18, -1e308, 1e308, 1e-300];
    odd.iter().map(|number| json!(number)).chain([json!(-1), json!(0), json!(16_777_216), json!(u64::MAX)]).collect()
}

#[test]
fn every_setting_that_is_read_refuses_what_it_cannot_be_by_name() {
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    for folder in folders() {
        let reference = Reference::open(&folder);
        let family = reference.config["model_type"].as_str().unwrap_or("hooked_transformer").to_owned();
        for path in paths(&reference.config, &[]) {
            let (key, path) = (path.join("."), path.iter().map(String::as_str).collect::<Vec<_>>());
            let value = path.iter().fold(&reference.config, |value, key| &value[*key]);
            let last = path[path.len() - 1];
            if is_irrelevant(&family, last) || !seen.insert((family.clone(), key.clone())) {
                continue;
            }
            let mut fault = |what: &str, given: &Value| faults.push(format!("{family} {key} = {given}: {what}"));
            let mut taken = 0;
            for given in wrong_kinds(value) {
                match reference.with(&path, given.clone()) {
                    Err(error) if speaks_of(&error, last) => {}
                    Err(error) => fault(&format!("the error does not name it: {error}"), &given),
                    Ok(true) if given == json!([]) && MAY_BE_EMPTY.contains(&last) => {}
                    Ok(true) if value.is_null() && taken < 1 => taken += 1,
                    Ok(_) => fault("a value of the wrong kind is taken", &given),
                }
            }
            let numbers = if value.is_number() { odd_numbers() } else { Vec::new() };
            for given in numbers {
                match reference.with(&path, given.clone()) {
                    Err(error) if speaks_of(&error, last) => {}
                    Err(error) => fault(&format!("the error does not name it: {error}"), &given),
                    Ok(true) => {}
                    Ok(false) => fault("not every logit is finite", &given),
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}

/// A reference model with one setting changed and a tokenizer of its vocabulary; what is refused.
fn refused(folder: &str, key: &str, value: Value) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference")).join(folder);
    let reference = Reference::open(&folder);
    let path: Vec<_> = key.split('.').collect();
    reference.with(&path, value.clone()).err().unwrap_or_else(|| panic!("{key} = {value} is taken"))
}

#[test]
fn nonsense_is_refused_with_its_value_and_what_is_valid() {
    for value in [json!("x"), json!(7), json!(true), json!([])] {
        for folder in ["families/olmo2", "llama-rope-linear"] {
            let error = refused(folder, "rope_parameters", value.clone());
            assert!(error.contains(&format!("`rope_parameters` is {value} where an object is needed")), "{error}");
        }
    }
    let error = refused("families/gemma3_text", "rope_parameters.sliding_attention", json!(""));
    assert!(error.contains("`rope_parameters.sliding_attention` is \"\" where an object is needed"), "{error}");
    for (folder, key, value, valid) in [
        ("families/mixtral", "num_experts_per_tok", json!(0), "from 1 to"),
        ("families/mixtral", "num_experts_per_tok", json!(5), "there are 4 experts"),
        ("families/mistral-window", "sliding_window", json!(0), "from 1 to"),
        ("families/olmo2", "rms_norm_eps", json!(-1e-5), "from 0 to 1"),
        ("families/olmo2", "rope_parameters.rope_theta", json!(0), "from 1e-12 to 1e12"),
        ("llama-rope-linear", "rope_parameters.factor", json!(0), "from 1e-12 to 1e12"),
        ("families/gemma2", "query_pre_attn_scalar", json!(0), "from 1e-12 to 1e12"),
        ("families/gemma2", "final_logit_softcapping", json!(-1e308), "from 1e-12 to 1e12"),
        ("families/albert", "num_hidden_layers", json!(16_777_216), "at most 1000"),
        ("families/bert", "num_hidden_layers", json!(16_777_216), "tensors"),
        ("families/llama", "bos_token_id", json!(99_999), "0 to"),
        ("families/t5", "decoder_start_token_id", json!(53), "0 to 52"),
        ("families/cohere", "attention_bias", json!(true), "no tensor whose name ends"),
        ("llama-mlp-bias", "mlp_bias", json!(false), "mlp.gate_proj.bias"),
        ("llama-mha", "num_attention_heads", json!(3), "must divide `num_attention_heads`"),
    ] {
        let folder = if folder == "families/llama" { "llama-mha" } else { folder };
        let error = refused(folder, key, value.clone());
        assert!(
            speaks_of(&error, key.rsplit('.').next().unwrap()) && error.contains(valid),
            "{key} = {value}: {error}"
        );
    }
    for kind in ["bos", "eos", "pad"] {
        for value in [json!("x"), json!(""), json!(-1), json!(1e18), json!(99_999), json!(0.5), json!({})] {
            let error = refused("llama-mha", &format!("{kind}_token_id"), value);
            assert!(error.contains(&format!("`{kind}_token_id`")), "{error}");
        }
    }
}

#[test]
fn special_tokens_written_beside_the_tokenizer_are_held_to_the_same() {
    let config = r#"{"vocab_size": 6}"#;
    let open = |config: &str| Checkpoint::from_bytes("m", config, two_tensors(), Some(TOKENIZER.as_bytes()));
    open(config).unwrap();
    for (file, key) in [
        ("generation_config.json", r#""eos_token_id": 99999"#),
        ("generation_config.json", r#""bos_token_id": "x""#),
        ("generation_config.json", r#""bos_token_id": [1]"#),
        ("tokenizer_config.json", r#""bos_token": 7"#),
        ("tokenizer_config.json", r#""add_bos_token": "yes""#),
        ("tokenizer_config.json", r#""add_bos_token": true"#),
        ("special_tokens_map.json", r#""pad_token": {"content": 7}"#),
    ] {
        let folder = Folder::new();
        folder.write("config.json", config);
        folder.write("model.safetensors", two_tensors());
        folder.write("tokenizer.json", TOKENIZER);
        folder.write(file, format!("{{{key}}}"));
        let error = Checkpoint::from_folder(folder.path()).map(drop).unwrap_err().to_string();
        let name = key.split('"').nth(1).unwrap();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn what_stands_beside_the_section_that_is_used_is_read_too_and_may_not_contradict_it() {
    for (folder, key, value, said) in [
        ("llama-gqa-tied", "rope_theta", json!(-1), "`rope_theta` is -1 where a number from"),
        ("families/gpt_neox", "rotary_pct", json!(0), "`rotary_pct` is 0 where"),
        ("families/phi", "partial_rotary_factor", json!("x"), "`partial_rotary_factor` is \"x\" where"),
        ("families/gemma3_text", "rope_local_base_freq", json!(0), "`rope_local_base_freq` is 0 where"),
        ("llama-gqa-tied", "rope_scaling", json!({"rope_type": "linear", "factor": 4.0}), "`rope_scaling.factor` = 4"),
        ("llama-gqa-tied", "rope_scaling", json!({"type": "linear"}), "`rope_parameters` has another value"),
        ("llama-rope-linear", "rope_parameters", json!({"factor": 4.0}), "no `rope_type` beside it"),
    ] {
        let error = refused(folder, key, value.clone());
        assert!(error.contains(said), "{key} = {value}: {error}");
    }
    let reference = Reference::open(&PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/llama-mha")));
    let same = reference.config["rope_parameters"].clone();
    assert!(reference.with(&["rope_scaling"], same).unwrap());
}

#[test]
fn the_settings_of_a_text_model_inside_another_are_held_to_the_same() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/families/gemma3_text"));
    let mut reference = Reference::open(&folder);
    reference.config = json!({"model_type": "gemma3", "text_config": reference.config});
    let text = |key: &str, value: Value| reference.with(&["text_config", key], value);
    assert!(text("eos_token_id", json!(1)).unwrap());
    for (key, value) in [
        ("eos_token_id", json!(99_999)),
        ("bos_token_id", json!("x")),
        ("pad_token_id", json!(-1)),
        ("attention_bias", json!(true)),
        ("model_type", json!("llama")),
    ] {
        let error = text(key, value.clone()).unwrap_err();
        assert!(error.contains(&format!("`{key}`")), "{key} = {value}: {error}");
    }
}

#[test]
fn settings_that_a_model_has_no_use_for_are_held_to_their_types_too() {
    let folder = std::env::temp_dir().join(format!("glassbox-unused-{}", std::process::id()));
    glassbox::Model::open("induction-2l").unwrap().save_native(&folder).unwrap();
    let path = folder.join("config.json");
    let whole: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (key, value) in [
        ("d_vocab_out", json!(10)),
        ("d_mlp", json!("q")),
        ("rotary_dim", json!("x")),
        ("window_size", json!(-1)),
        ("attn_types", json!([1, 2])),
        ("use_hook_tokens", json!("x")),
    ] {
        let mut config = whole.clone();
        config[key] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        let error = glassbox::Model::open(folder.to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
    let mut config = whole;
    config["d_vocab_out"] = json!(-1);
    std::fs::write(&path, config.to_string()).unwrap();
    glassbox::Model::open(folder.to_str().unwrap()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
