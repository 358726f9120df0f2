//! Finding and comparing reference values.

use candle_core::{DType, Device, Tensor};
use glassbox::{Model, hook::Site, model::Run};
use std::{collections::BTreeMap, path::PathBuf};

/// A folder of `tests/reference`.
pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

pub fn open(name: &str) -> Model {
    Model::open(folder(name).to_str().unwrap()).unwrap()
}

/// The values that `tests/reference/make_tiny.py` wrote.
pub fn expected(name: &str, file: &str) -> BTreeMap<String, Tensor> {
    candle_core::safetensors::load(folder(name).join(file), &Device::Cpu).unwrap().into_iter().collect()
}

pub fn token_ids(expected: &BTreeMap<String, Tensor>) -> Vec<u32> {
    expected["tokens"].to_dtype(DType::U32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Every site of a model's own, gated ones too.
pub fn run_everything(model: &Model, ids: &[u32]) -> Run {
    model.pass(ids.to_vec()).unwrap().record(model.sites()).run().unwrap()
}

/// A folder named by an environment variable, or `None` with a printed reason.
pub fn external(variable: &str, path: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os(variable) else {
        println!("skipped: set {variable} to a folder that has {path}");
        return None;
    };
    let path = PathBuf::from(root).join(path);
    assert!(path.exists(), "{variable} is set, but there is no {}", path.display());
    Some(path)
}

/// The largest absolute difference where both are finite; anything not finite must be so in both.
pub fn difference(got: &Tensor, expected: &Tensor) -> f32 {
    let flat = |t: &Tensor| t.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (got, expected) = (flat(got), flat(expected));
    assert_eq!(got.len(), expected.len());
    let one = |(got, expected): (&f32, &f32)| match (got.is_finite(), expected.is_finite()) {
        (true, true) => (got - expected).abs(),
        _ => {
            assert!(got == expected, "{got} where {expected} is expected");
            0.0
        }
    };
    got.iter().zip(&expected).map(one).fold(0.0, f32::max)
}

/// Holds every expected activation against the run's; returns the names that were compared.
pub fn assert_close(run: &Run, expected: &BTreeMap<String, Tensor>, tolerance: f32) -> Vec<String> {
    let mut compared = Vec::new();
    for (name, value) in expected {
        let (got, tolerance) = match name.as_str() {
            "tokens" => continue,
            "logits" => (run.logits().unwrap(), 10.0 * tolerance),
            name => (run.cache().get(name).unwrap(), tolerance),
        };
        assert_eq!(&got.dims()[1..], value.dims(), "shape of {name}");
        let difference = difference(got, value);
        assert!(difference <= tolerance, "{name} differs by {difference:e}");
        compared.push(name.clone());
    }
    compared
}

/// The names of the sites that hold float activations.
pub fn names(sites: &[Site]) -> Vec<String> {
    sites.iter().map(Site::to_string).collect()
}
