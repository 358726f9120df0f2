//! Paths, edges and circuits through a norm behind attention, against whole runs.

use crate::{
    bad_input::altered,
    edges::site_of,
    paths::{everything, experiment, metric, receivers, senders},
    reference::open,
};
use candle_core::{D, Tensor};
use glassbox::{
    Model,
    cache::ActivationCache,
    hook::{Intervention, Site, edit, patch, replace},
    model::Run,
    patching::{Circuit, Edge, EdgeScores, Patching, Receiver, Sender},
    text::Padding,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Norms before and behind attention and MLP, and behind them alone.
pub const POST_NORMS: [&str; 4] = ["families/gemma2", "families/gemma3_text", "families/olmo2", "families/olmo3"];

/// These, and a LayerNorm with a bias behind attention and MLP.
fn models() -> Vec<(&'static str, Model)> {
    let set = |config: &mut serde_json::Map<String, serde_json::Value>| {
        config.insert("use_normalization_before_and_after".into(), true.into());
    };
    let add = |weights: &mut HashMap<String, Tensor>| {
        for (from, to) in
            [("ln1.w", "ln1_post.w"), ("ln2.b", "ln1_post.b"), ("ln2.w", "ln2_post.w"), ("ln1.b", "ln2_post.b")]
        {
            for layer in 0..2 {
                let weight = weights[&format!("blocks.{layer}.{from}")].clone();
                weights.insert(format!("blocks.{layer}.{to}"), weight);
            }
        }
    };
    let layer_norm = altered("solu-tiny", set, add).unwrap();
    POST_NORMS.into_iter().map(|name| (name, open(name))).chain([("solu-tiny", layer_norm)]).collect()
}

struct Runs<'a> {
    model: &'a Model,
    patching: &'a Patching,
    clean: Run,
    corrupt: Run,
}

fn runs<'a>(model: &'a Model, patching: &'a Patching) -> Runs<'a> {
    let run = |tokens| everything(model, tokens, Vec::new());
    Runs { model, patching, clean: run(&patching.clean()), corrupt: run(&patching.corrupt()) }
}

impl Runs<'_> {
    /// What the receivers are told is said by a run in which all but the sender is frozen, and the sender goes a part of its
    /// way; a second run is told that. `held`: an intervention freezes the scales behind attention.
    fn told(&self, sender: Sender, part: f64, receivers: &[Receiver], mlps: bool, held: bool) -> Vec<f32> {
        let corrupt = self.corrupt.cache();
        let went = |site: Site| -> Intervention {
            let (there, here) = (self.clean.cache().get(site).unwrap(), corrupt.get(site).unwrap());
            replace(site, (&here + ((there - &here).unwrap() * part).unwrap()).unwrap())
        };
        let mut freeze = Vec::new();
        for layer in 0..self.model.config().n_layers {
            for head in 0..self.model.config().n_heads {
                let frozen = patch(Site::z(layer), &corrupt).unwrap();
                let goes = sender == Sender::Head { layer, head };
                freeze.push(if goes { went(Site::z(layer)) } else { frozen }.head(head as i64));
            }
            if sender == (Sender::Mlp { layer }) {
                freeze.push(went(Site::mlp_out(layer)));
            } else if !mlps {
                freeze.push(patch(Site::mlp_out(layer), &corrupt).unwrap());
            }
            if held {
                let scale = format!("blocks.{layer}.ln1_post.hook_scale").parse::<Site>().unwrap();
                freeze.push(patch(scale, &corrupt).unwrap());
            }
        }
        if sender == Sender::Embed {
            freeze.push(went(Site::resid_pre(0)));
        }
        let hears = everything(self.model, &self.patching.corrupt(), freeze);
        if receivers.contains(&Receiver::Logits) {
            return metric(self.model).of(&hears).unwrap();
        }
        let tell = |receiver: &Receiver| {
            let (site, head) = site_of(*receiver, 0);
            let told = patch(site, hears.cache()).unwrap();
            head.map_or(told.clone(), |head| told.head(head as i64))
        };
        let after = self.model.pass(self.patching.corrupt()).unwrap().intervene(receivers.iter().map(tell)).run();
        metric(self.model).of(after.unwrap()).unwrap()
    }
}

