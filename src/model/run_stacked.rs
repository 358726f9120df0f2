//! One activation of all layers ([`Run::stack_activation`]).

use crate::{
    Result,
    hook::{Site, ToSite},
    model::Run,
};
use candle_core::Tensor;

/// A site in every layer: a constructor such as `Site::pattern`, or a short name such as `"pattern"`.
///
/// # Examples
/// ```
/// use glassbox::{model::EachLayer, prelude::*};
/// assert_eq!(Site::pattern.in_layer(1)?, Site::pattern(1)); // a constructor
/// assert_eq!("pattern".in_layer(1)?, Site::pattern(1)); // a name
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no site of every layer: give `Site::pattern`, `\"pattern\"` or a closure from a layer to a site"
)]
pub trait EachLayer<Kind> {
    /// The site in a layer.
    ///
    /// # Errors
    /// When no site is called so.
    fn in_layer(&self, layer: usize) -> Result<Site>;
}

/// Marks a closure or constructor.
#[derive(Debug)]
pub struct ByLayer;

/// Marks a name.
#[derive(Debug)]
pub struct ByName;

impl<F: Fn(usize) -> Site> EachLayer<ByLayer> for F {
    fn in_layer(&self, layer: usize) -> Result<Site> {
        Ok(self(layer))
    }
}

impl EachLayer<ByName> for &str {
    fn in_layer(&self, layer: usize) -> Result<Site> {
        (*self, layer).to_site()
    }
}

impl Run {
    /// Returns one activation of every layer of a stack, along a new first axis: TransformerLens's `stack_activation`.
    ///
    /// # Shapes
    /// `[layer, ..]`, then the axes of the site
    ///
    /// # Errors
    /// When the run did not record it in every layer, or a layer does not have it.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue")?;
    /// assert_eq!(run.stack_activation(Site::pattern)?.dims(), [2, 1, 4, 4, 4]); // [layer, batch, head, query, key]
    /// assert_eq!(run.stack_activation("resid_post")?.dims(), [2, 1, 4, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stack_activation<Kind>(&self, site: impl EachLayer<Kind>) -> Result<Tensor> {
        let config = self.model().config();
        let layers = 0..config.layers_of(site.in_layer(0)?.stack());
        let every = layers.map(|layer| {
            let site = config.site(site.in_layer(layer)?)?;
            config.check(site)?;
            self.cache().get(site)
        });
        Ok(Tensor::stack(&every.collect::<Result<Vec<_>>>()?, 0)?)
    }
}
