//! Real models, where the environment says where they are.

use std::path::{Path, PathBuf};

use glassbox::{
    load::{Checkpoint, Weights},
    text::Tokenizer,
};

use super::support::values;

/// A file or folder under the one that an environment variable names.
fn real(variable: &str, name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os(variable) else {
        println!("skipped: {variable} is not set");
        return None;
    };
    let path = PathBuf::from(root).join(name);
    assert!(path.exists(), "{} is not there", path.display());
    Some(path)
}

fn tokenizer(path: &Path) -> Tokenizer {
    Checkpoint::open(path.to_str().unwrap()).unwrap().tokenizer.unwrap()
}

/// Every tensor, each with the shape that the file gives it.
fn read_all(weights: &Weights) -> usize {
    let read = |name: &String| {
        let shape = weights.shape(name).unwrap().to_vec();
        weights.get(name, &shape).unwrap().elem_count()
    };
    weights.names().iter().map(read).sum()
}

#[test]
fn stories260k_is_read() {
    let Some(folder) = real("GLASSBOX_ASSETS", "models/stories260K") else { return };
    let checkpoint = Checkpoint::from_folder(&folder).unwrap();
    assert_eq!(checkpoint.settings.get::<usize>("num_key_value_heads").unwrap(), 4);
    let weights = checkpoint.weights.with_optional_prefix("model.");
    assert_eq!(weights.get("layers.4.self_attn.k_proj.weight", &[32, 64]).unwrap().dims(), [32, 64]);
    assert_eq!(read_all(&weights), 260_032);

    let tokenizer = checkpoint.tokenizer.unwrap();
    assert_eq!((tokenizer.d_vocab(), tokenizer.bos(), tokenizer.eos()), (512, Some(1), Some(2)));
    assert!(tokenizer.adds_bos());
    let text = "Once upon a time, there was a boy named Zoë.";
    let encoded = tokenizer.encode(text).unwrap();
    assert_eq!(tokenizer.decode(&encoded.ids).unwrap(), text);
    assert_eq!(tokenizer.encode_with_special(text).unwrap().ids, [&[1], &encoded.ids[..]].concat());
    let printed: String = encoded.ids.iter().map(|&id| tokenizer.token_text(id)).collect();
    assert_eq!(printed, format!(" {}", text.replace('ë', "\\xC3\\xAB")));
    assert_eq!(tokenizer.token_text(tokenizer.id_of(" time").unwrap()), " time");
    let chars: Vec<char> = text.chars().collect();
    for (id, span) in encoded.ids.iter().zip(&encoded.spans) {
        let covered: String = chars[span.clone()].iter().collect();
        let token = tokenizer.token_text(*id);
        assert!(token.trim_start() == covered.trim_start() || covered == "ë", "{token:?} covers {covered:?}");
    }
}

#[test]
fn nanosort_is_read() {
    let Some(folder) = real("GLASSBOX_ASSETS", "models/nanosort") else { return };
    let checkpoint = Checkpoint::from_folder(&folder).unwrap();
    assert_eq!(checkpoint.settings.model_type().unwrap(), "gpt2");
    assert!(checkpoint.tokenizer.is_none());
    let weights = checkpoint.weights.with_optional_prefix("transformer.");
    assert_eq!(weights.get("h.2.attn.c_attn.weight", &[48, 144]).unwrap().dims(), [48, 144]);
    assert!(weights.unused().len() + 1 == weights.names().len());
    assert_eq!(read_all(&weights) * 4 / 1000, 342);
}

