//! Attention scores as sums over what wrote the queries and what wrote the keys.

use super::direction::Reader;
use crate::{
    Result,
    cache::ActivationCache,
    error::{RunError, at_most, together},
    hook::{Point, Site, Stack, ToIndex},
    index::Counted,
    model::Run,
    net::{
        Frame, Here,
        parts::{Attention, HeadNorm, Linear},
    },
    notebook::Show,
    ops,
    plot::{Figure, Heatmap},
    text::Tokens,
};
use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array4};

/// The scores of one head as a sum over pairs of parts of the residual stream: what wrote the query, and what wrote the
/// key.
///
/// Made by [`Run::decompose_scores`]. Shown in a notebook as the pairs of parts at the last position and the key that it
/// scores highest.
#[derive(Clone)]
pub struct ScoreDecomposition {
    labels: Vec<String>,
    /// `[component, pos, d_head]`, scaled.
    q: Tensor,
    /// `[component, pos, d_head]`
    k: Tensor,
    soft_cap: Option<f64>,
    /// What belongs to no pair of parts, `[query, key]`.
    place: Array2<f32>,
    tokens: Tokens,
    name: String,
}

/// The most numbers that [`ScoreDecomposition::to_array`] gives.
const MOST: usize = 1 << 28;

impl Run {
    /// The scores of one head on the first text, taken apart by what wrote the query and what wrote the key: the parts of
    /// [`Run::decompose`] before the layer, and `bias` for all biases on the way. The scale of the norm before attention,
    /// and those of norms of queries and keys, are held as the run had them, which makes the sum exact.
    ///
    /// # Errors
    /// When there is no such layer or head, the stream is no sum ([`Run::decompose`]), the run did not record what is
    /// needed at all positions, or queries and keys are cut off at a bound (`clip_qkv`).
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let scores = run.decompose_scores(1, 0)?; // the induction head
    /// assert_eq!(scores.labels(), ["embed", "pos_embed", "0_attn_out", "bias"]);
    /// let pairs = scores.at(-1, 4)?; // the second blue, and the owl that came after the first
    /// // What the owl's key says of the token before it was written by layer 0.
    /// let key = |part: usize| pairs.column(part).sum();
    /// assert!(key(2) > key(0) && key(2) > key(1));
    /// let whole = run.cache().get(Site::attn_scores(1))?.get(0)?.get(0)?.to_vec2::<f32>()?;
    /// assert!((scores.total()?[[7, 4]] - whole[7][4]).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn decompose_scores(&self, layer: impl ToIndex, head: impl ToIndex) -> Result<ScoreDecomposition> {
        let (model, config) = (self.model(), self.model().config());
        let layer = Counted::layers(config.n_layers).index(layer.to_index())?;
        let stream = Site::resid_pre(layer);
        let stack = self.decompose(stream)?;
        self.cache().need_whole(stream, "decomposing scores")?;
        let attention = &model.transformer().last.blocks[layer].attention;
        let heads = Counted::new("head", "a layer of this model has heads", attention.n_heads);
        let head = heads.index(head.to_index())?;
        if let Some(clip) = attention.q.clip.or(attention.k.clip) {
            return Err(RunError::Clipped { family: config.family.clone(), clip }.into());
        }
        let (cache, tokens) = (self.cache(), self.tokens().texts(0..1));
        let frame = Frame::new(&config, &model.transformer().last, &tokens)?;
        let here = Here::new(Stack::Blocks, layer);

