//! The same identities for each form of a block: norms with biases before attention and MLP (GPT-2), RMS norms and
//! grouped rotary attention (Llama), norms on the sums and attention both ways (BERT).

use crate::reference::{difference, folder, open, run_everything};
use candle_core::{D, IndexOp, Tensor};
use glassbox::{
    Model,
    hook::{Intervention, Site, zero},
    load::{Checkpoint, Settings, Weights},
    model::{Architecture, Run},
};

const FORMS: [&str; 4] = ["gpt2-tiny", "llama-gqa-untied", "families/bert", "families/opt-post-norm"];
const ON_SUM: [&str; 2] = ["families/bert", "families/opt-post-norm"];
const IDS: [u32; 6] = [3, 1, 4, 1, 5, 9];

fn model_and_run(name: &str) -> (Model, Run) {
    let model = open(name);
    let run = run_everything(&model, &IDS);
    (model, run)
}

fn get(run: &Run, site: Site) -> Tensor {
    run.cache().get(site).unwrap()
}

#[test]
fn blocks_with_norms_on_the_sums_add_up_within_and_hand_on_what_is_normed() {
    for name in ON_SUM {
        let (model, run) = model_and_run(name);
        let weights = model.weights();
        let normed = |layer, site, norm| {
            let weighted = get(&run, site).broadcast_mul(&weights.ln_w(layer, norm).unwrap()).unwrap();
            weighted.broadcast_add(&weights.ln_b(layer, norm).unwrap()).unwrap()
        };
        if model.config().architecture == Architecture::Encoder {
            assert_eq!(difference(&get(&run, Site::full_embed()), &get(&run, Site::resid_pre(0))), 0.0, "{name}");
        }
        for layer in 0..model.config().n_layers {
            let mid = (get(&run, Site::resid_pre(layer)) + get(&run, Site::attn_out(layer))).unwrap();
            assert!(difference(&mid, &get(&run, Site::resid_mid(layer))) < 1e-5, "{name}");
            let read = normed(layer, Site::ln1_normalized(layer), "ln1");
            let post = (read + get(&run, Site::mlp_out(layer))).unwrap();
            assert!(difference(&post, &get(&run, Site::resid_post(layer))) < 1e-5, "{name}");
            let end = normed(layer, Site::ln2_normalized(layer), "ln2");
            assert!(difference(&end, &get(&run, Site::normalized_resid_post(layer))) < 1e-5, "{name}");
            if layer + 1 < model.config().n_layers {
                assert_eq!(difference(&get(&run, Site::resid_pre(layer + 1)), &end), 0.0, "{name}");
            }
        }
    }
}

/// Keys and values with one head for each query head.
fn repeated(model: &Model, x: Tensor) -> Tensor {
    let groups = model.config().n_heads / x.dim(2).unwrap();
    let index: Vec<u32> = (0..model.config().n_heads as u32).map(|head| head / groups as u32).collect();
    x.index_select(&Tensor::new(index, x.device()).unwrap(), 2).unwrap()
}

#[test]
fn scores_patterns_and_what_heads_read_follow_from_queries_keys_and_values() {
    for name in FORMS {
        let (model, run) = model_and_run(name);
        let rotary = model.has(Site::rot_q(0));
        for layer in 0..model.config().n_layers {
            let (q, k) =
                if rotary { (Site::rot_q(layer), Site::rot_k(layer)) } else { (Site::q(layer), Site::k(layer)) };
            let by_head = |x: Tensor| x.transpose(1, 2).unwrap().contiguous().unwrap(); // [batch, head, pos, d_head]
            let (q, k) = (by_head(get(&run, q)), by_head(repeated(&model, get(&run, k))));
            let v = by_head(repeated(&model, get(&run, Site::v(layer))));
            let products = q.matmul(&k.t().unwrap()).unwrap();
            let mut scores = (products * model.config().attn_scale(layer).unwrap())
                .unwrap()
                .to_dtype(candle_core::DType::F32)
                .unwrap();
            if model.config().architecture == Architecture::Decoder {
                let n = IDS.len();
                let ahead = (0..n * n).map(|at| if at % n > at / n { f32::NEG_INFINITY } else { 0.0 });
                let mask = Tensor::from_iter(ahead, q.device()).unwrap().reshape((n, n)).unwrap();
                scores = scores.broadcast_add(&mask).unwrap();
            }
            assert!(difference(&get(&run, Site::attn_scores(layer)), &scores) < 1e-4, "{name}");
            let raised = scores.exp().unwrap();
            let pattern = raised.broadcast_div(&raised.sum_keepdim(D::Minus1).unwrap()).unwrap();
            assert!(difference(&get(&run, Site::pattern(layer)), &pattern) < 1e-5, "{name}");
            let z = pattern.matmul(&v).unwrap().transpose(1, 2).unwrap();
            assert!(difference(&get(&run, Site::z(layer)), &z) < 1e-5, "{name}");
            // What heads write is z through their output matrices, and with the bias it is attention's.
            let w_o = model.weights().w_o(layer).unwrap();
            let result = by_head(z.contiguous().unwrap()).broadcast_matmul(&w_o).unwrap().transpose(1, 2).unwrap();
            assert!(difference(&get(&run, Site::result(layer)), &result) < 1e-5, "{name}");
            let out = result.sum(2).unwrap().broadcast_add(&model.weights().b_o(layer).unwrap()).unwrap();
            assert!(difference(&get(&run, Site::attn_out(layer)), &out) < 1e-5, "{name}");
        }
    }
}

