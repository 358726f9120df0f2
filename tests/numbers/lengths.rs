//! Prompts of different length, aligned by a rule: every cell is one whole run with a patch made by hand.

use crate::reference::{expected, open, token_ids};
use candle_core::{IndexOp, Tensor};
use glassbox::{
    Model,
    cache::ActivationCache,
    hook::{Intervention, Site, ToInterventions, patch, replace},
    model::Run,
    notebook::Show,
    patching::{Alignment, HeadPart, Metric, PatchSweep, Patching, Receiver, Sender, clean},
    text::{Padding, Tokens},
};

const NAMES: [&str; 3] = ["gpt2-tiny", "llama-gqa-tied", "families/gemma2"];

/// Clean prompts of 5 and 6 tokens, corrupt ones of 7 and 4.
fn prompts(model: &Model, name: &str, side: Padding) -> (Tokens, Tokens) {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let clean = vec![ids[..5].to_vec(), ids[2..8].to_vec()];
    let corrupt = vec![[&[17, 23], &ids[..5]].concat(), ids[3..7].to_vec()];
    let mut corrupt: Vec<Vec<u32>> = corrupt;
    (corrupt[0][4], corrupt[1][1]) = (11, 19);
    let tokens = |texts: Vec<Vec<u32>>| model.tokens(texts).unwrap().padded(side);
    (tokens(clean), tokens(corrupt))
}

fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [42, 3], 2).unwrap()
}

struct Experiment {
    model: Model,
    patching: Patching,
    there: Run,
    here: Run,
    /// For each text and corrupt position, the clean one: by hand.
    pairs: Vec<Vec<Option<usize>>>,
}

fn everything(model: &Model, tokens: &Tokens, interventions: Vec<Intervention>) -> Run {
    let pass = model.pass(tokens).unwrap().record(glassbox::hook::Sites::All).record("blocks.*.hook_*_in*");
    pass.record("blocks.*.attn.hook_result").intervene(interventions).run().unwrap()
}

fn experiment(name: &str, side: Padding, rule: &Alignment) -> Experiment {
    let model = open(name);
    let (clean, corrupt) = prompts(&model, name, side);
    let (starts, lens) = ([clean.clone(), corrupt.clone()], [[5usize, 6], [7, 4]]);
    let start = |which: usize, text: usize| starts[which].real(text).start;
    let pair = |text: usize, position: usize| -> Option<usize> {
        let own = position.checked_sub(start(1, text)).filter(|&own| own < lens[1][text])?;
        let there = match rule {
            Alignment::FromStart => own,
            Alignment::FromEnd => (own + lens[0][text]).checked_sub(lens[1][text])?,
            Alignment::PositionsOfEach(_) => match (text, own) {
                (0, 2) => 0,
                (0, 6) => 4,
                (1, 1) => 3,
                (1, 2) => 2,
                _ => return None,
            },
            _ => unreachable!(),
        };
        (there < lens[0][text]).then_some(there + start(0, text))
    };
    let pairs = (0..2).map(|text| (0..corrupt.len()).map(|position| pair(text, position)).collect()).collect();
    let patching = Patching::aligned(&model, &clean, &corrupt, rule.clone(), metric(&model)).unwrap();
    let (there, here) = (everything(&model, &clean, Vec::new()), everything(&model, &corrupt, Vec::new()));
    Experiment { model, patching, there, here, pairs }
}

fn rules() -> [Alignment; 3] {
    // Counted from the end, so that padding on either side leaves them where they are; two of them cross.
    let each = [vec![(-5, -5), (-1, -1)], vec![(-3, -3), (-4, -2)]];
    [Alignment::FromStart, Alignment::FromEnd, Alignment::positions_of_each(each)]
}

impl Experiment {
    /// What a clean run has, in the corrupt run's places: number by number.
    fn moved(&self, site: Site) -> Tensor {
        let (there, here) = (self.there.cache().get(site).unwrap(), self.here.cache().get(site).unwrap());
        let row = |text: usize, position: usize| match self.pairs[text][position] {
            Some(from) => there.i((text, from)).unwrap(),
            None => here.i((text, position)).unwrap(),
        };
        let text =
            |text| Tensor::stack(&(0..here.dim(1).unwrap()).map(|at| row(text, at)).collect::<Vec<_>>(), 0).unwrap();
        Tensor::stack(&[text(0), text(1)], 0).unwrap()
    }

    fn run(&self, cell: Intervention) -> Vec<f32> {
        self.run_with([cell])
    }

    fn run_with(&self, cell: impl ToInterventions) -> Vec<f32> {
        metric(&self.model).of(self.model.run_with(self.patching.corrupt(), cell).unwrap()).unwrap()
    }

