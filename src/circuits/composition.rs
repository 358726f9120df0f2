//! [`CompositionScores`]: which heads read the output of which other heads
//! (<https://transformer-circuits.pub/2021/framework>).

use super::{FactoredMatrix, ToWeights, head_names, product::product, qk_ov::head_among, whose::need_one_stream};
use crate::{
    Result,
    index::ToIndex,
    order::{falling, larger},
    plot::{Figure, Heatmap, Palette, Top},
    printable::number,
};
use ndarray::{Array2, Array4, Axis, s};
use std::fmt;

/// The input through which a later head reads an earlier head's output.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let keys = composition_scores(&model, Composition::K)?.read_by((1, 0))?;
/// let values = composition_scores(&model, Composition::V)?.read_by((1, 0))?;
/// assert!(keys[[0, 0]] > values[[0, 0]]); // the induction head reads L0H0 through its keys
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Composition {
    /// Its queries: what it looks for depends on the earlier head's output.
    Q,
    /// Its keys: where it attends depends on what the earlier head wrote there.
    K,
    /// Its values: it passes on the earlier head's output.
    V,
}

impl fmt::Display for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}-composition")
    }
}

/// How much of each head's output each later head reads: `||W_OV W|| / (||W_OV|| ||W||)` in Frobenius norms.
///
/// `W` is the later head's `W_QK` (Q), `W_QK^T` (K) or `W_OV` (V) ([Elhage et al.
/// 2021](https://transformer-circuits.pub/2021/framework/index.html); TransformerLens's `all_composition_scores`).
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let scores = composition_scores(&model, Composition::K)?; // a picture, in a notebook
/// let (writer, reader, score) = scores.strongest();
/// assert_eq!((writer, reader), ((0, 0), (1, 0))); // the induction head reads the previous-token head
/// assert!(score > 2.0 * scores.baseline);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CompositionScores {
    /// The input through which the later head reads.
    pub composition: Composition,
    /// The scores; 0 where the reader is not in a later layer than the writer.
    ///
    /// # Shapes
    /// `[layer, head, layer, head]`: first the writer, then the reader
    pub scores: Array4<f32>,
    /// The expected score of unrelated heads, as the root mean square over random rotations of one head against the
    /// other: `1 / sqrt(d_model)`.
    pub baseline: f32,
}

/// The composition scores of all pairs of heads: of a model of one stack, or of one stack of an encoder-decoder, such as
/// `model.weights().decoder()?`. Of cross attention there is Q-composition alone.
///
/// The norms of products are those of the collapsed factors, so no matrix larger than `[d_model, d_head]` is
/// multiplied.
///
/// # Errors
/// When the model has two stacks and none has been chosen, or K- or V-composition of cross attention is asked for.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let scores = composition_scores(&model, Composition::K)?;
/// assert_eq!(scores.scores.dim(), (2, 4, 2, 4)); // [layer, head, layer, head]
/// assert_eq!(scores.strongest().1, (1, 0));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "all_composition_scores")]
pub fn composition_scores(weights: impl ToWeights, composition: Composition) -> Result<CompositionScores> {
    let weights = weights.to_weights();
    let writers = weights.ov_all()?;
    let readers = match composition {
        Composition::Q => weights.qk_all()?,
        Composition::K => {
            need_one_stream(&weights, "K-composition scores")?;
            weights.qk_all()?.t()?
        }
        Composition::V => {
            need_one_stream(&weights, "V-composition scores")?;
            writers.clone()
        }
    };
    let (n_layers, n_heads, d_model) = (writers.dims()[0], writers.dims()[1], writers.dims()[2]);
    let mut scores = Array4::zeros((n_layers, n_heads, n_layers, n_heads));
    let (written, read) = (norms(&writers)?, norms(&readers)?);
    let (left, right) = (writers.collapse_l()?, readers.collapse_r()?); // [.., k, d_model], [.., d_model, k]
    for (from, to) in (0..n_layers).flat_map(|to| (0..to).map(move |from| (from, to))) {
        // All pairs of two layers at once: the small axes of the heads stand side by side.
        let left = left.get(from)?.flatten_to(1)?;
        let right = right.get(to)?.transpose(0, 1)?.flatten_from(1)?;
        let squares = product(&left, &right)?.sqr()?;
        let (rows, columns) = (squares.dim(0)? / n_heads, squares.dim(1)? / n_heads);
        let norms = squares.reshape((n_heads, rows, n_heads, columns))?.sum((1, 3))?.sqrt()?.to_vec2::<f32>()?;
        for ((i, j), norm) in
            norms.iter().enumerate().flat_map(|(i, row)| row.iter().enumerate().map(move |(j, n)| ((i, j), n)))
        {
            let sizes = written[from][i] * read[to][j];
            scores[[from, i, to, j]] = if sizes == 0.0 { 0.0 } else { norm / sizes };
        }
    }
    Ok(CompositionScores { composition, scores, baseline: 1.0 / (d_model as f32).sqrt() })
}

fn norms(heads: &FactoredMatrix) -> Result<Vec<Vec<f32>>> {
    Ok(heads.norm()?.to_vec2()?)
}

