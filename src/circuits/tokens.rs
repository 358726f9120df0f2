//! [`TokenCircuit`]: a head's circuit between tokens or positions.

use super::{FactoredMatrix, scaled, unembedding};
use crate::{
    Model, Result,
    error::CircuitsError,
    index::ToIndex,
    model::{Architecture, ToTokenIds},
    plot::{Figure, Heatmap},
    printable::visible,
    tensor::{array, vector},
};
use candle_core::Tensor;
use ndarray::Array2;

/// A head's circuit between chosen tokens, or between positions.
///
/// The weights are used as they are. Norms between embedding, head and unembedding are ignored unless they are folded,
/// so use [`Model::processed`](crate::Model::processed) models.
///
/// # Examples
/// ```
/// use glassbox::{circuits::ov_circuit, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let words = ["red", "fox", "blue", "owl"];
/// let copies = ov_circuit(&model, (1, 0), words, words)?; // a picture, in a notebook
/// for (row, values) in copies.values.rows().into_iter().enumerate() {
///     assert!(values.iter().all(|&value| value <= values[row])); // it copies
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenCircuit {
    /// The circuit, such as `L1H0: OV circuit`.
    pub name: String,
    /// The tokens (or positions) of the rows, as they print: attended to in an OV circuit, the query in a QK circuit.
    pub from: Vec<String>,
    /// The tokens (or positions) of the columns, as they print: predicted in an OV circuit, the key in a QK circuit.
    pub to: Vec<String>,
    /// The circuit between them: logits, or scores before scaling.
    ///
    /// # Shapes
    /// `[from, to]`
    pub values: Array2<f32>,
    axes: [&'static str; 2],
    /// Whether rows and columns are positions rather than tokens.
    places: bool,
    /// Whether columns after a row's own position cannot be attended to.
    causal: bool,
}

/// Computes `W_E W_V W_O W_U`: how much a head that attends to a token raises each token's logit.
///
/// The scales that some models apply to a head's output, to the unembedding's input and to logits are included
/// (Granite, T5, Cohere).
///
/// # Errors
/// Fails when there is no such head, a text is not a single token, or the model does not have logits.
///
/// # Examples
/// ```
/// use glassbox::{circuits::ov_circuit, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let words = ["red", "fox", "blue"];
/// let circuit = ov_circuit(&model, (1, 0), words, words)?; // a heatmap, in a notebook
/// assert!(circuit.values[[0, 0]] > circuit.values[[0, 1]]); // attending to "red" raises "red"
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn ov_circuit(
    model: &Model,
    head: (impl ToIndex, impl ToIndex),
    from: impl IntoIterator<Item = impl ToTokenIds>,
    to: impl IntoIterator<Item = impl ToTokenIds>,
) -> Result<TokenCircuit> {
    let head = model.head_at(head)?;
    let name = format!("{}: OV circuit", model.head_name(head)?);
    let (from, to) = (ids(model, from)?, ids(model, to)?);
    let said = columns(&said(model)?, &to)?;
    let matrix = model.ov(head.0)?.get(head.1)?;
    between(model, name, matrix, (&from, &to), &said, ["attended token", "predicted token"])
}

/// Computes `W_E W_Q W_K^T W_E^T`: how much a head at one token attends to each token, by embeddings alone.
///
/// # Errors
/// Fails when there is no such head, or a text is not a single token.
///
/// # Examples
/// ```
/// use glassbox::{circuits::qk_circuit, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let circuit = qk_circuit(&model, (1, 0), ["red", "fox"], ["red", "fox", "blue"])?;
/// assert_eq!(circuit.values.dim(), (2, 3)); // queries down, keys across
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn qk_circuit(
    model: &Model,
    head: (impl ToIndex, impl ToIndex),
    from: impl IntoIterator<Item = impl ToTokenIds>,
    to: impl IntoIterator<Item = impl ToTokenIds>,
) -> Result<TokenCircuit> {
    let head = model.head_at(head)?;
    let name = format!("{}: QK circuit", model.head_name(head)?);
    let (from, to) = (ids(model, from)?, ids(model, to)?);
    let keys = rows(&model.weights().w_e()?, &to)?.t()?;
    let matrix = model.qk(head.0)?.get(head.1)?;
    between(model, name, matrix, (&from, &to), &keys, ["query token", "key token"])
}

/// Computes `W_E W_Q W_K^T (W_V W_O)^T W_E^T`: how much a head at one token attends to positions to which the head
/// `through` of an earlier layer has moved each token.
///
/// Values and output are those of `through`.
///
/// # Errors
/// Fails when there is no such head, `through` is not in an earlier layer, or a text is not a single token.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{qk_circuit, qk_circuit_through}, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let words = ["red", "fox", "blue", "owl"];
/// let after = qk_circuit_through(&model, (1, 0), (0, 0), words, words)?;
/// let here = qk_circuit(&model, (1, 0), words, words)?;
/// for word in 0..4 {
///     assert!(after.values[[word, word]] > 1.0); // it attends to the position after its word ...
///     assert!(here.values[[word, word]] < 0.0); // ... and not to the word
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn qk_circuit_through(
    model: &Model,
    head: (impl ToIndex, impl ToIndex),
    through: (impl ToIndex, impl ToIndex),
    from: impl IntoIterator<Item = impl ToTokenIds>,
    to: impl IntoIterator<Item = impl ToTokenIds>,
) -> Result<TokenCircuit> {
    let (head, through) = (model.head_at(head)?, model.head_at(through)?);
    let (reader, writer) = (model.head_name(head)?, model.head_name(through)?);
    if through.0 >= head.0 {
        return Err(CircuitsError::NotEarlier { reader, writer }.into());
    }
    let name = format!("{reader}: QK circuit, keys through {writer}");
    let (from, to) = (ids(model, from)?, ids(model, to)?);
    let brought = model.ov(through.0)?.get(through.1)?.rmatmul(&rows(&model.weights().w_e()?, &to)?)?;
    let keys = brought.ab()?.t()?; // [d_model, to]
    let matrix = model.qk(head.0)?.get(head.1)?;
    between(model, name, matrix, (&from, &to), &keys, ["query token", "moved token"])
}

/// Computes `W_pos W_Q W_K^T W_pos^T`: how much a head attends from each of the first `positions` to each other, by
/// positions alone.
///
/// # Errors
/// Fails when there is no such head, or positions are not learned vectors, or there are fewer of them.
///
/// # Examples
/// ```
/// use glassbox::{circuits::position_circuit, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let circuit = position_circuit(&model, (0, 0), 30)?; // a picture, in a notebook
/// let before = (1..30).filter(|&at| {
///     let row = circuit.values.row(at);
///     (0..=at).all(|key| row[key] <= row[at - 1])
/// });
/// assert!(before.count() > 25); // it attends one position back nearly everywhere
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn position_circuit(model: &Model, head: (impl ToIndex, impl ToIndex), positions: usize) -> Result<TokenCircuit> {
    let head = model.head_at(head)?;
    let name = format!("{}: QK circuit of positions", model.head_name(head)?);
    let all = model.weights().w_pos()?;
    let n_ctx = all.dim(0)?;
    if !(1..=n_ctx).contains(&positions) {
        return Err(CircuitsError::Positions { positions, n_ctx }.into());
    }
    let places = all.narrow(0, 0, positions)?.contiguous()?;
    let values = array(&model.qk(head.0)?.get(head.1)?.rmatmul(&places)?.matmul(&places.t()?)?.ab()?)?;
    let names: Vec<String> = (0..positions).map(|place| place.to_string()).collect();
    let causal = model.config().architecture == Architecture::Decoder;
    Ok(TokenCircuit { name, from: names.clone(), to: names, values, axes: ["query", "key"], places: true, causal })
}

/// Returns `W_E W_V W_O W_U` between all tokens, scaled as in [`ov_circuit`].
///
/// It is too large to multiply out, but its singular values, eigenvalues, norm, rows and columns are cheap.
///
/// # Shapes
/// `[d_vocab, d_vocab]`
///
/// # Errors
/// Fails when there is no such head, or the model does not have logits.
///
/// # Examples
/// ```
/// use glassbox::{circuits::full_ov, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let circuit = full_ov(&model, (1, 0))?;
/// assert_eq!((circuit.dims(), circuit.inner()), (vec![374, 374], 16));
/// let share = circuit.eigenvalues()?.positive_share()[[]];
/// assert!(share > 0.9); // it copies
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "full_OV_circuit")]
pub fn full_ov(model: &Model, head: (impl ToIndex, impl ToIndex)) -> Result<FactoredMatrix> {
    let head = model.head_at(head)?;
    let weights = model.weights();
    model.ov(head.0)?.get(head.1)?.rmatmul(&weights.w_e()?)?.matmul(&said(model)?)
}

