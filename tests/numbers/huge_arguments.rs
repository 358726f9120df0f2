//! Sizes that nobody can mean are answered with a sentence, before anything is made of them.

use std::time::{Duration, Instant};

use glassbox::{
    circuits::{Writes, repeated_random_tokens, svd_reading},
    corpus::{Contrast, Partition, pairs},
    fourier::Fourier,
    ndarray::Array2,
    patching::{Corruption, IoiPrompts, MapAxis, Metric, Noise, Patching, clean},
    prelude::*,
    probe::{Features, Labels, SparseProbeParams},
    train::{Recipe, grammar::English, induction, induction::Induction},
};

const HUGE: [usize; 4] = [1_000_000_001, 1 << 40, usize::MAX - 1, usize::MAX];

/// What an answer is: done, or a sentence.
fn within_seconds<T>(what: &str, answer: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let answer = answer();
    assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
    answer
}

fn refused<T>(what: &str, size: usize, answer: impl FnOnce() -> Result<T>) {
    let why = within_seconds(what, answer).err().unwrap_or_else(|| panic!("{what} of {size} is done")).to_string();
    assert!(why.contains("at most") || why.contains("must be odd"), "{what} of {size}: {why}");
    assert!(!why.contains("overflow") && why.len() < 200, "{what} of {size}: {why}");
}

fn done<T>(what: &str, answer: impl FnOnce() -> Result<T>) {
    within_seconds(what, answer).unwrap_or_else(|why| panic!("{what}: {why}"));
}

#[test]
fn a_size_that_nobody_can_hold_is_refused_with_the_most_that_one_can() {
    let model = Model::open("induction-2l").unwrap();
    let metric = || Metric::logit_diff(&model, "blue", "tree", 1).unwrap();
    let prompts = ["red fox blue owl tree red fox", "red owl blue fox tree red fox"];
    let patching = Patching::new(&model, prompts[0], prompts[1], metric()).unwrap();
    for n in HUGE {
        refused("waves", n, || Fourier::new(n));
        refused("logit_diff", n, || Metric::logit_diff(&model, "blue", "tree", n));
        refused("logit", n, || Metric::logit(&model, 3, n));
        refused("rank", n, || Metric::rank(&model, "blue", n));
        refused("texts of random tokens", n, || repeated_random_tokens(&model, n, 4, 2, 0));
        refused("pairs", n, || pairs(Contrast::Reflexive, Partition::Training, n, 0));
        refused("attractors", n, || pairs(Contrast::Agreement { attractors: n }, Partition::Training, 1, 0));
        refused("names", n, || IoiPrompts::new(&model, Corruption::SwapNames, n, 0));
        refused("noise", n, || {
            Patching::noise(&model, prompts[0], "blue owl", Noise::default().samples(n), metric()).map(drop)
        });
        refused("integrated gradients", n, || patching.integrated_gradients(n).map(drop));
        refused("edge integrated gradients", n, || patching.edge_integrated_gradients(n).map(drop));
        let axes = || [MapAxis::index("layer", n), MapAxis::index("pos", n)];
        refused("cells", n, || patching.sweep("map", axes(), |at| [clean(Site::resid_pre(at[0]))]).map(drop));
        refused("evaluation", n, || induction::evaluate(&model, n, 0));
        refused("tokens a step", n, || Induction { tokens: n, ..Induction::default() }.parameters());
        refused("texts a step", n, || English { texts: n, len: n, ..English::default() }.parameters());
    }
}

#[test]
fn an_evaluation_of_nothing_is_refused() {
    for (model, evaluate) in [("induction-2l", true), ("grammar-4l", false)] {
        let model = Model::open(model).unwrap();
        let why = match evaluate {
            true => induction::evaluate(&model, 0, 0).map(drop),
            false => glassbox::train::grammar::evaluate(&model, 0, 0).map(drop),
        };
        let why = why.unwrap_err().to_string();
        assert!(why.contains("ask for at least 1"), "{why}");
    }
}

#[test]
fn a_probe_that_would_never_end_is_refused() {
    let features = Features::new(Array2::from_shape_fn((20, 3), |(i, j)| ((i * 7 + j * 3) % 5) as f32)).unwrap();
    let labels = Labels::new((0..20).map(|i| i % 2 == 0).collect::<Vec<_>>());
    let params = || SparseProbeParams::default().k(1);
    for n in HUGE {
        for params in [params().shuffles(n), params().random_draws(n), params().splits(n)] {
            refused("a probe", n, || params.fit(&features, &labels).map(drop));
        }
        let why = params().k(n).fit(&features, &labels).err().unwrap().to_string();
        assert!(why.contains("choose k from 1 to 3"), "{why}");
    }
}

#[test]
fn more_than_there_is_is_all_there_is() {
    let model = Model::open("induction-2l").unwrap();
    let run = model.run("red fox blue owl").unwrap();
    let metric = Metric::logit(&model, "fox", 1).unwrap();
    let patching = Patching::new(&model, "red fox blue", "red owl blue", metric).unwrap();
    for n in HUGE {
        done("predictions", || run.predictions(-1, n));
        done("next tokens", || run.next_tokens(-1, n));
        let why = within_seconds("a period", || repeated_random_tokens(&model, 1, n, 2, 0)).unwrap_err().to_string();
        assert!(why.contains("the period can be up to"), "{why}");
        done("directions", || svd_reading(&model, Writes::Head { layer: 0, head: 0 }, n));
        done("top of a map", || Ok(patching.resid_pre()?.top(n)));
        done("windows", || patching.attn_out_windows(n));
        done("a corner", || model.ov(0)?.corner(n));
        done("top_k", || model.generate("red fox")?.top_k(n).seed(u64::MAX).max_new_tokens(2).run());
        done("a shape", || model.config().shape(Site::pattern(0), n, n));
        done("a budget", || patching.clone().budget(n).resid_pre().map(drop));
        let why = within_seconds("repeats", || repeated_random_tokens(&model, 1, 4, n, 0)).unwrap_err().to_string();
        assert!(why.contains("at least 2 tokens"), "{why}");
        // The text ends where the model does, or where it says so.
        let _ = within_seconds("generation", || model.generate("red fox blue red")?.max_new_tokens(n).run());
    }
    for pattern in ["*".repeat(10_000), "*a".repeat(10_000)] {
        let _ = within_seconds("a pattern", || model.pass("red fox")?.record(pattern.as_str()).run());
    }
}
