//! What a sparse probe promises, on made-up activations.

use glassbox::probe::{Features, Labels, Score, SparseProbe, Split};
use ndarray::Array2;
use rand::{Rng, SeedableRng, rngs::StdRng};

const NEURON: usize = 137;

/// Noise in 512 dimensions, to one of which `strength` is added where the label is true.
fn planted(samples: usize, strength: f32) -> (Array2<f32>, Labels) {
    let mut random = StdRng::seed_from_u64(11);
    let labels: Vec<bool> = (0..samples).map(|_| random.random_bool(0.3)).collect();
    // A sum of twelve uniform numbers is close to a normal one, with variance 1.
    let mut noise = || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
    let mut values = Array2::from_shape_simple_fn((samples, 512), &mut noise);
    for (value, &label) in values.column_mut(NEURON).iter_mut().zip(&labels) {
        *value += if label { strength } else { 0.0 };
    }
    (values, labels.into())
}

#[test]
fn a_planted_neuron_is_found_among_512() {
    let (values, labels) = planted(600, 2.0);
    let features = Features::new(values).unwrap().named_by(|neuron| format!("L0N{neuron}"));
    for seed in 0..5 {
        let probe = SparseProbe::params().k(1).seed(seed).fit(&features, &labels).unwrap();
        let chosen = &probe.chosen()[0];
        assert_eq!((chosen.index, chosen.name.as_str()), (NEURON, "L0N137"));
        assert!((chosen.mean_difference - 2.0).abs() < 0.4 && chosen.weight > 0.0);
        // Two unit normals two apart: the AUC is the chance that their difference is positive, Phi(sqrt 2) = 0.921.
        assert!((probe.test().roc_auc - 0.921).abs() < 0.08, "{}", probe.test().roc_auc);
    }
}

#[test]
fn a_neuron_that_is_silenced_by_the_property_is_found_with_a_negative_weight() {
    let (values, labels) = planted(600, -2.0);
    let probe = SparseProbe::params().k(1).fit(Features::new(values).unwrap(), &labels).unwrap();
    assert_eq!(probe.chosen()[0].index, NEURON);
    assert!(probe.chosen()[0].mean_difference < 0.0 && probe.chosen()[0].weight < 0.0);
}

/// Under no signal the AUC of p positives and n negatives has variance (p + n + 1) / (12 p n) (Mann and Whitney 1947).
fn null_sd(probe: &SparseProbe) -> f64 {
    let m = probe.test();
    let (p, n) = ((m.true_positives + m.false_negatives) as f64, (m.true_negatives + m.false_positives) as f64);
    ((p + n + 1.0) / (12.0 * p * n)).sqrt()
}

#[test]
fn a_probe_of_pure_noise_has_an_auc_within_four_standard_errors_of_one_half() {
    let (values, labels) = planted(600, 0.0);
    let features = Features::new(values).unwrap();
    for seed in 0..5 {
        let probe = SparseProbe::params().seed(seed).fit(&features, &labels).unwrap();
        assert!((probe.test().roc_auc - 0.5).abs() < 4.0 * null_sd(&probe), "{}", probe.test().roc_auc);
        assert!(probe.train().roc_auc > 0.6, "choosing 8 of 512 fits the noise it learns from");
    }
}

#[test]
fn shuffled_labels_and_random_features_are_near_chance_where_the_probe_is_not() {
    let (values, labels) = planted(600, 2.0);
    let probe = SparseProbe::params().k(4).shuffles(20).random_draws(20).fit(Features::new(values).unwrap(), &labels);
    let probe = probe.unwrap();
    let controls = probe.controls();
    assert_eq!((controls.shuffled.runs().len(), controls.random_features.runs().len()), (20, 20));
    for control in [&controls.shuffled, &controls.random_features] {
        let (mean, sd) = (control.mean(Score::RocAuc).unwrap(), control.sd(Score::RocAuc).unwrap());
        assert!((mean - 0.5).abs() < 2.0 * null_sd(&probe), "{mean}");
        assert!(sd > 0.0 && sd < 3.0 * null_sd(&probe), "{sd}");
    }
    assert!(probe.test().roc_auc > controls.shuffled.mean(Score::RocAuc).unwrap() + 5.0 * null_sd(&probe));
    assert_eq!(controls.majority.roc_auc, 0.5);
    assert!((controls.majority.accuracy - 0.7).abs() < 0.05);
}

