//! Refactoring each head's matrices by singular value decomposition
//! ([`Model::refactor_factored_attn_matrices`](crate::Model::refactor_factored_attn_matrices)).
//!
//! A head uses its queries and keys only as `W_Q W_K^T`, and its values and output only as `W_V W_O` ([Elhage et al.
//! 2021](https://transformer-circuits.pub/2021/framework/index.html)). So each pair can be replaced by other factors of
//! the same product. The factors chosen here have orthogonal columns: `W_Q = U sqrt(S)`, `W_K = V sqrt(S)`, `W_V = U S`
//! and `W_O = V^T`. A head's `z` then has the same norm as its output.

use super::{
    exact::{narrow, wide},
    parts::attentions,
    value_bias,
};
use crate::{
    Result,
    error::WeightsError,
    model::Config,
    net::{
        parts::{Attention, Linear},
        transformer::Transformer,
    },
    tensor::from_values,
};
use candle_core::{DType, Tensor};
use faer::Mat;

pub(super) fn obstacle(config: &Config) -> Option<&'static str> {
    if (0..config.n_layers).any(|layer| config.turn(layer).is_some()) {
        return Some("its queries and keys have rotary embedding");
    }
    if config.qk_norm.is_some() {
        return Some("its queries and keys pass norms");
    }
    if config.clip_qkv.is_some() {
        return Some("its queries, keys and values are clipped");
    }
    let grouped = config.n_heads != config.n_key_value_heads;
    grouped.then_some("its query heads share key heads, and a shared matrix can be a factor of one product only")
}

pub(super) fn apply(transformer: &mut Transformer) -> Result<()> {
    attentions(transformer).try_for_each(refactor)
}

fn refactor(attention: &mut Attention) -> Result<()> {
    value_bias::fold(attention)?;
    let Attention { q, k, v, o, n_heads, d_head, .. } = attention;
    let biased = q.bias.is_some() || k.bias.is_some();
    let mut heads = Vec::new();
    for head in 0..*n_heads {
        let start = head * *d_head;
        let columns = |linear: &Linear| -> Result<Mat<f64>> { matrix(&linear.columns(start, *d_head)?, biased) };
        let (queries, keys) = Svd::of(&columns(q)?, &columns(k)?, head)?.even();
        let values = matrix(&Linear::new(v.weight.narrow(1, start, *d_head)?, None), false)?;
        let output = matrix(&Linear::new(o.weight.narrow(0, start, *d_head)?.t()?, None), false)?;
        let (values, output) = Svd::of(&values, &output, head)?.left();
        heads.push([tensor(&queries)?, tensor(&keys)?, tensor(&values)?, tensor(&output)?]);
    }
    let side_by_side = |which: usize| Tensor::cat(&heads.iter().map(|head| &head[which]).collect::<Vec<_>>(), 1);
    *q = layer(&side_by_side(0)?, biased)?;
    *k = layer(&side_by_side(1)?, biased)?;
    v.weight = narrow(&side_by_side(2)?)?;
    o.weight = narrow(&side_by_side(3)?.t()?)?;
    Ok(())
}

/// Returns a layer's weight, with its bias as an additional row if wanted.
fn matrix(linear: &Linear, biased: bool) -> Result<Mat<f64>> {
    let mut rows = wide(&linear.weight)?.to_vec2::<f64>()?;
    let columns = linear.weight.dim(1)?;
    if biased {
        let bias: Option<Vec<f64>> =
            linear.bias.as_ref().map(|bias| bias.to_dtype(DType::F64)?.to_vec1()).transpose()?;
        rows.push(bias.unwrap_or_else(|| vec![0.0; columns]));
    }
    Ok(Mat::from_fn(rows.len(), columns, |row, column| rows[row][column]))
}

/// The inverse of [`matrix`].
fn layer(matrix: &Tensor, biased: bool) -> Result<Linear> {
    let rows = matrix.dim(0)? - usize::from(biased);
    let bias = biased.then(|| narrow(&matrix.get(rows)?)).transpose()?;
    Ok(Linear::new(narrow(&matrix.narrow(0, 0, rows)?)?, bias))
}

fn tensor(matrix: &Mat<f64>) -> Result<Tensor> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let values = (0..rows).flat_map(|row| (0..columns).map(move |column| matrix[(row, column)])).collect();
    Ok(from_values(values, (rows, columns))?)
}

/// `A B^T = U diag(S) V^T`, with as many columns as the factors.
struct Svd {
    u: Mat<f64>,
    s: Vec<f64>,
    v: Mat<f64>,
}

impl Svd {
    /// # Shapes
    /// `a`: `[l, d_head]`, `b`: `[r, d_head]`
    fn of(a: &Mat<f64>, b: &Mat<f64>, head: usize) -> Result<Self> {
        // The product has rank at most d_head, so only a matrix of that size is decomposed.
        let (qr_a, qr_b) = (a.qr(), b.qr());
        let core = qr_a.thin_R() * qr_b.thin_R().transpose();
        let svd = core.thin_svd().map_err(|_| WeightsError::Singular { head })?;
        let u = qr_a.compute_thin_Q() * svd.U();
        let v = qr_b.compute_thin_Q() * svd.V();
        let s: Vec<f64> = svd.S().column_vector().iter().copied().collect();
        // If the model is narrower than a head, the columns beyond its width are zero.
        let padded = |matrix: &Mat<f64>| {
            let at = |row, column| if column < matrix.ncols() { matrix[(row, column)] } else { 0.0 };
            Mat::from_fn(matrix.nrows(), a.ncols(), at)
        };
        let s = (0..a.ncols()).map(|index| s.get(index).copied().unwrap_or(0.0)).collect();
        Ok(Self { u: padded(&u), s, v: padded(&v) })
    }

    /// Returns `U sqrt(S)` and `V sqrt(S)`.
    fn even(&self) -> (Mat<f64>, Mat<f64>) {
        let scaled = |matrix: &Mat<f64>| scale(matrix, |index| self.s[index].sqrt());
        (scaled(&self.u), scaled(&self.v))
    }

    /// Returns `U S` and `V`.
    fn left(self) -> (Mat<f64>, Mat<f64>) {
        (scale(&self.u, |index| self.s[index]), self.v)
    }
}

fn scale(matrix: &Mat<f64>, by: impl Fn(usize) -> f64) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |row, column| matrix[(row, column)] * by(column))
}
