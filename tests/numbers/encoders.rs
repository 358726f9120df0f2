//! Encoders: BERT and its kin, held against Hugging Face and TransformerLens, and against what must hold.

use crate::reference::{difference, expected, folder, open};
use candle_core::{DType, IndexOp, Tensor};
use glassbox::{
    Model,
    axes::Axis,
    hook::{Site, ToSite},
    load::{Checkpoint, Settings},
    model::Run,
    plot::Statistic,
    text::{Padding, Tokens},
};
use std::collections::BTreeMap;

type Expected = BTreeMap<String, Tensor>;

const CASES: [&str; 7] =
    ["bert", "bert-masked-lm", "bert-model", "roberta", "distilbert", "albert", "albert-pretraining"];

fn case(name: &str) -> (Model, Expected) {
    let name = format!("families/{name}");
    (open(&name), expected(&name, "expected.safetensors"))
}

fn rows(expected: &Expected, name: &str) -> Vec<Vec<u32>> {
    let real = |text: usize| expected["attention_mask"].i(text).unwrap().sum_all().unwrap();
    let length = |text| real(text).to_dtype(DType::U32).unwrap().to_scalar::<u32>().unwrap() as usize;
    let row = |text: usize| expected[name].i((text, ..length(text))).unwrap().to_dtype(DType::U32).unwrap();
    (0..expected[name].dim(0).unwrap()).map(|text| row(text).to_vec1().unwrap()).collect()
}

/// The reference's two texts, the second padded, with the sentences they are of.
fn tokens(model: &Model, expected: &Expected) -> Tokens {
    let tokens = model.tokens(rows(expected, "tokens")).unwrap();
    assert!(tokens.is_padded());
    match expected.contains_key("token_type_ids") {
        true => tokens.with_token_types(&rows(expected, "token_type_ids")).unwrap(),
        false => tokens,
    }
}

/// One text alone, as it is in a batch.
fn alone(model: &Model, tokens: &Tokens, text: usize) -> Tokens {
    let real = tokens.real(text);
    let types = tokens.token_types(text)[real.clone()].to_vec();
    model.tokens(tokens.ids(text)[real].to_vec()).unwrap().with_token_types(&[types]).unwrap()
}

fn run(model: &Model, tokens: &Tokens) -> Run {
    model.pass(tokens).unwrap().record(model.sites()).run().unwrap()
}

fn get(run: &Run, site: Site) -> Tensor {
    run.cache().get(site).unwrap()
}

/// The part of one text's values that is no padding.
fn real(value: &Tensor, axes: &[Axis], text: usize, len: usize) -> Tensor {
    let along = axes.iter().enumerate().filter(|(_, axis)| matches!(axis, Axis::Pos | Axis::Query | Axis::Key));
    let whole = value.narrow(0, text, 1).unwrap();
    along.fold(whole, |value, (dim, _)| value.narrow(dim, 0, len).unwrap())
}

/// The site of what a reference gives a name.
fn site(name: &str, n_layers: usize) -> Site {
    let number = |prefix: &str| name.strip_prefix(prefix).map(|rest| rest.parse::<usize>().unwrap());
    match (number("hf.hidden_states."), number("hf.attentions."), name) {
        (Some(layer), ..) if layer == n_layers => Site::normalized_resid_post(layer - 1),
        (Some(layer), ..) => Site::resid_pre(layer),
        (_, Some(layer), _) => Site::pattern(layer),
        (.., "logits") => Site::unembed_out(),
        (.., "tokens") => Site::tokens(),
        (.., "hf.pooler_output") => Site::pooler_out(),
        (.., "hf.seq_relationship_logits") => Site::nsp_out(),
        (.., name) => name.to_site().unwrap(),
    }
}

