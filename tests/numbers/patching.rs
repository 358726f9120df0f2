//! Sweeps give what one whole run for each cell gives.

use crate::reference::{expected, open, token_ids};
use glassbox::{
    Model,
    hook::{Intervention, Site, patch, scale, zero},
    model::Run,
    patching::{HeadPart, MapAxis, Metric, PatchSweep, Patching},
    text::{Padding, Tokens},
};

const NAMES: [&str; 4] = ["gpt2-tiny", "llama-gqa-tied", "llama-gqa-untied", "attn-only-tiny"];

/// Two pairs of prompts of different length, padded on either side.
fn prompts(model: &Model, name: &str, side: Padding) -> (Tokens, Tokens) {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let clean = vec![ids[..6].to_vec(), ids[4..9].to_vec()];
    let mut corrupt = clean.clone();
    (corrupt[0][1], corrupt[1][2]) = (17, 23);
    let tokens = |texts: Vec<Vec<u32>>| model.tokens(texts).unwrap().padded(side);
    (tokens(clean), tokens(corrupt))
}

fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [42, 3], 2).unwrap()
}

fn experiment(model: &Model, name: &str, side: Padding) -> (Patching, Run) {
    let (clean, corrupt) = prompts(model, name, side);
    let clean_run = model.run(&clean).unwrap();
    (Patching::new(model, clean, corrupt, metric(model)).unwrap(), clean_run)
}

/// The slow way: one run from the start for each cell.
fn one_by_one(patching: &Patching, model: &Model, cell: Intervention) -> Vec<f32> {
    let run = model.run_with(patching.corrupt(), [cell]).unwrap();
    metric(model).of(&run).unwrap()
}

pub fn agrees(name: &str, sweep: &PatchSweep, slow: impl Fn(&[usize]) -> Vec<f32>) {
    let values = sweep.values();
    let shape = values.shape();
    let cells = shape[..shape.len() - 1].iter().product::<usize>();
    for cell in 0..cells {
        let mut at = Vec::new();
        let mut rest = cell;
        for size in shape[..shape.len() - 1].iter().rev() {
            at.insert(0, rest % size);
            rest /= size;
        }
        for (text, expected) in slow(&at).into_iter().enumerate() {
            let index: Vec<usize> = at.iter().copied().chain([text]).collect();
            let got = values[&index[..]];
            assert!((got - expected).abs() < 1e-5, "{name}, {}, {at:?}: {got} and {expected}", sweep.name());
        }
    }
}

#[test]
fn sweeps_over_positions_agree_with_whole_runs() {
    for name in NAMES {
        for side in [Padding::Left, Padding::Right] {
            let model = open(name);
            let (patching, clean) = experiment(&model, name, side);
            let slow = |site: fn(usize) -> Site| {
                let (patching, model, clean) = (&patching, &model, &clean);
                move |at: &[usize]| {
                    let cell = patch(site(at[0]), clean.cache()).unwrap().position(at[1] as i64);
                    one_by_one(patching, model, cell)
                }
            };
            agrees(name, &patching.resid_pre().unwrap(), slow(Site::resid_pre));
            agrees(name, &patching.attn_out().unwrap(), slow(Site::attn_out));
            if model.has(Site::mlp_out(0)) {
                agrees(name, &patching.resid_mid().unwrap(), slow(Site::resid_mid));
                agrees(name, &patching.mlp_out().unwrap(), slow(Site::mlp_out));
            }
        }
    }
}

fn site(part: HeadPart, layer: usize) -> Site {
    match part {
        HeadPart::Out => Site::z(layer),
        HeadPart::Query => Site::q(layer),
        HeadPart::Key => Site::k(layer),
        HeadPart::Value => Site::v(layer),
        HeadPart::Pattern => Site::pattern(layer),
    }
}

