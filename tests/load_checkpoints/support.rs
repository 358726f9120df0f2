//! Small model files, made on the spot.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use candle_core::{
    DType, Device, Tensor,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, Value},
    },
};
use safetensors::{Dtype, tensor::TensorView};

/// A folder that goes away with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("glassbox-load-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, and says where it is.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The bytes of a safetensors file.
pub fn safetensors(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A word-level vocabulary without a token for unknown words.
pub const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
    "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"<s>": 0, "the": 1, "keys": 2, "cabinet": 3}, "unk_token": "?"}}"#;

/// A folder with two tensors, a configuration and a tokenizer, all in order.
pub fn whole_folder() -> Folder {
    let folder = Folder::new();
    folder.write("config.json", r#"{"model_type": "gpt2", "n_embd": 2, "eos_token_id": 50256, "bos_token_id": 0}"#);
    folder.write("tokenizer.json", TOKENIZER);
    folder.write("model.safetensors", two_tensors());
    folder
}

pub fn two_tensors() -> Vec<u8> {
    safetensors(&[
        ("wte.weight", Dtype::F32, &[2, 2], f32s(&[1., 2., 3., 4.])),
        ("h.0.ln_1.weight", Dtype::F32, &[2], f32s(&[5., 6.])),
    ])
}

/// The bytes of a GGUF file.
pub fn gguf(metadata: &[(&str, Value)], tensors: &[(&str, Tensor, GgmlDType)]) -> Vec<u8> {
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let blocks: Vec<_> =
        tensors.iter().map(|(name, tensor, dtype)| (*name, QTensor::quantize(tensor, *dtype).unwrap())).collect();
    let blocks: Vec<_> = blocks.iter().map(|(name, blocks)| (*name, blocks)).collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut bytes, &metadata, &blocks).unwrap();
    bytes.into_inner()
}

/// What a GGUF of a Llama with 2 layers, 4 query heads and 2 key heads of width 8 says about itself.
pub fn llama_metadata() -> Vec<(&'static str, Value)> {
    vec![
        ("general.architecture", Value::String("llama".into())),
        ("llama.embedding_length", Value::U32(32)),
        ("llama.block_count", Value::U32(2)),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("llama.feed_forward_length", Value::U32(64)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.context_length", Value::U32(128)),
        ("llama.rope.freq_base", Value::F32(1e6)),
        ("llama.rope.dimension_count", Value::U32(8)),
    ]
}

/// Values that count up, in a shape.
pub fn counting(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>() as i64;
    Tensor::arange(0, count, &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap().reshape(shape).unwrap()
}

pub fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The sentence of an error that must be one about loading, checked for its parts.
#[track_caller]
pub fn refused<T>(result: glassbox::Result<T>, parts: &[&str]) {
    let error = result.err().expect("this must be refused");
    let sentence = error.to_string();
    assert!(error.is_load(), "not an error of loading: {sentence}");
    for part in parts {
        assert!(sentence.contains(part), "`{part}` is not in: {sentence}");
    }
}
