//! A random tiny checkpoint of every family against Hugging Face transformers, and at every hook that TransformerLens
//! 3.5.1 has for it.

use crate::reference::{assert_close, expected, folder, names, open, run_everything, token_ids};
use candle_core::Tensor;
use glassbox::{Model, model::NormPlace};
use std::collections::BTreeMap;

const TOLERANCE: f32 = 1e-4;

/// What no module of Hugging Face's shows: copies of the stream made for hooks alone, and the unembedding's own
/// (compared as the last hidden state and the logits).
const OURS_ALONE: [&str; 7] = [
    "hook_attn_in",
    "hook_q_input",
    "hook_k_input",
    "hook_v_input",
    "hook_mlp_in",
    "unembed.hook_in",
    "unembed.hook_out",
];

/// Ends of the names of sites whose values are known only through what follows from them.
fn known_through_others(case: &str) -> &'static [&'static str] {
    match case {
        // The sums and their norms lie within the block, whose output and parts are compared.
        "opt-post-norm" => &["hook_resid_mid", "hook_resid_post", ".hook_scale", ".hook_normalized"],
        // And the first stream is compared, not what it is the sum of.
        "opt-projected" => {
            &["hook_embed", "hook_pos_embed", "hook_resid_mid", "hook_resid_post", ".hook_scale", ".hook_normalized"]
        }
        // The norm is a part of the embedding, and the scores are those of a function that does not show them.
        "bloom-6-heads" => &["embed.ln.hook_scale", "embed.ln.hook_normalized", "attn.hook_attn_scores"],
        // Falcon's attention is no function of its own that could be recorded; its pattern is compared.
        _ if case.starts_with("falcon") => &["attn.hook_attn_scores", "attn.hook_rot_q", "attn.hook_rot_k"],
        // The scale and result of head norms are not recorded; what becomes of them is.
        "stablelm-parallel" => {
            &["q_norm.hook_scale", "q_norm.hook_normalized", "k_norm.hook_scale", "k_norm.hook_normalized"]
        }
        _ => &[],
    }
}

/// Our name of a value that Hugging Face gives.
fn ours(name: &str, model: &Model) -> String {
    let config = model.config();
    let layer = |prefix: &str| name.strip_prefix(prefix).map(|layer| layer.parse::<usize>().unwrap());
    if let Some(layer) = layer("hf.attentions.") {
        return format!("blocks.{layer}.attn.hook_pattern");
    }
    match layer("hf.hidden_states.") {
        Some(layer) if layer == config.n_layers => "unembed.hook_in".into(),
        Some(layer) => format!("blocks.{layer}.hook_resid_pre"),
        // What leaves the block.
        None if config.norm_place == NormPlace::OnSum => name.replace("hook_resid_post", "hook_normalized_resid_post"),
        None => name.into(),
    }
}

fn agrees(case: &str) {
    let model = open(&format!("families/{case}"));
    let expected = expected(&format!("families/{case}"), "expected.safetensors");
    let run = run_everything(&model, &token_ids(&expected));
    let mut compared = Vec::new();
    for (name, value) in &expected {
        // Hugging Face's last state is after a projection that is folded into the unembedding here, and it shows
        // the embedding with the positions added.
        let last = format!("hf.hidden_states.{}", model.config().n_layers);
        if case == "opt-projected" && (*name == last || name == "hook_embed") {
            continue;
        }
        let one = BTreeMap::from([(ours(name, &model), value.clone())]);
        compared.extend(assert_close(&run, &one, TOLERANCE));
    }
    let by_transformer_lens = expected.contains_key("blocks.0.hook_q_input");
    for site in names(&model.sites()) {
        let known = compared.contains(&site)
            || (!by_transformer_lens && OURS_ALONE.iter().any(|end| site.ends_with(end)))
            || known_through_others(case).iter().any(|end| site.ends_with(end))
            || is_the_shared_norm(&site, &model, &expected, &run.cache().get(site.as_str()).unwrap());
        assert!(known, "{case}: no expected value for {site}");
    }
}

/// Attention and MLP that share one norm have it hooked twice here, and once in Hugging Face.
fn is_the_shared_norm(site: &str, model: &Model, expected: &BTreeMap<String, Tensor>, got: &Tensor) -> bool {
    let Some(first) = expected.get(&site.replace(".ln2.", ".ln1.")) else { return false };
    model.config().parallel_attn_mlp && crate::reference::difference(got, first) < TOLERANCE
}