/// A writing head, a reading head and their score; a head is its layer and its place in the layer.
pub type ComposedPair = ((usize, usize), (usize, usize), f32);

impl CompositionScores {
    /// The strongest pair: writer, reader, score.
    ///
    /// If a score is NaN, the first such pair.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = composition_scores(&Model::open("induction-2l")?, Composition::K)?;
    /// let (writer, reader, score) = scores.strongest();
    /// assert_eq!(score, scores.scores[[writer.0, writer.1, reader.0, reader.1]]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strongest(&self) -> ComposedPair {
        let best = self.scores.indexed_iter().min_by(|a, b| falling(*a.1, *b.1));
        best.map_or(((0, 0), (0, 0), f32::NAN), |((from, i, to, j), &score)| ((from, i), (to, j), score))
    }

    /// The `k` highest scores as a table: writer, reader, score. Only pairs whose reader is in a later layer count.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let scores = composition_scores(&Model::open("induction-2l")?, Composition::K)?;
    /// let (writer, reader, score) = scores.top(3)[0];
    /// assert_eq!((writer, reader, score), scores.strongest());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top(&self, k: usize) -> Top<ComposedPair> {
        let later = self.scores.indexed_iter().filter(|((from, _, to, _), _)| from < to);
        let row = |((from, i, to, j), &score): ((usize, usize, usize, usize), &f32)| {
            (format!("L{from}H{i} → L{to}H{j}"), score, ((from, i), (to, j), score))
        };
        Top::of(k, &format!("{} composition", self.composition), "score", later.map(row))
    }

    /// Returns how much a head reads from each earlier head.
    ///
    /// # Shapes
    /// `[layer, head]`; NaN for heads that are not in an earlier layer
    ///
    /// # Errors
    /// Fails when there is no such head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = composition_scores(&Model::open("induction-2l")?, Composition::K)?;
    /// let read = scores.read_by((1, 0))?; // what the induction head reads
    /// assert!((1..4).all(|head| read[[0, head]] < read[[0, 0]]));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn read_by(&self, head: (impl ToIndex, impl ToIndex)) -> Result<Array2<f32>> {
        let (layer, head) = self.at(head)?;
        let mut read = self.scores.slice(s![.., .., layer, head]).to_owned();
        read.slice_mut(s![layer.., ..]).fill(f32::NAN);
        Ok(read)
    }

    /// Returns how much of a head's output each later head reads.
    ///
    /// # Shapes
    /// `[layer, head]`; NaN for heads that are not in a later layer
    ///
    /// # Errors
    /// Fails when there is no such head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = composition_scores(&Model::open("induction-2l")?, Composition::K)?;
    /// let readers = scores.readers_of((0, 0))?; // who reads the previous-token head
    /// assert!((1..4).all(|head| readers[[1, head]] < readers[[1, 0]]));
    /// assert!(readers[[0, 1]].is_nan());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn readers_of(&self, head: (impl ToIndex, impl ToIndex)) -> Result<Array2<f32>> {
        let (layer, head) = self.at(head)?;
        let mut readers = self.scores.slice(s![layer, head, .., ..]).to_owned();
        readers.slice_mut(s![..=layer, ..]).fill(f32::NAN);
        Ok(readers)
    }

    fn at(&self, head: (impl ToIndex, impl ToIndex)) -> Result<(usize, usize)> {
        head_among(head, (self.scores.len_of(Axis(0)), self.scores.len_of(Axis(1))))
    }

    /// Draws a map with a row for each writing head, a column for each reading head, and the score minus its expected
    /// value.
    ///
    /// The colour scale extends at least as far as the expected value, so chance differences stay pale.
    ///
    /// # Errors
    /// Fails when the model has fewer than two layers.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = composition_scores(&Model::open("induction-2l")?, Composition::K)?;
    /// assert!(scores.figure()?.to_svg().contains("L1H0"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let (n_layers, n_heads, ..) = self.scores.dim();
        let pairs = n_layers.saturating_sub(1) * n_heads;
        let at = |row: usize, column: usize| [row / n_heads, row % n_heads, column / n_heads + 1, column % n_heads];
        let values =
            Array2::from_shape_fn((pairs, pairs), |(row, column)| self.scores[at(row, column)] - self.baseline);
        let earlier = Array2::from_shape_fn((pairs, pairs), |(row, column)| row / n_heads > column / n_heads);
        let most = values
            .iter()
            .filter(|value| value.is_finite())
            .fold(self.baseline, |most, value| larger(most, value.abs()));
        let chance = number(self.baseline);
        let mut map = Heatmap::new(values)
            .title(format!("{}, minus the {chance} expected by chance", self.composition))
            .value("score minus chance")
            .palette(Palette::RedBlue)
            .range(-most, most)
            .y("written by")
            .y_names(head_names(0..n_layers.saturating_sub(1), n_heads))
            .x("read by")
            .x_names(head_names(1..n_layers, n_heads))
            .square();
        if earlier.iter().any(|&hidden| hidden) {
            map = map.mask(earlier);
        }
        map.draw()
    }
}

shown! {
    /// Shows the map in a notebook.
    CompositionScores: figure
}
