//! Steering: directions in the stream that stand for something, added to what the model thinks, or taken out of it.
//!
//! A [`Direction`] is the difference between what the model has at a site on some texts and on others: activation
//! addition (Turner et al. 2023), difference of means (Marks and Tegmark 2023). [`Direction::add`] pushes along it,
//! [`Direction::ablate`] takes it out (Arditi et al. 2024): both are [`Intervention`](crate::hook::Intervention)s, for a
//! run, a hooked model or a [`Generation`](crate::generate::Generation). [`Direction::dose`] says how much of it does
//! how much: a [`DoseCurve`].

mod direction;
mod dose;

pub use direction::Direction;
pub use dose::DoseCurve;
