//! Edge attribution and circuits against node attribution, whole runs, and exact patching.

use crate::{
    paths::{NAMES, everything, experiment, metric},
    post_norms::POST_NORMS,
    reference::open,
};
use candle_core::{D, Tensor};
use glassbox::{
    Model,
    cache::ActivationCache,
    hook::{Intervention, Site, edit},
    notebook::Show,
    patching::{Circuit, Edge, EdgeScores, HeadPart, Metric, Patching, Receiver, Sender},
    text::{Padding, Tokens},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Where a receiver reads, and with which head.
pub fn site_of(receiver: Receiver, layers: usize) -> (Site, Option<usize>) {
    match receiver {
        Receiver::Query { layer, head } => (Site::q_input(layer), Some(head)),
        Receiver::Key { layer, head } => (Site::k_input(layer), Some(head)),
        Receiver::Value { layer, head } => (Site::v_input(layer), Some(head)),
        Receiver::Mlp { layer } => (Site::mlp_in(layer), None),
        Receiver::Logits => (Site::resid_post(layers - 1), None),
        other => panic!("{other} is in no model of one stack"),
    }
}

/// What a sender writes in a run.
fn written(cache: &ActivationCache, sender: Sender, scale: f64) -> Tensor {
    match sender {
        Sender::Embed => cache.get(Site::resid_pre(0)).unwrap(),
        Sender::Head { layer, head } => {
            let result = cache.get(Site::result(layer)).unwrap().narrow(2, head, 1).unwrap().squeeze(2).unwrap();
            (result * scale).unwrap()
        }
        Sender::Mlp { layer } => cache.get(Site::mlp_out(layer)).unwrap(),
        other => panic!("{other} is in no model of one stack"),
    }
}

/// What `granite` multiplies what is added to the stream by.
fn scale(name: &str, model: &Model) -> f64 {
    if !name.ends_with("granite") {
        return 1.0;
    }
    let run = everything(model, &model.tokens([1u32, 2, 3]).unwrap(), Vec::new());
    let (out, results) = (run.cache().get(Site::attn_out(0)).unwrap(), run.cache().get(Site::result(0)).unwrap());
    let sum = |x: &Tensor| f64::from(x.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
    sum(&out) / sum(&results.sum(2).unwrap())
}

#[test]
fn an_edges_score_is_the_way_of_its_sender_along_the_gradient_of_its_receiver() {
    for name in NAMES {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let scores = patching.edge_attribution().unwrap();
        let (clean, corrupt) =
            (everything(&model, &patching.clean(), Vec::new()), everything(&model, &patching.corrupt(), Vec::new()));
        let metric = metric(&model);
        let scale = scale(name, &model);
        for (to, receiver) in scores.receivers().into_iter().enumerate() {
            let (site, head) = site_of(receiver, model.config().n_layers);
            let ids = [[7u32, 42], [9, 3]];
            let difference = move |logits: &Tensor| {
                let of = |text: usize, id: u32| logits.get(text)?.get(0)?.get(id as usize);
                let each = |text: usize| of(text, ids[text][0])? - of(text, ids[text][1])?;
                each(0)? + each(1)?
            };
            let run = model.pass(patching.corrupt()).unwrap().logits_at([-1]).differentiate([site], difference).run();
            let gradient = run.unwrap().gradients().unwrap().get(site).unwrap();
            let gradient =
                head.map_or(gradient.clone(), |head| gradient.narrow(2, head, 1).unwrap().squeeze(2).unwrap());
            for (from, sender) in scores.senders().into_iter().enumerate() {
                let way = (written(&clean.cache(), sender, scale) - written(&corrupt.cache(), sender, scale)).unwrap();
                let effects = (way * &gradient).unwrap().flatten_from(1).unwrap().sum(D::Minus1).unwrap();
                for (text, expected) in effects.to_vec1::<f32>().unwrap().into_iter().enumerate() {
                    let got = scores.sweep().values()[[from, to, text]] - patching.corrupt_metric()[text];
                    let edge = scores.score(&sender.to_string(), &receiver.to_string());
                    let expected = if edge.is_ok() { expected } else { 0.0 };
                    assert!((got - expected).abs() < 2e-5, "{name}: {sender} → {receiver}: {got}, {expected}");
                }
            }
        }
        assert_eq!(metric.name(), "logit difference");
    }
}

#[test]
fn the_edges_that_leave_a_part_add_up_to_what_attribution_says_of_the_part() {
    for name in NAMES.into_iter().chain(POST_NORMS) {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        for steps in [0, 3] {
            let (edges, nodes) = match steps {
                0 => (patching.edge_attribution().unwrap(), patching.attribution().unwrap()),
                steps => {
                    (patching.edge_integrated_gradients(steps).unwrap(), patching.integrated_gradients(steps).unwrap())
                }
            };
            let heads = nodes.heads(HeadPart::Out).unwrap();
            let layers = nodes.layers().unwrap();
            for (from, sender) in edges.senders().into_iter().enumerate() {
                for text in 0..2 {
                    let before = patching.corrupt_metric()[text];
                    let all = 0..edges.receivers().len();
                    let sum: f32 = all.map(|to| edges.sweep().values()[[from, to, text]] - before).sum();
                    let node = match sender {
                        Sender::Head { layer, head } => heads.values()[[layer, head, text]],
                        Sender::Mlp { layer } => layers.values()[[layer, 1, text]],
                        _ => continue,
                    } - before;
                    assert!((sum - node).abs() < 5e-5, "{name}, {sender}: {sum} and {node}");
                }
            }
        }
    }
}

#[test]
fn patching_each_edge_is_each_direct_path() {
    let model = open("llama-gqa-tied");
    let patching = experiment(&model, "llama-gqa-tied", Padding::Left);
    let exact = patching.edge_patching().unwrap();
    for edge in exact.edges() {
        let path = patching.direct_path(edge.sender, edge.receiver).unwrap().recovered();
        assert!((edge.score - path).abs() < 1e-4, "{edge}: {} and {path}", edge.score);
    }
}

/// The slow way: an ordinary run in which closures put each receiver's own sum in, from what closures at the senders
/// saw in this very run.
fn slow_circuit(
    model: &Model,
    scores: &EdgeScores,
    kept: &[Edge],
    tokens: &Tokens,
    rest: &ActivationCache,
    scale: f64,
) -> Vec<f32> {
    let intact = everything(model, tokens, Vec::new());
    let seen: Arc<Mutex<HashMap<Sender, Tensor>>> = Arc::default();
    let (senders, receivers) = (scores.senders(), scores.receivers());
    let (layers, heads) = (model.config().n_layers, model.config().n_heads);
    let mut interventions: Vec<Intervention> = Vec::new();
    let shared = seen.clone();
    interventions.push(edit(Site::resid_pre(0), move |x| {
        shared.lock().unwrap().insert(Sender::Embed, x.clone());
        Ok(x.clone())
    }));
    for layer in 0..layers {
        let shared = seen.clone();
        interventions.push(edit(Site::result(layer), move |x| {
            for head in 0..heads {
                let own = (x.narrow(2, head, 1)?.squeeze(2)? * scale)?;
                shared.lock().unwrap().insert(Sender::Head { layer, head }, own);
            }
            Ok(x.clone())
        }));
        if model.has(Site::mlp_out(layer)) {
            let shared = seen.clone();
            interventions.push(edit(Site::mlp_out(layer), move |x| {
                shared.lock().unwrap().insert(Sender::Mlp { layer }, x.clone());
                Ok(x.clone())
            }));
        }
    }
    for receiver in receivers {
        let (site, head) = site_of(receiver, layers);
        let stream = match head {
            Some(head) => intact.cache().get(site).unwrap().narrow(2, head, 1).unwrap(),
            None => intact.cache().get(site).unwrap(),
        };
        let parallel = !model.has(Site::resid_mid(0)) && model.has(Site::mlp_out(0));
        let layer_of = |sender: &Sender| match *sender {
            Sender::Embed => (0, 0),
            Sender::Head { layer, .. } => (layer + 1, 0),
            Sender::Mlp { layer } => (layer + 1, 1),
            other => panic!("{other} is in no model of one stack"),
        };
        let before = match receiver {
            Receiver::Query { layer, .. } | Receiver::Key { layer, .. } | Receiver::Value { layer, .. } => {
                (layer + 1, 0)
            }
            Receiver::Mlp { layer } => (layer + 1, usize::from(!parallel)),
            _ => (layers + 1, 0),
        };
        let heard: Vec<Sender> = senders.iter().copied().filter(|sender| layer_of(sender) < before).collect();
        let kept: Vec<Sender> = kept.iter().filter(|edge| edge.receiver == receiver).map(|edge| edge.sender).collect();
        let was: Vec<Tensor> = heard.iter().map(|&sender| written(&intact.cache(), sender, scale)).collect();
        let others: Vec<Tensor> = heard.iter().map(|&sender| written(rest, sender, scale)).collect();
        let shared = seen.clone();
        let told = edit(site, move |x| {
            let mut sum = stream.clone();
            for ((sender, was), other) in heard.iter().zip(&was).zip(&others) {
                let now = if kept.contains(sender) { shared.lock().unwrap()[sender].clone() } else { other.clone() };
                let mut moved = (now - was)?;
                if sum.rank() == 4 {
                    moved = moved.unsqueeze(2)?;
                }
                sum = (sum + moved)?;
            }
            sum.reshape(x.shape())
        });
        interventions.push(head.map_or(told.clone(), |head| told.head(head as i64)));
    }
    let run = model.pass(tokens).unwrap().intervene(interventions).run().unwrap();
    metric(model).of(&run).unwrap()
}

/// Every third edge or so, the same each time.
fn some_edges(scores: &EdgeScores, seed: usize) -> Vec<Edge> {
    let mixed = |i: usize| (i * 2_654_435 + seed * 40_503) % 97;
    scores.edges().into_iter().enumerate().filter(|(i, _)| mixed(*i) % 3 != seed % 3).map(|(_, edge)| edge).collect()
}

fn circuit(model: &Model, edges: &[Edge]) -> Circuit {
    Circuit::new(model, edges.iter().map(|edge| (edge.sender, edge.receiver))).unwrap()
}

#[test]
fn a_circuit_runs_as_whole_runs_with_every_receiver_told_its_own_sum() {
    for name in NAMES {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let scores = patching.edge_attribution().unwrap();
        let rest = everything(&model, &patching.corrupt(), Vec::new());
        for seed in 0..3 {
            let kept = some_edges(&scores, seed);
            let fast = patching.run_circuit(&circuit(&model, &kept)).unwrap().values();
            let slow = slow_circuit(&model, &scores, &kept, &patching.clean(), &rest.cache(), scale(name, &model));
            for (fast, slow) in fast.iter().zip(&slow) {
                assert!((fast - slow).abs() < 1e-5, "{name}, {seed}: {fast} and {slow}");
            }
        }
    }
}

#[test]
fn all_edges_are_the_clean_run_and_none_the_corrupt_one() {
    for name in NAMES.into_iter().chain(POST_NORMS) {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Right);
        let scores = patching.edge_attribution().unwrap();
        for (edges, expected) in [(scores.len(), patching.clean_metric()), (0, patching.corrupt_metric())] {
            let values = patching.run_circuit(&scores.circuit(edges)).unwrap().values();
            for (value, expected) in values.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-4, "{name}, {edges} edges: {value} and {expected}");
            }
        }
        let all = patching.faithfulness(&scores.circuit(scores.len())).unwrap();
        assert!((all - 1.0).abs() < 1e-2, "{name}: {all}");
    }
}

