//! [`Evaluation`]: what a model of the grammar can do on held-out sentences.

use crate::{
    Model, Result,
    corpus::{Contrast, Fact, Grammar, Partition, Relation, Wording, facts, pairs},
    error::TrainError,
    order::any_nan,
    patching::{Metric, PromptPair, PromptPairs},
};
use std::fmt;

/// The results.
///
/// Accuracies are between 0 and 1; losses are in nats per token.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::grammar::evaluate};
/// let evaluation = evaluate(&Model::open("grammar-4l")?, 4, 0)?;
/// assert!(evaluation.one_attractor > 0.7);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Accuracy of `is` against `are` with one noun of the wrong number in between, next to subjects it never occurred
    /// with.
    pub one_attractor: f64,
    /// The same with two nouns.
    pub two_attractors: f64,
    /// The same across a relative clause.
    pub relative_clause: f64,
    /// Accuracy of `himself` against `herself`.
    pub reflexive: f64,
    /// How often the indirect object is the most likely word, for two names that never occur together in training.
    pub indirect_object: f64,
    /// How often the value of a fact, stated or asked for, is the most likely word.
    pub facts: f64,
    /// How often the right one of `true` and `false` is the most likely word, for facts in a wording in which they were
    /// never judged in training. By [`Relation`], in the order of [`Relation::ALL`].
    pub truth: [f64; 4],
    /// The loss on sentences that training would read if it continued. They do not include held-out sentences, because
    /// the model learns that these never occur.
    pub loss: f64,
    /// The mean surprisal of the same sentences under the grammar.
    pub entropy: f64,
}

impl Evaluation {
    /// The mean of [`truth`](Self::truth).
    pub fn mean_truth(&self) -> f64 {
        self.truth.iter().sum::<f64>() / self.truth.len() as f64
    }

    /// The perplexity divided by that of the grammar.
    pub fn perplexity_ratio(&self) -> f64 {
        (self.loss - self.entropy).exp()
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: f64| format!("{:5.1} %", 100.0 * part);
        writeln!(f, "on held-out sentences:")?;
        writeln!(f, "agreement across one attractor    {}", percent(self.one_attractor))?;
        writeln!(f, "agreement across two attractors   {}", percent(self.two_attractors))?;
        writeln!(f, "agreement across a clause         {}", percent(self.relative_clause))?;
        writeln!(f, "himself or herself                {}", percent(self.reflexive))?;
        writeln!(f, "indirect object, unseen names     {}", percent(self.indirect_object))?;
        writeln!(f, "facts                             {}", percent(self.facts))?;
        write!(f, "true or false, unread wording     {} (", percent(self.mean_truth()))?;
        for (relation, part) in Relation::ALL.iter().zip(self.truth) {
            let comma = if *relation == Relation::Owner { ")\n" } else { ", " };
            write!(f, "{} {}{comma}", format!("{relation:?}").to_lowercase(), percent(part).trim())?;
        }
        let (loss, entropy) = (self.loss.exp(), self.entropy.exp());
        write!(f, "perplexity {loss:.3}, {:.3} times the {entropy:.3} of the grammar", self.perplexity_ratio())
    }
}

/// Measures a model on `count` held-out pairs of prompts of each contrast and `count` new sentences, made from a seed.
///
/// # Errors
/// Fails when the model does not have the vocabulary, or `count` is 0.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::grammar::evaluate};
/// let evaluation = evaluate(&Model::open("grammar-4l")?, 4, 0)?;
/// assert!(evaluation.loss > evaluation.entropy); // no model can be better than the grammar
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn evaluate(model: &Model, count: usize, seed: u64) -> Result<Evaluation> {
    if count == 0 {
        return Err(TrainError::NothingMeasured.into());
    }
    let held = |contrast| pairs(contrast, Partition::HeldOut, count, seed);
    let agrees = |contrast| PromptPairs::new(model, held(contrast)?)?.accuracy(model);
    let answers = |contrast| -> Result<f64> {
        let both = |pair: PromptPair| [(pair.clean, pair.answer), (pair.corrupt, pair.wrong)];
        let (prompts, answers) = held(contrast)?.into_iter().flat_map(both).unzip();
        first(model, prompts, answers)
    };
    let mut truth = [0.0; 4];
    for (truth, relation) in truth.iter_mut().zip(Relation::ALL) {
        for wording in Wording::ALL {
            *truth += answers(Contrast::Truth(relation, wording))? / Wording::ALL.len() as f64;
        }
    }
    let mut known = 0.0;
    for relation in Relation::ALL {
        let facts: Vec<_> = facts().into_iter().filter(|fact| fact.relation == relation).collect();
        let values = || facts.iter().map(|fact| fact.value.to_owned()).collect::<Vec<_>>();
        let known_from = |prompt: &dyn Fn(&Fact) -> String| first(model, facts.iter().map(prompt).collect(), values());
        let asked = known_from(&|fact| fact.question())?;
        let stated = known_from(&|fact| fact.statement(Wording::Plain))?;
        let otherwise = known_from(&|fact| fact.statement(Wording::Other))?;
        known += (asked + stated + otherwise) / 3.0 / Relation::ALL.len() as f64;
    }
    let (mut loss, mut nats, mut tokens) = (0.0, 0.0, 0);
    for sentence in Grammar::new(Partition::Training, u64::MAX - seed).take(count) {
        let losses = model.pass(sentence.text())?.run()?.loss_per_token()?.flatten_all()?.to_vec1::<f32>()?;
        loss += losses.iter().copied().map(f64::from).sum::<f64>();
        nats += sentence.nats;
        tokens += losses.len();
    }
    Ok(Evaluation {
        one_attractor: agrees(Contrast::Agreement { attractors: 1 })?,
        two_attractors: agrees(Contrast::Agreement { attractors: 2 })?,
        relative_clause: agrees(Contrast::RelativeClause)?,
        reflexive: agrees(Contrast::Reflexive)?,
        indirect_object: answers(Contrast::IndirectObject)?,
        facts: known,
        truth,
        loss: loss / tokens.max(1) as f64,
        entropy: nats / tokens.max(1) as f64,
    })
}

/// The share of prompts, all of one length, after which the answer is the most likely word.
fn first(model: &Model, prompts: Vec<String>, answers: Vec<String>) -> Result<f64> {
    let count = prompts.len();
    let ranks = Metric::rank(model, answers, count)?.of(&model.pass(prompts)?.logits_at([-1]).run()?)?;
    if any_nan(&ranks) {
        return Ok(f64::NAN);
    }
    Ok(ranks.iter().filter(|&&rank| rank == 1.0).count() as f64 / count.max(1) as f64)
}