        let reader = Reader::at(&model, stream)?;
        let parts = stack.apply_ln(stream)?.narrow(1, 0, 1)?.squeeze(1)?; // [component, pos, d_model]
        let mut parts = match &reader.weight {
            Some(weight) => parts.broadcast_mul(weight)?,
            None => parts,
        };
        let mut labels = stack.labels().to_vec();
        if let Some(beside) = attention.beside(&frame)? {
            parts = Tensor::cat(&[parts, beside.narrow(0, 0, 1)?], 0)?;
            labels.push("pos_embed".into());
        }
        labels.push("bias".into());
        let made = |linear: &Linear, norm: &Option<HeadNorm>, head: usize, points: [Point; 2]| {
            let made = Made { parts: &parts, bias: reader.bias.as_ref(), cache: &cache, here, frame: &frame };
            made.vectors(&linear.columns(head * attention.d_head, attention.d_head)?, norm.as_ref(), head, points)
        };
        let key_head = head * attention.n_key_value_heads / attention.n_heads;
        let q = made(&attention.q, &attention.q_norm, head, HeadNorm::Q)?;
        let k = made(&attention.k, &attention.k_norm, key_head, HeadNorm::K)?;
        let (q, place) = ((q * attention.scale)?, place(attention, head, here, &frame)?);
        let name = format!("L{layer}H{head}");
        Ok(ScoreDecomposition { labels, q, k, soft_cap: attention.soft_cap, place, tokens, name })
    }
}

/// What queries, or keys, are made of.
struct Made<'a> {
    /// `[component, pos, d_model]`, normed.
    parts: &'a Tensor,
    /// Of the norm: `[d_model]`.
    bias: Option<&'a Tensor>,
    cache: &'a ActivationCache,
    here: Here,
    frame: &'a Frame,
}

impl Made<'_> {
    /// What each part makes of one head's queries or keys, and last what all biases make.
    ///
    /// # Shapes
    /// `[component, pos, d_head]`
    fn vectors(&self, linear: &Linear, norm: Option<&HeadNorm>, head: usize, points: [Point; 2]) -> Result<Tensor> {
        let (_, pos, _) = self.parts.dims3()?;
        let (d_head, of_parts) = (linear.weight.dim(1)?, ops::linear(self.parts, &linear.weight, None)?);
        let mut bias = Tensor::zeros((1, d_head), DType::F32, &Device::Cpu)?;
        if let Some(of_norm) = self.bias {
            bias = (bias + ops::linear(&of_norm.unsqueeze(0)?, &linear.weight, None)?)?;
        }
        if let Some(own) = &linear.bias {
            bias = bias.broadcast_add(own)?;
        }
        let bias = bias.unsqueeze(0)?.broadcast_as((1, pos, d_head))?;
        let mut all = Tensor::cat(&[of_parts, bias.contiguous()?], 0)?.unsqueeze(2)?; // [component, pos, one, d_head]
        if let Some(norm) = norm {
            let scale = self.cache.get(self.here.site(points[0]))?;
            let scale = scale.narrow(0, 0, 1)?.narrow(2, head, 1)?; // [one, pos, one, one]
            all = norm.held(&all, &scale, head)?;
        }
        let turned = self.frame.rotary(self.here.layer).map_or(Ok(all.clone()), |table| ops::rotate(&all, table))?;
        Ok(turned.squeeze(2)?)
    }
}

/// What is added to the scores of a head for where query and key stand: masks, ALiBi.
fn place(attention: &Attention, head: usize, here: Here, frame: &Frame) -> Result<Array2<f32>> {
    let (pos, _) = frame.queries_and_keys();
    let none = |heads: usize| Tensor::zeros((1, pos, heads, attention.d_head), DType::F32, &Device::Cpu);
    let (q, k) = (none(attention.n_heads)?, none(attention.n_key_value_heads)?);
    matrix(&attention.scores(&q, &k, here, frame)?.get(0)?.get(head)?)
}

fn matrix(x: &Tensor) -> Result<Array2<f32>> {
    let values = Array2::from_shape_vec(x.dims2()?, x.flatten_all()?.to_vec1::<f32>()?);
    Ok(values.map_err(|error| candle_core::Error::Msg(error.to_string()))?)
}

