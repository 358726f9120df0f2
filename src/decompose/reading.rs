//! The parts of a stream as the norms and the unembedding read them.

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
    /// From here on norms use each vector's own statistics, as if it were the whole stream. Of the stream as it grows
    /// ([`Run::accumulated_resid`](crate::model::Run::accumulated_resid)), [`ResidStack::logit_attrs`] is then the logit
    /// lens of an answer: what the model would say there. Parts of a sum no longer add up.
    ///
    /// Without it norms have the scale that the run itself had where `reader` stands, which leaves them linear
    /// (`recompute_ln` of TransformerLens). The vectors of neurons are made for it: think of the memory. Norms between the
    /// parts and the place where they add up (BERT) stay held.
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

    /// The vectors as the norm before `reader` leaves them, its weight and bias aside: less their mean (LayerNorm), over
    /// the scale that the run itself had there. With the scale held fast the norm is linear, so parts stay parts of a
    /// sum; [`ResidStack::recompute_ln`] chooses each vector's own scale instead. `reader` is a site of a block for the
    /// norm of its attention ([`Site::resid_pre`]) or MLP ([`Site::resid_mid`]), or [`Site::unembed_in`] for the final
    /// one. In an encoder-decoder [`Site::resid_mid`] is the norm of cross attention, [`Site::resid_mid_cross`] that of the
    /// MLP, and [`Site::encoder_final_ln_normalized`] the norm of what cross attention looks at.
    ///
    /// # Shapes
    /// `[component, batch, pos, d_model]`
    ///
    /// # Errors
    /// When the run did not record that norm's scale, or the norm reads the stream of another stack.
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

    /// How much each vector adds to the logit of `answer` less that of `wrong`, through the final norm with the scale
    /// the run had (or, after [`ResidStack::recompute_ln`], with the vector's own). Together with what the norm's bias
    /// and the unembedding's bias give ([`LogitAttribution::constant`]), parts of the last residual stream add up to the logit
    /// difference exactly; where logits are soft-capped (Gemma 2), which no sum survives, to the difference before the
    /// cap: that of `unembed.hook_out`. A scale on the logits (Cohere, Granite) is in every part.
    ///
    /// Where norms stand on the stream (BERT), parts are carried through those between their site and the unembedding, and
    /// through the head of a masked language model, all held: the norms by their scales, the head's activation by its gate
    /// `g(u)`, with `gelu(u) = u g(u)`. The biases on this way give something else at each position. They are a part of their
    /// own, the last, `readout bias`, and the constant is 0; all parts together are the logit.
    ///
    /// `answer` and `wrong` are a token for all texts, or one for each: ids, or words, read as each text goes on after the
    /// last position that is left ([the rule](crate::model::AnswerWord#the-space-before-a-word)).
    ///
    /// # Errors
    /// When an answer is no single token, the model has no unembedding, or the stream is the encoder's of an
    /// encoder-decoder, which the unembedding does not read.
    #[doc(alias = "residual_stack_to_logit_diff")]
    pub fn logit_attrs(&self, answer: impl ToTokenIds, wrong: impl ToTokenIds) -> Result<LogitAttribution> {
        let (answer, wrong) = (self.ids(answer)?, self.ids(wrong)?);
        let measured = format!("the logit of {} less that of {}", self.named(&answer), self.named(&wrong));
        Ok(self.attrs(&answer, Some(&wrong))?.of_logit(measured))
    }

    /// As [`ResidStack::logit_attrs`], for the logit of one token itself.
    ///
    /// # Errors
    /// As there.
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
