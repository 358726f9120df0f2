//! What the curves over k and over layers promise.

use glassbox::probe::{
    Features, Labels, Score, SparseProbe, Split, curve_over_k, curve_over_layers, curve_over_layers_and_k,
};
use ndarray::Array2;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// 64 features of noise; the first `carriers` of them carry `strength` of the label each.
fn layer(seed: u64, carriers: usize, strength: f32, labels: &Labels) -> Features {
    let mut random = StdRng::seed_from_u64(seed);
    let values = Array2::from_shape_fn((labels.len(), 64), |(sample, feature)| {
        let carried = if feature < carriers && labels.as_slice()[sample] { strength } else { 0.0 };
        random.random_range(-1.0..1.0) + carried
    });
    Features::new(values).unwrap()
}

fn labels() -> Labels {
    (0..300).map(|sample| sample % 3 == 0).collect()
}

#[test]
fn a_property_spread_over_many_features_needs_many() {
    let labels = labels();
    let curve = curve_over_k(layer(1, 16, 0.6, &labels), &labels, [1, 4, 16], SparseProbe::params()).unwrap();
    let auc: Vec<f64> = curve.points().iter().map(|point| point.test.mean(Score::RocAuc).unwrap()).collect();
    assert!(auc[0] + 0.05 < auc[1] && auc[1] + 0.05 < auc[2], "{auc:?}");
}

#[test]
fn a_property_that_one_feature_carries_needs_one() {
    let labels = labels();
    let curve = curve_over_k(layer(1, 1, 2.5, &labels), &labels, [1, 8], SparseProbe::params()).unwrap();
    for point in curve.points() {
        assert!(point.test.mean(Score::RocAuc).unwrap() > 0.98);
    }
}

#[test]
fn the_layer_that_carries_the_property_stands_out_from_its_controls() {
    let labels = labels();
    let layers = (0..4).map(|l| (l, layer(l, 2, if l == 2 { 2.0 } else { 0.0 }, &labels)));
    let curve = curve_over_layers(layers, &labels, SparseProbe::params().k(2)).unwrap();
    assert_eq!(curve.layers(), ["0", "1", "2", "3"]);
    for point in curve.points() {
        let probe = point.test.mean(Score::RocAuc).unwrap();
        let shuffled = point.shuffled.mean(Score::RocAuc).unwrap();
        assert!((shuffled - 0.5).abs() < 0.1, "{shuffled}");
        assert_eq!(probe > shuffled + 0.3, point.layer == "2", "layer {}: {probe} {shuffled}", point.layer);
        assert!((point.majority.mean(Score::Accuracy).unwrap() - 2.0 / 3.0).abs() < 0.02);
    }
}

#[test]
fn a_point_is_the_probes_of_its_splits() {
    let labels = labels();
    let features = layer(1, 4, 0.8, &labels);
    let params = SparseProbe::params().seed(10).splits(3).shuffles(2);
    let curve = curve_over_k(&features, &labels, [3, 1, 3], params).unwrap();
    assert_eq!(curve.ks(), [1, 3]);
    let point = &curve.points()[1];
    assert_eq!((point.test.runs().len(), point.shuffled.runs().len()), (3, 6));
    for (run, seed) in (10..13).enumerate() {
        let probe = params.k(3).seed(seed).fit(&features, &labels).unwrap();
        assert_eq!(probe.split(), Split::stratified(&labels, 0.3, seed).unwrap());
        assert_eq!(probe.test(), point.test.runs()[run]);
        assert_eq!(probe.train(), point.train.runs()[run]);
        assert_eq!(probe.controls().shuffled.runs(), &point.shuffled.runs()[2 * run..2 * run + 2]);
    }
}

#[test]
fn the_grid_holds_every_layer_with_every_k() {
    let labels = labels();
    let layers = ["early", "late"].map(|name| (name, layer(1, 4, 0.8, &labels)));
    let curve = curve_over_layers_and_k(layers, &labels, [1, 2, 4], SparseProbe::params().splits(2)).unwrap();
    let found: Vec<_> = curve.points().into_iter().map(|point| (point.layer, point.k)).collect();
    let expected = [("early", 1), ("early", 2), ("early", 4), ("late", 1), ("late", 2), ("late", 4)];
    assert_eq!(found, expected.map(|(layer, k)| (layer.to_owned(), k)));
}

#[test]
fn a_curve_without_points_is_an_error() {
    let labels = labels();
    let features = layer(1, 1, 1.0, &labels);
    let none = curve_over_k(&features, &labels, [], SparseProbe::params()).unwrap_err().to_string();
    assert!(none.contains("at least one k"), "{none}");
    let none =
        curve_over_layers(Vec::<(usize, Features)>::new(), &labels, SparseProbe::params()).unwrap_err().to_string();
    assert!(none.contains("at least one layer"), "{none}");
    let wide = curve_over_k(&features, &labels, [1, 65], SparseProbe::params()).unwrap_err().to_string();
    assert!(wide.contains("k = 65"), "{wide}");
}

#[test]
fn the_picture_draws_both_baselines_dashed_and_says_every_value() {
    let labels = labels().named("thirds");
    let layers = (0..3).map(|l| (l, layer(l, 2, l as f32, &labels)));
    let curve = curve_over_layers(layers, &labels, SparseProbe::params().k(2).splits(3)).unwrap();
    for score in Score::ALL {
        let svg = curve.picture_of(score).unwrap().to_svg();
        assert!(svg.contains("Sparse probes for thirds, k = 2"), "{svg}");
        assert!(svg.contains("<title>majority class: ") && svg.contains("<title>shuffled labels: "), "{svg}");
        assert_eq!(svg.matches("stroke-dasharray").count(), 2);
        for x in 0..3 {
            assert!(
                svg.contains(&format!("<title>test, {x}: ")) && svg.contains(&format!("<title>train, {x}: ")),
                "{svg}"
            );
        }
    }
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let labels = labels();
    let features = layer(1, 4, 0.8, &labels).with_source("blocks.1.mlp.hook_post");
    let draw = || curve_over_k(&features, &labels, [1, 4], SparseProbe::params().splits(2)).unwrap().picture().unwrap();
    assert_eq!(draw().to_svg(), draw().to_svg());
    assert!(draw().alt().contains("blocks.1.mlp.hook_post"));
}
