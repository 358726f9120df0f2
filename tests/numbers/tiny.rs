//! Random tiny checkpoints against TransformerLens 3.5.1 and Hugging Face transformers, at every hook.

use crate::reference::{assert_close, expected, names, open, open_v4, run_everything, token_ids};

const TOLERANCE: f32 = 1e-4;

/// What TransformerLens 3.5.1 has no hook for.
const OURS_ALONE: [&str; 2] = ["unembed.hook_in", "unembed.hook_out"];

fn agrees_at_every_hook(name: &str) {
    let model = open(name);
    for file in ["expected.safetensors", "expected_one_token.safetensors"] {
        let expected = expected(name, file);
        let run = run_everything(&model, &token_ids(&expected));
        let compared = assert_close(&run, &expected, TOLERANCE);
        for site in names(&model.sites()) {
            let known = compared.contains(&site) || OURS_ALONE.contains(&site.as_str());
            assert!(known, "{name}: no expected value for {site}");
        }
    }
}

macro_rules! agree_at_every_hook {
    ($($test:ident $name:literal)*) => {$(
        #[test]
        fn $test() {
            agrees_at_every_hook($name);
        }
    )*};
}

agree_at_every_hook! {
    gpt2_agrees_with_transformer_lens_at_every_hook "gpt2-tiny"
    gpt2_with_its_own_head_agrees_with_transformer_lens_at_every_hook "gpt2-untied"
    tied_grouped_query_llama_agrees_with_transformer_lens_at_every_hook "llama-gqa-tied"
    untied_grouped_query_llama_agrees_with_transformer_lens_at_every_hook "llama-gqa-untied"
    llama_with_attention_biases_agrees_at_every_hook "llama-mha"
    llama_with_mlp_biases_agrees_at_every_hook "llama-mlp-bias"
    llama_with_linear_rope_scaling_agrees_at_every_hook "llama-rope-linear"
    llama_with_llama3_rope_scaling_agrees_at_every_hook "llama-rope-llama3"
    a_solu_transformer_agrees_with_transformer_lens_at_every_hook "solu-tiny"
    a_shortformer_agrees_with_transformer_lens_at_every_hook "shortformer-tiny"
    an_attention_only_transformer_agrees_with_transformer_lens_at_every_hook "attn-only-tiny"
}

#[test]
fn configurations_of_transformers_4_and_5_give_the_same_model() {
    for name in
        ["gpt2-tiny", "gpt2-untied", "llama-gqa-tied", "llama-gqa-untied", "llama-rope-linear", "llama-rope-llama3"]
    {
        assert_eq!(open_v4(name).config(), open(name).config(), "{name}");
    }
}
