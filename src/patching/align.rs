//! [`Alignment`]: which position of a clean prompt corresponds to which position of its corrupt prompt.

use super::source::Source;
use crate::{
    Result,
    axes::Axis,
    error::PatchError,
    hook::{Site, Stack, ToIndex},
    input::Input,
    model::Config,
    tensor::{from_values, vector},
    text::Tokens,
};
use candle_core::Tensor;
use std::ops::Range;

/// Which position of a clean prompt corresponds to which position of its corrupt prompt, if the two differ in length.
///
/// Maps are over the positions of the corrupt prompt, which is run. Each position gets the clean activation of its
/// *counterpart*. A position without a counterpart (padding, too) keeps its own activation. A cell without counterparts
/// in any pair is missing from the map ([`PatchSweep::is_missing`](super::PatchSweep::is_missing)).
///
/// A row of an attention pattern is a distribution over the keys of its own prompt, so whole rows cannot be patched
/// into another prompt and are refused. Patterns and scores are patched entry by entry
/// ([`Patching::pattern_entries`](super::Patching::pattern_entries)), from the counterparts of the query and of the
/// key.
///
/// If a metric reads a position counted from the start ([`Metric::at`](super::Metric::at)), it reads that position of
/// the corrupt prompt and its counterpart in the clean one. A position counted from the end is each prompt's own.
/// Integrated gradients between the prompts cover only positions with counterparts.
///
/// In an encoder-decoder the rule applies to the encoder's text and to the decoder's text separately. Positions given
/// by hand are those of the source; the decoder's texts must then have one length.
///
/// # Examples
/// ```
/// use glassbox::{patching::{Alignment, Metric, Patching}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "cat red owl blue fox tree red fox");
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let error = Patching::new(&model, clean, corrupt, metric.clone()).unwrap_err().to_string();
/// assert!(error.contains("Alignment::FromEnd"), "{error}");
/// let map = Patching::aligned(&model, clean, corrupt, Alignment::FromEnd, metric)?.resid_pre()?;
/// assert_eq!(map.mean().shape(), [2, 9]); // the corrupt prompt's positions
/// assert!(map.is_missing(&[0, 0]) && !map.is_missing(&[0, 8]));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alignment {
    /// Position by position. Prompts of different length are refused. This is the default.
    #[default]
    SameLength,
    /// The first tokens correspond, then the second, and so on. The extra tokens at the end of the longer prompt have
    /// no counterpart.
    FromStart,
    /// The last tokens correspond, then the ones before, and so on. The extra tokens at the start of the longer prompt
    /// have no counterpart. The first token of the shorter prompt, even a `<bos>`, then corresponds to a later one.
    FromEnd,
    /// These pairs of positions, clean first, in every text: see [`Alignment::positions`].
    Positions(Vec<(i64, i64)>),
    /// As [`Alignment::Positions`], with separate pairs for each text.
    PositionsOfEach(Vec<Vec<(i64, i64)>>),
}

