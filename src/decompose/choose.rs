//! Selecting positions and parts of a [`ResidStack`].

use super::ResidStack;
use crate::{Result, cache::index_of, error::RunError, hook::ToIndex, tensor::vector};

impl ResidStack {
    /// Keeps only these positions of the texts (-1 is the last).
    ///
    /// # Errors
    /// When a position is outside the text or was not kept before, or no position is given.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let last = run.decompose(Site::resid_post(1))?.positions([-1])?;
    /// assert_eq!(last.values()?.dims(), [4, 1, 1, 64]); // [component, batch, pos, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn positions(&self, positions: impl IntoIterator<Item = impl ToIndex>) -> Result<Self> {
        let chosen = positions.into_iter().map(|at| self.tokens.index(at)).collect::<Result<Vec<_>>>()?;
        if chosen.is_empty() {
            return Err(RunError::NoPositions.into());
        }
        let rows = chosen.iter().map(|&at| Ok(index_of(at, &self.positions)? as u32)).collect::<Result<Vec<_>>>()?;
        let rows = vector(rows)?;
        let parts = self.parts.iter().map(|part| part.at(&rows)).collect::<Result<_>>()?;
        Ok(Self { parts, positions: chosen.into_iter().map(|at| at as u32).collect(), ..self.clone() })
    }

    /// Keeps only the parts whose label satisfies `keep`: those of attention, those of one layer, or some neurons
    /// (TransformerLens's `mode` and `neuron_slice`).
    ///
    /// # Errors
    /// When no label satisfies `keep`.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let attention = run.decompose(Site::resid_post(1))?.only(|label| label.ends_with("_attn_out"))?;
    /// assert_eq!(attention.labels(), ["0_attn_out", "1_attn_out"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Result<Self> {
        let (mut labels, mut parts) = (Vec::new(), Vec::new());
        let mut rest = self.labels.as_slice();
        for part in &self.parts {
            let (own, after) = rest.split_at(part.len()?);
            rest = after;
            let kept: Vec<u32> = (0..own.len() as u32).filter(|&at| keep(&own[at as usize])).collect();
            if !kept.is_empty() {
                labels.extend(kept.iter().map(|&at| own[at as usize].clone()));
                parts.push(part.only(&vector(kept)?)?);
            }
        }
        match parts.is_empty() {
            true => Err(RunError::NoParts { labels: self.len(), first: self.labels.first().cloned() }.into()),
            false => Ok(Self { labels, parts, ..self.clone() }),
        }
    }
}
