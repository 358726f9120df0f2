//! [`WeightViews`]: the weights of a model, one of its stacks or one of its experts.

use crate::{
    Model, Result,
    error::WeightsError,
    hook::Stack,
    index::{Counted, ToIndex},
    net::{
        parts::{Attention, Block, Norm},
        transformer::StackParts,
    },
    tensor::{ones, zeros},
};
use candle_core::Tensor;

/// The weights of a model under TransformerLens's names and in its shapes: [`Model::weights`].
///
/// It is owned and cheap to clone. A view shares memory with the model where the layout allows. It does not for
/// queries, keys and values that GPT-2 keeps in one matrix, embeddings with a scale, stacked layers and repeated heads.
/// A missing bias is returned as zeros, and the weight of a folded norm as ones, as in TransformerLens. The axes are in
/// the words of [`axes`](crate::axes).
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, weights::WeightViews};
/// let weights = Model::open("induction-2l")?.weights();
/// assert_eq!(weights.w_q(1)?.dims(), [4, 64, 16]); // [head, d_model, d_head]
/// assert_eq!(weights.stacked(WeightViews::w_q)?.dims(), [2, 4, 64, 16]); // [layer, head, d_model, d_head]
/// assert_eq!(weights.w_u()?.dims(), [64, 374]);
/// let names = weights.named()?;
/// assert_eq!(names[2].0, "blocks.0.ln1.w");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "state_dict")]
#[derive(Clone)]
pub struct WeightViews {
    pub(super) model: Model,
    stack: Option<Stack>,
    across: bool,
    pub(super) expert: Option<usize>,
    pub(super) ungrouped: bool,
}

impl Model {
    /// Returns the weights under TransformerLens's names.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights(); // a table, in a notebook
    /// assert_eq!(weights.w_e()?.dims(), [374, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "parameters")]
    pub fn weights(&self) -> WeightViews {
        let stack = match self.config().stacks() {
            [only] => Some(*only),
            _ => None,
        };
        WeightViews { model: self.clone(), stack, across: false, expert: None, ungrouped: false }
    }
}

impl WeightViews {
    /// Returns the weights of the encoder of an encoder-decoder model.
    ///
    /// # Errors
    /// Fails when the model has only one stack.
    pub fn encoder(&self) -> Result<Self> {
        self.of(Stack::Encoder)
    }

    /// Returns the weights of the decoder of an encoder-decoder model.
    ///
    /// # Errors
    /// Fails when the model has only one stack.
    pub fn decoder(&self) -> Result<Self> {
        self.of(Stack::Decoder)
    }

    /// Returns the weights with cross attention in place of self-attention.
    ///
    /// # Errors
    /// Fails when the model does not have an encoder and a decoder.
    pub fn cross_attention(&self) -> Result<Self> {
        Ok(Self { across: true, ..self.decoder()? })
    }

    /// Returns the weights with one expert of a mixture as the MLP.
    ///
    /// # Errors
    /// Fails when the model does not have such an expert.
    pub fn expert(&self, expert: usize) -> Result<Self> {
        match self.model.config().experts {
            None => Err(self.absent("experts", "its layers have one MLP each")),
            Some(experts) => Ok(Self { expert: Some(Counted::experts(experts.count).at(expert)?), ..self.clone() }),
        }
    }

    /// Returns the weights with keys and values repeated for each query head that shares them, like TransformerLens's
    /// `W_K` and `W_V`.
    pub fn ungrouped(&self) -> Self {
        Self { ungrouped: true, ..self.clone() }
    }

    /// Returns one view of all layers, stacked along a new first axis.
    ///
    /// # Shapes
    /// `[layer, ..]`
    ///
    /// # Errors
    /// Fails when a layer does not have the weight.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// let queries = weights.stacked(|weights, layer| weights.w_q(layer))?;
    /// assert_eq!(queries.dims(), [2, 4, 64, 16]); // [layer, head, d_model, d_head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stacked(&self, view: impl Fn(&Self, usize) -> Result<Tensor>) -> Result<Tensor> {
        let layers = (0..self.blocks()?.blocks.len()).map(|layer| view(self, layer)).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::stack(&layers, 0)?)
    }

    /// Returns the weight of a norm by its TransformerLens name, such as `ln1`.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer or norm.
    pub fn ln_w(&self, layer: impl ToIndex, name: &str) -> Result<Tensor> {
        let norm = self.norm(layer, name)?;
        norm.weight.clone().map_or_else(|| Ok(ones(self.width())?), Ok)
    }

    /// Returns the bias of a norm by its TransformerLens name, such as `ln1`.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer or norm.
    pub fn ln_b(&self, layer: impl ToIndex, name: &str) -> Result<Tensor> {
        self.bias_or_zero(&self.norm(layer, name)?.bias, self.width())
    }

    fn norm(&self, layer: impl ToIndex, name: &str) -> Result<&Norm> {
        let mut norms = self.block(layer)?.norms().into_iter().filter(|norm| !norm.is_none());
        let absent = || self.absent(name, "a layer's norms are among ln1, ln1_post, ln2, ln2_post and ln3");
        norms.find(|norm| norm.name() == name).ok_or_else(absent)
    }

    fn of(&self, stack: Stack) -> Result<Self> {
        match self.model.config().stacks().contains(&stack) {
            true => Ok(Self { stack: Some(stack), ..self.clone() }),
            false => {
                Err(self
                    .absent(stack.prefix(), "it has one stack of blocks, so its weights are used without choosing one"))
            }
        }
    }

    /// Whether these are the weights of the decoder of an encoder-decoder model.
    pub(super) fn is_decoder(&self) -> bool {
        self.stack == Some(Stack::Decoder)
    }

    /// Whether these are the encoder's, beside a decoder.
    pub(crate) fn is_encoder(&self) -> bool {
        self.stack == Some(Stack::Encoder)
    }

    /// Whether attention is the decoder's look at the encoder.
    pub(crate) fn looks_across(&self) -> bool {
        self.across
    }

    pub(super) fn blocks(&self) -> Result<&StackParts> {
        let transformer = self.model.transformer();
        match (self.stack, &transformer.encoder) {
            (None, _) => Err(WeightsError::WhichStack { family: self.family() }.into()),
            (Some(Stack::Encoder), Some(encoder)) => Ok(encoder),
            (Some(_), _) => Ok(&transformer.last),
        }
    }

    pub(super) fn block(&self, layer: impl ToIndex) -> Result<&Block> {
        let blocks = &self.blocks()?.blocks;
        Ok(&blocks[Counted::layers(blocks.len()).index(layer)?])
    }

    pub(super) fn attention(&self, layer: impl ToIndex) -> Result<&Attention> {
        let block = self.block(layer)?;
        match (self.across, &block.cross) {
            (true, Some(cross)) => Ok(&cross.attention),
            (true, None) => Err(self.absent("cross attention", "only the decoder of an encoder-decoder model has it")),
            (false, _) => Ok(&block.attention),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.model.config().d_model
    }

    fn family(&self) -> String {
        self.model.config().family.clone()
    }

    pub(super) fn absent(&self, weight: &str, why: &'static str) -> crate::Error {
        WeightsError::Absent { weight: weight.into(), family: self.family(), why }.into()
    }

    /// Returns a bias, or zeros if it is absent.
    pub(super) fn bias_or_zero(&self, bias: &Option<Tensor>, size: usize) -> Result<Tensor> {
        bias.clone().map_or_else(|| Ok(zeros(size)?), Ok)
    }
}
