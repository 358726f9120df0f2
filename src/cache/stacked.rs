//! One activation of all layers.

use crate::{Result, hook::Site, model::Run};
use candle_core::Tensor;

impl Run {
    /// One activation of every layer of a stack, along a new first axis: `stack_activation` of TransformerLens.
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
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stack_activation(&self, site: impl Fn(usize) -> Site) -> Result<Tensor> {
        let config = self.model().config();
        let layers = 0..config.layers_of(site(0).stack());
        let every = layers.map(|layer| {
            let site = config.site(site(layer))?;
            config.check(site)?;
            self.cache().get(site)
        });
        Ok(Tensor::stack(&every.collect::<Result<Vec<_>>>()?, 0)?)
    }
}
