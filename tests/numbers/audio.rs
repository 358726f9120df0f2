//! Log-mel spectrograms, held against Hugging Face and openai; gradients down to the samples.

use crate::reference::external;
use glassbox::{
    audio::{Audio, LogMel, Pad},
    candle_core::{Device, IndexOp, Tensor, Var},
};
use serde_json::Value;

/// What tests/reference/log_mel.py makes.
fn signal(len: u64) -> Vec<f32> {
    let mut state = 1u64;
    let sample = |t: u64| {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        let (saw, noise) = ((t * t / 64 % 2000) as f64 - 1000.0, ((state >> 16) % 1001) as f64 - 500.0);
        if (9000..12_000).contains(&t) { 0.0 } else { ((10.0 * saw + noise) / 40_000.0) as f32 }
    };
    (0..len).map(sample).collect()
}

fn cases() -> Vec<Value> {
    let text = include_str!("../reference/log_mel.json");
    serde_json::from_str::<Value>(text).unwrap()["cases"].as_array().unwrap().clone()
}

fn hold(case: &Value, audio: &Audio) {
    let pad = match case["pad"].as_str().unwrap() {
        "sound" => Pad::Sound,
        "mel" => Pad::Mel,
        _ => Pad::Nothing,
    };
    let mel = LogMel::new(case["bins"].as_u64().unwrap() as usize).unwrap().pad(pad).of(audio).unwrap();
    let shape: Vec<usize> = case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let name = format!("{} {} {}", case["sound"], case["bins"], case["pad"]);
    assert_eq!(mel.dims(), shape, "{name}");
    let got = mel.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let places = case["at"].as_array().unwrap().iter().zip(case["values"].as_array().unwrap());
    let errors =
        places.map(|(at, value)| (f64::from(got[at.as_u64().unwrap() as usize]) - value.as_f64().unwrap()).abs());
    let error = errors.fold(0.0, f64::max);
    assert!(error < 2e-5, "{name}: {error}");
    let mean = got.iter().map(|&value| f64::from(value)).sum::<f64>() / got.len() as f64;
    assert!((mean - case["mean"].as_f64().unwrap()).abs() < 1e-5, "{name}: {mean}");
}

#[test]
fn a_log_mel_spectrogram_is_that_of_hugging_face_and_of_openai() {
    for (name, len) in [("short", 24_000), ("full", 480_000)] {
        let audio = Audio::from_samples(signal(len), 16_000).unwrap();
        let of_sound = cases().into_iter().filter(|case| case["sound"] == name).collect::<Vec<_>>();
        assert!(of_sound.len() >= 2);
        of_sound.iter().for_each(|case| hold(case, &audio));
    }
}

#[test]
fn a_recording_has_the_published_log_mel_spectrogram() {
    let Some(path) = external("GLASSBOX_ASSETS", "data/audio/jfk.wav") else { return };
    let audio = Audio::open(path).unwrap();
    assert_eq!((audio.duration(), audio.source_rate(), audio.source_channels()), (11.0, 16_000, 1));
    let samples = audio.samples();
    assert_eq!((samples.len(), samples.iter().position(|&sample| sample != 0.0)), (176_000, Some(699)));
    assert_eq!(samples[16_000..16_003], [-0.021_270_752, -0.014_434_814, -0.011_413_574]);
    cases().iter().filter(|case| case["sound"] == "jfk").for_each(|case| hold(case, &audio));
    let mel = audio.log_mel(80).unwrap();
    for (bin, value) in [(0, 0.022_898), (20, 0.135_575), (40, -0.181_541), (60, -0.387_687), (79, -0.538_742)] {
        let got = mel.i((bin, 300)).unwrap().to_scalar::<f32>().unwrap();
        assert!((got - value).abs() < 2e-5, "bin {bin}: {got}");
    }
}

#[test]
fn gradients_of_a_log_mel_spectrogram_are_those_of_small_changes() {
    let samples = signal(1000);
    let mel = LogMel::new(20).unwrap().pad(Pad::Nothing);
    let weights: Vec<f32> = (0..120).map(|i| ((i * 37 % 11) as f32 - 5.0) / 5.0).collect();
    let weights = Tensor::from_vec(weights, (20, 6), &Device::Cpu).unwrap();
    let loss = |samples: &Tensor| (mel.of_samples(samples).unwrap() * &weights).unwrap().sum_all().unwrap();
    let wave = Var::new(samples.as_slice(), &Device::Cpu).unwrap();
    let grads = loss(&wave).backward().unwrap();
    let gradient = grads.get(&wave).unwrap().to_vec1::<f32>().unwrap();
    for at in [0, 3, 150, 199, 201, 500, 777, 900] {
        let moved = |by: f32| {
            let mut samples = samples.clone();
            samples[at] += by;
            f64::from(loss(&Tensor::new(samples, &Device::Cpu).unwrap()).to_scalar::<f32>().unwrap())
        };
        let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
        let error = (slope - f64::from(gradient[at])).abs();
        assert!(error < 0.02 * (1.0 + slope.abs()), "sample {at}: {slope} and {}", gradient[at]);
    }
}

#[test]
fn a_batch_of_sounds_has_the_spectrogram_of_each() {
    let (one, two) = (signal(4000), signal(4000).into_iter().map(|sample| sample * 0.1).collect::<Vec<_>>());
    let mel = LogMel::new(80).unwrap().pad(Pad::Nothing);
    let both = mel.of_samples(&Tensor::new(vec![one.clone(), two.clone()], &Device::Cpu).unwrap()).unwrap();
    assert_eq!(both.dims(), [2, 80, 25]);
    for (text, samples) in [one, two].into_iter().enumerate() {
        let alone = mel.of(Audio::from_samples(samples, 16_000).unwrap()).unwrap();
        assert_eq!(both.get(text).unwrap().to_vec2::<f32>().unwrap(), alone.to_vec2::<f32>().unwrap());
    }
}
