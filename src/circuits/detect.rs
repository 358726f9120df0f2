//! [`Detector`]: how well each head's attention matches a pattern.
//!
//! It corresponds to TransformerLens's `detect_head`:
//! <https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/head_detector.py>.
//!
//! To add a measure, add a variant to [`Measure`] and its case in `compare`.

use super::{HeadType, qk_ov::head_among};
use crate::{
    Result,
    error::CircuitsError,
    hook::{Point, Site, Stack},
    index::ToIndex,
    model::{Architecture, Run},
    tensor::array,
    text::Tokens,
};
use candle_core::Tensor;
use ndarray::{Array2, ArrayView1, ArrayView2};
use std::borrow::Borrow;

/// How an attention pattern `A` is compared with a detection pattern `D`.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{Detector, HeadType, Measure}, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let score = |measure| Detector::head_type(HeadType::Induction).measure(measure).scores(&run);
/// let (fraction, share) = (score(Measure::Fraction)?[[1, 0]], score(Measure::Mul)?[[1, 0]]);
/// assert!(fraction > share); // the first four words have nothing to attend to
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Measure {
    /// The attention to the keys of `D`, averaged over the queries that have any key in `D`; 0 to 1. These are the
    /// scores of Elhage et al. 2021 and Olsson et al. 2022, who call the score of induction *prefix matching*.
    #[default]
    Fraction,
    /// The share of all attention that goes to the keys of `D`, `sum(A D) / sum(A)`; 0 to 1. TransformerLens's `"mul"`.
    Mul,
    /// One minus the mean absolute difference of a row, `1 - sum|A - D| / n`; -1 to 1. TransformerLens's `"abs"`, which
    /// rounds it to three digits.
    Abs,
}

/// The detection pattern.
#[derive(Clone, Debug, PartialEq)]
enum Sought {
    HeadType(HeadType),
    Pattern(Array2<f32>),
}

/// Scores heads by how well their attention matches a pattern.
///
/// TransformerLens's `detect_head`.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{Detector, HeadType, Measure}, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl tree red fox blue owl tree")?;
/// let scores = Detector::head_type(HeadType::Induction).measure(Measure::Mul).exclude_bos().scores(&run)?; // [layer, head]
/// assert!(scores[[1, 0]] > 0.5); // the first list offers nothing to find
///
/// // Any pattern: here, every query attends to the first word.
/// let mut first = ndarray::Array2::zeros((11, 11));
/// first.column_mut(1).fill(1.0);
/// first[[0, 1]] = 0.0; // attention is causal
/// let scores = Detector::pattern(first).heads([(1, 0)]).scores(&run)?;
/// assert!(scores[[1, 0]] < 0.2 && scores[[0, 0]].is_nan()); // the other heads were not asked for
/// # use glassbox::ndarray;
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("detect_head", "head_detector"))]
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a detector does nothing until `.scores(&run)`"]
pub struct Detector {
    sought: Sought,
    stack: Stack,
    measure: Measure,
    heads: Option<Vec<(i64, i64)>>,
    exclude_bos: bool,
    exclude_current_token: bool,
}

impl Detector {
    fn new(sought: Sought) -> Self {
        let measure = Measure::default();
        let stack = Stack::Blocks;
        Self { sought, stack, measure, heads: None, exclude_bos: false, exclude_current_token: false }
    }

