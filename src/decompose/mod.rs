//! Decomposition of the residual stream: every vector in it is a sum of what the embedding, the heads and the neurons
//! wrote.
//!
//! A [`ResidStack`] is such a sum with named parts. A [`Site`] says which stream is decomposed, and the method says
//! into what:
//!
//! | method | parts |
//! |---|---|
//! | [`run.decompose(site)`](Run::decompose) | the embeddings, and each layer's attention and MLP |
//! | [`Run::decompose_layers`] | the embeddings, and each layer |
//! | [`Run::decompose_heads`] | each head, and the rest |
//! | [`Run::decompose_neurons`] | each neuron, and the rest |
//! | [`Run::decompose_heads_and_mlps`] | the embeddings, each head, each MLP, and the biases |
//! | [`Run::decompose_fully`] | the embeddings, each head, each neuron, and the biases |
//!
//! [`ResidStack::logit_attrs`] then says how much each part contributes to a token's logit: direct logit attribution
//! (Elhage et al. 2021; TransformerLens's `ActivationCache`).
//!
//! Either stack of an encoder-decoder can be decomposed, and so can post-norm models (BERT). Everything on the way that
//! is not linear is held at its value in the run: the scales of norms, and the gate of a masked language model's
//! activation. The sums are then exact, but they do not count how a part changed those values.

mod accumulated;
mod attribution;
mod choose;
mod direction;
mod held;
mod layers;
mod lines;
mod masked_lm;
mod next_tokens;
mod of_run;
mod parts;
mod queries_keys;
mod reading;
mod scores;

use crate::{
    Result,
    cache::ActivationCache,
    error::{RunError, need_f32},
    hook::Site,
    model::{Model, Run},
    text::Tokens,
};
pub use attribution::LogitAttribution;
use candle_core::Tensor;
use parts::Part;
pub use scores::ScoreDecomposition;
use std::borrow::Borrow;

/// Named vectors of the residual stream: parts that sum to it, or the stream at successive sites.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let stack = run.decompose(Site::resid_post(1))?;
/// assert_eq!(stack.labels(), ["embed", "pos_embed", "0_attn_out", "1_attn_out"]);
/// let difference = (stack.sum()? - run.cache().get(Site::resid_post(1))?)?.abs()?.max_all()?.to_scalar::<f32>()?;
/// assert!(difference < 1e-5);
/// // Who wants "owl" to come next, rather than "red"?
/// let attribution = run.decompose_heads(Site::resid_post(1))?.positions([-1])?.logit_attrs("owl", "red")?;
/// assert!(attribution.top(1)?[0].0.starts_with("L1H"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("decompose_resid", "stack_activation"))]
#[derive(Clone)]
pub struct ResidStack {
    model: Model,
    cache: ActivationCache,
    /// What the stream's own stack reads.
    tokens: Tokens,
    /// The place of the stream that the vectors add up to, or the last of those that they are.
    site: Site,
    labels: Vec<String>,
    parts: Vec<Part>,
    /// Whether each vector is a whole stream, and not a part of one.
    whole: bool,
    /// The positions that are left, as indices into the texts.
    positions: Vec<u32>,
    /// Whether each vector is normed by its own statistics.
    recompute_ln: bool,
}

impl ResidStack {
    /// Parts of the stream at a site.
    fn new(run: &Run, site: Site, labels: Vec<String>, parts: Vec<Part>) -> Self {
        let (model, cache) = (run.model(), run.cache());
        let source = cache.source().filter(|_| model.config().is_of_encoder(site));
        let positions = source.as_ref().map_or_else(|| cache.recorded(), |source| (0..source.len() as u32).collect());
        let tokens = source.unwrap_or_else(|| cache.tokens());
        Self { model, cache, tokens, site, labels, parts, whole: false, positions, recompute_ln: false }
    }

    /// The name of each vector: `embed`, `0_attn_out`, `L1H3`, `L2N611`, ...
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// let heads = run.decompose_heads(Site::resid_pre(1))?;
    /// assert_eq!(heads.labels(), ["L0H0", "L0H1", "L0H2", "L0H3", "remainder"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    /// The number of vectors.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// assert_eq!(run.decompose(Site::resid_post(1))?.len(), 4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The vectors. The vectors of neurons are computed only here and may need much memory.
    ///
    /// # Shapes
    /// `[component, batch, pos, d_model]`
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// assert_eq!(run.decompose(Site::resid_post(1))?.values()?.dims(), [4, 1, 5, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn values(&self) -> Result<Tensor> {
        Ok(Tensor::cat(&self.parts.iter().map(Part::vectors).collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// The sum of the vectors.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// let sum = run.decompose_heads(Site::resid_post(1))?.sum()?;
    /// let difference = (sum - run.cache().get(Site::resid_post(1))?)?.abs()?.max_all()?.to_scalar::<f32>()?;
    /// assert!(difference < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn sum(&self) -> Result<Tensor> {
        let sums = self.parts.iter().map(Part::sum).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::stack(&sums, 0)?.sum(0)?)
    }

    /// Projects each vector onto a direction, which may differ from text to text. The vectors of neurons are not
    /// computed for this.
    ///
    /// # Shapes
    /// `direction`: `[d_model]` or `[batch, d_model]`; result: `[component, batch, pos]`.
    ///
    /// # Errors
    /// When the direction has another shape or type than float32.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// let stack = run.decompose(Site::resid_post(1))?;
    /// let along = stack.project(stack.values()?.i((0, 0, -1))?)?; // along the last token's embedding
    /// let label = along.top(1)?[0].0.clone();
    /// assert_eq!(label, "embed");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "residual_stack_to_logit_diff")]
    pub fn project(&self, direction: impl Borrow<Tensor>) -> Result<LogitAttribution> {
        let direction = direction.borrow();
        let (batch, d_model, got) = (self.tokens.batch(), self.model.config().d_model, direction.dims());
        if got != [d_model] && got != [1, d_model] && got != [batch, d_model] {
            return Err(RunError::Direction { got: got.to_vec(), batch, d_model }.into());
        }
        need_f32(|| "the direction".into(), direction)?;
        let direction = match direction.rank() {
            1 => direction.unsqueeze(0)?,
            _ => direction.clone(),
        };
        let values = self.parts.iter().map(|part| part.project(&direction)).collect::<Result<Vec<_>>>()?;
        Ok(self.attribution(Tensor::cat(&values, 0)?))
    }

    /// # Shapes
    /// `values`: `[component, batch, pos]`
    fn attribution(&self, values: Tensor) -> LogitAttribution {
        LogitAttribution::new(self.labels.clone(), values, self.tokens.clone(), self.positions.clone())
    }
}