impl ScoreDecomposition {
    /// The name of each part, in its order along both axes.
    pub fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    /// What each pair of parts adds to the score of a query for a key (-1 is the last position), before masks and a soft
    /// cap.
    ///
    /// # Shapes
    /// `[component, component]`: the query's parts down, the key's across.
    ///
    /// # Errors
    /// When a position is outside the text.
    pub fn at(&self, query: impl ToIndex, key: impl ToIndex) -> Result<Array2<f32>> {
        let place = |position: i64| self.tokens.index_in(0, position);
        let (query, key) = (place(query.to_index())?, place(key.to_index())?);
        let row = |x: &Tensor, at: usize| x.narrow(1, at, 1)?.squeeze(1)?.contiguous();
        matrix(&row(&self.q, query)?.matmul(&row(&self.k, key)?.t()?)?)
    }

    /// What each pair of parts adds at every pair of positions, before masks and a soft cap.
    ///
    /// # Shapes
    /// `[component, component, query, key]`: the query's parts first.
    ///
    /// # Errors
    /// When that is more than 2^28 numbers: then take [`ScoreDecomposition::at`].
    pub fn to_array(&self) -> Result<Array4<f32>> {
        let (parts, pos, d_head) = self.q.dims3()?;
        at_most("pairs of parts and positions", together([parts, parts, pos, pos]), MOST)?;
        let rows = |x: &Tensor| x.reshape((parts * pos, d_head));
        let all = rows(&self.q)?.matmul(&rows(&self.k)?.t()?)?.reshape((parts, pos, parts, pos))?;
        let all = all.permute((0, 2, 1, 3))?.contiguous()?;
        let values = Array4::from_shape_vec((parts, parts, pos, pos), all.flatten_all()?.to_vec1::<f32>()?);
        Ok(values.map_err(|error| candle_core::Error::Msg(error.to_string()))?)
    }

    /// All pairs together with what belongs to none: the scores as `hook_attn_scores` has them, soft-capped where the model
    /// does so, -inf where a query may not look.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Errors
    /// When memory runs out.
    pub fn total(&self) -> Result<Array2<f32>> {
        let sum = matrix(&self.q.sum(0)?.matmul(&self.k.sum(0)?.t()?)?)?;
        let capped = |score: f32| self.soft_cap.map_or(score, |cap| (cap * (f64::from(score) / cap).tanh()) as f32);
        Ok(sum.mapv(capped) + &self.place)
    }

    /// What belongs to no pair of parts: 0 or ALiBi's bias where a query may look, -inf where it may not.
    ///
    /// # Shapes
    /// `[query, key]`
    pub fn place(&self) -> Array2<f32> {
        self.place.clone()
    }

    /// The pairs of parts at one query and key (-1 is the last position) as a map.
    ///
    /// # Errors
    /// When a position is outside the text.
    pub fn draw(&self, query: impl ToIndex, key: impl ToIndex) -> Result<Figure> {
        let (query, key) = (query.to_index(), key.to_index());
        let token = |position: i64| {
            let at = self.tokens.index_in(0, position)?;
            Ok::<_, crate::Error>(format!("{}@{at}", self.tokens.strings(0)[at].trim()))
        };
        Heatmap::new(self.at(query, key)?)
            .title(format!("{}: why {} looks at {}", self.name, token(query)?, token(key)?))
            .value("score")
            .y("part of the query")
            .y_names(self.labels.clone())
            .x("part of the key")
            .x_names(self.labels.clone())
            .draw()
    }

    /// The last position, and the key that it scores highest.
    fn shown(&self) -> Result<Figure> {
        let last = self.tokens.index_in(0, -1)?;
        let total = self.total()?;
        let scores = total.row(last);
        let best = (0..scores.len()).min_by(|&a, &b| crate::order::falling(scores[a], scores[b]).then(a.cmp(&b)));
        self.draw(last, best.unwrap_or(0))
    }
}

impl Show for ScoreDecomposition {
    fn html(&self) -> String {
        self.shown().html()
    }

    fn plain(&self) -> String {
        self.shown().plain()
    }
}

shown! {
    /// Shows the pairs of parts at the last position in a notebook.
    ScoreDecomposition
}
