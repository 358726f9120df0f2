//! Attention scores as sums over what wrote the queries and what wrote the keys.

use super::queries_keys::{Made, mask_and_bias};
use crate::{
    Result,
    error::{RunError, at_most, together},
    hook::{Point, Site, Stack, ToIndex},
    index::Counted,
    model::{Run, ToPattern, name_in_stack},
    net::{Frame, Here, parts::HeadNorm},
    notebook::Show,
    plot::{Figure, Heatmap},
    tensor::{array, zeros},
    text::Tokens,
};
use candle_core::Tensor;
use ndarray::{Array2, Array4};

/// The attention scores of one head as a sum over pairs of parts of the residual stream: the part that wrote the query,
/// and the part that wrote the key.
///
/// Made by [`Run::decompose_scores`]. A notebook shows the pairs for the last query and the key with its highest score.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let scores = run.decompose_scores(1, 0)?; // a map of pairs of parts, in a notebook
/// assert_eq!(scores.to_array()?.dim(), (4, 4, 8, 8)); // [component, component, query, key]
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct ScoreDecomposition {
    /// Of queries and of keys.
    labels: [Vec<String>; 2],
    /// `[component, pos, d_head]`, scaled.
    q: Tensor,
    /// `[component, pos, d_head]`
    k: Tensor,
    soft_cap: Option<f64>,
    /// What belongs to no pair of parts, `[query, key]`.
    mask_and_bias: Array2<f32>,
    /// The texts at the queries and at the keys.
    tokens: [Tokens; 2],
    name: String,
}

/// The most numbers that [`ScoreDecomposition::to_array`] gives.
const MOST: usize = 1 << 28;

impl Run {
    /// Decomposes the attention scores of one head, on the first text, into pairs of parts: what wrote the query and
    /// what wrote the key. The parts are those of [`Run::decompose`] before the layer, and `bias` for all biases on the
    /// way.
    ///
    /// The norm before attention, the norms of queries and keys, and norms on the stream (BERT) are held at their
    /// scales in the run, which makes the sum exact.
    ///
    /// The layer is a number in a model with one stack, or the [`Site`] of a pattern, such as
    /// `Site::pattern(0).in_decoder()`. With `Site::cross_pattern(0).in_decoder()` queries are decomposed into parts of
    /// the decoder's stream, and keys into parts of the encoder's.
    ///
    /// # Errors
    /// When there is no such layer or head, the run did not record what is needed at all positions, or queries and keys
    /// are clipped (`clip_qkv`).
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
    pub fn decompose_scores(&self, layer: impl ToPattern, head: impl ToIndex) -> Result<ScoreDecomposition> {
        let (model, config) = (self.model(), self.model().config());
        let site = config.site(layer.to_pattern()?)?;
        config.check(site)?;
        let no_pattern = || RunError::NoPattern { site: site.to_string() };
        let (blocks, here) =
            (model.transformer().stack(site.stack()), Here::new(site.stack(), site.layer().unwrap_or(0)));
        let block = blocks.blocks.get(here.layer).ok_or_else(no_pattern)?;
        let (attention, here) = match (site.point(), &block.cross) {
            (Point::Pattern, _) => (&block.attention, here),
            (Point::CrossPattern, Some(cross)) => (&cross.attention, here.across()),
            _ => return Err(no_pattern().into()),
        };
        let heads = Counted::new("head", "a layer of this model has heads", attention.n_heads);
        let head = heads.index(head.to_index())?;
        if let Some(clip) = attention.q.clip.or(attention.k.clip) {
            return Err(RunError::Clipped { family: config.family.clone(), clip }.into());
        }
        let source = self.cache().source().unwrap_or_else(|| self.tokens()).texts(0..1);
        let queries = if site.stack() == Stack::Encoder { source.clone() } else { self.tokens().texts(0..1) };
        let keys = if here.is_across() { source.clone() } else { queries.clone() };
        let mut frame = Frame::new(&config, blocks, &queries)?;
        if here.is_across() {
            // Of what the encoder gave, only the padding matters here.
            frame = frame.with_encoded(zeros((1, 1, 1))?, &source);
        }
        let (of_queries, of_keys) = match here.is_across() {
            true => {
                let end = Site::in_block(
                    Stack::Encoder,
                    config.layers_of(Stack::Encoder).saturating_sub(1),
                    Point::ResidPost,
                );
                let stream = Site::in_block(here.stack, here.layer, Point::ResidMid);
                (Made::of(self, stream, stream)?, Made::of(self, end, Site::encoder_final_ln_normalized())?)
            }
            false => {
                let stream = Site::in_block(here.stack, here.layer, Point::ResidPre);
                let both = Made::of(self, stream, stream)?.beside(attention.beside(&frame)?)?;
                (both.clone(), both)
            }
        };
        let key_head = head * attention.n_key_value_heads / attention.n_heads;
        let columns = |at: usize| (at * attention.d_head, attention.d_head);
        let vectors =
            |made: &Made, linear, norm, (head, points)| made.vectors(linear, norm, head, points, here, &frame);
        let ((start, len), (key_start, key_len)) = (columns(head), columns(key_head));
        let q = vectors(&of_queries, attention.q.columns(start, len)?, &attention.q_norm, (head, HeadNorm::Q))?;
        let k =
            vectors(&of_keys, attention.k.columns(key_start, key_len)?, &attention.k_norm, (key_head, HeadNorm::K))?;
        let mask_and_bias = array(&mask_and_bias(attention, head, here, &frame, keys.len())?)?;
        Ok(ScoreDecomposition {
            labels: [of_queries.labels(), of_keys.labels()],
            q: (q * attention.scale)?,
            k,
            soft_cap: attention.soft_cap,
            mask_and_bias,
            tokens: [queries, keys],
            name: name_in_stack(site, head),
        })
    }
}

