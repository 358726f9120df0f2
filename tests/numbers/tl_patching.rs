//! Maps and attributions against TransformerLens 3.5.1, on random weights always, and on GPT-2 small where it is at hand.

use crate::reference::{expected, external, open};
use candle_core::{DType, Tensor};
use glassbox::{
    Model,
    hook::Site,
    patching::{HeadPart, Metric, Patching},
    weights::Processing,
};
use ndarray::{ArrayD, IxDyn};
use std::collections::BTreeMap;

const NAMES: [&str; 3] = ["gpt2-tiny", "llama-mha", "attn-only-tiny"];

fn array(tensor: &Tensor) -> ArrayD<f32> {
    let values = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    ArrayD::from_shape_vec(IxDyn(tensor.dims()), values).unwrap()
}

fn close(what: &str, got: &ArrayD<f32>, expected: &ArrayD<f32>, tolerance: f32) {
    assert_eq!(got.shape(), expected.shape(), "shape of {what}");
    let off = (got - expected).iter().fold(0f32, |most, off| most.max(off.abs()));
    assert!(off <= tolerance, "{what} differs by {off:e}");
}

struct Prompts {
    clean: Vec<Vec<u32>>,
    corrupt: Vec<Vec<u32>>,
    answers: Vec<u32>,
    wrong: Vec<u32>,
}

impl Prompts {
    fn of(tensors: &BTreeMap<String, Tensor>) -> Self {
        let ids = |name: &str| tensors[name].to_dtype(DType::U32).unwrap();
        Self {
            clean: ids("clean").to_vec2().unwrap(),
            corrupt: ids("corrupt").to_vec2().unwrap(),
            answers: ids("answers").to_vec1().unwrap(),
            wrong: ids("wrong").to_vec1().unwrap(),
        }
    }

    fn patching(&self, model: &Model) -> Patching {
        let metric = Metric::logit_diff(model, &self.answers, &self.wrong, self.answers.len()).unwrap();
        Patching::new(model, &self.clean, &self.corrupt, metric).unwrap()
    }

    /// The numbers of the Exploratory Analysis Demo.
    fn demo(&self, model: &Model) -> BTreeMap<&'static str, ArrayD<f32>> {
        let run = model.run(&self.clean).unwrap();
        let end = Site::resid_post(model.config().n_layers - 1);
        let line = |stack: glassbox::decompose::ResidStack| {
            let attribution = stack.positions([-1]).unwrap().logit_attrs(&self.answers, &self.wrong).unwrap();
            ArrayD::from_shape_vec(IxDyn(&[stack.len()]), attribution.at_last().unwrap()).unwrap()
        };
        let heads = run.decompose_heads(end).unwrap().positions([-1]).unwrap();
        let heads = heads.logit_attrs(&self.answers, &self.wrong).unwrap().by_head().unwrap().into_dyn();
        let patching = self.patching(model);
        let map = |sweep: glassbox::Result<glassbox::patching::PatchSweep>| sweep.unwrap().normalized().unwrap();
        BTreeMap::from([
            ("logit_lens", line(run.accumulated_resid(end, true).unwrap())),
            ("per_layer", line(run.decompose(end).unwrap())),
            ("per_head_dla", heads),
            ("patch_resid_pre", map(patching.resid_pre())),
            ("patch_attn_out", map(patching.attn_out())),
            ("patch_mlp_out", map(patching.mlp_out())),
            ("patch_head_z", map(patching.heads(HeadPart::Out))),
            ("patch_head_v", map(patching.heads(HeadPart::Value))),
            ("patch_head_pattern", map(patching.heads(HeadPart::Pattern))),
        ])
    }
}

#[test]
fn every_kind_of_map_agrees_with_transformer_lens() {
    for name in NAMES {
        let (model, expected) = (open(name), expected(name, "patching.safetensors"));
        let patching = Prompts::of(&expected).patching(&model);
        let mut compared = 0;
        for (kind, value) in expected.iter().filter_map(|(key, value)| Some((key.strip_prefix("patch.")?, value))) {
            let part = |kind: &str| match kind {
                "out" => HeadPart::Out,
                "q" => HeadPart::Query,
                "k" => HeadPart::Key,
                "v" => HeadPart::Value,
                _ => HeadPart::Pattern,
            };
            let sweep = match kind.strip_prefix("attn_head_").map(|kind| kind.split_once('_').unwrap()) {
                None if kind == "resid_pre" => patching.resid_pre(),
                None if kind == "resid_mid" => patching.resid_mid(),
                None if kind == "attn_out" => patching.attn_out(),
                None => patching.mlp_out(),
                Some((_, "dest_src_pos")) => patching.pattern_entries(),
                Some((of, "all_pos")) => patching.heads(part(of)),
                Some((of, _)) => patching.heads_by_position(part(of)),
            };
            let mut got = sweep.unwrap().raw();
            // TransformerLens has the rows of patterns by layer, head, position.
            if kind == "attn_head_pattern_by_pos" {
                got.swap_axes(1, 2);
            }
            close(&format!("{name}: {kind}"), &got.as_standard_layout().to_owned(), &array(value), 1e-4);
            compared += 1;
        }
        assert_eq!(compared, if model.config().attn_only { 13 } else { 15 }, "{name}");
    }
}

