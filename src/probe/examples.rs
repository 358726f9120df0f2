//! [`Examples`]: activations and labels for many tokens, collected from texts.
//!
//! The input of probes.

use super::{Features, Labels};
use crate::{
    Model, Result,
    axes::Axis,
    error::{ProbeError, SiteError},
    hook::{Layers, Site, Sites, ToSite},
    model::ToTokens,
    text::Tokens,
};
use ndarray::Array2;

/// Activations at some sites for many tokens, with a yes-or-no label for each token.
///
/// # Examples
/// Does the residual stream encode whether a word occurred before?
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let texts = ["red fox blue owl red fox", "tree cat moon tree cat sun", "king ship king boat rain ship", "bell cup bell pen cup pen"];
/// let repeated = |tokens: &Tokens, at: usize| (at > 0).then(|| tokens.ids(0)[..at].contains(&tokens.ids(0)[at]));
/// let examples = Examples::collect(&model, [Site::resid_post(1)], &texts, repeated)?;
/// assert_eq!(examples.labels().len(), 24);
/// assert_eq!(examples.features(Site::resid_post(1))?.n_features(), 64);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Examples {
    features: Vec<(Site, Features)>,
    labels: Labels,
    /// The layer counts of the model.
    layers: Layers,
}

impl Examples {
    /// Runs every text once and labels every token with `label`: `Some(true)`, `Some(false)`, or `None` to leave it
    /// out.
    ///
    /// A site with heads yields `head * d_head` features.
    ///
    /// # Errors
    /// Fails when a text cannot be read, the model does not have a site, a site does not have a position axis, or every
    /// token is left out.
    pub fn collect<T: ToTokens>(
        model: &Model,
        sites: impl Into<Sites>,
        texts: impl IntoIterator<Item = T>,
        label: impl Fn(&Tokens, usize) -> Option<bool>,
    ) -> Result<Self> {
        let sites = sites.into().among(&model.sites(), model.config().layers())?;
        sites.iter().try_for_each(|&site| per_position(site))?;
        let mut rows: Vec<Vec<f32>> = vec![Vec::new(); sites.len()];
        let mut labels = Vec::new();
        for text in texts {
            let run = model.pass(text)?.record(sites.clone()).without_logits().run()?;
            let tokens = &run.tokens();
            for position in 0..tokens.len() {
                let Some(positive) = label(tokens, position) else { continue };
                labels.push(positive);
                for (site, rows) in sites.iter().zip(&mut rows) {
                    rows.extend(run.cache().get(*site)?.get(0)?.get(position)?.flatten_all()?.to_vec1::<f32>()?);
                }
            }
        }
        if labels.is_empty() {
            return Err(ProbeError::NoExamples.into());
        }
        let feature = |(site, rows): (&Site, Vec<f32>)| Ok((*site, features(*site, labels.len(), rows)?));
        let features = sites.iter().zip(rows).map(feature).collect::<Result<_>>()?;
        Ok(Self { features, labels: labels.into(), layers: model.config().layers() })
    }

    /// Returns the activations at a site, one row per token.
    ///
    /// # Shapes
    /// `[sample, feature]`
    ///
    /// # Errors
    /// Fails when the site was not collected.
    pub fn features(&self, site: impl ToSite) -> Result<Features> {
        let site = site.site_in(self.layers)?;
        let found = self.features.iter().find(|(have, _)| *have == site);
        found.map(|(_, features)| features.clone()).ok_or_else(|| {
            let nearest = self.features.iter().map(|(site, _)| site.to_string()).collect();
            SiteError::NotRecorded { site: site.to_string(), held: self.features.len(), nearest }.into()
        })
    }

    /// The label of each token.
    pub fn labels(&self) -> Labels {
        self.labels.clone()
    }

    /// The features of every site under a short name such as `3.resid_pre`, for
    /// [`curve_over_layers`](super::curve_over_layers).
    pub fn by_site(&self) -> Vec<(String, Features)> {
        let short = |site: &Site| site.to_string().replace("blocks.", "").replace("hook_", "");
        self.features.iter().map(|(site, features)| (short(site), features.clone())).collect()
    }
}

/// Fails for a site that does not hold a value for every position of a text.
fn per_position(site: Site) -> Result<()> {
    if site.axes().starts_with(&[Axis::Batch, Axis::Pos]) && site != Site::tokens() {
        return Ok(());
    }
    Err(SiteError::NoSuchAxis { site: site.to_string(), axis: Axis::Pos.name(), shape: site.shape_in_words() }.into())
}

fn features(site: Site, samples: usize, rows: Vec<f32>) -> Result<Features> {
    let width = rows.len() / samples;
    let values = Array2::from_shape_vec((samples, width), rows)?;
    // Neurons have names such as L2N611; features of other axes are numbered.
    let neuron = site.layer().filter(|_| site.axes().last() == Some(&Axis::DMlp));
    let name = |index: usize| neuron.map_or_else(|| index.to_string(), |layer| format!("L{layer}N{index}"));
    Ok(Features::new(values)?.named_by(name).with_source(site.to_string()))
}
