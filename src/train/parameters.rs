//! [`Parameters`]: the weights of a model in training.

use super::Batch;
use crate::{
    Result,
    error::{LoadError, TrainError, nearest, need_f32},
    families::native,
    hook::Stack,
    load::Weights,
    model::Config,
    net::{Frame, Here, Tap, transformer::Transformer},
    ops,
    tensor::{from_values, ones, zeros},
};
use candle_core::{Tensor, Var};
use rand::rngs::StdRng;
use rand_distr::{Distribution, Normal};
use std::{collections::BTreeMap, sync::Arc};

/// Variables under their TransformerLens names, and their architecture.
///
/// # Examples
/// ```
/// use glassbox::train::{self, Training};
/// let parameters = Training::start(train::recipe("induction")?)?.parameters();
/// assert_eq!(parameters.get("blocks.0.attn.W_Q")?.dims(), [4, 64, 16]); // [head, d_model, d_head]
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Parameters {
    pub(super) config: Arc<Config>,
    pub(super) vars: BTreeMap<String, Var>,
}

impl Parameters {
    /// Makes weights from a normal distribution with standard deviation `std`, norm weights of 1, and biases of 0.
    pub(crate) fn random(config: Config, std: f32, rng: &mut StdRng) -> Result<Self> {
        let mut vars = BTreeMap::new();
        for (name, shape) in native::shapes(&config) {
            let tensor = match name.rsplit('.').next().unwrap_or_default() {
                "w" => ones(shape)?,
                bias if bias.starts_with('b') => zeros(shape)?,
                _ => normal(shape, std, rng)?,
            };
            vars.insert(name, Var::from_tensor(&tensor)?);
        }
        Ok(Self { config: config.into(), vars })
    }

    /// The architecture.
    pub fn config(&self) -> Arc<Config> {
        self.config.clone()
    }