#[test]
fn the_numbers_of_the_demo_agree_with_transformer_lens_on_random_weights() {
    let expected = expected("gpt2-tiny", "patching.safetensors");
    let model = open("gpt2-tiny").processed(Processing::default()).unwrap();
    for (key, got) in Prompts::of(&expected).demo(&model) {
        close(key, &got, &array(&expected[&format!("processed.{key}")]), 1e-4);
    }
}

/// Published outputs of TransformerLens's Exploratory Analysis Demo (GPT-2 small, 8 prompts).
fn published() -> BTreeMap<String, ArrayD<f32>> {
    let text = std::fs::read_to_string(crate::reference::folder("gpt2_ioi.json")).unwrap();
    let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let array = |value: &serde_json::Value| {
        let rows = value.as_array().unwrap();
        let number = |value: &serde_json::Value| value.as_f64().unwrap() as f32;
        match rows[0].as_array() {
            None => ArrayD::from_shape_vec(IxDyn(&[rows.len()]), rows.iter().map(number).collect()).unwrap(),
            Some(first) => {
                let values = rows.iter().flat_map(|row| row.as_array().unwrap().iter().map(number)).collect();
                ArrayD::from_shape_vec(IxDyn(&[rows.len(), first.len()]), values).unwrap()
            }
        }
    };
    all.iter().filter(|(_, value)| value.is_array()).map(|(key, value)| (key.clone(), array(value))).collect()
}

/// The demo's eight prompts, as text.
fn prompts(model: &Model) -> Prompts {
    let formats = [
        ("When John and Mary went to the shops, [S] gave the bag to", " Mary", " John"),
        ("When Tom and James went to the park, [S] gave the ball to", " Tom", " James"),
        ("When Dan and Sid went to the shops, [S] gave an apple to", " Dan", " Sid"),
        ("After Martin and Amy went to the park, [S] gave a drink to", " Martin", " Amy"),
    ];
    let mut prompts = Prompts { clean: vec![], corrupt: vec![], answers: vec![], wrong: vec![] };
    for (format, first, second) in formats {
        for (answer, wrong) in [(first, second), (second, first)] {
            let ids = |name: &str| model.to_tokens(format.replace(" [S]", name), true).unwrap().ids(0).to_vec();
            prompts.clean.push(ids(wrong));
            prompts.corrupt.push(ids(answer));
            prompts.answers.push(model.to_single_token(answer).unwrap());
            prompts.wrong.push(model.to_single_token(wrong).unwrap());
        }
    }
    prompts
}

fn gpt2() -> Option<Model> {
    let weights = external("GLASSBOX_GPT2", "model.safetensors")?;
    let folder = weights.parent().unwrap().to_str().unwrap();
    Some(Model::open(folder).unwrap().processed(Processing::default()).unwrap())
}

#[test]
fn gpt2_names_the_indirect_object_as_published() {
    let Some(model) = gpt2() else { return };
    let (prompts, published) = (prompts(&model), published());
    let clean = prompts.patching(&model).clean_metric().to_vec();
    for (got, expected) in clean.iter().zip([3.337, 3.202, 2.709, 3.797, 1.720, 5.281, 2.601, 5.767]) {
        assert!((got - expected).abs() < 2e-3, "{clean:?}");
    }
    for (key, got) in prompts.demo(&model) {
        close(key, &got, &published[key], 2e-3);
    }
}

#[test]
fn gpt2_has_the_heads_that_were_published() {
    use glassbox::circuits::{HeadType, head_scores, repeated_random_tokens};
    let Some(model) = gpt2() else { return };
    let scores = head_scores(model.run(repeated_random_tokens(&model, 1, 100, 2, 0).unwrap()).unwrap()).unwrap();
    let expect = [
        (HeadType::PreviousToken, vec![(4, 11)]),
        (HeadType::DuplicateToken, vec![(0, 5), (3, 0)]),
        (HeadType::Induction, vec![(5, 1), (6, 9), (5, 5), (7, 10)]),
    ];
    for (habit, heads) in expect {
        let of = scores.of(habit);
        let mut order: Vec<_> = of.indexed_iter().collect();
        order.sort_by(|a, b| b.1.total_cmp(a.1));
        let top: Vec<_> = order.iter().take(heads.len()).map(|(at, _)| *at).collect();
        assert!(heads.iter().all(|head| top.contains(head)), "{habit:?}: {top:?}");
    }
}

#[test]
fn gpt2_goes_on_with_prompts_as_published() {
    let Some(model) = gpt2() else { return };
    let test =
        model.test_prompt("After John and Mary went to the store, John gave a bottle of milk to", " Mary").unwrap();
    let step = &test.steps(0)[0];
    assert_eq!(step.rank, 1);
    assert!((step.answer.probability - 0.7007).abs() < 2e-3 && (step.answer.logit - 18.09).abs() < 1e-2);
    let text = "Claire and Mary went to the shops, then Mary gave a bottle of milk to";
    for (bos, expected) in [(true, 6.754), (false, 2.782)] {
        let run = model.run(model.to_tokens(text, bos).unwrap()).unwrap();
        let got = run.logit_diff(" Claire", " Mary", -1).unwrap();
        assert!((got - expected).abs() < 2e-3, "{bos}: {got}");
    }
    for (text, expected) in [
        ("After John and Mary went to the store, Mary gave a bottle of milk to", 4.276),
        ("After John and Mary went to the store, John gave a bottle of milk to", -2.738),
    ] {
        let got = model.run(text).unwrap().logit_diff(" John", " Mary", -1).unwrap();
        assert!((got - expected).abs() < 2e-3, "{text}: {got}");
    }
}
