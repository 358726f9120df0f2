//! candle-transformers as an independent implementation.

use crate::reference::{expected, folder, open, token_ids};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{Cache, Llama, LlamaConfig};

#[test]
fn our_llama_and_candle_transformers_llama_agree() {
    for name in ["llama-gqa-tied", "llama-gqa-untied"] {
        let text = std::fs::read_to_string(folder(name).join("config.v4.json")).unwrap();
        let config: LlamaConfig = serde_json::from_str(&text).unwrap();
        if config.hidden_size / config.num_attention_heads != open(name).config().d_head {
            // candle-transformers knows no head_dim of its own.
            continue;
        }
        let config = config.into_config(false);
        let weights = candle_core::safetensors::load(folder(name).join("model.safetensors"), &Device::Cpu).unwrap();
        let builder = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        let theirs = Llama::load(builder, &config).unwrap();
        let ids = token_ids(&expected(name, "expected.safetensors"));
        let ours = open(name).forward(&ids).unwrap();
        for len in 1..=ids.len() {
            let mut cache = Cache::new(false, DType::F32, &config, &Device::Cpu).unwrap();
            let input = Tensor::new(&ids[..len], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
            let last = theirs.forward(&input, 0, &mut cache).unwrap();
            let difference = crate::reference::difference(&ours.narrow(1, len - 1, 1).unwrap(), &last);
            assert!(difference < 1e-4, "{name} at {len} tokens: {difference:e}");
        }
    }
}
