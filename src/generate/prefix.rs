//! [`Prefix`]: a text that has been read and can be continued several times.

use super::{Generation, pieces::Pieces};
use crate::{
    Result,
    error::GenerateError,
    hook::Stage,
    input::Input,
    model::{Architecture, Model, Pass, ToInput, ToTokens},
    net::Kept,
    text::{Padding, Tokens},
};

/// A text that has been read.
///
/// Its keys and values are cached, so continuing it costs only the new tokens.
///
/// Made by [`Model::read`]. It is owned and cheap to clone. Reading more or generating does not change it
/// (TransformerLens calls this a frozen key-value cache).
///
/// Whatever continues it reads its last token again, because the next token depends on it. Step 0 of a generation reads
/// just that token.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let prefix = model.read("red fox blue owl")?;
/// let foxes = prefix.then("red")?.generate().max_new_tokens(2).run()?;
/// let owls = prefix.then("blue")?.generate().max_new_tokens(1).run()?;
/// assert_eq!(foxes.texts(), ["red fox blue owl red fox blue"]);
/// assert_eq!(owls.texts(), ["red fox blue owl blue owl"]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("HookedTransformerKeyValueCache", "past_kv_cache", "kv_cache"))]
#[derive(Clone)]
pub struct Prefix {
    pub(super) model: Model,
    /// The tokens, padded on the left; the decoder's in an encoder-decoder model.
    pub(super) input: Input,
    /// The keys and values of all tokens but the last, or none.
    pub(super) kept: Kept,
}

impl Model {
    /// Reads a text and keeps its keys and values, so that it can be continued several times.
    ///
    /// # Errors
    /// Fails as [`Model::generate`] does, and when an intervention of a hooked model does not fit the text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let prefix = Model::open("induction-2l")?.read("red fox blue owl red")?;
    /// assert_eq!(prefix.generate().max_new_tokens(1).run()?.continuation(), " fox");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn read(&self, input: impl ToInput) -> Result<Prefix> {
        Prefix::unread(self, input)?.read()
    }

    /// Describes a continuation of a text before it happens; the decoder's text in an encoder-decoder model.
    ///
    /// See [`Generation`].
    ///
    /// # Errors
    /// Fails when this model cannot read the input (see [`Model::tokens`]), or is an encoder such as BERT, which does
    /// not continue texts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2);
    /// assert_eq!(generation.run()?.continuation(), " fox blue");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "sample_logits")]
    pub fn generate(&self, input: impl ToInput) -> Result<Generation> {
        Ok(Prefix::unread(self, input)?.generate())
    }
}

impl Prefix {
    fn unread(model: &Model, input: impl ToInput) -> Result<Self> {
        let (input, config) = (input.to_input(model)?, model.config());
        if config.architecture == Architecture::Encoder {
            return Err(GenerateError::Encoder { family: config.family.clone() }.into());
        }
        let tokens = input.tokens().padded(Padding::Left);
        Ok(Self { model: model.clone(), input: input.with_tokens(tokens), kept: Kept::default() })
    }

    /// Reads the tokens that have not been read yet.
    fn read(self) -> Result<Self> {
        let had = self.kept.len;
        let kept = self.kept.clone().for_texts(&self.model.config(), &self.tokens());
        let mut again = self.model.standing().iter().filter(|_| kept.len < had);
        if let Some(edit) = again.find(|edit| !edit.is_repeatable()) {
            let after = self.model.config().long_after().unwrap_or_default();
            let (when, deed) = ("with what is added".into(), format!("{edit:?}"));
            return Err(GenerateError::Switch { when, after, deed }.into());
        }
        let read = kept.len..self.tokens().len();
        let pass = Pass::onward(&self.model, &self.input, kept);
        // No logits are needed yet, so the pass stops before the end of the model.
        let standing = self.model.standing().iter().filter(|edit| edit.site().point().stage() != Stage::End);
        let standing = standing.filter(|edit| !pass.is_behind(edit.site()));
        let standing: Vec<_> = standing.filter_map(|edit| edit.clone().within(read.clone())).collect();
        let (_, kept) = pass.intervene(standing).without_logits().run_keeping()?;
        Ok(Self { kept: kept.first(self.tokens().len() - 1)?, ..self })
    }

    /// Returns the prefix with more text appended: `prefix.then(" and Mary")?`.
    ///
    /// Nothing is inserted between the two. Several texts need the same number of continuations, all with the same
    /// number of tokens.
    ///
    /// # Errors
    /// Fails when this model cannot read the text, or the continuations differ in number from the texts or in length.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let prefix = Model::open("induction-2l")?.read("red fox blue owl")?;
    /// assert_eq!(prefix.then("red")?.generate().max_new_tokens(1).run()?.continuation(), " fox");
    /// assert_eq!(prefix.tokens().len(), 5); // unchanged
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn then(&self, more: impl ToTokens) -> Result<Self> {
        let more = self.model.continuations(more)?;
        let (texts, lengths) = (self.tokens().batch(), more.iter().map(Vec::len).collect::<Vec<_>>());
        if lengths.len() != texts || lengths.iter().any(|len| *len != lengths[0]) {
            return Err(GenerateError::Ragged { texts, lengths }.into());
        }
        let mut tokens = self.tokens();
        for at in 0..lengths[0] {
            let column = more.iter().map(|ids| Some(ids[at])).collect::<Vec<_>>();
            tokens.push(&column, |id| self.model.token_text(id));
        }
        for (text, ids) in more.iter().enumerate() {
            let read = self.input.tokens();
            let mut pieces = Pieces::after(self.model.tokenizer().as_ref(), &read.row(text).ids[read.real(text)]);
            let written = ids.iter().map(|&id| pieces.push(id)).collect::<Result<Vec<_>>>()?;
            tokens.write(text, &written);
        }
        self.model.check_tokens(&tokens)?;
        Self { input: self.input.clone().with_tokens(tokens), ..self.clone() }.read()
    }

    /// Describes a continuation before it happens.
    ///
    /// See [`Generation`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let prefix = Model::open("induction-2l")?.read("red fox red")?;
    /// let texts: Vec<_> = (0..3).map(|seed| prefix.generate().temperature(2.0).seed(seed).run()).collect();
    /// assert_eq!(texts.len(), 3); // three continuations of one text
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "sample_logits")]
    pub fn generate(&self) -> Generation {
        Generation::new(self.clone())
    }

    /// The text that was read; in an encoder-decoder model, the decoder's.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let prefix = Model::open("induction-2l")?.read("red fox")?;
    /// assert_eq!(prefix.tokens().strings(0), ["<bos>", "red", "fox"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokens(&self) -> Tokens {
        self.input.tokens()
    }
}

impl Prefix {
    pub(super) fn brief(&self) -> String {
        format!("Prefix of {:?} for {}", self.tokens().row(0).strings, self.model.name())
    }
}
