//! [`Draft`]: a sentence under construction, choice by choice.

use super::{Kind, PartOfSpeech, Partition, Sentence, Word, Wording};
use rand::{Rng, rngs::StdRng};

/// A sentence so far, and the probability of the choices made.
///
/// Every choice is uniform or has its weights written next to it, and no sentence has two derivations. So the
/// probability of a sentence is the product of the probabilities of its choices.
pub(super) struct Draft<'a> {
    rng: &'a mut StdRng,
    pub material: Partition,
    pub words: Vec<Word>,
    pub truth: Option<bool>,
    nats: f64,
}

impl<'a> Draft<'a> {
    pub(super) fn new(material: Partition, rng: &'a mut StdRng) -> Self {
        Self { rng, material, words: Vec::new(), truth: None, nats: 0.0 }
    }

    /// Returns a number below `n`, all equally probable.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.nats += (n as f64).ln();
        self.rng.random_range(0..n)
    }

    /// Returns one of some options, all equally probable.
    pub(super) fn one<T: Copy>(&mut self, options: &[T]) -> T {
        let at = self.below(options.len());
        options[at]
    }

    /// Returns one of some options, with probabilities in proportion to their weights.
    pub(super) fn weighted<T: Copy>(&mut self, options: &[(T, f64)]) -> T {
        let all: f64 = options.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.random_range(0.0..all);
        let reached = |(_, weight): &&(T, f64)| {
            left -= weight;
            left < 0.0
        };
        let (option, weight) = *options.iter().find(reached).unwrap_or(&options[options.len() - 1]);
        self.nats -= (weight / all).ln();
        option
    }

    /// Returns one of the first `n` entries of a list that is not `taken` and whose pair with `first` belongs to this
    /// material.
    ///
    /// The choice counts as one among all that are not taken, because the grammar does not decide which pairs are held
    /// out.
    pub(super) fn partner(&mut self, first: usize, taken: &[usize], n: usize) -> usize {
        let free: Vec<usize> = (0..n).filter(|at| !taken.contains(at)).collect();
        self.nats += (free.len() as f64).ln();
        let allowed: Vec<usize> = free.into_iter().filter(|&second| self.material.has_pair(first, second)).collect();
        allowed[self.rng.random_range(0..allowed.len())]
    }

    /// Returns one of `n` facts whose judgement in this wording belongs to this material. Counts as a choice among all.
    pub(super) fn judged(&mut self, n: usize, wording: Wording) -> usize {
        self.nats += (n as f64).ln();
        let allowed: Vec<usize> = (0..n).filter(|&fact| self.material.has_judgement(fact, wording)).collect();
        allowed[self.rng.random_range(0..allowed.len())]
    }

    /// Adds a word and returns its index.
    pub(super) fn push(&mut self, word: Word) -> usize {
        self.words.push(word);
        self.words.len() - 1
    }

    /// Adds a word without further labels.
    pub(super) fn say(&mut self, text: &str, part: PartOfSpeech) -> usize {
        self.push(Word::new(text, part))
    }

    /// Adds a word that depends on an existing one.
    pub(super) fn say_under(&mut self, head: usize, text: &str, part: PartOfSpeech) -> usize {
        let at = self.say(text, part);
        self.attach(at, head);
        at
    }

    /// Makes one word depend on another.
    pub(super) fn attach(&mut self, word: usize, head: usize) {
        self.words[word].head = Some(head);
    }

    /// Returns the finished sentence: punctuation depends on the root, the first letter is a capital, and every depth
    /// is set.
    pub(super) fn finish(mut self, kind: Kind, root: usize) -> Sentence {
        for (at, word) in self.words.iter_mut().enumerate() {
            if word.part == PartOfSpeech::Punctuation && at != root {
                word.head = Some(root);
            }
        }
        if let Some(first) = self.words.first_mut() {
            first.text = capital(&first.text);
        }
        for at in 0..self.words.len() {
            let up = std::iter::successors(self.words[at].head, |&head| self.words[head].head);
            self.words[at].depth = up.take(self.words.len()).count();
        }
        Sentence { kind, words: self.words, truth: self.truth, nats: self.nats }
    }
}

/// Returns a word as it is written at the beginning of a sentence.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
