//! [`Part`]: one or more vectors of a decomposition, some of which are computed only on demand.

use crate::{Result, ops};
use candle_core::Tensor;

/// One or many vectors of a stack.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// `[component, batch, pos, d_model]`
    Vectors(Tensor),
    /// What each neuron writes: its activation times its output weights.
    Neurons {
        /// `[batch, pos, d_mlp]`
        post: Tensor,
        /// `[d_mlp, d_model]`
        w_out: Tensor,
    },
}

impl Part {
    /// How many vectors there are at each position.
    pub(crate) fn len(&self) -> Result<usize> {
        Ok(match self {
            Self::Vectors(vectors) => vectors.dim(0)?,
            Self::Neurons { w_out, .. } => w_out.dim(0)?,
        })
    }

    /// Some of the vectors.
    ///
    /// # Shapes
    /// `components`: indices.
    pub(crate) fn only(&self, components: &Tensor) -> Result<Self> {
        Ok(match self {
            Self::Vectors(vectors) => Self::Vectors(vectors.contiguous()?.index_select(components, 0)?),
            Self::Neurons { post, w_out } => Self::Neurons {
                post: post.contiguous()?.index_select(components, 2)?,
                w_out: w_out.contiguous()?.index_select(components, 0)?,
            },
        })
    }

    /// One vector per position.
    ///
    /// # Shapes
    /// `x`: `[batch, pos, d_model]`
    pub(crate) fn one(x: &Tensor) -> Result<Self> {
        Ok(Self::Vectors(x.unsqueeze(0)?))
    }

    /// # Shapes
    /// `[component, batch, pos, d_model]`
    pub(crate) fn vectors(&self) -> Result<Tensor> {
        match self {
            Self::Vectors(vectors) => Ok(vectors.clone()),
            Self::Neurons { post, w_out } => {
                let by_neuron = post.permute((2, 0, 1))?.unsqueeze(3)?; // [d_mlp, batch, pos, 1]
                Ok(by_neuron.broadcast_mul(&w_out.unsqueeze(1)?.unsqueeze(1)?)?)
            }
        }
    }

    /// # Shapes
    /// `[batch, pos, d_model]`
    pub(crate) fn sum(&self) -> Result<Tensor> {
        match self {
            Self::Vectors(vectors) => Ok(vectors.sum(0)?),
            Self::Neurons { post, w_out } => Ok(ops::linear(post, w_out, None)?),
        }
    }

    /// # Shapes
    /// `direction`: `[batch, d_model]` or `[one, d_model]`; result: `[component, batch, pos]`.
    pub(crate) fn project(&self, direction: &Tensor) -> Result<Tensor> {
        match self {
            Self::Vectors(vectors) => {
                let (component, batch, pos, width) = vectors.dims4()?;
                let direction = direction.broadcast_as((batch, width))?.unsqueeze(2)?; // [batch, d_model, one]
                let by_text = |text: usize| -> Result<Tensor> {
                    let rows = vectors.narrow(1, text, 1)?.reshape((component * pos, width))?;
                    Ok(ops::linear(&rows, &direction.get(text)?.contiguous()?, None)?.reshape((component, 1, pos))?)
                };
                Ok(Tensor::cat(&(0..batch).map(by_text).collect::<Result<Vec<_>>>()?, 1)?)
            }
            Self::Neurons { post, w_out } => {
                let along = ops::linear(direction, &w_out.t()?, None)?.unsqueeze(1)?; // [batch or one, one, d_mlp]
                Ok(post.broadcast_mul(&along)?.permute((2, 0, 1))?.contiguous()?)
            }
        }
    }

    /// # Shapes
    /// `positions`: indices.
    pub(crate) fn at(&self, positions: &Tensor) -> Result<Self> {
        Ok(match self {
            Self::Vectors(vectors) => Self::Vectors(vectors.contiguous()?.index_select(positions, 2)?),
            Self::Neurons { post, w_out } => {
                Self::Neurons { post: post.contiguous()?.index_select(positions, 1)?, w_out: w_out.clone() }
            }
        })
    }
}
