//! The forward pass: the parts of a transformer, and how a pass goes through them with hooks.

mod count;
mod frame;
mod here;
mod kept;
pub(crate) mod parts;
mod tap;
pub(crate) mod transformer;

pub(crate) use frame::Frame;
pub(crate) use here::Here;
pub(crate) use kept::Kept;
pub(crate) use tap::{Plan, Tap};
