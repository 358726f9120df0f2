//! [`Readout`]: the logits that a metric reads, from the last stream.

use super::{
    Metric, Patching,
    baseline::Baselines,
    passes::{at_end, pick},
    rows::Rows,
};
use crate::{
    Model, Result,
    config::Sizes,
    error::RunError,
    hook::{Intervention, Site},
    model::Run,
    net::Tap,
    text::Tokens,
};
use candle_core::Tensor;

/// Reads the last stream of some texts, or of several copies of them, from a position on.
pub(super) struct Readout<'a> {
    model: &'a Model,
    tokens: &'a Tokens,
    start: usize,
    /// The model's own interventions after the last block.
    standing: Vec<&'a Intervention>,
}

impl<'a> Readout<'a> {
    pub(super) fn new(model: &'a Model, tokens: &'a Tokens, start: usize) -> Self {
        let standing = model.standing().iter().filter(|one| at_end(one)).collect();
        Self { model, tokens, start, standing }
    }

    /// The metric of every text of a run.
    pub(super) fn of_run(run: &Run, metric: &Metric) -> Result<Vec<f32>> {
        Ok(Readout::new(&run.model(), &run.tokens(), 0).values(metric, &run.resid())?.concat())
    }

    /// The metric of every text in every cell. Only the logits that the metric reads are computed.
    ///
    /// # Shapes
    /// `resid`: `[cell * batch, pos, d_model]`; result: `[cell, batch]`.
    pub(super) fn values(&self, metric: &Metric, resid: &Tensor) -> Result<Vec<Vec<f32>>> {
        let (batch, config) = (self.tokens.batch(), self.model.config());
        let copies = resid.dim(0)? / batch;
        if let (Some(lists), true) = (metric.looks_at(), self.standing.is_empty()) {
            let read = pick(resid, &self.rows(metric, copies)?)?;
            let of = |ids: &&[u32]| self.model.transformer().readout.logits_of(&config, &read, &ids.repeat(copies));
            let Some(logits) = lists.iter().map(of).collect::<Result<Option<Vec<_>>>>()? else {
                return Err(RunError::NoUnembed { family: config.family.clone() }.into());
            };
            return Ok(metric.combine(&logits).chunks(batch).map(<[f32]>::to_vec).collect());
        }
        let logits = self.logits(metric, resid)?;
        (0..copies).map(|copy| metric.measure(&logits.narrow(0, copy * batch, batch)?)).collect()
    }

    /// The logits of every text in every cell, at the positions that the metric reads.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]` to `[cell * batch, d_vocab]`.
    pub(super) fn logits(&self, metric: &Metric, resid: &Tensor) -> Result<Tensor> {
        let copies = resid.dim(0)? / self.tokens.batch();
        let rows = self.rows(metric, copies)?;
        if self.standing.is_empty() {
            return self.model.unembed(&pick(resid, &rows)?);
        }
        let (batch, len, config) = (self.tokens.batch(), self.tokens.len(), self.model.config());
        let sizes = Sizes { batch, source: len - self.start, target: len - self.start, past: self.start };
        let mut all = Rows::default();
        for standing in &self.standing {
            let Some(standing) = (*standing).clone().within(self.start..len) else { continue };
            let standing = standing.check(&config, sizes)?.reading(self.tokens, self.start)?;
            (0..copies).for_each(|copy| all.put(copy, standing.clone()));
        }
        let plan = all.plan(batch);
        // What is done to the logits themselves counts positions, so all of them are there.
        let everywhere = self.standing.iter().any(|one| one.site() == Site::unembed_out());
        let at: Vec<Vec<u32>> = rows.iter().map(|&row| vec![row]).collect();
        let at = (!everywhere).then_some(&at[..]);
        let logits = self.model.transformer().readout.logits(&config, resid, at, &mut Tap::new(&plan))?;
        let logits = logits.ok_or_else(|| RunError::NoUnembed { family: config.family.clone() })?;
        if everywhere { pick(&logits, &rows) } else { Ok(logits.squeeze(1)?) }
    }

    /// The index, counted from the start, of the position that the metric reads, for every text in every cell; any
    /// index if the position is earlier.
    fn rows(&self, metric: &Metric, copies: usize) -> Result<Vec<u32>> {
        let answers = metric.answers(self.tokens)?;
        let of_texts: Vec<u32> = answers.iter().map(|answer| answer.saturating_sub(self.start) as u32).collect();
        Ok(of_texts.repeat(copies))
    }
}

impl Patching {
    /// All metrics of the corrupt texts in every cell, from a stream that begins at `start`.
    ///
    /// # Shapes
    /// `resid`: `[cell * batch, pos, d_model]`; result: `[metric, cell, batch]`
    pub(super) fn measure(&self, resid: &Tensor, start: usize) -> Result<Vec<Vec<Vec<f32>>>> {
        let (model, tokens) = (self.baseline.corrupt.run.model(), self.corrupt());
        let readout = Readout::new(&model, &tokens, start);
        let one = |(metric, (_, corrupt)): (&Metric, &Baselines)| {
            let mut values = readout.values(metric, resid)?;
            // A text whose answer comes before `start` is as the corrupt run left it.
            for (text, _) in metric.answers(&tokens)?.iter().enumerate().filter(|(_, answer)| **answer < start) {
                values.iter_mut().for_each(|values| values[text] = corrupt[text]);
            }
            Ok(values)
        };
        self.measured().map(one).collect()
    }

    /// Every position that a metric reads, for each metric and text.
    pub(super) fn answers(&self) -> Result<Vec<usize>> {
        let of = |(metric, _): (&Metric, &Baselines)| metric.answers(&self.corrupt());
        Ok(self.measured().map(of).collect::<Result<Vec<_>>>()?.concat())
    }
}
