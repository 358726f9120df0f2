//! The residual stream taken apart: every vector in it is a sum of what the embedding, the heads and the neurons wrote.
//!
//! A [`ResidStack`] is such a sum with names. Which sum is meant is said with a [`Site`]: `run.decompose(Site::resid_post(3))`
//! is the stream leaving block 3 as embedding + attention + MLPs, [`Run::decompose_heads`] the same with every head by
//! itself, [`Run::decompose_neurons`] with every neuron, [`Run::decompose_fully`] with all of them.
//! [`ResidStack::logit_attrs`] then says how much each part pushed towards a token: direct logit attribution
//! (Elhage et al. 2021; `ActivationCache` of TransformerLens).

mod accumulated;
mod answers;
mod attribution;
mod direction;
mod lines;
mod of_run;
mod parts;

use crate::{
    Result,
    cache::ActivationCache,
    hook::Site,
    model::{Model, Run},
};
pub use answers::ToTokenIds;
pub use attribution::Attribution;
use candle_core::Tensor;
pub(crate) use direction::Reader;
pub(crate) use parts::Part;

/// Named vectors along the residual stream: parts that add up to it, or the stream at successive places.
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
/// assert!(attribution.top(1)[0].0.starts_with("L1H"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResidStack {
    model: Model,
    cache: ActivationCache,
    labels: Vec<String>,
    parts: Vec<Part>,
    /// The positions that are left, as indices; all where absent.
    positions: Option<Vec<u32>>,
}

impl ResidStack {
    pub(crate) fn new(run: &Run, labels: Vec<String>, parts: Vec<Part>) -> Self {
        Self { model: run.model().clone(), cache: run.cache().clone(), labels, parts, positions: None }
    }

    /// The name of each vector: `embed`, `0_attn_out`, `L1H3`, `L2N611`, ...
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Keeps only these positions (-1 is the last).
    ///
    /// # Errors
    /// When a position is outside the text.
    pub fn positions(&self, positions: impl IntoIterator<Item = i64>) -> Result<Self> {
        let tokens = self.cache.tokens();
        let chosen = positions.into_iter().map(|at| Ok(tokens.index(at)? as u32)).collect::<Result<Vec<_>>>()?;
        let index = Tensor::new(chosen.as_slice(), &candle_core::Device::Cpu)?;
        let parts = self.parts.iter().map(|part| part.at(&index)).collect::<Result<_>>()?;
        Ok(Self { parts, positions: Some(chosen), ..self.clone() })
    }

    /// The vectors. Those of neurons are only made here: think of the memory.
    ///
    /// # Shapes
    /// `[component, batch, pos, d_model]`
    ///
    /// # Errors
    /// When memory runs out.
    pub fn values(&self) -> Result<Tensor> {
        Ok(Tensor::cat(&self.parts.iter().map(Part::vectors).collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// Their sum.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    ///
    /// # Errors
    /// When memory runs out.
    pub fn sum(&self) -> Result<Tensor> {
        let sums = self.parts.iter().map(Part::sum).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::stack(&sums, 0)?.sum(0)?)
    }

    /// How far each vector goes in a direction, which may differ from text to text. Vectors of neurons are not made.
    ///
    /// # Shapes
    /// `direction`: `[d_model]` or `[batch, d_model]`; result: `[component, batch, pos]`.
    ///
    /// # Errors
    /// When the direction has another width.
    pub fn project(&self, direction: &Tensor) -> Result<Attribution> {
        let direction = match direction.rank() {
            1 => direction.unsqueeze(0)?,
            _ => direction.clone(),
        };
        let values = self.parts.iter().map(|part| part.project(&direction)).collect::<Result<Vec<_>>>()?;
        Ok(Attribution::new(self.labels.clone(), Tensor::cat(&values, 0)?, self.cache.tokens().clone(), self.kept()))
    }

    fn kept(&self) -> Vec<u32> {
        let all = || (0..self.cache.tokens().len() as u32).collect();
        self.positions.clone().unwrap_or_else(all)
    }

    /// The vectors as the norm before `reader` leaves them, its weight and bias aside: less their mean (LayerNorm), over
    /// the scale that the run itself had there. With the scale held fast the norm is linear, so parts stay parts of a
    /// sum. `reader` is a site of a block for the norm of its attention ([`Site::resid_pre`]) or MLP
    /// ([`Site::resid_mid`]), or [`Site::unembed_in`] for the final one.
    ///
    /// # Shapes
    /// `[component, batch, pos, d_model]`
    ///
    /// # Errors
    /// When the run did not record that norm's scale.
    pub fn apply_ln(&self, reader: Site) -> Result<Tensor> {
        let reader = Reader::at(&self.model, &self.cache, reader)?;
        let values = self.values()?;
        let centred = if reader.centred { values.broadcast_sub(&values.mean_keepdim(3)?)? } else { values };
        Ok(centred.broadcast_div(&self.scale(&reader)?.unsqueeze(0)?)?)
    }

    /// `[batch, pos, one]`, at the positions that are left.
    fn scale(&self, reader: &Reader) -> Result<Tensor> {
        match &self.positions {
            None => Ok(reader.scale.clone()),
            Some(kept) => {
                Ok(reader.scale.index_select(&Tensor::new(kept.as_slice(), &candle_core::Device::Cpu)?, 1)?)
            }
        }
    }

    /// How much each vector adds to the logit of `answer` less that of `wrong`, through the final norm with the scale
    /// the run had. Together with what the norm's bias and the unembedding's bias give
    /// ([`Attribution::constant`]), parts of the last residual stream add up to the logit difference exactly.
    ///
    /// `answer` and `wrong` are a token for all texts, or one for each: text or ids.
    ///
    /// # Errors
    /// When an answer is no single token, or the model's logits are not linear in the normed stream (masked-LM heads).
    pub fn logit_attrs(&self, answer: impl ToTokenIds, wrong: impl ToTokenIds) -> Result<Attribution> {
        let batch = self.cache.tokens().batch();
        let (answer, wrong) = (answer.token_ids(&self.model, batch)?, wrong.token_ids(&self.model, batch)?);
        self.attrs(&answer, Some(&wrong))
    }

    /// As [`ResidStack::logit_attrs`], for the logit of one token itself.
    ///
    /// # Errors
    /// As there.
    pub fn logit_attrs_of(&self, answer: impl ToTokenIds) -> Result<Attribution> {
        self.attrs(&answer.token_ids(&self.model, self.cache.tokens().batch())?, None)
    }

    fn attrs(&self, answer: &[u32], wrong: Option<&[u32]>) -> Result<Attribution> {
        let reader = Reader::at(&self.model, &self.cache, Site::unembed_in())?;
        let (direction, constant) = reader.logit_direction(&self.model, answer, wrong)?;
        let projected = self.project(&direction)?;
        let scale = self.scale(&reader)?.squeeze(2)?.unsqueeze(0)?;
        Ok(projected.over(&scale)?.with_constant(constant))
    }
}
