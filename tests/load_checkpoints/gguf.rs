use candle_core::{
    Tensor,
    quantized::{GgmlDType, gguf_file::Value},
};
use glassbox::load::{Checkpoint, Weights};

use super::support::*;

fn open(metadata: &[(&str, Value)], tensors: &[(&str, Tensor, GgmlDType)]) -> glassbox::Result<Checkpoint> {
    let folder = Folder::new();
    Checkpoint::from_gguf(folder.write("tiny.gguf", gguf(metadata, tensors)))
}

fn with(key: &'static str, value: Value) -> Vec<(&'static str, Value)> {
    let mut metadata = llama_metadata();
    metadata.push((key, value));
    metadata
}

fn embedding() -> (&'static str, Tensor, GgmlDType) {
    ("token_embd.weight", counting(&[6, 32]), GgmlDType::F32)
}

#[test]
fn the_settings_have_the_names_of_a_config_json() {
    let checkpoint = open(&llama_metadata(), &[embedding()]).unwrap();
    let settings = &checkpoint.settings;
    assert_eq!((checkpoint.name.as_str(), settings.model_type().unwrap().as_str()), ("tiny", "llama"));
    for (key, value) in [
        ("hidden_size", 32),
        ("num_hidden_layers", 2),
        ("num_attention_heads", 4),
        ("num_key_value_heads", 2),
        ("intermediate_size", 64),
        ("max_position_embeddings", 128),
        ("vocab_size", 6),
    ] {
        assert_eq!(settings.get::<usize>(key).unwrap(), value, "{key}");
    }
    assert_eq!(settings.get::<f64>("rms_norm_eps").unwrap(), 1e-5, "as written, not as widened");
    assert_eq!(settings.get::<f64>("rope_theta").unwrap(), 1e6);
    assert!(settings.get::<bool>("tie_word_embeddings").unwrap());
    assert!(checkpoint.tokenizer.is_none());
    assert!(!settings.has("rope_scaling").unwrap());
}

/// Rows numbered as llama.cpp stores them: in each head of 8, the halves that turn together side by side.
#[test]
fn queries_and_keys_get_the_rows_of_the_models_own_files() {
    let q = counting(&[32, 1]).broadcast_as((32, 32)).unwrap().contiguous().unwrap();
    let tensors = [
        embedding(),
        ("blk.1.attn_q.weight", q.clone(), GgmlDType::F32),
        ("blk.1.attn_k.weight", q.narrow(0, 0, 16).unwrap().force_contiguous().unwrap(), GgmlDType::F32),
        ("blk.1.attn_q.bias", counting(&[32]), GgmlDType::F32),
    ];
    let weights = open(&llama_metadata(), &tensors).unwrap().weights;
    let first_column = |weights: &Weights, name: &str, shape: &[usize]| {
        let tensor = weights.get(name, shape).unwrap();
        values(&tensor.reshape((shape[0], ())).unwrap().narrow(1, 0, 1).unwrap())
    };
    let head = |start: f32| [0., 2., 4., 6., 1., 3., 5., 7.].map(|row| start + row);
    let rows: Vec<f32> = [head(0.), head(8.), head(16.), head(24.)].concat();
    assert_eq!(first_column(&weights, "model.layers.1.self_attn.q_proj.weight", &[32, 32]), rows);
    assert_eq!(first_column(&weights, "model.layers.1.self_attn.q_proj.bias", &[32]), rows);
    assert_eq!(first_column(&weights, "model.layers.1.self_attn.k_proj.weight", &[16, 32]), rows[..16]);
}

