//! [`WeightViews`]: whose weights.

use crate::{
    Model, Result,
    error::WeightsError,
    hook::Stack,
    index::{Counted, ToIndex},
    model::{
        parts::{Attention, Block, Norm},
        transformer::Blocks,
    },
};
use candle_core::{DType, Device, Tensor};

/// The weights of a model under TransformerLens's names and in its shapes: [`Model::weights`].
///
/// Owned and cheap to clone. A view shares memory with the model wherever the layout allows, which is everywhere but
/// for the queries, keys and values that GPT-2 keeps in one matrix, embeddings with a scale, stacked layers and
/// repeated heads. A bias that the model does not have is zero, and the weight of a norm that has none (because it was
/// folded) is one, as in TransformerLens. The axes are in the words of [`axes`](crate::axes).
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
    /// The weights, to be read under TransformerLens's names.
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
    /// The encoder's, in a model that has an encoder and a decoder.
    ///
    /// # Errors
    /// When the model has one stack of blocks.
    pub fn encoder(&self) -> Result<Self> {
        self.of(Stack::Encoder)
    }

    /// The decoder's, in a model that has an encoder and a decoder.
    ///
    /// # Errors
    /// When the model has one stack of blocks.
    pub fn decoder(&self) -> Result<Self> {
        self.of(Stack::Decoder)
    }

    /// Of attention, those with which the decoder looks at the encoder.
    ///
    /// # Errors
    /// When the model has no encoder and decoder.
    pub fn cross_attention(&self) -> Result<Self> {
        Ok(Self { across: true, ..self.decoder()? })
    }

    /// Of MLPs, those of one expert of the mixture.
    ///
    /// # Errors
    /// When the model has no such expert.
    pub fn expert(&self, expert: usize) -> Result<Self> {
        match self.model.config().experts {
            None => Err(self.absent("experts", "its layers have one MLP each")),
            Some(experts) => Ok(Self { expert: Some(Counted::experts(experts.count).at(expert)?), ..self.clone() }),
        }
    }

    /// Keys and values with one head for each query head, those of grouped queries repeated, as TransformerLens's
    /// `W_K` and `W_V` have them.
    pub fn ungrouped(&self) -> Self {
        Self { ungrouped: true, ..self.clone() }
    }

    /// One view of all layers, along a new first axis.
    ///
    /// # Shapes
    /// `[layer, ..]`
    ///
    /// # Errors
    /// When a layer does not have the weight.
    pub fn stacked(&self, view: impl Fn(&Self, usize) -> Result<Tensor>) -> Result<Tensor> {
        let layers = (0..self.blocks()?.blocks.len()).map(|layer| view(self, layer)).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::stack(&layers, 0)?)
    }

    /// The weight of a norm by its TransformerLens name, such as `ln1`.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// When there is no such layer or norm.
    pub fn ln_w(&self, layer: impl ToIndex, name: &str) -> Result<Tensor> {
        let norm = self.norm(layer, name)?;
        norm.weight.clone().map_or_else(|| Ok(Tensor::ones(self.width(), DType::F32, &Device::Cpu)?), Ok)
    }

    /// The bias of a norm by its TransformerLens name, such as `ln1`.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// When there is no such layer or norm.
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
            false => Err(self.absent(stack.prefix(), "it has one stack of blocks, whose weights need no choice")),
        }
    }

    /// Whether these are the decoder's, beside an encoder.
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

    pub(super) fn blocks(&self) -> Result<&Blocks> {
        let transformer = self.model.transformer();
        match (self.stack, &transformer.encoder) {
            (None, _) => Err(WeightsError::WhichStack { family: self.family() }.into()),
            (Some(Stack::Encoder), Some((encoder, _))) => Ok(encoder),
            (Some(_), _) => Ok(&transformer.blocks),
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
            (true, None) => Err(self.absent("cross attention", "only a decoder beside an encoder looks across")),
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

    /// A bias that may be absent, as it is.
    pub(super) fn bias_or_zero(&self, bias: &Option<Tensor>, size: usize) -> Result<Tensor> {
        bias.clone().map_or_else(|| Ok(Tensor::zeros(size, DType::F32, &Device::Cpu)?), Ok)
    }
}