#[test]
fn smollm2_is_the_same_from_gguf_as_from_its_folder() {
    let Some(gguf) = real("GLASSBOX_MODELS", "smollm2-135m-instruct.Q4_1.gguf") else { return };
    let Some(folder) = real("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let (gguf, folder) = (Checkpoint::from_gguf(gguf).unwrap(), Checkpoint::from_folder(folder).unwrap());
    for key in ["hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size"] {
        assert_eq!(gguf.settings.get::<usize>(key).unwrap(), folder.settings.get::<usize>(key).unwrap(), "{key}");
    }
    assert_eq!(gguf.settings.get::<f64>("rope_theta").unwrap(), folder.settings.get::<f64>("rope_theta").unwrap());
    assert_eq!(gguf.weights.names(), folder.weights.names());
    for name in folder.weights.names() {
        let shape = folder.weights.shape(&name).unwrap().to_vec();
        let [a, b] = [&gguf, &folder].map(|from| values(&from.weights.get(&name, &shape).unwrap()));
        // The folder holds the same dequantized values, rounded to half precision.
        let off = |(a, b): (&f32, &f32)| (a - b).abs() > 5e-4 * a.abs() + 1e-7;
        assert_eq!(a.iter().zip(&b).filter(|pair| off(*pair)).count(), 0, "{name}");
    }
    assert!(folder.weights.unused().is_empty());
}

/// The ids are those of the model's published tokenizer.
#[test]
fn smollm2s_tokenizer_from_gguf_cuts_text_as_its_own_does() {
    let Some(gguf) = real("GLASSBOX_MODELS", "smollm2-135m-instruct.Q4_1.gguf") else { return };
    let Some(folder) = real("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let (gguf, folder) = (tokenizer(&gguf), tokenizer(&folder));
    assert_eq!((gguf.bos(), gguf.eos(), gguf.pad(), gguf.adds_bos()), (Some(1), Some(2), Some(2), false));
    assert_eq!(gguf.encode("Hello, we can use").unwrap().ids, [19556, 28, 392, 416, 722]);
    assert_eq!(gguf.encode("Hello world! 123").unwrap().ids, [19556, 905, 17, 216, 33, 34, 35]);
    assert_eq!(gguf.encode("Café déjà vu.").unwrap().ids, [51, 1939, 2756, 32564, 90, 16739, 386, 101, 30]);
    assert_eq!(gguf.encode("  multiple   spaces").unwrap().ids, [216, 2701, 256, 5600]);
    for text in ["<|im_start|>user\nHi 2024<|im_end|>", "naïve 語 🙂 it's\t\tx", "", "don't  stop"] {
        let encoded = gguf.encode(text).unwrap();
        assert_eq!(encoded, folder.encode(text).unwrap(), "{text}");
        assert_eq!(gguf.decode(&encoded.ids).unwrap(), text);
    }
    let encoded = gguf.encode("Hello world").unwrap();
    assert_eq!(encoded.spans, [0..5, 5..11], "a leading space belongs to its token");
    assert_eq!((gguf.token_text(905), gguf.id_of(" world").unwrap()), (" world".into(), 905));
    let error = gguf.id_of(" antidisestablishmentarianism").unwrap_err().to_string();
    assert!(error.contains("` ant`"), "{error}");
}

#[test]
fn the_other_real_models_are_read_whole() {
    for (name, parameters) in [("all-minilm-l6-v2", 22_713_216), ("whisper-tiny.en", 37_760_256)] {
        let Some(folder) = real("GLASSBOX_MODELS", name) else { return };
        let checkpoint = Checkpoint::from_folder(&folder).unwrap();
        let floats = checkpoint.weights.names().into_iter().filter(|name| !name.ends_with("position_ids"));
        let read = |name: String| {
            let shape = checkpoint.weights.shape(&name).unwrap().to_vec();
            checkpoint.weights.get(&name, &shape).unwrap().elem_count()
        };
        assert_eq!(floats.map(read).sum::<usize>(), parameters, "{name}");
    }
}

#[test]
fn berts_special_tokens_and_whole_words_are_known() {
    let Some(folder) = real("GLASSBOX_MODELS", "all-minilm-l6-v2") else { return };
    let tokenizer = tokenizer(&folder);
    let special = tokenizer.special_ids();
    assert_eq!((special.cls, special.sep, special.mask, special.pad), (Some(101), Some(102), Some(103), Some(0)));
    let text = "word ".repeat(300);
    assert_eq!(tokenizer.encode(&text).unwrap().ids.len(), 300, "nothing is cut off or filled up");
    let with_special = tokenizer.encode_with_special("Hello unaffable").unwrap();
    let printed: Vec<_> = with_special.ids.iter().map(|&id| tokenizer.token_text(id)).collect();
    assert_eq!(printed, ["[CLS]", "hello", "una", "##ffa", "##ble", "[SEP]"]);
    assert_eq!(with_special.spans[1], 0..5);
}

/// SentencePiece's merges follow from its scores, which in this vocabulary fall with the id.
#[test]
fn a_sentencepiece_tokenizer_from_gguf_cuts_text_as_its_own_does() {
    use candle_core::quantized::gguf_file::Value;
    let Some(folder) = real("GLASSBOX_ASSETS", "models/stories260K") else { return };
    let own = tokenizer(&folder);
    let json = std::fs::read(folder.join("tokenizer.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let mut tokens = vec![String::new(); 512];
    for (token, id) in json["model"]["vocab"].as_object().unwrap() {
        tokens[id.as_u64().unwrap() as usize] = token.clone();
    }
    let kind = |id: i32| Value::I32([2, 3, 3].get(id as usize).copied().unwrap_or(if id < 259 { 6 } else { 1 }));
    let mut metadata = super::support::llama_metadata();
    metadata.extend([
        ("tokenizer.ggml.model", Value::String("llama".into())),
        ("tokenizer.ggml.tokens", Value::Array(tokens.into_iter().map(Value::String).collect())),
        ("tokenizer.ggml.scores", Value::Array((0..512).map(|id| Value::F32(-(id as f32))).collect())),
        ("tokenizer.ggml.token_type", Value::Array((0..512).map(kind).collect())),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
    ]);
    let scratch = super::support::Folder::new();
    let path = scratch.write("spm.gguf", super::support::gguf(&metadata, &[]));
    let from_gguf = tokenizer(&path);
    assert!(from_gguf.adds_bos() && from_gguf.bos() == Some(1));
    let stories = real("GLASSBOX_ASSETS", "data/text/tinystories_1000.json").unwrap();
    let stories: serde_json::Value = serde_json::from_slice(&std::fs::read(stories).unwrap()).unwrap();
    let stories: Vec<String> = stories.as_array().unwrap().iter().take(200).map(|story| story.to_string()).collect();
    for story in stories {
        assert_eq!(from_gguf.encode(&story).unwrap(), own.encode(&story).unwrap());
    }
}

#[test]
fn smollm2_from_gguf_predicts_what_it_predicts_from_its_folder() {
    let Some(gguf) = real("GLASSBOX_MODELS", "smollm2-135m-instruct.Q4_1.gguf") else { return };
    let Some(folder) = real("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let text = "The capital of France is";
    let [a, b] = [gguf, folder].map(|place| {
        let model = glassbox::Model::open(place.to_str().unwrap()).unwrap();
        let run = model.run(model.to_tokens(text, false).unwrap()).unwrap();
        assert_eq!(run.predictions(-1, 1).unwrap()[0].text, " Paris");
        values(&run.logits().unwrap())
    });
    let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    assert!(worst < 5e-2, "logits differ by {worst}");
}
