//! What one asks of encoders: blanks, pairs of sentences, sentence embeddings; with text.

use crate::reference::{difference, external, folder, open};
use candle_core::Tensor;
use glassbox::{
    Model,
    hook::{Site, zero},
    load::Checkpoint,
    model::Run,
    notebook::Show,
    text::{SpecialIds, Tokenizer},
};
use serde_json::{Value, json};

/// A tokenizer of the words w4 to w51 with BERT's frame, for the tiny checkpoints; `ending` is put to single texts.
fn tokenizer(ending: Value) -> Tokenizer {
    let special = ["[CLS]", "[SEP]", "[UNK]", "[PAD]"];
    let words = (4..52).map(|id| (format!("w{id}"), id));
    let named = special.iter().enumerate().map(|(id, name)| (name.to_string(), id)).chain(words);
    let vocabulary: serde_json::Map<String, Value> =
        named.chain([("[MASK]".to_owned(), 52)]).map(|(name, id)| (name, json!(id))).collect();
    let added = special.iter().chain(&["[MASK]"]).map(|name| {
        json!({"id": vocabulary[*name], "content": name, "special": true, "normalized": false, "single_word": false,
            "lstrip": false, "rstrip": false})
    });
    let added: Vec<Value> = added.collect();
    let json = json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": ending, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}});
    let ids = SpecialIds { mask: Some(52), eos: vec![1], pad: Some(3), ..SpecialIds::default() };
    Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap().with_special_ids(ids)
}

fn with_words(name: &str) -> Model {
    let mut checkpoint = Checkpoint::from_folder(folder(&format!("families/{name}"))).unwrap();
    let frame = json!({"type": "BertProcessing", "sep": ["[SEP]", 1], "cls": ["[CLS]", 0]});
    checkpoint.tokenizer = Some(tokenizer(frame));
    Model::from_checkpoint(checkpoint).unwrap()
}

#[test]
fn text_gets_its_special_tokens_and_ids_do_not() {
    let model = with_words("bert");
    let tokens = model.tokens(["w7 w8 w9", "w7"]).unwrap();
    assert_eq!(tokens.strings(0), ["[CLS]", "w7", "w8", "w9", "[SEP]"]);
    assert_eq!(tokens.strings(1), ["[CLS]", "w7", "[SEP]", "[PAD]", "[PAD]"]);
    assert_eq!(model.tokens([7, 8, 9]).unwrap().len(), 3);
    assert_eq!(model.to_tokens("w7", false).unwrap().strings(0), ["[CLS]", "w7", "[SEP]"]);
    let pair = model.pair("w7 w8", "w9").unwrap();
    assert_eq!(pair.token_types(0), [0, 0, 0, 0, 1, 1]);
    let run = model.run(&pair).unwrap();
    let types = run.cache().get(Site::token_type_embed()).unwrap();
    assert!(difference(&types.narrow(1, 0, 1).unwrap(), &types.narrow(1, 5, 1).unwrap()) > 1e-3);
}

#[test]
fn every_blank_gets_the_likeliest_tokens_of_its_place() {
    let model = with_words("bert-masked-lm");
    let filled = model.fill_mask("w7 [MASK] w9 [MASK]", 4).unwrap();
    let run = model.run("w7 [MASK] w9 [MASK]").unwrap();
    assert_eq!(filled.blanks.iter().map(|blank| blank.position).collect::<Vec<_>>(), [2, 4]);
    for blank in &filled.blanks {
        assert_eq!(blank.candidates, run.predictions(blank.position as i64, 4).unwrap());
        assert!(blank.candidates.is_sorted_by(|a, b| a.probability >= b.probability));
    }
    let best = &filled.blanks[0].candidates[0];
    assert!(
        filled.plain().contains("[MASK] at position 2") && filled.plain().contains(&best.text),
        "{}",
        filled.plain()
    );
    assert!(filled.html().contains("<svg"));
    // Blanks are anybody's to change; one that was moved out of the text has no picture.
    let mut moved = filled.clone();
    moved.blanks[1].position = 60;
    let error = moved.figure().unwrap_err();
    assert!(error.is_out_of_range() && error.to_string().contains("position 60"), "{error}");
    assert!(moved.html().contains("position 60"));
    // A changed model fills differently.
    let changed = model.hooked([zero(Site::mlp_out(1))]).fill_mask("w7 [MASK] w9 [MASK]", 4).unwrap();
    assert!(changed.blanks != filled.blanks);

    let error = model.fill_mask("w7 w9", 3).unwrap_err().to_string();
    assert!(error.contains("the text has no [MASK]"), "{error}");
    let error = open("families/bert-masked-lm").fill_mask([5, 6], 3).unwrap_err().to_string();
    assert!(error.contains("no mask token"), "{error}");
    let error = with_words("bert-model").fill_mask("w7 [MASK]", 3).unwrap_err().to_string();
    assert!(error.contains("bert model has no unembedding"), "{error}");
}

