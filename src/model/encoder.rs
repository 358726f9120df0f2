//! Predictions of encoders: filled blanks, next-sentence prediction, and sentence embeddings.

use super::{Architecture, Model, Pooling, Prediction, Run, softmax};
use crate::{
    Result,
    error::{RunError, TextError},
    model::ToTokens,
    tensor::{array, vector},
    text::Tokens,
};
use candle_core::{D, Tensor};
use ndarray::Array2;
use std::borrow::Borrow;

/// The predictions of a masked language model for the blanks of a text.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?; // not an encoder
/// assert!(model.fill_mask("red fox", 3).is_err());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct FilledMasks {
    /// The text, with its blanks.
    pub tokens: Tokens,
    /// The blanks, in the order of the text.
    pub blanks: Vec<Blank>,
}

/// One blank of a text, and its candidates.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Blank {
    /// Where it is, in tokens.
    pub position: usize,
    /// What fits, likeliest first.
    pub candidates: Vec<Prediction>,
}

/// Whether one sentence follows another, as the model predicts it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct NextSentence {
    /// The first sentence.
    pub first: String,
    /// The one that may go on from it.
    pub second: String,
    /// The score that it does, and the score that it does not.
    pub logits: [f32; 2],
    /// The probability that it does, 0 to 1.
    pub probability: f32,
}

/// Sentence embeddings: a vector of length 1 for each sentence. Similar sentences have similar vectors.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct SentenceEmbeddings {
    /// The sentences.
    pub sentences: Vec<String>,
    /// A vector of length 1 for each.
    ///
    /// # Shapes
    /// `[batch, d_model]`
    pub vectors: Array2<f32>,
}

impl Model {
    /// Returns the `k` most likely tokens for each blank of the first text. A blank is written as the tokenizer's mask
    /// token: `[MASK]` in BERT, `<mask>` in RoBERTa.
    ///
    /// Each blank is filled as if the others stayed blank.
    ///
    /// # Errors
    /// When the model has no masked-LM head or no mask token, or the text has no blank.
    ///
    /// # Examples
    /// ```no_run
    /// # use glassbox::prelude::*;
    /// let bert = Model::open("google-bert/bert-base-cased")?;
    /// let filled = bert.fill_mask("The [MASK] is bright today.", 5)?;
    /// assert_eq!(filled.blanks[0].candidates[0].text, "sun");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "mask_token")]
    pub fn fill_mask(&self, text: impl ToTokens, k: usize) -> Result<FilledMasks> {
        let tokens = self.tokens(text)?;
        let mask = self.tokenizer().and_then(|tokenizer| tokenizer.special_ids().mask).ok_or(TextError::NoMask)?;
        let blanks: Vec<usize> = tokens.real(0).filter(|&position| tokens.row(0).ids[position] == mask).collect();
        if blanks.is_empty() {
            return Err(TextError::NothingToFill { mask: self.token_text(mask) }.into());
        }
        let run = self.pass(&tokens)?.run()?;
        let blank = |position: usize| {
            let candidates = run.predictions(position as i64, k);
            // Where a logit is no number, a run that recorded everything says where that begins.
            let candidates = candidates.or_else(|_| self.run(&tokens)?.predictions(position as i64, k))?;
            Ok(Blank { position, candidates })
        };
        let blanks = blanks.into_iter().map(blank).collect::<Result<_>>()?;
        Ok(FilledMasks { tokens, blanks })
    }

    /// Predicts whether `second` follows `first`, with BERT's next-sentence head. ALBERT predicts whether two
    /// consecutive sentences are in order.
    ///
    /// # Errors
    /// When the model has no such head, its tokenizer does not read pairs, or a score is NaN or inf.
    ///
    /// # Examples
    /// ```no_run
    /// # use glassbox::prelude::*;
    /// let bert = Model::open("google-bert/bert-base-cased")?;
    /// let next = bert.predict_next_sentence("A man walked into a grocery store.", "He bought an apple.")?;
    /// assert!(next.probability > 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "BertNextSentencePrediction")]
    pub fn predict_next_sentence(&self, first: &str, second: &str) -> Result<NextSentence> {
        let run = self.pass(self.pair(first, second)?)?.without_logits().run()?;
        let logits = run.next_sentence()?.get(0)?;
        let logits = [logits.get(0)?.to_scalar()?, logits.get(1)?.to_scalar()?];
        self.check_numbers(&run.tokens(), || "the scores of the next sentence".into(), &logits)?;
        Ok(NextSentence { first: first.into(), second: second.into(), logits, probability: softmax(&logits)[0] })
    }

