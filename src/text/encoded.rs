//! What a tokenizer gives: [`Encoded`], the ids of a text, and [`SpecialIds`], those that stand for no text.

use std::ops::Range;

/// Token ids with the characters of the text that each stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Token ids, `[pos]`.
    pub ids: Vec<u32>,
    /// The characters (not bytes) of the text that each token covers, `[pos]`. A character that takes several
    /// tokens is in the span of each; a token that is not in the text, such as a special one, has an empty span.
    pub spans: Vec<Range<usize>>,
    /// Which of two texts each token belongs to, `[pos]`: 0, or 1 for the second of a pair where the tokenizer tells
    /// them apart.
    pub types: Vec<u32>,
}

/// The ids of the tokens that are not text, where the tokenizer has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialIds {
    /// Beginning of text.
    pub bos: Option<u32>,
    /// Ends of text: any of them stops a generation.
    pub eos: Vec<u32>,
    /// Padding.
    pub pad: Option<u32>,
    /// Stands for what is not in the vocabulary.
    pub unk: Option<u32>,
    /// Put first by encoders such as BERT.
    pub cls: Option<u32>,
    /// Put between and after texts by encoders such as BERT.
    pub sep: Option<u32>,
    /// The blank that a masked language model fills.
    pub mask: Option<u32>,
    /// Whether the model was made to see `bos` before every text, where its files say so.
    pub adds_bos: Option<bool>,
    /// Those that the model's files name by an id which the tokenizer has no token for, such as `eos_token_id = 50256`.
    pub unknown: Vec<String>,
}

impl SpecialIds {
    /// The ids of all of them.
    pub(crate) fn all(&self) -> Vec<u32> {
        let once = [self.bos, self.pad, self.unk, self.cls, self.sep, self.mask];
        once.into_iter().flatten().chain(self.eos.iter().copied()).collect()
    }
}

impl Encoded {
    /// Puts a token that stands for no text first.
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
