//! The logit lens (nostalgebraist 2020):
//! <https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens>.
//!
//! The picture of the table is in `plot/lens.rs`. To add a statistic that colours it, add it to [`Statistic`] in
//! `plot/statistic.rs`.

mod draw;

use crate::{
    Result,
    cache::{index_of, last_of},
    hook::Site,
    index::{Counted, ToIndex},
    model::{AnswerWord, Architecture, Model, Run, ToTokenIds, ids_after, softmax},
    notebook::Show,
    order::{largest, rank, top_k},
    plot::Statistic,
    printable::{escape, line},
    text::Tokens,
};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// What the model would predict at every layer and position if it stopped there: each residual stream through the final
/// norm, with its own statistics, and the unembedding (nostalgebraist 2020).
///
/// Rows are `hook_resid_pre` of every layer and, last, the output (`hook_resid_post` of the last layer; in BERT and its
/// kin `hook_normalized_resid_post`). In an encoder-decoder they are the decoder's. Columns are the positions that the run
/// recorded.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let lens = run.logit_lens()?;
/// let output = lens.cell(lens.rows() - 1, -1)?;
/// assert_eq!(output.top[0].0, "owl");
/// assert!(output.divergence.abs() < 1e-5);
/// // The model predicts "owl" only after the second layer.
/// assert_ne!(lens.cell(1, -1)?.top[0].0, "owl");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct LogitLens {
    tokens: Tokens,
    /// The positions that the run recorded.
    positions: Vec<u32>,
    labels: Vec<String>,
    /// `[row, pos]`
    cells: Array2<LensCell>,
    watched: String,
    /// A note about the watched token if its other spelling is much likelier.
    likelier: Option<String>,
    /// Which text of a batch it is, for titles; empty if there is one.
    of: String,
    /// Whether the model is an encoder, which predicts the token at a position and not the one after it.
    fills: bool,
}

/// What the lens predicts at one layer and position.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let output = run.logit_lens()?.cell(-1, -1)?;
/// assert!(output.top[0].0 == "owl" && output.rank == 1 && output.entropy < 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LensCell {
    /// The most likely tokens and their probabilities, best first.
    pub top: Vec<(String, f32)>,
    /// Entropy of the distribution, in nats.
    pub entropy: f32,
    /// The Kullback-Leibler divergence of the output's distribution from this one, KL(output || this), in nats.
    pub divergence: f32,
    /// The probability of the watched token, 0 to 1.
    pub probability: f32,
    /// The rank of the watched token; 1 is the most likely.
    pub rank: usize,
}

/// The number of most likely tokens kept in every cell.
const TOP: usize = 10;

impl Run {
    /// The logit lens on the first text.
    ///
    /// It watches the token that the model predicts after the last recorded token.
    ///
    /// In an encoder it watches the prediction for the first blank or, without a blank, for the last token that is not
    /// special.
    ///
    /// # Errors
    /// Fails when the run did not record the residual stream or did not reach the end of the model, or when a logit is
    /// NaN or inf. The error then names the first recorded site with such a value.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let lens = run.logit_lens()?; // a table, in a notebook
    /// assert_eq!((lens.rows(), lens.watched().as_str()), (3, "owl")); // two layers and the output
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("accumulated_resid", "LogitLens"))]
    pub fn logit_lens(&self) -> Result<LogitLens> {
        let row = self.watched_row()?;
        let sites = self.model().config().streams();
        let end = sites.last().copied().unwrap_or(Site::resid_post(0));
        let logits = self.model().unembed(&self.cache().get(end)?.get(0)?.get(row)?.unsqueeze(0)?)?;
        let logits = logits.squeeze(0)?.to_vec1::<f32>()?;
        self.cache().check_numbers(|| "the logits of the last recorded token".into(), &logits)?;
        let watched = largest(logits).unwrap_or(0);
        LogitLens::new(self, watched as u32)
    }

    /// The row, among the recorded positions, from which the watched token is taken.
    fn watched_row(&self) -> Result<usize> {
        let (tokens, recorded) = (self.tokens(), self.cache().recorded());
        let last = last_of(&tokens, 0, &recorded)?;
        let special = match (self.model().config().architecture, self.model().tokenizer()) {
            (Architecture::Encoder, Some(tokenizer)) => tokenizer.special_ids(),
            _ => return Ok(last),
        };
        let ids = tokens.ids(0);
        let id = |row: usize| recorded.get(row).and_then(|&position| ids.get(position as usize)).copied();
        let is_text = |row: &usize| id(*row).is_some_and(|id| !special.all().contains(&id));
        let blank = (0..=last).find(|&row| special.mask.is_some() && id(row) == special.mask);
        Ok(blank.or_else(|| (0..=last).rev().find(is_text)).unwrap_or(last))
    }

    /// The logit lens on the first text, watching one token: an id, or a word as it would continue the text after the
    /// last recorded position ([the rule](AnswerWord#the-space-before-a-word)).
    ///
    /// # Errors
    /// Fails as [`Run::logit_lens`] does, and when the answer is not a single token.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let lens = run.logit_lens_for("red")?;
    /// assert_eq!(lens.watched(), "red");
    /// assert!(lens.cell(2, -1)?.rank > 1 && lens.cell(2, -1)?.probability < 0.1); // the model predicts owl
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "logit_lens")]
    pub fn logit_lens_for(&self, answer: impl ToTokenIds) -> Result<LogitLens> {
        let (tokens, words) = (self.tokens().texts(0..1), answer.answer_words());
        let recorded = self.cache().recorded();
        let last = recorded.get(last_of(&self.tokens(), 0, &recorded)?).map_or(0, |&position| position as usize);
        let watched = ids_after(&self.model(), &words, &tokens, |_| Ok(last))?.first().copied().unwrap_or(0);
        let lens = LogitLens::new(self, watched)?;
        let likelier = words.iter().any(AnswerWord::is_word).then(|| lens.likelier.clone()).flatten();
        Ok(LogitLens { likelier, ..lens })
    }
}

