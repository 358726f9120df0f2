//! [`SvdReading`]: singular vectors of weights, read as tokens.
//!
//! It corresponds to TransformerLens's `SVDInterpreter`:
//! <https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/SVDInterpreter.py>.
//!
//! To add a weight matrix, add a variant to [`Writes`].

use super::{FactoredMatrix, svd::Svd, unembedding};
use crate::{
    Model, Result,
    error::{CircuitsError, RunError},
    model::NormPlace,
    ops,
    order::top_k,
    plot::{Figure, WordTable},
    printable::number,
};
use candle_core::Tensor;
use ndarray::Array2;
use std::fmt;

/// A weight matrix whose singular vectors can be read as tokens.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{Writes, svd_reading}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let reading = svd_reading(&model, Writes::Head { layer: 1, head: 0 }, 2)?; // its two strongest directions
/// assert_eq!(reading.raised(0, 5).len(), 5); // the five tokens that the first one raises most
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writes {
    /// The output of a head: the right singular vectors of `W_V W_O`.
    Head {
        /// The layer of the head.
        layer: usize,
        /// The index of the head in its layer.
        head: usize,
    },
    /// The input of an MLP's neurons: the left singular vectors of `W_in`, times the weight of the norm before it
    /// unless that is folded.
    MlpIn {
        /// The layer.
        layer: usize,
    },
    /// The output of an MLP's neurons: the right singular vectors of `W_out`.
    MlpOut {
        /// The layer.
        layer: usize,
    },
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head { layer, head } => write!(f, "W_OV of L{layer}H{head}"),
            Self::MlpIn { layer } => write!(f, "W_in of layer {layer}"),
            Self::MlpOut { layer } => write!(f, "W_out of layer {layer}"),
        }
    }
}

/// The strongest directions of a weight matrix, and the tokens whose logits they raise and lower most.
///
/// The method is that of [Millidge and Black 2022](https://www.alignmentforum.org/posts/mkbGjzxD8d8XqKHzA) and of
/// TransformerLens's `SVDInterpreter`. The sign of a singular vector is arbitrary, so both ends are shown: a token that
/// one end raises, the other end lowers.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{Writes, svd_reading}, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let reading = svd_reading(&model, Writes::Head { layer: 1, head: 0 }, 5)?; // a table, in a notebook
/// assert_eq!(reading.logits.dims(), [374, 5]);
/// let (raised, lowered) = (reading.raised(0, 3), reading.lowered(0, 3));
/// assert!(raised[0].1 > raised[1].1 && lowered[0].1 < 0.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SvdReading {
    /// The weight matrix.
    pub of: Writes,
    /// The singular values, largest first.
    pub singular_values: Vec<f32>,
    /// How much each direction raises the logit of each token.
    ///
    /// # Shapes
    /// `[d_vocab, k]`
    pub logits: Tensor,
    model: Model,
    columns: Vec<Vec<f32>>,
}

/// Reads the `vectors` strongest directions of a weight matrix, or all if there are fewer, through the unembedding.
///
/// # Errors
/// Fails when there is no such layer or head, `vectors` is 0, or the model does not have logits.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{Writes, svd_reading}, prelude::*};
/// let model = Model::open("grammar-4l")?;
/// let reading = svd_reading(&model, Writes::MlpOut { layer: 3 }, 3)?; // a table, in a notebook
/// assert!(reading.singular_values[0] >= reading.singular_values[2]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("SVDInterpreter", "svd_interpreter", "get_singular_vectors", "plot_matrix"))]
pub fn svd_reading(model: &Model, of: Writes, vectors: usize) -> Result<SvdReading> {
    if vectors == 0 {
        return Err(CircuitsError::NoVectors.into());
    }
    let weights = model.weights();
    let (s, directions) = match of {
        Writes::Head { layer, head } => {
            model.head_name((layer, head))?;
            right(model.ov(layer)?.get(head)?)?
        }
        Writes::MlpIn { layer } => {
            let input = weights.w_in(layer)?; // [d_model, d_mlp]
            let read = match norm_before_mlp(model, layer) {
                Some(norm) => input.broadcast_mul(&norm.unsqueeze(1)?)?,
                None => input,
            };
            let Svd { u, s, .. } = Svd::of_matrix(&read)?;
            (s, u)
        }
        Writes::MlpOut { layer } => {
            let Svd { s, v, .. } = Svd::of_matrix(&weights.w_out(layer)?)?;
            (s, v)
        }
    };
    let vectors = vectors.min(s.dim(0)?);
    let unembed = unembedding(model).map_err(|_| RunError::NoUnembed { family: model.config().family.clone() })?;
    let rows = ops::linear(&directions.narrow(1, 0, vectors)?.t()?, &unembed, None)?; // [vector, d_vocab]
    let singular_values = s.narrow(0, 0, vectors)?.to_vec1()?;
    Ok(SvdReading { of, singular_values, columns: rows.to_vec2()?, logits: rows.t()?, model: model.clone() })
}