#[test]
fn edges_that_lead_nowhere_change_nothing_between_two_prompts() {
    for name in ["gpt2-tiny", "llama-gqa-tied"] {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let scores = patching.edge_attribution().unwrap();
        let circuit = scores.circuit(scores.len() / 5);
        let pruned = circuit.pruned();
        assert!(pruned.len() < circuit.len() && pruned.pruned().len() == pruned.len());
        let (before, after) =
            (patching.run_circuit(&circuit).unwrap().values(), patching.run_circuit(&pruned).unwrap().values());
        before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{name}: {a} and {b}"));
    }
}

#[test]
fn under_ablations_the_rest_carries_what_is_put_in() {
    let model = open("gpt2-tiny");
    let prompts = [vec![1u32, 2, 3, 4], vec![1, 9, 3, 8]];
    let reference = [vec![5u32, 6, 7, 8], vec![9, 9, 2, 1], vec![3; 4]];
    let tokens = model.tokens(&prompts).unwrap();
    let means = Patching::mean_ablation(&model, &prompts, &reference, metric(&model)).unwrap();
    let zeros = Patching::zero_ablation(&model, &prompts, metric(&model)).unwrap();
    let others = Patching::resample_ablation(&model, &prompts, [vec![5u32, 6, 7, 8], vec![9, 9, 2, 1]], metric(&model));
    let of_reference = everything(&model, &model.tokens(&reference).unwrap(), Vec::new());
    let both = everything(&model, &model.tokens(&reference[..2]).unwrap(), Vec::new());
    let twice = |x: Tensor| Tensor::cat(&[&x, &x], 0).unwrap();
    let entries = |change: &dyn Fn(&Tensor) -> Tensor| -> Vec<(Site, Tensor)> {
        of_reference.cache().iter().map(|(site, x)| (site, change(&x))).collect()
    };
    let mean_of = entries(&|x| twice(x.mean_keepdim(0).unwrap()));
    let zero_of = entries(&|x| twice(x.mean_keepdim(0).unwrap().zeros_like().unwrap()));
    let rest_of = |entries: Vec<(Site, Tensor)>| {
        let replaced = entries.into_iter().map(|(site, x)| glassbox::hook::replace(site, x));
        everything(&model, &tokens, replaced.collect())
    };
    let scores = means.edge_attribution().unwrap();
    let kept = some_edges(&scores, 1);
    for (ablation, rest) in [(means, rest_of(mean_of)), (zeros, rest_of(zero_of)), (others.unwrap(), both)] {
        let fast = ablation.run_circuit(&circuit(&model, &kept)).unwrap().values();
        let slow = slow_circuit(&model, &scores, &kept, &tokens, &rest.cache(), 1.0);
        fast.iter().zip(&slow).for_each(|(fast, slow)| {
            assert!((fast - slow).abs() < 1e-5, "{}: {fast} and {slow}", ablation_name(&ablation));
        });
        let all = ablation.edge_attribution().unwrap();
        let whole = ablation.faithfulness(&all.circuit(all.len())).unwrap();
        assert!((whole - 1.0).abs() < 1e-3, "{}: {whole}", ablation_name(&ablation));
    }
}