#[test]
fn paths_behind_a_norm_agree_with_whole_runs_whether_it_is_held_or_not() {
    for (name, model) in models() {
        let patching = experiment(&model, name, Padding::Left);
        let runs = runs(&model, &patching);
        let (mut largest, mut apart) = (0f32, 0f32);
        for sender in senders(&model) {
            for receivers in receivers(&model) {
                for mlps in [true, false] {
                    let mut both = Vec::new();
                    for held in [false, true] {
                        let patching = if held { patching.clone().hold_ln() } else { patching.clone() };
                        let fast = match mlps {
                            true => patching.path(sender, receivers.clone()).unwrap(),
                            false => patching.direct_path(sender, receivers.clone()).unwrap(),
                        };
                        let slow = runs.told(sender, 1.0, &receivers, mlps, held);
                        for (text, (fast, slow)) in fast.values().iter().zip(&slow).enumerate() {
                            let what = format!("{name}, held {held}: {sender} → {receivers:?}");
                            assert!((fast - slow).abs() < 1e-5, "{what}: {fast} and {slow}");
                            largest = largest.max((slow - patching.corrupt_metric()[text]).abs());
                        }
                        both.push(slow);
                    }
                    apart = both[0].iter().zip(&both[1]).map(|(a, b)| (a - b).abs()).fold(apart, f32::max);
                }
            }
        }
        assert!(largest > 1e-3 && apart > 1e-4, "{name}: some path does something, and the scale is part of it");
    }
}

#[test]
fn scores_behind_a_norm_are_the_slope_of_the_paths() {
    const STEP: f64 = 0.02;
    for (name, model) in models() {
        let patching = experiment(&model, name, Padding::Left);
        let runs = runs(&model, &patching);
        for held in [false, true] {
            let patching = if held { patching.clone().hold_ln() } else { patching.clone() };
            let scores = patching.edge_attribution().unwrap();
            let corrupt = patching.corrupt_metric();
            let of = |from: usize, to: usize, text: usize| scores.sweep().values()[[from, to, text]] - corrupt[text];
            let count = (scores.senders().len(), scores.receivers().len());
            let all = (0..count.0).flat_map(|from| (0..count.1).map(move |to| (from, to)));
            let most = all.map(|(from, to)| of(from, to, 0).abs().max(of(from, to, 1).abs())).fold(0f32, f32::max);
            for (from, sender) in scores.senders().into_iter().enumerate().step_by(2) {
                for (to, receiver) in scores.receivers().into_iter().enumerate() {
                    if scores.score(&sender.to_string(), &receiver.to_string()).is_err() {
                        continue;
                    }
                    // Central differences of two steps, extrapolated to none (Richardson).
                    let went = |part| runs.told(sender, part, &[receiver], false, held);
                    let [ahead, back, far, behind] = [STEP, -STEP, 2.0 * STEP, -2.0 * STEP].map(went);
                    for text in 0..2 {
                        let difference = 8.0 * (ahead[text] - back[text]) - (far[text] - behind[text]);
                        let (slope, score) = (difference / (12.0 * STEP as f32), of(from, to, text));
                        let near = 1e-3 * slope.abs().max(0.1 * most).max(0.1);
                        assert!(
                            (slope - score).abs() < near,
                            "{name}, {held}: {sender} → {receiver}: {score}, {slope}"
                        );
                    }
                }
            }
        }
    }
}

/// What a sender writes in a run: a head before the norm.
fn written(cache: &ActivationCache, sender: Sender) -> Tensor {
    match sender {
        Sender::Embed => cache.get(Site::resid_pre(0)).unwrap(),
        Sender::Head { layer, head } => {
            cache.get(Site::result(layer)).unwrap().narrow(2, head, 1).unwrap().squeeze(2).unwrap()
        }
        Sender::Mlp { layer } => cache.get(Site::mlp_out(layer)).unwrap(),
        other => panic!("{other} is in no model of one stack"),
    }
}