#[test]
fn every_type_that_candle_can_write_is_read() {
    let values_of = |tensor: &Tensor| values(tensor);
    let tensor = ((counting(&[4, 256]) / 1023.0).unwrap() - 0.5).unwrap();
    use GgmlDType::*;
    for (dtype, error) in [
        (F32, 0.0),
        (F16, 3e-4),
        (BF16, 3e-3),
        (Q8_0, 2e-3),
        (Q6K, 2e-2),
        (Q5_0, 2e-2),
        (Q5_1, 2e-2),
        (Q5K, 2e-2),
        (Q4_0, 4e-2),
        (Q4_1, 4e-2),
        (Q4K, 4e-2),
        (Q3K, 8e-2),
        (Q2K, 2e-1),
    ] {
        let weights = open(&llama_metadata(), &[("output_norm.weight", tensor.clone(), dtype)]).unwrap().weights;
        let read = values_of(&weights.get("model.norm.weight", &[4, 256]).unwrap());
        let worst = read.iter().zip(values_of(&tensor)).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(worst <= error, "{dtype:?} is off by {worst}");
    }
}

#[test]
fn a_gpt2_has_its_conv1d_weights_turned_back() {
    let metadata = [
        ("general.architecture", Value::String("gpt2".into())),
        ("gpt2.embedding_length", Value::U32(8)),
        ("gpt2.block_count", Value::U32(1)),
        ("gpt2.attention.head_count", Value::U32(2)),
        ("gpt2.feed_forward_length", Value::U32(16)),
        ("gpt2.context_length", Value::U32(4)),
        ("gpt2.attention.layer_norm_epsilon", Value::F32(1e-5)),
    ];
    let tensors = [
        ("token_embd.weight", counting(&[5, 8]), GgmlDType::F32),
        ("blk.0.ffn_up.weight", counting(&[16, 8]), GgmlDType::F32),
        ("blk.0.ffn_up.bias", counting(&[16]), GgmlDType::F32),
    ];
    let checkpoint = open(&metadata, &tensors).unwrap();
    let weights = checkpoint.weights.with_optional_prefix("transformer.");
    let c_fc = weights.get("h.0.mlp.c_fc.weight", &[8, 16]).unwrap();
    assert_eq!(values(&c_fc), values(&counting(&[16, 8]).t().unwrap()));
    assert_eq!(weights.shape("h.0.mlp.c_fc.bias"), Some(vec![16]));
    assert_eq!(checkpoint.settings.get::<usize>("n_positions").unwrap(), 4);
}

#[test]
fn what_is_unknown_is_refused_with_what_is_known() {
    let mut metadata = llama_metadata();
    metadata[0].1 = Value::String("mamba".into());
    refused(open(&metadata, &[embedding()]), &["`mamba`", "`llama`", "`gpt2`"]);
    refused(
        open(&with("llama.expert_shared_count", Value::U32(8)), &[embedding()]),
        &["llama.expert_shared_count", "8"],
    );
    refused(open(&with("split.count", Value::U16(3)), &[embedding()]), &["split.count", "3", "--merge"]);
    let halved = with("llama.attention.key_length", Value::U32(16));
    refused(open(&halved, &[embedding()]), &["rope.dimension_count", "16"]);
    metadata = llama_metadata();
    metadata.retain(|(key, _)| *key != "llama.block_count");
    refused(open(&metadata, &[embedding()]), &["`llama.block_count`", "a llama model needs"]);
    metadata.push(("llama.block_count", Value::String("two".into())));
    let checkpoint = open(&metadata, &[embedding()]).unwrap();
    refused(checkpoint.settings.get::<usize>("num_hidden_layers"), &["`num_hidden_layers`", "two", "whole number"]);

    let extra = [embedding(), ("blk.0.attn_sinks.weight", counting(&[4]), GgmlDType::F32)];
    let weights = open(&llama_metadata(), &extra).unwrap().weights;
    weights.get("model.embed_tokens.weight", &[6, 32]).unwrap();
    refused(weights.refuse_unused("llama", &[]), &["1 of the stored tensors", "`blk.0.attn_sinks.weight`"]);
}

