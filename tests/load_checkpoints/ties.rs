//! Two names of one tensor: where a file holds both with different values, what is stored is computed with.
//!
//! A head that is the embedding with its rows moved on by one must give the same logits, moved on by one.

use super::support::*;
use candle_core::{DType, Device, Tensor};
use glassbox::{Model, notebook::Show, weights::Processing};
use std::{collections::BTreeMap, path::PathBuf};

const IDS: [u32; 5] = [5, 0, 3, 1, 9];

/// A folder of `tests/reference`, to be changed.
struct Case {
    config: serde_json::Value,
    tensors: BTreeMap<String, Tensor>,
}

impl Case {
    fn of(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
        let config = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
        let tensors = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
        Self { config, tensors: tensors.into_iter().collect() }
    }

    fn with(mut self, name: &str, tensor: Tensor) -> Self {
        self.tensors.insert(name.to_owned(), tensor);
        self
    }

    fn says(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.config[key] = value.into();
        self
    }

    /// A tensor by the end of its name.
    fn get(&self, end: &str) -> Tensor {
        self.tensors.iter().find(|(name, _)| name.ends_with(end)).unwrap().1.clone()
    }

    fn open(&self) -> glassbox::Result<Model> {
        let folder = Folder::new();
        folder.write("config.json", self.config.to_string());
        let tensors: std::collections::HashMap<_, _> = self.tensors.clone().into_iter().collect();
        candle_core::safetensors::save(&tensors, folder.file("model.safetensors")).unwrap();
        Model::open(folder.path().to_str().unwrap())
    }
}

/// The rows moved on by one, the last to the front.
fn moved(tensor: &Tensor) -> Tensor {
    let rows = tensor.dim(0).unwrap();
    Tensor::cat(&[&tensor.narrow(0, rows - 1, 1).unwrap(), &tensor.narrow(0, 0, rows - 1).unwrap()], 0).unwrap()
}

/// The logits after the last token.
fn last(model: &Model) -> Vec<f32> {
    let logits = model.forward(IDS.to_vec()).unwrap();
    values(&logits.narrow(1, logits.dim(1).unwrap() - 1, 1).unwrap())
}

#[track_caller]
fn near(got: &[f32], expected: &[f32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let apart = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-4, "{what}: {apart}");
}

/// A folder whose configuration says tied, the head's name, the end of the embedding's.
const TIED: [(&str, &str, &str); 24] = [
    ("llama-gqa-tied", "lm_head.weight", "embed_tokens.weight"),
    ("gpt2-tiny", "lm_head.weight", "wte.weight"),
    ("families/bloom", "lm_head.weight", "word_embeddings.weight"),
    ("families/cohere", "lm_head.weight", "embed_tokens.weight"),
    ("families/cohere2", "lm_head.weight", "embed_tokens.weight"),
    ("families/falcon", "lm_head.weight", "word_embeddings.weight"),
    ("families/falcon-new", "lm_head.weight", "word_embeddings.weight"),
    ("families/gemma", "lm_head.weight", "embed_tokens.weight"),
    ("families/gemma2", "lm_head.weight", "embed_tokens.weight"),
    ("families/gemma3_text", "lm_head.weight", "embed_tokens.weight"),
    ("families/gpt_bigcode", "lm_head.weight", "wte.weight"),
    ("families/gpt_neo", "lm_head.weight", "wte.weight"),
    ("families/opt", "lm_head.weight", "embed_tokens.weight"),
    ("families/opt-post-norm", "lm_head.weight", "embed_tokens.weight"),
    ("families/opt-projected", "lm_head.weight", "embed_tokens.weight"),
    ("families/qwen2", "lm_head.weight", "embed_tokens.weight"),
    ("families/smollm3", "lm_head.weight", "embed_tokens.weight"),
    ("families/starcoder2", "lm_head.weight", "embed_tokens.weight"),
    ("families/t5", "lm_head.weight", "shared.weight"),
    ("families/bert", "cls.predictions.decoder.weight", "word_embeddings.weight"),
    ("families/bert-masked-lm", "cls.predictions.decoder.weight", "word_embeddings.weight"),
    ("families/distilbert", "vocab_projector.weight", "word_embeddings.weight"),
    ("families/albert", "predictions.decoder.weight", "word_embeddings.weight"),
    ("families/roberta", "lm_head.decoder.weight", "word_embeddings.weight"),
];

