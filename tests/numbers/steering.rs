//! Directions: what they are, and what adding them and taking them out does.

use crate::reference::{difference, expected, external, folder, open, token_ids};
use candle_core::{D, DType, Device, Tensor};
use glassbox::{
    Model,
    hook::{Site, ablate_direction},
    load::{Checkpoint, Settings, Weights},
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
            let direction = Direction::between(&model, site, -1, padded, &away).unwrap();
            let last = |ids: &Vec<u32>| {
                let run = model.run(ids.clone()).unwrap();
                run.cache().get(site).unwrap().get(0).unwrap().get(ids.len() - 1).unwrap()
            };
            let mean = ((last(&towards[0]) + last(&towards[1])).unwrap() / 2.0).unwrap();
            assert!(difference(&direction.vector(), &(mean - last(&away[0])).unwrap()) < 1e-5, "{name}");
        }
    }
}

#[test]
fn adding_moves_a_run_along_and_ablating_leaves_nothing_along() {
    let model = open("gpt2-tiny");
    let site = Site::resid_pre(1);
    let direction = Direction::between(&model, site, -1, [3, 1, 4], [1, 5, 9]).unwrap();
    let plain = direction.project(model.run([2, 6, 5]).unwrap()).unwrap();
    let pushed = direction.project(model.run_with([2, 6, 5], [direction.unit().unwrap().add(2.5).unwrap()]).unwrap());
    (&pushed.unwrap() - &plain).iter().for_each(|moved| assert!((moved - 2.5).abs() < 1e-4));
    let without = model.run_with([2, 6, 5], [direction.ablate().unwrap()]).unwrap();
    assert!(direction.project(&without).unwrap().iter().all(|along| along.abs() < 1e-4));
    assert!((direction.cosine(&direction.at(Site::resid_post(0))).unwrap() - 1.0).abs() < 1e-5);

    let nowhere = model.hooked(direction.ablate_everywhere(&model).unwrap()).run([2, 6, 5]).unwrap();
    for site in [Site::resid_pre(0), Site::attn_out(1), Site::mlp_out(0), Site::resid_post(1)] {
        let along = nowhere.cache().get(site).unwrap().broadcast_mul(&direction.unit().unwrap().vector()).unwrap();
        let most = along.sum(D::Minus1).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(most < 1e-4, "{site}: {most}");
    }
}

/// T5 with fewer layers in its decoder than in its encoder.
fn t5() -> Model {
    let mut checkpoint = Checkpoint::from_folder(folder("families/t5")).unwrap();
    let config = std::fs::read_to_string(folder("families/t5").join("config.json")).unwrap();
    let (from, to) = ("\"num_decoder_layers\": 2", "\"num_decoder_layers\": 1");
    checkpoint.settings = Settings::parse(&config.replacen(from, to, 1)).unwrap();
    let tensors = expected("families/t5", "model.safetensors").into_iter();
    checkpoint.weights = Weights::from_tensors(tensors.filter(|(name, _)| !name.starts_with("decoder.block.1.")));
    Model::from_checkpoint(checkpoint).unwrap()
}

#[test]
fn a_direction_of_the_encoder_is_read_at_the_encoders_tokens() {
    let model = open("families/t5");
    let (towards, away) = (vec![vec![5u32, 6, 7, 8], vec![9, 10]], vec![vec![11u32, 12, 13]]);
    let site = Site::resid_post(0).in_encoder();
    let at = |ids: &Vec<u32>, position: usize| {
        model.run(ids.clone()).unwrap().cache().get(site).unwrap().get(0).unwrap().get(position).unwrap()
    };
    for side in [Padding::Left, Padding::Right] {
        let padded = model.tokens(&towards).unwrap().padded(side);
        let last = Direction::between(&model, site, -1, &padded, &away).unwrap();
        let mean = ((at(&towards[0], 3) + at(&towards[1], 1)).unwrap() / 2.0).unwrap();
        assert!(difference(&last.vector(), &(mean - at(&away[0], 2)).unwrap()) < 1e-5, "{side}");
    }
    let second = Direction::between(&model, site, 1, &towards[..1], &away).unwrap();
    assert!(difference(&second.vector(), &(at(&towards[0], 1) - at(&away[0], 1)).unwrap()) < 1e-5);
    let error = Direction::between(&model, site, 3, &towards[..1], &away).unwrap_err().to_string();
    assert!(error.contains("position 3"), "{error}");
    // The decoder read its starting token alone.
    let error = Direction::between(&model, Site::resid_post(0).in_decoder(), 1, &towards, &away).unwrap_err();
    assert!(error.is_out_of_range(), "{error}");
}

