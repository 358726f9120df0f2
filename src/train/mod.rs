//! Training small models through the same forward pass that is hooked elsewhere, and the recipes of the shipped models.
//!
//! A [`Recipe`] decides what is trained on what, and a [`Training`] follows it. A recipe is seeded: on one machine it
//! always produces the same weights, whether or not the training was interrupted. `glassbox train RECIPE` runs one.
//!
//! To add a recipe, implement [`Recipe`] in a new file here and add a line to `recipes.rs`.

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
