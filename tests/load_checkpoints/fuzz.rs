//! Files with every byte changed and cut at every length: they may be read or refused, and never panic.

use candle_core::quantized::{GgmlDType, gguf_file::Value};
use glassbox::load::Checkpoint;

use super::support::*;

/// Reads everything there is to read.
fn read_all(checkpoint: glassbox::Result<Checkpoint>) -> bool {
    let Ok(checkpoint) = checkpoint else { return false };
    for name in checkpoint.weights.names() {
        let shape = checkpoint.weights.shape(&name).unwrap_or_default();
        let _ = checkpoint.weights.get(&name, &shape);
    }
    if let Some(tokenizer) = checkpoint.tokenizer {
        let _ = tokenizer.encode("the keys");
        (0..8).for_each(|id| drop(tokenizer.token_text(id)));
    }
    true
}

/// How many of the changed files could still be read.
fn survivors(bytes: &[u8], mut read: impl FnMut(&[u8]) -> bool) -> usize {
    let mut count = 0;
    for at in 0..bytes.len() {
        count += usize::from(read(&bytes[..at]));
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = bytes.to_vec();
            changed[at] ^= flip;
            count += usize::from(read(&changed));
        }
    }
    count
}

#[test]
fn a_changed_safetensors_file_never_panics() {
    let read = |bytes: &[u8]| read_all(Checkpoint::from_bytes("fuzz", "{}", bytes.to_vec(), None));
    let whole = two_tensors();
    assert!(read(&whole));
    let readable = survivors(&whole, read);
    assert!(readable > 0 && readable < 3 * whole.len(), "{readable} of {}", 4 * whole.len());
}

#[test]
fn a_changed_tokenizer_or_configuration_never_panics() {
    let weights = two_tensors();
    let read = |json: &[u8]| read_all(Checkpoint::from_bytes("fuzz", "{}", weights.clone(), Some(json)));
    assert!(survivors(TOKENIZER.as_bytes(), read) > 0);
    let read = |json: &[u8]| {
        let json = String::from_utf8_lossy(json);
        read_all(Checkpoint::from_bytes("fuzz", &json, weights.clone(), Some(TOKENIZER.as_bytes())))
    };
    assert!(
        survivors(br#"{"model_type": "gpt2", "bos_token_id": [1, -2], "eos_token": {"content": "the"}}"#, read) > 0
    );
}

#[test]
fn a_changed_gguf_never_panics() {
    let texts = |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::String(text.to_string())).collect());
    let mut metadata = llama_metadata();
    metadata.extend([
        ("general.alignment", Value::U32(32)),
        ("llama.expert_count", Value::U32(2)),
        ("llama.expert_used_count", Value::U32(1)),
        ("tokenizer.ggml.model", Value::String("llama".into())),
        ("tokenizer.ggml.tokens", texts(&["<unk>", "<s>", "▁", "k", "e", "▁k", "▁ke"])),
        ("tokenizer.ggml.scores", Value::Array((0..7).map(|id| Value::F32(-(id as f32))).collect())),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
    ]);
    let tensors = [
        ("token_embd.weight", counting(&[7, 32]), GgmlDType::Q4_0),
        ("blk.0.attn_k.weight", counting(&[16, 32]), GgmlDType::Q8_0),
        ("blk.0.ffn_up_exps.weight", counting(&[2, 2, 32]), GgmlDType::Q4_0),
        ("rope_freqs.weight", (counting(&[4]) * 0.0).unwrap().affine(1.0, 1.0).unwrap(), GgmlDType::F32),
    ];
    let folder = Folder::new();
    let read = |bytes: &[u8]| read_all(Checkpoint::from_gguf(folder.write("fuzz.gguf", bytes)));
    let whole = gguf(&metadata, &tensors);
    let readable = survivors(&whole, read);
    assert!(readable > 0 && readable < 4 * whole.len(), "{readable} of {}", 4 * whole.len());
}