#[test]
fn sweeps_over_heads_agree_with_whole_runs() {
    for name in NAMES {
        let model = open(name);
        let (patching, clean) = experiment(&model, name, Padding::Left);
        for part in HeadPart::ALL {
            agrees(name, &patching.heads(part).unwrap(), |at| {
                let cell = patch(site(part, at[0]), clean.cache()).unwrap().head(at[1] as i64);
                one_by_one(&patching, &model, cell)
            });
            agrees(name, &patching.heads_by_position(part).unwrap(), |at| {
                let cell = patch(site(part, at[0]), clean.cache()).unwrap();
                one_by_one(&patching, &model, cell.position(at[1] as i64).head(at[2] as i64))
            });
        }
    }
}

#[test]
fn prompts_that_begin_alike_change_nothing_before_they_part() {
    for name in NAMES {
        let model = open(name);
        let ids = token_ids(&expected(name, "expected.safetensors"));
        let clean = vec![ids[..6].to_vec(), ids[3..9].to_vec()];
        let mut corrupt = clean.clone();
        (corrupt[0][4], corrupt[1][3]) = (17, 23);
        let patching = Patching::new(&model, clean.clone(), corrupt, metric(&model)).unwrap();
        let clean = model.run(clean).unwrap();
        let sweep = patching.resid_pre().unwrap();
        agrees(name, &sweep, |at| {
            let cell = patch(Site::resid_pre(at[0]), clean.cache()).unwrap().position(at[1] as i64);
            one_by_one(&patching, &model, cell)
        });
        for (at, value) in sweep.values().indexed_iter().filter(|(at, _)| at[1] < 3) {
            assert_eq!(*value, patching.corrupt_metric()[at[2]], "{name}, {at:?}");
        }
        for part in HeadPart::ALL {
            agrees(name, &patching.heads(part).unwrap(), |at| {
                let cell = patch(site(part, at[0]), clean.cache()).unwrap().head(at[1] as i64);
                one_by_one(&patching, &model, cell)
            });
        }
    }
}

#[test]
fn sweeps_over_pattern_entries_agree_with_whole_runs() {
    let model = open("llama-gqa-tied");
    let (patching, clean) = experiment(&model, "llama-gqa-tied", Padding::Right);
    agrees("llama-gqa-tied", &patching.pattern_entries().unwrap(), |at| {
        let cell = patch(Site::pattern(at[0]), clean.cache()).unwrap();
        let cell = cell.head(at[1] as i64).position(at[2] as i64).key(at[3] as i64);
        one_by_one(&patching, &model, cell)
    });
}

#[test]
fn a_small_budget_changes_nothing_but_the_memory() {
    let model = open("gpt2-tiny");
    let (patching, _) = experiment(&model, "gpt2-tiny", Padding::Left);
    let whole = patching.heads_by_position(HeadPart::Out).unwrap();
    let small = patching.clone().budget(1).heads_by_position(HeadPart::Out).unwrap();
    let differ = whole.values().iter().zip(small.values()).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    assert!(differ < 1e-5, "{differ}");
}

#[test]
fn patching_everything_before_the_first_block_brings_the_clean_answer_back() {
    let model = open("gpt2-tiny");
    let ids = token_ids(&expected("gpt2-tiny", "expected.safetensors"));
    let mut corrupt = ids.clone();
    corrupt[3] = 77;
    let metric = Metric::logit_diff(&model, 7, 42, 1).unwrap();
    let patching = Patching::new(&model, ids, corrupt, metric).unwrap();
    let sweep = patching.resid_pre().unwrap();
    let mean = sweep.normalized().unwrap();
    assert!((mean[[0, 3]] - 1.0).abs() < 1e-4, "only position 3 differs at the start");
    for position in (0..12).filter(|position| *position != 3) {
        assert!(mean[[0, position]].abs() < 1e-4);
    }
    assert_eq!(sweep.axes(), ["layer", "position"]);
    assert_eq!(sweep.top(1)[0].0.len(), 2);
}

