//! A model of one stack whose scores have a relative bias: blocks that a sweep runs by themselves have it too.

use super::{HeadPart, Metric, Patching, Receiver, Sender};
use crate::{
    Model,
    hook::{Intervention, Site, patch, replace},
    model::Position,
    net::parts::RelativeBias,
};
use candle_core::{Device, Tensor};

/// GPT-2's form with T5's bias in place of positions. No family is made so, and MPNet, which is, is not read.
fn model() -> Model {
    let plain = Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/gpt2-tiny")).unwrap();
    let (mut config, mut transformer) = ((*plain.config()).clone(), plain.transformer().clone());
    config.position = Position::RelativeBias { num_buckets: 8, max_distance: 16 };
    let values: Vec<f32> = (0..8 * config.n_heads).map(|at| 3.0 * (at as f32).sin()).collect();
    let table = Tensor::from_vec(values, (8, config.n_heads), &Device::Cpu).unwrap();
    transformer.last.front.tokens_mut().unwrap().positions = None;
    transformer.last.relative = Some(RelativeBias { table, max_distance: 16, bidirectional: false });
    plain.remade(config, transformer)
}

const CLEAN: [u32; 7] = [5, 9, 30, 7, 5, 9, 2];
const CORRUPT: [u32; 7] = [5, 30, 9, 8, 5, 9, 2];

/// Whose metrics are not those without the bias.
fn experiment(model: &Model) -> Patching {
    let metric = Metric::logit_diff(model, 30u32, 8u32, 1).unwrap();
    let mut none = model.transformer().clone();
    none.last.relative = None;
    let without = metric.of(model.remade((*model.config()).clone(), none).run(CORRUPT).unwrap()).unwrap()[0];
    let patching = Patching::new(model, CLEAN, CORRUPT, metric).unwrap();
    assert!((patching.corrupt_metric()[0] - without).abs() > 1e-2, "the bias does nothing here");
    patching
}

/// The metric in a whole run of the corrupt text in which this is done.
fn whole(model: &Model, edit: Intervention) -> f32 {
    let run = model.run_with(CORRUPT, [edit]).unwrap();
    Metric::logit_diff(model, 30u32, 8u32, 1).unwrap().of(&run).unwrap()[0]
}

#[test]
fn a_sweep_over_a_model_with_a_relative_bias_is_its_whole_runs() {
    let model = model();
    let patching = experiment(&model).budget(16);
    let from = model.pass(CLEAN).unwrap().record(model.sites()).run().unwrap();
    let stream = patching.resid_pre().unwrap();
    let keys = patching.heads_by_position(HeadPart::Key).unwrap();
    for layer in 0..model.config().n_layers {
        for position in 0..CLEAN.len() {
            let slow = whole(&model, patch(Site::resid_pre(layer), from.cache()).unwrap().position(position));
            assert!((stream.values()[[layer, position, 0]] - slow).abs() < 1e-4, "stream {layer} {position}");
            let slow = whole(&model, patch(Site::k(layer), from.cache()).unwrap().position(position).head(1));
            assert!((keys.values()[[layer, position, 1, 0]] - slow).abs() < 1e-4, "keys {layer} {position}");
        }
    }
}

#[test]
fn circuits_and_paths_of_a_model_with_a_relative_bias_are_its_whole_runs() {
    let model = model();
    let patching = experiment(&model);
    let scores = patching.edge_attribution().unwrap();
    let all = patching.run_circuit(&scores.circuit(scores.len())).unwrap().values()[0];
    assert!((all - patching.clean_metric()[0]).abs() < 1e-4, "{all}");
    let none = patching.run_circuit(&scores.circuit(0)).unwrap().values()[0];
    assert!((none - patching.corrupt_metric()[0]).abs() < 1e-4, "{none}");
    let stream = model.run(CLEAN).unwrap().cache().get(Site::resid_pre(0)).unwrap().unsqueeze(2).unwrap();
    for head in 0..model.config().n_heads {
        let path = patching.path(Sender::Embed, Receiver::Query { layer: 0, head }).unwrap().values()[0];
        let slow = whole(&model, replace(Site::q_input(0), stream.clone()).head(head));
        assert!((path - slow).abs() < 1e-4, "head {head}: {path} and {slow}");
    }
}
