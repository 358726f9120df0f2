//! [`Labels`]: the yes-or-no answers that a probe learns.

use std::sync::Arc;

use crate::{Result, error::ProbeError};

/// The answers for all samples: `true` where the property holds.
///
/// # Shapes
/// `[sample]`.
///
/// # Examples
/// ```
/// use glassbox::probe::Labels;
/// let words = ["cat", "dogs", "trees"];
/// let plural = words.iter().map(|word| word.ends_with('s')).collect::<Labels>().named("plural");
/// assert_eq!((plural.len(), plural.positives()), (3, 2));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Labels {
    values: Arc<[bool]>,
    name: Option<Arc<str>>,
}

impl Labels {
    /// Makes labels from one answer per sample.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let labels = Labels::new([true, false, true]);
    /// assert_eq!((labels.len(), labels.positives()), (3, 2));
    /// ```
    pub fn new(values: impl Into<Vec<bool>>) -> Self {
        values.into().into_iter().collect()
    }

    /// Names the property, for example `plural`.
    ///
    /// Reports and pictures show the name.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Labels::new([true, false]).named("plural").name().as_deref(), Some("plural"));
    /// ```
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into().into()), ..self }
    }

    /// The name of the property, if one was set.
    pub fn name(&self) -> Option<String> {
        self.name.as_deref().map(str::to_owned)
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of samples labelled `true`.
    pub fn positives(&self) -> usize {
        self.count(true)
    }

    /// The answers, in order.
    pub fn as_slice(&self) -> &[bool] {
        &self.values
    }

    pub(crate) fn count(&self, class: bool) -> usize {
        self.values.iter().filter(|&&label| label == class).count()
    }

    /// Returns the labels of the samples at `rows`.
    pub(crate) fn at(&self, rows: &[usize]) -> Vec<bool> {
        rows.iter().filter_map(|&row| self.values.get(row).copied()).collect()
    }

    /// Checks that there are `n_samples` labels, and that both classes occur.
    pub(crate) fn check(&self, n_samples: usize) -> Result<()> {
        if self.len() != n_samples {
            return Err(
                ProbeError::Length { what: "labels", given: self.len(), per: "samples", needed: n_samples }.into()
            );
        }
        if n_samples == 0 {
            return Err(ProbeError::NoSamples.into());
        }
        for class in [false, true] {
            if self.count(class) == 0 {
                return Err(ProbeError::OneClass { class: !class, samples: n_samples }.into());
            }
        }
        Ok(())
    }
}

impl From<Vec<bool>> for Labels {
    fn from(values: Vec<bool>) -> Self {
        Self::new(values)
    }
}

impl FromIterator<bool> for Labels {
    fn from_iter<I: IntoIterator<Item = bool>>(values: I) -> Self {
        Self { values: values.into_iter().collect(), name: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_only_is_an_error_that_names_it() {
        let error = Labels::new(vec![true; 5]).check(5).unwrap_err().to_string();
        assert!(error.starts_with("all 5 labels are true"), "{error}");
    }

    #[test]
    fn a_label_too_many_is_an_error_with_both_counts() {
        let error = Labels::new(vec![true, false, true]).check(2).unwrap_err().to_string();
        assert!(error.starts_with("3 labels were given for 2 samples"), "{error}");
    }
}
