//! Whisper tiny.en on a recorded sentence, held against what PyTorch computed. It needs the weights and the recording.

use candle_core::Tensor;
use glassbox::{
    Model,
    audio::Audio,
    hook::{Site, Stack},
};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// The model, the recording and the values; `None` where the machine lacks them.
pub fn golden() -> Option<(Model, Audio, Value)> {
    let assets = std::env::var_os("GLASSBOX_ASSETS").map(PathBuf::from);
    let models = std::env::var_os("GLASSBOX_MODELS").map(PathBuf::from);
    let (Some(assets), Some(models)) = (assets, models) else {
        println!("skipped: GLASSBOX_ASSETS and GLASSBOX_MODELS do not name the folders with recordings and weights");
        return None;
    };
    let (folder, sound) = (models.join("whisper-tiny.en"), assets.join("data/audio/jfk.wav"));
    let values = assets.join("reference/whisper_tiny_en_jfk.json");
    if [&folder, &sound, &values].iter().any(|path| !path.exists()) {
        println!("skipped: {} or {} is missing", folder.display(), sound.display());
        return None;
    }
    let values = serde_json::from_str(&fs::read_to_string(values).unwrap()).unwrap();
    Some((Model::open(folder.to_str().unwrap()).unwrap(), Audio::open(sound).unwrap(), values))
}

fn ids(values: &Value) -> Vec<u32> {
    values.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn floats(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Our name of a hook in the values.
fn ours(name: &str) -> Site {
    let name = match name {
        "hook_tokens" | "hook_embed" | "hook_pos_embed" => format!("decoder.{name}"),
        name => name.to_owned(),
    };
    name.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares a tensor with the sampled values of one record.
fn compare(name: &str, tensor: &Tensor, record: &Value, tolerance: f64) {
    let shape: Vec<usize> = ids(&record["shape"]).into_iter().map(|size| size as usize).collect();
    let got = tensor.squeeze(0).unwrap();
    assert_eq!(got.dims(), shape, "{name}");
    let flat = got.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let rms = record["rms"].as_f64().unwrap();
    let allowed = tolerance * rms.max(1.0);
    for (at, value) in ids(&record["at"]).into_iter().zip(floats(&record["values"])) {
        let (got, value) = (f64::from(flat[at as usize]), value);
        assert!((got - value).abs() <= allowed, "{name} at {at}: {got} for {value}, allowed {allowed:e}");
    }
    let finite: Vec<f64> = flat.iter().map(|&x| f64::from(x)).filter(|x| x.is_finite()).collect();
    let mean = finite.iter().sum::<f64>() / finite.len() as f64;
    assert!((mean - record["mean"].as_f64().unwrap()).abs() <= allowed, "{name}: mean {mean}");
}

#[test]
fn every_hook_of_tiny_en_is_as_in_pytorch() {
    let Some((model, audio, values)) = golden() else { return };
    let tokens = ids(&values["forced"]["tokens"]);
    let pass = model.pass((&audio, tokens)).unwrap().record(model.sites());
    let run = pass.run().unwrap();
    let hooks = values["hooks"].as_object().unwrap();
    for (name, record) in hooks {
        compare(name, &run.cache().get(ours(name)).unwrap(), record, 1e-4);
    }
    assert_eq!(hooks.len(), 189);
    let logits = &values["forced"]["logits"];
    compare("logits", &run.logits().unwrap(), logits, 1e-3 / logits["rms"].as_f64().unwrap());
}

#[test]
fn the_scores_of_the_encoder_are_recorded_only_when_named() {
    let Some((model, audio, _)) = golden() else { return };
    let run = model.run(&audio).unwrap();
    assert!(run.cache().get(Site::pattern(0).in_encoder()).is_err());
    assert_eq!(run.cache().get(Site::cross_pattern(0).in_decoder()).unwrap().dims()[3], 1500);
    assert_eq!(model.config().stack(Stack::Encoder).unwrap().n_ctx, 1500);
}