    fn is_missing(&self, position: usize, text: usize) -> bool {
        self.pairs[text][position].is_none()
    }

    fn agrees(&self, sweep: &PatchSweep, place: usize, slow: impl Fn(&[usize]) -> Vec<f32>) {
        let missing = sweep.missing();
        let (values, mean) = (sweep.values(), sweep.mean());
        for (at, _) in mean.indexed_iter() {
            let at = ndarray::Dimension::slice(&at).to_vec();
            let slow = slow(&at);
            let mut changes = Vec::new();
            for (text, expected) in slow.into_iter().enumerate() {
                let index: Vec<usize> = at.iter().copied().chain([text]).collect();
                let got = values[&index[..]];
                assert!((got - expected).abs() < 1e-5, "{}, {index:?}: {got} and {expected}", sweep.name());
                let gone = place < at.len() && self.is_missing(at[place], text);
                assert_eq!(missing[&index[..]], gone, "{}, {index:?}", sweep.name());
                let corrupt = self.patching.corrupt_metric()[text];
                if gone {
                    assert_eq!(got, corrupt, "what has no counterpart is left untouched");
                } else {
                    changes.push(expected - corrupt);
                }
            }
            assert_eq!(sweep.is_missing(&at), changes.is_empty());
            let all = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
            let scale = all(&self.patching.clean_metric()) - all(&self.patching.corrupt_metric());
            let (got, expected) = (mean[&at[..]], all(&changes) / scale);
            assert!((got - expected).abs() < 1e-5 / scale.abs(), "{}, {at:?}: {got} and {expected}", sweep.name());
            assert_eq!(sweep.statistics(&at, 0).is_none(), changes.is_empty());
        }
        assert!(sweep.top(usize::MAX).iter().all(|(at, _)| !sweep.is_missing(at)));
        sweep.figure().unwrap();
    }
}

#[test]
fn each_cell_between_prompts_of_different_length_is_one_whole_run_patched_by_hand() {
    for name in NAMES {
        for side in [Padding::Left, Padding::Right] {
            for rule in rules() {
                let one = experiment(name, side, &rule);
                type By = (fn(&Patching) -> glassbox::Result<PatchSweep>, fn(usize) -> Site);
                let by_position: [By; 4] = [
                    (Patching::resid_pre, Site::resid_pre),
                    (Patching::resid_mid, Site::resid_mid),
                    (Patching::attn_out, Site::attn_out),
                    (Patching::mlp_out, Site::mlp_out),
                ];
                for (sweep, site) in by_position {
                    one.agrees(&sweep(&one.patching).unwrap(), 1, |at| {
                        one.run(replace(site(at[0]), one.moved(site(at[0]))).position(at[1]))
                    });
                }
            }
        }
    }
}

#[test]
fn heads_between_prompts_of_different_length_are_whole_runs_too() {
    for name in NAMES {
        for rule in rules() {
            let one = experiment(name, Padding::Left, &rule);
            type At = fn(usize) -> Site;
            let parts: [(HeadPart, At); 4] = [
                (HeadPart::Out, Site::z),
                (HeadPart::Query, Site::q),
                (HeadPart::Key, Site::k),
                (HeadPart::Value, Site::v),
            ];
            for (part, site) in parts {
                let put = |layer| replace(site(layer), one.moved(site(layer)));
                one.agrees(&one.patching.heads(part).unwrap(), usize::MAX, |at| one.run(put(at[0]).head(at[1])));
                one.agrees(&one.patching.heads_by_position(part).unwrap(), 1, |at| {
                    one.run(put(at[0]).position(at[1]).head(at[2]))
                });
            }
        }
    }
}

#[test]
fn patterns_are_patched_entry_by_entry_along_both_axes_and_whole_rows_are_refused() {
    let one = experiment("llama-gqa-tied", Padding::Right, &Alignment::FromEnd);
    let entries = one.patching.pattern_entries().unwrap();
    let missing = entries.missing();
    for ((layer, head, query, key), _) in entries.mean().into_dimensionality::<ndarray::Ix4>().unwrap().indexed_iter() {
        let site = Site::pattern(layer);
        let entry = |text: usize| {
            let (from, to) = one.pairs[text][query].zip(one.pairs[text][key])?;
            let value = one.there.cache().get(site).unwrap().i((text, head, from, to)).unwrap();
            Some(replace(site, value.reshape((1, 1, 1, 1)).unwrap()).text(text).head(head).position(query).key(key))
        };
        let slow = one.run_with((0..2).filter_map(entry));
        for (text, slow) in slow.iter().enumerate() {
            let at = [layer, head, query, key, text];
            assert!((entries.values()[&at[..]] - slow).abs() < 1e-5, "{at:?}: {slow}");
            assert_eq!(missing[&at[..]], entry(text).is_none());
        }
    }
    for refused in [one.patching.heads(HeadPart::Pattern), one.patching.heads_by_position(HeadPart::Pattern)] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("a distribution over the keys") && error.contains("`pattern_entries`"), "{error}");
    }
    let quick = one.patching.attribution().unwrap().pattern_entries().unwrap();
    assert_eq!(quick.missing(), missing);
    assert!(one.patching.attribution().unwrap().heads(HeadPart::Pattern).is_err());
}