#[test]
fn every_value_of_hugging_face_is_met_on_every_real_token_of_a_padded_batch() {
    for name in CASES {
        let (model, expected) = case(name);
        let tokens = tokens(&model, &expected);
        let run = run(&model, &tokens);
        let given = ["attention_mask", "token_type_ids"];
        for (at, value) in expected.iter().filter(|(at, _)| !given.contains(&at.as_str())) {
            let site = site(at, model.config().n_layers);
            let got = get(&run, site);
            assert_eq!(got.dims(), value.dims(), "{name}: shape of {at}");
            for text in 0..tokens.batch() {
                let part = |x: &Tensor| real(x, site.axes(), text, tokens.real(text).len());
                let difference = difference(&part(&got), &part(value));
                let tolerance = if at == "logits" { 1e-3 } else { 1e-4 };
                assert!(difference <= tolerance, "{name}: {at} of text {text} differs by {difference:e}");
            }
        }
        let same = |read: &Tensor, site| assert_eq!(difference(read, &get(&run, site)), 0.0, "{name}: {site}");
        run.logits().into_iter().for_each(|logits| same(&logits, Site::unembed_out()));
        run.pooled().into_iter().for_each(|pooled| same(&pooled, Site::pooler_out()));
        run.next_sentence().into_iter().for_each(|scores| same(&scores, Site::nsp_out()));
    }
}

#[test]
fn every_hook_of_transformer_lens_is_met_and_the_others_are_known() {
    let (model, both) = case("bert");
    let expected = expected("families/bert", "expected_tl.safetensors");
    let run = run(&model, &alone(&model, &tokens(&model, &both), 0));
    let mut compared = Vec::new();
    for (name, value) in expected.iter().filter(|(name, _)| *name != "token_type_ids") {
        let got = get(&run, site(name, 2));
        assert_eq!(&got.dims()[1..], value.dims(), "shape of {name}");
        let difference = difference(&got, value);
        assert!(difference <= 1e-4, "{name} differs by {difference:e}");
        compared.push(site(name, 2));
    }
    let left: Vec<_> = model.sites().into_iter().filter(|site| !compared.contains(site)).collect();
    // Its encoder blocks have no copy of the stream for each head before queries, keys and values part ways.
    assert_eq!(left, [Site::attn_in(0), Site::attn_in(1)]);
    assert_eq!(difference(&get(&run, Site::attn_in(1)), &get(&run, Site::q_input(1))), 0.0);
}

#[test]
fn a_text_in_a_padded_batch_is_read_as_if_it_were_alone() {
    for name in CASES {
        let (model, expected) = case(name);
        let tokens = tokens(&model, &expected);
        let both = run(&model, &tokens);
        for text in 0..tokens.batch() {
            let single = run(&model, &alone(&model, &tokens, text));
            let len = tokens.real(text).len();
            for site in model.sites() {
                let difference = difference(&real(&get(&both, site), site.axes(), text, len), &get(&single, site));
                assert!(difference < 1e-5, "{name}: {site} of text {text} differs by {difference:e}");
            }
        }
    }
}

/// A norm's value before its weight and bias, as they are in the file.
fn weighted(weights: &std::collections::HashMap<String, Tensor>, normalized: &Tensor, name: &str) -> Tensor {
    let get = |part: &str| &weights[&format!("{name}.{part}")];
    normalized.broadcast_mul(get("weight")).unwrap().broadcast_add(get("bias")).unwrap()
}

#[test]
fn the_norms_of_a_post_norm_block_stand_on_the_sums() {
    let (model, expected) = case("bert");
    let run = run(&model, &tokens(&model, &expected));
    let file = folder("families/bert").join("model.safetensors");
    let weights = candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap();
    let same = |a: Tensor, b: Tensor| assert!(difference(&a, &b) < 1e-5);
    let embed = (get(&run, Site::encoder_embed()) + get(&run, Site::encoder_pos_embed())).unwrap();
    let embed = (embed + get(&run, Site::token_type_embed())).unwrap();
    let centred = embed.broadcast_sub(&embed.mean_keepdim(2).unwrap()).unwrap();
    same(centred.broadcast_div(&get(&run, Site::embed_ln_scale())).unwrap(), get(&run, Site::embed_ln_normalized()));
    let full = weighted(&weights, &get(&run, Site::embed_ln_normalized()), "bert.embeddings.LayerNorm");
    same(full, get(&run, Site::full_embed()));
    same(get(&run, Site::full_embed()), get(&run, Site::resid_pre(0)));
    for l in 0..2 {
        let norm = |site, part: &str| weighted(&weights, &get(&run, site), &format!("bert.encoder.layer.{l}.{part}"));
        let sum = |a, b| (get(&run, a) + get(&run, b)).unwrap();
        same(sum(Site::resid_pre(l), Site::attn_out(l)), get(&run, Site::resid_mid(l)));
        let mid = norm(Site::ln1_normalized(l), "attention.output.LayerNorm");
        same((mid + get(&run, Site::mlp_out(l))).unwrap(), get(&run, Site::resid_post(l)));
        let end = norm(Site::ln2_normalized(l), "output.LayerNorm");
        same(end, get(&run, Site::normalized_resid_post(l)));
    }
    same(get(&run, Site::normalized_resid_post(0)), get(&run, Site::resid_pre(1)));
    same(get(&run, Site::normalized_resid_post(1)), run.resid());
}