#[test]
fn metrics_that_see_the_whole_vocabulary_agree_with_whole_runs() {
    let model = open("gpt2-tiny");
    let (clean, corrupt) = prompts(&model, "gpt2-tiny", Padding::Left);
    let clean_run = model.run(&clean).unwrap();
    for metric in [
        Metric::probability(&model, [7, 9], 2).unwrap(),
        Metric::log_probability(&model, [7, 9], 2).unwrap(),
        Metric::rank(&model, [7, 9], 2).unwrap(),
        Metric::logit(&model, [7, 9], 2).unwrap(),
        Metric::kl_divergence(&clean_run).unwrap(),
        Metric::custom("largest logit", |logits| logits.max(1)),
    ] {
        let patching = Patching::new(&model, &clean, &corrupt, metric.clone()).unwrap();
        let sweep = patching.resid_pre().unwrap();
        for (layer, position) in [(0, 1), (1, 4)] {
            let cell = patch(Site::resid_pre(layer), clean_run.cache()).unwrap().position(position as i64);
            let slow = metric.of(model.run_with(&corrupt, [cell]).unwrap()).unwrap();
            for (text, expected) in slow.into_iter().enumerate() {
                assert!((sweep.values()[[layer, position, text]] - expected).abs() < 1e-4, "{metric:?}");
            }
        }
    }
    let own = Metric::kl_divergence(&clean_run).unwrap().of(&clean_run).unwrap();
    assert!(own.iter().all(|value| value.abs() < 1e-6), "nothing diverges from itself");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let model = open("gpt2-tiny");
    let one = || Metric::logit_diff(&model, 7, 42, 1).unwrap();
    for (error, words) in [
        (Patching::new(&model, [1, 2, 3], [1, 2], one()).unwrap_err(), "[3] tokens and the corrupt ones [2]"),
        (Patching::new(&model, [1, 2], [1, 3], metric(&model)).unwrap_err(), "answers for 2 texts, but there are 1"),
        (Metric::logit_diff(&model, [1, 2], 3, 1).unwrap_err(), "2 answers were given for 1 texts"),
        (Metric::logit(&model, 5000, 1).unwrap_err(), "5000"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
    let same = Patching::new(&model, [1, 2, 3], [1, 2, 3], one()).unwrap().attn_out().unwrap();
    let error = same.normalized().unwrap_err().to_string();
    assert!(error.contains("does not distinguish them"), "{error}");
    assert!(same.mean().iter().all(|value| value.abs() < 1e-5));
}

#[test]
fn a_hooked_model_is_patched_with_its_interventions() {
    let model = open("gpt2-tiny").hooked([
        zero(Site::z(0)).head(1),
        zero(Site::mlp_out(1)).position(3),
        // Done once, however often the stream is picked up again.
        scale(Site::resid_pre(0), 0.5),
        scale(Site::resid_pre(1), 3.0),
    ]);
    let (patching, clean) = experiment(&model, "gpt2-tiny", Padding::Left);
    agrees("hooked", &patching.attn_out().unwrap(), |at| {
        let cell = patch(Site::attn_out(at[0]), clean.cache()).unwrap().position(at[1] as i64);
        one_by_one(&patching, &model, cell)
    });
    agrees("hooked", &patching.heads(HeadPart::Out).unwrap(), |at| {
        let cell = patch(Site::z(at[0]), clean.cache()).unwrap().head(at[1] as i64);
        one_by_one(&patching, &model, cell)
    });
}

#[test]
fn a_map_of_no_axis_or_of_more_than_four_says_that_it_has_no_picture() {
    let model = Model::open("induction-2l").unwrap();
    let patching = Patching::unpatched(&model, "red fox", Metric::logit(&model, "owl", 1).unwrap()).unwrap();
    for axes in [0, 5] {
        let map = patching.sweep("nothing", (0..axes).map(|_| MapAxis::index("layer", 1)), |_| [zero(Site::z(0))]);
        let said = map.unwrap().figure().unwrap_err().to_string();
        assert!(said.contains(&format!("{axes} axes")) && said.contains("values()"), "{said}");
    }
}