#[test]
fn paths_between_prompts_of_different_length_are_whole_runs() {
    for name in NAMES {
        for rule in rules() {
            let one = experiment(name, Padding::Left, &rule);
            let corrupt = &one.here.cache();
            for (sender, receiver) in [("a0.h0", "a1.h1.q"), ("embed", "a1.h0.v"), ("a0.h1", "logits"), ("m0", "m1")] {
                let frozen = |site: Site, from: &ActivationCache| patch(site, from).unwrap();
                let mut freeze = Vec::new();
                for layer in 0..2 {
                    for head in 0..one.model.config().n_heads {
                        let own = sender.parse::<Sender>().unwrap() == Sender::Head { layer, head };
                        let put = if own {
                            replace(Site::z(layer), one.moved(Site::z(layer)))
                        } else {
                            frozen(Site::z(layer), corrupt)
                        };
                        freeze.push(put.head(head));
                    }
                    let own = sender.parse::<Sender>().unwrap() == Sender::Mlp { layer };
                    let site = Site::mlp_out(layer);
                    freeze.push(if own { replace(site, one.moved(site)) } else { frozen(site, corrupt) });
                }
                if sender == "embed" {
                    freeze.push(replace(Site::resid_pre(0), one.moved(Site::resid_pre(0))));
                }
                let hears = everything(&one.model, &one.patching.corrupt(), freeze);
                let told = match receiver.parse::<Receiver>().unwrap() {
                    Receiver::Query { layer, head } => frozen(Site::q_input(layer), &hears.cache()).head(head),
                    Receiver::Value { layer, head } => frozen(Site::v_input(layer), &hears.cache()).head(head),
                    Receiver::Mlp { layer } => frozen(Site::mlp_in(layer), &hears.cache()),
                    _ => frozen(Site::resid_post(1), &hears.cache()),
                };
                let (slow, fast) = (one.run(told), one.patching.direct_path(sender, receiver).unwrap().values());
                for (fast, slow) in fast.iter().zip(&slow) {
                    assert!((fast - slow).abs() < 1e-5, "{name}, {rule:?}, {sender} → {receiver}: {fast} and {slow}");
                }
            }
        }
    }
}

#[test]
fn circuits_of_prompts_of_different_length_run_the_clean_prompts() {
    for name in NAMES {
        for rule in rules() {
            let one = experiment(name, Padding::Right, &rule);
            let scores = one.patching.edge_attribution().unwrap();
            let all = one.patching.run_circuit(&scores.circuit(scores.len())).unwrap();
            for (value, clean) in all.values().iter().zip(one.patching.clean_metric()) {
                assert!((value - clean).abs() < 1e-4, "{name}, {rule:?}: {value} and {clean}");
            }
            assert!((one.patching.faithfulness(&scores.circuit(scores.len())).unwrap() - 1.0).abs() < 1e-2);
        }
    }
}

#[test]
fn attribution_between_prompts_of_different_length_is_the_way_along_the_gradient() {
    for name in NAMES {
        for rule in rules() {
            let one = experiment(name, Padding::Left, &rule);
            let (site, ids) = (Site::resid_pre(1), [[7usize, 42], [9, 3]]);
            let difference = move |logits: &Tensor| {
                let of = |text: usize, id: usize| logits.get(text)?.get(0)?.get(id);
                let each = |text: usize| of(text, ids[text][0])? - of(text, ids[text][1])?;
                each(0)? + each(1)?
            };
            let pass = one.model.pass(one.patching.corrupt()).unwrap().logits_at([-1]);
            let run = pass.differentiate([site], difference).run().unwrap();
            let way = (one.moved(site) - one.here.cache().get(site).unwrap()).unwrap();
            let effect = (way * run.gradients().unwrap().get(site).unwrap()).unwrap().sum(2).unwrap();
            let map = one.patching.attribution().unwrap().resid_pre().unwrap();
            for (text, effects) in effect.to_vec2::<f32>().unwrap().iter().enumerate() {
                for (position, effect) in effects.iter().enumerate() {
                    let got = map.values()[[1, position, text]] - one.patching.corrupt_metric()[text];
                    assert!((got - effect).abs() < 2e-5, "{name}, {rule:?}, {position}: {got} and {effect}");
                }
            }
            let gone = one.patching.integrated_gradients(3).unwrap().resid_pre().unwrap().missing();
            assert_eq!(gone, map.missing());
        }
    }
}

