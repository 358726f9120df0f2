//! Weight views: their shapes, what they compute, and that they share the model's memory.

use crate::{
    reference::{difference, open},
    weights::{CASES, ids},
};
use candle_core::Tensor;
use glassbox::{
    hook::{Site, zero},
    model::Architecture,
    prelude::WeightViews,
};

#[test]
fn views_have_the_shapes_of_transformer_lens_and_give_the_activations() {
    for (name, _) in CASES {
        let (model, ids) = (open(name), ids(name));
        let (config, weights) = (model.config(), model.weights());
        assert_eq!(config.architecture, Architecture::Decoder);
        let (layers, heads, kv_heads) = (config.n_layers, config.n_heads, config.n_key_value_heads);
        let (d_model, d_head) = (config.d_model, config.d_head);
        assert_eq!(weights.stacked(WeightViews::w_q).unwrap().dims(), [layers, heads, d_model, d_head]);
        assert_eq!(weights.stacked(WeightViews::w_k).unwrap().dims(), [layers, kv_heads, d_model, d_head]);
        assert_eq!(weights.ungrouped().w_v(0).unwrap().dims(), [heads, d_model, d_head]);
        assert_eq!(weights.ungrouped().b_k(0).unwrap().dims(), [heads, d_head]);
        assert_eq!(weights.w_u().unwrap().dims(), [d_model, config.d_vocab]);
        assert_eq!(model.all_head_labels().len(), layers * heads);

        let run = model.pass(&ids).unwrap().record(Site::result(1)).record("*").run().unwrap();
        let z = run.cache().get(Site::z(1)).unwrap().get(0).unwrap().transpose(0, 1).unwrap().contiguous().unwrap();
        let result = z.matmul(&weights.w_o(1).unwrap().contiguous().unwrap()).unwrap().transpose(0, 1).unwrap();
        assert!(difference(&result, &run.cache().get(Site::result(1)).unwrap().get(0).unwrap()) < 1e-5, "{name}");
        if !config.attn_only {
            let post = run.cache().get(Site::mlp_post(1)).unwrap().get(0).unwrap();
            let out = post.matmul(&weights.w_out(1).unwrap().contiguous().unwrap()).unwrap();
            let out = out.broadcast_add(&weights.b_out(1).unwrap()).unwrap();
            assert!(difference(&out, &run.cache().get(Site::mlp_out(1)).unwrap().get(0).unwrap()) < 1e-5, "{name}");
        }
        let read = run.cache().get(Site::unembed_in()).unwrap().get(0).unwrap();
        let directions = weights.tokens_to_residual_directions([1u32, 7, 42].as_slice()).unwrap().get(0).unwrap();
        let logits = read.matmul(&directions.t().unwrap()).unwrap();
        let bias = weights.b_u().unwrap().get(7).unwrap();
        let logits = (logits.narrow(1, 1, 1).unwrap().broadcast_add(&bias)).unwrap();
        assert!(difference(&logits, &run.logits().unwrap().get(0).unwrap().narrow(1, 7, 1).unwrap()) < 1e-4, "{name}");
    }
}

#[test]
fn the_parts_of_the_stream_less_the_accumulated_bias_are_what_silent_heads_and_neurons_leave() {
    let model = open("gpt2-tiny");
    let layers = model.config().n_layers;
    let silent = (0..layers).flat_map(|layer| [zero(Site::z(layer)), zero(Site::mlp_post(layer))]);
    let run = model.run_with(ids("gpt2-tiny"), silent).unwrap();
    let get = |site| run.cache().get(site).unwrap();
    let bias = |layer, mlp_input| model.weights().accumulated_bias(layer, mlp_input, true).unwrap();
    for (site, bias) in [(Site::resid_mid(1), bias(1, true)), (Site::resid_post(1), bias(2, false))] {
        let written = (get(site) - get(Site::resid_pre(0))).unwrap();
        assert!(difference(&written, &bias.broadcast_as(written.shape()).unwrap().contiguous().unwrap()) < 1e-5);
    }
    let attention_only = model.weights().accumulated_bias(2, false, false).unwrap();
    let by_hand = (model.weights().b_o(0).unwrap() + model.weights().b_o(1).unwrap()).unwrap();
    assert!(difference(&attention_only, &by_hand) < 1e-6);
    assert!(model.weights().accumulated_bias(2, true, true).is_err());
}

#[test]
fn views_share_memory_with_the_model() {
    // Tied: the unembedding is the embedding turned, and no copy of it.
    let weights = open("gpt2-tiny").weights();
    let same = |a: &Tensor, b: &Tensor| {
        let (a, _) = a.storage_and_layout();
        let (b, _) = b.storage_and_layout();
        std::ptr::eq(&*a, &*b)
    };
    assert!(same(&weights.w_u().unwrap(), &weights.w_e().unwrap()));
    for name in ["llama-gqa-untied", "attn-only-tiny"] {
        let weights = open(name).weights();
        for view in [WeightViews::w_q, WeightViews::w_k, WeightViews::w_v, WeightViews::w_o] {
            assert!(same(&view(&weights, 1).unwrap(), &view(&weights, 1).unwrap()), "{name}");
        }
    }
}

#[test]
fn what_a_model_does_not_have_is_refused_by_name() {
    let (gpt2, llama) = (open("gpt2-tiny").weights(), open("llama-gqa-tied").weights());
    let attention_only = open("attn-only-tiny").weights();
    for (result, words) in [
        (gpt2.w_q(2), "layers, 0 to 1"),
        (gpt2.w_gate(0), "no W_gate: its MLP is not gated"),
        (llama.w_pos(), "no W_pos"),
        (attention_only.w_in(0), "attention only"),
        (gpt2.get("blocks.0.attn.W_K_"), "`blocks.0.attn.W_K`"),
        (gpt2.ln_w(0, "ln3"), "no ln3"),
        (gpt2.encoder().and_then(|encoder| encoder.w_q(0)), "one stack of blocks"),
        (gpt2.expert(0).and_then(|expert| expert.w_in(0)), "one MLP each"),
        (gpt2.tokens_to_residual_directions([5000u32].as_slice()), "out of range"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
