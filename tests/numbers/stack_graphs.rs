//! Paths, edges and circuits of encoders and of either stack of an encoder-decoder: whole runs, and sums that must hold.

use crate::reference::{expected, open, token_ids};
use glassbox::{
    Model,
    hook::{Intervention, Site, Sites, patch, zero},
    input::Input,
    model::Run,
    model::ToInput,
    patching::{EdgeScores, HeadPart, Metric, Patching, Receiver, Sender},
    text::Padding,
};

/// From a site to that of a stack.
type Place = fn(Site) -> Site;

/// A model, and which of its stacks is the graph.
const CASES: [(&str, Place); 7] = [
    ("families/bert", |site| site),
    ("families/distilbert", |site| site),
    ("families/opt-post-norm", |site| site),
    ("families/t5", Site::in_encoder),
    ("families/t5-v1_1", Site::in_encoder),
    ("families/t5", Site::in_decoder),
    ("families/t5-v1_1", Site::in_decoder),
];

fn metric(model: &Model) -> Metric {
    Metric::logit_diff(model, [7, 9], [22, 3], 2).unwrap()
}

fn experiment(name: &str, place: Place) -> (Model, Patching) {
    let model = open(name);
    let left = |texts: [Vec<u32>; 2]| model.tokens(texts).unwrap().padded(Padding::Left);
    let both: [Input; 2] = match name.contains("t5") {
        true => {
            let clean =
                (left([vec![5, 9, 30, 7, 11, 2], vec![4, 8, 19, 6, 2]]), [vec![0u32, 3, 14, 21], vec![0, 13, 9]]);
            let corrupt =
                (left([vec![5, 17, 30, 7, 12, 2], vec![4, 8, 23, 6, 2]]), [vec![0u32, 16, 14, 5], vec![0, 13, 31]]);
            [clean.to_input(&model).unwrap(), corrupt.to_input(&model).unwrap()]
        }
        false => {
            let ids = token_ids(&expected(name, "expected.safetensors"));
            let clean = [ids[..6].to_vec(), ids[2..7].to_vec()];
            let mut corrupt = clean.clone();
            (corrupt[0][1], corrupt[1][2]) = (17, 23);
            [left(clean).to_input(&model).unwrap(), left(corrupt).to_input(&model).unwrap()]
        }
    };
    let [clean, corrupt] = both;
    let patching = Patching::new(&model, clean, corrupt, metric(&model)).unwrap();
    let in_encoder = place(Site::z(0)) == Site::z(0).in_encoder();
    let patching = if in_encoder { patching.encoder().unwrap() } else { patching };
    (model, patching)
}

fn everything(model: &Model, input: Input, interventions: Vec<Intervention>) -> Run {
    let gated = ["*.hook_*_in*", "*.attn.hook_result", "*.hook_mlp_in"];
    let pass = model.pass(input).unwrap().record(Sites::All);
    gated.into_iter().fold(pass, |pass, sites| pass.record(sites)).intervene(interventions).run().unwrap()
}

fn layers(model: &Model, place: Place) -> usize {
    (0..).take_while(|&layer| model.has(place(Site::z(layer)))).count()
}

