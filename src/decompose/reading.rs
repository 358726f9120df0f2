//! How norms and the unembedding read the parts of a stream.

use super::{LogitAttribution, Part, ResidStack, direction::Reader};
use crate::{
    Result,
    error::RunError,
    hook::{Site, Stack, ToSite},
    model::{ToTokenIds, ids_after},
    net::Here,
    ops,
    printable::visible,
    tensor::vector,
};
use candle_core::Tensor;

/// The part that biases on the way to the logits are, where they give something else at each position.
pub(super) const READOUT_BIAS: &str = "readout bias";

impl ResidStack {
    /// Makes every later norm use each vector's own statistics, as if the vector were the whole stream.
    ///
    /// For streams ([`Run::accumulated_resid`](crate::model::Run::accumulated_resid)), [`ResidStack::logit_attrs`] is
    /// then the logit lens of an answer: what the model would predict there. Parts of a sum no longer add up.
    ///
    /// By default norms keep the scale that they had in the run, which makes them linear (TransformerLens's
    /// `recompute_ln`). With this setting the vectors of neurons are computed, which may need much memory. In post-norm
    /// models (BERT) the norms between a part and `site` stay held.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let streams = run.accumulated_resid(Site::resid_post(1), false)?;
    /// let held = streams.logit_attrs("owl", "red")?.at_last()?;
    /// let lens = streams.recompute_ln().logit_attrs("owl", "red")?.at_last()?;
    /// assert!((held[0] - lens[0]).abs() > 1e-3); // the embeddings are smaller than the last stream
    /// assert!((held[2] - lens[2]).abs() < 1e-4); // whose scale is held
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "apply_ln_to_stack")]
    pub fn recompute_ln(&self) -> Self {
        Self { recompute_ln: true, ..self.clone() }
    }

    /// Applies the norm that `reader` reads through, without its weight and bias: subtracts the mean (LayerNorm) and
    /// divides by the scale that the norm had in the run. The held scale makes the norm linear, so parts remain parts
    /// of a sum. After [`ResidStack::recompute_ln`] each vector has its own scale.
    ///
    /// `reader` is a site of a block: [`Site::resid_pre`] for the norm of attention, [`Site::resid_mid`] for that of
    /// the MLP. [`Site::unembed_in`] stands for the final norm. In an encoder-decoder [`Site::resid_mid`] is the norm
    /// of cross attention, [`Site::resid_mid_cross`] that of the MLP, and [`Site::encoder_final_ln_normalized`] that of
    /// the encoder's output, which cross attention reads.
    ///
    /// # Shapes
    /// `[component, batch, pos, d_model]`
    ///
    /// # Errors
    /// When the run did not record the scale of that norm, or the norm reads the stream of another stack.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl")?;
    /// let parts = run.decompose(Site::resid_pre(1))?.apply_ln(Site::resid_pre(1))?;
    /// let difference = (parts.sum(0)? - run.cache().get(Site::ln1_normalized(1))?)?.abs()?.max_all()?;
    /// assert!(difference.to_scalar::<f32>()? < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "apply_ln_to_stack")]
    pub fn apply_ln(&self, reader: impl ToSite) -> Result<Tensor> {
        let site = self.model.config().site(reader)?;
        let reader = Reader::at(&self.model, site)?;
        if reader.stack != self.site.stack() {
            let (reader, site) = (site.to_string(), self.site.to_string());
            return Err(RunError::OtherStack { reader, site }.into());
        }
        let normed = |part: &Part| -> Result<Tensor> {
            let vectors = part.vectors()?;
            let centred = if reader.centred { vectors.broadcast_sub(&vectors.mean_keepdim(3)?)? } else { vectors };
            match self.scale(&reader, part)? {
                Some(scale) => Ok(centred.broadcast_div(&scale)?),
                None => Ok(centred),
            }
        };
        Ok(Tensor::cat(&self.parts.iter().map(normed).collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// What the norm divides a part's vectors by, `[component or one, batch, pos, one]`; `None` where there is no norm.
    pub(super) fn scale(&self, reader: &Reader, part: &Part) -> Result<Option<Tensor>> {
        let Some(site) = reader.scale else { return Ok(None) };
        if self.recompute_ln {
            return Ok(Some(ops::norm_scale(&part.vectors()?, reader.centred, reader.eps)?));
        }
        Ok(Some(self.at_positions(site)?.unsqueeze(0)?))
    }

    /// What the run had at a site of the stack, at the positions that are left.
    ///
    /// # Shapes
    /// `[batch, pos, ..]`
    pub(super) fn at_positions(&self, site: Site) -> Result<Tensor> {
        let row = |&position: &u32| Ok(self.cache.row(site, position as usize)? as u32);
        let rows = self.positions.iter().map(row).collect::<Result<Vec<_>>>()?;
        Ok(self.cache.get(site)?.index_select(&vector(rows)?, 1)?)
    }

    /// Returns how much each vector contributes to the logit of `answer` minus the logit of `wrong`: direct logit
    /// attribution.
    ///
    /// The final norm has the scale that it had in the run or, after [`ResidStack::recompute_ln`], the vector's own.
    /// The parts of the last residual stream, together with the biases of the norm and the unembedding
    /// ([`LogitAttribution::constant`]), sum exactly to the logit difference. Where logits are soft-capped (Gemma 2)
    /// they sum to the difference before the cap, at `unembed.hook_out`. A scale on the logits (Cohere, Granite) is
    /// included in every part.
    ///
    /// In post-norm models (BERT) the parts are carried through the norms between their site and the unembedding, and
    /// through the head of a masked language model. The norms are held at their scales, and the head's activation at
    /// its gate `g(u)`, where `gelu(u) = u g(u)`. The biases on this way have a different effect at each position, so
    /// they are the last part, `readout bias`, and the constant is 0.
    ///
    /// `answer` and `wrong` are one token for all texts, or one for each: ids, or words as they continue the text after
    /// its last kept position ([the rule](crate::model::AnswerWord#the-space-before-a-word)).
    ///
    /// # Errors
    /// When an answer is not a single token, the model has no unembedding, or the stream is that of an
    /// encoder-decoder's encoder, which the unembedding does not read.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose_heads(Site::resid_post(1))?.positions([-1])?.logit_attrs("owl", "red")?;
    /// assert_eq!(given.top(1)?[0].0, "L1H0"); // the induction head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "residual_stack_to_logit_diff")]
    pub fn logit_attrs(&self, answer: impl ToTokenIds, wrong: impl ToTokenIds) -> Result<LogitAttribution> {
        let (answer, wrong) = (self.ids(answer)?, self.ids(wrong)?);
        let measured = format!("the logit of {} less that of {}", self.named(&answer), self.named(&wrong));
        Ok(self.attrs(&answer, Some(&wrong))?.of_logit(measured))
    }

    /// As [`ResidStack::logit_attrs`], for the logit of one token instead of a difference.
    ///
    /// # Errors
    /// As [`ResidStack::logit_attrs`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose(Site::resid_post(1))?.positions([-1])?.logit_attrs_of("owl")?;
    /// let total = given.at_last()?.iter().sum::<f32>() + given.constant()[0];
    /// assert!((total - run.predictions(-1, 1)?[0].logit).abs() < 1e-3); // parts add up to the logit
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "logit_attrs")]
    pub fn logit_attrs_of(&self, answer: impl ToTokenIds) -> Result<LogitAttribution> {
        let answer = self.ids(answer)?;
        Ok(self.attrs(&answer, None)?.of_logit(format!("the logit of {}", self.named(&answer))))
    }

    /// What the tokens of the texts are called in a title: by name where it is one token.
    fn named(&self, ids: &[u32]) -> String {
        match ids {
            [first, rest @ ..] if rest.iter().all(|id| id == first) => visible(&self.model.token_text(*first)),
            _ => "each text's token".into(),
        }
    }

    /// The token of each text.
    fn ids(&self, answer: impl ToTokenIds) -> Result<Vec<u32>> {
        let last = |text: usize| {
            let real = self.tokens.real(text);
            let left = self.positions.iter().map(|&position| position as usize).filter(|at| real.contains(at));
            Ok(left.max().unwrap_or(real.end.saturating_sub(1)))
        };
        ids_after(&self.model, &answer.answer_words(), &self.tokens, last)
    }

    /// The final norm, if it reads this stream.
    pub(super) fn final_norm(&self) -> Result<Reader> {
        match (self.site.stack(), &self.model.transformer().encoder) {
            (Stack::Encoder, Some(_)) => Err(RunError::EncoderStream { site: self.site.to_string() }.into()),
            _ => Ok(Reader::of(&self.model.transformer().readout.ln_final, Here::default())),
        }
    }

    fn attrs(&self, answer: &[u32], wrong: Option<&[u32]>) -> Result<LogitAttribution> {
        let reader = self.final_norm()?;
        if let Some(head) = &self.model.transformer().readout.mlm {
            return self.attrs_through(head, &reader, answer, wrong);
        }
        let (direction, constant) = reader.logit_direction(&self.model, answer, wrong)?;
        let along = |part: &Part| -> Result<Tensor> {
            let projected = part.project(&direction)?;
            match self.scale(&reader, part)? {
                Some(scale) => Ok(projected.broadcast_div(&scale.squeeze(3)?)?),
                None => Ok(projected),
            }
        };
        let (at_end, bias) = self.at_end()?;
        let values = at_end.parts.iter().map(along).collect::<Result<Vec<_>>>()?;
        let of_biases = bias.map(|bias| along(&Part::one(&bias)?)).transpose()?;
        self.read(values, of_biases, &constant)
    }

    /// # Shapes
    /// `values`: each `[component, batch, pos]`; `of_biases`: `[one, batch, pos]`, what biases give that is not the same
    /// everywhere; `constant`: `[batch]`.
    pub(super) fn read(
        &self,
        mut values: Vec<Tensor>,
        of_biases: Option<Tensor>,
        constant: &Tensor,
    ) -> Result<LogitAttribution> {
        let Some(of_biases) = of_biases else {
            return Ok(self.attribution(Tensor::cat(&values, 0)?).with_constant(constant.to_vec1()?));
        };
        values.push(of_biases.broadcast_add(&constant.unsqueeze(0)?.unsqueeze(2)?)?);
        let labels = self.labels.iter().cloned().chain([READOUT_BIAS.into()]).collect();
        Ok(LogitAttribution::new(labels, Tensor::cat(&values, 0)?, self.tokens.clone(), self.positions.clone()))
    }
}
