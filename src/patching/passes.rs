//! Passes through a hooked model's blocks. Their logits are computed separately, only where a metric reads them.

use crate::{
    Model, Result,
    hook::{Intervention, Stage},
    input::Input,
    model::Pass,
    net::Kept,
    tensor::vector,
};
use candle_core::Tensor;

/// Whether an intervention acts after the last block.
pub(super) fn at_end(one: &Intervention) -> bool {
    let site = one.site();
    site.layer().is_none() && site.point().stage() == Stage::End && !site.is_pooled()
}

/// A pass through a hooked model's blocks; its end is left to [`Readout`](super::readout::Readout).
pub(super) fn before_end(model: &Model, input: &Input) -> Pass {
    let inside = model.standing().iter().filter(|one| !at_end(one)).cloned();
    Pass::onward(model, input, Kept::default()).intervene(inside).without_logits()
}

/// One position of each row.
///
/// # Shapes
/// `[row, pos, d_model]` to `[row, d_model]`, or the same with `d_vocab`.
pub(super) fn pick(x: &Tensor, positions: &[u32]) -> Result<Tensor> {
    let (rows, pos, width) = x.dims3()?;
    let at: Vec<u32> = positions.iter().enumerate().map(|(row, &at)| (row * pos) as u32 + at).collect();
    Ok(x.reshape((rows * pos, width))?.index_select(&vector(at)?, 0)?)
}