#[test]
fn sites_are_listed_in_the_order_a_run_comes_to_them() {
    for name in CASES {
        let (model, expected) = case(name);
        let free: Vec<_> = model.sites().into_iter().filter(|site| !site.is_gated()).collect();
        assert_eq!(model.run(tokens(&model, &expected)).unwrap().cache().sites(), free, "{name}");
    }
}

#[test]
fn parts_of_a_run_make_the_whole() {
    for name in CASES {
        let (model, expected) = case(name);
        let tokens = tokens(&model, &expected);
        let whole = run(&model, &tokens);
        for layer in 0..model.config().n_layers as i64 {
            let before = model.pass(&tokens).unwrap().stop_at_layer(layer).run().unwrap();
            assert_eq!(difference(&before.resid(), &get(&whole, Site::resid_pre(layer as usize))), 0.0);
            let after = model.pass(&tokens).unwrap().start_at_layer(layer, before.resid()).record("*").run().unwrap();
            assert!(after.cache().iter().count() > 10);
            for (site, value) in after.cache().iter() {
                assert_eq!(difference(&value, &get(&whole, site)), 0.0, "{name}: {site} from layer {layer}");
            }
        }
    }
}

#[test]
fn every_token_of_an_encoder_sees_every_other() {
    let (model, expected) = case("distilbert");
    let pattern = get(&run(&model, &tokens(&model, &expected)), Site::pattern(1));
    let first: Vec<f32> = pattern.i((0, 0, 0)).unwrap().to_vec1().unwrap();
    assert!(first.iter().all(|&weight| weight > 0.0));
    let padding: Vec<f32> = pattern.i((1, 0, 0, 6..)).unwrap().to_vec1().unwrap();
    assert_eq!(padding, [0.0; 3]);
}

#[test]
fn layers_that_share_their_weights_are_counted_once() {
    for name in CASES {
        let (model, _) = case(name);
        let file = folder(&format!("families/{name}")).join("model.safetensors");
        let weights = candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap();
        let unused = if name == "roberta" { 3 * model.config().d_model } else { 0 }; // rows that no token reads
        let learned = weights.values().map(Tensor::elem_count).sum::<usize>() - unused;
        assert_eq!(model.n_parameters(), learned, "{name}");
    }
}

/// A case's checkpoint with other settings and other names for its tensors.
fn altered(name: &str, from: &str, to: &str, rename: impl Fn(&str) -> String) -> glassbox::Result<Model> {
    let at = folder(&format!("families/{name}"));
    let config = std::fs::read_to_string(at.join("config.json")).unwrap();
    assert!(config.contains(from), "{config}");
    let weights = candle_core::safetensors::load(at.join("model.safetensors"), &candle_core::Device::Cpu).unwrap();
    let tensors = weights.into_iter().map(|(name, tensor)| (rename(&name), tensor));
    let mut checkpoint = Checkpoint::from_folder(&at).unwrap();
    checkpoint.settings = Settings::parse(&config.replacen(from, to, 1)).unwrap();
    checkpoint.weights = glassbox::load::Weights::from_tensors(tensors);
    Model::from_checkpoint(checkpoint)
}