#[test]
fn the_next_sentence_is_judged_from_the_pooled_first_token() {
    for name in ["bert", "albert-pretraining"] {
        let model = with_words(name);
        let next = model.predict_next_sentence("w7 w8", "w9 w10 w11").unwrap();
        let ids = model.tokens([0, 7, 8, 1, 9, 10, 11, 1]).unwrap();
        let ids = ids.with_token_types(&[vec![0, 0, 0, 0, 1, 1, 1, 1]]).unwrap();
        let scores: Vec<Vec<f32>> = model.run(&ids).unwrap().next_sentence().unwrap().to_vec2().unwrap();
        assert_eq!(next.logits.as_slice(), scores[0]);
        let expected = 1.0 / (1.0 + (scores[0][1] - scores[0][0]).exp());
        assert!((next.probability - expected).abs() < 1e-6);
        assert!(next.plain().contains(&format!("{expected:.4}")), "{}", next.plain());
    }
    let error = with_words("bert-model").predict_next_sentence("w7", "w8").unwrap_err().to_string();
    assert!(error.contains("no next-sentence head"), "{error}");
}

#[test]
fn sentences_keep_their_names_in_the_picture() {
    let model = with_words("bert-model");
    let embeddings = model.embed(["w7 w8", "w9"]).unwrap();
    assert_eq!(embeddings.sentences, ["w7 w8", "w9"]);
    assert!(embeddings.plain().contains("w7 w8") && embeddings.html().contains("cosine similarity"));
    let alone = model.embed("w9").unwrap();
    let distance = (&embeddings.vectors.row(1) - &alone.vectors.row(0)).mapv(f32::abs).sum();
    assert!(distance < 1e-5, "{distance}");
    assert_eq!(open("families/bert-model").embed([7, 8]).unwrap().sentences, ["#7#8"]);
}

#[test]
fn the_logit_lens_of_an_encoder_ends_in_its_output() {
    let model = with_words("bert-masked-lm");
    let run = model.run("w7 [MASK] w9").unwrap();
    let lens = run.logit_lens().unwrap();
    let output = lens.cell(lens.rows() - 1, 2).unwrap();
    let best = &run.predictions(2, 1).unwrap()[0];
    assert_eq!(output.top[0].0, best.text);
    assert!((output.top[0].1 - best.probability).abs() < 1e-6);
    assert!(run.next_tokens(2, 3).unwrap().to_text().contains("What stands at \"[MASK]\"?"));
}

fn t5_with_words() -> Model {
    let mut checkpoint = Checkpoint::from_folder(folder("families/t5")).unwrap();
    let end = json!({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"[SEP]": {"id": "[SEP]", "ids": [1], "tokens": ["[SEP]"]}}});
    checkpoint.tokenizer = Some(tokenizer(end));
    Model::from_checkpoint(checkpoint).unwrap()
}

#[test]
fn the_decoder_of_t5_goes_on_from_its_text() {
    let model = t5_with_words();
    let run = model.pass("w7 w8").unwrap().decoder_input("w9 w10").unwrap().record(Site::tokens()).run().unwrap();
    let source: Vec<Vec<u32>> = run.cache().get(Site::tokens()).unwrap().to_vec2().unwrap();
    assert_eq!(source, [[7, 8, 1]], "the encoder's text is ended");
    assert_eq!(run.tokens().ids(0), [0, 9, 10], "the decoder's begins with its start and has no end");
    let ids = model.pass([7, 8, 1]).unwrap().decoder_input([0, 9, 10]).unwrap().run().unwrap();
    assert_eq!(difference(&ids.logits().unwrap(), &run.logits().unwrap()), 0.0);
    let lens = run_everything(&model).logit_lens().unwrap();
    let last = lens.cell(lens.rows() - 1, 0).unwrap();
    assert_eq!((lens.rows(), &last.top[0].0), (3, &run_everything(&model).predictions(0, 1).unwrap()[0].text));
    let both = model.pass(["w7 w8", "w9"]).unwrap();
    let error = both.decoder_input("w9").unwrap_err().to_string();
    assert!(error.contains("2 texts") && error.contains('1'), "{error}");
}