#[test]
fn rotary_scaling_is_passed_on_or_refused_and_never_left_out() {
    let scaled = |kind: &str| {
        let mut metadata = with("llama.rope.scaling.type", Value::String(kind.into()));
        metadata.push(("llama.rope.scaling.factor", Value::F32(4.0)));
        open(&metadata, &[embedding()]).unwrap().settings
    };
    assert_eq!(scaled("yarn").get::<String>("rope_scaling.rope_type").unwrap(), "yarn");
    assert_eq!(scaled("linear").get::<f64>("rope_scaling.factor").unwrap(), 4.0);
    assert!(!scaled("none").has("rope_scaling").unwrap());
    let factors =
        ("rope_freqs.weight", Tensor::new(&[1f32, 1., 2., 9.], &candle_core::Device::Cpu).unwrap(), GgmlDType::F32);
    refused(open(&llama_metadata(), &[embedding(), factors.clone()]), &["rope_freqs.weight", "4 factors", "Llama 3"]);
    let alone = ("rope_factors_long.weight", counting(&[4]), GgmlDType::F32);
    refused(open_as("phi3", &[], &[embedding(), alone]), &["rope_factors_long.weight", "missing"]);
    let eps = ("llama.attention.layer_norm_epsilon", Value::F32(1e-5));
    refused(open_as("gpt2", &[eps], &[embedding(), factors]), &["rope_freqs.weight", "no rotary positions"]);
}

#[test]
fn a_truncated_file_is_damaged_at_every_length() {
    let whole = gguf(&llama_metadata(), &[embedding()]);
    let folder = Folder::new();
    for cut in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        let path = folder.write("cut.gguf", &whole[..cut]);
        refused(Checkpoint::from_gguf(path), &["cut.gguf", "cannot be read as a GGUF file"]);
    }
    refused(Checkpoint::from_gguf(folder.file("none.gguf")), &["none.gguf", "not found"]);
    refused(Checkpoint::from_gguf(folder.path()), &["a folder, not a file"]);
}

