//! Families of Llama's form against Hugging Face transformers and TransformerLens 3.5.1, at every hook.

use crate::{
    bad_input::{altered, refused},
    reference::{agrees_with_family_reference, difference, expected, folder, open, open_v4, token_ids},
};
use candle_core::{Device, Tensor};
use glassbox::model::Position;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What Hugging Face's modules do not show: copies of the residual stream, and logits not yet multiplied.
const COPIES: &[&str] = &["hook_q_input", "hook_k_input", "hook_v_input", "hook_mlp_in", "unembed.hook_out"];
/// The copy for a head, where each has a key of its own.
const ATTN_IN: &[&str] = &["hook_attn_in"];
/// The norm of queries and keys, which shows in `hook_rot_q` and `hook_rot_k`.
const HEAD_NORMS: &[&str] = &["_norm.hook_scale", "_norm.hook_normalized"];
/// The one norm of a block, which its MLP is taken to have for itself too.
const ONE_NORM: &[&str] = &["ln2.hook_scale", "ln2.hook_normalized"];
/// The experts, which show in `hook_mlp_out`.
const EXPERTS: &[&str] = &["_weights", "_indices", "hook_gate", "hook_pre", "hook_post"];

macro_rules! agree_with_their_reference {
    ($($test:ident $case:literal [$($unseen:ident)*])*) => {
        $(
            #[test]
            fn $test() {
                let unseen: &[&[&str]] = &[$($unseen),*];
                agrees_with_family_reference($case, &unseen.concat());
            }
        )*

        const CASES: &[&str] = &[$($case),*];
    };
}

agree_with_their_reference! {
    mistral_agrees_at_every_hook "mistral" []
    mistral_with_a_window_agrees_at_every_hook "mistral-window" []
    mixtral_agrees_at_every_hook_of_every_expert "mixtral" []
    qwen2_agrees_at_every_hook "qwen2" []
    qwen2_with_a_window_in_its_second_layer_agrees_at_every_hook "qwen2-window" []
    qwen3_agrees_at_every_hook "qwen3" []
    qwen3_moe_agrees_at_every_hook_of_every_expert "qwen3_moe" [COPIES HEAD_NORMS EXPERTS]
    olmoe_agrees_at_every_hook_of_every_expert "olmoe" []
    gemma_agrees_at_every_hook "gemma" []
    gemma2_agrees_at_every_hook "gemma2" []
    gemma3_agrees_at_every_hook "gemma3_text" []
    gemma3_with_scaled_angles_in_its_global_layers_agrees_at_every_hook "gemma3_text-linear" []
    phi3_agrees_at_every_hook "phi3" []
    phi3_within_its_first_context_turns_by_the_short_factors "phi3-longrope-short" [COPIES]
    phi3_beyond_its_first_context_turns_by_the_long_factors "phi3-longrope-long" [COPIES]
    olmo_agrees_at_every_hook "olmo" []
    olmo_with_clipped_queries_keys_and_values_agrees_at_every_hook "olmo-clip" [COPIES]
    olmo2_agrees_at_every_hook "olmo2" []
    olmo3_with_its_windows_and_yarn_agrees_at_every_hook "olmo3" [COPIES ATTN_IN HEAD_NORMS]
    smollm3_turns_nothing_in_its_second_layer "smollm3" [COPIES]
    cohere_agrees_at_every_hook "cohere" [COPIES ONE_NORM]
    cohere_with_normed_queries_and_keys_agrees_at_every_hook "cohere-qk-norm" [COPIES ONE_NORM HEAD_NORMS]
    cohere2_turns_nothing_where_it_has_no_window "cohere2" [COPIES ONE_NORM]
    granite_agrees_at_every_hook "granite" [COPIES]
}

#[test]
fn both_spellings_of_a_configuration_give_the_same_model() {
    for case in CASES {
        let name = format!("families/{case}");
        assert_eq!(open_v4(&name).config(), open(&name).config(), "{case}");
    }
}

#[test]
fn a_model_has_as_many_parameters_as_its_file() {
    for case in CASES {
        let name = format!("families/{case}");
        let file = candle_core::safetensors::load(folder(&name).join("model.safetensors"), &Device::Cpu).unwrap();
        let count: usize = file.values().map(Tensor::elem_count).sum();
        assert_eq!(open(&name).n_parameters(), count, "{case}");
    }
}

