//! Fourier analysis over numbers: which frequencies of `n mod p` a tensor contains.
//!
//! A model that adds modulo `p` (see [`train::modular`](crate::train::modular)) turns each number into angles
//! `2 pi k n / p` for a few frequencies `k`, multiplies their sines and cosines, and reads the sum from the product.
//! Number by number its weights look like noise. As waves they are easy to read ([Nanda et al.
//! 2023](https://arxiv.org/abs/2301.05217), *Progress measures for grokking via mechanistic interpretability*).
//!
//! | question | answer |
//! |---|---|
//! | which frequencies does the embedding contain? | [`Fourier::spectrum`] |
//! | which frequency does each neuron respond to? | [`Fourier::neurons`] |
//! | how much of the answer depends on these frequencies, and how much on others? | [`ProgressMeasures`] |
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