#[test]
fn grouped_queries_are_plain_attention_with_keys_and_values_repeated() {
    for name in ["llama-gqa-tied", "llama-gqa-untied"] {
        let grouped = open(name);
        let (heads, kv_heads) = (grouped.config().n_heads, grouped.config().n_key_value_heads);
        assert!(kv_heads < heads);
        let file = folder(name).join("model.safetensors");
        let tensors = candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap();
        let repeat = |name: &String, x: Tensor| match name.contains("k_proj") || name.contains("v_proj") {
            true => {
                // [kv_head * d_head, ..]: each head's rows once for each query head that shares it.
                let rest = x.dims()[1..].to_vec();
                let by_head =
                    x.reshape([vec![kv_heads, 1, x.dim(0).unwrap() / kv_heads], rest.clone()].concat()).unwrap();
                let d_head = by_head.dim(2).unwrap();
                let wide =
                    by_head.broadcast_as([vec![kv_heads, heads / kv_heads, d_head], rest.clone()].concat()).unwrap();
                wide.contiguous().unwrap().reshape([vec![heads * d_head], rest].concat()).unwrap()
            }
            false => x,
        };
        let mut checkpoint = Checkpoint::from_folder(folder(name)).unwrap();
        let text = std::fs::read_to_string(folder(name).join("config.json")).unwrap();
        let key = format!("\"num_key_value_heads\": {kv_heads}");
        assert!(text.contains(&key));
        checkpoint.settings =
            Settings::parse(&text.replace(&key, &format!("\"num_key_value_heads\": {heads}"))).unwrap();
        checkpoint.weights =
            Weights::from_tensors(tensors.into_iter().map(|(name, x)| (name.clone(), repeat(&name, x))));
        let plain = Model::from_checkpoint(checkpoint).unwrap();
        assert_eq!(plain.config().n_key_value_heads, heads);
        let (grouped, plain) = (run_everything(&grouped, &IDS), run_everything(&plain, &IDS));
        let mut compared = 0;
        for (site, value) in grouped.cache().iter() {
            let of_keys =
                ["hook_k", "hook_v", "rot_k", "k_input", "v_input"].iter().any(|end| site.to_string().ends_with(end));
            let value = if of_keys { repeated(&grouped.model(), value.clone()) } else { value.clone() };
            assert!(difference(&value, &plain.cache().get(site).unwrap()) < 1e-5, "{name} {site}");
            compared += usize::from(of_keys);
        }
        assert!(compared >= 5 * grouped.model().config().n_layers);
        assert!(difference(&grouped.logits().unwrap(), &plain.logits().unwrap()) < 1e-5);
    }
}

/// Zeroes the embeddings and everything that is added to them.
fn everything(model: &Model) -> Vec<Intervention> {
    let layers = 0..model.config().n_layers;
    let places = layers.flat_map(|layer| [Site::attn_out(layer), Site::mlp_out(layer)]);
    let start = [Site::embed(), Site::pos_embed(), Site::full_embed()];
    start.into_iter().chain(places).filter(|site| model.has(*site)).map(zero).collect()
}

#[test]
fn with_everything_zeroed_the_logits_are_those_of_the_biases() {
    for name in ["gpt2-tiny", "gpt2-untied", "llama-gqa-tied", "attn-only-tiny", "families/phi"] {
        let model = open(name);
        let weights = model.weights();
        let logits = model.run_with(IDS.to_vec(), everything(&model)).unwrap().logits().unwrap();
        // A norm leaves its bias of nothing; RMS norms have none.
        let bias = weights.ln_final_b().unwrap().unsqueeze(0).unwrap();
        let expected = bias.matmul(&weights.w_u().unwrap()).unwrap().broadcast_add(&weights.b_u().unwrap()).unwrap();
        let expected = expected.unsqueeze(0).unwrap().broadcast_as(logits.shape()).unwrap();
        assert!(difference(&logits, &expected.contiguous().unwrap()) < 1e-5, "{name}");
        let nothing = logits.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-6;
        assert_eq!(nothing, name.starts_with("llama"), "{name}");
    }
}

#[test]
fn a_bert_of_which_everything_is_zeroed_says_what_its_norms_biases_say() {
    let model = open("families/bert-masked-lm");
    let (weights, n_layers) = (model.weights(), model.config().n_layers);
    let run = |ids: [u32; 6]| model.run_with(ids.to_vec(), everything(&model)).unwrap();
    let zeroed = run(IDS);
    let norm = |x: Tensor, layer, name| {
        let centred = x.broadcast_sub(&x.mean_all().unwrap()).unwrap();
        let variance = centred.sqr().unwrap().mean_all().unwrap();
        let normed = centred.broadcast_div(&(variance + model.config().eps).unwrap().sqrt().unwrap()).unwrap();
        ((normed * weights.ln_w(layer, name).unwrap()).unwrap() + weights.ln_b(layer, name).unwrap()).unwrap()
    };
    // Of nothing the first norm leaves its bias, which the next one reads, and so on.
    let nothing = weights.ln_b(0, "ln1").unwrap().zeros_like().unwrap();
    let read = (0..n_layers).fold(nothing, |x, layer| norm(norm(x, layer, "ln1"), layer, "ln2"));
    let end = n_layers - 1;
    let stream = get(&zeroed, Site::normalized_resid_post(end));
    let expected = read.broadcast_as(stream.shape()).unwrap().contiguous().unwrap();
    assert!(difference(&stream, &expected) < 1e-5);
    let logits = model.unembed(&expected).unwrap();
    assert!(difference(&zeroed.logits().unwrap(), &logits) < 1e-4);
    // The text is nowhere in it.
    assert_eq!(difference(&zeroed.logits().unwrap(), &run([9, 8, 7, 6, 5, 4]).logits().unwrap()), 0.0);
    let one = logits.i((0, 0)).unwrap();
    assert!(one.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() > 1e-3);
}
