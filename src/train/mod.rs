//! Training small models through the same forward pass that is hooked, and the recipes of the shipped ones.
//!
//! A recipe is seeded: on one machine it gives the same weights every time. `glassbox train RECIPE` runs one.

mod curve;
pub mod induction;
mod parameters;
mod save;
mod steps;
mod vocabulary;

pub use curve::Curve;
pub use steps::{Progress, Schedule};

pub(crate) use parameters::Parameters;
pub(crate) use steps::descend;
