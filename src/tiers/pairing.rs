//! Which labels of two tiers answer to each other.

use super::interval::Interval;
use crate::order::larger;
use std::collections::HashMap;

/// The pairs of places in two lists whose labels are the same, in the order of both lists: as many as can be, the very
/// same label before one that differs in case or punctuation, and of equal ones those that are nearest in time.
pub(super) fn paired(a: &[Interval], b: &[Interval]) -> Vec<(usize, usize)> {
    let mut names = HashMap::new();
    let mut items = |all: &[Interval]| -> Vec<Item> {
        let mut number = |name: String| {
            let next = names.len();
            *names.entry(name).or_insert(next)
        };
        let item = |(at, mark): (usize, &Interval)| Item {
            at,
            exact: number(mark.label.clone()),
            loose: number(loose(&mark.label)),
            middle: mark.middle(),
        };
        all.iter().enumerate().map(item).collect()
    };
    let (a, b) = (items(a), items(b));
    // The usual case: one text in both.
    if a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.exact == b.exact) {
        return (0..a.len()).map(|at| (at, at)).collect();
    }
    let mut pairs = Vec::new();
    align(&a, &b, &mut pairs);
    pairs
}

#[derive(Clone, Copy)]
struct Item {
    at: usize,
    exact: usize,
    loose: usize,
    middle: f64,
}

/// A label without the case and the punctuation around it.
fn loose(label: &str) -> String {
    let around = |c: char| c.is_ascii_punctuation() || c.is_whitespace() || "“”‘’…¿¡«»—–".contains(c);
    let bare = label.trim_matches(around);
    if bare.is_empty() { label.trim().into() } else { bare.to_lowercase() }
}

/// More than all the distances of a comparison together.
const MATCH: i64 = 1 << 40;
/// In microseconds; what is further apart is no nearer or further.
const FAR: f64 = (1 << 24) as f64;

fn score(a: &Item, b: &Item) -> i64 {
    if a.loose != b.loose {
        return 0;
    }
    let distance = -larger(-(a.middle - b.middle).abs() * 1e6, -FAR);
    MATCH * if a.exact == b.exact { 3 } else { 2 } - distance as i64
}

/// Hirschberg's way: as much memory as the lists take.
fn align(a: &[Item], b: &[Item], pairs: &mut Vec<(usize, usize)>) {
    match a {
        [] => {}
        [one] => {
            let best = b.iter().max_by_key(|other| score(one, other)).filter(|best| score(one, best) > 0);
            pairs.extend(best.map(|best| (one.at, best.at)));
        }
        _ => {
            let (first, second) = a.split_at(a.len() / 2);
            let before = best(first.iter(), b.iter());
            let after = best(second.iter().rev(), b.iter().rev());
            let sums = before.iter().zip(after.iter().rev()).map(|(before, after)| before + after);
            let split = sums.enumerate().max_by_key(|&(_, sum)| sum).map_or(0, |(at, _)| at);
            let (left, right) = b.split_at(split);
            align(first, left, pairs);
            align(second, right, pairs);
        }
    }
}

/// The best score of all of one list with each beginning of the other.
fn best<'a>(a: impl Iterator<Item = &'a Item>, b: impl Iterator<Item = &'a Item> + Clone) -> Vec<i64> {
    let mut row = vec![0; b.clone().count() + 1];
    for one in a {
        let mut diagonal = 0;
        let mut left = 0;
        for (cell, other) in row.iter_mut().skip(1).zip(b.clone()) {
            let next = (*cell).max(left).max(diagonal + score(one, other));
            diagonal = *cell;
            *cell = next;
            left = next;
        }
    }
    row
}
