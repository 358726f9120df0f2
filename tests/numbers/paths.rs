//! Path patching gives what whole runs with everything else frozen give.

use crate::reference::{expected, open, token_ids};
use glassbox::{
    Model,
    hook::{Intervention, Site, patch, scale, zero},
    model::Run,
    patching::{Metric, Patching, Receiver, Sender},
    text::{Padding, Tokens},
};

/// One family of each kind: learned and rotary positions, grouped queries, no MLPs, attention and MLP side by side,
/// a scaled residual stream, a mixture of experts.
pub const NAMES: [&str; 7] = [
    "gpt2-tiny",
    "llama-gqa-tied",
    "attn-only-tiny",
    "families/gpt_neox",
    "families/granite",
    "families/mixtral",
    "families/bloom",
];

/// Two pairs of prompts of different length, padded.
pub fn experiment(model: &Model, name: &str, side: Padding) -> Patching {
    let ids = token_ids(&expected(name, "expected.safetensors"));
    let clean = vec![ids[..6].to_vec(), ids[2..7].to_vec()];
    let mut corrupt = clean.clone();
    (corrupt[0][1], corrupt[1][2]) = (17, 23);
    let tokens = |texts: Vec<Vec<u32>>| -> Tokens { model.tokens(texts).unwrap().padded(side) };
    Patching::new(model, tokens(clean), tokens(corrupt), metric(model)).unwrap()
}

pub fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [42, 3], 2).unwrap()
}

pub fn everything(model: &Model, tokens: &Tokens, interventions: Vec<Intervention>) -> Run {
    let pass = model.pass(tokens).unwrap().record(glassbox::hook::Sites::All).record("blocks.*.hook_*_in*");
    let pass = pass.record("blocks.*.attn.hook_result");
    pass.intervene(interventions).run().unwrap()
}

/// The slow way, as in the paper: a run in which everything but the paths is frozen says what the receivers hear, and
/// a second run is given that.
fn whole_runs(patching: &Patching, model: &Model, sender: Sender, receivers: &[Receiver], mlps: bool) -> Vec<f32> {
    let (clean, corrupt) =
        (everything(model, &patching.clean(), Vec::new()), everything(model, &patching.corrupt(), Vec::new()));
    let (layers, heads) = (model.config().n_layers as i64, model.config().n_heads as i64);
    let mut freeze = Vec::new();
    for layer in 0..layers as usize {
        for head in 0..heads {
            let same = sender == Sender::Head { layer, head: head as usize };
            let from = if same { clean.cache() } else { corrupt.cache() };
            freeze.push(patch(Site::z(layer), from).unwrap().head(head));
        }
        if sender == (Sender::Mlp { layer }) {
            freeze.push(patch(Site::mlp_out(layer), clean.cache()).unwrap());
        } else if !mlps && model.has(Site::mlp_out(layer)) {
            freeze.push(patch(Site::mlp_out(layer), corrupt.cache()).unwrap());
        }
    }
    if sender == Sender::Embed {
        freeze.push(patch(Site::resid_pre(0), clean.cache()).unwrap());
    }
    let hears = everything(model, &patching.corrupt(), freeze);
    if receivers.contains(&Receiver::Logits) {
        return metric(model).of(&hears).unwrap();
    }
    let told = |receiver: &Receiver| {
        let (site, head) = match *receiver {
            Receiver::Query { layer, head } => (Site::q_input(layer), Some(head)),
            Receiver::Key { layer, head } => (Site::k_input(layer), Some(head)),
            Receiver::Value { layer, head } => (Site::v_input(layer), Some(head)),
            Receiver::Mlp { layer } => (Site::mlp_in(layer), None),
            _ => unreachable!(),
        };
        let told = patch(site, hears.cache()).unwrap();
        head.map_or(told.clone(), |head| told.head(head as i64))
    };
    let after = model.pass(patching.corrupt()).unwrap().intervene(receivers.iter().map(told)).run().unwrap();
    metric(model).of(&after).unwrap()
}

/// An embedding that is patched as what enters block 0 would reach the queries of block 0 by itself too.
pub fn senders(model: &Model) -> Vec<Sender> {
    let mut senders = vec![Sender::Embed, Sender::Head { layer: 0, head: 0 }, Sender::Head { layer: 0, head: 1 }];
    if model.has(Site::mlp_out(0)) {
        senders.push(Sender::Mlp { layer: 0 });
    }
    senders
}

pub fn receivers(model: &Model) -> Vec<Vec<Receiver>> {
    let (layer, head) = (1, model.config().n_heads - 1);
    let key_head = model.config().n_key_value_heads - 1;
    let mut receivers = vec![
        vec![Receiver::Query { layer, head }],
        vec![Receiver::Key { layer, head: key_head }],
        vec![Receiver::Value { layer, head: key_head }],
        vec![Receiver::Query { layer, head }, Receiver::Query { layer, head: 0 }, Receiver::Key { layer, head: 0 }],
        vec![Receiver::Logits],
    ];
    if model.has(Site::mlp_out(1)) {
        receivers.push(vec![Receiver::Mlp { layer: 1 }, Receiver::Value { layer, head: key_head }]);
    }
    receivers
}

