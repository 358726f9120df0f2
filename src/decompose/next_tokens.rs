//! Direct logit attribution of every next token.

use super::{LogitAttribution, Part, ResidStack, reading::READOUT_BIAS};
use crate::{
    Result,
    error::RunError,
    model::Architecture,
    ops,
    tensor::{from_values, vector},
};
use candle_core::Tensor;

impl ResidStack {
    /// Returns how much each vector contributes, at every position, to the logit of the token that actually follows:
    /// [`ResidStack::logit_attrs_of`] for all positions in one call.
    ///
    /// The last part, `readout bias`, is the contribution of the biases of the final norm and the unembedding, so the
    /// parts of the last residual stream sum to the logit (before a soft cap). Position `p` is about the token at `p +
    /// 1`, so the last position is left out. Values are 0 where either token is padding.
    ///
    /// A notebook shows a map of the strongest parts over the first text.
    ///
    /// # Shapes
    /// [`LogitAttribution::values`] are `[component, batch, pos]`.
    ///
    /// # Errors
    /// As [`ResidStack::logit_attrs`], and when no kept position has a token after it, or the model is an encoder,
    /// which predicts the token at a position and not the next one.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::s, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose(Site::resid_post(1))?.next_token_attrs()?;
    /// let values = given.to_array()?;
    /// assert_eq!(values.dim(), (5, 1, 7)); // four parts and the biases; seven tokens come after another
    /// let logit = run.predictions(6, 1)?[0].logit; // what comes after the second fox: blue, as it should
    /// assert!((values.slice(s![.., 0, 6]).sum() - logit).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn next_token_attrs(&self) -> Result<LogitAttribution> {
        let (tokens, config) = (&self.tokens, self.model.config());
        let reader = self.final_norm()?;
        if config.architecture == Architecture::Encoder {
            return Err(RunError::NothingFollows { family: config.family.clone() }.into());
        }
        let has_next = |(_, position): &(usize, &u32)| (**position as usize) + 1 < tokens.len();
        let kept: Vec<(usize, &u32)> = self.positions.iter().enumerate().filter(has_next).collect();
        if kept.is_empty() {
            return Err(RunError::NothingNext.into());
        }
        let rows = vector(kept.iter().map(|(row, _)| *row as u32).collect::<Vec<_>>())?;
        let positions: Vec<u32> = kept.iter().map(|(_, position)| **position).collect();
        let parts = self.parts.iter().map(|part| part.at(&rows)).collect::<Result<_>>()?;
        let stack = Self { parts, positions: positions.clone(), ..self.clone() };

        let (batch, pos) = (tokens.batch(), positions.len());
        let each = || (0..batch).flat_map(|text| positions.iter().map(move |&position| (text, position as usize)));
        let next: Vec<u32> = each().map(|(text, position)| tokens.ids(text)[position + 1]).collect();
        let real = |(text, position): (usize, usize)| {
            f32::from(tokens.real(text).contains(&position) && tokens.real(text).contains(&(position + 1)))
        };
        let counted = from_values(each().map(real).collect::<Vec<_>>(), (1, batch, pos))?;
        let (direction, constant) = reader.logit_direction(&self.model, &next, None)?;
        let direction = direction.reshape((batch, pos, ()))?;
        let along = |part: &Part| -> Result<Tensor> {
            let projected = part.project_each(&direction)?;
            Ok(match stack.scale(&reader, part)? {
                Some(scale) => projected.broadcast_div(&scale.squeeze(3)?)?,
                None => projected,
            })
        };
        let (at_end, bias) = stack.at_end()?;
        let mut values = at_end.parts.iter().map(along).collect::<Result<Vec<_>>>()?;
        let constant = constant.reshape((1, batch, pos))?;
        values.push(match bias {
            Some(bias) => (constant + along(&Part::one(&bias)?)?)?,
            None => constant,
        });
        let values = Tensor::cat(&values, 0)?.broadcast_mul(&counted)?;
        let labels = self.labels.iter().cloned().chain([READOUT_BIAS.into()]).collect();
        Ok(LogitAttribution::new(labels, values, tokens.clone(), positions)
            .by_position()
            .of_logit("the logit of the next token".into()))
    }
}

impl Part {
    /// How far each vector goes in the direction of its text and position.
    ///
    /// # Shapes
    /// `direction`: `[batch, pos, d_model]`; result: `[component, batch, pos]`.
    pub(super) fn project_each(&self, direction: &Tensor) -> Result<Tensor> {
        match self {
            Self::Vectors(vectors) => {
                let one = |component: usize| vectors.get(component)?.mul(direction)?.sum(2);
                let all = (0..vectors.dim(0)?).map(one).collect::<candle_core::Result<Vec<_>>>()?;
                Ok(Tensor::stack(&all, 0)?)
            }
            Self::Neurons { post, w_out } => {
                let along = ops::linear(direction, &w_out.t()?, None)?; // [batch, pos, d_mlp]
                Ok(post.mul(&along)?.permute((2, 0, 1))?.contiguous()?)
            }
        }
    }
}