#[test]
fn a_metric_looks_at_the_counterpart_of_its_position() {
    let model = open("gpt2-tiny");
    let (clean, corrupt) = prompts(&model, "gpt2-tiny", Padding::Right);
    let at = |position: i64| metric(&model).at(position).unwrap();
    let patching = Patching::aligned(&model, &clean, &corrupt, Alignment::FromEnd, at(-2)).unwrap();
    let (there, here) = (model.run(&clean).unwrap(), model.run(&corrupt).unwrap());
    let near = |got: &[f32], expected: Vec<f32>| {
        got.iter().zip(&expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{got:?} and {expected:?}"));
    };
    near(&patching.clean_metric(), at(-2).of(&there).unwrap());
    let third = Patching::aligned(&model, &clean, &corrupt, Alignment::FromEnd, at(3)).unwrap();
    near(&third.corrupt_metric(), at(3).of(&here).unwrap());
    near(&third.clean_metric(), metric(&model).at_each([1i64, 5]).unwrap().of(&there).unwrap());
    let error = Patching::aligned(&model, &clean, &corrupt, Alignment::FromEnd, at(1)).unwrap_err().to_string();
    assert!(error.contains("position 1 of the corrupt prompt 0") && error.contains("count from the end"), "{error}");
}

#[test]
fn a_rule_that_changes_nothing_gives_the_maps_there_were_without_it() {
    let model = open("llama-gqa-tied");
    let (clean_ids, corrupt_ids) = ([vec![1u32, 2, 3, 4, 5]], [vec![1u32, 9, 3, 4, 5]]);
    let metric = Metric::logit_diff(&model, 7u32, 42u32, 1).unwrap();
    let plain = Patching::new(&model, &clean_ids, &corrupt_ids, metric.clone()).unwrap();
    for rule in [Alignment::FromStart, Alignment::FromEnd, Alignment::positions((0..5i64).map(|at| (at, at)))] {
        let aligned = Patching::aligned(&model, &clean_ids, &corrupt_ids, rule, metric.clone()).unwrap();
        assert_eq!(aligned.resid_pre().unwrap().values(), plain.resid_pre().unwrap().values());
        assert_eq!(aligned.edge_attribution().unwrap().mean(), plain.edge_attribution().unwrap().mean());
    }
}

#[test]
fn what_cannot_be_aligned_is_refused_with_the_rule_to_name() {
    let model = open("gpt2-tiny");
    let (clean, corrupt) = prompts(&model, "gpt2-tiny", Padding::Right);
    let aligned = |rule| Patching::aligned(&model, &clean, &corrupt, rule, metric(&model)).unwrap_err().to_string();
    let error = Patching::new(&model, &clean, &corrupt, metric(&model)).unwrap_err().to_string();
    assert!(error.contains("[5, 6]") && error.contains("[7, 4]") && error.contains("Alignment::FromStart"), "{error}");
    for (rule, words) in [
        (Alignment::positions([(0, 0), (1, 0)]), "position 0 of the corrupt prompt 0 is in two pairs"),
        (Alignment::positions([(1, 0), (1, 1)]), "position 1 of the clean prompt 0 is in two pairs"),
        (Alignment::positions([(9, 0)]), "position 9"),
        (Alignment::Positions(Vec::new()), "no position of the corrupt prompt 0 has a counterpart"),
        (Alignment::positions_of_each([[(0, 0)]]), "for 1 texts, but there are 2"),
    ] {
        let error = aligned(rule);
        assert!(error.contains(words), "{error}");
    }
    let fewer = Patching::aligned(&model, [1u32, 2, 3], &corrupt, Alignment::FromEnd, metric(&model));
    assert!(fewer.unwrap_err().to_string().contains("1 clean prompts and 2 corrupt ones"));
}

#[test]
fn a_missing_cell_is_masked_in_the_picture_and_no_number_is_made_up_for_it() {
    let one = experiment("gpt2-tiny", Padding::Right, &rules()[2]);
    let map = one.patching.resid_pre().unwrap();
    assert!(map.values().iter().chain(map.mean().iter()).all(|value| value.is_finite()));
    assert!(map.html().contains("masked"));
    let axis = one.patching.position_axis("position");
    let line = one.patching.sweep("embedding", [axis], |at| [clean(Site::resid_pre(0)).position(at[0])]);
    line.unwrap().figure().unwrap();
}
