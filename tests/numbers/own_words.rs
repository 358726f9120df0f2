//! What is given in a wrong shape or type is refused in words of our own, whatever made the error.

use candle_core::{DType, Device, Tensor};
use glassbox::{
    Error, Model, Result,
    circuits::FactoredMatrix,
    fourier::Fourier,
    hook::edit_gradient,
    patching::Metric,
    prelude::*,
    steering::Direction,
    train::{Training, recipe},
};
use std::{env, process::Command};

const AT: &str = "blocks.0.hook_resid_pre";
const TEXT: &str = "red fox blue owl";

fn of(shape: &[usize], dtype: DType) -> Tensor {
    Tensor::zeros(shape, dtype, &Device::Cpu).unwrap()
}

/// Each wrong call, and words that its sentence has.
fn refused() -> Result<Vec<(&'static str, Error, &'static [&'static str])>> {
    let model = Model::open("induction-2l")?;
    let run = model.run(TEXT)?;
    let (narrow, wide) = (of(&[1, 5, 3], DType::F32), of(&[1, 5, 64], DType::F64));
    let direction = |width: usize| Direction::new(Site::resid_pre(0), &Tensor::ones(width, DType::F32, &Device::Cpu)?);
    let with = |one: Intervention| model.run_with(TEXT, [one]).unwrap_err();
    let metric =
        |measure: fn(&Tensor) -> candle_core::Result<Tensor>| Metric::custom("mine", measure).of(&run).unwrap_err();
    let gradient = |measure: fn(&Tensor) -> candle_core::Result<Tensor>, edits: Vec<Intervention>| {
        let pass = model.pass(TEXT)?.intervene(edits).differentiate([Site::z(1)], measure);
        Ok::<Error, Error>(pass.run().unwrap_err())
    };
    let training = Training::start(recipe("induction")?)?;
    let weights = training.parameters();
    let matrix = FactoredMatrix::new(of(&[4, 2], DType::F32), of(&[2, 4], DType::F32))?;
    Ok(vec![
        ("unembed, shape", model.unembed(&narrow).unwrap_err(), &["64", "[1, 5, 3]"]),
        ("unembed, no axis", model.unembed(of(&[], DType::F32)).unwrap_err(), &["64", "[]"]),
        ("unembed, type", model.unembed(&wide).unwrap_err(), &["f64", "f32"]),
        ("start, type", model.pass(TEXT)?.start_at_layer(1, &wide).run().unwrap_err(), &["f64", "layer 1"]),
        ("start, shape", model.pass(TEXT)?.start_at_layer(1, &narrow).run().unwrap_err(), &["[1, 5, 3]", "[1, 5, 64]"]),
        ("cosine", direction(3)?.cosine(&direction(4)?).unwrap_err(), &["3 wide", "4"]),
        ("project", direction(3)?.project(&run).unwrap_err(), &["3 wide", "64"]),
        ("project a pattern", direction(5)?.at(Site::pattern(0)).project(&run).unwrap_err(), &["hook_pattern"]),
        ("set, shape", weights.set("unembed.W_U", &narrow).unwrap_err(), &["unembed.W_U", "[1, 5, 3]"]),
        (
            "set, type",
            weights.set("unembed.W_U", &weights.get("unembed.W_U")?.to_dtype(DType::F64)?).unwrap_err(),
            &["f64"],
        ),
        ("set, NaN", weights.set("unembed.W_U", &(weights.get("unembed.W_U")? / 0.0)?).unwrap_err(), &["finite"]),
        ("head twice", with(zero(Site::z(0)).head(0).head(1)), &["hook_z", "head", "twice"]),
        ("replace, type", with(replace(Site::resid_pre(0), wide.clone())), &[AT, "f64"]),
        ("add, shape", with(add(Site::resid_pre(0), narrow.clone())), &[AT, "[1, 5, 3]"]),
        ("edit, shape", with(edit(Site::resid_pre(0), |x| x.sum(2))), &[AT, "[1, 5]"]),
        ("edit, type", with(edit(Site::resid_pre(0), |x| x.to_dtype(DType::F64))), &[AT, "f64"]),
        ("edit, axis", with(edit(Site::resid_pre(0), |x| x.sum(7))), &[AT, "[1, 5, 64]", "axis 7"]),
        (
            "edit, own words",
            with(edit(Site::resid_pre(0), |_| Err(candle_core::Error::msg("my own words")))),
            &[AT, "my own words"],
        ),
        ("metric, axis", metric(|logits| logits.sum(9)), &["`mine`", "[1, 374]", "axis 9"]),
        ("metric, shape", metric(|logits| logits.sum(0)), &["`mine`", "[1, 374]", "[374]", "[1]"]),
        ("metric, type", metric(|logits| logits.argmax(1)), &["`mine`", "u32"]),
        ("differentiate, axis", gradient(|logits| logits.sum(9), vec![])?, &["differentiate", "[1, 5, 374]"]),
        ("differentiate, shape", gradient(|logits| logits.sum(0), vec![])?, &["one number"]),
        (
            "edit_gradient",
            gradient(|logits| logits.sum_all(), vec![edit_gradient(Site::attn_out(1), |x| x.sum(9))])?,
            &["edit_gradient", "blocks.1.hook_attn_out", "axis 9"],
        ),
        (
            "direct effect",
            run.decompose(Site::resid_post(1))?.project(of(&[3], DType::F32)).unwrap_err(),
            &["[64]", "[3]"],
        ),
        ("rows", matrix.rows(std::ops::Range { start: 2, end: 1 }).unwrap_err(), &["2..1", "empty", "0 to 4"]),
        ("columns", matrix.columns(1..9).unwrap_err(), &["1..9", "0 to 4"]),
        ("one number too few", with(edit(Site::resid_pre(0), |x| x.narrow(1, 4, 2))), &[AT, "4..6", "axis 1"]),
        ("stack", run.stack_activation(|at| [Site::z(0), Site::resid_post(1)][at]).unwrap_err(), &["4 axes", "5"]),
        ("matvec", matrix.matvec(of(&[3], DType::F64)).unwrap_err(), &["[3]"]),
        ("waves", Fourier::new(7)?.circle(of(&[7], DType::F32), 1).unwrap_err(), &["[7]"]),
        ("spectrum", Fourier::new(7)?.spectrum(of(&[3], DType::F32)).unwrap_err(), &["[3]", "7"]),
        ("ablate", ablate_direction(Site::resid_pre(0), &narrow).unwrap_err(), &["[1, 5, 3]"]),
        ("activation", glassbox::Activation::Relu.apply(&wide).unwrap_err(), &["f64"]),
    ])
}

/// Backtraces are taken or not for a whole process, so this one is run again with them.
#[test]
fn no_error_shows_the_tensor_library() {
    if env::var("RUST_BACKTRACE").as_deref() != Ok("1") {
        let again = ["own_words::no_error_shows_the_tensor_library", "--exact", "--nocapture"];
        let child = Command::new(env::current_exe().unwrap()).args(again).env("RUST_BACKTRACE", "1").output().unwrap();
        let said = [child.stdout, child.stderr].concat();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&said));
        return;
    }
    for (name, error, words) in refused().unwrap() {
        for said in [error.to_string(), format!("{error:?}")] {
            let foreign = ["\n", "dim:", "dimension", "lhs", "backtrace", "candle", "Err(", " { ", "dtype:"];
            assert!(!foreign.iter().any(|word| said.contains(word)), "{name}: {said}");
            assert!(words.iter().all(|word| said.contains(word)), "{name}: {said}");
        }
        assert!(std::error::Error::source(&error).is_none(), "{name}");
    }
}
