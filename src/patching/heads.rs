//! Maps by head, read beside other numbers of heads.

use super::{MapAxis, PatchSweep, axis::AxisLabels};
use crate::{Result, circuits::HeadValues, error::CircuitsError};
use ndarray::Array2;

impl PatchSweep {
    /// Returns the same map with one place for every query head. In grouped-query attention, the values of a key head
    /// are repeated for each query head that shares it, as
    /// [`WeightViews::ungrouped`](crate::weights::WeightViews::ungrouped) does with weights. Maps of outputs, queries,
    /// keys, values and patterns then have the same axes. Other maps are unchanged.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?; // every head has its own keys
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let values = patching.heads(HeadPart::Value)?;
    /// assert_eq!(values.ungrouped(), values);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ungrouped(&self) -> Self {
        let mut map = self.clone();
        for dim in 0..map.axes.len() {
            let (len, shared) = (map.axes[dim].len, map.axes[dim].shared);
            if shared > 1 {
                map = map.repeated(dim, &(0..len * shared).map(|head| head / shared).collect::<Vec<_>>());
            }
        }
        map
    }
}

impl MapAxis {
    /// With these of its places, some of them more than once.
    pub(super) fn picked(&self, places: &[usize]) -> Self {
        let pick = |names: &[String]| places.iter().map(|&at| names[at].clone()).collect();
        let labels = match &self.labels {
            AxisLabels::Numbers => AxisLabels::Numbers,
            AxisLabels::Names(names) => AxisLabels::Names(pick(names)),
            AxisLabels::Tokens(tokens) => AxisLabels::Tokens(pick(tokens)),
        };
        Self { name: self.name.clone(), len: places.len(), labels, shared: 1 }
    }
}

/// What [`PatchSweep::mean`] says of every head, key heads repeated for the query heads that share them.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{compare_heads, map_heads}, patching::{HeadPart, Metric, Patching}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let patching =
///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
/// let [outputs, values] = [HeadPart::Out, HeadPart::Value].map(|part| patching.heads(part));
/// let (outputs, values) = (outputs?, values?);
/// compare_heads(("output", &outputs), ("value", &values))?.draw()?;
/// map_heads([("output", outputs), ("value", values)])?.draw()?;
/// let streams = patching.resid_pre()?;
/// assert!(map_heads([("stream", streams)]).unwrap_err().to_string().contains("[\"layer\", \"position\"]"));
/// # Ok::<(), glassbox::Error>(())
/// ```
impl HeadValues for PatchSweep {
    fn per_head(&self) -> Result<Array2<f32>> {
        match &self.axes[..] {
            [layer, head] if (&*layer.name, &*head.name) == ("layer", "head") => self.ungrouped().mean().per_head(),
            _ => Err(CircuitsError::NotByHead { name: self.name(), axes: self.axes() }.into()),
        }
    }
}