impl Alignment {
    /// Aligns these pairs of positions, clean first, in every text. All other positions have no counterpart. -1 is a
    /// text's last token. No position may be in two pairs.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Alignment, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let only = Alignment::positions([(2, 3), (3, 4), (-1, -1)]);
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "cat red owl blue fox tree red fox");
    /// let map = Patching::aligned(&model, clean, corrupt, only, metric)?.resid_pre()?;
    /// let there: Vec<usize> = (0..9).filter(|&position| !map.is_missing(&[0, position])).collect();
    /// assert_eq!(there, [3, 4, 8]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn positions(pairs: impl IntoIterator<Item = (impl ToIndex, impl ToIndex)>) -> Self {
        Self::Positions(indices(pairs))
    }

    /// As [`Alignment::positions`], with separate pairs for each text.
    ///
    /// # Examples
    /// ```
    /// use glassbox::patching::Alignment;
    /// let alignment = Alignment::positions_of_each([vec![(1, 1), (-1, -1)], vec![(2, 3)]]);
    /// assert_eq!(alignment, Alignment::PositionsOfEach(vec![vec![(1, 1), (-1, -1)], vec![(2, 3)]]));
    /// ```
    pub fn positions_of_each<P: ToIndex, Q: ToIndex>(
        texts: impl IntoIterator<Item = impl IntoIterator<Item = (P, Q)>>,
    ) -> Self {
        Self::PositionsOfEach(texts.into_iter().map(indices).collect())
    }

    /// For titles.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::SameLength => "",
            Self::FromStart => ", aligned from the start",
            Self::FromEnd => ", aligned from the end",
            Self::Positions(_) | Self::PositionsOfEach(_) => ", aligned at some positions",
        }
    }

    /// The counterparts in one pair of texts, clean and corrupt.
    fn pairs(&self, text: usize, clean: &Tokens, corrupt: &Tokens) -> Result<Vec<(usize, usize)>> {
        let (from, to) = (clean.real(text), corrupt.real(text));
        match self {
            Self::SameLength | Self::FromStart => Ok(from.zip(to).collect()),
            Self::FromEnd => Ok(from.rev().zip(to.rev()).collect()),
            Self::Positions(pairs) => located(pairs, text, clean, corrupt),
            Self::PositionsOfEach(texts) => {
                let missing = PatchError::AlignedTexts { lists: texts.len(), texts: corrupt.batch() };
                located(texts.get(text).ok_or(missing)?, text, clean, corrupt)
            }
        }
    }
}

fn indices(pairs: impl IntoIterator<Item = (impl ToIndex, impl ToIndex)>) -> Vec<(i64, i64)> {
    pairs.into_iter().map(|(clean, corrupt)| (clean.to_index(), corrupt.to_index())).collect()
}

/// Given positions as indices.
///
/// # Errors
/// When one is outside its text, or in two pairs.
fn located(pairs: &[(i64, i64)], text: usize, clean: &Tokens, corrupt: &Tokens) -> Result<Vec<(usize, usize)>> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for &(from, to) in pairs {
        let pair = (clean.index_in(text, from)?, corrupt.index_in(text, to)?);
        let twice = [("clean", from, found.iter().any(|other| other.0 == pair.0))];
        let twice = twice.into_iter().chain([("corrupt", to, found.iter().any(|other| other.1 == pair.1))]);
        if let Some((which, position, _)) = twice.into_iter().find(|(.., twice)| *twice) {
            return Err(PatchError::AlignedTwice { which, position, text }.into());
        }
        found.push(pair);
    }
    Ok(found)
}

/// For each text and each position of the prompts that are run, the corresponding position of the other prompts.
#[derive(Clone, Debug)]
pub(super) struct Counterparts {
    /// In the text of the only stack or of the decoder.
    tokens: Rows,
    /// In the text of an encoder beside a decoder.
    source: Option<Rows>,
}

/// By text and position.
type Rows = Vec<Vec<Option<usize>>>;

impl Counterparts {
    /// The clean position for each position of the corrupt prompts.
    pub(super) fn of(alignment: &Alignment, clean: &Input, corrupt: &Input) -> Result<Self> {
        if let Alignment::PositionsOfEach(texts) = alignment
            && texts.len() != corrupt.batch()
        {
            return Err(PatchError::AlignedTexts { lists: texts.len(), texts: corrupt.batch() }.into());
        }
        let (clean_tokens, corrupt_tokens) = (&clean.tokens(), &corrupt.tokens());
        let (Some(clean), Some(corrupt)) = (clean.source(), corrupt.source()) else {
            return Ok(Self { tokens: rows(alignment, clean_tokens, corrupt_tokens)?, source: None });
        };
        // Positions given by hand are those of the source.
        let of_tokens = match alignment {
            Alignment::Positions(_) | Alignment::PositionsOfEach(_) => {
                Source::Run(Input::new(clean_tokens.clone())).check(&Input::new(corrupt_tokens.clone()))?;
                &Alignment::SameLength
            }
            rule => rule,
        };
        let source = Some(rows(alignment, &clean, &corrupt)?);
        Ok(Self { tokens: rows(of_tokens, clean_tokens, corrupt_tokens)?, source })
    }

