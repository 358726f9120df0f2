//! Models written and opened again.

use crate::reference::open;
use candle_core::{DType, Tensor};
use glassbox::Model;

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_gpt2_model_written_in_hugging_faces_form_says_the_same_to_the_bit() {
    for name in ["gpt2-tiny", "gpt2-untied"] {
        let model = open(name);
        let folder = std::env::temp_dir().join(format!("glassbox-saving-{}-{name}", std::process::id()));
        let again = |dtype: DType| {
            model.save_hugging_face(&folder, dtype).unwrap();
            Model::open(folder.to_str().unwrap()).unwrap()
        };
        let logits = |model: &Model| values(&model.forward([1u32, 5, 2, 7, 3]).unwrap());
        let expected = logits(&model);
        assert_eq!(logits(&again(DType::F32)), expected, "{name}");
        assert_eq!(again(DType::F32).config(), model.config());
        let half = logits(&again(DType::F16));
        let apart = half.iter().zip(&expected).map(|(half, whole)| (half - whole).abs()).fold(0.0, f32::max);
        assert!(apart > 0.0 && apart < 0.05, "{name}: {apart}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_model_of_another_form_is_refused_with_what_differs() {
    let error = open("llama-mha").save_hugging_face("nowhere", DType::F32).unwrap_err().to_string();
    assert!(error.contains("llama") && error.contains("is RmsNorm where GPT-2 has LayerNorm;"), "{error}");
    assert!(!error.contains("  ") && !error.contains(",`"), "{error}");
    assert!(open("gpt2-tiny").save_hugging_face("nowhere", DType::F64).unwrap_err().to_string().contains("F64"));
}