impl LogitLens {
    fn new(run: &Run, watched: u32) -> Result<Self> {
        let (model, tokens) = (run.model(), run.tokens());
        let n_layers = model.config().n_layers;
        let sites = model.config().streams();
        let labels = (0..n_layers).map(|layer| layer.to_string()).chain(["output".into()]).collect();
        let read =
            |site: Site| -> Result<Vec<Vec<f32>>> { Ok(model.unembed(&run.cache().get(site)?.get(0)?)?.to_vec2()?) };
        // One layer's logits at a time, because those of a large vocabulary would not fit in memory together.
        let last = sites.last().map(|&last| read(last)).transpose()?.unwrap_or_default();
        let output: Vec<Vec<f32>> = last.iter().map(|logits| softmax(logits)).collect();
        let (mut cells, positions) = (Vec::new(), run.cache().recorded());
        let end = last.get(last_of(&tokens, 0, &positions)?);
        let likelier = end.and_then(|logits| model.likelier_reading(watched, logits)).map(|other| other.to_string());
        for site in sites {
            let row = read(site)?;
            let row = row.par_iter().zip(&output).zip(&positions).map(|((logits, output), position)| {
                let what = || format!("the logits that the lens reads at `{site}`, position {position},");
                run.cache().check_numbers(what, logits)?;
                Ok(cell(&model, logits, output, watched as usize))
            });
            // The first failing position is reported, whichever thread finished first.
            cells.extend(row.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>>>()?);
        }
        let cells = Array2::from_shape_vec((n_layers + 1, positions.len()), cells)?;
        let fills = model.config().architecture == Architecture::Encoder;
        Ok(Self {
            tokens,
            positions,
            labels,
            cells,
            watched: model.token_text(watched),
            likelier,
            of: run.titled(""),
            fills,
        })
    }

    /// Returns the lens at some of the layers, such as `0..4`, and at the output.
    ///
    /// # Errors
    /// Fails when a layer is outside the model.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue")?.logit_lens()?;
    /// assert_eq!(lens.layers(1..2)?.rows(), 2); // layer 1 and the output
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn layers(&self, layers: Range<usize>) -> Result<Self> {
        let output = self.rows() - 1;
        let layers = layers.chain([output]).collect::<Vec<_>>();
        let counted = Counted::new("layer", "the lens has layers", output + 1);
        layers.iter().try_for_each(|&layer| counted.index(layer as i64).map(drop))?;
        let labels = layers.iter().map(|&layer| self.labels[layer].clone()).collect();
        Ok(Self { labels, cells: self.cells.select(Axis(0), &layers), ..self.clone() })
    }

    /// The number of rows: one per layer, and one for the output.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("grammar-4l")?.run("The keys")?.logit_lens()?.rows(), 5); // four layers and the output
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rows(&self) -> usize {
        self.cells.nrows()
    }

    /// Returns what the lens predicts before layer `row`, or at the output for the last row, at a position (-1 is the
    /// last).
    ///
    /// # Errors
    /// Fails when there is no such row or position, or the run did not record it.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.logit_lens()?;
    /// let (before, output) = (lens.cell(1, -1)?, lens.cell(-1, -1)?);
    /// assert!(before.probability < 0.5 && output.probability > 0.9); // layer 1 decides
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn cell(&self, row: impl ToIndex, position: impl ToIndex) -> Result<LensCell> {
        let index = index_of(self.tokens.index_in(0, position)?, &self.positions)?;
        let rows = Counted::new("row", "the rows of the lens (one per layer, then the output) are", self.rows());
        Ok(self.cells[(rows.index(row)?, index)].clone())
    }

    /// The token whose rank and probability the lens follows.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.logit_lens()?;
    /// assert_eq!(lens.watched(), "owl");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn watched(&self) -> String {
        self.watched.clone()
    }
}

fn cell(model: &Model, logits: &[f32], output: &[f32], watched: usize) -> LensCell {
    let probabilities = softmax(logits);
    let log = |p: f32| f64::from(p.max(f32::MIN_POSITIVE)).ln();
    let entropy: f64 = probabilities.iter().map(|&p| -f64::from(p) * log(p)).sum();
    let divergence: f64 = output.iter().zip(&probabilities).map(|(&o, &p)| f64::from(o) * (log(o) - log(p))).sum();
    let top = top_k(logits, TOP).into_iter().map(|id| (model.token_text(id as u32), probabilities[id]));
    LensCell {
        top: top.collect(),
        entropy: entropy as f32,
        divergence: divergence as f32,
        probability: probabilities[watched],
        rank: 1 + rank(logits, watched).unwrap_or(logits.len()),
    }
}

impl Show for LogitLens {
    fn html(&self) -> String {
        let figure = self.figure().html();
        match &self.likelier {
            Some(likelier) => format!("{figure}\n<p>{}.</p>", escape(&line(likelier))),
            None => figure,
        }
    }

    fn plain(&self) -> String {
        let table = self.table(Statistic::Probability).plain();
        match &self.likelier {
            Some(likelier) => format!("{table}\n{}.\n", line(likelier)),
            None => table,
        }
    }
}

shown! {
    /// Shows the table in a notebook.
    LogitLens
}
