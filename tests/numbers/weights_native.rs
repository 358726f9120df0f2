//! Models written as TransformerLens's own checkpoints, and read back.

use crate::{
    bad_input::{altered, refused},
    reference::{difference, open},
    weights::{CASES, FAMILIES, said},
};
use glassbox::{Model, prelude::Processing};

/// The cases that TransformerLens's own checkpoints have a place for.
const NATIVE: &[&str] = &[
    "gpt2-tiny",
    "gpt2-untied",
    "attn-only-tiny",
    "solu-tiny",
    "shortformer-tiny",
    "llama-gqa-tied",
    "llama-gqa-untied",
    "llama-mha",
    "families/falcon",
    "families/falcon-new",
    "families/falcon-new-one-norm",
    "families/gemma",
    "families/gemma2",
    "families/gpt2-inverse-layer",
    "families/gpt_bigcode",
    "families/gpt_bigcode-multi-head",
    "families/gpt_neo",
    "families/gpt_neox",
    "families/gpt_neox-sequential",
    "families/gptj",
    "families/mistral",
    "families/mistral-window",
    "families/olmo",
    "families/opt",
    "families/phi",
    "families/phi3",
    "families/qwen2",
    "families/qwen2-window",
    "families/qwen3",
    "families/stablelm",
    "families/starcoder2",
];

#[test]
fn a_model_written_in_transformer_lenses_form_is_read_back_as_it_was() {
    for (name, _) in CASES.iter().chain(FAMILIES) {
        let model = open(name);
        for model in [model.clone(), model.processed(Processing::default()).unwrap()] {
            let folder = std::env::temp_dir().join(format!("glassbox-native-{name}-{}", std::process::id()));
            let saved = model.save_native(&folder);
            // A folded norm's bias becomes the gate's, which has none in TransformerLens.
            let gate_bias = *name == "families/stablelm" && !model.processing().is_empty();
            assert_eq!(saved.is_ok(), NATIVE.contains(name) && !gate_bias, "{name}: {saved:?}");
            let Ok(()) = saved else { continue };
            let again = Model::open(folder.to_str().unwrap()).unwrap();
            std::fs::remove_dir_all(&folder).unwrap();
            assert_eq!(again.processing().done(), model.processing().done());
            let ((before, _), (after, _)) = (said(&model, name), said(&again, name));
            for (site, value) in before.cache().iter() {
                assert!(difference(&value, &after.cache().get(site).unwrap()) < 1e-5, "{name} {site}");
            }
            assert!(difference(&before.logits().unwrap(), &after.logits().unwrap()) < 1e-5, "{name}");
            let names = |model: &Model| model.weights().named().unwrap().into_iter().map(|(name, _)| name);
            let again: Vec<_> = names(&again).collect();
            assert!(names(&model).all(|name| again.contains(&name)), "{name}");
        }
    }
    let error = open("llama-rope-llama3").save_native("nowhere").unwrap_err().to_string();
    assert!(error.contains("rotary frequencies are scaled"), "{error}");
}

#[test]
fn a_configuration_as_transformer_lens_publishes_it_is_known_by_its_keys() {
    use serde_json::json;
    for name in ["solu-tiny", "attn-only-tiny"] {
        let model = open(name);
        let published = |config: &mut serde_json::Map<String, serde_json::Value>| {
            config.remove("model_type");
            let norm = config.remove("normalization_type").unwrap();
            config.insert("normalization".into(), norm);
            for (key, value) in
                [("shortformer_pos", json!(false)), ("final_rms", json!(false)), ("dataset_name", json!("c4"))]
            {
                config.insert(key.into(), value);
            }
        };
        let again = altered(name, published, |_| ()).unwrap();
        assert_eq!(again.config(), model.config());
        assert_eq!(difference(&again.forward([3, 1, 4]).unwrap(), &model.forward([3, 1, 4]).unwrap()), 0.0, "{name}");
    }
    let model = open("shortformer-tiny");
    let first = |config: &mut serde_json::Map<_, _>| {
        config.remove("positional_embedding_type");
        config.insert("shortformer_pos".into(), json!(true));
    };
    assert_eq!(altered("shortformer-tiny", first, |_| ()).unwrap().config(), model.config());
    refused("solu-tiny", "positional_embedding_type", json!("alibi"), &["alibi", "shortformer"]);
    refused("solu-tiny", "final_rms", json!(true), &["final_rms", "true"]);
    let error = altered("gpt2-tiny", |config| drop(config.remove("model_type")), |_| ()).unwrap_err().to_string();
    assert!(error.contains("`model_type`"), "{error}");
}