    /// Makes a detector for a known type of head.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::HeadType, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// assert!(Detector::head_type(HeadType::PreviousToken).scores(&run)?[[0, 0]] > 0.8);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn head_type(habit: HeadType) -> Self {
        Self::new(Sought::HeadType(habit))
    }

    /// Makes a detector for a pattern of your own, for texts of the same length.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::Array2, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let diagonal = Detector::pattern(Array2::eye(8)).scores(&run)?; // attention to the token itself
    /// assert!(diagonal[[0, 0]] < 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn pattern(pattern: Array2<f32>) -> Self {
        Self::new(Sought::Pattern(pattern))
    }

    /// Scores the heads of an encoder-decoder's encoder.
    pub fn in_encoder(mut self) -> Self {
        self.stack = Stack::Encoder;
        self
    }

    /// Scores the heads of an encoder-decoder's decoder, those of its self-attention.
    pub fn in_decoder(mut self) -> Self {
        self.stack = Stack::Decoder;
        self
    }

    /// How patterns are compared; [`Measure::Fraction`] unless said otherwise.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::{HeadType, Measure}, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let scores = Detector::head_type(HeadType::PreviousToken).measure(Measure::Abs).scores(&run)?;
    /// assert!(scores.iter().all(|score| (-1.0..=1.0).contains(score)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Scores only these heads, given as layer and head.
    ///
    /// The others are NaN (-1 in TransformerLens).
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::HeadType, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let scores = Detector::head_type(HeadType::Induction).heads([(1, 0), (1, -1)]).scores(&run)?;
    /// assert_eq!(scores.iter().filter(|score| !score.is_nan()).count(), 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn heads(mut self, heads: impl IntoIterator<Item = (impl ToIndex, impl ToIndex)>) -> Self {
        let index = |(layer, head): (_, _)| (ToIndex::to_index(layer), ToIndex::to_index(head));
        self.heads = Some(heads.into_iter().map(index).collect());
        self
    }

    /// Leaves out attention to the first token, where heads often attend when they find nothing.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::{HeadType, Measure}, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let induction = Detector::head_type(HeadType::Induction).measure(Measure::Mul);
    /// let (all, without) = (induction.clone().scores(&run)?, induction.exclude_bos().scores(&run)?);
    /// assert!(without[[1, 0]] > all[[1, 0]]); // the head rests on the first token when it finds nothing
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn exclude_bos(mut self) -> Self {
        self.exclude_bos = true;
        self
    }

    /// Leaves out attention from a token to itself.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::HeadType, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let scores = Detector::head_type(HeadType::PreviousToken).exclude_current_token().scores(&run)?;
    /// assert!(scores[[0, 0]] > 0.8);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn exclude_current_token(mut self) -> Self {
        self.exclude_current_token = true;
        self
    }

    /// Returns the score of each head over all texts of a run.
    ///
    /// Padding is left out.
    ///
    /// The score is 0 where there is nothing to measure: the pattern has no keys, or all attention is left out.
    ///
    /// # Shapes
    /// `[layer, head]`
    ///
    /// # Errors
    /// When the run did not record the attention patterns (at all positions), a head does not exist, the model has two
    /// stacks and none has been chosen, or the pattern does not fit the texts or, in a stack that reads from left to right,
    /// looks ahead.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::HeadType, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let scores = Detector::head_type(HeadType::Induction).scores(&run)?;
    /// assert_eq!(scores.dim(), (2, 4)); // [layer, head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn scores(&self, run: impl Borrow<Run>) -> Result<Array2<f32>> {
        let run = run.borrow();
        let config = run.model().config();
        if self.stack == Stack::Blocks && config.architecture == Architecture::EncoderDecoder {
            return Err(CircuitsError::WhoseHeads { family: config.family.clone() }.into());
        }
        if self.stack != Stack::Blocks {
            config.check(Site::in_block(self.stack, 0, Point::Pattern))?;
        }
        let tokens = run.cache().source().filter(|_| self.stack == Stack::Encoder).unwrap_or_else(|| run.tokens());
        let dim = (config.layers_of(self.stack), config.in_stack(self.stack).n_heads);
        let all = || (0..dim.0).flat_map(|layer| (0..dim.1).map(move |head| (layer, head)));
        let asked: Vec<(usize, usize)> = match &self.heads {
            Some(heads) => heads.iter().map(|&head| head_among(head, dim)).collect::<Result<_>>()?,
            None => all().collect(),
        };
        let sought = (0..tokens.batch()).map(|text| self.sought(run, &tokens, text)).collect::<Result<Vec<_>>>()?;
        let mut scores = Array2::from_elem(dim, f32::NAN);
        for layer in 0..dim.0 {
            let heads = asked.iter().filter(|head| head.0 == layer).map(|head| head.1);
            let mut heads = heads.peekable();
            if heads.peek().is_none() {
                continue;
            }
            let site = Site::in_block(self.stack, layer, Point::Pattern);
            run.cache().need_whole(site, "a score of heads")?;
            let patterns = run.cache().get(site)?; // [batch, head, query, key]
            for head in heads {
                let mut sums = (0.0, 0.0);
                for (text, sought) in sought.iter().enumerate() {
                    let pattern = real(&patterns.get(text)?.get(head)?, &tokens, text)?;
                    let (sum, weight) = self.compare(pattern, sought.view());
                    sums = (sums.0 + sum, sums.1 + weight);
                }
                let share = if sums == (0.0, 0.0) { 0.0 } else { sums.0 / sums.1 };
                scores[[layer, head]] = if self.measure == Measure::Abs { 1.0 - share } else { share };
            }
        }
        Ok(scores)
    }

    /// What is looked for in one text, padding left out.
    fn sought(&self, run: &Run, tokens: &Tokens, text: usize) -> Result<Array2<f32>> {
        let ids = &tokens.row(text).ids[tokens.real(text)];
        let pattern = match &self.sought {
            Sought::HeadType(habit) => return Ok(habit.pattern(ids)),
            Sought::Pattern(pattern) => pattern,
        };
        let ((rows, columns), expected) = (pattern.dim(), ids.len());
        if (rows, columns) != (expected, expected) {
            return Err(CircuitsError::PatternShape { rows, columns, expected }.into());
        }
        if let Some(((query, key), &value)) = pattern.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(CircuitsError::PatternNotFinite { query, key, value }.into());
        }
        let ahead = pattern.indexed_iter().find(|&((query, key), &value)| key > query && value != 0.0);
        let causal = self.stack == Stack::Decoder || run.model().config().architecture == Architecture::Decoder;
        match ahead {
            Some(((query, key), _)) if causal => Err(CircuitsError::LooksAhead { query, key }.into()),
            _ => Ok(pattern.clone()),
        }
    }

    /// Returns a sum, and what to divide it by.
    fn compare(&self, attention: Array2<f32>, sought: ArrayView2<'_, f32>) -> (f32, f32) {
        let counts =
            |query: usize, key: usize| !(self.exclude_bos && key == 0 || self.exclude_current_token && key == query);
        let entries = attention.indexed_iter().filter(|&((query, key), _)| counts(query, key));
        let hits = |(at, weight): ((usize, usize), &f32)| weight * sought[at];
        match self.measure {
            Measure::Fraction => {
                let looks = |row: &ArrayView1<'_, f32>| row.iter().any(|&value| value != 0.0);
                (entries.map(hits).sum(), sought.rows().into_iter().filter(looks).count() as f32)
            }
            Measure::Mul => (entries.clone().map(hits).sum(), entries.map(|(_, weight)| weight).sum()),
            Measure::Abs => (entries.map(|(at, weight)| (weight - sought[at]).abs()).sum(), attention.nrows() as f32),
        }
    }
}

/// One head's pattern on the tokens of a text that are not padding.
fn real(pattern: &Tensor, tokens: &Tokens, text: usize) -> Result<Array2<f32>> {
    let at = tokens.real(text);
    array(&pattern.narrow(0, at.start, at.len())?.narrow(1, at.start, at.len())?)
}