#[test]
fn the_test_samples_never_touch_what_is_learnt() {
    let (values, labels) = planted(200, 1.0);
    let split = Split::stratified(&labels, 0.3, 0).unwrap();
    let mut spoilt = values.clone();
    for sample in split.test() {
        spoilt.row_mut(sample).fill(1e6);
    }
    let fit = |values| SparseProbe::params().fit_split(Features::new(values).unwrap(), &labels, &split).unwrap();
    let (clean, spoilt) = (fit(values), fit(spoilt));
    assert_eq!(clean.chosen(), spoilt.chosen());
    assert_eq!(clean.bias(), spoilt.bias());
    assert_eq!(clean.train(), spoilt.train());
    assert_ne!(clean.test(), spoilt.test());
}

#[test]
fn one_seed_gives_one_probe_and_another_seed_another() {
    let (values, labels) = planted(200, 1.0);
    let features = Features::new(values).unwrap();
    let fit = |seed| SparseProbe::params().seed(seed).fit(&features, &labels).unwrap();
    let (a, b, c) = (fit(3), fit(3), fit(4));
    assert_eq!((a.chosen(), a.test(), a.controls()), (b.chosen(), b.test(), b.controls()));
    assert_ne!(a.chosen(), c.chosen());
}

#[test]
fn more_shuffles_leave_the_first_ones_as_they_were() {
    let (values, labels) = planted(200, 1.0);
    let features = Features::new(values).unwrap();
    let fit = |shuffles| SparseProbe::params().shuffles(shuffles).fit(&features, &labels).unwrap();
    assert_eq!(fit(2).controls().shuffled.runs(), &fit(4).controls().shuffled.runs()[..2]);
    assert_eq!(fit(0).controls().random_features, fit(4).controls().random_features);
}

#[test]
fn predictions_are_the_weights_times_the_raw_features() {
    let (values, labels) = planted(200, 1.0);
    let features = Features::new(values).unwrap();
    let probe = SparseProbe::params().k(3).fit(&features, &labels).unwrap();
    let log_odds = probe.log_odds(&features).unwrap();
    let by_hand: f64 =
        probe.chosen().iter().map(|f| f.weight * f64::from(features.values()[[5, f.index]])).sum::<f64>()
            + probe.bias();
    assert!((log_odds[5] - by_hand).abs() < 1e-12);
    let probability = probe.predict_probability(&features).unwrap();
    assert!((probability[5] - 1.0 / (1.0 + (-by_hand).exp())).abs() < 1e-12);
    let agreed = probe.predict(&features).unwrap().iter().zip(labels.as_slice()).filter(|(a, b)| a == b).count();
    let m = [probe.train(), probe.test()];
    assert_eq!(agreed, m.iter().map(|m| m.true_positives + m.true_negatives).sum::<usize>());
}

#[test]
fn balancing_turns_a_rare_class_from_ignored_to_found() {
    let mut random = StdRng::seed_from_u64(5);
    let labels: Labels = (0..1000).map(|sample| sample % 20 == 0).collect();
    let values = Array2::from_shape_fn((1000, 3), |(sample, column)| {
        random.random::<f32>() + if column == 1 && sample % 20 == 0 { 0.4 } else { 0.0 }
    });
    let features = Features::new(values).unwrap();
    let fit = |balanced| SparseProbe::params().k(1).balanced(balanced).fit(&features, &labels).unwrap();
    let (balanced, plain) = (fit(true), fit(false));
    assert!(plain.test().recall < 0.2 && balanced.test().recall > 0.6);
    assert_eq!(balanced.test().roc_auc, plain.test().roc_auc, "one feature has one order");
}

