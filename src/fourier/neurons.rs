//! [`Tuning`]: the frequency that a neuron responds to.

use super::{Fourier, spectrum::ROUNDING};
use crate::{
    Result,
    error::FourierError,
    order::{larger, largest},
};
use candle_core::Tensor;
use std::borrow::Borrow;

/// The frequency that explains most of a neuron's variance over all pairs of numbers.
///
/// # Examples
/// ```
/// use glassbox::{fourier::Fourier, prelude::*, train::modular::Sums};
/// let model = Model::open("modular-addition-1l")?;
/// let neurons = Fourier::new(53)?.neurons(Sums::of(&model)?.neurons()?)?;
/// assert!(neurons.iter().filter(|neuron| neuron.share > 0.8).count() > neurons.len() / 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tuning {
    /// The neuron.
    pub neuron: usize,
    /// The frequency.
    pub frequency: usize,
    /// The share of the neuron's variance over all pairs that waves of this frequency explain: waves of the first
    /// number, of the second, and their products. Between 0 and 1; 0 for a constant neuron.
    pub share: f64,
}

impl Fourier {
    /// Returns the frequency of every neuron ([Nanda et al. 2023](https://arxiv.org/abs/2301.05217), section 4.2).
    ///
    /// # Shapes
    /// `[number, number, d_mlp]`, such as `mlp_post` of all pairs
    ///
    /// # Errors
    /// Fails when one of the first two axes is shorter than `p`, there are not exactly three axes, or a value is NaN or
    /// infinite.
    ///
    /// # Examples
    /// ```
    /// use glassbox::fourier::Fourier;
    /// use glassbox::candle_core::{Device, Tensor};
    /// let wave = |n: usize| (std::f32::consts::TAU * 2.0 * n as f32 / 7.0).cos();
    /// let of_sum: Vec<f32> = (0..49).map(|pair| wave(pair / 7 + pair % 7)).collect();
    /// let neurons = Fourier::new(7)?.neurons(Tensor::from_vec(of_sum, (7, 7, 1), &Device::Cpu)?)?;
    /// assert_eq!(neurons[0].frequency, 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn neurons(&self, activations: impl Borrow<Tensor>) -> Result<Vec<Tuning>> {
        let activations = activations.borrow();
        let modulus = self.modulus();
        let (_, _, neurons) = activations.dims3().map_err(|_| FourierError::Shape {
            axis: 1,
            shape: activations.dims().to_vec(),
            modulus,
        })?;
        let power = self.exact_components(&self.exact_components(activations, 0)?, 1)?.sqr()?.to_vec3::<f64>()?;
        self.check_power(activations, power.iter().flatten().flatten().sum())?;
        let tuning = |neuron: usize| {
            let at = |a: usize, b: usize| power[a][b][neuron];
            let all: f64 = (0..modulus).flat_map(|a| (0..modulus).map(move |b| (a, b))).map(|(a, b)| at(a, b)).sum();
            let varying = all - at(0, 0);
            let of = |frequency: usize| {
                // The constant, the cosine and the sine of one number each.
                let waves = [0, 2 * frequency - 1, 2 * frequency];
                waves.iter().flat_map(|&a| waves.map(|b| at(a, b))).sum::<f64>() - at(0, 0)
            };
            let powers: Vec<f64> = (1..=modulus / 2).map(of).collect();
            let best = largest(powers.iter().copied()).unwrap_or(0);
            let (frequency, power) = (best + 1, larger(powers[best], 0.0));
            Tuning { neuron, frequency, share: if varying > at(0, 0) * ROUNDING { power / varying } else { 0.0 } }
        };
        Ok((0..neurons).map(tuning).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_product_of_waves_is_of_their_frequency_and_a_constant_of_none() {
        let fourier = Fourier::new(7).unwrap();
        let angle = |n: usize, frequency: usize| std::f32::consts::TAU * (n * frequency) as f32 / 7.0;
        let neurons = |a: usize, b: usize| {
            let product = angle(a, 3).cos() * angle(b, 3).sin() + 0.5 * angle(a, 3).sin() + 4.0;
            [product, 2.0, angle(a, 1).cos() + angle(b, 2).cos()]
        };
        let all: Vec<f32> = (0..7).flat_map(|a| (0..7).flat_map(move |b| neurons(a, b))).collect();
        let tuned = fourier.neurons(Tensor::from_vec(all, (7, 7, 3), &Device::Cpu).unwrap()).unwrap();
        assert!(tuned[0].frequency == 3 && (tuned[0].share - 1.0).abs() < 1e-6, "{tuned:?}");
        assert!(tuned[1].share < 1e-3, "{tuned:?}");
        assert!((tuned[2].share - 0.5).abs() < 1e-6, "{tuned:?}");
        assert!(fourier.neurons(Tensor::zeros((7, 7), candle_core::DType::F32, &Device::Cpu).unwrap()).is_err());
    }
}
