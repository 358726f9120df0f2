//! Converts text to tokens and back, as this model reads it.

use super::{Architecture, Model};
use crate::{
    Result,
    error::TextError,
    index::Counted,
    model::{ToIds, ToTexts, ToTokens},
    text::{Encoded, Filler, Occurrence, Row, Tokenizer, Tokens},
};

impl Model {
    /// Returns the tokens of a text, of several texts, or of ids.
    ///
    /// The model's own files say whether a beginning-of-text token is put before a text (`add_bos_token`). If they say
    /// nothing, it is put there if the tokenizer has one, as in TransformerLens. [`Tokens::bos_prepended`] returns
    /// whether it was, and [`Model::to_tokens`] lets you choose. Ids are taken as they are.
    ///
    /// Texts of different lengths are padded on the right; [`Tokens::padded`] moves the padding to the left. The
    /// padding token is the tokenizer's own or, if it has none, its end-of-text token, its beginning-of-text token, or
    /// id 0.
    ///
    /// # Errors
    /// When a text is empty or longer than the model's context, an id or word is outside the vocabulary, or the model
    /// has no tokenizer for a text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens(["red fox", "owl"])?;
    /// assert_eq!((tokens.batch(), tokens.lengths()), (2, vec![3, 2])); // with <bos>
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "to_tokens")]
    pub fn tokens(&self, input: impl ToTokens) -> Result<Tokens> {
        input.to_tokens(self)
    }

    /// Returns the tokens of one or several texts, with or without a beginning-of-text token before each. The special
    /// tokens that an encoder's tokenizer puts around a text (`[CLS]`, `[SEP]`) do not count as one, and stay in either
    /// case.
    ///
    /// # Errors
    /// As [`Model::tokens`], and when the token is asked for and the tokenizer has none.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.to_tokens(["red fox", "blue owl"], false)?;
    /// assert_eq!(tokens.strings(1), ["blue", "owl"]);
    /// assert!(!tokens.bos_prepended() && model.to_tokens("red", true)?.bos_prepended());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "prepend_bos")]
    pub fn to_tokens(&self, texts: impl ToTexts, prepend_bos: bool) -> Result<Tokens> {
        self.tokenize(&texts.to_texts(), Some(prepend_bos))
    }

    /// Returns two texts as one input, for a model that was trained on pairs such as BERT: `[CLS] first [SEP] second
    /// [SEP]`. [`Tokens::token_types`] says which token belongs to which text.
    ///
    /// # Errors
    /// As [`Model::tokens`], and when this model's tokenizer does not put anything between two texts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?; // trained on single texts
    /// let error = model.pair("red fox", "blue owl").unwrap_err();
    /// assert!(error.to_string().contains("no special tokens between two texts"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn pair(&self, first: &str, second: &str) -> Result<Tokens> {
        let encoded = self.need_tokenizer()?.encode_pair(first, second)?;
        self.checked(vec![self.row(encoded, Some(format!("{first}\n{second}")))], false)
    }

    /// The text of ids, or of [`Tokens`].
    ///
    /// # Errors
    /// When the model has no tokenizer, an id is outside the vocabulary, or there are several texts.
    pub fn to_string(&self, ids: impl ToIds) -> Result<String> {
        let ids = ids.to_ids()?;
        self.check_ids(&ids)?;
        self.need_tokenizer()?.decode(&ids)
    }

    /// Returns the tokens of a text as strings.
    ///
    /// # Errors
    /// As [`Model::tokens`], and for several texts, whose tokens are `model.tokens(texts)?.strings(i)`.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.to_str_tokens("red fox")?, ["<bos>", "red", "fox"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_str_tokens(&self, input: impl ToTokens) -> Result<Vec<String>> {
        let tokens = self.tokens(input)?;
        match tokens.batch() {
            1 => Ok(tokens.row(0).strings[tokens.real(0)].to_vec()),
            texts => Err(TextError::SeveralTexts { what: "to_str_tokens", texts }.into()),
        }
    }

    /// Returns the id of a text that is exactly one token, such as `" Mary"`. It is looked up in the vocabulary as
    /// written, as in TransformerLens. Answers do not need it: `run.probability("Mary", -1)` puts [a space where one
    /// belongs](crate::model::AnswerWord#the-space-before-a-word).
    ///
    /// # Errors
    /// When the text is several tokens, which the error shows, or the model has no embedding for it.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let id = model.to_single_token("owl")?;
    /// assert_eq!(model.token_text(id), "owl");
    /// assert!(model.to_single_token("red fox").is_err()); // two tokens
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_single_token(&self, text: &str) -> Result<u32> {
        // A piece of the vocabulary is what was meant, even where encoding it alone would put a space before it.
        let id = self.need_tokenizer()?.id_of(text)?;
        // A tokenizer may know more than the model: then the embedding has no row for it, and no logit is its own.
        self.ids().at(id as usize).map(|_| id)
    }

    /// Returns the string of one token.
    ///
    /// # Errors
    /// When the model has no tokenizer, or the id is outside the vocabulary.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.to_single_str_token(model.to_single_token("fox")?)?, "fox");
    /// assert!(model.to_single_str_token(9999).unwrap_err().is_out_of_range());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_single_str_token(&self, id: u32) -> Result<String> {
        self.check_ids(&[id])?;
        Ok(self.need_tokenizer()?.token_text(id))
    }

    /// Returns the position of a token in an input, or in the first of several texts: TransformerLens's
    /// `get_token_position`. [`Tokens::find`] finds words of several tokens.
    ///
    /// # Errors
    /// As [`Model::tokens`], and when no token prints as this string; the error lists the tokens.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::{prelude::*, text::Occurrence};
    /// let model = Model::open("induction-2l")?;
    /// let text = "red fox blue owl red fox"; // <bos> is at 0
    /// assert_eq!(model.token_position("fox", text, Occurrence::First)?, 2);
    /// assert_eq!(model.token_position("fox", text, Occurrence::Last)?, 6);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "get_token_position")]
    pub fn token_position(&self, token: &str, input: impl ToTokens, which: Occurrence) -> Result<usize> {
        self.tokens(input)?.occurrence(token, which)
    }

    /// The string of a token; `#17` if the model has no tokenizer.
    pub fn token_text(&self, id: u32) -> String {
        self.tokenizer().map_or_else(|| format!("#{id}"), |tokenizer| tokenizer.token_text(id))
    }

    /// The ids of a text alone, without any special token.
    pub(crate) fn bare_ids(&self, text: &str) -> Result<Vec<u32>> {
        let ids = self.need_tokenizer()?.encode(text)?.ids;
        self.check_ids(&ids)?;
        Ok(ids)
    }

    fn need_tokenizer(&self) -> Result<Tokenizer> {
        self.tokenizer().ok_or_else(|| TextError::NoTokenizer.into())
    }

    /// `bos`: `None` leaves it to the model's files.
    pub(crate) fn tokenize(&self, texts: &[&str], bos: Option<bool>) -> Result<Tokens> {
        self.tokenize_as(texts, bos, self.config().architecture != Architecture::Decoder)
    }

    /// `special`: with whatever special tokens the tokenizer's file asks for, as encoders read text. They are no
    /// beginning of text, so that `bos` neither asks for them nor leaves them out.
    fn tokenize_as(&self, texts: &[&str], bos: Option<bool>, special: bool) -> Result<Tokens> {
        let tokenizer = &self.need_tokenizer()?;
        let bos_id = if special && bos != Some(true) { None } else { bos_id(tokenizer, bos)? };
        let mut prepended = false;
        let mut row = |text: &&str| -> Result<Row> {
            let mut encoded = match special {
                true => tokenizer.encode_with_special(text)?,
                false => tokenizer.encode(text)?,
            };
            if let Some(id) = bos_id.filter(|id| encoded.ids.first() != Some(id)) {
                encoded.prepend(id);
                prepended = true;
            }
            Ok(self.row(encoded, Some((*text).into())))
        };
        let rows = texts.iter().map(&mut row).collect::<Result<Vec<_>>>()?;
        self.checked(rows, prepended)
    }

    pub(crate) fn tokens_from_ids(&self, rows: &[&[u32]]) -> Result<Tokens> {
        let encoded =
            |ids: &&[u32]| Encoded { ids: ids.to_vec(), spans: vec![0..0; ids.len()], types: vec![0; ids.len()] };
        self.checked(rows.iter().map(|ids| self.row(encoded(ids), None)).collect(), false)
    }

    fn row(&self, encoded: Encoded, text: Option<String>) -> Row {
        Row::new(encoded, text, |id| self.token_text(id))
    }

    fn checked(&self, rows: Vec<Row>, bos_prepended: bool) -> Result<Tokens> {
        let id = self.filler_id();
        let tokens = Tokens::new(rows, bos_prepended, Filler { id, string: self.token_text(id).into() })?;
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// What fills up a text that is shorter than its neighbours.
    fn filler_id(&self) -> u32 {
        let known = |tokenizer: Tokenizer| {
            let ids = [tokenizer.pad(), tokenizer.eos(), tokenizer.bos()];
            ids.into_iter().flatten().find(|&id| self.check_ids(&[id]).is_ok())
        };
        self.tokenizer().and_then(known).unwrap_or(0)
    }

    pub(crate) fn check_tokens(&self, tokens: &Tokens) -> Result<()> {
        let n_ctx = self.config().n_ctx;
        if tokens.len() > n_ctx {
            return Err(TextError::TooLong { got: tokens.len(), n_ctx }.into());
        }
        (0..tokens.batch()).try_for_each(|text| {
            self.check_ids(&tokens.row(text).ids)?;
            self.check_token_types(&tokens.row(text).types)
        })
    }

    fn check_token_types(&self, types: &[u32]) -> Result<()> {
        match self.config().n_token_types {
            // A model that knows none reads every text alike.
            0 => Ok(()),
            known => Counted::new("token type", "this model knows types", known).all_at(types),
        }
    }

    fn check_ids(&self, ids: &[u32]) -> Result<()> {
        self.ids().all_at(ids)
    }

    /// The ids that the model has an embedding for.
    pub(crate) fn ids(&self) -> Counted {
        Counted::ids(self.config().d_vocab)
    }
}

