//! The shipped model of the grammar, on texts that it has not read.

use glassbox::{
    Model,
    corpus::{Contrast, Partition, pairs},
    hook::Site,
    patching::{HeadPart, PromptPairs},
    train::grammar::evaluate,
};
use std::time::Instant;

#[test]
fn the_shipped_grammar_model_does_what_it_is_shipped_for() {
    let model = Model::open("grammar-4l").unwrap();
    // A seed the recipe never uses.
    let evaluation = evaluate(&model, 300, 20_261_122).unwrap();
    println!("{evaluation}");
    assert!(evaluation.one_attractor > 0.97, "{evaluation}");
    assert!(evaluation.two_attractors > 0.90, "{evaluation}");
    assert!(evaluation.indirect_object > 0.95, "{evaluation}");
    assert!(evaluation.facts > 0.95, "{evaluation}");
    assert!(evaluation.mean_truth() > 0.90, "{evaluation}");
    assert!((evaluation.perplexity_ratio() - 1.0).abs() < 0.10, "{evaluation}");
}

#[test]
fn the_number_of_the_subject_is_carried_from_the_subject_to_the_end() {
    let model = Model::open("grammar-4l").unwrap();
    let pairs = pairs(Contrast::Agreement { attractors: 1 }, Partition::HeldOut, 16, 1).unwrap();
    let pairs = PromptPairs::new(&model, pairs).unwrap();
    let patching = pairs.patching(&model).unwrap();
    let effect = patching.resid_pre().unwrap().mean();
    // <bos> The keys near the cabinet: at the subject at first, at the last word after the last layer but one.
    assert!(effect[[0, 2]] > 0.9, "{effect}");
    assert!(effect[[0, 5]].abs() < 0.1, "{effect}");
    assert!(effect[[3, 5]] > 0.5, "{effect}");
    // By one head, which looks at the subject in both sentences alike and finds another value there.
    let heads = patching.heads(HeadPart::Out).unwrap();
    let (values, patterns) = (patching.heads(HeadPart::Value).unwrap(), patching.heads(HeadPart::Pattern).unwrap());
    println!("heads {:.2}\nvalues {:.2}\npatterns {:.2}", heads.mean(), values.mean(), patterns.mean());
    assert_eq!(heads.strongest().0, [2, 1]);
    assert!(heads.mean()[[2, 1]] > 0.7 && values.mean()[[2, 1]] > 0.7 && patterns.mean()[[2, 1]].abs() < 0.1);
    let run = model.run("The keys near the cabinet behind the doors").unwrap();
    let pattern = run.cache().get(Site::pattern(2)).unwrap().get(0).unwrap().get(1).unwrap().to_vec2::<f32>().unwrap();
    assert!([2, 5, 8].iter().all(|&noun: &usize| pattern[noun][2] > 0.8), "{pattern:.2?}");
}

#[test]
fn a_shipped_model_opens_at_once_and_reads_a_sentence_as_it_is_written() {
    let start = Instant::now();
    let model = Model::open("grammar-4l").unwrap();
    println!("opened in {:.0} ms", 1e3 * start.elapsed().as_secs_f64());
    let run = model.run("When Mary and John went to the shop, John gave a drink to").unwrap();
    assert_eq!(run.tokens().strings(0)[..3], ["<bos>", "When", "Mary"]);
    assert_eq!(run.predictions(-1, 1).unwrap()[0].text, "Mary");
    assert_eq!(run.cache().get(Site::pattern(0)).unwrap().dims()[1], model.config().n_heads);
}