/// The weight of the norm before an MLP, if there is one; ones if it is folded.
fn norm_before_mlp(model: &Model, layer: usize) -> Option<Tensor> {
    let norm = |name| model.weights().ln_w(layer, name);
    match model.config().norm_place {
        NormPlace::Pre | NormPlace::PreAndPost => norm("ln2").or_else(|_| norm("ln1")).ok(),
        NormPlace::Post => norm("ln1").ok(),
        NormPlace::After => None,
    }
}

/// Returns singular values and right singular vectors.
fn right(matrix: FactoredMatrix) -> Result<(Tensor, Tensor)> {
    let Svd { s, v, .. } = matrix.svd()?;
    Ok((s, v))
}

impl SvdReading {
    /// The `k` tokens whose logits a direction raises most, and by how much.
    ///
    /// Empty if there is no such direction.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::{Writes, svd_reading}, prelude::*};
    /// let reading = svd_reading(&Model::open("induction-2l")?, Writes::Head { layer: 1, head: 0 }, 2)?;
    /// let tokens = reading.raised(0, 2);
    /// assert!(tokens[0].1 >= tokens[1].1); // strongest first
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn raised(&self, vector: usize, k: usize) -> Vec<(String, f32)> {
        self.strongest(vector, k, 1.0)
    }

    /// The `k` tokens whose logits a direction lowers most, and by how much.
    ///
    /// Empty if there is no such direction.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::{Writes, svd_reading}, prelude::*};
    /// let reading = svd_reading(&Model::open("induction-2l")?, Writes::Head { layer: 1, head: 0 }, 2)?;
    /// assert!(reading.lowered(0, 1)[0].1 < 0.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn lowered(&self, vector: usize, k: usize) -> Vec<(String, f32)> {
        self.strongest(vector, k, -1.0)
    }

    fn strongest(&self, vector: usize, k: usize, sign: f32) -> Vec<(String, f32)> {
        let Some(logits) = self.columns.get(vector) else { return Vec::new() };
        let signed: Vec<f32> = logits.iter().map(|logit| sign * logit).collect();
        top_k(&signed, k).into_iter().map(|id| (self.model.token_text(id as u32), logits[id])).collect()
    }

    /// Draws a table with a row for each direction: the five tokens it raises most, then the five it lowers most.
    ///
    /// # Errors
    /// Fails when a value is not finite.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::{Writes, svd_reading}, prelude::*};
    /// let reading = svd_reading(&Model::open("induction-2l")?, Writes::Head { layer: 1, head: 0 }, 2)?;
    /// let word = reading.raised(0, 1)[0].0.clone();
    /// assert!(reading.figure()?.to_svg().contains(&word));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        const SHOWN: usize = 5;
        let shown = SHOWN.min(self.model.config().d_vocab);
        let row = |vector| [self.raised(vector, shown), self.lowered(vector, shown)].concat();
        let cells: Vec<_> = (0..self.singular_values.len()).flat_map(row).collect();
        let cells = Array2::from_shape_vec((self.singular_values.len(), 2 * shown), cells)?;
        let names = self.singular_values.iter().enumerate().map(|(nth, value)| format!("{nth}: σ {}", number(*value)));
        let ranks = ["+", "−"].into_iter().flat_map(|sign| (1..=shown).map(move |rank| format!("{sign}{rank}")));
        WordTable::new(cells)
            .title(format!("Singular vectors of the {}, read as tokens", self.of))
            .value("logit")
            .rows("direction", names)
            .columns("raised most, lowered most", ranks)
            .draw()
    }
}

shown! {
    /// Shows the table in a notebook.
    SvdReading: figure
}
