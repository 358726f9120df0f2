//! Text to tokens and back, as this model has it.

use super::Model;
use crate::{
    Result,
    error::TextError,
    text::{Row, ToTokens, Tokenizer, Tokens},
};

impl Model {
    /// The tokens of a text, several texts, or ids.
    ///
    /// Whether a text gets a beginning-of-text token in front is for the model's own files to say (`add_bos_token`);
    /// where they say nothing it does, as in TransformerLens, when there is such a token. Whether it did is shown,
    /// and told by [`Tokens::bos_prepended`]; [`Model::to_tokens`] gives the choice. Ids are taken as they are.
    ///
    /// # Errors
    /// When the text is empty or longer than the model reads, an id or word is outside the vocabulary, rows differ in
    /// length, or text is given to a model without tokenizer.
    pub fn tokens(&self, input: impl ToTokens) -> Result<Tokens> {
        input.to_tokens(self)
    }

    /// The tokens of a text, with the choice whether a beginning-of-text token goes in front.
    ///
    /// # Errors
    /// As [`Model::tokens`]; also when the token is asked for and this model has none.
    pub fn to_tokens(&self, text: &str, prepend_bos: bool) -> Result<Tokens> {
        self.tokenize(&[text], Some(prepend_bos))
    }

    /// The text of ids.
    ///
    /// # Errors
    /// When the model has no tokenizer or an id is outside the vocabulary.
    pub fn to_string(&self, ids: &[u32]) -> Result<String> {
        self.check_ids(ids)?;
        self.need_tokenizer()?.decode(ids)
    }

    /// The id of a text that is exactly one token, such as `" Mary"`.
    ///
    /// # Errors
    /// When it is several tokens; the error shows them.
    pub fn to_single_token(&self, text: &str) -> Result<u32> {
        let tokenizer = self.need_tokenizer()?;
        // A piece of the vocabulary is what was meant, even where encoding it alone would put a space before it.
        if let Ok(id) = tokenizer.id_of(text) {
            return Ok(id);
        }
        let ids = tokenizer.encode(text)?.ids;
        match ids[..] {
            [id] => Ok(id),
            _ => {
                let pieces = ids.iter().map(|&id| format!("{:?}", self.token_text(id))).collect::<Vec<_>>().join(", ");
                Err(TextError::NotSingleToken { text: text.into(), count: ids.len(), pieces }.into())
            }
        }
    }

    /// How a token prints; `#17` when the model has no tokenizer.
    pub fn token_text(&self, id: u32) -> String {
        self.tokenizer().map_or_else(|| format!("#{id}"), |tokenizer| tokenizer.token_text(id))
    }

    fn need_tokenizer(&self) -> Result<&Tokenizer> {
        self.tokenizer().ok_or_else(|| TextError::NoTokenizer.into())
    }

    /// `bos`: `None` leaves it to the model's files.
    pub(crate) fn tokenize(&self, texts: &[&str], bos: Option<bool>) -> Result<Tokens> {
        let tokenizer = self.need_tokenizer()?;
        let bos_id = match (bos.or(tokenizer.special_ids().adds_bos), tokenizer.bos()) {
            (Some(false), _) | (None, None) => None,
            (Some(true), None) if bos.is_some() => return Err(TextError::NoBos.into()),
            (Some(true), None) => None,
            (_, Some(id)) => Some(id),
        };
        let mut prepended = false;
        let mut row = |text: &&str| -> Result<Row> {
            let mut encoded = tokenizer.encode(text)?;
            if let Some(id) = bos_id.filter(|id| encoded.ids.first() != Some(id)) {
                encoded.ids.insert(0, id);
                encoded.spans.insert(0, 0..0);
                prepended = true;
            }
            let strings = encoded.ids.iter().map(|&id| self.token_text(id)).collect();
            Ok(Row { ids: encoded.ids, strings, spans: encoded.spans })
        };
        let rows = texts.iter().map(&mut row).collect::<Result<Vec<_>>>()?;
        let tokens = Tokens::new(rows, prepended)?;
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// What the decoder of an encoder-decoder reads when nothing was said: its starting token, for each text.
    pub(crate) fn decoder_start(&self, batch: usize) -> Result<Tokens> {
        let start = self.config().decoder_start.unwrap_or(0);
        self.tokens_from_ids(&vec![[start].as_slice(); batch])
    }

    /// What the decoder of an encoder-decoder reads: the input, its starting token in front where it has none.
    pub(crate) fn target_tokens(&self, input: impl ToTokens) -> Result<Tokens> {
        let start = self.config().decoder_start.unwrap_or(0);
        let tokens = self.tokens(input)?;
        let shifted = |text| {
            let ids = &tokens.ids(text)[tokens.real(text)];
            let first = (ids.first() != Some(&start)).then_some(start);
            first.into_iter().chain(ids.iter().copied()).collect::<Vec<u32>>()
        };
        (0..tokens.batch()).map(shifted).collect::<Vec<_>>().to_tokens(self)
    }

    pub(crate) fn tokens_from_ids(&self, rows: &[&[u32]]) -> Result<Tokens> {
        let row = |ids: &&[u32]| {
            let strings = ids.iter().map(|&id| self.token_text(id)).collect();
            Row { ids: ids.to_vec(), strings, spans: vec![0..0; ids.len()] }
        };
        let tokens = Tokens::new(rows.iter().map(row).collect(), false)?;
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    pub(crate) fn check_tokens(&self, tokens: &Tokens) -> Result<()> {
        let n_ctx = self.config().n_ctx;
        if tokens.len() > n_ctx {
            return Err(TextError::TooLong { got: tokens.len(), n_ctx }.into());
        }
        (0..tokens.batch()).try_for_each(|text| self.check_ids(tokens.ids(text)))
    }

    fn check_ids(&self, ids: &[u32]) -> Result<()> {
        let d_vocab = self.config().d_vocab;
        match ids.iter().find(|id| **id as usize >= d_vocab) {
            Some(&id) => Err(TextError::IdOutOfRange { id, d_vocab }.into()),
            None => Ok(()),
        }
    }
}
