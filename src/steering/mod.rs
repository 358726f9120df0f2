//! Steering: finding directions in activations, adding them, and removing them.
//!
//! A [`Direction`] is usually the difference between the mean activations on two sets of texts: activation addition
//! ([Turner et al. 2023](https://arxiv.org/abs/2308.10248)), difference of means ([Marks and Tegmark
//! 2023](https://arxiv.org/abs/2310.06824)). [`Direction::add`] steers along it and [`Direction::ablate`] removes it
//! ([Arditi et al. 2024](https://arxiv.org/abs/2406.11717)). Both return [`Intervention`](crate::hook::Intervention)s,
//! for a run, a hooked model or a [`Generation`](crate::generate::Generation).
//! [`Direction::dose`] measures the effect at several strengths: a [`DoseCurve`].

mod direction;
mod dose;

pub use direction::Direction;
pub use dose::DoseCurve;
