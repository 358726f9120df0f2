//! Pads texts of different lengths, so that they form a batch.

use super::{Tokens, tokens::Row};
use crate::{Result, index::ToIndex};
use candle_core::Tensor;
use std::{fmt, ops::Range, sync::Arc};

/// The side on which the shorter texts of a batch are padded.
///
/// The default is the right, as in TransformerLens. Tokens record which positions are padding, so a model can ignore
/// them: see [`Tokens::real`].
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, text::Padding};
/// let model = Model::open("induction-2l")?;
/// let tokens = model.tokens(["red", "red fox blue"])?;
/// assert_eq!(tokens.strings(0), ["<bos>", "red", "<bos>", "<bos>"]);
/// assert_eq!((tokens.padding(), tokens.real(0)), (Some(Padding::Right), 0..2));
///
/// let tokens = tokens.padded(Padding::Left);
/// assert_eq!(tokens.strings(0), ["<bos>", "<bos>", "<bos>", "red"]);
/// assert_eq!((tokens.real(0), tokens.real(1)), (2..4, 0..4));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Before the text: all texts end at the same position, as generation needs.
    Left,
    /// After the text: all texts begin at the same position.
    Right,
}

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Right => "right",
        })
    }
}

/// The token used as padding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filler {
    pub(crate) id: u32,
    pub(crate) string: Arc<str>,
}

impl Tokens {
    /// Returns the same texts, padded on this side.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens(["red", "red fox blue"])?.padded(Padding::Left);
    /// assert_eq!(tokens.real(0), 2..4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn padded(&self, side: Padding) -> Self {
        let len = self.lengths().into_iter().max().unwrap_or(0);
        let rows = self.rows.iter().map(|row| row.padded(side, len, &self.filler)).collect();
        Self { rows, padding: side, ..self.clone() }
    }

    /// The side of the padding; `None` if all texts have one length.
    pub fn padding(&self) -> Option<Padding> {
        self.is_padded().then_some(self.padding)
    }

    /// Whether any text is shorter than the longest.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert!(model.tokens(["red", "red fox"])?.is_padded() && !model.tokens("red fox")?.is_padded());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn is_padded(&self) -> bool {
        self.rows.iter().any(|row| row.real.len() < row.ids.len())
    }

    /// The positions of one text that are not padding; empty if there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens(["red", "red fox blue"])?;
    /// assert_eq!((tokens.real(0), tokens.real(1)), (0..2, 0..4)); // padded on the right
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn real(&self, text: impl ToIndex) -> Range<usize> {
        self.row(text).real.clone()
    }

    /// The number of tokens of each text without padding.
    ///
    /// # Shapes
    /// `[batch]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.tokens(["red", "red fox blue"])?.lengths(), [2, 4]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn lengths(&self) -> Vec<usize> {
        self.rows.iter().map(|row| row.real.len()).collect()
    }

    /// Returns 1 for each token and 0 for padding: the attention mask of other libraries.
    ///
    /// # Shapes
    /// `[batch, pos]`, unsigned 32-bit.
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let mask = model.tokens(["red", "red fox blue"])?.to_mask_tensor()?;
    /// assert_eq!(mask.to_vec2::<u32>()?, [[1, 1, 0, 0], [1, 1, 1, 1]]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_mask_tensor(&self) -> Result<Tensor> {
        self.tensor(self.each(|real, position| u32::from(real.contains(&position))))
    }

    /// The position of each token in its own text, counted from 0, so that padding on the left does not shift a text; 0
    /// for padding, as in TransformerLens. A model that skips padding tokens inside a text when it counts
    /// ([`Config::unplaced_token`](crate::config::Config)) does so itself.
    ///
    /// # Shapes
    /// `[batch * pos]`, text after text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::{prelude::*, text::Padding};
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.tokens(["red", "red fox blue"])?.padded(Padding::Left);
    /// assert_eq!(tokens.position_ids(), [0, 0, 0, 1, 0, 1, 2, 3]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn position_ids(&self) -> Vec<u32> {
        self.each(|real, position| if real.contains(&position) { (position - real.start) as u32 } else { 0 })
    }

    /// A number for each position, computed from the range of the text and the position.
    fn each(&self, value: impl Fn(&Range<usize>, usize) -> u32) -> Vec<u32> {
        let value = &value;
        self.rows.iter().flat_map(|row| (0..self.len()).map(move |position| value(&row.real, position))).collect()
    }
}

impl Row {
    /// The same text, padded to `len`.
    fn padded(&self, side: Padding, len: usize, filler: &Filler) -> Self {
        let missing = len - self.real.len();
        let start = match side {
            Padding::Left => missing,
            Padding::Right => 0,
        };
        Self {
            ids: filled(&self.ids[self.real.clone()], filler.id, start, len),
            strings: filled(&self.strings[self.real.clone()], filler.string.to_string(), start, len),
            spans: filled(&self.spans[self.real.clone()], 0..0, start, len),
            types: filled(&self.types[self.real.clone()], 0, start, len),
            text: self.text.clone(),
            real: start..start + self.real.len(),
        }
    }
}

/// `len` values: `values` from `start` on, the filler before and after.
fn filled<T: Clone>(values: &[T], filler: T, start: usize, len: usize) -> Vec<T> {
    let mut filled = vec![filler; len];
    filled[start..start + values.len()].clone_from_slice(values);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    fn batch() -> Tokens {
        Model::open("induction-2l").unwrap().tokens(["red fox", "owl", "red fox blue owl"]).unwrap()
    }

    #[test]
    fn padding_moves_every_row_of_facts_together_and_back() {
        let (right, left) = (batch(), batch().padded(Padding::Left));
        for text in 0..3 {
            let (a, b) = (right.real(text), left.real(text));
            assert_eq!((a.start, b.end, a.len()), (0, 5, right.lengths()[text]));
            assert_eq!(right.ids(text)[a.clone()], left.ids(text)[b.clone()]);
            assert_eq!(right.strings(text)[a.clone()], left.strings(text)[b.clone()]);
            assert_eq!(right.spans(text)[a], left.spans(text)[b]);
        }
        assert_ne!(right, left);
        assert_eq!(left.padded(Padding::Right), right);
    }

    #[test]
    fn mask_and_positions_are_those_of_the_attention_mask() {
        for tokens in [batch(), batch().padded(Padding::Left)] {
            let mask = tokens.to_mask_tensor().unwrap().to_vec2::<u32>().unwrap();
            // As other libraries derive them from an attention mask: the running sum minus one, 0 under padding.
            let positions = |row: &Vec<u32>| {
                let count = |i: usize| if row[i] == 0 { 0 } else { row[..i].iter().sum::<u32>() };
                (0..row.len()).map(count).collect::<Vec<_>>()
            };
            assert_eq!(tokens.position_ids(), mask.iter().flat_map(positions).collect::<Vec<_>>());
            assert_eq!(mask.iter().map(|row| row.iter().sum::<u32>() as usize).collect::<Vec<_>>(), tokens.lengths());
        }
    }

    #[test]
    fn texts_of_one_length_are_not_padded() {
        let tokens = Model::open("induction-2l").unwrap().tokens(["red fox", "blue owl"]).unwrap();
        assert_eq!((tokens.is_padded(), tokens.padding(), tokens.len()), (false, None, 3));
        assert_eq!(tokens.ids(1), tokens.padded(Padding::Left).ids(1));
    }
}
