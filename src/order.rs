//! The only place that compares floats. Every sort, maximum and rank of the crate uses it.
//!
//! `f32::max` ignores NaN, `>` is false for it, and `total_cmp` puts it first or last by its sign. Each of these lets
//! NaN pass for an answer. Here, an order puts NaN first, where readers see it, and a function that returns a single
//! index or number returns `None` or NaN.

use std::cmp::Ordering;

/// A number that may be NaN.
pub(crate) trait Float: Copy + PartialOrd {
    fn is_nan(self) -> bool;
    fn size(self) -> Self;
    fn against(&self, other: &Self) -> Ordering;
}

macro_rules! float {
    ($($float:ty)*) => {$(
        impl Float for $float {
            fn is_nan(self) -> bool {
                self.is_nan()
            }

            fn size(self) -> Self {
                self.abs()
            }

            fn against(&self, other: &Self) -> Ordering {
                self.total_cmp(other)
            }
        }
    )*};
}
float!(f32 f64);

/// NaN before every number; two numbers compare by `order`.
fn nan_first<F: Float>(a: F, b: F, order: impl Fn(F, F) -> Ordering) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => order(a, b),
        (a, b) => b.cmp(&a),
    }
}

/// Smallest first, NaN before all numbers.
pub(crate) fn rising<F: Float>(a: F, b: F) -> Ordering {
    nan_first(a, b, |a, b| a.against(&b))
}

/// Largest first, NaN before all numbers.
pub(crate) fn falling<F: Float>(a: F, b: F) -> Ordering {
    nan_first(a, b, |a, b| b.against(&a))
}

/// Largest absolute value first, NaN before all numbers.
pub(crate) fn by_size<F: Float>(a: F, b: F) -> Ordering {
    falling(a.size(), b.size())
}

/// Whether any value is NaN.
pub(crate) fn any_nan<F: Float>(values: &[F]) -> bool {
    values.iter().any(|value| value.is_nan())
}

/// The index of the first value that is not a valid logit: NaN or inf, or -inf if all are. A single -inf is valid: it
/// rules a token out.
pub(crate) fn not_a_logit(values: &[f32]) -> Option<usize> {
    let all_out = || values.iter().all(|value| *value == f32::NEG_INFINITY).then_some(0);
    let wrong = values.iter().position(|value| value.is_nan() || *value == f32::INFINITY);
    wrong.or_else(all_out).filter(|_| !values.is_empty())
}

/// The larger of two numbers, or NaN if either is NaN.
pub(crate) fn larger<F: Float>(a: F, b: F) -> F {
    if a.is_nan() || a > b { a } else { b }
}

/// The index of the largest value, the first if several are equal. `None` for an empty list or if any value is NaN.
pub(crate) fn largest<F: Float>(values: impl IntoIterator<Item = F>) -> Option<usize> {
    let mut best: Option<(usize, F)> = None;
    for (at, value) in values.into_iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((at, value));
        }
    }
    best.map(|(at, _)| at)
}

/// The indices of the `k` largest values, largest first; NaN comes before all numbers, and ties keep their order.
pub(crate) fn top_k(values: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let larger = |a: &usize, b: &usize| falling(values[*a], values[*b]).then(a.cmp(b));
    let k = k.min(order.len());
    if k < order.len() {
        order.select_nth_unstable_by(k, larger);
        order.truncate(k);
    }
    order.sort_unstable_by(larger);
    order
}

/// The number of values larger than the one at an index, so 0 is the best rank. `None` if any value is NaN.
pub(crate) fn rank(values: &[f32], at: usize) -> Option<usize> {
    let mine = *values.get(at)?;
    let larger = values.iter().filter(|&&value| value > mine).count();
    (!any_nan(values)).then_some(larger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    const NAN: f32 = f32::NAN;

    #[test]
    fn nan_comes_first_whatever_its_sign_and_is_never_an_answer() {
        for nan in [NAN, -NAN] {
            assert_eq!(top_k(&[1.0, nan, 3.0, f32::INFINITY], 2), [1, 3]);
            let sorted = |order: fn(f32, f32) -> Ordering| {
                let mut values = [2.0, nan, -5.0];
                values.sort_by(|a, b| order(*a, *b));
                assert!(values[0].is_nan());
                [values[1], values[2]]
            };
            assert_eq!((sorted(rising), sorted(falling), sorted(by_size)), ([-5.0, 2.0], [2.0, -5.0], [-5.0, 2.0]));
            assert_eq!((largest([1.0, nan]), rank(&[1.0, nan], 0), rank(&[1.0, nan], 1)), (None, None, None));
            assert!(larger(nan, 1.0).is_nan() && larger(1.0, nan).is_nan());
        }
    }

    #[test]
    fn numbers_are_in_their_order_and_equals_in_that_of_their_indices() {
        assert_eq!(top_k(&[1.0, 3.0, 3.0, f32::NEG_INFINITY], 3), [1, 2, 0]);
        assert_eq!((largest([1.0, 3.0, 3.0]), largest::<f32>([])), (Some(1), None));
        assert_eq!((rank(&[1.0, 3.0, 3.0], 0), rank(&[1.0, 3.0, 3.0], 2), rank(&[1.0], 1)), (Some(2), Some(0), None));
        assert_eq!((larger(1.0, 2.0), larger(2.0, 1.0)), (2.0, 2.0));
        assert_eq!((not_a_logit(&[f32::NEG_INFINITY, 0.0]), not_a_logit(&[0.0, f32::INFINITY])), (None, Some(1)));
        assert_eq!((not_a_logit(&[f32::NEG_INFINITY; 2]), not_a_logit(&[])), (Some(0), None));
    }

    #[test]
    fn no_file_orders_floats_by_hand() {
        fn files(folder: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.is_dir() {
                    true => files(&entry, found),
                    false if !entry.ends_with("src/order.rs") => {
                        let text = fs::read_to_string(&entry).unwrap();
                        // Layout code only adds up lengths, which are never NaN.
                        let pictures = entry.iter().any(|part| part == "plot");
                        let folds: &[&str] =
                            if pictures { &[] } else { &["f32::max", "f64::max", "f32::min", "f64::min"] };
                        let by_hand = |line: &&str| {
                            ["total_cmp", "partial_cmp"].iter().chain(folds).any(|by_hand| line.contains(by_hand))
                        };
                        let source = text.split("#[cfg(test)]").next().unwrap_or_default();
                        found.extend(source.lines().filter(by_hand).map(|line| format!("{}: {line}", entry.display())));
                    }
                    false => {}
                }
            }
        }
        let mut found = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.is_empty(), "use `crate::order`:\n{}", found.join("\n"));
    }
}
