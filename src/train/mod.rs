//! Training small models through the same forward pass that is hooked, and the recipes of the shipped ones.
//!
//! A [`Recipe`] says what is trained on what; [`Training`] follows one. A recipe is seeded: on one machine it gives the
//! same weights every time, whether or not the training was interrupted. `glassbox train RECIPE` runs one.

mod adamw;
mod batch;
mod curve;
pub mod grammar;
pub mod induction;
pub mod modular;
mod parameters;
mod recipe;
mod recipes;
mod schedule;
mod sealed;
mod state;
mod training;
mod vocabulary;

pub use batch::Batch;
pub use curve::{Curve, History};
pub use parameters::Parameters;
pub use recipe::Recipe;
pub use recipes::{recipe, recipes};
pub use schedule::{Decay, Schedule};
pub use training::{Progress, Training};