#[test]
fn classes_that_are_perfectly_apart_still_have_a_finite_answer() {
    let labels: Labels = (0..40).map(|sample| sample >= 20).collect();
    let features = Features::new(Array2::from_shape_fn((40, 2), |(sample, _)| sample as f32 * 100.0)).unwrap();
    for l2 in [1e-8, 1e-4, 1.0, 100.0] {
        for standardise in [true, false] {
            let probe = SparseProbe::params().k(2).l2(l2).standardise(standardise).fit(&features, &labels);
            let probe = probe.unwrap_or_else(|error| panic!("l2 {l2}, standardise {standardise}: {error}"));
            assert_eq!(probe.test().roc_auc, 1.0);
            assert!(probe.chosen().iter().all(|feature| feature.weight.is_finite()));
        }
    }
}

#[test]
fn a_constant_feature_gets_no_weight() {
    let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
    let values =
        Array2::from_shape_fn(
            (40, 2),
            |(sample, column)| {
                if column == 0 { 0.1 } else { (sample % 2) as f32 + (sample % 7) as f32 }
            },
        );
    let probe = SparseProbe::params().k(2).fit(Features::new(values).unwrap(), &labels).unwrap();
    let constant = probe.chosen().into_iter().find(|feature| feature.index == 0).unwrap();
    assert!(constant.weight.abs() < 1e-9, "{}", constant.weight);
}

#[test]
fn mistakes_are_told_with_the_values_and_what_to_do() {
    let (values, labels) = planted(50, 1.0);
    let features = Features::new(values).unwrap();
    let told = |probe: glassbox::Result<SparseProbe>, part: &str| {
        let sentence = probe.unwrap_err().to_string();
        assert!(sentence.contains(part), "{sentence}");
    };
    let params = SparseProbe::params();
    told(params.k(0).fit(&features, &labels), "k = 0 features were asked for, but there are 512");
    told(params.k(513).fit(&features, &labels), "choose k from 1 to 512");
    told(params.l2(0.0).fit(&features, &labels), "l2 = 0");
    told(params.test_fraction(1.0).fit(&features, &labels), "test_fraction = 1");
    told(params.fit(&features, Labels::from(labels.as_slice()[1..].to_vec())), "49 labels were given for 50 samples");
    told(params.fit(&features, Labels::from(vec![false; 50])), "all 50 labels are false");
    let probe = params.fit(&features, &labels).unwrap();
    let narrow = Features::new(Array2::zeros((3, 8))).unwrap();
    assert!(
        probe.predict(&narrow).unwrap_err().to_string().contains("fitted on 512 features per sample and was given 8")
    );
}

#[test]
fn the_report_lists_the_features_and_every_control() {
    let (values, labels) = planted(300, 2.0);
    let features =
        Features::new(values).unwrap().named_by(|neuron| format!("L0N{neuron}")).with_source("blocks.0.mlp.hook_post");
    let fit = |shuffles| SparseProbe::params().k(2).shuffles(shuffles).fit(&features, labels.clone().named("plural"));
    let report = fit(3).unwrap().report();
    let text = report.to_string();
    assert!(text.starts_with("Sparse probe for plural: 2 of 512 features of blocks.0.mlp.hook_post\n"), "{text}");
    let names: Vec<_> = report.rows().into_iter().map(|row| row.name).collect();
    let all = ["probe, test samples", "probe, train samples", "majority class", "shuffled labels", "random features"];
    assert_eq!(names, all);
    assert!(all.iter().all(|name| text.contains(name)) && text.contains("L0N137"), "{text}");
    assert_eq!(report.rows()[3].scores.runs().len(), 3);
    let svg = report.picture().unwrap().to_svg();
    assert!(svg.contains("<title>L0N137: ") && svg.contains("<title>shuffled labels: "), "{svg}");
    assert!(!fit(0).unwrap().report().to_string().contains("shuffled labels"));
}
