//! Attribution patching of an encoder-decoder against central differences, and what integrated gradients add up to.

use crate::reference::open;
use glassbox::{
    Model,
    hook::{Site, replace, zero},
    input::Input,
    model::Run,
    model::ToInput,
    patching::{HeadPart, Metric, PatchSweep, Patching},
    text::Padding,
};

const CASES: [&str; 2] = ["families/t5", "families/t5-v1_1"];

/// Two prompts of different length, padded on the left, that differ in source and in what the decoder reads.
fn inputs(model: &Model) -> [Input; 2] {
    let sources =
        [[vec![5u32, 9, 30, 7, 11, 2], vec![4, 8, 19, 6, 2]], [vec![5, 17, 30, 7, 12, 2], vec![4, 8, 23, 6, 2]]];
    let targets = [[vec![0u32, 3, 14, 21], vec![0, 13, 9]], [vec![0, 16, 14, 5], vec![0, 13, 31]]];
    let left = |texts: [Vec<u32>; 2]| model.tokens(texts).unwrap().padded(Padding::Left);
    let [clean, corrupt] =
        [0, 1].map(|nth| (left(sources[nth].clone()), targets[nth].clone()).to_input(model).unwrap());
    [clean, corrupt]
}

fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [22, 3], 2).unwrap()
}

fn recorded(model: &Model, input: &Input) -> Run {
    model.pass(input).unwrap().record(model.sites()).run().unwrap()
}

/// The change of each text's metric in a cell.
fn effect(sweep: &PatchSweep, at: &[usize], text: usize) -> f32 {
    sweep.values()[&[at, &[text]].concat()[..]] - sweep.corrupt()[text]
}

#[test]
fn attribution_in_either_stack_and_across_is_the_slope_of_the_metric_by_central_differences() {
    for name in CASES {
        let model = open(name);
        let [there, here] = inputs(&model);
        let fast = Patching::new(&model, &there, &here, metric(&model)).unwrap().attribution().unwrap();
        let (clean, corrupt) = (recorded(&model, &there), recorded(&model, &here));
        let slope = |site: Site, position: usize, head: Option<usize>| {
            let value = |step: f64| {
                let (there, here) = (clean.cache().get(site).unwrap(), corrupt.cache().get(site).unwrap());
                (&here + ((there - &here).unwrap() * step).unwrap()).unwrap()
            };
            let whole = |step: f64| {
                let cell = replace(site, value(step)).position(position);
                let cell = head.map_or(cell.clone(), |head| cell.head(head));
                metric(&model).of(model.run_with(&here, [cell]).unwrap()).unwrap()
            };
            // The first T5's MLPs have kinks: on one side of one, the slope is that side's.
            let (after, now, before) = (whole(0.005), whole(0.0), whole(-0.005));
            let sides = |text: usize| {
                let (right, left) = ((after[text] - now[text]) / 0.005, (now[text] - before[text]) / 0.005);
                [(left + right) / 2.0, left, right]
            };
            (0..2).map(sides).collect::<Vec<[f32; 3]>>()
        };
        let smooth = name != CASES[0];
        let agrees = |sweep: PatchSweep, at: &[usize], slopes: Vec<[f32; 3]>| {
            for (text, slopes) in slopes.into_iter().enumerate() {
                let got = effect(&sweep, at, text);
                let near = |slope: &f32| (slope - got).abs() < 3e-4 + 1e-2 * slope.abs();
                let any = slopes[..if smooth { 1 } else { 3 }].iter().any(near);
                assert!(any, "{name} {} {at:?}: {got}, {slopes:?}", sweep.name());
            }
        };
        let last = model.config().stack(glassbox::hook::Stack::Encoder).unwrap().n_layers - 1;
        let (encoder, across) = (fast.encoder().unwrap(), fast.cross_attention().unwrap());
        for position in [1, 4] {
            for site in [Site::resid_pre(last), Site::resid_post(last), Site::mlp_out(last), Site::attn_out(last)] {
                let sweep = match site.to_string() {
                    name if name.contains("pre") => encoder.resid_pre(),
                    name if name.contains("post") => encoder.resid_post(),
                    name if name.contains("mlp") => encoder.mlp_out(),
                    _ => encoder.attn_out(),
                };
                agrees(sweep.unwrap(), &[last, position], slope(site.in_encoder(), position, None));
            }
        }
        for position in [1, 3] {
            let at = [1, position];
            agrees(fast.resid_pre().unwrap(), &at, slope(Site::resid_pre(1).in_decoder(), position, None));
            agrees(across.attn_out().unwrap(), &at, slope(Site::cross_attn_out(1).in_decoder(), position, None));
            agrees(across.resid_mid().unwrap(), &at, slope(Site::resid_mid_cross(1).in_decoder(), position, None));
            for head in [0, 2] {
                let part = |part, in_encoder: Site, in_decoder: Site, cross: Site| {
                    let at = [1, position, head];
                    let early = [last, position, head];
                    let by = |view: &Patching| view.heads_by_position(part).unwrap();
                    agrees(by(&encoder), &early, slope(in_encoder.in_encoder(), position, Some(head)));
                    agrees(by(&fast), &at, slope(in_decoder.in_decoder(), position, Some(head)));
                    agrees(by(&across), &at, slope(cross.in_decoder(), position, Some(head)));
                };
                part(HeadPart::Out, Site::z(last), Site::z(1), Site::cross_z(1));
                part(HeadPart::Query, Site::q(last), Site::q(1), Site::cross_q(1));
                part(HeadPart::Key, Site::k(last), Site::k(1), Site::cross_k(1));
                part(HeadPart::Value, Site::v(last), Site::v(1), Site::cross_v(1));
                part(HeadPart::Pattern, Site::pattern(last), Site::pattern(1), Site::cross_pattern(1));
            }
        }
    }
}

