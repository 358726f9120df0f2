//! Saving a model in TransformerLens's own format ([`Model::save_native`](crate::Model::save_native)).

use super::{Step, save};
use crate::{
    Model, Result,
    error::WeightsError,
    families::native,
    model::Normalization,
    net::parts::{Feed, Norm},
    tensor::{ones, zeros},
};
use candle_core::Tensor;
use std::path::Path;

impl Model {
    /// Saves the model to a folder that [`Model::open`] can read, with weights that TransformerLens's
    /// `HookedTransformer.load_state_dict` can load (with `strict=False`, because it also expects its masks).
    ///
    /// It writes `config.json` with the fields of `HookedTransformerConfig`, `model.safetensors` with the names of
    /// [`WeightViews::named`](super::WeightViews::named), and `tokenizer.json` if there is a tokenizer. The record of
    /// weight processing ([`Model::processing`]) is written too. The files of an existing model are replaced [in one
    /// step](crate::files), and other files in the folder stay.
    ///
    /// # Errors
    /// Fails when TransformerLens cannot represent a part of this model, the folder contains files of another model
    /// that would be read with this one, or a file cannot be written.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let folder = std::env::temp_dir().join("glassbox-save-native-example");
    /// let processed = Model::open("induction-2l")?.processed(Processing::default())?;
    /// processed.save_native(&folder)?;
    /// let again = Model::open(&folder.to_string_lossy())?;
    /// assert_eq!(again.processing(), processed.processing());
    /// let text = "red fox blue red fox blue";
    /// assert!((again.loss(text)? - processed.loss(text)?).abs() < 1e-4);
    /// # std::fs::remove_dir_all(folder).ok();
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn save_native(&self, folder: impl AsRef<Path>) -> Result<()> {
        save::write(self, folder.as_ref(), native::write(&self.config())?, self.native_weights()?)
    }

    fn native_weights(&self) -> Result<Vec<(String, Tensor)>> {
        let (config, blocks) = (self.config(), &self.transformer().last.blocks);
        let biased = |feed: &Feed| match feed {
            Feed::Mlp(mlp) => mlp.gate.as_ref().is_some_and(|gate| gate.bias.is_some() || mlp.input.bias.is_some()),
            Feed::Mixture(_) => false,
        };
        if blocks.iter().flat_map(|block| &block.mlp).any(biased) {
            let (family, why) = (config.family.clone(), "the branches of its gated MLPs have biases".into());
            return Err(WeightsError::NotNative { family, why }.into());
        }
        let mut named = self.weights().named()?;
        if config.processed.has(Step::FoldLn) {
            return Ok(named);
        }
        // A norm without a weight or bias is written with ones or zeros.
        let in_blocks = blocks.iter().enumerate().flat_map(|(layer, block)| {
            let name = move |norm: &Norm| format!("blocks.{layer}.{}", norm.name());
            block.norms().into_iter().map(move |norm| (name(norm), norm))
        });
        let (embed, last) = (self.transformer().last.front.tokens(), &self.transformer().readout.ln_final);
        let outside = embed.map(|embed| &embed.norm).into_iter().chain([last]);
        for (name, norm) in in_blocks.chain(outside.map(|norm| (norm.name(), norm))) {
            let size = config.d_model;
            if !norm.is_none() && norm.weight.is_none() {
                named.push((format!("{name}.w"), ones(size)?));
            }
            if norm.kind == Normalization::LayerNorm && norm.bias.is_none() {
                named.push((format!("{name}.b"), zeros(size)?));
            }
        }
        Ok(named)
    }
}