#[test]
fn settings_that_are_not_computed_are_refused_by_name() {
    let first = "\"add_cross_attention\": false";
    for (name, from, to, words) in [
        ("bert", first, "\"add_cross_attention\": true", ["`add_cross_attention`", "true"]),
        ("bert", "\"is_decoder\": false", "\"is_decoder\": true", ["`is_decoder`", "true"]),
        ("roberta", first, "\"position_embedding_type\": \"relative_key\"", ["`position_embedding_type`", "absolute"]),
        ("bert", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\"", ["`hidden_act`", "mish"]),
        ("roberta", "\"pad_token_id\": 3", "\"pad_token_id\": 24", ["`pad_token_id`", "24 rows"]),
        ("roberta", "\"max_position_embeddings\": 24", "\"max_position_embeddings\": 30", ["[24, 24]", "[30, 24]"]),
        ("albert", "\"num_hidden_groups\": 2", "\"num_hidden_groups\": 3", ["num_hidden_groups", "2 groups"]),
        ("albert", "\"inner_group_num\": 1", "\"inner_group_num\": 2", ["inner_group_num", "1 layers"]),
    ] {
        let error = altered(name, from, to, str::to_owned).unwrap_err();
        assert!(error.is_load(), "{error}");
        words.iter().for_each(|word| assert!(error.to_string().contains(word), "{error} lacks {word}"));
    }
    let other = |name: &str| name.replace("pooler", "classifier");
    let error = altered("bert", first, first, other).unwrap_err().to_string();
    assert!(error.contains("`bert.classifier.dense.bias`"), "{error}");
}

#[test]
fn old_names_and_missing_prefixes_make_the_same_model() {
    let (model, expected) = case("bert");
    let logits = |model: &Model| run(model, &tokens(model, &expected)).logits().unwrap();
    let same = "\"is_decoder\": false";
    let renamed = [
        |name: &str| name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
        |name: &str| name.trim_start_matches("bert.").to_owned(),
        |name: &str| name.replace("cls.predictions.bias", "cls.predictions.decoder.bias"),
    ];
    for rename in renamed {
        let other = altered("bert", same, same, rename).unwrap();
        assert_eq!(difference(&logits(&other), &logits(&model)), 0.0);
    }
}

#[test]
fn a_roberta_of_another_name_is_the_same_model() {
    let (model, expected) = case("roberta");
    for name in ["xlm-roberta", "camembert"] {
        let kind = |name: &str| format!("\"model_type\": \"{name}\"");
        let other = altered("roberta", &kind("roberta"), &kind(name), str::to_owned).unwrap();
        let [ours, theirs] = [&other, &model].map(|model| model.forward(tokens(model, &expected)).unwrap());
        assert_eq!((other.config().family.as_str(), difference(&ours, &theirs)), (name, 0.0));
    }
}

#[test]
fn what_a_model_has_no_part_for_is_said() {
    let (model, expected) = case("bert-model");
    let tokens = tokens(&model, &expected);
    let run = model.run(&tokens).unwrap();
    for error in [run.logits().unwrap_err(), run.next_sentence().unwrap_err(), run.loss().unwrap_err()] {
        assert!(error.to_string().contains("bert model") || error.to_string().contains("bert"), "{error}");
    }
    let wrong = model.tokens([5, 6]).unwrap().with_token_types(&[vec![0, 2]]).unwrap();
    let error = model.run(&wrong).unwrap_err();
    assert!(error.is_out_of_range() && error.to_string().contains("token type 2"), "{error}");
    let error = tokens.with_token_types(&[vec![0, 1]]).unwrap_err().to_string();
    assert!(error.contains("[2]") && error.contains("[9, 6]"), "{error}");
    let error = open("gpt2-tiny").embed([5, 6]).unwrap_err().to_string();
    assert!(error.contains("gpt2") && error.contains("mean_pooled"), "{error}");
}

