//! Readings by head where query heads share key heads: key heads are repeated for the reader.

use crate::{
    paths::experiment,
    reference::{external, open, run_everything},
};
use glassbox::{
    Model,
    circuits::{
        Composition, HeadValues, Writes, compare_heads, composition_scores, copying_scores, full_ov, full_qk,
        head_scores, label_heads, map_heads, matching_scores, ov_circuit, prefix_matching_scores, qk_circuit,
        svd_reading,
    },
    hook::Site,
    notebook::Show,
    patching::{HeadPart, Metric, PatchSweep, Patching, clean},
    text::Padding,
};
use ndarray::{Array2, Axis};

const NAMES: [&str; 2] = ["llama-gqa-tied", "llama-gqa-untied"];

fn sizes(model: &Model) -> (usize, usize, usize) {
    let config = model.config();
    assert!(config.n_heads > config.n_key_value_heads);
    (config.n_layers, config.n_heads, config.n_key_value_heads)
}

/// Every query head has its own key head's number.
fn is_repeated(numbers: &Array2<f32>, by_key_head: &Array2<f32>) {
    let shared = numbers.ncols() / by_key_head.ncols();
    for ((layer, head), value) in numbers.indexed_iter() {
        assert_eq!(*value, by_key_head[[layer, head / shared]], "L{layer}H{head}");
    }
}

fn held_against_one_another(patching: &Patching, heads: (usize, usize, usize)) {
    let (layers, n_heads, key_heads) = heads;
    let [outputs, queries, keys, values, _] = patching.every_head_part().unwrap().try_into().unwrap();
    assert_eq!(values.mean().shape(), [layers, key_heads], "a cell is a key head");
    for sweep in [&keys, &values] {
        let numbers = sweep.per_head().unwrap();
        assert_eq!(numbers.dim(), (layers, n_heads));
        is_repeated(&numbers, &sweep.mean().per_head().unwrap());
        compare_heads(("output", &outputs), ("theirs", sweep)).unwrap().draw().unwrap();
        // Numbers that were taken out of the maps, too.
        compare_heads(("theirs", sweep.mean()), ("output", outputs.mean())).unwrap().draw().unwrap();
        map_heads([("output", outputs.mean()), ("theirs", sweep.mean())]).unwrap().draw().unwrap();
        map_heads([("output", &outputs), ("theirs", sweep)]).unwrap().draw().unwrap();
        assert_eq!(outputs.agreement(sweep).unwrap().cells().len(), layers * n_heads);
        assert_eq!(
            sweep.agreement(sweep).unwrap().cells().len(),
            layers * key_heads,
            "of one kind nothing is repeated"
        );
    }
    assert_eq!(outputs.ungrouped(), outputs);
    let together = vec![outputs, queries, keys, values].html();
    assert_eq!(together.matches("<svg").count(), 1, "all parts of heads lie on the same axes");
}

#[test]
fn keys_and_values_are_held_against_outputs_head_by_head() {
    for name in NAMES {
        let model = open(name);
        held_against_one_another(&experiment(&model, name, Padding::Left), sizes(&model));
    }
}

