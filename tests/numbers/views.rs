//! Weight views: their shapes, what they compute, and that they share the model's memory.

use crate::{
    reference::{difference, open},
    weights::{CASES, ids},
};
use candle_core::Tensor;
use glassbox::{
    Model,
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
        (gpt2.w_q(2), "layers 0 to 1"),
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

#[test]
fn every_bias_and_norm_is_what_the_model_adds_and_multiplies() {
    let (gpt2, gated) = (open("gpt2-tiny"), open("llama-mlp-bias"));
    let read = |model: &Model, site| model.run(ids("gpt2-tiny")).unwrap().cache().get(site).unwrap().get(0).unwrap();
    let affine = |x: Tensor, w: &Tensor, b: &Tensor| x.broadcast_mul(w).unwrap().broadcast_add(b).unwrap();

    let weights = gpt2.weights();
    let (w, b) = (weights.ln_final_w().unwrap(), weights.ln_final_b().unwrap());
    let normed = affine(read(&gpt2, Site::ln_final_normalized()), &w, &b);
    assert!(difference(&normed, &read(&gpt2, Site::unembed_in())) < 1e-5);
    let (w, b) = (weights.ln_w(0, "ln2").unwrap(), weights.ln_b(0, "ln2").unwrap());
    let input = affine(read(&gpt2, Site::ln2_normalized(0)), &w, &b);
    let pre = input.matmul(&weights.w_in(0).unwrap()).unwrap().broadcast_add(&weights.b_in(0).unwrap()).unwrap();
    assert!(difference(&pre, &read(&gpt2, Site::mlp_pre(0))) < 1e-5);
    // The rows of both embeddings, one kind after the other.
    let both = weights.w_e_pos().unwrap();
    let (d_vocab, tokens) = (gpt2.config().d_vocab, ids("gpt2-tiny"));
    assert_eq!(both.dims(), [d_vocab + gpt2.config().n_ctx, gpt2.config().d_model]);
    for (position, id) in tokens.into_iter().enumerate() {
        let row = |site| read(&gpt2, site).get(position).unwrap();
        assert_eq!(difference(&both.get(id as usize).unwrap(), &row(Site::embed())), 0.0);
        assert_eq!(difference(&both.get(d_vocab + position).unwrap(), &row(Site::pos_embed())), 0.0);
    }

    let weights = gated.weights();
    let input = read(&gated, Site::ln2_normalized(1)).broadcast_mul(&weights.ln_w(1, "ln2").unwrap()).unwrap();
    let through = |w: Tensor, b: Tensor| input.matmul(&w).unwrap().broadcast_add(&b).unwrap();
    let gate = through(weights.w_gate(1).unwrap(), weights.b_gate(1).unwrap());
    assert!(difference(&gate, &read(&gated, Site::mlp_pre(1))) < 1e-5);
    let linear = through(weights.w_in(1).unwrap(), weights.b_in(1).unwrap());
    assert!(difference(&linear, &read(&gated, Site::mlp_pre_linear(1))) < 1e-5);
    let size = |bias: Tensor| bias.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(size(weights.b_gate(1).unwrap()) > 1e-3 && size(weights.b_in(1).unwrap()) > 1e-3);
}

#[test]
fn all_names_together_count_a_tied_unembedding_twice() {
    for name in ["gpt2-tiny", "gpt2-untied", "llama-gqa-tied", "llama-gqa-untied", "families/mixtral"] {
        let model = open(name);
        let config = model.config();
        let again = if config.tied { config.d_vocab * config.d_model } else { 0 };
        assert_eq!(model.weights().n_params_total().unwrap(), model.n_parameters() + again, "{name}");
    }
}

#[test]
fn cross_attention_makes_its_keys_of_what_the_encoder_gave() {
    let model = open("families/t5");
    let run = model.pass([5, 6, 7, 1]).unwrap().decoder_input([0, 9]).unwrap().record("*").run().unwrap();
    let get = |site| run.cache().get(site).unwrap().get(0).unwrap();
    let (across, own) = (model.weights().cross_attention().unwrap(), model.weights().decoder().unwrap());
    let norm = model.weights().get("encoder_final_ln.w").unwrap();
    let given = get(Site::encoder_final_ln_normalized()).broadcast_mul(&norm).unwrap();
    for layer in 0..model.config().n_layers {
        let keys = get(Site::cross_k(layer).in_decoder());
        for head in 0..model.config().n_heads {
            let made = |w_k: Tensor| given.matmul(&w_k.get(head).unwrap().contiguous().unwrap()).unwrap();
            let expected = keys.narrow(1, head, 1).unwrap().squeeze(1).unwrap();
            assert!(difference(&made(across.w_k(layer).unwrap()), &expected) < 1e-5);
            assert!(difference(&made(own.w_k(layer).unwrap()), &expected) > 1e-2);
        }
    }
    assert!(open("gpt2-tiny").weights().cross_attention().is_err());
}