impl ScoreDecomposition {
    /// The names of the query's parts. In self-attention they are also those of the key's parts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = Model::open("induction-2l")?.run("red fox blue owl")?.decompose_scores(1, 0)?;
    /// assert_eq!(scores.labels(), ["embed", "pos_embed", "0_attn_out", "bias"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn labels(&self) -> Vec<String> {
        self.labels[0].clone()
    }

    /// The names of the key's parts. In cross attention they are parts of the encoder's stream.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let scores = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.decompose_scores(1, 0)?;
    /// assert_eq!(scores.key_labels(), scores.labels());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn key_labels(&self) -> Vec<String> {
        self.labels[1].clone()
    }

    /// Returns how much each pair of parts contributes to the score of one query and key (-1 is the last position),
    /// before masks and a soft cap.
    ///
    /// # Shapes
    /// `[component, component]`: the query's parts are rows, the key's parts are columns
    ///
    /// # Errors
    /// When a position is outside the text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.decompose_scores(1, 0)?;
    /// let pairs = scores.at(-1, 4)?; // the second "blue" attends to "owl"
    /// assert!((pairs.sum() + scores.mask_and_bias()[[7, 4]] - scores.total()?[[7, 4]]).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at(&self, query: impl ToIndex, key: impl ToIndex) -> Result<Array2<f32>> {
        let [queries, keys] = &self.tokens;
        let (query, key) = (queries.index_in(0, query.to_index())?, keys.index_in(0, key.to_index())?);
        let row = |x: &Tensor, at: usize| x.narrow(1, at, 1)?.squeeze(1)?.contiguous();
        array(&row(&self.q, query)?.matmul(&row(&self.k, key)?.t()?)?)
    }

    /// Returns how much each pair of parts contributes at every pair of positions, before masks and a soft cap.
    ///
    /// # Shapes
    /// `[component, component, query, key]`: the query's parts come first
    ///
    /// # Errors
    /// When there are more than 2^28 numbers; use [`ScoreDecomposition::at`] then.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = Model::open("induction-2l")?.run("red fox blue owl")?.decompose_scores(1, 0)?;
    /// assert_eq!(scores.to_array()?.dim(), (4, 4, 5, 5));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_array(&self) -> Result<Array4<f32>> {
        let ((of_query, query, d_head), (of_key, key, _)) = (self.q.dims3()?, self.k.dims3()?);
        at_most("pairs of parts and positions", together([of_query, of_key, query, key]), MOST)?;
        let (q, k) = (self.q.reshape((of_query * query, d_head))?, self.k.reshape((of_key * key, d_head))?);
        let all = q.matmul(&k.t()?)?.reshape((of_query, query, of_key, key))?;
        array(&all.permute((0, 2, 1, 3))?)
    }

    /// Returns the sum over all pairs plus [`mask_and_bias`](Self::mask_and_bias): the scores of `hook_attn_scores`, with the model's
    /// soft cap, and -inf where a query may not attend.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// let total = run.decompose_scores(1, 0)?.total()?;
    /// assert_eq!(total[[0, 1]], f32::NEG_INFINITY); // a later key
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn total(&self) -> Result<Array2<f32>> {
        let sum: Array2<f32> = array(&self.q.sum(0)?.matmul(&self.k.sum(0)?.t()?)?)?;
        let capped = |score: f32| self.soft_cap.map_or(score, |cap| (cap * (f64::from(score) / cap).tanh()) as f32);
        Ok(sum.mapv(capped) + &self.mask_and_bias)
    }

    /// What depends on the positions alone and belongs to no pair of parts: 0, or the bias of ALiBi or of relative
    /// positions (T5); -inf where a query may not attend.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = Model::open("induction-2l")?.run("red fox blue owl")?.decompose_scores(1, 0)?;
    /// assert_eq!(scores.mask_and_bias()[[1, 0]], 0.0); // positions are in the embeddings here
    /// assert_eq!(scores.mask_and_bias()[[0, 1]], f32::NEG_INFINITY);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mask_and_bias(&self) -> Array2<f32> {
        self.mask_and_bias.clone()
    }

    /// Draws the pairs of parts at one query and key (-1 is the last position) as a map.
    ///
    /// # Errors
    /// When a position is outside the text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.decompose_scores(1, 0)?;
    /// assert!(scores.draw(-1, 4)?.to_svg().contains("0_attn_out"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw(&self, query: impl ToIndex, key: impl ToIndex) -> Result<Figure> {
        let (query, key) = (query.to_index(), key.to_index());
        let token = |tokens: &Tokens, position: i64| {
            let at = tokens.index_in(0, position)?;
            Ok::<_, crate::Error>(format!("{}@{at}", tokens.strings(0)[at].trim()))
        };
        let [queries, keys] = &self.tokens;
        Heatmap::new(self.at(query, key)?)
            .title(format!(
                "{}: attention score of query {} for key {}",
                self.name,
                token(queries, query)?,
                token(keys, key)?
            ))
            .value("score")
            .y("part of the query")
            .y_names(self.labels())
            .x("part of the key")
            .x_names(self.key_labels())
            .draw()
    }

    /// The last position, and the key that it scores highest.
    fn shown(&self) -> Result<Figure> {
        let last = self.tokens[0].index_in(0, -1)?;
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