    /// The names of all variables, in order.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train;
    /// assert!(train::recipe("induction")?.parameters()?.names().contains(&"embed.W_E".to_owned()));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn names(&self) -> Vec<String> {
        self.vars.keys().cloned().collect()
    }

    /// Returns a variable.
    ///
    /// Gradients of what is computed from it reach it.
    ///
    /// # Shapes
    /// The shape in [`WeightViews::named`](crate::weights::WeightViews::named).
    ///
    /// # Errors
    /// Fails when there is no variable of this name. The error names the nearest.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        Ok(self.var(name)?.as_tensor().clone())
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// Fails when there is no variable of this name, or the value has another shape, is not float32, or is not finite.
    pub fn set(&self, name: &str, value: &Tensor) -> Result<()> {
        let var = self.var(name)?;
        if value.dims() != var.dims() {
            let (got, expected) = (value.dims().to_vec(), var.dims().to_vec());
            return Err(TrainError::Shape { name: name.into(), got, expected }.into());
        }
        need_f32(|| format!("the value for `{name}`"), value)?;
        if let Some(value) = not_finite(value)? {
            return Err(TrainError::NotFinite { name: name.into(), value }.into());
        }
        // A copy, because the value may have been computed from this variable.
        Ok(var.set(&value.copy()?)?)
    }

    fn var(&self, name: &str) -> Result<&Var> {
        let nearest = || nearest(name, self.vars.keys().cloned(), 3).join(", ");
        self.vars.get(name).ok_or_else(|| LoadError::MissingTensor { name: name.into(), nearest: nearest() }.into())
    }

    /// Returns the logits at the positions where a batch predicts something, from the forward pass that is hooked
    /// elsewhere.
    ///
    /// # Shapes
    /// `[sample, d_vocab]`
    ///
    /// # Errors
    /// Fails when the batch is longer than the model's context, or contains tokens outside the vocabulary.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train::{self, Batch};
    /// let parameters = train::recipe("induction")?.parameters()?;
    /// let logits = parameters.logits(&Batch::answers(&[[0u32, 7, 8]], &[9])?)?;
    /// assert_eq!(logits.dims(), [1, 374]); // [sample, d_vocab]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn logits(&self, batch: &Batch) -> Result<Tensor> {
        let (config, (texts, len)) = (&self.config, batch.tokens.dims2()?);
        if len > config.n_ctx {
            return Err(TrainError::Length { len, n_ctx: config.n_ctx }.into());
        }
        let mut transformer = native::build(config, &self.vars)?;
        let (mut tap, mut frame) = (Tap::idle(), Frame::plain(config, &transformer.last, texts, len)?);
        let resid = transformer.last.embed(config, &batch.tokens, &mut frame, &mut tap)?;
        // After the last attention, positions are independent, so only those that predict something continue.
        let here = Here::new(Stack::Blocks, config.n_layers.saturating_sub(1));
        let last = transformer.last.blocks.last_mut();
        let mlp = last.and_then(|block| Some((block.ln2.clone(), block.mlp.take()?)));
        let resid = transformer.last.forward(resid, 0..config.n_layers, &mut frame, &mut tap)?;
        let mut asked = resid.flatten_to(1)?.index_select(&batch.places, 0)?;
        if let Some((ln2, mlp)) = mlp {
            let written = mlp.forward(&ln2.forward(&asked, here, &mut tap)?, here, &mut tap)?;
            asked = ops::add(&asked, &written)?;
        }
        transformer.unembedded(config, &asked)
    }

    /// Returns the mean loss of a batch, in nats.
    ///
    /// # Shapes
    /// `[]`: one number
    ///
    /// # Errors
    /// Fails as [`logits`](Self::logits) does, and when an answer is not in the vocabulary.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train::{self, Batch};
    /// let parameters = train::recipe("induction")?.parameters()?;
    /// let loss = parameters.loss(&Batch::answers(&[[0u32, 7, 8]], &[9])?)?.to_scalar::<f32>()?;
    /// assert!(loss > 1.0); // nothing is learned yet
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn loss(&self, batch: &Batch) -> Result<Tensor> {
        batch.check_answers(self.config.d_vocab)?;
        Ok(candle_nn::loss::cross_entropy(&self.logits(batch)?, &batch.answers)?)
    }

    /// Returns a copy as a model, which gradients do not reach and later steps do not change.
    pub(super) fn frozen(&self) -> Result<Transformer> {
        let copy = |(name, var): (&String, &Var)| match not_finite(var)? {
            None => Ok((name.clone(), var.copy()?.detach())),
            Some(value) => Err(TrainError::WeightDiverged { name: name.clone(), value }.into()),
        };
        let tensors = self.vars.iter().map(copy).collect::<Result<Vec<_>>>()?;
        native::build(&self.config, &Weights::from_tensors(tensors))
    }
}

/// Returns the first value that is NaN or infinite.
fn not_finite(x: &Tensor) -> Result<Option<f32>> {
    Ok(x.flatten_all()?.to_vec1::<f32>()?.into_iter().find(|value| !value.is_finite()))
}

fn normal(shape: Vec<usize>, std: f32, rng: &mut StdRng) -> Result<Tensor> {
    // An invalid standard deviation would be a bug in the recipe.
    let normal = Normal::new(0.0, std).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    let count = shape.iter().product();
    let values: Vec<f32> = normal.sample_iter(rng).take(count).collect();
    Ok(from_values(values, shape)?)
}

#[cfg(test)]
mod tests {
    use crate::train::{Training, recipe, recipes};

    #[test]
    fn what_is_trained_says_what_the_hooked_model_says() {
        for name in recipes() {
            let training = Training::start(recipe(name).unwrap()).unwrap();
            let batch = training.recipe().held_out().unwrap();
            let ours = training.parameters().logits(&batch).unwrap();
            let theirs = training.model().unwrap().forward(batch.tokens.to_vec2::<u32>().unwrap()).unwrap();
            let theirs = theirs.flatten_to(1).unwrap().index_select(&batch.places, 0).unwrap();
            let apart = (ours - theirs).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(apart < 1e-5, "{name}: {apart}");
        }
    }
}
