//! The numbers of `reference/probe_sklearn.json`, made by scikit-learn with the script beside it.

use glassbox::probe::{Features, Labels, Metrics, Score, SparseProbe, Split};
use ndarray::Array2;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/probe_sklearn.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap() as usize).collect()
}

fn labels(value: &Value) -> Labels {
    value.as_array().unwrap().iter().map(|label| label.as_bool().unwrap()).collect()
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance, "{what}: {got} where {expected} is expected");
    }
}

#[track_caller]
fn same_metrics(got: &Metrics, expected: &Value, what: &str) {
    for score in Score::ALL {
        close(
            &[got.get(score)],
            &[expected[score.name()].as_f64().unwrap()],
            1e-6,
            &format!("{what} {}", score.name()),
        );
    }
}

#[test]
fn metrics_equal_scikit_learn_with_and_without_ties() {
    for case in reference()["scored"].as_array().unwrap() {
        let metrics = Metrics::from_scores(&numbers(&case["scores"]), labels(&case["labels"])).unwrap();
        same_metrics(&metrics, &case["metrics"], "scored");
    }
}

#[test]
fn probes_equal_scikit_learn_balanced_or_not_standardised_or_not() {
    let reference = reference();
    let rows: Vec<Vec<f64>> = reference["features"].as_array().unwrap().iter().map(numbers).collect();
    let features =
        Features::new(Array2::from_shape_fn((rows.len(), 6), |(row, column)| rows[row][column] as f32)).unwrap();
    let labels = labels(&reference["labels"]);
    let split = Split::from_indices(&labels, indices(&reference["train"]), indices(&reference["test"])).unwrap();
    for expected in reference["probes"].as_array().unwrap() {
        let flag = |name: &str| expected[name].as_bool().unwrap();
        let k = expected["k"].as_u64().unwrap() as usize;
        let what = format!("k {k}, balanced {}, standardise {}", flag("balanced"), flag("standardise"));
        let probe = SparseProbe::params()
            .k(k)
            .l2(reference["l2"].as_f64().unwrap())
            .balanced(flag("balanced"))
            .standardise(flag("standardise"))
            .fit_split(&features, &labels, &split)
            .unwrap();
        let chosen: Vec<usize> = probe.chosen().iter().map(|feature| feature.index).collect();
        assert_eq!(chosen, indices(&expected["chosen"]), "{what}");
        let differences: Vec<f64> = probe.chosen().iter().map(|feature| feature.mean_difference).collect();
        close(&differences, &numbers(&expected["mean_difference"]), 1e-6, &what);
        let weights: Vec<f64> = probe.chosen().iter().map(|feature| feature.weight).collect();
        close(&weights, &numbers(&expected["weights"]), 1e-5, &what);
        close(&[probe.bias()], &[expected["bias"].as_f64().unwrap()], 1e-5, &what);
        same_metrics(&probe.test(), &expected["test"], &what);
    }
}