/// The slow way: a run in which everything but the path is frozen says what the receivers hear, and a second run is given
/// that.
fn whole_runs(
    (patching, model, place): (&Patching, &Model, Place),
    sender: Sender,
    receiver: Receiver,
    mlps: bool,
) -> Vec<f32> {
    let runs = [patching.clean_input(), patching.corrupt_input()].map(|input| everything(model, input, Vec::new()));
    let [clean, corrupt] = [runs[0].cache(), runs[1].cache()];
    // All but, perhaps, one MLP.
    let frozen = |free: Option<usize>| {
        let mut freeze = Vec::new();
        if sender == Sender::Embed {
            freeze.push(patch(place(Site::resid_pre(0)), &clean).unwrap());
        }
        for layer in 0..layers(model, place) {
            for head in 0..model.config().n_heads {
                let from = if sender == (Sender::Head { layer, head }) { &clean } else { &corrupt };
                freeze.push(patch(place(Site::z(layer)), from).unwrap().head(head));
                if model.has(place(Site::cross_z(layer))) {
                    let from = if sender == (Sender::CrossHead { layer, head }) { &clean } else { &corrupt };
                    freeze.push(patch(place(Site::cross_z(layer)), from).unwrap().head(head));
                }
            }
            let (site, speaks) = (place(Site::mlp_out(layer)), sender == Sender::Mlp { layer });
            if speaks || !mlps && free != Some(layer) {
                freeze.push(patch(site, if speaks { &clean } else { &corrupt }).unwrap());
            }
        }
        everything(model, patching.corrupt_input(), freeze)
    };
    let told = match receiver {
        Receiver::Logits => return metric(model).of(frozen(None)).unwrap(),
        Receiver::Query { layer, head } => patch(place(Site::q_input(layer)), frozen(None).cache()).unwrap().head(head),
        Receiver::Key { layer, head } => patch(place(Site::k_input(layer)), frozen(None).cache()).unwrap().head(head),
        Receiver::Value { layer, head } => patch(place(Site::v_input(layer)), frozen(None).cache()).unwrap().head(head),
        Receiver::CrossQuery { layer } => patch(place(Site::cross_q(layer)), frozen(None).cache()).unwrap(),
        Receiver::Mlp { layer } => patch(place(Site::mlp_out(layer)), frozen(Some(layer)).cache()).unwrap(),
        other => panic!("{other}"),
    };
    metric(model).of(model.run_with(patching.corrupt_input(), [told]).unwrap()).unwrap()
}

#[test]
fn paths_in_either_stack_and_past_norms_on_the_stream_are_whole_runs() {
    for (name, place) in CASES {
        let (model, patching) = experiment(name, place);
        let last = layers(&model, place) - 1;
        let mut receivers = vec![Receiver::Logits, Receiver::Mlp { layer: last }];
        receivers.extend([0, last].map(|layer| Receiver::Query { layer, head: 1 }));
        receivers.extend([Receiver::Key { layer: last, head: 0 }, Receiver::Value { layer: last, head: 1 }]);
        let mut senders = vec![Sender::Embed, Sender::Head { layer: 0, head: 1 }, Sender::Mlp { layer: 0 }];
        if model.has(place(Site::cross_z(0))) {
            receivers.push(Receiver::CrossQuery { layer: last });
            senders.push(Sender::CrossHead { layer: 0, head: 1 });
        }
        let mut largest = 0f32;
        for &sender in &senders {
            for &receiver in &receivers {
                for mlps in [true, false] {
                    let fast = match mlps {
                        true => patching.path(sender, receiver),
                        false => patching.direct_path(sender, receiver),
                    };
                    let Ok(fast) = fast else { continue }; // backwards
                    let slow = whole_runs((&patching, &model, place), sender, receiver, mlps);
                    for (text, (fast, slow)) in fast.values().iter().zip(&slow).enumerate() {
                        assert!((fast - slow).abs() < 1e-5, "{name}: {sender} → {receiver}, {mlps}: {fast} and {slow}");
                        largest = largest.max((slow - patching.corrupt_metric()[text]).abs());
                    }
                }
            }
        }
        assert!(largest > 1e-3, "{name}: some path does something");
        let map = patching.paths_to("logits").unwrap();
        let one = patching.path(Sender::Head { layer: 0, head: 1 }, "logits").unwrap().values();
        assert!((map.values()[[0, 1, 0]] - one[0]).abs() < 1e-5);
    }
}

fn sums_hold(name: &str, patching: &Patching, edges: &EdgeScores, nodes: &Patching) {
    let heads = nodes.heads(HeadPart::Out).unwrap();
    let across = nodes.cross_attention().map(|nodes| nodes.heads(HeadPart::Out).unwrap());
    let layers = nodes.layers().unwrap();
    let last = layers.values().shape()[1] - 1;
    for (from, sender) in edges.senders().into_iter().enumerate() {
        for text in 0..2 {
            let before = patching.corrupt_metric()[text];
            let all = 0..edges.receivers().len();
            let sum: f32 = all.map(|to| edges.sweep().values()[[from, to, text]] - before).sum();
            let node = match sender {
                Sender::Head { layer, head } => heads.values()[[layer, head, text]],
                Sender::CrossHead { layer, head } => across.as_ref().unwrap().values()[[layer, head, text]],
                Sender::Mlp { layer } => layers.values()[[layer, last, text]],
                _ => continue,
            } - before;
            assert!((sum - node).abs() < 5e-5, "{name}, {sender}: {sum} and {node}");
        }
    }
}