    /// The inverse, for the other prompts.
    pub(super) fn inverse(&self, others: &Input) -> Self {
        let turned = |rows: &Rows, len: usize| {
            let turned = |row: &Vec<Option<usize>>| {
                let mut turned = vec![None; len];
                row.iter().enumerate().for_each(|(to, from)| from.iter().for_each(|&from| turned[from] = Some(to)));
                turned
            };
            rows.iter().map(turned).collect()
        };
        let source = self.source.as_ref().zip(others.source()).map(|(rows, source)| turned(rows, source.len()));
        Self { tokens: turned(&self.tokens, others.tokens().len()), source }
    }

    pub(super) fn of_texts(&self, texts: &Range<usize>) -> Self {
        let some = |rows: &Rows| rows[texts.clone()].to_vec();
        Self { tokens: some(&self.tokens), source: self.source.as_ref().map(some) }
    }

    /// The counterparts in the text of one stack.
    fn rows(&self, stack: Stack) -> &Rows {
        self.source.as_ref().filter(|_| stack == Stack::Encoder).unwrap_or(&self.tokens)
    }

    pub(super) fn get(&self, stack: Stack, text: usize, position: usize) -> Option<usize> {
        self.rows(stack).get(text)?.get(position).copied().flatten()
    }

    /// The activation of another run at a site, with each position moved to its counterpart; without a counterpart, the
    /// activation of this run.
    ///
    /// # Shapes
    /// The shape of `here`
    pub(super) fn moved(&self, config: &Config, site: Site, there: &Tensor, here: &Tensor) -> Result<Tensor> {
        let dims = positions(config, site);
        let of_text = |text: usize| {
            let own = here.narrow(0, text, 1)?;
            let (mut moved, mut known) = (there.narrow(0, text, 1)?.contiguous()?, Tensor::ones_like(&own)?);
            for &(dim, stack) in &dims {
                let row = &self.rows(stack)[text];
                let at: Vec<u32> = row.iter().map(|from| from.unwrap_or(0) as u32).collect();
                moved = moved.index_select(&vector(at)?, dim)?;
                let mut shape = vec![1; own.rank()];
                shape[dim] = row.len();
                let have: Vec<f32> = row.iter().map(|from| f32::from(from.is_some())).collect();
                known = known.broadcast_mul(&from_values(have, shape)?)?;
            }
            Ok(known.gt(0.5)?.where_cond(&moved, &own)?)
        };
        Ok(Tensor::cat(&(0..self.tokens.len()).map(of_text).collect::<Result<Vec<_>>>()?, 0)?)
    }
}

/// For each position of the corrupt texts, the clean one.
fn rows(alignment: &Alignment, clean: &Tokens, corrupt: &Tokens) -> Result<Rows> {
    let of_text = |text: usize| {
        let mut row = vec![None; corrupt.len()];
        alignment.pairs(text, clean, corrupt)?.into_iter().for_each(|(from, to)| row[to] = Some(from));
        match row.iter().any(Option::is_some) {
            true => Ok(row),
            false => Err(PatchError::NothingAligned { text }.into()),
        }
    };
    (0..corrupt.batch()).map(of_text).collect()
}

/// The position axes of a site's activation, each with the stack whose text they index.
fn positions(config: &Config, site: Site) -> Vec<(usize, Stack)> {
    let counts = |(dim, axis): (usize, &Axis)| match axis {
        Axis::Pos | Axis::Query => Some((dim, config.reads_at(site))),
        Axis::Key => Some((dim, config.keys_at(site))),
        _ => None,
    };
    site.axes().iter().enumerate().filter_map(counts).collect()
}