/// The configuration as transformers 4 wrote it gives the same model.
fn reads_the_older_configuration(case: &str) {
    let older = std::fs::read_to_string(folder(&format!("families/{case}")).join("config.v4.json")).unwrap();
    let older = with_configuration(case, "v4", &older).unwrap();
    assert_eq!(older.config(), open(&format!("families/{case}")).config(), "{case}");
}

/// The case's weights with another configuration.
fn with_configuration(case: &str, purpose: &str, json: &str) -> glassbox::Result<Model> {
    let scratch = std::env::temp_dir().join(format!("glassbox-{purpose}-{case}-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    std::fs::write(scratch.join("config.json"), json).unwrap();
    std::fs::copy(folder(&format!("families/{case}")).join("model.safetensors"), scratch.join("model.safetensors"))
        .unwrap();
    let model = Model::open(scratch.to_str().unwrap());
    std::fs::remove_dir_all(&scratch).unwrap();
    model
}

macro_rules! agree {
    ($($test:ident $case:literal)*) => {$(
        #[test]
        fn $test() {
            agrees($case);
            reads_the_older_configuration($case);
        }
    )*};
}

agree! {
    gpt2_with_scores_divided_by_the_layer_agrees "gpt2-inverse-layer"
    gpt_neo_agrees "gpt_neo"
    gptj_agrees "gptj"
    gpt_neox_agrees "gpt_neox"
    gpt_neox_with_attention_before_mlp_agrees "gpt_neox-sequential"
    opt_agrees "opt"
    opt_with_norms_on_the_sum_agrees "opt-post-norm"
    opt_with_projected_embeddings_agrees "opt-projected"
    bloom_agrees "bloom"
    bloom_with_six_heads_agrees "bloom-6-heads"
    gpt_bigcode_agrees "gpt_bigcode"
    gpt_bigcode_with_a_key_for_each_head_agrees "gpt_bigcode-multi-head"
    starcoder2_agrees "starcoder2"
    falcon_agrees "falcon"
    falcon_with_the_new_architecture_agrees "falcon-new"
    falcon_with_the_new_architecture_and_one_norm_agrees "falcon-new-one-norm"
    falcon_with_alibi_agrees "falcon-alibi"
    phi_agrees "phi"
    stablelm_agrees "stablelm"
    stablelm_with_attention_beside_mlp_and_head_norms_agrees "stablelm-parallel"
}

#[test]
fn a_setting_that_changes_the_computation_and_is_not_implemented_is_refused_by_name() {
    for (case, key, value) in [
        ("gpt2-inverse-layer", "scale_attn_weights", "false"),
        ("gpt_neo", "attention_types", r#"[[["global", "sparse"], 1]]"#),
        ("gpt_neo", "attention_types", r#"[[["global"], 9000000000000000]]"#),
        ("gpt_neo", "attention_types", r#"[[[], 9000000000000000]]"#),
        ("gptj", "rotary_dim", "5"),
        ("gptj", "rotary_dim", "8"),
        ("gpt_neox", "hidden_act", r#""quick_gelu""#),
        ("gpt_neox", "rope_parameters", r#"{"rope_type": "dynamic"}"#),
        ("gpt_neox", "rope_parameters", r#"{"partial_rotary_factor": 1.5}"#),
        ("opt", "layer_norm_elementwise_affine", "false"),
        ("opt-projected", "tie_word_embeddings", "false"),
        ("bloom", "apply_residual_connection_post_layernorm", "true"),
        ("gpt_bigcode", "scale_attn_weights", "false"),
        ("gpt_bigcode", "add_cross_attention", "true"),
        ("falcon", "num_ln_in_parallel_attn", "2"),
        ("falcon-new", "parallel_attn", "false"),
        ("phi", "qk_layernorm", "true"),
    ] {
        let json = std::fs::read_to_string(folder(&format!("families/{case}")).join("config.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json[key] = serde_json::from_str(value).unwrap();
        let error = with_configuration(case, key, &json.to_string()).unwrap_err().to_string();
        let word = if value.contains("dynamic") { "rope_type" } else { key };
        let word = if value.contains("partial") { "partial_rotary_factor" } else { word };
        assert!(error.contains(word), "{case}: {error}");
    }
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
        let json = std::fs::read_to_string(folder(&format!("families/{case}")).join("config.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json[key] = 9_000_000_000_000_000u64.into();
        assert!(with_configuration(case, key, &json.to_string()).unwrap_err().is_load(), "{case}");
    }
}