/// The token to put first, if any.
fn bos_id(tokenizer: &Tokenizer, asked: Option<bool>) -> Result<Option<u32>> {
    match (asked.or(tokenizer.special_ids().adds_bos), tokenizer.bos()) {
        (Some(false), _) => Ok(None),
        (Some(true), None) if asked.is_some() => Err(TextError::NoBos.into()),
        (_, bos) => Ok(bos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::Checkpoint,
        model::shipped,
        text::{Padding, SpecialIds},
    };

    /// The shipped model with the tokenizer of an encoder.
    fn encoder() -> Model {
        let special = |id: u32, content: &str| {
            serde_json::json!({"id": id, "content": content, "special": true, "normalized": false, "single_word": false,
                "lstrip": false, "rstrip": false})
        };
        let json = serde_json::json!({
            "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "red": 3, "fox": 4, "owl": 5, "?": 6}},
            "added_tokens": [special(0, "[PAD]"), special(1, "[CLS]"), special(2, "[SEP]")],
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
            "normalizer": null, "decoder": null, "version": "1.0", "truncation": null, "padding": null,
        });
        let ids = SpecialIds { pad: Some(0), cls: Some(1), sep: Some(2), ..SpecialIds::default() };
        let tokenizer = Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap().with_special_ids(ids);
        let checkpoint = shipped::checkpoint("induction-2l").unwrap().unwrap();
        Model::from_checkpoint(Checkpoint { tokenizer: Some(tokenizer), ..checkpoint }).unwrap()
    }

    #[test]
    fn a_pair_carries_its_types_and_finds_words_in_either_text() {
        let tokens = encoder().pair("red fox", "red owl").unwrap();
        assert_eq!(tokens.strings(0), ["[CLS]", "red", "fox", "[SEP]", "red", "owl", "[SEP]"]);
        assert_eq!(tokens.token_types(0), [0, 0, 0, 0, 1, 1, 1]);
        assert_eq!((tokens.find(0, "fox").unwrap(), tokens.find(0, "owl").unwrap()), (2..3, 5..6));
        assert!(tokens.find(0, "fox red").is_err(), "a line break is between the texts");
    }

    #[test]
    fn texts_are_framed_for_an_encoder_and_padded_with_its_padding_token() {
        let tokens = encoder().tokenize_as(&["red", "red fox owl"], None, true).unwrap().padded(Padding::Left);
        assert_eq!(tokens.strings(0), ["[PAD]", "[PAD]", "[CLS]", "red", "[SEP]"]);
        assert_eq!(tokens.strings(1), ["[CLS]", "red", "fox", "owl", "[SEP]"]);
        assert!(!tokens.bos_prepended());
    }

    #[test]
    fn an_encoder_keeps_its_special_tokens_whatever_is_said_of_a_beginning_of_text() {
        let without = encoder().tokenize_as(&["red"], Some(false), true).unwrap();
        assert_eq!(without.strings(0), ["[CLS]", "red", "[SEP]"]);
        let error = encoder().tokenize_as(&["red"], Some(true), true).unwrap_err().to_string();
        assert!(error.contains("beginning-of-text"), "{error}");
    }

    #[test]
    fn padding_is_the_padding_token_else_the_end_else_the_beginning_of_text_else_id_0() {
        let padded = |pad, eos: &[u32], bos| {
            let tokenizer = encoder().need_tokenizer().unwrap().clone();
            let special = SpecialIds { pad, eos: eos.to_vec(), bos, ..SpecialIds::default() };
            let checkpoint = shipped::checkpoint("induction-2l").unwrap().unwrap();
            let tokenizer = Some(tokenizer.with_special_ids(special));
            let model = Model::from_checkpoint(Checkpoint { tokenizer, ..checkpoint }).unwrap();
            model.tokens([vec![3, 4], vec![5]]).unwrap().ids(1)[1]
        };
        assert_eq!(padded(Some(6), &[2], Some(1)), 6);
        assert_eq!(padded(None, &[2], Some(1)), 2);
        assert_eq!(padded(None, &[], Some(1)), 1);
        assert_eq!(padded(None, &[], None), 0);
        assert_eq!(padded(Some(50_000), &[2], None), 2, "the model has no such token");
    }
}
