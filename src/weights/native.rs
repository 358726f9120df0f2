//! Writing a model in TransformerLens's own form.

use super::{Step, save};
use crate::{
    Model, Result,
    error::WeightsError,
    families::native,
    model::Normalization,
    net::parts::{Feed, Norm},
};
use candle_core::{DType, Device, Tensor};
use std::path::Path;

impl Model {
    /// Writes the model into a folder that [`Model::open`] reads and whose weights TransformerLens's
    /// `HookedTransformer.load_state_dict` takes (with `strict=False`, as it also wants its masks): `config.json` with
    /// the fields of `HookedTransformerConfig`, `model.safetensors` with the names of
    /// [`WeightViews::named`](super::WeightViews::named), and `tokenizer.json` where there is a tokenizer.
    ///
    /// What was done to the weights ([`Model::processing`]) is written too. The files replace those of a model that is
    /// there [all in one step](crate::files), and what else is in the folder stays.
    ///
    /// # Errors
    /// When TransformerLens has no place for something in this model, the folder holds files of another model that
    /// would be read with this one, or a file cannot be written.
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
        // A norm that has no weight or bias is written with those that change nothing.
        let in_blocks = blocks.iter().enumerate().flat_map(|(layer, block)| {
            let name = move |norm: &Norm| format!("blocks.{layer}.{}", norm.name());
            block.norms().into_iter().map(move |norm| (name(norm), norm))
        });
        let (embed, last) = (&self.transformer().last.front.norm, &self.transformer().readout.ln_final);
        for (name, norm) in in_blocks.chain([embed, last].map(|norm| (norm.name(), norm))) {
            let size = config.d_model;
            if !norm.is_none() && norm.weight.is_none() {
                named.push((format!("{name}.w"), Tensor::ones(size, DType::F32, &Device::Cpu)?));
            }
            if norm.kind == Normalization::LayerNorm && norm.bias.is_none() {
                named.push((format!("{name}.b"), Tensor::zeros(size, DType::F32, &Device::Cpu)?));
            }
        }
        Ok(named)
    }
}
