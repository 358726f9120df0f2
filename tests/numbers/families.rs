//! Families of GPT's form against Hugging Face transformers and TransformerLens 3.5.1, at every hook.

use crate::{
    bad_input::{altered, refused},
    reference::{agrees_with_family_reference, folder, open, open_v4},
};
use candle_core::{Device, Tensor};
use serde_json::json;

/// What Hugging Face's modules do not show: copies of the residual stream, and what the unembedding gives (compared
/// as logits).
const COPIES: &[&str] = &["hook_q_input", "hook_k_input", "hook_v_input", "hook_mlp_in", "unembed.hook_out"];
/// One copy more where each query head has a key head.
const ATTN_IN: &[&str] = &["hook_attn_in"];
/// The one norm of a block, which its MLP is taken to have for itself too.
const ONE_NORM: &[&str] = &["ln2.hook_scale", "ln2.hook_normalized"];
/// The norm of queries and keys, which shows in `hook_rot_q` and `hook_rot_k`.
const HEAD_NORMS: &[&str] = &["_norm.hook_scale", "_norm.hook_normalized"];
/// The norm that is part of the embedding.
const EMBED_NORM: &[&str] = &["embed.ln.hook_scale", "embed.ln.hook_normalized"];
/// Where attention is no function of its own; the pattern shows.
const SCORES: &[&str] = &["hook_attn_scores"];
const TURNED: &[&str] = &["hook_rot_q", "hook_rot_k"];
/// The sums within a block whose norms stand on them; what enters and leaves the block shows.
const SUMS: &[&str] = &[
    "hook_resid_mid",
    "hook_resid_post",
    "ln1.hook_scale",
    "ln1.hook_normalized",
    "ln2.hook_scale",
    "ln2.hook_normalized",
];
/// The last state, which Hugging Face gives after a projection that is folded into the unembedding here.
const LAST: &[&str] = &["unembed.hook_in"];

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
    gpt2_with_scores_divided_by_the_layer_agrees_at_every_hook "gpt2-inverse-layer" []
    gpt_neo_agrees_at_every_hook "gpt_neo" []
    gptj_agrees_at_every_hook "gptj" []
    gpt_neox_agrees_at_every_hook "gpt_neox" []
    gpt_neox_with_its_mlp_after_attention_agrees_at_every_hook "gpt_neox-sequential" []
    opt_agrees_at_every_hook "opt" []
    opt_with_norms_on_the_sum_agrees "opt-post-norm" [COPIES ATTN_IN SUMS]
    opt_with_narrow_embeddings_agrees "opt-projected" [COPIES ATTN_IN SUMS LAST]
    bloom_agrees_at_every_hook "bloom" []
    bloom_with_six_heads_agrees "bloom-6-heads" [COPIES ATTN_IN EMBED_NORM SCORES]
    gpt_bigcode_agrees "gpt_bigcode" [COPIES]
    gpt_bigcode_with_a_key_for_each_head_agrees "gpt_bigcode-multi-head" [COPIES ATTN_IN]
    starcoder2_agrees "starcoder2" [COPIES]
    falcon_agrees "falcon" [COPIES ONE_NORM SCORES TURNED]
    falcon_of_the_new_architecture_agrees "falcon-new" [COPIES SCORES TURNED]
    falcon_of_the_new_architecture_with_one_norm_agrees "falcon-new-one-norm" [COPIES ONE_NORM SCORES TURNED]
    falcon_with_alibi_agrees "falcon-alibi" [COPIES ATTN_IN SCORES]
    phi_agrees_at_every_hook "phi" []
    stablelm_agrees "stablelm" [COPIES]
    stablelm_with_its_mlp_beside_attention_and_head_norms_agrees "stablelm-parallel" [COPIES ONE_NORM HEAD_NORMS]
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
    // Folding makes tables of the widths they connect, and OPT's first two positions are no position.
    for case in CASES.iter().filter(|case| !case.starts_with("opt")) {
        let name = format!("families/{case}");
        let file = candle_core::safetensors::load(folder(&name).join("model.safetensors"), &Device::Cpu).unwrap();
        let count: usize = file.values().map(Tensor::elem_count).sum();
        assert_eq!(open(&name).n_parameters(), count, "{case}");
    }
}

#[test]
fn attention_and_mlp_that_share_a_norm_have_it_hooked_before_each() {
    for case in ["gptj", "falcon", "falcon-new-one-norm", "phi", "stablelm-parallel"] {
        let run = open(&format!("families/{case}")).run([3, 4, 5]).unwrap();
        let at = |name: &str| run.cache().get(name).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(at("blocks.1.ln1.hook_normalized"), at("blocks.1.ln2.hook_normalized"), "{case}");
    }
}

#[test]
fn settings_of_these_families_that_are_not_implemented_are_refused_by_name() {
    for (case, key, value) in [
        ("gpt2-inverse-layer", "scale_attn_weights", json!(false)),
        ("gpt_neo", "attention_types", json!([[["global", "sparse"], 1]])),
        ("gpt_neo", "attention_types", json!([[["global"], 9_000_000_000_000_000u64]])),
        ("gpt_neo", "attention_types", json!([[[], 9_000_000_000_000_000u64]])),
        ("gptj", "rotary_dim", json!(5)),
        ("gptj", "rotary_dim", json!(8)),
        ("gpt_neox", "hidden_act", json!("softplus")),
        ("opt", "layer_norm_elementwise_affine", json!(false)),
        ("opt-projected", "tie_word_embeddings", json!(false)),
        ("bloom", "apply_residual_connection_post_layernorm", json!(true)),
        ("gpt_bigcode", "scale_attn_weights", json!(false)),
        ("gpt_bigcode", "add_cross_attention", json!(true)),
        ("falcon", "num_ln_in_parallel_attn", json!(2)),
        ("falcon-new", "parallel_attn", json!(false)),
        ("phi", "qk_layernorm", json!(true)),
    ] {
        refused(&format!("families/{case}"), key, value, &[key]);
    }
    let share = json!({"partial_rotary_factor": 1.5});
    refused("families/gpt_neox", "rope_parameters", share, &["partial_rotary_factor"]);
}

#[test]
fn an_absurd_size_is_refused_before_memory_is_asked_for() {
    for (case, key) in [
        ("gpt_neo", "num_layers"),
        ("gptj", "n_embd"),
        ("gpt_neox", "hidden_size"),
        ("bloom", "n_head"),
        ("falcon", "hidden_size"),
        ("falcon-alibi", "num_attention_heads"),
        ("starcoder2", "head_dim"),
        ("starcoder2", "num_hidden_layers"),
        ("phi", "head_dim"),
    ] {
        let size = json!(9_000_000_000_000_000u64);
        let set = |config: &mut serde_json::Map<_, _>| drop(config.insert(key.into(), size.clone()));
        assert!(altered(&format!("families/{case}"), set, |_| ()).unwrap_err().is_load(), "{case}");
    }
}
