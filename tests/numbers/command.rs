//! The program `glassbox`: what it says of itself, and `glassbox activations`, which writes what a run recorded.

use crate::reference::{difference, folder, open};
use candle_core::{DType, Device, Tensor};
use std::{collections::HashMap, process::Command};

fn written(name: &str, ids: &str) -> HashMap<String, Tensor> {
    let file =
        std::env::temp_dir().join(format!("glassbox-{}-{}.safetensors", std::process::id(), name.replace('/', "-")));
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    command.arg("activations").arg(folder(name)).args(["--tokens", ids, "--out"]).arg(&file);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tensors = candle_core::safetensors::load(&file, &Device::Cpu).unwrap();
    std::fs::remove_file(file).unwrap();
    tensors
}

#[test]
fn what_has_no_batch_axis_is_written_whole() {
    for (name, ids) in
        [("families/mixtral", vec![1]), ("families/mixtral", vec![3, 1, 4]), ("families/bert-model", vec![5])]
    {
        let text = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let tensors = written(name, &text);
        let model = open(name);
        let run = model.pass(ids).unwrap().record(model.sites()).run().unwrap();
        assert_eq!(tensors.contains_key("logits"), model.config().heads.unembed, "{name}");
        for (site, value) in run.cache().iter() {
            let same = difference(&tensors[&site.to_string()], &value.to_dtype(DType::F32).unwrap());
            assert_eq!(same, 0.0, "{name}: {site}");
        }
    }
}

#[test]
fn the_help_names_every_recipe() {
    let output = Command::new(env!("CARGO_BIN_EXE_glassbox")).arg("help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for recipe in glassbox::train::recipes() {
        let listed = help.lines().any(|line| line.contains("Recipes:") && line.contains(recipe));
        assert!(listed, "{recipe} is not in the help:\n{help}");
    }
}
