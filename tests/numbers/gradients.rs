//! Gradients of a logit difference against PyTorch's, and against central differences.

use crate::reference::{difference, expected, open, token_ids};
use candle_core::{DType, Device, Tensor, Var};
use glassbox::{
    Model,
    hook::{Site, add, edit},
};

fn logit_difference(a: usize, b: usize) -> impl Fn(&Tensor) -> candle_core::Result<Tensor> + Send + Sync + 'static {
    move |logits| {
        let last = logits.get(0)?.get(logits.dim(1)? - 1)?;
        last.get(a)? - last.get(b)?
    }
}

#[test]
fn gradients_agree_with_pytorch_at_every_site() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny"] {
        let model = open(name);
        let ids = token_ids(&expected(name, "expected.safetensors"));
        let gradients = expected(name, "gradients.safetensors");
        let answers: Vec<u32> = gradients["answers"].to_dtype(DType::U32).unwrap().to_vec1().unwrap();
        let names = gradients.keys().filter(|name| name.contains("hook_"));
        let sites: Vec<Site> = names.map(|name| name.parse().unwrap()).collect();
        assert!(sites.len() > 10);
        let metric = logit_difference(answers[0] as usize, answers[1] as usize);
        let run = model.pass(ids).unwrap().differentiate(sites.clone(), metric).run().unwrap();
        for site in sites {
            let expected = &gradients[&site.to_string()];
            let scale = expected.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            let difference = difference(&run.gradients().unwrap().get(site).unwrap(), expected);
            assert!(difference <= 1e-4 * scale.max(1e-3), "{name} {site}: {difference:e} of {scale:e}");
        }
    }
}

/// The metric after moving the residual stream at `site` by `step` along `direction`.
fn moved(model: &Model, ids: &[u32], site: Site, direction: &Tensor, step: f64) -> f64 {
    let push = add(site, (direction * step).unwrap());
    let run = model.pass(ids.to_vec()).unwrap().intervene([push]).run().unwrap();
    logit_difference(3, 7)(&run.logits().unwrap()).unwrap().to_scalar::<f32>().unwrap() as f64
}

#[test]
fn gradients_at_every_residual_site_agree_with_central_differences() {
    let families = ["gemma2", "olmo-clip", "olmo2", "mixtral", "granite", "cohere-qk-norm", "phi3-longrope-long"];
    let families = families.map(|case| format!("families/{case}"));
    for name in ["gpt2-tiny", "llama-gqa-untied"].into_iter().chain(families.iter().map(String::as_str)) {
        let model = open(name);
        let ids = token_ids(&expected(name, "expected.safetensors"));
        let sites: Vec<_> = model.sites().into_iter().filter(|site| site.to_string().contains("hook_resid_")).collect();
        let run = model.pass(ids.clone()).unwrap().differentiate(sites.clone(), logit_difference(3, 7)).run().unwrap();
        for site in sites {
            let gradient = run.gradients().unwrap().get(site).unwrap();
            // Along the gradient itself the slope is its length, so rounding matters least.
            let length = gradient.sqr().unwrap().sum_all().unwrap().sqrt().unwrap().to_scalar::<f32>().unwrap() as f64;
            let direction = (gradient / length).unwrap();
            // Small enough for curvature, large enough for float32.
            let step = (0.02 / length).min(1e-2);
            let slope = (moved(&model, &ids, site, &direction, step) - moved(&model, &ids, site, &direction, -step))
                / (2.0 * step);
            assert!(
                (slope - length).abs() <= 1e-3 * length,
                "{name} {site}: {slope} by differences, {length} by gradient"
            );
        }
    }
}

#[test]
fn one_backward_gives_what_many_would() {
    let model = open("gpt2-tiny");
    let all = model.sites().into_iter().filter(|site| !site.is_gated()).collect::<Vec<_>>();
    let ids = vec![5u32, 9, 2, 40];
    let together = model.pass(ids.clone()).unwrap().differentiate(all.clone(), logit_difference(1, 2)).run().unwrap();
    for site in all {
        let alone = model.pass(ids.clone()).unwrap().differentiate(site, logit_difference(1, 2)).run().unwrap();
        let difference = difference(
            &together.gradients().unwrap().get(site).unwrap(),
            &alone.gradients().unwrap().get(site).unwrap(),
        );
        assert!(difference < 1e-6, "{site}: {difference:e}");
    }
}

#[test]
fn what_is_differentiated_is_bit_for_bit_what_is_recorded() {
    let model = open("llama-gqa-tied");
    let ids = vec![5u32, 9, 2, 40];
    let plain = model.run(&ids).unwrap();
    let tracked = model
        .pass(&ids)
        .unwrap()
        .record(plain.cache().sites())
        .differentiate(Site::resid_pre(0), logit_difference(1, 2))
        .run()
        .unwrap();
    for (site, value) in plain.cache().iter() {
        assert_eq!(difference(&value, &tracked.cache().get(site).unwrap()), 0.0, "{site}");
    }
}

#[test]
fn a_variable_that_a_closure_holds_has_the_gradient_of_central_differences() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "families/gemma2"] {
        let (model, ids) = (open(name), vec![3u32, 1, 4, 1, 5]);
        let width = model.config().d_model;
        let start = Tensor::randn(0f32, 0.1, width, &Device::Cpu).unwrap();
        let scale = Var::from_tensor(&start).unwrap();
        let held = scale.clone();
        let scaled = edit(Site::resid_pre(1), move |x| x.broadcast_mul(&(held.as_tensor() + 1.0)?)).position(-1);
        let pass = || model.pass(&ids).unwrap().intervene(&scaled);
        let run = pass().differentiate(Site::resid_pre(1), logit_difference(3, 7)).run().unwrap();
        let gradient = run.gradient_of(&scale).unwrap();
        assert_eq!(gradient.dims(), [width]);
        // Along the gradient itself, where what differences show is largest.
        let way = (&gradient
            / gradient.sqr().unwrap().sum_all().unwrap().sqrt().unwrap().to_scalar::<f32>().unwrap() as f64)
            .unwrap();
        let at = |step: f64| {
            scale.set(&(&start + (&way * step).unwrap()).unwrap()).unwrap();
            let run = pass().run().unwrap();
            logit_difference(3, 7)(&run.logits().unwrap()).unwrap().to_scalar::<f32>().unwrap() as f64
        };
        let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
        let expected = (&gradient * &way).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap() as f64;
        assert!((slope - expected).abs() < 1e-2 * (1.0 + expected.abs()), "{name}: {slope} {expected}");
        let other = Var::zeros(3, DType::F32, &Device::Cpu).unwrap();
        assert!(run.gradient_of(&other).unwrap_err().to_string().contains("does not depend on this variable"));
        assert!(pass().run().unwrap().gradient_of(&scale).is_err(), "nothing was differentiated");
    }
}