#[test]
fn integrated_gradients_over_what_both_stacks_begin_with_add_up_to_the_whole_difference() {
    let model = open("families/t5");
    let [clean, corrupt] = inputs(&model);
    let patching = Patching::new(&model, clean, corrupt, metric(&model)).unwrap();
    let along = patching.integrated_gradients(400).unwrap();
    let (encoder, decoder) = (along.encoder().unwrap().resid_pre().unwrap(), along.resid_pre().unwrap());
    for text in 0..2 {
        let whole = patching.clean_metric()[text] - patching.corrupt_metric()[text];
        let of_source: f32 = (0..6).map(|position| effect(&encoder, &[0, position], text)).sum();
        let of_target: f32 = (0..4).map(|position| effect(&decoder, &[0, position], text)).sum();
        assert!(of_source.abs() > 1e-3 && of_target.abs() > 1e-3);
        assert!((of_source + of_target - whole).abs() < 0.02 * whole.abs().max(0.1), "{of_source} {of_target} {whole}");
    }
}

#[test]
fn attribution_of_an_ablation_in_the_encoder_foretells_what_zeros_do_to_a_small_part() {
    let model = open("families/t5");
    let [prompts, _] = inputs(&model);
    let ablation = Patching::zero_ablation(&model, &prompts, metric(&model)).unwrap();
    let fast = ablation.attribution().unwrap().encoder().unwrap().heads(HeadPart::Out).unwrap();
    let slow = ablation.encoder().unwrap().heads(HeadPart::Out).unwrap();
    assert_eq!(fast.values().shape(), slow.values().shape());
    let cell = metric(&model).of(model.run_with(&prompts, [zero(Site::z(1).in_encoder()).head(3)]).unwrap()).unwrap();
    assert!((slow.values()[[1, 3, 0]] - cell[0]).abs() < 1e-5);
    assert!(fast.values().iter().all(|value| value.is_finite()));
}
