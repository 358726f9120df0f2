//! The shipped model that adds: what it knows at which step of its training, and how.

use glassbox::{
    Model,
    fourier::{Fourier, ProgressMeasures},
    train::modular::{ModularAddition, Sums, pairs, sum},
};

fn key(model: &Model) -> Vec<usize> {
    Fourier::new(53).unwrap().spectrum(model.weights().w_e().unwrap()).unwrap().above(0.05)
}

#[test]
fn the_shipped_model_adds_all_pairs_and_reads_them_as_text() {
    let model = Model::open("modular-addition-1l").unwrap();
    let score = Sums::of(&model).unwrap().score(&pairs()).unwrap();
    println!("all pairs: {score:?}");
    assert_eq!(score.accuracy, 1.0);
    assert_eq!(model.run("30 + 40 =").unwrap().predictions(-1, 1).unwrap()[0].text, "17");
    assert_eq!(sum((30, 40)), 17);
}

#[test]
fn it_knew_by_heart_long_before_it_understood() {
    let (trained, held_out) = ModularAddition::default().split();
    let early = Model::open("modular-addition-1l@300").unwrap();
    let sums = Sums::of(&early).unwrap();
    let (by_heart, new) = (sums.score(&trained).unwrap(), sums.score(&held_out).unwrap());
    println!("at step 300: {by_heart:?} {new:?}");
    assert_eq!(by_heart.accuracy, 1.0);
    assert!(new.accuracy < 0.3);
}

#[test]
fn a_few_frequencies_carry_embedding_and_neurons() {
    let (before, after) = (Model::open("modular-addition-1l@0").unwrap(), Model::open("modular-addition-1l").unwrap());
    let fourier = Fourier::new(53).unwrap();
    let carried = |model: &Model, key: &[usize]| -> f64 {
        let spectrum = fourier.spectrum(model.weights().w_e().unwrap()).unwrap();
        key.iter().map(|&frequency| spectrum.share(frequency)).sum()
    };
    let key = key(&after);
    println!("frequencies {key:?} carry {:.3}, before training {:.3}", carried(&after, &key), carried(&before, &key));
    assert!((2..=8).contains(&key.len()) && carried(&after, &key) > 0.85 && carried(&before, &key) < 0.5);

    let tuned = fourier.neurons(Sums::of(&after).unwrap().neurons().unwrap()).unwrap();
    let clear = tuned.iter().filter(|neuron| neuron.share > 0.85 && key.contains(&neuron.frequency)).count();
    println!("{clear} of {} neurons listen to one of them", tuned.len());
    assert!(2 * clear > tuned.len());
}

#[test]
fn the_circuit_is_enough_and_nothing_else_is() {
    let model = Model::open("modular-addition-1l").unwrap();
    let (recipe, key) = (ModularAddition::default(), key(&model));
    let end = ProgressMeasures::of(&model, &recipe, &key).unwrap();
    let early = ProgressMeasures::of(&Model::open("modular-addition-1l@300").unwrap(), &recipe, &key).unwrap();
    println!("at the end {end:?}\nat step 300 {early:?}");
    let guessing = 53f64.ln();
    assert!(end.restricted < 1e-3 && end.excluded > guessing);
    // Known by heart, without the circuit more is left than with the circuit alone.
    assert!(early.trained < 0.1 && early.excluded < early.restricted && early.restricted < guessing);
}
