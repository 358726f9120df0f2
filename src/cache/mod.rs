//! [`ActivationCache`]: what one run recorded.
//!
//! Every analysis reads from it.
//!
//! It corresponds to TransformerLens's `ActivationCache`:
//! <https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/ActivationCache.py>.

mod bytes;
mod origin;
mod positions;
mod show;

use crate::{
    Result,
    axes::Axis,
    error::{Error, SiteError},
    files,
    input::Input,
    site::{Layers, Site, ToSite, nearest_sites},
    text::Tokens,
};
pub(crate) use bytes::bytes_of;
use candle_core::Tensor;
pub(crate) use positions::{Positions, index_of, last_of};
use std::{collections::HashMap, path::Path, sync::Arc, vec::IntoIter};

/// The activations that one run recorded, by [`Site`] or by name.
///
/// It owns its tensors, is cheap to clone, and iterates in the order in which the forward pass reached the sites.
/// The batch axis is always present.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue")?;
/// let pattern = run.cache().get(Site::pattern(1))?; // [batch, head, query, key]
/// assert_eq!(pattern.dims()[2..], [4, 4]);
/// assert_eq!(run.cache().get("blocks.1.attn.hook_pattern")?.dims(), pattern.dims());
/// let error = run.cache().get("blocks.1.attn.hook_result").unwrap_err(); // recorded only when asked for
/// assert!(error.is_not_recorded());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "cache_dict")]
#[derive(Clone)]
pub struct ActivationCache {
    entries: Arc<[(Site, Tensor)]>,
    index: Arc<HashMap<Site, usize>>,
    input: Input,
    positions: Option<Positions>,
    layers: Layers,
}

impl ActivationCache {
    /// Makes the cache of a model with these layer counts.
    pub(crate) fn new(layers: Layers, entries: Vec<(Site, Tensor)>, input: Input) -> Self {
        let index = entries.iter().enumerate().map(|(at, (site, _))| (*site, at)).collect();
        Self { entries: entries.into(), index: Arc::new(index), input, positions: None, layers }
    }

    /// Returns the activation at a site.
    ///
    /// # Shapes
    /// The shape of the site's constructor, such as [`Site::pattern`].
    ///
    /// # Errors
    /// Fails when no hook has this name, or the run did not record it. The error names the nearest recorded sites.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let cache = Model::open("induction-2l")?.run("red fox")?.cache();
    /// assert_eq!(cache.get(Site::pattern(1))?.dims(), [1, 4, 3, 3]); // [batch, head, query, key]
    /// assert_eq!(cache.get("blocks.1.attn.hook_pattern")?.dims(), [1, 4, 3, 3]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("__getitem__", "get_act_name"))]
    pub fn get(&self, site: impl ToSite) -> Result<Tensor> {
        let recorded = || self.entries.iter().map(|(site, _)| site.to_string());
        let site =
            site.site_in(self.layers).map_err(|error| error.with_nearest(|name| nearest_sites(name, recorded(), 3)))?;
        self.index.get(&site).map(|&at| self.entries[at].1.clone()).ok_or_else(|| self.not_recorded(site))
    }

    fn not_recorded(&self, site: Site) -> Error {
        let name = site.to_string();
        if site.is_gated_in(self.layers) {
            return SiteError::Gated { site: name }.into();
        }
        let nearest = nearest_sites(&name, self.entries.iter().map(|(site, _)| site.to_string()), 3);
        SiteError::NotRecorded { site: name, held: self.len(), nearest }.into()
    }

    /// What was recorded of one text of a batch. Activations of single experts, whose rows are not ordered by text, are
    /// left out.
    pub(crate) fn of_text(&self, text: usize) -> Result<Self> {
        let batch = self.input.batch();
        let part = |(site, x): &(Site, Tensor)| -> Result<Option<(Site, Tensor)>> {
            Ok(match site.axes().first() {
                Some(Axis::Batch) => Some((*site, x.narrow(0, text, 1)?)),
                Some(Axis::Pos) if site.expert().is_some() => None,
                Some(Axis::Pos) => Some((*site, x.narrow(0, text * x.dim(0)? / batch, x.dim(0)? / batch)?)),
                _ => Some((*site, x.clone())),
            })
        };
        let entries = self.entries.iter().filter_map(|entry| part(entry).transpose()).collect::<Result<_>>()?;
        let one = Self::new(self.layers, entries, self.input.texts(&(text..text + 1)));
        Ok(one.with_positions(self.positions.clone()))
    }

    /// Whether the run recorded the site.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let cache = Model::open("induction-2l")?.pass("red fox")?.record([Site::z(1)]).run()?.cache();
    /// assert!(cache.contains(Site::z(1)) && !cache.contains(Site::z(0)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn contains(&self, site: impl ToSite) -> bool {
        site.site_in(self.layers).is_ok_and(|site| self.index.contains_key(&site))
    }

    /// The number of layers of the model.
    pub(crate) fn layers(&self) -> Layers {
        self.layers
    }

    /// The recorded sites, in the order the forward pass reached them.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let cache = Model::open("induction-2l")?.pass("red fox")?.record([Site::z(1), Site::z(0)]).run()?.cache();
    /// assert_eq!(cache.sites(), [Site::z(0), Site::z(1)]); // in the order of the forward pass
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "keys")]
    pub fn sites(&self) -> Vec<Site> {
        self.entries.iter().map(|(site, _)| *site).collect()
    }

    /// Iterates over the recorded sites and their activations, in the order in which the forward pass reached them.
    ///
    /// # Shapes
    /// The shape of each site's constructor, such as [`Site::pattern`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let cache = Model::open("induction-2l")?.pass("red fox")?.record("blocks.*.attn.hook_z").run()?.cache();
    /// for (site, activation) in cache.iter() {
    ///     assert_eq!(activation.dims(), [1, 3, 4, 16], "{site}");
    /// }
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "items")]
    pub fn iter(&self) -> IntoIter<(Site, Tensor)> {
        Vec::from(&*self.entries).into_iter()
    }

    /// The number of recorded sites.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The text that was run.
    ///
    /// In an encoder-decoder model, the text that the decoder read.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let cache = Model::open("induction-2l")?.run("red fox")?.cache();
    /// assert_eq!(cache.tokens().strings(0), ["<bos>", "red", "fox"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokens(&self) -> Tokens {
        self.input.tokens()
    }

    /// The text that the encoder of an encoder-decoder model read.
    pub fn source(&self) -> Option<Tokens> {
        self.input.source()
    }

    /// Everything that was read: the tokens, and the source of an encoder-decoder.
    pub fn input(&self) -> Input {
        self.input.clone()
    }

    /// Writes every activation to a safetensors file under its TransformerLens name, including the batch axis.
    ///
    /// An existing file is [replaced as a whole](files).
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    #[doc(alias = "cache_dict")]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_tensors(path, self.iter().map(|(site, tensor)| (site.to_string(), tensor)))
    }
}

impl IntoIterator for ActivationCache {
    type Item = (Site, Tensor);
    type IntoIter = IntoIter<(Site, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for &ActivationCache {
    type Item = (Site, Tensor);
    type IntoIter = IntoIter<(Site, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
