use glassbox::load::Checkpoint;
use safetensors::Dtype;

use super::support::*;

#[test]
fn a_whole_folder_gives_settings_weights_and_tokenizer() {
    let folder = whole_folder();
    let checkpoint = Checkpoint::open(folder.path().to_str().unwrap()).unwrap();
    assert_eq!(checkpoint.settings.model_type().unwrap(), "gpt2");
    assert_eq!(checkpoint.weights.names(), ["h.0.ln_1.weight", "wte.weight"]);
    assert_eq!(values(&checkpoint.weights.get("wte.weight", &[2, 2]).unwrap()), [1., 2., 3., 4.]);
    assert!(folder.path().ends_with(&checkpoint.name));
    let tokenizer = checkpoint.tokenizer.unwrap();
    assert_eq!(tokenizer.encode("the keys").unwrap().ids, [1, 2]);
    assert_eq!(tokenizer.bos(), Some(0));
    assert_eq!(tokenizer.eos(), None, "50256 is not in a vocabulary of 4 words");
}

#[test]
fn every_floating_point_type_is_read_as_f32_and_others_only_when_asked_for() {
    let half = |bits: [u16; 2]| bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<_>>();
    let double = [1.5f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let folder = Folder::new();
    folder.write("config.json", "{}");
    folder.write(
        "model.safetensors",
        safetensors(&[
            ("f32", Dtype::F32, &[2], f32s(&[1.5, -2.0])),
            ("f64", Dtype::F64, &[2], double),
            ("f16", Dtype::F16, &[2], half([0x3e00, 0xc000])),
            ("bf16", Dtype::BF16, &[2], half([0x3fc0, 0xc000])),
            ("position_ids", Dtype::I64, &[1], vec![0; 8]),
            ("attn.bias", Dtype::U8, &[1], vec![1]),
        ]),
    );
    let weights = Checkpoint::from_folder(folder.path()).unwrap().weights;
    for name in ["f32", "f64", "f16", "bf16"] {
        assert_eq!(values(&weights.get(name, &[2]).unwrap()), [1.5, -2.0], "{name}");
    }
    assert_eq!(weights.unused(), ["attn.bias", "position_ids"]);
    assert!(weights.refuse_unused("bert", &["attn.bias", "position_ids"]).is_ok());
    refused(weights.get("position_ids", &[1]), &["`position_ids`", "I64", "BF16"]);
}

#[test]
fn a_tensor_that_is_missing_of_another_shape_or_not_finite_is_refused_by_name() {
    let folder = whole_folder();
    let bytes = safetensors(&[
        ("transformer.wte.weight", Dtype::F32, &[3], f32s(&[1., f32::NAN, f32::INFINITY])),
        ("transformer.h.0.ln_1.weight", Dtype::F32, &[2], f32s(&[5., 6.])),
    ]);
    folder.write("model.safetensors", bytes);
    let weights = Checkpoint::from_folder(folder.path()).unwrap().weights.with_optional_prefix("transformer.");
    refused(weights.get("h.0.ln_2.weight", &[2]), &["`h.0.ln_2.weight`", "`h.0.ln_1.weight`"]);
    refused(weights.get("h.0.ln_1.weight", &[3]), &["`transformer.h.0.ln_1.weight`", "[2]", "[3]"]);
    refused(weights.get("wte.weight", &[3]), &["`transformer.wte.weight`", "2 in all", "not finite"]);
}

#[test]
fn what_is_not_there_is_said_with_what_should_be() {
    let folder = whole_folder();
    refused(Checkpoint::from_folder(folder.file("nothing")), &["nothing", "not found", "check the path"]);
    refused(Checkpoint::from_folder(folder.file("config.json")), &["config.json", "a file, not a folder"]);

    std::fs::rename(folder.file("model.safetensors"), folder.file("pytorch_model.bin")).unwrap();
    refused(Checkpoint::from_folder(folder.path()), &["model.safetensors", "pytorch_model.bin", "save_pretrained"]);
    for name in ["model_final.pth", "model.pt", "attn_only.bin", "last.ckpt"] {
        let folder = whole_folder();
        std::fs::rename(folder.file("model.safetensors"), folder.file(name)).unwrap();
        folder.write("training_args.bin", "");
        let opened = Checkpoint::from_folder(folder.path());
        refused(opened, &[name, "a pickle", &format!("torch.load(\"{name}\""), "save_file", "model.safetensors"]);
    }
    std::fs::rename(folder.file("pytorch_model.bin"), folder.file("training_args.bin")).unwrap();
    refused(Checkpoint::from_folder(folder.path()), &["model.safetensors", "model.safetensors.index.json"]);
    std::fs::remove_file(folder.file("config.json")).unwrap();
    refused(Checkpoint::from_folder(folder.path()), &["config.json", "not found"]);
}

#[test]
fn a_damaged_file_is_named_with_the_reason() {
    let whole = two_tensors();
    for cut in [0, 4, 8, 20, whole.len() - 17, whole.len() - 1] {
        let folder = whole_folder();
        folder.write("model.safetensors", &whole[..cut]);
        refused(Checkpoint::from_folder(folder.path()), &["model.safetensors", "cannot be read as a safetensors file"]);
    }
    let folder = whole_folder();
    folder.write("model.safetensors", [&[0xff; 8], &whole[8..]].concat());
    refused(Checkpoint::from_folder(folder.path()), &["model.safetensors", "its header claims to have"]);

    for (file, what) in [("config.json", "a JSON object"), ("tokenizer.json", "a tokenizer")] {
        let folder = whole_folder();
        let text = std::fs::read_to_string(folder.file(file)).unwrap();
        folder.write(file, &text[..text.len() / 2]);
        refused(Checkpoint::from_folder(folder.path()), &[file, what, "column"]);
    }
}

/// The same two tensors in a file each.
fn sharded(index: &str) -> Folder {
    let folder = whole_folder();
    std::fs::remove_file(folder.file("model.safetensors")).unwrap();
    let one = safetensors(&[("wte.weight", Dtype::F32, &[2, 2], f32s(&[1., 2., 3., 4.]))]);
    folder.write("model-00001-of-00002.safetensors", one);
    let two = safetensors(&[("h.0.ln_1.weight", Dtype::F32, &[2], f32s(&[5., 6.]))]);
    folder.write("model-00002-of-00002.safetensors", two);
    folder.write("model.safetensors.index.json", index);
    folder
}

const INDEX: &str = r#"{"metadata": {"total_size": 24}, "weight_map": {
    "wte.weight": "model-00001-of-00002.safetensors", "h.0.ln_1.weight": "model-00002-of-00002.safetensors"}}"#;

