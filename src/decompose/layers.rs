//! Decomposition by layer: one part for everything that a block added.

use super::{Part, ResidStack};
use crate::{Result, hook::ToSite, model::Run};

impl Run {
    /// Decomposes the residual stream at `site` into the embeddings and one part for each layer before it, labelled
    /// `L0`, `L1`, ...
    ///
    /// # Errors
    /// As [`Run::decompose`].
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let layers = run.decompose_layers(Site::resid_post(1))?;
    /// assert_eq!(layers.labels(), ["embed", "pos_embed", "L0", "L1"]);
    /// let given = layers.logit_attrs("owl", "red")?; // bars, in a notebook
    /// assert_eq!(given.top(1)?[0].0, "L1");
    /// assert!(given.line()?.to_svg().contains("<title>layer, layer 1: "));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "decompose_resid")]
    pub fn decompose_layers(&self, site: impl ToSite) -> Result<ResidStack> {
        let components = self.decompose(site)?;
        let (mut labels, mut parts): (Vec<String>, Vec<Part>) = Default::default();
        for (label, part) in components.labels.iter().zip(&components.parts) {
            let label = layer_of(label).map_or_else(|| label.clone(), |layer| format!("L{layer}"));
            match (labels.last() == Some(&label), parts.last_mut()) {
                (true, Some(sum)) => *sum = Part::one(&(sum.sum()? + part.sum()?)?)?,
                _ => {
                    labels.push(label);
                    parts.push(part.clone());
                }
            }
        }
        Ok(ResidStack { labels, parts, ..components })
    }
}

/// The layer of a component such as `3_mlp_out`.
fn layer_of(label: &str) -> Option<usize> {
    label.split_once('_')?.0.parse().ok()
}
