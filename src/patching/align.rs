//! [`Alignment`]: which position of a clean prompt answers to which of the corrupt one.

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

/// Which position of a clean prompt answers to which of its corrupt one, where the two may differ in length.
///
/// Maps are then over the positions of the corrupt prompts, which are run: each gets what the clean prompt has at its
/// *counterpart*. A position without a counterpart (padding, too) is left untouched, and a cell that would put in nothing
/// for any pair is missing from the map ([`PatchSweep::is_missing`](super::PatchSweep::is_missing)).
///
/// A row of an attention pattern is a distribution over the keys of its own prompt, so it cannot be moved to another
/// prompt as a whole: whole rows are refused. Patterns and scores are patched entry by entry
/// ([`Patching::pattern_entries`](super::Patching::pattern_entries)), each from the counterparts of its query and its key.
///
/// A metric that looks at a position counted from the start ([`Metric::at`](super::Metric::at)) looks there in the corrupt
/// prompt and at its counterpart in the clean one; one counted from the end is each prompt's own. Between prompts,
/// integrated gradients go as far as there are counterparts.
///
/// In an encoder-decoder the rule holds for what the encoder reads and for what the decoder reads, each by itself. Positions
/// given by hand are those of the source; what the decoder reads must then be of one length.
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
    /// Position by position; prompts of different length are refused. This holds where nothing else is said.
    #[default]
    SameLength,
    /// The first token answers to the first, and so on; the extra tokens at the end of the longer prompt have no
    /// counterpart.
    FromStart,
    /// The last token answers to the last, and so on; the extra tokens at the start of the longer prompt have no
    /// counterpart. The first token of the shorter prompt, even a `<bos>`, then answers to a later one.
    FromEnd,
    /// These pairs of positions in every text, clean and corrupt: see [`Alignment::positions`].
    Positions(Vec<(i64, i64)>),
    /// As [`Alignment::Positions`], with other pairs for each text.
    PositionsOfEach(Vec<Vec<(i64, i64)>>),
}

impl Alignment {
    /// These pairs of positions, the clean prompt's first, in every text; all others have no counterpart. They are counted
    /// as everywhere: -1 is a text's last token. No position is in two pairs.
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

    /// As [`Alignment::positions`], with other pairs for each text.
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

/// For each text and each position of the prompts that are run, the position of the others that answers to it.
#[derive(Clone, Debug)]
pub(super) struct Counterparts {
    /// Of what the only stack or the decoder reads.
    tokens: Rows,
    /// Of what the encoder of an encoder-decoder reads.
    source: Option<Rows>,
}

/// By text and position.
type Rows = Vec<Vec<Option<usize>>>;

impl Counterparts {
    /// For each position of the corrupt prompts, the clean one.
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

    /// The other way round, where the others have read this.
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

    /// Those of what one stack reads.
    fn rows(&self, stack: Stack) -> &Rows {
        self.source.as_ref().filter(|_| stack == Stack::Encoder).unwrap_or(&self.tokens)
    }

    pub(super) fn get(&self, stack: Stack, text: usize, position: usize) -> Option<usize> {
        self.rows(stack).get(text)?.get(position).copied().flatten()
    }

    /// What another run has at a site, each position at its counterpart; where there is none, what this run has.
    ///
    /// # Shapes
    /// As `here`.
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

/// The dimensions of a site's activation that count positions, each with the stack that reads what they count.
fn positions(config: &Config, site: Site) -> Vec<(usize, Stack)> {
    let counts = |(dim, axis): (usize, &Axis)| match axis {
        Axis::Pos | Axis::Query => Some((dim, config.reads_at(site))),
        Axis::Key => Some((dim, config.keys_at(site))),
        _ => None,
    };
    site.axes().iter().enumerate().filter_map(counts).collect()
}
