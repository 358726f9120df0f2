//! Two names of one tensor: where a file holds both with different values, what is stored is computed with.

use super::support::*;
use candle_core::{Device, Tensor};
use glassbox::{Model, notebook::Show};
use std::{collections::HashMap, path::PathBuf};

const IDS: [u32; 5] = [5, 0, 3, 1, 9];

fn reference(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

fn stored(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(reference(name).join("model.safetensors"), &Device::Cpu).unwrap()
}

#[test]
fn probe() {
    for (base, head) in [("llama-gqa-tied", "lm_head.weight"), ("gpt2-tiny","lm_head.weight"), ("families/gemma","lm_head.weight"), ("families/roberta","lm_head.decoder.weight"), ("families/t5","lm_head.weight")] {
        for from in ["llama-gqa-untied","gpt2-untied","families/mistral","families/mixtral","families/mistral-window","families/qwen3","families/qwen3_moe","families/t5-v1_1","families/gpt_neox-sequential","families/gptj","families/granite","families/olmo","families/olmo2","families/olmo3","families/olmo-clip","families/olmoe","families/phi3","families/phi3-longrope-short","families/qwen2-window"] {
            let mut all = stored(base);
            let donor = stored(from);
            let Some(h) = donor.get("lm_head.weight").or(donor.get("embed_out.weight")) else { continue };
            all.insert(head.into(), h.clone());
            let folder = Folder::new();
            std::fs::copy(reference(base).join("config.json"), folder.file("config.json")).unwrap();
            candle_core::safetensors::save(&all, folder.file("model.safetensors")).unwrap();
            let Ok(model) = Model::open(folder.path().to_str().unwrap()) else { continue };
            let logits = model.forward(IDS.to_vec()).unwrap();
            let n = logits.dim(1).unwrap();
            let l = values(&logits.narrow(1, n-1, 1).unwrap());
            println!("{base} {from} {:?} {:?}", &l[..4], model.config().tied);
        }
    }
}