#[test]
fn the_text_of_a_gemma3_that_sees_images_is_read_and_the_rest_left_out() {
    let name = "families/gemma3_text";
    let expected = expected(name, "expected.safetensors");
    for [layers, vision] in
        [["language_model.model.", "vision_tower."], ["model.language_model.", "model.vision_tower."]]
    {
        let nested = |config: &mut Map<String, Value>| {
            let text = std::mem::take(config);
            *config = Map::from_iter([("model_type".into(), json!("gemma3")), ("text_config".into(), text.into())]);
        };
        let renamed = |weights: &mut HashMap<String, Tensor>| {
            let all = std::mem::take(weights);
            let rename = |name: &str| format!("{layers}{}", name.strip_prefix("model.").unwrap());
            weights.extend(all.into_iter().map(|(name, tensor)| (rename(&name), tensor)));
            let some = weights.values().next().unwrap().clone();
            weights.insert(format!("{vision}encoder.weight"), some);
        };
        let model = altered(name, nested, renamed).unwrap();
        let logits = model.forward(token_ids(&expected)).unwrap();
        assert!(difference(&logits, &expected["logits"]) < 1e-3);
    }
}

#[test]
fn every_rotary_scaling_turns_by_the_angles_of_transformers() {
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(folder("rope.json")).unwrap()).unwrap();
    for case in cases {
        let write = |config: &mut Map<String, Value>| {
            for key in ["rope_parameters", "max_position_embeddings"] {
                config.insert(key.into(), case[key].clone());
            }
        };
        let model = altered("llama-gqa-untied", write, |_| ()).unwrap();
        let Position::Rotary(rotary) = &model.config().position else { panic!("{:?}", model.config().position) };
        assert!((rotary.attention_factor - case["attention_factor"].as_f64().unwrap()).abs() < 1e-6, "{case}");
        for (len, expected) in case["frequencies"].as_object().unwrap() {
            let expected: Vec<f64> = serde_json::from_value(expected.clone()).unwrap();
            let got = rotary.frequencies_for(len.parse().unwrap());
            let close = |(got, expected): (&f64, &f64)| (got / expected - 1.0).abs() < 1e-5;
            assert!(got.len() == 6 && got.iter().zip(&expected).all(close), "{len} tokens: {got:?} in {case}");
        }
    }
}

#[test]
fn settings_of_these_families_that_are_not_implemented_are_refused_by_name() {
    let nested = json!({"full_attention": {"rope_theta": 1e6}});
    for (case, key, value) in [
        ("gemma", "use_bidirectional_attention", json!(true)),
        ("gemma2", "use_bidirectional_attention", json!(true)),
        ("gemma3_text", "use_bidirectional_attention", json!(true)),
        ("gemma3_text", "attn_logit_softcapping", json!(50.0)),
        ("gemma2", "layer_types", json!(["sliding_attention", "chunked_attention"])),
        ("gemma2", "layer_types", json!(["sliding_attention"])),
        ("gemma2", "sliding_window", json!(null)),
        ("olmoe", "clip_qkv", json!(8.0)),
        ("qwen3_moe", "mlp_only_layers", json!([1])),
        ("qwen3_moe", "decoder_sparse_step", json!(2)),
        ("mistral", "partial_rotary_factor", json!(0.5)),
        ("qwen2", "rope_parameters", nested),
        ("granite", "hidden_act", json!("softplus")),
    ] {
        refused(&format!("families/{case}"), key, value, &[key]);
    }
    refused("families/phi3", "rope_parameters", json!({"partial_rotary_factor": 0.5}), &["partial_rotary_factor"]);
}

#[test]
fn an_expert_that_no_token_chose_shows_no_rows_and_has_a_gradient_of_none() {
    let (model, expected) = (open("families/olmoe"), expected("families/olmoe", "expected.safetensors"));
    let site = "blocks.1.mlp.experts.0.hook_post";
    assert_eq!(expected[site].dims(), [0, 12]);
    let first = |logits: &Tensor| logits.flatten_all()?.get(0);
    let run = model.pass(token_ids(&expected)).unwrap().record(site).differentiate(site, first).run().unwrap();
    assert_eq!(run.cache().get(site).unwrap().dims(), [0, 12]);
    assert_eq!(run.gradients().unwrap().get(site).unwrap().dims(), [0, 12]);
}