#[test]
fn a_model_in_parts_is_one_model() {
    let folder = sharded(INDEX);
    let weights = Checkpoint::from_folder(folder.path()).unwrap().weights;
    assert_eq!(values(&weights.get("wte.weight", &[2, 2]).unwrap()), [1., 2., 3., 4.]);
    assert_eq!(values(&weights.get("h.0.ln_1.weight", &[2]).unwrap()), [5., 6.]);
}

#[test]
fn an_index_that_does_not_fit_its_parts_is_refused() {
    let folder = sharded(INDEX);
    std::fs::remove_file(folder.file("model-00002-of-00002.safetensors")).unwrap();
    refused(Checkpoint::from_folder(folder.path()), &["model-00002-of-00002.safetensors", "not found", "index"]);

    let swapped = INDEX.replace("00001-of", "0000X-of").replace("00002-of", "00001-of").replace("0000X", "00002");
    refused(Checkpoint::from_folder(sharded(&swapped).path()), &["00001-of-00002", "`h.0.ln_1.weight`"]);

    let outside = INDEX.replace("model-00001-of-00002", "../other/model");
    refused(Checkpoint::from_folder(sharded(&outside).path()), &["index", "not a file name"]);
    refused(Checkpoint::from_folder(sharded("{}").path()), &["model.safetensors.index.json", "weight_map"]);
    refused(Checkpoint::from_folder(sharded("{").path()), &["model.safetensors.index.json", "JSON"]);
}

#[test]
fn special_tokens_are_found_by_text_and_by_id_and_the_nearest_file_wins() {
    let folder = whole_folder();
    folder.write("special_tokens_map.json", r#"{"bos_token": {"content": "keys"}, "pad_token": {"content": "<s>"}}"#);
    folder.write("tokenizer_config.json", r#"{"bos_token": "the", "add_bos_token": true, "eos_token": null}"#);
    folder.write("generation_config.json", r#"{"eos_token_id": [2, 3, 2, 99]}"#);
    let tokenizer = Checkpoint::from_folder(folder.path()).unwrap().tokenizer.unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.pad(), tokenizer.adds_bos()), (Some(1), Some(0), true));
    assert_eq!(tokenizer.special_ids().eos, [2, 3]);
    assert_eq!(tokenizer.special_ids().unknown, ["eos_token_id = 50256", "eos_token_id = 99"]);
}

#[test]
fn a_word_that_the_vocabulary_lacks_is_named_with_its_nearest() {
    let tokenizer = Checkpoint::from_folder(whole_folder().path()).unwrap().tokenizer.unwrap();
    let error = tokenizer.encode("the cabinets").unwrap_err().to_string();
    assert!(error.contains("`cabinets`") && error.contains("`cabinet`") && error.contains("4 words"), "{error}");
}