/// The matrix from a head's output to logits, without the norm between them.
///
/// # Shapes
/// `[d_model, d_vocab]`
fn said(model: &Model) -> Result<Tensor> {
    scaled(unembedding(model)?, model.config().residual_scale)
}

/// Returns `W_E W_Q W_K^T W_E^T` between all tokens.
///
/// See [`full_ov`].
///
/// # Shapes
/// `[d_vocab, d_vocab]`: query, then key
///
/// # Errors
/// Fails when there is no such head.
///
/// # Examples
/// ```
/// use glassbox::{circuits::full_qk, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// assert_eq!(full_qk(&model, (1, 0))?.dims(), [374, 374]); // [d_vocab, d_vocab]
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "full_QK_circuit")]
pub fn full_qk(model: &Model, head: (impl ToIndex, impl ToIndex)) -> Result<FactoredMatrix> {
    let head = model.head_at(head)?;
    let embed = model.weights().w_e()?;
    model.qk(head.0)?.get(head.1)?.rmatmul(&embed)?.matmul(&embed.t()?)
}

/// Computes the circuit from `from` to `to`; `to` is `[d_model, to]`.
fn between(
    model: &Model,
    name: String,
    matrix: FactoredMatrix,
    (from, to_ids): (&[u32], &[u32]),
    to: &Tensor,
    axes: [&'static str; 2],
) -> Result<TokenCircuit> {
    let read = rows(&model.weights().w_e()?, from)?;
    let values = array(&matrix.rmatmul(&read)?.matmul(to)?.ab()?)?;
    let printed = |ids: &[u32]| ids.iter().map(|&id| model.token_text(id)).collect();
    Ok(TokenCircuit { name, from: printed(from), to: printed(to_ids), values, axes, places: false, causal: false })
}

fn ids(model: &Model, tokens: impl IntoIterator<Item = impl ToTokenIds>) -> Result<Vec<u32>> {
    let ids = tokens.into_iter().map(|token| token.token_ids(model, 1)).collect::<Result<Vec<_>>>()?.concat();
    if ids.is_empty() { Err(CircuitsError::NoTokens.into()) } else { Ok(ids) }
}

/// Returns some rows of `[d_vocab, d_model]`.
fn rows(matrix: &Tensor, ids: &[u32]) -> Result<Tensor> {
    Ok(matrix.contiguous()?.index_select(&vector(ids.to_vec())?, 0)?)
}

/// Returns some columns of `[d_model, d_vocab]`.
fn columns(matrix: &Tensor, ids: &[u32]) -> Result<Tensor> {
    let column = |id: &u32| matrix.narrow(1, *id as usize, 1);
    Ok(Tensor::cat(&ids.iter().map(column).collect::<candle_core::Result<Vec<_>>>()?, 1)?)
}

impl TokenCircuit {
    /// Draws the circuit as a heatmap, with a row for each token (or position) of `from`.
    ///
    /// # Errors
    /// Fails when a value is not finite.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::ov_circuit, prelude::*};
    /// let model = Model::open("induction-2l")?.processed(Processing::default())?;
    /// let circuit = ov_circuit(&model, (1, 0), ["red", "fox"], ["red", "fox"])?;
    /// assert!(circuit.figure()?.to_svg().contains("fox"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let labels = |tokens: &[String]| tokens.iter().map(|token| visible(token)).collect::<Vec<_>>();
        let map = Heatmap::new(self.values.clone())
            .title(self.name.as_str())
            .value(if self.axes[1] == "predicted token" { "logit" } else { "score" });
        let [row, column] = self.axes;
        let mut map = match self.places {
            true => map.y_index(row).x_index(column),
            false => map.y(row).y_names(labels(&self.from)).x(column).x_names(labels(&self.to)),
        };
        if self.causal {
            map = map.mask(Array2::from_shape_fn(self.values.dim(), |(query, key)| key > query));
        }
        map.square().draw()
    }
}