/// A file written by hand, since candle's writer is always in order.
#[test]
fn a_head_that_contradicts_itself_is_refused_with_the_reason() {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let file = |metadata: Vec<u8>, tensor: Vec<u8>| {
        let counts = [u64::from(!tensor.is_empty()), u64::from(!metadata.is_empty())].map(u64::to_le_bytes).concat();
        [b"GGUF".as_slice(), &3u32.to_le_bytes(), &counts, &metadata, &tensor, &[0; 256]].concat()
    };
    let key = |key: &str, kind: u32, value: &[u8]| [text(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat();
    let tensor = |axes: &[u64], kind: u32, start: u64| {
        let axes = [(axes.len() as u32).to_le_bytes().to_vec(), axes.iter().flat_map(|a| a.to_le_bytes()).collect()];
        [text("t"), axes.concat(), kind.to_le_bytes().to_vec(), start.to_le_bytes().to_vec()].concat()
    };
    let folder = Folder::new();
    let huge = u64::MAX.to_le_bytes();
    for (bytes, why) in [
        (b"GGML".to_vec(), "letters GGUF"),
        ([b"GGUF".as_slice(), &9u32.to_le_bytes()].concat(), "version 9"),
        (file(key("general.alignment", 4, &0u32.to_le_bytes()), vec![]), "alignment"),
        (file(key("general.alignment", 10, &huge), vec![]), "alignment"),
        (file(key("a", 99, &[]), vec![]), "type 99"),
        (file(key("a", 8, &huge), vec![]), "bytes are left"),
        (file(key("a", 9, &[&9u32.to_le_bytes()[..], &huge].concat()), vec![]), "bytes are left"),
        (file(vec![], tensor(&[1; 5], 0, 0)), "at most 4"),
        (file(vec![], tensor(&[4], 0, 3)), "multiple of 32"),
        (file(vec![], tensor(&[4], 0, u64::MAX - 31)), "multiple of 32"),
    ] {
        refused(Checkpoint::from_gguf(folder.write("bad.gguf", bytes)), &["bad.gguf", why]);
    }
}

/// What a GGUF says of a model of 2 layers, 4 query heads and 2 key heads of width 8, under another architecture.
fn metadata_of(architecture: &'static str, more: &[(&'static str, Value)]) -> Vec<(String, Value)> {
    let own =
        |(key, value): &(&'static str, Value)| (key.replace("llama.", &format!("{architecture}.")), value.clone());
    let mut metadata: Vec<_> = llama_metadata().iter().chain(more).map(own).collect();
    metadata[0].1 = Value::String(architecture.into());
    metadata
}

fn open_as(
    architecture: &'static str,
    more: &[(&'static str, Value)],
    tensors: &[(&str, Tensor, GgmlDType)],
) -> glassbox::Result<Checkpoint> {
    let metadata = metadata_of(architecture, more);
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    open(&metadata, tensors)
}

/// No converter of today writes this: it loses the norms. Files of StableLM 2 12B have them.
#[test]
fn the_norms_that_stablelm_has_for_each_head_are_taken_off_their_stack() {
    let eps = ("llama.attention.layer_norm_epsilon", Value::F32(1e-5));
    let (mut metadata, norms) = (metadata_of("stablelm", &[eps]), counting(&[4, 8]));
    metadata.retain(|(key, _)| !key.ends_with("rms_epsilon"));
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let checkpoint =
        open(&metadata, &[embedding(), ("blk.0.attn_q_norm.weight", norms.clone(), GgmlDType::F32)]).unwrap();
    assert!(checkpoint.settings.get::<bool>("qk_layernorm").unwrap());
    assert!(!checkpoint.settings.get::<bool>("use_qkv_bias").unwrap());
    for head in 0..4 {
        let norm = checkpoint.weights.get(&format!("model.layers.0.self_attn.q_layernorm.norms.{head}.weight"), &[8]);
        assert_eq!(values(&norm.unwrap()), values(&norms.get(head).unwrap()));
    }
}

#[test]
fn experts_are_taken_off_their_stack_in_every_type_of_value() {
    let counts = [("llama.expert_count", Value::U32(3)), ("llama.expert_used_count", Value::U32(2))];
    let stack = (counting(&[3, 2, 32]) / 192.0).unwrap();
    for (dtype, error) in [(GgmlDType::F32, 0.0), (GgmlDType::F16, 1e-3), (GgmlDType::Q8_0, 5e-3)] {
        let shared = ("blk.1.ffn_gate_inp_shexp.weight", counting(&[32]), GgmlDType::F32);
        let tensors = [embedding(), ("blk.1.ffn_up_exps.weight", stack.clone(), dtype), shared];
        let checkpoint = open_as("qwen2moe", &counts, &tensors).unwrap();
        assert_eq!(checkpoint.settings.model_type().unwrap(), "qwen2_moe");
        assert_eq!(checkpoint.settings.get::<usize>("num_experts").unwrap(), 3);
        assert!(!checkpoint.settings.get::<bool>("norm_topk_prob").unwrap());
        for expert in 0..3 {
            let name = format!("model.layers.1.mlp.experts.{expert}.up_proj.weight");
            let apart = (checkpoint.weights.get(&name, &[2, 32]).unwrap() - stack.get(expert).unwrap()).unwrap();
            assert!(values(&apart.abs().unwrap()).into_iter().fold(0f32, f32::max) <= error);
        }
        let gate = checkpoint.weights.get("model.layers.1.mlp.shared_expert_gate.weight", &[1, 32]).unwrap();
        assert_eq!(values(&gate), values(&counting(&[32])));
    }
}

#[test]
fn a_window_and_experts_tell_mistral_and_mixtral_from_llama() {
    let kind = |more: &[(&'static str, Value)]| open_as("llama", more, &[embedding()]).unwrap().settings;
    let window = |width| ("llama.attention.sliding_window", Value::U32(width));
    assert_eq!(kind(&[window(0)]).model_type().unwrap(), "llama");
    let mistral = kind(&[window(7)]);
    assert_eq!(
        (mistral.model_type().unwrap().as_str(), mistral.get::<usize>("sliding_window").unwrap()),
        ("mistral", 7)
    );
    let counts = [("llama.expert_count", Value::U32(8)), ("llama.expert_used_count", Value::U32(2))];
    assert_eq!(kind(&counts).model_type().unwrap(), "mixtral");
    refused(open_as("llama", &counts[..1], &[embedding()]), &["llama.expert_used_count"]);
    refused(
        open_as("llama", &[("llama.attention.sliding_window", Value::Bool(true))], &[]),
        &["sliding_window", "true"],
    );
}

#[test]
fn the_windows_of_gemma_3_follow_the_file_and_else_its_pattern() {
    let types = |more: &[(&'static str, Value)]| -> Vec<bool> {
        let settings = open_as("gemma3", more, &[embedding()]).unwrap().settings;
        settings.get::<Vec<String>>("layer_types").unwrap().iter().map(|kind| kind == "sliding_attention").collect()
    };
    let window = ("llama.attention.sliding_window", Value::U32(7));
    let pattern = |value| ("llama.attention.sliding_window_pattern", value);
    let (all, none) = (vec![true; 2], vec![false; 2]);
    assert_eq!([types(std::slice::from_ref(&window)), types(&[])], [all, none]);
    assert_eq!(types(&[window.clone(), pattern(Value::U32(2))]), [true, false]);
    assert_eq!(types(&[window, pattern(Value::Array(vec![Value::Bool(false), Value::Bool(true)]))]), [false, true]);
}

/// llama.cpp knows the largest model of a family by its number of layers, and scales its scores in another way.
#[test]
fn the_scores_of_the_largest_gemma_are_scaled_by_the_models_width() {
    let scalar = |layers| {
        let mut metadata = metadata_of("gemma2", &[("llama.attention.key_length", Value::U32(8))]);
        metadata.retain(|(key, _)| !key.ends_with("block_count") && !key.ends_with("head_count"));
        metadata.push(("gemma2.block_count".into(), Value::U32(layers)));
        metadata.push(("gemma2.attention.head_count".into(), Value::U32(2)));
        let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        open(&metadata, &[embedding()]).unwrap().settings.get::<usize>("query_pre_attn_scalar").unwrap()
    };
    assert_eq!([scalar(42), scalar(46)], [8, 16]);
}

#[test]
fn the_part_of_a_head_that_turns_is_told_back() {
    let eps = ("llama.attention.layer_norm_epsilon", Value::F32(1e-5));
    let mut metadata = metadata_of("phi2", &[eps]);
    metadata.retain(|(key, _)| !key.ends_with("rms_epsilon") && !key.ends_with("dimension_count"));
    metadata.push(("phi2.rope.dimension_count".into(), Value::U32(2)));
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    assert_eq!(open(&metadata, &[embedding()]).unwrap().settings.get::<f64>("partial_rotary_factor").unwrap(), 0.25);
}

#[test]
fn a_wrong_value_is_named_as_the_file_names_it() {
    for (key, value) in [
        ("llama.block_count", Value::String("x".into())),
        ("llama.block_count", Value::U32(1000)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(-1.0)),
        ("llama.rope.scaling.factor", Value::F32(-2.0)),
        ("tokenizer.ggml.bos_token_id", Value::F32(1.5)),
        ("llama.rope.scaling.attn_factor", Value::F32(2.0)),
    ] {
        let mut metadata: Vec<_> = llama_metadata().into_iter().filter(|(own, _)| *own != key).collect();
        metadata.push((key, value));
        let norm = ("output_norm.weight", counting(&[32]), GgmlDType::F32);
        let model = open(&metadata, &[embedding(), norm]).and_then(glassbox::Model::from_checkpoint);
        refused(model, &[&format!("`{key}`")]);
    }
}
