//! The output of a tokenizer: [`Encoded`], the ids of a text, and [`SpecialIds`], the ids of special tokens.

use std::ops::Range;

/// Token ids, and the characters of the text that each covers.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let tokenizer = Model::open("induction-2l")?.tokenizer().unwrap();
/// let encoded = tokenizer.encode("red fox")?;
/// assert_eq!((encoded.ids.len(), &encoded.spans[1]), (2, &(4..7))); // the characters of "fox"
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Token ids, `[pos]`.
    pub ids: Vec<u32>,
    /// The characters (not bytes) of the text that each token covers, `[pos]`. If several tokens share a character, the
    /// span of each contains it. A token that is not in the text, such as a special one, has an empty span.
    pub spans: Vec<Range<usize>>,
    /// The text that each token belongs to, `[pos]`: 0, or 1 for the second text of a pair if the tokenizer
    /// distinguishes them.
    pub types: Vec<u32>,
}

/// The ids of the special tokens that the tokenizer has.
///
/// # Examples
/// ```
/// use glassbox::Model;
/// let tokenizer = Model::open("induction-2l")?.tokenizer().expect("it ships with one");
/// let special = tokenizer.special_ids();
/// assert_eq!(special.bos.map(|id| tokenizer.token_text(id)).as_deref(), Some("<bos>"));
/// assert_eq!(special.mask, None);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialIds {
    /// Beginning of text.
    pub bos: Option<u32>,
    /// Ends of text; any of them stops generation.
    pub eos: Vec<u32>,
    /// Padding.
    pub pad: Option<u32>,
    /// The token for anything outside the vocabulary.
    pub unk: Option<u32>,
    /// The first token of encoders such as BERT.
    pub cls: Option<u32>,
    /// The token between and after texts of encoders such as BERT.
    pub sep: Option<u32>,
    /// The blank that a masked language model fills in.
    pub mask: Option<u32>,
    /// Whether the model was trained with `bos` before every text, if its files say so.
    pub adds_bos: Option<bool>,
    /// Special tokens that the model's files name by an id outside the tokenizer, such as `eos_token_id = 50256`.
    pub unknown: Vec<String>,
}

impl SpecialIds {
    /// The ids of all special tokens.
    pub(crate) fn all(&self) -> Vec<u32> {
        let once = [self.bos, self.pad, self.unk, self.cls, self.sep, self.mask];
        once.into_iter().flatten().chain(self.eos.iter().copied()).collect()
    }
}

impl Encoded {
    /// Prepends a token that covers no text.
    pub(crate) fn prepend(&mut self, id: u32) {
        self.ids.insert(0, id);
        self.spans.insert(0, 0..0);
        self.types.insert(0, 0);
    }
}

impl From<tokenizers::Encoding> for Encoded {
    fn from(encoding: tokenizers::Encoding) -> Self {
        let spans = encoding.get_offsets().iter().map(|&(start, end)| start..end).collect();
        Self { ids: encoding.get_ids().to_vec(), spans, types: encoding.get_type_ids().to_vec() }
    }
}
