//! One GGUF file of each architecture, written by llama.cpp's converter, against what Hugging Face says its model
//! computes (`tests/reference/make_gguf.py`).

use std::{collections::HashMap, path::PathBuf};

use candle_core::{DType, Device, Tensor};
use glassbox::Model;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/gguf")
}

/// What the model of a file must give.
struct Expected {
    name: &'static str,
    tensors: HashMap<String, Tensor>,
}

impl Expected {
    fn of(name: &'static str) -> Self {
        Self {
            name,
            tensors: candle_core::safetensors::load(folder().join("expected.safetensors"), &Device::Cpu).unwrap(),
        }
    }

    fn tensor(&self, part: &str) -> &Tensor {
        &self.tensors[&format!("{}.{part}", self.name)]
    }

    fn ids(&self, part: &str) -> Vec<u32> {
        self.tensor(part).to_dtype(DType::U32).unwrap().to_vec1().unwrap()
    }

    fn model(&self) -> Model {
        Model::open(folder().join(format!("{}.gguf", self.name)).to_str().unwrap()).unwrap()
    }

    #[track_caller]
    fn is(&self, got: &Tensor) {
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (got, expected) = (flat(got), flat(self.tensor("output")));
        assert_eq!(got.len(), expected.len(), "{}", self.name);
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "{} is off by {worst}", self.name);
    }
}

#[track_caller]
fn logits(name: &'static str) {
    let expected = Expected::of(name);
    expected.is(&expected.model().run(expected.ids("input_ids")).unwrap().logits().unwrap());
}

#[track_caller]
fn states(name: &'static str) {
    let expected = Expected::of(name);
    expected.is(&expected.model().pass(expected.ids("input_ids")).unwrap().without_logits().run().unwrap().resid());
}

#[track_caller]
fn decoded(name: &'static str) {
    let expected = Expected::of(name);
    let pass = expected.model().pass(expected.ids("input_ids")).unwrap();
    expected.is(&pass.decoder_input(expected.ids("decoder_input_ids")).unwrap().run().unwrap().logits().unwrap());
}

macro_rules! same {
    ($check:ident: $($test:ident $file:literal)*) => { $(#[test] fn $test() { $check($file) })* };
}

same! { logits:
    llama "llama" llama3 "llama3" mixtral "mixtral"
    qwen2 "qwen2" qwen3 "qwen3" qwen3_moe "qwen3_moe"
    smollm3 "smollm3" granite "granite" cohere "cohere"
    olmo "olmo" olmo2 "olmo2" olmoe "olmoe"
    phi "phi" phi3 "phi3" stablelm "stablelm"
    gemma "gemma" gemma2 "gemma2" gemma3 "gemma3"
    gpt2 "gpt2" gpt_bigcode "gpt_bigcode" gpt_bigcode_with_many_key_heads "gpt_bigcode-multi-head"
    starcoder2 "starcoder2" gpt_neox "gpt_neox" bloom "bloom"
    falcon "falcon" falcon_with_two_norms "falcon-new" falcon_with_key_groups_and_one_norm "falcon-new-one-norm"
}
same! { states: bert "bert" roberta_as_a_bert "roberta" distilbert "distilbert" }
same! { decoded: t5 "t5" t5_with_gates "t5-gated" }

#[test]
fn every_file_is_tested() {
    let tests = include_str!("gguf_families.rs");
    for file in std::fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let tested = name.strip_suffix(".gguf").is_none_or(|name| tests.contains(&format!("\"{name}\"")));
        assert!(tested, "{name}");
    }
}
