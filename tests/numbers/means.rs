//! Means over the tokens of all texts, and what broadcast values leave behind.

use crate::reference::{difference, open};
use candle_core::{DType, IndexOp, Tensor};
use glassbox::{
    Model,
    hook::{Site, Sites, mean, replace},
    text::{Padding, Tokens},
};

const TEXTS: [&[u32]; 3] = [&[7, 3, 11, 2, 12], &[5], &[9, 9, 10]];

fn batch(model: &Model, side: Padding) -> Tokens {
    model.tokens(TEXTS.map(<[u32]>::to_vec)).unwrap().padded(side)
}

/// The rows of all tokens, `[token, ..]`, from runs of each text alone.
fn rows(model: &Model, site: Site) -> Tensor {
    let alone = TEXTS.map(|ids| model.run(ids.to_vec()).unwrap().cache().get(site).unwrap().i(0).unwrap());
    Tensor::cat(&alone, 0).unwrap()
}

#[test]
fn a_mean_is_over_every_token_of_every_text_and_no_padding() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "families/bert", "families/bloom"] {
        let model = open(name);
        for site in [Site::z(0), Site::attn_out(0), Site::mlp_post(0)] {
            let expected = rows(&model, site).mean_keepdim(0).unwrap();
            for side in [Padding::Left, Padding::Right] {
                let tokens = batch(&model, side);
                let run = model.run_with(&tokens, [mean(site)]).unwrap();
                for text in 0..TEXTS.len() {
                    for at in tokens.real(text) {
                        let got = run.cache().get(site).unwrap().i((text, at..at + 1)).unwrap();
                        assert!(difference(&got, &expected) < 1e-5, "{name} {site} {side:?} {text} {at}");
                    }
                }
                // The rest of the pass sees just that.
                let value = replace(site, expected.unsqueeze(0).unwrap());
                let replaced = model.run_with(&tokens, [value]).unwrap();
                for (text, real) in (0..TEXTS.len()).map(|text| (text, tokens.real(text))) {
                    let part = |run: &glassbox::model::Run| run.resid().i((text, real.clone())).unwrap();
                    assert!(difference(&part(&run), &part(&replaced)) < 1e-4, "{name} {site} {side:?} {text}");
                }
            }
        }
    }
}

#[test]
fn a_narrowed_mean_is_over_what_it_is_narrowed_to() {
    let model = open("gpt2-tiny");
    let site = Site::z(0);
    let tokens = batch(&model, Padding::Left);
    let whole = model.run(&tokens).unwrap().cache().get(site).unwrap();
    // Position 3 of five: text 1 has padding there.
    let run = model.run_with(&tokens, [mean(site).position(3).head(1)]).unwrap();
    let got = run.cache().get(site).unwrap();
    let expected = ((whole.i((0, 3, 1)).unwrap() + whole.i((2, 3, 1)).unwrap()).unwrap() / 2.0).unwrap();
    for text in [0, 2] {
        assert!(difference(&got.i((text, 3, 1)).unwrap(), &expected) < 1e-6);
        assert_eq!(difference(&got.i((text, 3, 0)).unwrap(), &whole.i((text, 3, 0)).unwrap()), 0.0);
        assert_eq!(difference(&got.i((text, 4)).unwrap(), &whole.i((text, 4)).unwrap()), 0.0);
    }
    // Padding alone has no mean, and is left as it is.
    let run = model.run_with(&tokens, [mean(site).position(3).text(1)]).unwrap();
    assert_eq!(difference(&run.cache().get(site).unwrap(), &whole), 0.0);
}

#[test]
fn the_encoder_has_a_mean_over_what_it_reads() {
    let model = open("families/t5");
    let (sources, site) = (vec![vec![5u32, 6, 7, 8], vec![9, 10]], Site::attn_out(0).in_encoder());
    let alone = |ids: &Vec<u32>| model.run(ids.clone()).unwrap().cache().get(site).unwrap().i(0).unwrap();
    let expected = Tensor::cat(&sources.iter().map(alone).collect::<Vec<_>>(), 0).unwrap().mean(0).unwrap();
    let targets = vec![vec![0u32, 3, 4, 5, 6], vec![0, 7, 8, 9, 10]];
    let run = model.pass(&sources).unwrap().decoder_input(&targets).unwrap().record(site).intervene([mean(site)]);
    let got = run.run().unwrap().cache().get(site).unwrap().i((1, 1)).unwrap();
    assert!(difference(&got, &expected) < 1e-5);
}

#[test]
fn scores_and_patterns_have_no_mean_over_positions() {
    let model = open("gpt2-tiny");
    for site in [Site::attn_scores(0), Site::pattern(1)] {
        let error = model.run_with([1, 2, 3], [mean(site)]).unwrap_err().to_string();
        assert!(error.contains(&format!("`{site}`")) && error.contains("replace"), "{error}");
    }
}

#[test]
fn what_a_broadcast_value_leaves_can_be_recorded_at_some_positions_and_everywhere() {
    let model = open("gpt2-tiny");
    let number = Tensor::new(0.5f32, &candle_core::Device::Cpu).unwrap();
    let blocks = Sites::filter(|site| !site.is_gated() && site.layer().is_some());
    for site in model.sites().into_iter().filter(|site| !matches!(site.to_string().as_str(), "hook_tokens")) {
        let has_mean = !site.axes().contains(&glassbox::axes::Axis::Query);
        let interventions = [Some(replace(site, number.clone())), has_mean.then(|| mean(site))];
        for one in interventions.into_iter().flatten() {
            let pass = model.pass([1, 2, 3]).unwrap().record(blocks.clone()).record(site).positions([-1]);
            let run = pass.intervene([one.clone()]).run().unwrap_or_else(|error| panic!("{one:?}: {error}"));
            let got = run.cache().get(site).unwrap();
            assert!(got.is_contiguous() && got.dtype() == DType::F32, "{one:?}");
        }
    }
}
