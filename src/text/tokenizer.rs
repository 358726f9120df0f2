//! [`Tokenizer`]: reads a `tokenizer.json` and turns text into token ids and back.
//!
//! It wraps Hugging Face's [tokenizers](https://github.com/huggingface/tokenizers) library.
mod lookup;

use std::{
    collections::{HashSet, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PostProcessor, PostProcessorWrapper,
    PreTokenizedString, PreTokenizer,
};

use super::{Encoded, SpecialIds, check, pieces::Pieces, precompiled};
use crate::{
    error::{Error, LoadError, Result, TextError, nearest, no_json},
    index::Counted,
};

/// Turns text into token ids and back. Cheap to clone.
///
/// It does exactly what it is told, whatever its file asks for: it adds no special tokens, truncates and pads nothing,
/// and never applies dropout (random merges, which are for training).
///
/// ```
/// use glassbox::text::Tokenizer;
/// let json = r#"{"model": {"type": "WordLevel", "vocab": {"the": 0, "cat": 1, "sat": 2}, "unk_token": "?"},
///                "pre_tokenizer": {"type": "WhitespaceSplit"}, "added_tokens": [], "normalizer": null,
///                "post_processor": null, "decoder": null, "version": "1.0", "truncation": null, "padding": null}"#;
/// let tokenizer = Tokenizer::from_bytes(json.as_bytes())?;
/// let encoded = tokenizer.encode("the cat sat")?;
/// assert_eq!(encoded.ids, [0, 1, 2]);
/// assert_eq!(encoded.spans[1], 4..7);
/// assert_eq!(tokenizer.token_text(1), "cat");
/// assert!(tokenizer.encode("the cta sat").unwrap_err().to_string().contains("`cat`"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Tokenizer(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    tokenizer: tokenizers::Tokenizer,
    post: Option<PostProcessorWrapper>,
    pieces: Pieces,
    /// Whether some pieces are a space followed by the beginning of a word.
    spaced: bool,
    added: HashSet<u32>,
    d_vocab: usize,
    special: SpecialIds,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fail = |source| Error::io(format!("{} cannot be read", path.display()), source);
        crate::files::opened(&std::fs::metadata(path).map_err(fail)?);
        Self::parse(&std::fs::read(path).map_err(fail)?, path)
    }

    /// Reads the text of a `tokenizer.json`.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn from_bytes(json: &[u8]) -> Result<Self> {
        Self::parse(json, Path::new("tokenizer.json"))
    }

    /// Like [`from_bytes`](Self::from_bytes), with the path for the error message.
    pub(crate) fn parse(json: &[u8], path: &Path) -> Result<Self> {
        let damaged = |why: String| LoadError::Damaged { path: PathBuf::from(path), what: "a tokenizer", why };
        // Two steps, because the library panics on text that is not JSON.
        let json: serde_json::Value = serde_json::from_slice(json).map_err(|why| damaged(no_json(&why)))?;
        json.get("normalizer").map_or(Ok(()), precompiled::check).map_err(damaged)?;
        check::check(&json).map_err(damaged)?;
        // Truncation, padding and dropout are removed from the file, so that they cannot fail.
        let without = |mut json: serde_json::Value| {
            json.as_object_mut()
                .into_iter()
                .for_each(|file| file.retain(|key, _| !["padding", "truncation"].contains(&&**key)));
            json.get_mut("model").and_then(|model| model.as_object_mut()?.remove("dropout"));
            json
        };
        let built = guarded(|| serde_json::from_value::<tokenizers::Tokenizer>(without(json.clone())));
        let mut tokenizer = built.map_err(|()| damaged(PANICKED.into()))?.map_err(|_| damaged(check::part(&json)))?;
        check::check_ids(&json, &tokenizer).map_err(damaged)?;
        // Kept separately, because it also trims the spans of byte-level tokens.
        let post = tokenizer.get_post_processor().cloned();
        tokenizer.with_post_processor(None::<PostProcessorWrapper>);
        let added = tokenizer.get_added_tokens_decoder().into_keys().collect();
        let vocabulary = tokenizer.get_vocab(true);
        let d_vocab = vocabulary.values().max().map_or(0, |&id| id as usize + 1);
        let pieces = Pieces::of(&tokenizer);
        let spaced = vocabulary.keys().any(|piece| pieces.begins_a_word(piece));
        let special = SpecialIds::default();
        Ok(Self(Arc::new(Inner { tokenizer, post, pieces, spaced, added, d_vocab, special })))
    }

    /// The content of a `tokenizer.json` for an equal tokenizer. It does not contain all special tokens.
    pub(crate) fn to_json(&self) -> Result<String> {
        let mut tokenizer = self.0.tokenizer.clone();
        tokenizer.with_post_processor(self.0.post.clone());
        worked("the tokenizer itself", || tokenizer.to_string(true))
    }

    /// Returns the token ids of `text` and the characters that each covers. Adds no special tokens; special tokens that
    /// are written in the text (`<|endoftext|>`) are recognised.
    ///
    /// # Errors
    /// When a word is missing from a whole-word vocabulary; the error lists the nearest words.
    pub fn encode(&self, text: &str) -> Result<Encoded> {
        Ok(self.raw(text)?.into())
    }

    /// Like [`encode`](Self::encode), with the special tokens that the tokenizer's file asks for, such as BERT's
    /// `[CLS]` and `[SEP]`.
    ///
    /// # Errors
    /// Same as [`encode`](Self::encode).
    pub fn encode_with_special(&self, text: &str) -> Result<Encoded> {
        self.framed(&[text])
    }

    /// Encodes two texts as one: `[CLS] first [SEP] second [SEP]` for BERT. The spans of the second text continue those
    /// of the first, with one character between them for a line break.
    ///
    /// # Errors
    /// Same as [`encode`](Self::encode); also when the tokenizer's file puts nothing between two texts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::text::Tokenizer;
    /// let json = r#"{"model": {"type": "WordLevel", "vocab": {"[CLS]": 0, "[SEP]": 1, "red": 2}, "unk_token": "?"},
    ///                "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 0], "sep": ["[SEP]", 1]},
    ///                "pre_tokenizer": {"type": "WhitespaceSplit"}, "added_tokens": [], "normalizer": null,
    ///                "decoder": null, "version": "1.0", "truncation": null, "padding": null}"#;
    /// let pair = Tokenizer::from_bytes(json.as_bytes())?.encode_pair("red", "red red")?;
    /// assert_eq!(pair.ids, [0, 2, 1, 2, 2, 1]);
    /// assert_eq!(pair.types, [0, 0, 0, 1, 1, 1]);
    /// assert_eq!(pair.spans[3..5], [4..7, 8..11]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn encode_pair(&self, first: &str, second: &str) -> Result<Encoded> {
        match self.0.post.as_ref().map_or(0, |post| post.added_tokens(true)) {
            0 => Err(TextError::NoPair.into()),
            _ => self.framed(&[first, second]),
        }
    }

    /// Encodes texts with the special tokens around and between them.
    fn framed(&self, texts: &[&str]) -> Result<Encoded> {
        let mut raw = texts.iter().map(|text| self.raw(text)).collect::<Result<VecDeque<_>>>()?;
        let mut spans = Vec::new();
        let mut start = 0;
        for (text, encoding) in texts.iter().zip(&raw) {
            spans.push(
                encoding.get_offsets().iter().map(|&(from, to)| start + from..start + to).collect::<VecDeque<_>>(),
            );
            start += text.chars().count() + 1;
        }
        let (first, second) = (raw.pop_front().unwrap_or_default(), raw.pop_front());
        let Some(post) = &self.0.post else { return Ok(first.into()) };
        let encoding = worked(&texts.join(" "), || post.process(first, second, true))?;
        // The spans from before: a byte-level processor cuts spaces off them.
        let text_of = encoding.get_sequence_ids();
        if texts.len() == 2 && !text_of.contains(&Some(1)) {
            return Err(TextError::NoPair.into());
        }
        let spans =
            text_of.into_iter().map(|text| spans.get_mut(text?)?.pop_front()).map(Option::unwrap_or_default).collect();
        Ok(Encoded { spans, ..encoding.into() })
    }

    fn raw(&self, text: &str) -> Result<tokenizers::Encoding> {
        let encoding = guarded(|| self.0.tokenizer.encode_char_offsets(text, false));
        // The library's own messages are not meant for users, and it fails almost only on unknown words.
        let word = || guarded(|| self.unknown_word(text)).ok().flatten();
        match encoding {
            Ok(Ok(encoding)) => Ok(encoding),
            Ok(Err(_)) => Err(word().map_or_else(|| failed(text, REFUSED), |word| self.unknown(word).into())),
            Err(()) => Err(failed(text, PANICKED)),
        }
    }

    fn unknown(&self, word: String) -> TextError {
        let size = self.0.tokenizer.get_vocab_size(true);
        let near = nearest(&word, self.0.tokenizer.get_vocab(true).into_keys(), 3);
        let nearest = near.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        TextError::UnknownWord { word, size, nearest }
    }

    /// Returns the first word of the text that the vocabulary lacks, as the tokenizer splits it.
    fn unknown_word(&self, text: &str) -> Option<String> {
        let mut text = NormalizedString::from(text);
        if let Some(normalizer) = self.0.tokenizer.get_normalizer() {
            normalizer.normalize(&mut text).ok()?;
        }
        let mut words = PreTokenizedString::from(text);
        if let Some(splitter) = self.0.tokenizer.get_pre_tokenizer() {
            splitter.pre_tokenize(&mut words).ok()?;
        }
        let words = words.get_splits(OffsetReferential::Original, OffsetType::Char);
        words.into_iter().map(|(word, ..)| word.to_owned()).find(|word| self.find_id(word).is_none())
    }

    /// Returns the text of token ids, including special tokens.
    ///
    /// # Errors
    /// When an id is not in the vocabulary.
    pub fn decode(&self, ids: impl AsRef<[u32]>) -> Result<String> {
        let ids = ids.as_ref();
        if let Some(&id) = ids.iter().find(|&&id| !self.has_id(id)) {
            let known = Counted::new("token id", "this tokenizer has ids", self.d_vocab());
            return Err(known.beyond(id.into()));
        }
        worked(&format!("{ids:?}"), || self.0.tokenizer.decode(ids, false))
    }

    /// Returns one token as printed text: a leading space is a space, and bytes that are not complete characters are
    /// written `\xE2`. An id outside the vocabulary is written `<id 50257>`.
    pub fn token_text(&self, id: u32) -> String {
        match self.0.tokenizer.id_to_token(id) {
            Some(piece) if self.0.added.contains(&id) => piece,
            Some(piece) => self.0.pieces.text(&piece),
            None => format!("<id {id}>"),
        }
    }

    /// Returns the id of one token, written as [`token_text`](Self::token_text) prints it (`" Mary"`) or as the
    /// vocabulary spells it (`"ĠMary"`).
    ///
    /// # Errors
    /// When the text is not a single token; the error shows its tokens, or the nearest words of the vocabulary.
    pub fn id_of(&self, token: &str) -> Result<u32> {
        if let Some(id) = self.0.pieces.spellings(token).iter().find_map(|piece| self.find_id(piece)) {
            return Ok(id);
        }
        if token.is_empty() {
            return Err(TextError::EmptyToken.into());
        }
        let encoded = self.encode(token)?;
        let covered = |at| encoded.spans.iter().any(|span| span.contains(&at));
        let dropped = token.chars().enumerate().any(|(at, letter)| !letter.is_whitespace() && !covered(at));
        // Some tokenizers silently drop unknown text.
        if dropped {
            return Err(self.unknown(token.to_owned()).into());
        }
        let ids = encoded.ids;
        let pieces = ids.iter().map(|&id| format!("`{}`", self.token_text(id))).collect::<Vec<_>>().join(", ");
        match ids[..] {
            [id] if Some(id) == self.0.special.unk => Err(self.unknown(token.to_owned()).into()),
            [id] => Ok(id),
            _ => Err(TextError::NotSingleToken { text: token.to_owned(), count: ids.len(), pieces }.into()),
        }
    }

    /// One more than the largest id. A model's `d_vocab` is larger if its embedding is padded.
    pub fn d_vocab(&self) -> usize {
        self.0.d_vocab
    }

    /// The beginning-of-text token.
    pub fn bos(&self) -> Option<u32> {
        self.0.special.bos
    }

    /// The end-of-text token: the first of [`SpecialIds::eos`].
    pub fn eos(&self) -> Option<u32> {
        self.0.special.eos.first().copied()
    }

    /// The padding token.
    pub fn pad(&self) -> Option<u32> {
        self.0.special.pad
    }

    /// All special tokens.
    pub fn special_ids(&self) -> SpecialIds {
        self.0.special.clone()
    }

    /// Whether the model was trained with [`bos`](Self::bos) before every text: its files say so, or the tokenizer's
    /// own special tokens begin with it.
    pub fn adds_bos(&self) -> bool {
        let begins = || Some(self.encode_with_special("").ok()?.ids.first().copied()? == self.bos()?);
        self.0.special.adds_bos.or_else(begins).unwrap_or(false)
    }

    /// Returns the same tokenizer with other special tokens.
    pub fn with_special_ids(&self, special: SpecialIds) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0.clone());
        inner.special = special;
        Self(Arc::new(inner))
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokenizer({} tokens)", self.d_vocab())
    }
}

const PANICKED: &str = "the tokenizers library panicked, so the file may be damaged; download it again";
const REFUSED: &str = "the tokenizers library cannot do it with this tokenizer.json; download the file again";

/// Runs a call into the library and catches its panics. The library's state is not used again after a panic.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, ()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(drop)
}

/// Runs a call into the library.
///
/// # Errors
/// When it fails or panics, with a message of this crate.
fn worked<T>(on: &str, work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T> {
    match guarded(work) {
        Ok(Ok(given)) => Ok(given),
        Ok(Err(_)) => Err(failed(on, REFUSED)),
        Err(()) => Err(failed(on, PANICKED)),
    }
}

fn failed(on: &str, why: &str) -> Error {
    let what = match on.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", on.get(..end).unwrap_or_default()),
        None => format!("`{on}`"),
    };
    TextError::Tokenizer { what, why: why.to_owned() }.into()
}
