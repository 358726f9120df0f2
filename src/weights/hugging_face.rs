//! Saving a model in Hugging Face's GPT-2 format ([`Model::save_hugging_face`](crate::Model::save_hugging_face)).

use super::save;
use crate::{
    Model, Result,
    error::WeightsError,
    families::gpt2,
    net::parts::{Block, Feed, Linear, Norm},
    tensor::zeros,
};
use candle_core::{DType, Tensor};
use std::path::Path;

impl Model {
    /// Saves the model to a folder that [`Model::open`] and `GPT2LMHeadModel.from_pretrained` of Hugging Face
    /// transformers can read.
    ///
    /// It writes `config.json`, `model.safetensors`, and `tokenizer.json` if there is a tokenizer. With [`DType::F32`]
    /// the reopened model computes exactly the same. [`DType::F16`] and [`DType::BF16`] take half the space. The files
    /// of an existing model are replaced [in one step](crate::files), and other files in the folder stay.
    ///
    /// # Errors
    /// Fails when the model does not have GPT-2's form, the folder contains files of another model that would be read
    /// with this one, or a file cannot be written.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{candle_core::DType, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let error = model.save_hugging_face("nowhere", DType::F16).unwrap_err();
    /// assert!(error.to_string().contains("its blocks have no MLP"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn save_hugging_face(&self, folder: impl AsRef<Path>, dtype: DType) -> Result<()> {
        let mut config = gpt2::write(&self.config())?;
        config.insert("torch_dtype".into(), dtype_name(dtype)?.into());
        let mut weights = Names(Vec::new());
        weights.model(self)?;
        let as_asked = |(name, tensor): (String, Tensor)| Ok((format!("transformer.{name}"), tensor.to_dtype(dtype)?));
        let mut weights = weights.0.into_iter().map(as_asked).collect::<Result<Vec<_>>>()?;
        if let (false, Some(unembed)) = (self.config().tied, &self.transformer().readout.unembed) {
            weights.push(("lm_head.weight".into(), unembed.weight.t()?.to_dtype(dtype)?));
        }
        save::write(self, folder.as_ref(), config, weights)
    }
}

fn dtype_name(dtype: DType) -> Result<&'static str> {
    match dtype {
        DType::F32 => Ok("float32"),
        DType::F16 => Ok("float16"),
        DType::BF16 => Ok("bfloat16"),
        other => Err(WeightsError::Precision { given: format!("{other:?}") }.into()),
    }
}

/// Tensors under the names of `GPT2Model`.
struct Names(Vec<(String, Tensor)>);

impl Names {
    fn add(&mut self, name: &str, part: &str, tensor: &Tensor) {
        self.0.push((format!("{name}.{part}"), tensor.clone()));
    }

    fn model(&mut self, model: &Model) -> Result<()> {
        let transformer = model.transformer();
        let bias = transformer.readout.unembed.as_ref().and_then(|unembed| unembed.bias.as_ref());
        if let Some(bias) = bias
            && bias.abs()?.sum(0)?.to_scalar::<f32>()? != 0.0
        {
            return Err(gpt2::not_gpt2(&model.config(), "its unembedding has a bias"));
        }
        if let Some(embed) = transformer.last.front.tokens() {
            self.add("wte", "weight", &embed.tokens);
            embed.positions.iter().for_each(|positions| self.add("wpe", "weight", positions));
        }
        for (layer, block) in transformer.last.blocks.iter().enumerate() {
            self.block(&format!("h.{layer}"), block)?;
        }
        self.norm("ln_f", &transformer.readout.ln_final);
        Ok(())
    }

    fn block(&mut self, at: &str, block: &Block) -> Result<()> {
        let attention = &block.attention;
        self.norm(&format!("{at}.ln_1"), &block.ln1);
        self.linear(&format!("{at}.attn.c_attn"), &[&attention.q, &attention.k, &attention.v])?;
        self.linear(&format!("{at}.attn.c_proj"), &[&attention.o])?;
        if let Some(Feed::Mlp(mlp)) = &block.mlp {
            self.norm(&format!("{at}.ln_2"), &block.ln2);
            self.linear(&format!("{at}.mlp.c_fc"), &[&mlp.input])?;
            self.linear(&format!("{at}.mlp.c_proj"), &[&mlp.output])?;
        }
        Ok(())
    }

    /// Adds layers side by side as one. A missing bias is written as zeros.
    fn linear(&mut self, name: &str, layers: &[&Linear]) -> Result<()> {
        let weights: Vec<_> = layers.iter().map(|layer| &layer.weight).collect();
        let bias = |layer: &&Linear| match &layer.bias {
            Some(bias) => Ok(bias.clone()),
            None => zeros(layer.weight.dim(1)?),
        };
        let biases = layers.iter().map(bias).collect::<candle_core::Result<Vec<_>>>()?;
        self.add(name, "weight", &Tensor::cat(&weights, 1)?);
        self.add(name, "bias", &Tensor::cat(&biases, 0)?);
        Ok(())
    }

    fn norm(&mut self, name: &str, norm: &Norm) {
        norm.weight.iter().for_each(|weight| self.add(name, "weight", weight));
        norm.bias.iter().for_each(|bias| self.add(name, "bias", bias));
    }
}