#[test]
fn a_repeated_map_is_the_map_of_key_heads_by_every_metric_and_at_every_position() {
    let model = open("llama-gqa-tied");
    let (layers, heads, key_heads) = sizes(&model);
    let patching = experiment(&model, "llama-gqa-tied", Padding::Left);
    let patching = patching.also(Metric::probability(&model, [7, 9], 2).unwrap()).unwrap();
    let by_position = |part| patching.heads_by_position(part).unwrap();
    let (grouped, outputs) = (by_position(HeadPart::Value), by_position(HeadPart::Out));
    let wide = grouped.ungrouped();
    assert_eq!(wide.axes(), ["layer", "position", "head"]);
    for (grouped, wide) in
        [(&grouped, &wide), (&grouped.for_metric("probability").unwrap(), &wide.for_metric("probability").unwrap())]
    {
        for head in 0..heads {
            let of = |map: &PatchSweep, head| map.values().index_axis(Axis(2), head).to_owned();
            assert_eq!(of(wide, head), of(grouped, head / (heads / key_heads)));
        }
    }
    assert_eq!(outputs.agreement(&grouped).unwrap().cells().len(), layers * patching.corrupt().len() * heads);
    let own = patching.sweep("own", [patching.layer_axis(), patching.key_head_axis("head")], |at| {
        [clean(Site::v(at[0])).head(at[1])]
    });
    assert_eq!(own.unwrap().per_head().unwrap().dim(), (layers, heads));
    let error = patching.resid_pre().unwrap().per_head().unwrap_err().to_string();
    assert!(error.contains(r#"["layer", "position"]"#) && error.contains("Patching::heads"), "{error}");
}

#[test]
fn attribution_says_of_key_heads_what_exact_patching_has_cells_for() {
    for name in NAMES {
        let model = open(name);
        let (layers, heads, key_heads) = sizes(&model);
        let patching = experiment(&model, name, Padding::Left);
        for part in [HeadPart::Key, HeadPart::Value] {
            let (exact, quick) = (patching.heads(part).unwrap(), patching.attribution().unwrap().heads(part).unwrap());
            assert_eq!(exact.agreement(&quick).unwrap().cells().len(), layers * key_heads);
            assert_eq!(quick.per_head().unwrap().dim(), (layers, heads));
        }
    }
}

/// Every reading that lists heads has a row for each query head.
fn read(model: &Model, run: &glassbox::model::Run) {
    let (layers, heads, _) = sizes(model);
    let all = (layers, heads);
    let last = (layers - 1, heads - 1);
    assert_eq!(head_scores(run).unwrap().induction.dim(), all);
    assert_eq!(label_heads(model, 0).unwrap().scores.induction.dim(), all);
    for scores in [copying_scores(model), matching_scores(model), prefix_matching_scores(model, (0, heads - 1))] {
        assert_eq!(scores.unwrap().dim(), all);
    }
    for composition in [Composition::Q, Composition::K, Composition::V] {
        let scores = composition_scores(model, composition).unwrap();
        assert_eq!(scores.read_by(last).unwrap().dim(), all);
        scores.figure().unwrap();
    }
    for circuits in [model.qk_all().unwrap(), model.ov_all().unwrap()] {
        assert_eq!(circuits.norm().unwrap().per_head().unwrap().dim(), all);
    }
    assert_eq!(full_ov(model, last).unwrap().inner(), full_qk(model, last).unwrap().inner());
    ov_circuit(model, last, [3u32, 4], [5u32, 6]).unwrap().figure().unwrap();
    qk_circuit(model, last, [3u32, 4], [5u32, 6]).unwrap().figure().unwrap();
    svd_reading(model, Writes::Head { layer: layers - 1, head: heads - 1 }, 2).unwrap();
    let stack = run.decompose_heads(Site::resid_post(layers - 1)).unwrap();
    assert_eq!(stack.labels().len(), layers * heads + 1);
    run.attention(layers - 1).unwrap();
    run.attention_head(layers - 1, heads - 1).unwrap();
    assert_eq!(model.weights().ungrouped().w_v(0).unwrap().dim(0).unwrap(), heads);
}

#[test]
fn every_reading_of_heads_has_one_for_each_query_head() {
    for name in NAMES {
        let model = open(name);
        read(&model, &run_everything(&model, &[3, 4, 5, 3, 4, 5]));
    }
}

#[test]
fn a_query_heads_circuits_are_made_of_its_key_heads_weights() {
    for name in NAMES {
        let model = open(name);
        let (_, heads, key_heads) = sizes(&model);
        let (grouped, weights) = (model.weights().w_v(1).unwrap(), model.weights().w_o(1).unwrap());
        let circuits = model.ov(1).unwrap().ab().unwrap();
        for head in 0..heads {
            let product = grouped.get(head / (heads / key_heads)).unwrap().contiguous().unwrap();
            let product = product.matmul(&weights.get(head).unwrap().contiguous().unwrap()).unwrap();
            let apart = crate::reference::difference(&circuits.get(head).unwrap(), &product);
            assert!(apart < 1e-5, "{name}, head {head}: {apart}");
        }
    }
}

#[test]
fn a_real_model_of_nine_query_heads_over_three_key_heads_is_read_head_by_head() {
    let Some(folder) = external("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let model = Model::open(folder.to_str().unwrap()).unwrap();
    let heads = sizes(&model);
    assert_eq!(heads, (30, 9, 3));
    let metric = Metric::logit_diff(&model, " Paris", " Rome", 1).unwrap();
    let (france, italy) = ("The capital of France is", "The capital of Italy is");
    let patching = Patching::new(&model, france, italy, metric).unwrap();
    let [outputs, values] = [HeadPart::Out, HeadPart::Value].map(|part| patching.heads(part).unwrap());
    compare_heads(("output", &outputs), ("value", &values)).unwrap().draw().unwrap();
    compare_heads(("output", &outputs.mean()), ("value", &values.mean())).unwrap().draw().unwrap();
}

#[test]
fn numbers_of_other_numbers_of_heads_are_still_refused() {
    let (nine, four) = (Array2::<f32>::zeros((3, 9)), Array2::<f32>::zeros((3, 4)));
    assert!(compare_heads(("a", &nine), ("b", &four)).is_err());
    assert!(map_heads([("a", &nine), ("b", &four)]).unwrap().draw().is_err());
    let three = Array2::<f32>::zeros((2, 3));
    assert!(compare_heads(("a", &nine), ("b", &three)).is_err(), "of as many layers only");
}