#[test]
fn what_t5_is_made_to_say_has_no_end_of_its_own() {
    let model = t5_with_words();
    let prefix = model.read(["w7 w8", "w5"]).unwrap();
    let (text, ids) = (prefix.then(["w9 w10", "w11 w12"]).unwrap(), prefix.then([vec![9, 10], vec![11, 12]]).unwrap());
    assert_eq!([text.tokens().ids(0), text.tokens().ids(1)], [[0, 9, 10], [0, 11, 12]]);
    assert_eq!(text.tokens(), ids.tokens());
    // Ids are taken as they are, an end among them.
    assert_eq!(model.read("w7").unwrap().then([9, 1]).unwrap().tokens().ids(0), [0, 9, 1]);
    let said = |prefix: &glassbox::generate::Prefix| {
        prefix.generate().end_tokens([]).max_new_tokens(2).keep_logits().run().unwrap().logits().unwrap()
    };
    let next = model.pass(["w7 w8", "w5"]).unwrap().decoder_input(["w9 w10", "w11 w12"]).unwrap().run().unwrap();
    assert_eq!(difference(&said(&text), &said(&ids)), 0.0);
    let last = next.logits().unwrap().narrow(1, 2, 1).unwrap();
    assert!(difference(&said(&text).narrow(1, 0, 1).unwrap(), &last) < 1e-4);
    let error = prefix.then(["w9", "w10 w11"]).unwrap_err().to_string();
    assert!(error.contains("[1, 2]"), "{error}");
}

#[test]
fn a_batch_of_texts_keeps_its_frame_with_or_without_a_beginning_of_text() {
    let model = with_words("bert");
    let framed = model.to_tokens(["w7 w8", "w9"], false).unwrap();
    assert_eq!(framed.strings(0), ["[CLS]", "w7", "w8", "[SEP]"]);
    assert_eq!(framed.strings(1), ["[CLS]", "w9", "[SEP]", "[PAD]"]);
    let shipped = Model::open("induction-2l").unwrap();
    let owned = vec!["red fox".to_owned(), "blue".to_owned()];
    for prepend in [true, false] {
        let batch = shipped.to_tokens(&owned, prepend).unwrap();
        assert_eq!(batch.bos_prepended(), prepend);
        assert_eq!(batch.lengths(), if prepend { [3, 2] } else { [2, 1] });
        for (text, words) in owned.iter().enumerate() {
            let alone = shipped.to_tokens(words, prepend).unwrap();
            assert_eq!(&batch.ids(text)[batch.real(text)], alone.ids(0));
        }
        assert_eq!(batch.plain().contains("<bos>") && batch.bos_prepended(), prepend, "{}", batch.plain());
    }
}

/// The decoder reads its start alone.
fn run_everything(model: &Model) -> Run {
    model.run("w7 w8").unwrap()
}

fn reference() -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder("real_encoders.json")).unwrap()).unwrap()
}

fn real(name: &str) -> Option<Model> {
    external("GLASSBOX_MODELS", name).map(|folder| Model::open(folder.to_str().unwrap()).unwrap())
}

#[test]
fn bert_tiny_fills_blanks_as_pytorch_does() {
    let Some(model) = real("bert-tiny-splade") else { return };
    for case in reference()["fill_mask"].as_array().unwrap() {
        let filled = model.fill_mask(case["text"].as_str().unwrap(), 5).unwrap();
        assert_eq!(json!(filled.tokens.ids(0)), case["tokens"]);
        let blanks = case["blanks"].as_array().unwrap();
        assert_eq!(filled.blanks.len(), blanks.len());
        for (blank, expected) in filled.blanks.iter().zip(blanks) {
            assert_eq!(json!(blank.position), expected["position"]);
            for (ours, theirs) in blank.candidates.iter().zip(expected["top"].as_array().unwrap()) {
                assert_eq!(ours.text, theirs["token"].as_str().unwrap());
                assert!((f64::from(ours.logit) - theirs["logit"].as_f64().unwrap()).abs() < 1e-3, "{ours:?} {theirs}");
                assert!((f64::from(ours.probability) - theirs["probability"].as_f64().unwrap()).abs() < 1e-4);
            }
        }
        println!("{}", filled.plain());
    }
}

#[test]
fn minilm_finds_sentences_as_alike_as_its_authors_print() {
    let Some(model) = real("all-minilm-l6-v2") else { return };
    let expected = &reference()["embed"];
    let sentences: Vec<String> = serde_json::from_value(expected["sentences"].clone()).unwrap();
    let embeddings = model.embed(&sentences).unwrap();
    let similarity = embeddings.similarity();
    println!("{}", embeddings.plain());
    let number = |table: &str, row: usize, column: usize| expected[table][row][column].as_f64().unwrap() as f32;
    for row in 0..3 {
        for column in 0..3 {
            assert!((similarity[[row, column]] - number("similarity", row, column)).abs() < 1e-4);
        }
        for column in 0..8 {
            assert!((embeddings.vectors[[row, column]] - number("beginnings", row, column)).abs() < 1e-4);
        }
    }
    for (at, printed) in [([0, 1], 0.6660), ([0, 2], 0.1046), ([1, 2], 0.1411)] {
        assert!((similarity[at] - printed).abs() < 1e-4);
    }
    let run = model.run(sentences[0].as_str()).unwrap();
    let pooled: Tensor = run.mean_pooled().unwrap();
    assert_eq!(pooled.dims(), [1, 384]);
    assert!(run.logits().unwrap_err().to_string().contains("no unembedding"));
}