fn ablation_name(ablation: &Patching) -> String {
    ablation.edge_attribution().unwrap().sweep().operation().to_owned()
}

#[test]
fn edge_scores_of_the_shipped_model_find_the_induction_circuit() {
    let model = Model::open("induction-2l").unwrap();
    let metric = Metric::logit_diff(&model, "blue", "tree", 1).unwrap();
    let texts = ["red fox blue owl tree red fox", "red owl blue fox tree red fox"];
    let patching = Patching::new(&model, texts[0], texts[1], metric).unwrap();
    let exact = patching.edge_patching().unwrap();
    let (one, ten) = (patching.edge_attribution().unwrap(), patching.edge_integrated_gradients(10).unwrap());
    for scores in [&exact, &one, &ten] {
        let agreement = exact.agreement(scores).unwrap();
        println!(
            "{}: correlation {:.3}, ranks {:.3}",
            scores.sweep().operation(),
            agreement.correlation(),
            agreement.rank_correlation()
        );
        scores.top(8).iter().for_each(|edge| println!("  {edge}: {:.3}", edge.score));
        let counts = [0, 3, 5, 8, 10, 15, 20, 40, 81];
        println!("  {:?}", patching.faithfulness_curve(scores, counts).unwrap().points());
    }
    let composed = |scores: &EdgeScores| {
        let between = |edge: &Edge| matches!(edge.sender, Sender::Head { .. }) && edge.receiver != Receiver::Logits;
        scores.edges().into_iter().find(between).unwrap().to_string()
    };
    assert_eq!(composed(&exact), "a0.h0 → a1.h0.k");
    assert_eq!(composed(&ten), "a0.h0 → a1.h0.k");
    let agreement = exact.agreement(&ten).unwrap();
    assert!(agreement.correlation() > 0.8, "{}", agreement.correlation());
    assert!(patching.faithfulness(&ten.circuit(10)).unwrap() > 0.9);
}

