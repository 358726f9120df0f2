//! Files that change while they are read, that contradict each other, and that announce more than they hold.

use super::support::*;
use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType,
        gguf_file::{Content, Value},
    },
};
use glassbox::{
    Model,
    load::{Checkpoint, Weights},
};
use safetensors::Dtype;
use std::{fs, path::PathBuf};

fn reference(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

/// A copy of a folder of `tests/reference`, or of a file there.
fn copy(name: &str, files: &[&str]) -> Folder {
    let folder = Folder::new();
    files.iter().for_each(|file| drop(folder.write(file, fs::read(reference(name).join(file)).unwrap())));
    folder
}

fn shorten(path: PathBuf, by: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len().saturating_sub(by)).unwrap();
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_an_error_and_no_crash() {
    for by in [1, 4096, u64::MAX] {
        let folder = copy("gpt2-tiny", &["config.json", "model.safetensors"]);
        let checkpoint = Checkpoint::from_folder(folder.path()).unwrap();
        shorten(folder.file("model.safetensors"), by);
        refused(Model::from_checkpoint(checkpoint), &["model.safetensors", "became shorter while it was read"]);

        let folder = copy("gguf", &["llama.gguf"]);
        let checkpoint = Checkpoint::from_gguf(folder.file("llama.gguf")).unwrap();
        shorten(folder.file("llama.gguf"), by);
        refused(Model::from_checkpoint(checkpoint), &["llama.gguf", "became shorter while it was read"]);
    }
}

/// A safetensors file with this header and as many bytes after it.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn a_damaged_safetensors_file_says_so_in_our_words_and_to_download_it_again() {
    let tensor =
        |start: usize, end: usize| format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":[{start},{end}]}}}}"#);
    let (whole, hole) = (tensor(0, 8), tensor(4, 12));
    let one = |start: usize| format!(r#""a":{{"dtype":"F32","shape":[2],"data_offsets":[{start},{}]}}"#, start + 8);
    let twice = format!("{{{},{}}}", one(0), one(8));
    let endless = r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    for (bytes, part) in [
        (with_header(&whole, 7), "its last tensor at byte"),
        (with_header(&whole, 9), "1 bytes follow its last tensor"),
        (with_header(&hole, 12), "without a gap"),
        (with_header(&tensor(0, 12), 12), "without a gap"),
        (with_header(&tensor(8, 0), 8), "without a gap"),
        (with_header(&twice, 16), "without a gap"),
        (with_header(endless, 0), "without a gap"),
        (with_header(r#"{"a":[1]}"#, 0), "which type, shape and place"),
        (with_header("{", 0), "its header is not valid JSON at line 1, column 1"),
        (with_header(&whole, 8)[..20].to_vec(), "its header at byte"),
        (vec![0xff; 32], "its header claims to have 18446744073709551615 bytes"),
        (vec![1, 2, 3], "it has 3 bytes"),
    ] {
        let folder = Folder::new();
        folder.write("config.json", "{}");
        folder.write("model.safetensors", bytes);
        let opened = Checkpoint::from_folder(folder.path());
        refused(opened, &["model.safetensors", "cannot be read as a safetensors file", part, "download it again"]);
    }
}

const INDEX: &str = r#"{"weight_map": {"wte.weight": "model-00001-of-00002.safetensors",
    "h.0.ln_1.weight": "model-00002-of-00002.safetensors"}}"#;

/// The two tensors of `whole_folder` in a part each; beside it what is asked for.
fn in_parts(second: &[f32], single: Option<Vec<u8>>) -> Folder {
    let folder = Folder::new();
    let wte = ("wte.weight", Dtype::F32, &[2, 2][..], f32s(&[1., 2., 3., 4.]));
    let norm = ("h.0.ln_1.weight", Dtype::F32, &[2][..], f32s(second));
    folder.write("config.json", r#"{"model_type": "gpt2"}"#);
    folder.write("model-00001-of-00002.safetensors", safetensors(&[wte]));
    folder.write("model-00002-of-00002.safetensors", safetensors(&[norm]));
    folder.write("model.safetensors.index.json", INDEX);
    single.map(|bytes| folder.write("model.safetensors", bytes));
    folder
}

#[test]
fn a_file_beside_an_index_must_hold_what_its_parts_hold() {
    let open = |folder: &Folder| Checkpoint::from_folder(folder.path());
    assert_eq!(open(&in_parts(&[5., 6.], Some(two_tensors()))).unwrap().weights.names().len(), 2);
    let both = ["model.safetensors", "model.safetensors.index.json beside it", "remove one or the other"];
    let less = safetensors(&[("wte.weight", Dtype::F32, &[2, 2], f32s(&[1., 2., 3., 4.]))]);
    for (folder, part) in [
        (in_parts(&[5., 7.], Some(two_tensors())), "`h.0.ln_1.weight`"),
        (in_parts(&[5., 6.], Some(less)), "`h.0.ln_1.weight`"),
        (in_parts(&[5., 6.], Some(two_tensors()[..40].to_vec())), "download it again"),
    ] {
        refused(open(&folder), &[both[0], both[1], both[2], part]);
    }
    // What an index says of parts that are gone is nothing.
    let folder = whole_folder();
    folder.write("model.safetensors.index.json", INDEX);
    assert!(open(&folder).is_ok());
}

#[test]
fn parts_must_agree_and_all_be_named() {
    let open = |folder: &Folder| Checkpoint::from_folder(folder.path());
    let folder = in_parts(&[5., 6.], None);
    let part = |norm: &[f32]| {
        safetensors(&[
            ("wte.weight", Dtype::F32, &[2, 2], f32s(&[1., 2., 3., 4.])),
            ("h.0.ln_1.weight", Dtype::F32, &[2], f32s(norm)),
        ])
    };
    folder.write("model-00001-of-00002.safetensors", part(&[5., 6.]));
    assert!(open(&folder).is_ok(), "the same twice");
    folder.write("model-00001-of-00002.safetensors", part(&[5., 7.]));
    refused(open(&folder), &["model-00002-of-00002", "`h.0.ln_1.weight`", "differs", "model-00001-of-00002"]);

    let folder = in_parts(&[5., 6.], None);
    folder.write("model-00001-of-00005.safetensors", two_tensors());
    assert!(open(&folder).is_ok(), "of another series");
    folder.write("model-00003-of-00002.safetensors", two_tensors());
    refused(open(&folder), &["model-00003-of-00002.safetensors", "does not name it"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_named_and_not_taken_for_absent() {
    use std::os::unix::fs::symlink;
    for (name, to) in [("model.safetensors", "gone"), ("config.json", "config.json"), ("tokenizer.json", "/nowhere")] {
        let folder = whole_folder();
        fs::remove_file(folder.file(name)).unwrap();
        symlink(to, folder.file(name)).unwrap();
        refused(Checkpoint::from_folder(folder.path()), &[name, "a broken link"]);
    }
    let folder = whole_folder();
    fs::remove_file(folder.file("model.safetensors")).unwrap();
    fs::create_dir(folder.file("model.safetensors")).unwrap();
    refused(Checkpoint::from_folder(folder.path()), &["model.safetensors", "is not a file"]);
}

#[test]
fn a_value_that_is_no_number_is_blamed_on_where_it_came_from() {
    let nan = Tensor::new(&[1f32, f32::NAN], &Device::Cpu).unwrap();
    let error = Weights::from_tensors([("w", nan)]).get("w", &[2]).unwrap_err().to_string();
    assert!(
        error.contains("`w`") && error.contains("did not come from a file") && !error.contains("damaged"),
        "{error}"
    );
    let folder = whole_folder();
    folder.write("model.safetensors", safetensors(&[("w", Dtype::F32, &[2], f32s(&[1., f32::NAN]))]));
    let weights = Checkpoint::from_folder(folder.path()).unwrap().weights;
    refused(weights.get("w", &[2]), &["`w`", "not finite", "model.safetensors is damaged"]);
}

#[test]
fn layers_that_no_model_has_are_refused_before_they_are_made() {
    for key in ["num_hidden_layers", "num_hidden_groups"] {
        let folder = copy("families/albert", &["config.json", "model.safetensors"]);
        let mut config: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.file("config.json")).unwrap()).unwrap();
        config[key] = (1u64 << 24).into();
        folder.write("config.json", config.to_string());
        refused(Model::open(folder.path().to_str().unwrap()), &["16777216"]);
    }
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// The bytes of a GGUF, by hand: keys with their types and values, then tensors with nothing behind them.
fn by_hand(counts: [u64; 2], entries: &[Vec<u8>]) -> Vec<u8> {
    let [tensors, keys] = counts.map(u64::to_le_bytes);
    [b"GGUF".to_vec(), 3u32.to_le_bytes().to_vec(), tensors.to_vec(), keys.to_vec(), entries.concat()].concat()
}

#[test]
fn what_a_gguf_announces_is_held_against_it_before_anything_is_made() {
    let key = |name: &str, value: &[u8]| [text(name), value.to_vec()].concat();
    let list = |kind: u32, len: u64| [9u32.to_le_bytes().as_slice(), &kind.to_le_bytes(), &len.to_le_bytes()].concat();
    let flag = [7u32.to_le_bytes().as_slice(), &[1]].concat();
    let tensor = [text("t"), [1u32.to_le_bytes().as_slice(), &1u64.to_le_bytes(), &[0; 12]].concat()].concat();
    let mut bytes = [list(0, 1 << 24), vec![0; 1 << 24]].concat();
    for (bytes, part) in [
        (by_hand([0, 1], &[key("many", &bytes)]), "its lists have over 8388608 values"),
        (by_hand([0, 1], &[key("many", &list(0, u64::MAX / 2))]), "entries are announced"),
        (by_hand([0, 2], &[key("a", &flag), key("a", &flag)]), "it says `a` twice"),
        (by_hand([2, 0], &[tensor.clone(), tensor.clone()]), "it holds two tensors `t`"),
        (by_hand([1 << 40, 0], &[tensor]), "entries are announced"),
        (by_hand([1 << 21, 0], &[std::mem::take(&mut bytes)]), "no model has more than"),
    ] {
        let folder = Folder::new();
        refused(Checkpoint::from_gguf(folder.write("odd.gguf", bytes)), &["odd.gguf", part]);
    }
}

#[test]
fn a_tensor_of_no_values_ends_at_once() {
    let mut metadata = llama_metadata();
    metadata.retain(|(key, _)| *key != "llama.vocab_size");
    let folder = Folder::new();
    let whole = gguf(&metadata, &[("blk.0.attn_q.weight", counting(&[4, 32]), GgmlDType::F32)]);
    // The shape is written before the type and the place: [32, 4] becomes [0, 2^60].
    let at = whole.windows(19).position(|bytes| bytes == b"blk.0.attn_q.weight").unwrap() + 19 + 4;
    let mut changed = whole.clone();
    changed[at..at + 16].copy_from_slice(&[0u64.to_le_bytes(), (1u64 << 60).to_le_bytes()].concat());
    let checkpoint = Checkpoint::from_gguf(folder.write("odd.gguf", changed)).unwrap();
    let name = "model.layers.0.self_attn.q_proj.weight";
    let shape = checkpoint.weights.shape(name).unwrap().to_vec();
    assert_eq!(values(&checkpoint.weights.get(name, &shape).unwrap()), [0f32; 0]);
}

/// A GGUF of `tests/reference` with an unembedding made of its embedding.
fn with_output(name: &str, output: impl Fn(&Tensor) -> Tensor) -> Model {
    let mut file = fs::File::open(reference("gguf").join(name)).unwrap();
    let content = Content::read(&mut file).unwrap();
    let metadata: Vec<(&str, Value)> =
        content.metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let mut tensors: Vec<(&str, Tensor, GgmlDType)> = Vec::new();
    for name in content.tensor_infos.keys() {
        let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap();
        let (whole, dtype) = (tensor.dequantize(&Device::Cpu).unwrap(), tensor.dtype());
        if name == "token_embd.weight" {
            tensors.push(("output.weight", output(&whole), dtype));
        }
        tensors.push((name.as_str(), whole, dtype));
    }
    let folder = Folder::new();
    Model::open(folder.write("with-output.gguf", gguf(&metadata, &tensors)).to_str().unwrap()).unwrap()
}

#[test]
fn an_output_of_a_gguf_that_is_its_embedding_changes_nothing_and_another_is_used() {
    for name in ["t5.gguf", "gemma.gguf", "gpt2.gguf"] {
        let plain = Model::open(reference("gguf").join(name).to_str().unwrap()).unwrap();
        let ids = vec![5u32, 4, 3];
        let expected = values(&plain.forward(ids.clone()).unwrap());
        let twice = with_output(name, Tensor::clone);
        assert_eq!(values(&twice.forward(ids.clone()).unwrap()), expected, "{name}");
        assert_eq!(twice.config(), plain.config(), "{name}");
        if name != "t5.gguf" {
            let double = with_output(name, |table| (table * 2.0).unwrap());
            let doubled = values(&double.forward(ids).unwrap());
            let near = |(got, once): (&f32, &f32)| (got - 2.0 * once).abs() < 1e-3 * (1.0 + once.abs());
            assert!(doubled.iter().zip(&expected).all(near) && !double.config().tied, "{name}");
        }
    }
}
