//! [`attention_from_qk`]: attention scores and patterns computed from given queries and keys.

use crate::{
    Model, Result,
    error::{RunError, need_f32},
    hook::{Point, Site, Stack},
    model::{Run, ToPattern},
    net::{Frame, Here},
    notebook::Show,
    ops,
    plot::{AttentionHeads, Figure},
    tensor::array,
    text::Tokens,
};
use candle_core::Tensor;
use ndarray::Array3;
use std::borrow::Borrow;

/// Computes the scores and the pattern that a layer's attention assigns to given queries and keys, on the texts of a
/// run.
///
/// `q` and `k` are `hook_q` and `hook_k` of the run, or others of the same shape. The rest is computed as in the model:
/// norms of queries and keys, rotary positions, scale, soft cap, masks and windows, ALiBi and T5's bias. Heads that
/// share keys in the model share them here.
///
/// `layer` is a number in a model with one stack, or the [`Site`] of a pattern, such as
/// `Site::cross_pattern(0).in_decoder()`.
///
/// # Shapes
/// `q`: `[batch, pos, head, d_head]`, `k`: `[batch, pos, kv_head, d_head]`
///
/// # Errors
/// Fails when there is no such layer, or `q` or `k` has another shape, for example because the run kept only some
/// positions.
///
/// # Examples
/// ```
/// use glassbox::{circuits::attention_from_qk, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let (q, k) = (run.cache().get(Site::q(1))?, run.cache().get(Site::k(1))?);
/// let same = attention_from_qk(&run, 1, &q, &k)?;
/// let difference = (same.pattern() - run.cache().get(Site::pattern(1))?)?.abs()?.max_all()?.to_scalar::<f32>()?;
/// assert!(difference < 1e-6);
/// let flat = attention_from_qk(&run, 1, (q * 0.0)?, k)?; // queries of zeros
/// assert!((flat.pattern().get(0)?.get(0)?.get(7)?.get(0)?.to_scalar::<f32>()? - 1.0 / 8.0).abs() < 1e-6);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn attention_from_qk(
    run: &Run,
    layer: impl ToPattern,
    q: impl Borrow<Tensor>,
    k: impl Borrow<Tensor>,
) -> Result<AttentionFromQk> {
    let (model, q, k) = (run.model(), q.borrow(), k.borrow());
    let config = model.config();
    let site = config.site(layer.to_pattern()?)?;
    config.check(site)?;
    let across = site.point() == Point::CrossPattern;
    if !across && site.point() != Point::Pattern {
        return Err(RunError::NoPattern { site: site.to_string() }.into());
    }
    let (source, at) = (run.cache().source().unwrap_or(run.tokens()), site.layer().unwrap_or(0));
    let stack = model.transformer().stack(site.stack());
    let queries = if site.stack() == Stack::Encoder { source.clone() } else { run.tokens() };
    let keys = if across { source.clone() } else { queries.clone() };
    let missing = || RunError::NoPattern { site: site.to_string() };
    let block = stack.blocks.get(at).ok_or_else(missing)?;
    let attention = match across {
        true => &block.cross.as_ref().ok_or_else(missing)?.attention,
        false => &block.attention,
    };
    let fits = |what: &'static str, x: &Tensor, tokens: &Tokens, heads: usize| -> Result<()> {
        need_f32(|| format!("the {what}"), x)?;
        let (needed, got) = (vec![tokens.batch(), tokens.len(), heads, attention.d_head], x.dims().to_vec());
        if got == needed { Ok(()) } else { Err(RunError::HeadVectors { what, needed, got }.into()) }
    };
    fits("queries", q, &queries, attention.n_heads)?;
    fits("keys", k, &keys, attention.n_key_value_heads)?;
    let mut frame = Frame::new(&config, stack, &queries)?;
    if across {
        // Only the padding of the encoder's text matters here.
        frame = frame.with_encoded(k.clone(), &source);
    }
    let here = Here::new(site.stack(), at);
    let scores = attention.scores_of(q, k, if across { here.across() } else { here }, &frame)?;
    let pattern = ops::softmax(&scores)?;
    let (model, ends) = (model.clone(), [queries, keys]);
    Ok(AttentionFromQk { model, site, ends, scores: scores.detach(), pattern: pattern.detach() })
}

/// Scores and patterns computed from queries and keys.
///
/// Made by [`attention_from_qk`]. A notebook shows the patterns of all heads on the first text.
///
/// # Examples
/// ```
/// use glassbox::{circuits::attention_from_qk, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let (q, k) = (run.cache().get(Site::q(1))?, run.cache().get(Site::k(1))?);
/// let sharper = attention_from_qk(&run, 1, (q * 2.0)?, k)?; // a picture of all heads, in a notebook
/// assert_eq!(sharper.pattern().dims(), [1, 4, 8, 8]); // [batch, head, query, key]
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct AttentionFromQk {
    model: Model,
    site: Site,
    ends: [Tokens; 2],
    scores: Tensor,
    pattern: Tensor,
}

impl AttentionFromQk {
    /// The scores, as in `hook_attn_scores`: -inf where a query may not attend.
    ///
    /// # Shapes
    /// `[batch, head, query, key]`
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::attention_from_qk, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let (q, k) = (run.cache().get(Site::q(1))?, run.cache().get(Site::k(1))?);
    /// let scores = attention_from_qk(&run, 1, q, k)?.scores();
    /// assert_eq!(scores.i((0, 0, 0, 1))?.to_scalar::<f32>()?, f32::NEG_INFINITY); // a later key
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn scores(&self) -> Tensor {
        self.scores.clone()
    }

    /// The patterns, as in `hook_pattern`.
    ///
    /// # Shapes
    /// `[batch, head, query, key]`
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::attention_from_qk, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let (q, k) = (run.cache().get(Site::q(1))?, run.cache().get(Site::k(1))?);
    /// let pattern = attention_from_qk(&run, 1, q, k)?.pattern();
    /// assert!(pattern.i((0, 0, -1, 4))?.to_scalar::<f32>()? > 0.8); // from the second "blue" to "owl"
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn pattern(&self) -> Tensor {
        self.pattern.clone()
    }

    /// Draws the patterns of all heads on the first text.
    ///
    /// # Errors
    /// Fails when the patterns cannot be drawn.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::attention_from_qk, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let (q, k) = (run.cache().get(Site::q(1))?, run.cache().get(Site::k(1))?);
    /// assert!(attention_from_qk(&run, 1, q, k)?.draw()?.to_svg().contains("blue"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw(&self) -> Result<Figure> {
        let values: Array3<f32> = array(&self.pattern.get(0)?)?;
        let (layer, [queries, keys]) = (self.site.layer().unwrap_or(0), &self.ends);
        let names = (0..values.dim().0).map(|head| format!("L{layer}H{head}"));
        let title = format!("{}: attention of layer {layer}, computed from queries and keys", self.model.name());
        AttentionHeads::new(values, queries.strings(0)).keys(keys.strings(0)).names(names).title(title).draw()
    }
}

impl Show for AttentionFromQk {
    fn html(&self) -> String {
        self.draw().html()
    }

    fn plain(&self) -> String {
        self.draw().plain()
    }
}

shown! {
    /// Shows the patterns of all heads in a notebook.
    AttentionFromQk
}