#[test]
fn the_edges_that_leave_a_part_of_either_stack_add_up_to_what_attribution_says_of_it() {
    for (name, place) in CASES {
        let (_, patching) = experiment(name, place);
        sums_hold(name, &patching, &patching.edge_attribution().unwrap(), &patching.attribution().unwrap());
        let (edges, nodes) =
            (patching.edge_integrated_gradients(3).unwrap(), patching.integrated_gradients(3).unwrap());
        sums_hold(name, &patching, &edges, &nodes);
        let held = patching.clone().hold_ln().edge_attribution().unwrap();
        assert!(held.sweep().values().iter().all(|value| value.is_finite()));
    }
}

#[test]
fn the_circuit_of_all_edges_is_the_clean_run_and_without_one_it_is_that_edges_direct_path() {
    for (name, place) in CASES {
        let (model, patching) = experiment(name, place);
        let scores = patching.edge_attribution().unwrap();
        let all = scores.circuit(scores.len());
        let whole = patching.run_circuit(&all).unwrap().values();
        let none = patching.run_circuit(&scores.circuit(0)).unwrap().values();
        // Of the encoder's graph, the decoder reads in both what it reads in the clean run.
        let source = patching.corrupt_input().source();
        let rest = match (place(Site::z(0)) == Site::z(0).in_encoder(), source) {
            (true, Some(source)) => {
                let both = (source, patching.clean());
                metric(&model).of(model.run(both).unwrap()).unwrap()
            }
            _ => patching.corrupt_metric(),
        };
        let back = Patching::new(&model, patching.corrupt_input(), patching.clean_input(), metric(&model)).unwrap();
        let back = if place(Site::z(0)) == Site::z(0).in_encoder() { back.encoder().unwrap() } else { back };
        for text in 0..2 {
            assert!((whole[text] - patching.clean_metric()[text]).abs() < 1e-5, "{name}: all");
            assert!((none[text] - rest[text]).abs() < 1e-5, "{name}: none");
            let mut largest = 0f32;
            for edge in all.edges().into_iter().step_by(7) {
                let without = patching.run_circuit(&all.without(edge.sender, edge.receiver)).unwrap().values();
                let path = back.direct_path(edge.sender, edge.receiver).unwrap().values();
                assert!((without[text] - path[text]).abs() < 1e-5, "{name}: {edge}");
                largest = largest.max((path[text] - whole[text]).abs());
            }
            assert!(largest > 1e-3, "{name}: some edge does something");
        }
        let exact = patching.edge_patching().unwrap();
        for edge in exact.edges().into_iter().step_by(11) {
            let path = patching.direct_path(edge.sender, edge.receiver).unwrap().recovered();
            assert!((edge.score - path).abs() < 1e-4, "{name}: {edge}");
        }
        all.figure().unwrap();
    }
}

#[test]
fn parts_that_a_stack_lacks_are_refused_with_the_nearest_and_so_is_a_model_with_interventions() {
    let (_, encoder) = experiment("families/t5", Site::in_encoder);
    let error = encoder.path("x0.h1", "logits").unwrap_err().to_string();
    assert!(error.contains("has no `x0.h1`") && error.contains("a0.h1"), "{error}");
    let error = encoder.paths_to("x1.q").unwrap_err().to_string();
    assert!(error.contains("has no `x1.q`"), "{error}");
    let (bert, patching) = experiment("families/bert", |site| site);
    let error = patching.path("x0.h1", "logits").unwrap_err().to_string();
    assert!(error.contains("has no `x0.h1`"), "{error}");
    let hooked = bert.hooked([zero(Site::z(0))]);
    let hooked = Patching::new(&hooked, patching.clean_input(), patching.corrupt_input(), metric(&bert)).unwrap();
    let error = hooked.paths_to("logits").unwrap_err().to_string();
    assert!(error.contains("interventions"), "{error}");
}
