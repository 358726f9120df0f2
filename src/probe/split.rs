//! [`Split`]: which samples are for training and which for testing.

use rand::seq::SliceRandom;

use super::{
    Labels,
    seed::{Stream, generator},
};
use crate::{Result, error::ProbeError};
use std::borrow::Borrow;

/// The samples that a probe is trained on and tested on.
///
/// Samples from one text are not independent. If several tokens of one text are samples, a random split puts neighbours
/// on both sides, and the test score is too high. In that case split by text with [`from_indices`](Self::from_indices).
///
/// # Examples
/// ```
/// use glassbox::probe::{Labels, Split};
/// let labels: Labels = (0..10).map(|sample| sample < 4).collect();
/// let split = Split::stratified(&labels, 0.3, 0)?;
/// let test_positives = split.test().iter().filter(|&&sample| sample < 4).count();
/// assert_eq!((split.train().len(), split.test().len(), test_positives), (6, 4, 2));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Split {
    train: Vec<usize>,
    test: Vec<usize>,
}

impl Split {
    /// Makes a random split that keeps the share of each class.
    ///
    /// `test_fraction` of each class, rounded up, is for testing, and each side gets at least one sample of each class.
    ///
    /// # Errors
    /// Fails when a class has fewer than two samples, or `test_fraction` is not between 0 and 1.
    ///
    /// # Examples
    /// ```
    /// use glassbox::probe::{Labels, Split};
    /// let labels: Labels = (0..10).map(|sample| sample < 4).collect();
    /// assert_eq!(Split::stratified(&labels, 0.5, 0)?.test().len(), 5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stratified(labels: impl Borrow<Labels>, test_fraction: f64, seed: u64) -> Result<Self> {
        let labels = labels.borrow();
        labels.check(labels.len())?;
        if !(test_fraction > 0.0 && test_fraction < 1.0) {
            let value = test_fraction.to_string();
            return Err(
                ProbeError::Parameter { name: "test_fraction", value, valid: "a number between 0 and 1" }.into()
            );
        }
        let mut generator = generator(seed, Stream::Split, 0);
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for class in [false, true] {
            let mut samples: Vec<usize> =
                (0..labels.len()).filter(|&sample| labels.as_slice().get(sample) == Some(&class)).collect();
            if samples.len() < 2 {
                return Err(ProbeError::TooFew { class, count: samples.len(), needed: 2 }.into());
            }
            samples.shuffle(&mut generator);
            let tested = (test_fraction * samples.len() as f64).ceil() as usize;
            train.extend(samples.split_off(tested.clamp(1, samples.len() - 1)));
            test.extend(samples);
        }
        train.sort_unstable();
        test.sort_unstable();
        Ok(Self { train, test })
    }

    /// Makes a split from sample indices, for example to keep whole texts on one side, or to use a published split.
    ///
    /// # Errors
    /// Fails when an index is out of range or occurs twice, or a side lacks one of the classes.
    ///
    /// # Examples
    /// ```
    /// use glassbox::probe::{Labels, Split};
    /// let labels = Labels::new([true, false, true, false]);
    /// assert_eq!(Split::from_indices(&labels, [0, 1], [2, 3])?.train(), [0, 1]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn from_indices(
        labels: impl Borrow<Labels>,
        train: impl IntoIterator<Item = usize>,
        test: impl IntoIterator<Item = usize>,
    ) -> Result<Self> {
        let labels = labels.borrow();
        let split = Self { train: train.into_iter().collect(), test: test.into_iter().collect() };
        split.check(labels)?;
        Ok(split)
    }

    /// The indices of the training samples.
    pub fn train(&self) -> Vec<usize> {
        self.train.clone()
    }

    /// The indices of the test samples.
    pub fn test(&self) -> Vec<usize> {
        self.test.clone()
    }

    pub(crate) fn check(&self, labels: &Labels) -> Result<()> {
        let mut seen = vec![false; labels.len()];
        for (part, indices) in [("train", &self.train), ("test", &self.test)] {
            for &index in indices {
                let range = || ProbeError::SplitRange { part, index, samples: labels.len() };
                if std::mem::replace(seen.get_mut(index).ok_or_else(range)?, true) {
                    return Err(ProbeError::SplitTwice { index }.into());
                }
            }
            for class in [false, true] {
                if !labels.at(indices).contains(&class) {
                    return Err(ProbeError::SplitOneClass { part, class }.into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_on_exactly_one_side() {
        let labels: Labels = (0..101).map(|sample| sample % 3 == 0).collect();
        let split = Split::stratified(&labels, 0.3, 7).unwrap();
        let mut all = [split.train(), split.test()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..101).collect::<Vec<_>>());
        assert!(split.check(&labels).is_ok());
    }

    #[test]
    fn both_classes_lie_on_both_sides_even_when_rare() {
        let labels: Labels = (0..50).map(|sample| sample < 2).collect();
        for fraction in [0.01, 0.5, 0.99] {
            let split = Split::stratified(&labels, fraction, 0).unwrap();
            assert!(split.check(&labels).is_ok(), "{fraction}");
        }
    }

    #[test]
    fn another_seed_is_another_split() {
        let labels: Labels = (0..100).map(|sample| sample % 2 == 0).collect();
        let split = |seed| Split::stratified(&labels, 0.3, seed).unwrap();
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
    }

    #[test]
    fn a_class_with_one_sample_is_an_error() {
        let labels: Labels = (0..9).map(|sample| sample == 4).collect();
        let error = Split::stratified(&labels, 0.3, 0).unwrap_err().to_string();
        assert!(error.starts_with("only 1 sample is labelled true"), "{error}");
    }

    #[test]
    fn a_sample_on_both_sides_is_an_error() {
        let labels: Labels = (0..6).map(|sample| sample % 2 == 0).collect();
        let error = Split::from_indices(&labels, [0, 1, 2], [2, 3]).unwrap_err().to_string();
        assert!(error.contains("sample 2 is twice"), "{error}");
        let error = Split::from_indices(&labels, [0, 1], [2, 4]).unwrap_err().to_string();
        assert!(error.contains("the test part of the split has no sample labelled false"), "{error}");
        let error = Split::from_indices(&labels, [0, 1], [2, 6]).unwrap_err().to_string();
        assert!(error.contains("sample 6 of the test part"), "{error}");
    }
}
