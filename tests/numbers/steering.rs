//! Directions: what they are, and what adding them and taking them out does.

use crate::reference::{difference, expected, external, open, token_ids};
use candle_core::{D, Device, Tensor};
use glassbox::{
    Model,
    hook::{Site, ablate_direction},
    notebook::Show,
    patching::Metric,
    steering::Direction,
    text::Padding,
};

#[test]
fn a_direction_is_the_difference_of_the_means() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "families/bert"] {
        let model = open(name);
        let ids = token_ids(&expected(name, "expected.safetensors"));
        let (towards, away) = (vec![ids[..5].to_vec(), ids[2..5].to_vec()], vec![ids[3..6].to_vec()]);
        let site = Site::resid_post(1);
        for side in [Padding::Left, Padding::Right] {
            let padded = model.tokens(&towards).unwrap().padded(side);
            let direction = Direction::between(&model, padded, &away, site, -1).unwrap();
            let last = |ids: &Vec<u32>| {
                let run = model.run(ids.clone()).unwrap();
                run.cache().get(site).unwrap().get(0).unwrap().get(ids.len() - 1).unwrap()
            };
            let mean = ((last(&towards[0]) + last(&towards[1])).unwrap() / 2.0).unwrap();
            assert!(difference(direction.vector(), &(mean - last(&away[0])).unwrap()) < 1e-5, "{name}");
        }
    }
}

#[test]
fn adding_moves_a_run_along_and_ablating_leaves_nothing_along() {
    let model = open("gpt2-tiny");
    let site = Site::resid_pre(1);
    let direction = Direction::between(&model, [3, 1, 4], [1, 5, 9], site, -1).unwrap();
    let plain = direction.project(&model.run([2, 6, 5]).unwrap()).unwrap();
    let pushed = direction.project(&model.run_with([2, 6, 5], [direction.unit().unwrap().add(2.5).unwrap()]).unwrap());
    (&pushed.unwrap() - &plain).iter().for_each(|moved| assert!((moved - 2.5).abs() < 1e-4));
    let without = model.run_with([2, 6, 5], [direction.ablate().unwrap()]).unwrap();
    assert!(direction.project(&without).unwrap().iter().all(|along| along.abs() < 1e-4));
    assert!((direction.cosine(&direction.at(Site::resid_post(0))).unwrap() - 1.0).abs() < 1e-5);

    let nowhere = model.hooked(direction.ablate_everywhere(&model).unwrap()).run([2, 6, 5]).unwrap();
    for site in [Site::resid_pre(0), Site::attn_out(1), Site::mlp_out(0), Site::resid_post(1)] {
        let along = nowhere.cache().get(site).unwrap().broadcast_mul(direction.unit().unwrap().vector()).unwrap();
        let most = along.sum(D::Minus1).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(most < 1e-4, "{site}: {most}");
    }
}

#[test]
fn steering_changes_what_is_generated() {
    let model = Model::open("induction-2l").unwrap();
    let (owl, others) = (["fox owl red fox", "blue owl tree blue"], ["fox ant red fox", "blue cat tree blue"]);
    let direction = Direction::between(&model, owl, others, Site::resid_post(1), -1).unwrap();
    let said = |strength: f64| {
        let steered = model.hooked([direction.add(strength).unwrap()]);
        steered.generate("hat sun dog hat").unwrap().max_new_tokens(2).greedy().run().unwrap().continuations().concat()
    };
    assert!(!said(0.0).contains("owl"), "{}", said(0.0));
    assert!(said(3.0).contains("owl"), "{}", said(3.0));
}

#[test]
fn a_dose_curve_has_the_metric_of_every_prompt_at_every_strength() {
    let model = open("gpt2-tiny");
    let direction = Direction::between(&model, [3, 1, 4], [1, 5, 9], Site::resid_post(0), 0).unwrap();
    let metric = Metric::logit(&model, [7, 9], 2).unwrap();
    let prompts = [vec![2u32, 6, 5], vec![3, 5, 8]];
    let curve = direction.dose(&model, &prompts, [-2.0, 0.0, 4.0], &metric).unwrap();
    assert_eq!(curve.values().dim(), (3, 2));
    assert!((curve.mean()[1] - curve.untouched()).abs() < 1e-6);
    for (row, strength) in [(0, -2.0), (2, 4.0)] {
        let run = model.run_with(&prompts, [direction.add(strength).unwrap()]).unwrap();
        for (got, expected) in curve.values().row(row).iter().zip(metric.of(&run).unwrap()) {
            assert!((got - expected).abs() < 1e-5);
        }
    }
    assert!(curve.html().contains("strength") && curve.html().contains("untouched"));
}

#[test]
fn directions_that_point_nowhere_are_refused_with_the_reason() {
    let model = open("gpt2-tiny");
    let site = Site::resid_post(0);
    let vector = |width: usize, value: f32| Tensor::full(value, width, &Device::Cpu).unwrap();
    let curve = Direction::new(site, &vector(16, 1.0)).unwrap();
    let metric = Metric::logit(&model, 1, 1).unwrap();
    let ablated = |width| model.run_with([1, 2], [ablate_direction(site, &vector(width, 1.0)).unwrap()]).err().unwrap();
    for (error, words) in [
        (Direction::new(site, &vector(4, 0.0)).unwrap_err(), "length 0, which points nowhere"),
        (Direction::between(&model, [1, 2], [1, 2], site, -1).unwrap_err(), "points nowhere"),
        (Direction::between(&model, [1, 2], [1, 3], Site::z(0), -1).unwrap_err(), "no single vector"),
        (Direction::between(&model, [1, 2], [1, 3], site, 5).unwrap_err(), "position 5"),
        (ablated(3), "[3] where"),
        (curve.dose(&model, [1, 2], [], &metric).unwrap_err(), "at least one strength"),
        (Direction::new(site, &vector(3, 1.0)).unwrap().ablate_everywhere(&model).unwrap_err(), "3 wide"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_real_model_is_made_glad_and_sad() {
    let Some(folder) = external("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let model = Model::open(folder.to_str().unwrap()).unwrap();
    let towards = ["I feel wonderful, today is great", "What a lovely happy day, I am delighted"];
    let away = ["I feel terrible, today is awful", "What a horrible sad day, I am miserable"];
    let direction = Direction::between(&model, towards, away, Site::resid_post(15), -1).unwrap();
    let metric = Metric::logit_diff(&model, " great", " terrible", 1).unwrap();
    let curve = direction.dose(&model, "I went to the cinema, and the film was", [-2.0, 0.0, 2.0], &metric).unwrap();
    let mean = curve.mean();
    println!("great less terrible: {mean:?}");
    assert!(mean[0] < mean[1] && mean[1] < mean[2], "{mean:?}");
}
