//! [`Features`]: the input of a probe, one row of numbers per sample.

use std::sync::Arc;

use ndarray::Array2;

use crate::{Result, error::ProbeError};

/// The input of a probe: one row of numbers per sample, with a name for each column.
///
/// The values are shared, so a clone is cheap and a notebook can keep many.
///
/// # Shapes
/// `values` is `[sample, feature]`.
///
/// # Examples
/// ```
/// use glassbox::probe::Features;
/// use ndarray::array;
/// let features = Features::new(array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])?
///     .named_by(|neuron| format!("L2N{neuron}"))
///     .with_source("blocks.2.mlp.hook_post");
/// assert_eq!((features.n_samples(), features.n_features()), (3, 2));
/// assert_eq!(features.name(1).as_deref(), Some("L2N1"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Features {
    values: Arc<Array2<f32>>,
    names: Arc<[String]>,
    source: Option<Arc<str>>,
}

impl Features {
    /// Makes features from a matrix `[sample, feature]`.
    ///
    /// They are named by their index until you name them.
    ///
    /// # Errors
    /// Fails when an axis is empty, or a value is NaN or infinite.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::array, prelude::*};
    /// let features = Features::new(array![[0.0, 1.0], [2.0, 3.0]])?;
    /// assert_eq!((features.n_samples(), features.n_features()), (2, 2));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new(values: Array2<f32>) -> Result<Self> {
        let values = if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() };
        if values.is_empty() {
            return Err(ProbeError::Empty { shape: [values.nrows(), values.ncols()] }.into());
        }
        let mut odd = values.indexed_iter().filter(|(_, value)| !value.is_finite());
        if let Some(((sample, feature), &value)) = odd.next() {
            return Err(
                ProbeError::NotFinite { count: 1 + odd.count(), value, sample, feature: feature.to_string() }.into()
            );
        }
        let names = (0..values.ncols()).map(|index| index.to_string()).collect();
        Ok(Self { values: Arc::new(values), names, source: None })
    }

    /// Names every feature, for example `L2N611`.
    ///
    /// # Errors
    /// Fails when the number of names is not the number of features.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::array, prelude::*};
    /// let features = Features::new(array![[0.0, 1.0]])?.with_names(["L2N0", "L2N1"])?;
    /// assert_eq!(features.name(1).as_deref(), Some("L2N1"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let names: Arc<[String]> = names.into_iter().map(Into::into).collect();
        if names.len() != self.n_features() {
            return Err(ProbeError::Length {
                what: "names",
                given: names.len(),
                per: "features",
                needed: self.n_features(),
            }
            .into());
        }
        self.names = names;
        Ok(self)
    }

    /// Names every feature by its index.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::array, prelude::*};
    /// let features = Features::new(array![[0.0, 1.0]])?.named_by(|neuron| format!("L2N{neuron}"));
    /// assert_eq!(features.names(), ["L2N0", "L2N1"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn named_by(mut self, name: impl Fn(usize) -> String) -> Self {
        self.names = (0..self.n_features()).map(name).collect();
        self
    }

    /// Sets the origin of the values, such as the hook `blocks.2.mlp.hook_post`.
    ///
    /// Reports and pictures show it.
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// The matrix.
    ///
    /// # Shapes
    /// `[sample, feature]`
    pub fn values(&self) -> Arc<Array2<f32>> {
        self.values.clone()
    }

    /// The number of samples.
    pub fn n_samples(&self) -> usize {
        self.values.nrows()
    }

    /// The number of features of each sample.
    pub fn n_features(&self) -> usize {
        self.values.ncols()
    }

    /// The name of one feature.
    pub fn name(&self, feature: usize) -> Option<String> {
        self.names.get(feature).cloned()
    }

    /// The names, one per feature.
    pub fn names(&self) -> Vec<String> {
        self.names.to_vec()
    }

    /// The origin of the values, if one was set.
    pub fn source(&self) -> Option<String> {
        self.source.as_deref().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_value_that_is_not_a_number_is_named_with_its_place() {
        let error = Features::new(array![[0.0, 1.0], [f32::NAN, f32::INFINITY]]).unwrap_err().to_string();
        assert!(error.contains("2 feature values") && error.contains("NaN at sample 1, feature `0`"), "{error}");
    }

    #[test]
    fn a_matrix_without_samples_is_an_error() {
        assert!(Features::new(Array2::zeros((0, 4))).unwrap_err().to_string().contains("[0, 4]"));
    }

    #[test]
    fn too_few_names_are_an_error_with_both_counts() {
        let error = Features::new(array![[0.0, 1.0]]).unwrap().with_names(["a"]).unwrap_err().to_string();
        assert!(error.starts_with("1 names were given for 2 features"), "{error}");
    }

    #[test]
    fn a_transposed_matrix_keeps_its_values() {
        let values = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let features = Features::new(values.t().to_owned()).unwrap();
        assert_eq!(*features.values(), values.t());
        assert!(features.values().is_standard_layout());
    }
}