#[test]
fn a_direction_taken_out_everywhere_is_nowhere_in_the_stream_of_its_stack() {
    let cases =
        ["gpt2-tiny", "llama-gqa-tied", "families/gptj", "families/gemma2", "families/olmo2", "families/granite"];
    let mut models: Vec<Model> = cases.into_iter().map(open).collect();
    models.push(t5());
    for model in models {
        let stacks: &[fn(Site) -> Site] = match model.config().encoder {
            None => &[|site| site],
            Some(_) => &[Site::in_encoder, Site::in_decoder],
        };
        for stack in stacks {
            let values: Vec<f32> = (0..model.config().d_model).map(|at| (at as f32 * 1.7).sin()).collect();
            let vector = Tensor::new(values, &Device::Cpu).unwrap();
            let direction = Direction::new(stack(Site::resid_post(0)), &vector).unwrap().unit().unwrap();
            let plain = model.run([2, 6, 5]).unwrap();
            let without = model.run_with([2, 6, 5], direction.ablate_everywhere(&model).unwrap()).unwrap();
            let name = &model.config().family;
            let stream = |site: &&Site| {
                let name = site.to_string();
                site.stack() == stack(Site::z(0)).stack() && site.layer().is_some() && name.contains(".hook_resid_")
            };
            let mut seen = 0;
            for &site in model.sites().iter().filter(stream) {
                let most = |run| {
                    let along = direction.at(site).project(run).unwrap();
                    along.iter().fold(0f32, |most, along| most.max(along.abs()))
                };
                assert!(most(&plain) > 1e-3, "{name} {site}");
                assert!(most(&without) < 1e-3 * most(&plain).max(1.0), "{name} {site}: {}", most(&without));
                seen += 1;
            }
            assert!(seen >= 2 * model.config().n_layers, "{name}");
        }
    }
    for name in ["families/bert", "families/albert"] {
        let model = open(name);
        let ones = Tensor::ones(model.config().d_model, DType::F32, &Device::Cpu).unwrap();
        let error = Direction::new(Site::resid_post(0), &ones).unwrap().ablate_everywhere(&model).unwrap_err();
        assert!(error.to_string().contains("are applied to the stream"), "{error}");
    }
    let ones = Tensor::ones(16, DType::F32, &Device::Cpu).unwrap();
    let error = Direction::new(Site::resid_post(0), &ones).unwrap().ablate_everywhere(&t5()).unwrap_err();
    assert!(error.to_string().contains("`encoder` and `decoder`"), "{error}");
}

#[test]
fn a_direction_may_be_of_any_floating_point_type() {
    let model = open("gpt2-tiny");
    let values: Vec<f32> = (0..model.config().d_model).map(|at| (at % 5) as f32 - 1.5).collect();
    let single = Tensor::new(values, &Device::Cpu).unwrap();
    let logits = |vector: &Tensor| {
        let direction = Direction::new(Site::resid_post(0), vector).unwrap();
        let edits = [direction.add(1.0).unwrap(), ablate_direction(Site::resid_pre(1), vector).unwrap()];
        model.run_with([2, 6, 5], edits).unwrap().logits().unwrap()
    };
    for dtype in [DType::F64, DType::F16, DType::BF16] {
        assert_eq!(difference(&logits(&single.to_dtype(dtype).unwrap()), &logits(&single)), 0.0, "{dtype:?}");
    }
}