#[test]
fn a_sentence_is_pooled_as_the_models_files_say() {
    let first = "\"is_decoder\": false";
    let with =
        |pooling: &str| altered("bert-model", first, &format!("\"sentence_pooling\": {{{pooling}}}"), str::to_owned);
    let old =
        |kind: &str| format!("\"pooling_mode_mean_tokens\": {}, \"pooling_mode_{kind}\": true", kind == "mean_tokens");
    let (model, expected) = case("bert-model");
    let tokens = tokens(&model, &expected);
    let embed = |model: &Model| model.embed(&tokens).unwrap().vectors;
    for mean in [old("mean_tokens"), "\"pooling_mode\": \"mean\"".into()] {
        assert_eq!(embed(&with(&mean).unwrap()), embed(&model));
    }
    let states: Vec<f32> = expected["hf.hidden_states.2"].i((1, 0)).unwrap().to_vec1().unwrap();
    let length = states.iter().map(|x| x * x).sum::<f32>().sqrt();
    for cls in [old("cls_token"), "\"pooling_mode\": \"cls\"".into()] {
        let vectors = embed(&with(&cls).unwrap());
        vectors.row(1).iter().zip(&states).for_each(|(got, state)| assert!((got - state / length).abs() < 1e-4));
    }
    for other in [old("max_tokens"), old("lasttoken"), "\"pooling_mode\": \"max\"".into()] {
        let error = with(&other).unwrap_err().to_string();
        assert!(error.contains("`pooling_mode`") && error.contains("mean and cls"), "{error}");
    }
    let error = altered("bert-model", first, "\"2_Dense\": true", str::to_owned).unwrap_err().to_string();
    assert!(error.contains("`2_Dense`"), "{error}");
}

#[test]
fn embeddings_are_means_over_real_tokens_brought_to_length_one() {
    let (model, expected) = case("bert-model");
    let tokens = tokens(&model, &expected);
    let pooled = model.run(&tokens).unwrap().mean_pooled().unwrap();
    let states = &expected["hf.hidden_states.2"];
    for (text, len) in [(0, 9), (1, 6)] {
        let mean = states.i((text, ..len)).unwrap().mean(0).unwrap();
        assert!(difference(&pooled.i(text).unwrap(), &mean) < 1e-4);
    }
    let embeddings = model.embed(&tokens).unwrap();
    let similarity = embeddings.similarity();
    let cosine = {
        let [a, b] = [0, 1].map(|text| pooled.i(text).unwrap().to_vec1::<f32>().unwrap());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
    };
    assert!((similarity[[0, 1]] - cosine).abs() < 1e-5 && (similarity[[1, 1]] - 1.0).abs() < 1e-5);
}

#[test]
fn a_text_is_pooled_from_its_own_first_token_on_whichever_side_it_is_padded() {
    for name in ["bert", "roberta", "albert-pretraining"] {
        let (model, expected) = case(name);
        let tokens = tokens(&model, &expected);
        let sites: Vec<Site> =
            [Site::pooler_out(), Site::nsp_out()].into_iter().filter(|site| model.has(*site)).collect();
        for side in [Padding::Right, Padding::Left] {
            let tokens = tokens.padded(side);
            let together = run(&model, &tokens);
            for text in 0..tokens.batch() {
                let single = run(&model, &alone(&model, &tokens, text));
                let same =
                    |ours: &Tensor, theirs: &Tensor| difference(&ours.narrow(0, text, 1).unwrap(), theirs) < 1e-5;
                for &site in &sites {
                    assert!(same(&get(&together, site), &get(&single, site)), "{name} {site} {side} {text}");
                }
                if let Ok(pooled) = together.pooled() {
                    assert!(same(&pooled, &single.pooled().unwrap()), "{name} {side} {text}");
                }
                if let Ok(scores) = together.next_sentence() {
                    assert!(same(&scores, &single.next_sentence().unwrap()), "{name} {side} {text}");
                }
            }
        }
        assert!(!sites.is_empty() || name == "roberta", "{name}");
    }
}

#[test]
fn a_prompt_with_answers_is_no_question_for_an_encoder() {
    let error = open("families/bert").test_prompt("a", "b").unwrap_err().to_string();
    assert!(error.contains("fill_mask"), "{error}");
}

#[test]
fn the_lens_of_an_encoder_says_what_stands_at_a_token_and_not_what_comes_after_it() {
    let (model, expected) = case("bert-masked-lm");
    let lens = run(&model, &alone(&model, &tokens(&model, &expected), 0)).logit_lens().unwrap();
    let svg = lens.table(Statistic::Probability).unwrap().to_svg();
    assert!(svg.contains("predictions in place") && svg.contains("the token in this place"), "{svg}");
    assert!(svg.contains("layer 0, at ") && !svg.contains("the next token") && !svg.contains(", after "));
    assert!(lens.rank_line(-1).unwrap().to_svg().contains(" at "));
}