#[test]
fn paths_agree_with_whole_runs() {
    for name in NAMES {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let mut largest = 0f32;
        for sender in senders(&model) {
            for receivers in receivers(&model) {
                for mlps in [true, false] {
                    let fast = match mlps {
                        true => patching.path(sender, receivers.clone()).unwrap(),
                        false => patching.direct_path(sender, receivers.clone()).unwrap(),
                    };
                    let slow = whole_runs(&patching, &model, sender, &receivers, mlps);
                    for (text, (fast, slow)) in fast.values().iter().zip(&slow).enumerate() {
                        assert!((fast - slow).abs() < 1e-5, "{name}: {sender} → {receivers:?}: {fast} and {slow}");
                        largest = largest.max((slow - patching.corrupt_metric()[text]).abs());
                    }
                }
            }
        }
        assert!(largest > 1e-3, "{name}: some path does something");
    }
}

#[test]
fn a_map_of_paths_is_each_path_by_itself() {
    for name in ["gpt2-tiny", "llama-gqa-tied"] {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Right);
        for receivers in [vec!["a1.h1.q", "a1.h0.k"], vec!["logits"]] {
            let (through, direct) =
                (patching.paths_to(receivers.clone()).unwrap(), patching.direct_paths_to(receivers.clone()).unwrap());
            let small = patching.clone().budget(1).paths_to(receivers.clone()).unwrap();
            for head in 0..model.config().n_heads {
                let sender = Sender::Head { layer: 0, head };
                let one = patching.path(sender, receivers.clone()).unwrap().values();
                let edge = patching.direct_path(sender, receivers.clone()).unwrap().values();
                for text in 0..2 {
                    assert!((through.values()[[0, head, text]] - one[text]).abs() < 1e-5);
                    assert!((small.values()[[0, head, text]] - one[text]).abs() < 1e-5);
                    assert!((direct.values()[[0, head, text]] - edge[text]).abs() < 1e-5);
                }
            }
            if receivers != ["logits"] {
                let late = through.values()[[1, 0, 0]] - patching.corrupt_metric()[0];
                assert!(late.abs() < 1e-5, "no query hears a head of its own layer");
            }
        }
    }
}

#[test]
fn a_path_from_everything_to_the_logits_brings_the_clean_answer_back() {
    for name in ["gpt2-tiny", "attn-only-tiny", "families/gpt_neox", "families/gemma2", "families/olmo2"] {
        let model = open(name);
        let patching = experiment(&model, name, Padding::Left);
        let mut senders = senders(&model);
        senders.extend((0..model.config().n_heads).map(|head| Sender::Head { layer: 1, head }));
        senders.extend(model.has(Site::mlp_out(1)).then_some(Sender::Mlp { layer: 1 }));
        senders.extend((2..model.config().n_heads).map(|head| Sender::Head { layer: 0, head }));
        let effect = patching.direct_path(senders, "logits").unwrap();
        assert!((effect.recovered() - 1.0).abs() < 1e-3, "{name}: {}", effect.recovered());
    }
}

#[test]
fn changed_embeddings_are_an_end_like_another_prompt() {
    let model = open("llama-gqa-tied");
    let prompts = [vec![1u32, 2, 3, 4], vec![5, 9, 3, 8]];
    let patching = Patching::corrupted(&model, &prompts, [scale(Site::embed(), 0.3)], metric(&model)).unwrap();
    let patching = patching.also(Metric::probability(&model, [7, 9], 2).unwrap()).unwrap();
    let scores = patching.edge_attribution().unwrap();
    let effect = patching.direct_path(scores.senders(), "logits").unwrap();
    assert!((effect.recovered() - 1.0).abs() < 1e-3, "{}", effect.recovered());
    assert!((effect.sweep().for_metric("probability").unwrap().mean().sum() - 1.0).abs() < 1e-2);
    let few = patching.clone().budget(1).edge_attribution().unwrap();
    let differ = (&few.mean() - &scores.mean()).mapv(f32::abs).fold(0f32, |most, value| most.max(*value));
    let most = scores.edges()[0].score.abs();
    assert!(differ < 1e-5 * most.max(1.0), "a text at a time: {differ} of {most}");
    let all = patching.faithfulness(&scores.circuit(scores.len())).unwrap();
    assert!((all - 1.0).abs() < 1e-3, "{all}");
    let inside = Patching::corrupted(&model, &prompts, [zero(Site::z(1))], metric(&model)).unwrap();
    assert!(inside.edge_attribution().unwrap_err().to_string().contains("1 interventions change the inside"));
    let nothing = Patching::unpatched(&model, &prompts, metric(&model)).unwrap();
    assert!(nothing.path("a0.h0", "logits").unwrap_err().to_string().contains("no other value to set"));
}

#[test]
fn what_is_no_path_is_refused_with_the_reason() {
    let model = open("gpt2-tiny");
    let patching = experiment(&model, "gpt2-tiny", Padding::Left);
    for (senders, receivers, words) in [
        ("a0.h0", "a0.h1.q", "no edge leads from `a0.h0` to `a0.h1.q`"),
        ("a1.h0", "m0", "no edge leads from `a1.h0` to `m0`"),
        ("a0.h9", "logits", "the model has no `a0.h9`; the nearest are a0.h"),
        ("head 3", "logits", "`head 3` is not a sender; senders are `embed`"),
        ("embed", "a1.h0.z", "`a1.h0.z` is not a receiver"),
        ("embed", "m7", "the model has no `m7`"),
    ] {
        let error = patching.path(senders, receivers).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = patching.path(Vec::<Sender>::new(), "logits").unwrap_err().to_string();
    assert!(error.contains("got 0 and 1"), "{error}");
    let hooked = model.hooked([zero(Site::z(0))]);
    let error = experiment(&hooked, "gpt2-tiny", Padding::Left).paths_to("logits").unwrap_err().to_string();
    assert!(error.contains("1 interventions change the inside of the model"), "{error}");
}