    /// Returns a vector of length 1 for each sentence, as the sentence-transformers library does: the mean of the last
    /// residual stream ([`Run::mean_pooled`]) or, if the model's files say so
    /// ([`Config::sentence_pooling`](super::Config)), that of the first token. It is meaningful for models trained for
    /// it, such as `all-MiniLM-L6-v2`.
    ///
    /// Nothing is truncated: a sentence longer than the model's context is an error.
    ///
    /// # Errors
    /// When the model is not an encoder, or cannot read a sentence.
    ///
    /// # Examples
    /// ```no_run
    /// # use glassbox::prelude::*;
    /// let model = Model::open("sentence-transformers/all-MiniLM-L6-v2")?;
    /// let sentences = ["It's so sunny outside!", "The weather is lovely today.", "He drove to the stadium."];
    /// let embeddings = model.embed(sentences)?;
    /// let alike = embeddings.similarity();
    /// assert!(alike[[0, 1]] > 0.6 && alike[[0, 2]] < 0.2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn embed(&self, texts: impl ToTokens) -> Result<SentenceEmbeddings> {
        if self.config().architecture != Architecture::Encoder {
            return Err(RunError::NoSentences { family: self.config().family.clone() }.into());
        }
        let run = self.pass(texts)?.without_logits().run()?;
        let tokens = run.tokens();
        let pooled = match self.config().sentence_pooling {
            Pooling::Mean => run.mean_pooled()?,
            Pooling::FirstToken => {
                let first = |text| run.resid().get(text)?.get(tokens.real(text).start);
                Tensor::stack(&(0..tokens.batch()).map(first).collect::<Result<Vec<_>, _>>()?, 0)?
            }
        };
        let vectors = pooled.broadcast_div(&pooled.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?)?;
        let sentence = |text| tokens.text(text).unwrap_or_else(|| tokens.row(text).strings.concat());
        Ok(SentenceEmbeddings { sentences: (0..tokens.batch()).map(sentence).collect(), vectors: array(&vectors)? })
    }
}

impl Run {
    /// The mean of each text's last residual stream over its tokens, without padding.
    ///
    /// # Shapes
    /// `[batch, d_model]`
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (both, alone) = (model.run(["red fox blue owl", "red"])?, model.run("red")?);
    /// let difference = (both.mean_pooled()?.get(1)? - alone.mean_pooled()?.get(0)?)?;
    /// assert!(difference.abs()?.max(0)?.to_scalar::<f32>()? < 1e-5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean_pooled(&self) -> Result<Tensor> {
        let (tokens, resid) = (self.tokens(), self.resid());
        let share = |text: usize, position: usize| match tokens.real(text) {
            real if real.contains(&position) => 1.0 / real.len() as f32,
            _ => 0.0,
        };
        let (batch, len) = (tokens.batch(), tokens.len());
        let shares = (0..batch).flat_map(|text| (0..len).map(move |position| share(text, position)));
        let shares = vector(shares.collect())?.reshape((batch, 1, len))?;
        Ok(shares.matmul(&resid)?.squeeze(1)?)
    }
}

impl SentenceEmbeddings {
    /// The cosine similarity of every pair of sentences; 1 if their vectors have the same direction.
    ///
    /// # Shapes
    /// `[batch, batch]`
    #[doc(alias("sentence_similarity", "cosine_similarity"))]
    pub fn similarity(&self) -> Array2<f32> {
        self.vectors.dot(&self.vectors.t())
    }

    /// How alike the first sentence and the first of `other` are: the cosine of the angle between their vectors.
    ///
    /// # Examples
    /// ```no_run
    /// # use glassbox::prelude::*;
    /// let model = Model::open("sentence-transformers/all-MiniLM-L6-v2")?;
    /// let (money, river) = (model.embed("The bank raised its rates")?, model.embed("We sat on the bank of the river")?);
    /// assert!(money.cosine(&river) < 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "cosine_similarity")]
    pub fn cosine(&self, other: impl Borrow<Self>) -> f32 {
        self.vectors.row(0).dot(&other.borrow().vectors.row(0))
    }
}