shown! {
    /// Shows the heatmap in a notebook.
    TokenCircuit: figure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Processing;

    #[test]
    fn what_a_head_brought_is_its_output_read_as_a_key() {
        let model = Model::open("induction-2l").unwrap().processed(Processing::default()).unwrap();
        let words = ["red", "fox", "blue"];
        let through = qk_circuit_through(&model, (1, 2), (0, 1), words, words).unwrap();
        let weights = model.weights();
        let embedded = rows(&weights.w_e().unwrap(), &ids(&model, words).unwrap()).unwrap();
        let of = |matrix: FactoredMatrix, head| matrix.get(head).unwrap().ab().unwrap();
        let brought = embedded.matmul(&of(model.ov(0).unwrap(), 1)).unwrap();
        let scores = embedded.matmul(&of(model.qk(1).unwrap(), 2)).unwrap().matmul(&brought.t().unwrap()).unwrap();
        let expected: Array2<f32> = array(&scores).unwrap();
        assert!(through.values.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn a_head_reads_only_earlier_layers_and_positions_that_there_are() {
        let model = Model::open("induction-2l").unwrap();
        let error = qk_circuit_through(&model, (0, 1), (0, 0), ["red"], ["fox"]).unwrap_err();
        assert!(error.to_string().contains("L0H1 cannot read the output of L0H0"), "{error}");
        let error = position_circuit(&model, (0, 0), 65).unwrap_err();
        assert!(error.to_string().contains("1 to 64 positions"), "{error}");
    }

    #[test]
    fn what_lies_ahead_is_greyed_between_positions() {
        let model = Model::open("induction-2l").unwrap();
        let svg = position_circuit(&model, (0, 0), 3).unwrap().figure().unwrap().to_svg();
        assert!(svg.contains("<title>query 2, key 1") && !svg.contains("<title>query 1, key 2"));
    }
}
