//! Finding and comparing reference values.

use candle_core::{DType, Device, Tensor};
use glassbox::{
    Model,
    hook::Site,
    model::{NormPlace, Run},
};
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
        let difference = difference(&got, value);
        assert!(difference <= tolerance, "{name} differs by {difference:e}");
        compared.push(name.clone());
    }
    compared
}

/// The names of the sites that hold float activations.
pub fn names(sites: &[Site]) -> Vec<String> {
    sites.iter().map(Site::to_string).collect()
}

/// Where a model has what a reference calls `name`.
fn site_of(name: &str, model: &Model) -> String {
    let n_layers = model.config().n_layers;
    let hf = |kind: &str| name.strip_prefix(kind).map(|index| index.parse::<usize>().unwrap());
    if let Some(layer) = hf("hf.attentions.") {
        return format!("blocks.{layer}.attn.hook_pattern");
    }
    match hf("hf.hidden_states.") {
        Some(layer) if layer < n_layers => format!("blocks.{layer}.hook_resid_pre"),
        Some(_) => "unembed.hook_in".into(),
        // Where norms stand on the sum, the reference has what leaves the block.
        None if model.config().norm_place == NormPlace::Post => {
            name.replace("hook_resid_post", "hook_normalized_resid_post")
        }
        // In a layer that turns nothing the reference has what would be turned.
        None if name.contains("hook_rot_") && !model.has(name) => name.replace("rot_", ""),
        None => name.into(),
    }
}

/// The rows of an expert's reference, which has first the tokens that rank it first, in the order of the tokens.
fn by_token(name: &str, value: &Tensor, expected: &BTreeMap<String, Tensor>) -> Tensor {
    let Some((layer, rest)) = name.split_once("experts.") else { return value.clone() };
    let expert: i64 = rest.split('.').next().unwrap().parse().unwrap();
    let chosen = &expected[&format!("{layer}hook_expert_indices")];
    let chosen: Vec<Vec<i64>> = chosen.to_dtype(DType::I64).unwrap().to_vec2().unwrap();
    let rank = |row: &Vec<i64>| row.iter().position(|&one| one == expert);
    let mut rows: Vec<(usize, usize)> =
        chosen.iter().enumerate().filter_map(|(token, row)| Some((rank(row)?, token))).collect();
    rows.sort();
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    order.sort_by_key(|&row| rows[row as usize].1);
    value.index_select(&Tensor::new(order, &Device::Cpu).unwrap(), 0).unwrap()
}

/// Holds everything that a family's reference has against the model: logits, Hugging Face's residual streams and
/// patterns, every hook. Sites that the reference lacks must end as one of `unseen` does.
pub fn agrees_with_family_reference(case: &str, unseen: &[&str]) {
    let folder = format!("families/{case}");
    let (model, expected) = (open(&folder), expected(&folder, "expected.safetensors"));
    let run = run_everything(&model, &token_ids(&expected));
    let mut compared = Vec::new();
    let projected = |name: &str, value: &Tensor| {
        name.starts_with("hf.hidden") && value.dims().last() != Some(&model.config().d_model)
    };
    let told = |(name, value): &(&String, &Tensor)| *name != "tokens" && !projected(name, value);
    for (name, value) in expected.iter().filter(told) {
        let site = site_of(name, &model);
        let got = match name.as_str() {
            "logits" => run.logits().unwrap(),
            _ => run.cache().get(site.as_str()).unwrap(),
        };
        let got = if got.rank() > value.rank() { got.squeeze(0).unwrap() } else { got.clone() };
        // A norm over all heads has one scale for them, and its result lies in a row.
        let value = match (name.contains("_norm.") && got.rank() > value.rank(), value.dims().last()) {
            (true, Some(1)) => value.unsqueeze(1).unwrap().broadcast_as(got.dims()).unwrap(),
            (true, _) => value.reshape(got.dims()).unwrap(),
            _ => by_token(name, value, &expected),
        };
        assert_eq!(got.dims(), value.dims(), "{case}: shape of {name}");
        let difference = difference(&got, &value);
        let tolerance = if name == "logits" || site == "unembed.hook_out" { 1e-3 } else { 1e-4 };
        assert!(difference <= tolerance, "{case}: {name} differs by {difference:e}");
        compared.push(site);
    }
    let missing: Vec<_> = names(&model.sites()).into_iter().filter(|site| !compared.contains(site)).collect();
    for site in &missing {
        assert!(unseen.iter().any(|end| site.ends_with(end)), "{case}: no expected value for {site}");
    }
    for end in unseen {
        assert!(missing.iter().any(|site| site.ends_with(end)), "{case}: {end} is seen after all");
    }
}

/// The model that transformers 4's spelling of a configuration gives.
pub fn open_v4(name: &str) -> Model {
    let at = std::env::temp_dir().join(format!("glassbox-v4-{}-{}", name.replace('/', "-"), std::process::id()));
    std::fs::create_dir_all(&at).unwrap();
    std::fs::copy(folder(name).join("config.v4.json"), at.join("config.json")).unwrap();
    std::fs::copy(folder(name).join("model.safetensors"), at.join("model.safetensors")).unwrap();
    let model = Model::open(at.to_str().unwrap());
    std::fs::remove_dir_all(&at).unwrap();
    model.unwrap()
}