/// RMSNorm by its formula; over `scale` where that is given.
fn rms(x: &Tensor, weight: &Tensor, eps: f64, scale: Option<&Tensor>) -> candle_core::Result<Tensor> {
    let own = (x.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    x.broadcast_div(scale.unwrap_or(&own))?.broadcast_mul(weight)
}

/// An ordinary run in which closures at the senders see what they write, and closures at the receivers put in their own
/// sums: of each layer's heads the normed one.
fn slow_circuit(model: &Model, runs: &Runs, scores: &EdgeScores, kept: &[Edge], held: bool) -> Vec<f32> {
    let (intact, rest) = (runs.clean.cache(), runs.corrupt.cache());
    let seen: Arc<Mutex<HashMap<Sender, Tensor>>> = Arc::default();
    let (layers, heads, eps) = (model.config().n_layers, model.config().n_heads, model.config().eps);
    let mut interventions: Vec<Intervention> = Vec::new();
    for sender in scores.senders() {
        let shared = seen.clone();
        let (site, head) = match sender {
            Sender::Embed => (Site::resid_pre(0), None),
            Sender::Head { layer, head } => (Site::result(layer), Some(head)),
            Sender::Mlp { layer } => (Site::mlp_out(layer), None),
            other => panic!("{other} is in no model of one stack"),
        };
        let looks = edit(site, move |x| {
            let own = if head.is_some() { x.squeeze(2)? } else { x.clone() };
            shared.lock().unwrap().insert(sender, own);
            Ok(x.clone())
        });
        interventions.push(head.map_or(looks.clone(), |head| looks.head(head as i64)));
    }
    for receiver in scores.receivers() {
        let (site, head) = site_of(receiver, layers);
        let hears = |sender: &Sender| scores.score(&sender.to_string(), &receiver.to_string()).is_ok();
        let heard: Vec<Sender> = scores.senders().into_iter().filter(hears).collect();
        let kept: Vec<Sender> = kept.iter().filter(|edge| edge.receiver == receiver).map(|edge| edge.sender).collect();
        let other: HashMap<Sender, Tensor> = heard.iter().map(|&sender| (sender, written(&rest, sender))).collect();
        let scale = |layer| intact.get(format!("blocks.{layer}.ln1_post.hook_scale").as_str()).unwrap();
        let norms: Vec<(Tensor, Option<Tensor>)> = (0..layers)
            .map(|layer| (model.weights().ln_w(layer, "ln1_post").unwrap(), held.then(|| scale(layer))))
            .collect();
        let shared = seen.clone();
        let told = edit(site, move |x| {
            let seen = shared.lock().unwrap();
            let told = |sender: Sender| if kept.contains(&sender) { &seen[&sender] } else { &other[&sender] };
            let mut sum = told(Sender::Embed).clone();
            for (layer, (weight, scale)) in norms.iter().enumerate() {
                if heard.contains(&Sender::Head { layer, head: 0 }) {
                    let mut wrote = told(Sender::Head { layer, head: 0 }).clone();
                    for head in 1..heads {
                        wrote = (wrote + told(Sender::Head { layer, head }))?;
                    }
                    sum = (sum + rms(&wrote, weight, eps, scale.as_ref())?)?;
                }
                if heard.contains(&Sender::Mlp { layer }) {
                    sum = (sum + told(Sender::Mlp { layer }))?;
                }
            }
            sum.reshape(x.shape())
        });
        interventions.push(head.map_or(told.clone(), |head| told.head(head as i64)));
    }
    let run = model.pass(runs.patching.clean()).unwrap().intervene(interventions).run().unwrap();
    metric(model).of(&run).unwrap()
}

#[test]
fn circuits_behind_a_norm_run_as_whole_runs_in_which_every_receiver_reads_its_own_normed_sum() {
    for name in POST_NORMS {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let runs = runs(&model, &patching);
        let scores = patching.edge_attribution().unwrap();
        for seed in 0..2 {
            let some = |(i, _): &(usize, Edge)| ((i * 2_654_435 + seed * 40_503) % 97) % 3 != seed % 3;
            let kept: Vec<Edge> = scores.edges().into_iter().enumerate().filter(some).map(|(_, edge)| edge).collect();
            let circuit = Circuit::new(&model, kept.iter().map(|edge| (edge.sender, edge.receiver))).unwrap();
            for held in [false, true] {
                let patching = if held { patching.clone().hold_ln() } else { patching.clone() };
                let fast = patching.run_circuit(&circuit).unwrap().values();
                let slow = slow_circuit(&model, &runs, &scores, &kept, held);
                for (fast, slow) in fast.iter().zip(&slow) {
                    assert!((fast - slow).abs() < 1e-5, "{name}, {seed}, held {held}: {fast} and {slow}");
                }
            }
        }
    }
}

#[test]
fn with_the_scale_held_all_edges_are_still_the_run_that_is_explained() {
    for (name, model) in models() {
        let patching = experiment(&model, name, Padding::Right).hold_ln();
        let scores = patching.edge_integrated_gradients(2).unwrap();
        let all = patching.run_circuit(&scores.circuit(scores.len())).unwrap().values();
        for (value, clean) in all.iter().zip(patching.clean_metric()) {
            assert!((value - clean).abs() < 1e-5, "{name}: {value} and {clean}");
        }
    }
}

#[test]
fn what_heads_and_neurons_write_is_centred_where_the_norm_behind_them_centres() {
    let (_, model) = models().pop().unwrap();
    let run = model.run([3u32, 1, 4, 1, 5]).unwrap();
    let (layer, end) = (1, Site::resid_post(1));
    for (stack, norm, label) in [
        (run.decompose_heads(end).unwrap(), "ln1_post", "L1H"),
        (run.decompose_neurons(end).unwrap(), "ln2_post", "L1N"),
    ] {
        let own = stack.only(|name| name.starts_with(label)).unwrap().values().unwrap();
        let weight = model.weights().ln_w(layer, norm).unwrap();
        let means = own.broadcast_div(&weight).unwrap().mean(D::Minus1).unwrap().abs().unwrap();
        let most = means.flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(most < 1e-5, "{norm}: {most}");
    }
}