/// The bias of the vocabulary, which moves with the head.
const BIASES: [&str; 4] = ["cls.predictions.bias", "vocab_projector.bias", "predictions.bias", "lm_head.bias"];

#[test]
fn a_stored_tensor_is_never_dropped_because_another_has_its_name() {
    for (name, head, embedding) in TIED {
        let whole = Case::of(name);
        let (tied, table) = (whole.open().unwrap(), whole.get(embedding));
        let expected = last(&tied);

        let twice = Case::of(name).with(head, table.clone()).open().unwrap();
        assert_eq!(last(&twice), expected, "{name}: a copy says nothing new");
        assert_eq!((twice.config(), twice.n_parameters()), (tied.config(), tied.n_parameters()), "{name}");
        assert!(!twice.plain().contains(head), "{name}");

        let mut case = Case::of(name).with(head, moved(&table));
        for bias in BIASES {
            case.tensors.entry(bias.to_owned()).and_modify(|bias| *bias = moved(bias));
        }
        let apart = case.open().unwrap();
        let mut expected = expected;
        expected.rotate_right(1);
        near(&last(&apart), &expected, name);
        assert!(!apart.config().tied && apart.config().untied == [head], "{name}");
        assert!(apart.plain().contains(&format!("`{head}` (the configuration says tied)")), "{}", apart.plain());
        let (more, less) = (apart.n_parameters(), tied.n_parameters());
        assert!(more == less + table.elem_count() || name == "families/opt-projected", "{name}: {more}, {less}");
    }
}

#[test]
fn the_head_of_another_model_gives_the_logits_that_pytorch_gives() {
    let head = Case::of("llama-gqa-untied").get("lm_head.weight");
    let model = Case::of("llama-gqa-tied").with("lm_head.weight", head).open().unwrap();
    near(&last(&model)[..4], &[-1.54444, -1.93943, 1.08236, 1.46921], "llama");
}

#[test]
fn a_model_that_only_says_it_is_tied_computes_as_one_that_does_not() {
    for name in ["gpt_neox", "gptj", "granite", "mixtral", "olmo", "olmo2", "phi", "phi3", "qwen3", "stablelm"] {
        let case = Case::of(&format!("families/{name}"));
        let expected = last(&case.open().unwrap());
        let model = case.says("tie_word_embeddings", true).open().unwrap();
        assert_eq!(last(&model), expected, "{name}");
        assert!(!model.config().tied && model.config().untied.len() == 1, "{name}");
    }
    assert!(!Case::of("families/t5-v1_1").open().unwrap().config().tied);
}

#[test]
fn a_head_that_is_said_to_be_stored_and_is_not_is_missed_by_name() {
    for (name, head, _) in TIED {
        if name != "families/opt-projected" {
            refused(
                Case::of(name).says("tie_word_embeddings", false).says("scale_decoder_outputs", false).open(),
                &[head],
            );
        }
    }
}

#[test]
fn each_stack_of_a_t5_reads_the_embedding_that_is_stored_for_it() {
    let whole = || Case::of("families/t5");
    let (encoder, decoder) = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight");
    let (plain, shared) = (whole().open().unwrap(), whole().get("shared.weight"));
    let expected = last(&plain);

    let twice = whole().with(encoder, shared.clone()).with(decoder, shared.clone()).open().unwrap();
    assert_eq!((last(&twice), twice.config()), (expected.clone(), plain.config()));

    // A table moved on by one reads an id as the other reads the one before.
    let model = whole().with(encoder, moved(&shared)).open().unwrap();
    let logits = model.forward(IDS.map(|id| id + 1).to_vec()).unwrap();
    near(&values(&logits), &expected, encoder);
    assert_eq!(model.n_parameters(), plain.n_parameters() + shared.elem_count());
    let (ours, theirs) = (model.weights().encoder().unwrap().w_e().unwrap(), model.weights().decoder().unwrap());
    assert_eq!((values(&ours), values(&theirs.w_e().unwrap())), (values(&moved(&shared)), values(&shared)));

    let model = whole().with(decoder, moved(&shared)).says("decoder_start_token_id", 1).open().unwrap();
    near(&last(&model), &expected, decoder);
    assert!(model.plain().contains(decoder) && model.config().tied);

    // With three of their own, nobody reads the fourth.
    let own = moved(&shared);
    let case = whole().with(encoder, own.clone()).with(decoder, own.clone()).with("lm_head.weight", own);
    refused(case.open(), &["`shared.weight`", "does not use"]);
}