#[test]
fn steering_changes_what_is_generated() {
    let model = Model::open("induction-2l").unwrap();
    let (owl, others) = (["fox owl red fox", "blue owl tree blue"], ["fox ant red fox", "blue cat tree blue"]);
    let direction = Direction::between(&model, Site::resid_post(1), -1, owl, others).unwrap();
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
    let direction = Direction::between(&model, Site::resid_post(0), 0, [3, 1, 4], [1, 5, 9]).unwrap();
    let last = Metric::logit(&model, [7, 9], 2).unwrap();
    let prompts = [vec![2u32, 6, 5], vec![3, 5, 8]];
    for metric in [last.clone().at(1).unwrap(), last.clone().at_each([2, 1]).unwrap(), last] {
        let curve = direction.dose(&model, &prompts, [-2.0, 0.0, 4.0], &metric).unwrap();
        assert_eq!((curve.values().dim(), curve.strengths()), ((3, 2), vec![-2.0, 0.0, 4.0]));
        assert!((curve.mean()[1] - curve.untouched()).abs() < 1e-6);
        for (row, strength) in [(0, -2.0), (2, 4.0)] {
            let run = model.run_with(&prompts, [direction.add(strength).unwrap()]).unwrap();
            for (got, expected) in curve.values().row(row).iter().zip(metric.of(&run).unwrap()) {
                assert!((got - expected).abs() < 1e-5);
            }
        }
        assert!(curve.html().contains("strength") && curve.html().contains("untouched"));
    }
}

#[test]
fn directions_that_point_nowhere_are_refused_with_the_reason() {
    let model = open("gpt2-tiny");
    let site = Site::resid_post(0);
    let vector = |width: usize, value: f32| Tensor::full(value, width, &Device::Cpu).unwrap();
    let curve = Direction::new(site, vector(16, 1.0)).unwrap();
    let metric = Metric::logit(&model, 1, 1).unwrap();
    let ablated = |width| model.run_with([1, 2], [ablate_direction(site, vector(width, 1.0)).unwrap()]).err().unwrap();
    for (error, words) in [
        (Direction::new(site, vector(4, 0.0)).unwrap_err(), "length 0; give a vector"),
        (Direction::between(&model, site, -1, [1, 2], [1, 2]).unwrap_err(), "finite length above 0"),
        (Direction::between(&model, Site::z(0), -1, [1, 2], [1, 3]).unwrap_err(), "does not have one vector"),
        (Direction::between(&model, site, 5, [1, 2], [1, 3]).unwrap_err(), "position 5"),
        (ablated(3), "[3] where"),
        (curve.dose(&model, [1, 2], [], &metric).unwrap_err(), "at least one strength"),
        (Direction::new(site, vector(3, 1.0)).unwrap().ablate_everywhere(&model).unwrap_err(), "3 wide"),
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
    let direction = Direction::between(&model, Site::resid_post(15), -1, towards, away).unwrap();
    let metric = Metric::logit_diff(&model, " great", " terrible", 1).unwrap();
    let curve = direction.dose(&model, "I went to the cinema, and the film was", [-2.0, 0.0, 2.0], &metric).unwrap();
    let mean = curve.mean();
    println!("great less terrible: {mean:?}");
    assert!(mean[0] < mean[1] && mean[1] < mean[2], "{mean:?}");
}

#[test]
fn a_direction_has_a_length_however_small_or_large_its_numbers_are() {
    let model = open("gpt2-tiny");
    let site = Site::resid_post(0);
    let of = |number: f32| Tensor::full(number, model.config().d_model, &Device::Cpu).unwrap();
    let one = Direction::new(site, of(1.0)).unwrap();
    let ablated =
        |direction: &Direction| model.run_with([5u32, 0, 3], [direction.ablate().unwrap()]).unwrap().logits().unwrap();
    for number in [1e-30, 1e-20, 1e20, 1e30] {
        let direction = Direction::new(site, of(number)).unwrap();
        assert!((direction.norm() / one.norm() / number - 1.0).abs() < 1e-5, "{number}: {}", direction.norm());
        assert!((direction.cosine(&one).unwrap() - 1.0).abs() < 1e-5, "{number}");
        assert!(difference(&ablated(&direction), &ablated(&one)) < 1e-5, "{number}");
    }
    for number in [0.0, f32::NAN, f32::INFINITY] {
        let said = Direction::new(site, of(number)).unwrap_err().to_string();
        assert!(said.contains("finite length above 0"), "{said}");
    }
}
