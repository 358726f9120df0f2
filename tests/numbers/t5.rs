//! Encoder-decoders: T5, held against Hugging Face and TransformerLens, and against what must hold.

use crate::reference::{difference, expected, folder, open};
use candle_core::{DType, Device, IndexOp, Tensor};
use glassbox::{
    Model,
    axes::Axis,
    hook::{Site, Stack, ToSite, add, scale, zero},
    load::{Checkpoint, Settings, Weights},
    model::Run,
};
use std::collections::BTreeMap;

type Expected = BTreeMap<String, Tensor>;

const CASES: [&str; 2] = ["t5", "t5-v1_1"];

fn case(name: &str) -> (Model, Expected) {
    let name = format!("families/{name}");
    (open(&name), expected(&name, "expected.safetensors"))
}

fn ids(expected: &Expected, name: &str) -> Vec<u32> {
    expected[name].to_dtype(DType::U32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn run(model: &Model, expected: &Expected) -> Run {
    let pass =
        model.pass(ids(expected, "input_ids")).unwrap().decoder_input(ids(expected, "decoder_input_ids")).unwrap();
    pass.record(model.sites()).run().unwrap()
}

fn get(run: &Run, site: Site) -> Tensor {
    run.cache().get(site).unwrap()
}

/// The weight of a stack's final norm.
fn final_norm(name: &str, stack: &str) -> Tensor {
    let file = folder(&format!("families/{name}")).join("model.safetensors");
    let weights = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    weights[&format!("{stack}.final_layer_norm.weight")].clone()
}

/// What is at the name that a reference gives it.
fn ours(case: &str, run: &Run, name: &str) -> Tensor {
    let config = run.model().config();
    let number = |prefix: &str| name.strip_prefix(prefix).map(|rest| rest.parse::<usize>().unwrap());
    let normed = |site, stack| get(run, site).broadcast_mul(&final_norm(case, stack)).unwrap();
    match number("hf.encoder_hidden_states.") {
        Some(layer) if layer < config.stack(Stack::Encoder).unwrap().n_layers => {
            return get(run, Site::resid_pre(layer).in_encoder());
        }
        Some(_) => return normed(Site::encoder_final_ln_normalized(), "encoder"),
        None => (),
    }
    match number("hf.decoder_hidden_states.") {
        Some(layer) if layer < config.n_layers => return get(run, Site::resid_pre(layer).in_decoder()),
        Some(_) => return normed(Site::decoder_final_ln_normalized(), "decoder"),
        None => (),
    }
    let patterns = [
        ("hf.encoder_attentions.", Site::pattern(0).in_encoder()),
        ("hf.decoder_attentions.", Site::pattern(0).in_decoder()),
        ("hf.cross_attentions.", Site::cross_pattern(0).in_decoder()),
    ];
    for (prefix, site) in patterns {
        if let Some(layer) = number(prefix) {
            return get(run, site.to_string().replacen('0', &layer.to_string(), 1).to_site().unwrap());
        }
    }
    match name {
        "logits" => run.logits().unwrap(),
        name => get(run, name.to_site().unwrap()),
    }
}

#[test]
fn every_value_of_the_references_is_met_and_the_other_sites_are_known() {
    for name in CASES {
        let (model, expected) = case(name);
        let run = run(&model, &expected);
        let mut compared = Vec::new();
        for (site, value) in expected.iter().filter(|(name, _)| !name.ends_with("input_ids")) {
            let got = ours(name, &run, site);
            assert_eq!(&got.dims()[1..], value.dims(), "{name}: shape of {site}");
            let difference = difference(&got, value);
            let tolerance = if site == "logits" { 1e-3 } else { 1e-4 };
            assert!(difference <= tolerance, "{name}: {site} differs by {difference:e}");
            compared.push(site.clone());
        }
        // Copies of the stream on its way into a part, which hold the stream; the tokens; the two ends of the
        // unembedding, which are the last hidden state (scaled, as in TransformerLens) and the logits; and the bias,
        // which TransformerLens names but never fires.
        let known = |site: &Site| {
            let name = site.to_string();
            let copies = ["attn_in", "q_input", "k_input", "v_input", "mlp_in", "hook_tokens"];
            copies.iter().any(|copy| name.ends_with(copy))
                || name.starts_with("unembed")
                || name.ends_with("rel_pos_hook")
        };
        let left: Vec<_> = model.sites().into_iter().filter(|site| !compared.contains(&site.to_string())).collect();
        let unknown: Vec<_> = left.into_iter().filter(|site| !known(site)).collect();
        // Hooked by TransformerLens alone, and the decoder's by neither.
        let both = [Site::embed(), Site::embed().in_decoder()];
        let mut expected_unknown = if name == "t5" { both[1..].to_vec() } else { both.to_vec() };
        let at = expected_unknown.len() - 1;
        expected_unknown.insert(at, Site::encoder_final_ln_out());
        assert_eq!(unknown, expected_unknown, "{name}");
        let encoder_layers = model.config().stack(Stack::Encoder).unwrap().n_layers;
        let encoded = &expected[&format!("hf.encoder_hidden_states.{encoder_layers}")];
        assert!(difference(&get(&run, Site::encoder_final_ln_out()), encoded) < 1e-4, "{name}");
        assert_eq!(difference(&get(&run, both[1]), &get(&run, Site::resid_pre(0).in_decoder())), 0.0);
        assert_eq!(difference(&get(&run, Site::embed()), &get(&run, Site::resid_pre(0).in_encoder())), 0.0);
        let last = format!("hf.decoder_hidden_states.{}", model.config().n_layers);
        let scaled = (&expected[&last] * model.config().unembed_scale).unwrap();
        assert!(difference(&get(&run, Site::unembed_in()), &scaled) < 1e-4);
        assert_eq!(difference(&get(&run, Site::unembed_out()), &run.logits().unwrap()), 0.0);
    }
}

#[test]
fn the_bias_is_what_scores_have_beyond_the_products_of_queries_and_keys() {
    for name in CASES {
        let (model, expected) = case(name);
        let run = run(&model, &expected);
        for (stack, layers) in
            [(Stack::Encoder, model.config().stack(Stack::Encoder).unwrap().n_layers), (Stack::Decoder, 2)]
        {
            let at =
                |site: Site| get(&run, if stack == Stack::Encoder { site.in_encoder() } else { site.in_decoder() });
            let bias = at(Site::rel_pos(0));
            assert_eq!(bias.dims(), [1, 4, 14, 14]);
            for layer in 0..layers {
                let heads = |x: Tensor| x.transpose(1, 2).unwrap().contiguous().unwrap();
                let (q, k) = (heads(at(Site::q(layer))), heads(at(Site::k(layer))));
                let products = q.matmul(&k.t().unwrap().contiguous().unwrap()).unwrap();
                let biased = (products + &bias).unwrap().to_vec3_of(0);
                let scores = at(Site::attn_scores(layer)).to_vec3_of(0);
                for (score, biased) in scores.iter().zip(&biased).filter(|(score, _)| score.is_finite()) {
                    assert!((score - biased).abs() < 1e-4, "{name} {stack:?} {layer}: {score} {biased}");
                }
            }
        }
    }
}

trait Flat {
    fn to_vec3_of(&self, text: usize) -> Vec<f32>;
}

impl Flat for Tensor {
    fn to_vec3_of(&self, text: usize) -> Vec<f32> {
        self.i(text).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }
}

#[test]
fn the_decoder_never_looks_ahead() {
    for name in CASES {
        let (model, expected) = case(name);
        let (source, target) = (ids(&expected, "input_ids"), ids(&expected, "decoder_input_ids"));
        let whole = run(&model, &expected);
        for len in [1, 5, 9] {
            let pass = model.pass(&source).unwrap().decoder_input(&target[..len]).unwrap();
            let part = pass.record(model.sites()).run().unwrap();
            let logits = whole.logits().unwrap().narrow(1, 0, len).unwrap();
            assert!(difference(&part.logits().unwrap(), &logits) < 1e-5, "{name}: {len} tokens");
            for layer in 0..model.config().n_layers {
                let site = Site::resid_post(layer).in_decoder();
                assert!(difference(&get(&part, site), &get(&whole, site).narrow(1, 0, len).unwrap()) < 1e-5);
                let pattern = get(&whole, Site::pattern(layer).in_decoder());
                let ahead: Vec<f32> = pattern.i((0, 0, len - 1, len..)).unwrap().to_vec1().unwrap();
                assert!(ahead.iter().all(|&weight| weight == 0.0));
                let across = get(&whole, Site::cross_pattern(layer).in_decoder());
                assert!(across.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|&weight| weight > 0.0));
            }
        }
    }
}

#[test]
fn padding_of_the_source_changes_nothing() {
    let model = open("families/t5");
    let expected = expected("families/padding", "t5.safetensors");
    let table = |name: &str| expected[name].to_dtype(DType::U32).unwrap().to_vec2::<u32>().unwrap();
    let lengths: Vec<usize> = table("attention_mask").iter().map(|row| row.iter().sum::<u32>() as usize).collect();
    let sources: Vec<Vec<u32>> = table("input_ids").iter().zip(&lengths).map(|(row, &len)| row[..len].into()).collect();
    let targets = table("decoder_input_ids");
    let both = model.pass(&sources).unwrap().decoder_input(&targets).unwrap().run().unwrap();
    let logits = &both.logits().unwrap();
    assert!(lengths[0] != lengths[1] && difference(logits, &expected["logits"]) < 1e-3);
    for (text, (source, target)) in sources.iter().zip(&targets).enumerate() {
        let single = model.pass(source).unwrap().decoder_input(target).unwrap().run().unwrap();
        assert!(difference(&single.logits().unwrap(), &logits.narrow(0, text, 1).unwrap()) < 1e-5);
    }
}

#[test]
fn sites_are_listed_in_the_order_a_run_comes_to_them() {
    for name in CASES {
        let (model, expected) = case(name);
        let free = |sites: Vec<Site>| sites.into_iter().filter(|site| !site.is_gated()).collect::<Vec<_>>();
        assert_eq!(free(run(&model, &expected).cache().sites()), free(model.sites()), "{name}");
    }
}

#[test]
fn parts_of_a_run_make_the_whole() {
    for name in CASES {
        let (model, expected) = case(name);
        let (source, target) = (ids(&expected, "input_ids"), ids(&expected, "decoder_input_ids"));
        let whole = run(&model, &expected);
        let pass = || model.pass(&source).unwrap().decoder_input(&target).unwrap();
        for layer in 0..2 {
            let before = pass().stop_at_layer(layer).run().unwrap();
            assert_eq!(difference(&before.resid(), &get(&whole, Site::resid_pre(layer as usize).in_decoder())), 0.0);
            let after = pass().start_at_layer(layer, before.resid()).record("*").run().unwrap();
            for (site, value) in after.cache().iter() {
                assert_eq!(difference(&value, &get(&whole, site)), 0.0, "{name}: {site} from layer {layer}");
            }
            assert_eq!(difference(&after.logits().unwrap(), &whole.logits().unwrap()), 0.0);
        }
        let wrong = pass().start_at_layer(1, Tensor::zeros((1, 2, 16), DType::F32, &Device::Cpu).unwrap());
        let error = wrong.run().unwrap_err().to_string();
        assert!(error.contains("decoder.1.hook_resid_pre"), "{error}");
    }
}

#[test]
fn what_is_changed_in_the_encoder_is_seen_by_the_decoder() {
    let (model, expected) = case("t5");
    let whole = run(&model, &expected);
    let logits = |intervention| {
        let pass = model
            .pass(ids(&expected, "input_ids"))
            .unwrap()
            .decoder_input(ids(&expected, "decoder_input_ids"))
            .unwrap();
        let run = pass.intervene([intervention]).run().unwrap();
        difference(&run.logits().unwrap(), &whole.logits().unwrap())
    };
    assert!(logits(zero(Site::z(1).in_encoder())) > 1e-3);
    assert!(logits(zero(Site::cross_z(0).in_decoder())) > 1e-3);
    assert!(logits(zero(Site::rel_pos(0).in_decoder())) > 1e-3);
    assert_eq!(logits(add(Site::cross_v(1).in_decoder(), Tensor::zeros(6, DType::F32, &Device::Cpu).unwrap())), 0.0);
    let error = model.run_with([5, 6], [zero(Site::z(0))]).unwrap_err().to_string();
    assert!(error.contains("its blocks are named `encoder` and `decoder`"), "{error}");
    let lone = model.pass([5, 6]).unwrap().run().unwrap();
    assert_eq!((lone.tokens().ids(0), lone.logits().unwrap().dims()), (vec![0], [1, 1, 53].as_slice()));
}

#[test]
fn configurations_of_before_make_the_same_model_and_wrong_ones_are_refused() {
    for name in CASES {
        let (model, expected) = case(name);
        let at = folder(&format!("families/{name}"));
        let text = std::fs::read_to_string(at.join("config.v4.json")).unwrap();
        let with = |text: &str| {
            let mut checkpoint = Checkpoint::from_folder(&at).unwrap();
            checkpoint.settings = Settings::parse(text).unwrap();
            Model::from_checkpoint(checkpoint)
        };
        let old = with(&text).unwrap();
        assert_eq!(old.config(), model.config());
        assert_eq!(difference(&run(&old, &expected).logits().unwrap(), &run(&model, &expected).logits().unwrap()), 0.0);
        let v1_1 = name == "t5-v1_1";
        // mT5 never scales, and its configuration may say that a head of its own is tied.
        let multilingual =
            text.replacen("\"t5\"", "\"mt5\"", 1).replacen("embeddings\": false", "embeddings\": true", 1);
        let multilingual = with(&multilingual).unwrap();
        assert_eq!((multilingual.config().unembed_scale, multilingual.config().tied), (1.0, !v1_1));
        let logits = |model: &Model| run(model, &expected).logits().unwrap();
        assert_eq!(difference(&logits(&multilingual), &logits(&model)) == 0.0, v1_1);
        assert_eq!((old.config().tied, old.config().unembed_scale), (!v1_1, if v1_1 { 1.0 } else { 0.25 }));
        for (from, to, words) in [
            ("\"vocab_size\"", "\"is_decoder\": true, \"vocab_size\"", "`is_decoder`"),
            ("\"relative_attention_num_buckets\": 8", "\"relative_attention_num_buckets\": 2", "at least 4"),
            ("\"d_kv\": 6", "\"d_kv\": 5", "[24, 16]"),
        ] {
            assert!(text.contains(from));
            let error = with(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.is_load() && error.to_string().contains(words), "{error}");
        }
    }
    let file = folder("families/t5").join("model.safetensors");
    let weights = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    let per_layer = Tensor::ones((8, 4), DType::F32, &Device::Cpu).unwrap();
    let name = "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight".to_owned();
    let mut checkpoint = Checkpoint::from_folder(folder("families/t5")).unwrap();
    checkpoint.weights = Weights::from_tensors(weights.into_iter().chain([(name, per_layer)]));
    let error = Model::from_checkpoint(checkpoint).unwrap_err().to_string();
    assert!(error.contains("encoder.block.1"), "{error}");
}

#[test]
fn each_weight_is_counted_once() {
    for name in CASES {
        let file = folder(&format!("families/{name}")).join("model.safetensors");
        let weights = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
        let learned: usize = weights.values().map(Tensor::elem_count).sum();
        assert_eq!(case(name).0.n_parameters(), learned, "{name}");
    }
}

#[test]
fn every_place_can_be_changed_at_its_own_last_position() {
    let (model, expected) = case("t5");
    let (source, target) =
        (ids(&expected, "input_ids")[..7].to_vec(), ids(&expected, "decoder_input_ids")[..3].to_vec());
    let pass = || model.pass(&source).unwrap().decoder_input(&target).unwrap();
    let whole = pass().record("*").run().unwrap();
    for (site, value) in whole.cache().iter().filter(|(site, _)| *site != Site::tokens()) {
        let Some(dim) = site.axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query)) else { continue };
        let last = value.dim(dim).unwrap() as i64 - 1;
        let same = pass().intervene([scale(site, 1.0).position(last)]).run().unwrap();
        assert!(difference(&same.logits().unwrap(), &whole.logits().unwrap()) < 1e-6, "{site}");
        let beyond = pass().intervene([scale(site, 1.0).position(last + 1)]).run().unwrap_err().to_string();
        assert!(beyond.contains("out of range"), "{site}: {beyond}");
    }
}