/// As Gemma 3 with images is written, in its older and its newer form.
#[test]
fn the_head_of_the_text_model_inside_another_is_found_and_what_is_left_out_is_on_the_card() {
    let text = || Case::of("families/gemma3_text");
    let (mut expected, table) = (last(&text().open().unwrap()), text().get("embed_tokens.weight"));
    expected.rotate_right(1);
    for (inside, head, tower) in [
        ("language_model.model.", "language_model.lm_head.weight", "vision_tower.weight"),
        ("model.language_model.", "lm_head.weight", "model.vision_tower.weight"),
    ] {
        let Case { config, tensors } = text();
        let name = |name: String| name.replacen("model.", inside, 1);
        let tensors = tensors.into_iter().map(|(own, tensor)| (name(own), tensor)).collect();
        let config = serde_json::json!({"model_type": "gemma3", "text_config": config});
        let case = Case { config, tensors }.with(head, moved(&table)).with(tower, table.clone());
        let model = case.open().unwrap();
        near(&last(&model), &expected, inside);
        assert!(!model.config().tied && model.plain().contains("vision_tower"), "{}", model.plain());
        refused(case.with("audio_tower.weight", table.clone()).open(), &["audio_tower.weight", "does not use"]);
    }
}

#[test]
fn one_name_with_and_without_its_prefix_must_be_one_tensor() {
    for (name, full, short) in [
        ("gpt2-tiny", "transformer.wte.weight", "wte.weight"),
        ("llama-gqa-tied", "model.norm.weight", "norm.weight"),
        ("families/opt", "model.decoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
        ("families/bert", "bert.embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"),
    ] {
        let table = Case::of(name).get(full);
        let twice = Case::of(name).with(short, table.clone()).open().unwrap();
        assert_eq!(last(&twice), last(&Case::of(name).open().unwrap()), "{name}");
        refused(Case::of(name).with(short, (table * 2.0).unwrap()).open(), &[full, short, "two names of one tensor"]);
    }
}

#[test]
fn two_biases_of_one_vocabulary_must_be_one() {
    for (name, bias, again) in [
        ("bert", "cls.predictions.bias", "cls.predictions.decoder.bias"),
        ("roberta", "lm_head.bias", "lm_head.decoder.bias"),
        ("albert", "predictions.bias", "predictions.decoder.bias"),
    ] {
        let name = format!("families/{name}");
        let values = Case::of(&name).get(bias);
        let twice = Case::of(&name).with(again, values.clone()).open().unwrap();
        assert_eq!(last(&twice), last(&Case::of(&name).open().unwrap()), "{name}");
        refused(Case::of(&name).with(again, moved(&values)).open(), &[bias, again]);
    }
}

#[test]
fn no_buffer_of_a_family_is_a_name_that_a_learned_tensor_has() {
    for (name, head, embedding) in TIED {
        let stray = Case::of(name).get(embedding);
        for left in [format!("other.{head}"), "adapter.decoder.bias".to_owned(), "extra.embed_tokens.weight".to_owned()]
        {
            refused(Case::of(name).with(&left, stray.clone()).open(), &[&left, "does not use"]);
        }
    }
    let base = Case::of("families/bert-model");
    let table = base.get("word_embeddings.weight");
    let case = base.with("cls.predictions.decoder.weight", table);
    refused(case.open(), &["cls.predictions.decoder.weight", "does not use"]);
}

#[test]
fn a_model_with_a_head_of_its_own_is_processed_and_written_with_it() {
    let case = Case::of("gpt2-tiny");
    let model = case.with("lm_head.weight", moved(&Case::of("gpt2-tiny").get("wte.weight"))).open().unwrap();
    let (expected, folder) = (last(&model), Folder::new());
    let place = folder.path().to_str().unwrap();
    model.save_hugging_face(place, DType::F32).unwrap();
    let again = Model::open(place).unwrap();
    assert_eq!(last(&again), expected);
    assert!(!again.config().tied && again.config().untied.is_empty());
    assert!(std::fs::read_to_string(folder.file("config.json")).unwrap().contains(r#""tie_word_embeddings": false"#));
    model.save_native(place).unwrap();
    near(&last(&Model::open(place).unwrap()), &expected, "TransformerLens's form");

    let shift = |logits: &[f32]| logits.iter().map(|logit| logit - logits[0]).collect::<Vec<_>>();
    let processed = model.processed(Processing::all()).unwrap();
    near(&shift(&last(&processed)), &shift(&expected), "processed");
}
