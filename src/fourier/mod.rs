//! Waves over numbers: which frequencies of `n mod p` a tensor holds.
//!
//! A model that adds modulo `p` (see [`train::modular`](crate::train::modular)) turns each number into angles
//! `2 pi k n / p` for a few frequencies `k`, multiplies their sines and cosines, and reads the sum off the product. So
//! its weights, which look like noise number by number, are plain when they are written as waves (Nanda et al. 2023,
//! *Progress measures for grokking via mechanistic interpretability*).
//!
//! | question | answer |
//! |---|---|
//! | which frequencies does the embedding hold? | [`Fourier::spectrum`] |
//! | to which frequency does each neuron listen? | [`Fourier::neurons`] |
//! | how much of the answer goes through these frequencies, and how much past them? | [`ProgressMeasures`] |
//!
//! # Examples
//! ```
//! use glassbox::{fourier::Fourier, prelude::*};
//! let (before, after) = (Model::open("modular-addition-1l@0")?, Model::open("modular-addition-1l")?);
//! let fourier = Fourier::new(53)?;
//! let noise = fourier.spectrum(&before.weights().w_e()?)?;
//! let waves = fourier.spectrum(&after.weights().w_e()?)?;
//! assert!(noise.strongest(6).iter().map(|&k| noise.share(k)).sum::<f64>() < 0.5);
//! assert!(waves.strongest(6).iter().map(|&k| waves.share(k)).sum::<f64>() > 0.9);
//! # Ok::<(), glassbox::Error>(())
//! ```

mod basis;
mod neurons;
mod progress;
mod spectrum;

pub use basis::Fourier;
pub use neurons::Tuning;
pub use progress::ProgressMeasures;
pub use spectrum::Spectrum;