#[test]
fn scores_and_circuits_say_what_they_are() {
    let model = open("gpt2-tiny");
    let patching = experiment(&model, "gpt2-tiny", Padding::Left);
    let scores = patching.edge_attribution().unwrap();
    assert_eq!(scores.len(), scores.edges().len());
    let error = scores.score("a1.h0", "a0.h0.q").unwrap_err().to_string();
    assert!(error.contains("no edge leads from `a1.h0`"), "{error}");
    assert!(scores.html().contains("<svg") && scores.plain().contains("→"));
    let other = open("attn-only-tiny");
    let error = patching.run_circuit(&Circuit::new(&other, [("embed", "logits")]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("other parts"), "{error}");
    let rank = Metric::rank(&model, [7, 9], 2).unwrap();
    let rank = Patching::new(&model, patching.clean(), patching.corrupt(), rank).unwrap();
    assert!(rank.edge_attribution().unwrap_err().to_string().contains("changes in steps"));
    assert!(rank.edge_patching().is_ok() && patching.edge_integrated_gradients(0).is_err());
    let same = Patching::new(&model, patching.clean(), patching.clean(), metric(&model)).unwrap();
    let error = same.faithfulness(&scores.circuit(3)).unwrap_err().to_string();
    assert!(error.contains("does not distinguish them"), "{error}");
}
