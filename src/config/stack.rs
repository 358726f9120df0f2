//! [`StackConfig`]: the part of a [`Config`] that each stack of an encoder-decoder has for itself.

use super::{Config, Position};
use crate::{Result, error::RunError, site::Stack};
use std::borrow::Cow;

/// One stack's part of a [`Config`]: [`Config::stack`] returns it.
///
/// In a [`Config`] these fields are those of the only stack or of the decoder.
///
/// # Examples
/// ```
/// use glassbox::{Model, hook::Stack};
/// let model = Model::open("tests/reference/families/t5")?;
/// let encoder = model.config().stack(Stack::Encoder)?;
/// assert_eq!(encoder.n_heads * encoder.d_head, 24);
/// assert!(Model::open("induction-2l")?.config().stack(Stack::Encoder).is_err());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StackConfig {
    /// The number of blocks.
    pub n_layers: usize,
    /// The number of attention heads in a block.
    pub n_heads: usize,
    /// The number of key and value heads in a block.
    pub n_key_value_heads: usize,
    /// The width of one head.
    pub d_head: usize,
    /// The number of neurons in a block's MLP.
    pub d_mlp: usize,
    /// The most positions that the stack can read.
    pub n_ctx: usize,
    /// How the stack represents positions.
    pub position: Position,
    /// The factor of attention scores.
    pub attn_scale: f64,
}

impl Config {
    /// Returns the part of the configuration that one stack has for itself.
    ///
    /// # Errors
    /// When the model has no such stack.
    pub fn stack(&self, stack: Stack) -> Result<StackConfig> {
        match self.stacks().contains(&stack) {
            true => Ok(self.in_stack(stack).own_part()),
            false => {
                let has: Vec<_> = self.stacks().iter().map(|stack| format!("`{}`", stack.prefix())).collect();
                let (asked, has) = (stack.prefix(), has.join(" and "));
                Err(RunError::NoStack { asked, family: self.family.clone(), has }.into())
            }
        }
    }

    /// Whether the encoder reads sound.
    pub(crate) fn is_speech(&self) -> bool {
        self.n_mels > 0
    }

    /// The fields that each stack has for itself, as they stand here.
    pub(crate) fn own_part(&self) -> StackConfig {
        StackConfig {
            n_layers: self.n_layers,
            n_heads: self.n_heads,
            n_key_value_heads: self.n_key_value_heads,
            d_head: self.d_head,
            d_mlp: self.d_mlp,
            n_ctx: self.n_ctx,
            position: self.position.clone(),
            attn_scale: self.attn_scale,
        }
    }

    /// The same with these fields of its own.
    pub(crate) fn with_own_part(self, own: StackConfig) -> Self {
        let StackConfig { n_layers, n_heads, n_key_value_heads, d_head, d_mlp, n_ctx, position, attn_scale } = own;
        Self { n_layers, n_heads, n_key_value_heads, d_head, d_mlp, n_ctx, position, attn_scale, ..self }
    }

    /// The configuration as one stack sees it: the fields of [`StackConfig`] are the stack's own.
    pub(crate) fn in_stack(&self, stack: Stack) -> Cow<'_, Self> {
        match &self.encoder {
            Some(encoder) if stack == Stack::Encoder => Cow::Owned(self.clone().with_own_part(encoder.clone())),
            _ => Cow::Borrowed(self),
        }
    }
}
