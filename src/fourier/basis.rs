//! [`Fourier`]: the Fourier basis of functions on the numbers modulo `p`.

use super::Spectrum;
use crate::{
    Result,
    error::{FourierError, at_most},
    tensor::from_values,
};
use candle_core::{DType, Tensor};
use std::{borrow::Borrow, f64::consts::TAU};

/// The Fourier basis of the numbers modulo an odd `p`: a constant, and for each frequency `k` from 1 to `p / 2` the
/// cosine and the sine of `2 pi k n / p`.
///
/// All are orthonormal.
///
/// # Examples
/// ```
/// use glassbox::fourier::Fourier;
/// use glassbox::candle_core::{Device, Tensor};
/// let fourier = Fourier::new(7)?;
/// assert_eq!(fourier.names(), ["constant", "cos 1", "sin 1", "cos 2", "sin 2", "cos 3", "sin 3"]);
/// let wave: Vec<f32> = (0..7).map(|n| (std::f32::consts::TAU * 2.0 * n as f32 / 7.0).sin()).collect();
/// let spectrum = fourier.spectrum(&Tensor::from_vec(wave, (7, 1), &Device::Cpu)?)?;
/// assert_eq!(spectrum.strongest(1), [2]);
/// assert!((spectrum.share(2) - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fourier {
    modulus: usize,
    /// `[component, number]`, float64
    waves: Tensor,
}

/// The largest modulus, whose waves take 128 MB.
const MOST: usize = 4095;

impl Fourier {
    /// Makes the basis for a modulus.
    ///
    /// # Errors
    /// Fails when the modulus is even, less than 3, or more than 4095.
    ///
    /// # Examples
    /// ```
    /// use glassbox::fourier::Fourier;
    /// assert_eq!(Fourier::new(7)?.modulus(), 7);
    /// assert!(Fourier::new(8).is_err()); // even
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new(modulus: usize) -> Result<Self> {
        if modulus < 3 || modulus.is_multiple_of(2) {
            return Err(FourierError::Modulus { modulus }.into());
        }
        at_most("numbers in a Fourier basis", modulus, MOST)?;
        let constant = vec![(modulus as f64).sqrt().recip(); modulus];
        let pairs = (1..=modulus / 2).flat_map(|frequency| pair(modulus, frequency, 0..modulus));
        let waves: Vec<f64> = std::iter::once(constant).chain(pairs).flatten().collect();
        Ok(Self { modulus, waves: from_values(waves, (modulus, modulus))? })
    }

    /// The modulus.
    ///
    /// # Examples
    /// ```
    /// use glassbox::fourier::Fourier;
    /// assert_eq!(Fourier::new(53)?.modulus(), 53);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn modulus(&self) -> usize {
        self.modulus
    }

    /// The names of the components, in order.
    ///
    /// # Examples
    /// ```
    /// use glassbox::fourier::Fourier;
    /// assert_eq!(Fourier::new(3)?.names(), ["constant", "cos 1", "sin 1"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn names(&self) -> Vec<String> {
        let pairs = (1..=self.modulus / 2).flat_map(|k| [format!("cos {k}"), format!("sin {k}")]);
        std::iter::once("constant".to_owned()).chain(pairs).collect()
    }

    /// Returns the coefficient of each wave along an axis of numbers.
    ///
    /// Entries after the first `p`, such as the embeddings of `+` and `=`, are left out.
    ///
    /// # Shapes
    /// `[.., number, ..]` to `[.., component, ..]`, with the type of the input
    ///
    /// # Errors
    /// Fails when the axis is shorter than `p`.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let embed = Model::open("modular-addition-1l")?.weights().w_e()?;
    /// assert_eq!(Fourier::new(53)?.components(&embed, 0)?.dims()[0], 53); // [component, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn components(&self, x: impl Borrow<Tensor>, axis: usize) -> Result<Tensor> {
        let x = x.borrow();
        let dtype = if x.dtype().is_float() { x.dtype() } else { DType::F32 };
        Ok(self.exact_components(x, axis)?.to_dtype(dtype)?)
    }

    /// Returns [`components`](Self::components) in float64.
    pub(super) fn exact_components(&self, x: &Tensor, axis: usize) -> Result<Tensor> {
        let shape = || FourierError::Shape { axis, shape: x.dims().to_vec(), modulus: self.modulus };
        if x.dims().get(axis).is_none_or(|&numbers| numbers < self.modulus) {
            return Err(shape().into());
        }
        let first = x.narrow(axis, 0, self.modulus)?.to_dtype(DType::F64)?.transpose(0, axis)?.contiguous()?;
        let columns = first.reshape((self.modulus, ()))?;
        Ok(self.waves.matmul(&columns)?.reshape(first.shape())?.transpose(0, axis)?)
    }

    /// Returns the share of each frequency in a tensor whose first axis is a number, such as an embedding or a
    /// transposed unembedding.
    ///
    /// # Shapes
    /// `[number, ..]`
    ///
    /// # Errors
    /// Fails when the first axis is shorter than `p`, or one of its values is NaN or infinite.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
    /// let key = spectrum.strongest(6); // six frequencies explain nearly everything
    /// assert!(key.iter().map(|&k| spectrum.share(k)).sum::<f64>() > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn spectrum(&self, x: impl Borrow<Tensor>) -> Result<Spectrum> {
        let x = x.borrow();
        let power = self.exact_components(x, 0)?.sqr()?.reshape((self.modulus, ()))?.sum(1)?.to_vec1::<f64>()?;
        self.check_power(x, power.iter().sum())?;
        let constant = power.first().copied().unwrap_or_default();
        let waves = power.get(1..).unwrap_or_default().chunks(2);
        Ok(Spectrum::new(constant, waves.map(|pair| pair.iter().sum()).collect()))
    }

    /// Returns the position of each number in the plane of one frequency's cosine and sine.
    ///
    /// The numbers form a circle there if the tensor contains that frequency.
    ///
    /// # Shapes
    /// `[number, d_model]` to `(x, y)` of each of the `p` numbers
    ///
    /// # Errors
    /// Fails when there is no such frequency, there are not exactly two axes, or the first is shorter than `p`.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let fourier = Fourier::new(53)?;
    /// let embed = Model::open("modular-addition-1l")?.weights().w_e()?;
    /// let points = fourier.circle(&embed, fourier.spectrum(&embed)?.strongest(1)[0])?;
    /// assert_eq!(points.len(), 53); // draw them with Scatter
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn circle(&self, x: impl Borrow<Tensor>, frequency: usize) -> Result<Vec<(f32, f32)>> {
        let x = x.borrow();
        self.check(frequency)?;
        if x.rank() != 2 {
            return Err(FourierError::Shape { axis: 0, shape: x.dims().to_vec(), modulus: self.modulus }.into());
        }
        let components = self.exact_components(x, 0)?;
        let directions = components.narrow(0, 2 * frequency - 1, 2)?;
        let lengths = directions.sqr()?.sum_keepdim(1)?.sqrt()?;
        let directions = directions.broadcast_div(&lengths)?;
        let numbers = x.narrow(0, 0, self.modulus)?.to_dtype(DType::F64)?;
        let places = numbers.matmul(&directions.t()?)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        Ok(places.iter().filter_map(|place| Some((*place.first()?, *place.get(1)?))).collect())
    }

    /// Checks that the sum of squares of the coefficients is finite.
    pub(super) fn check_power(&self, x: &Tensor, power: f64) -> Result<()> {
        if power.is_finite() {
            return Ok(());
        }
        let values = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let value = values.into_iter().find(|value| !value.is_finite()).unwrap_or(power);
        Err(FourierError::NotFinite { value, shape: x.dims().to_vec() }.into())
    }

    pub(super) fn check(&self, frequency: usize) -> Result<()> {
        match (1..=self.modulus / 2).contains(&frequency) {
            true => Ok(()),
            false => Err(FourierError::Frequency { frequency, modulus: self.modulus }.into()),
        }
    }
}

/// Returns the cosine and the sine of `2 pi k n / p` at some numbers `n`, with length 1 over all `p` numbers.
pub(super) fn pair(modulus: usize, frequency: usize, numbers: impl Iterator<Item = usize> + Clone) -> [Vec<f64>; 2] {
    let size = (2.0 / modulus as f64).sqrt();
    [f64::cos, f64::sin].map(|wave| {
        let angle = |number: usize| TAU * (frequency * number % modulus) as f64 / modulus as f64;
        numbers.clone().map(|number| size * wave(angle(number))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_waves_are_of_length_one_and_at_right_angles() {
        let waves = Fourier::new(53).unwrap().waves;
        let products = waves.matmul(&waves.t().unwrap()).unwrap().to_vec2::<f64>().unwrap();
        for (i, row) in products.iter().enumerate() {
            let off = row.iter().enumerate().map(|(j, product)| (product - f64::from(u8::from(i == j))).abs());
            assert!(off.fold(0.0, f64::max) < 1e-12, "row {i}");
        }
    }

    #[test]
    fn components_along_any_axis_keep_the_length_and_leave_out_what_is_no_number() {
        let fourier = Fourier::new(5).unwrap();
        let x = Tensor::arange(0f32, 42.0, &Device::Cpu).unwrap().reshape((3, 7, 2)).unwrap();
        let components = fourier.components(&x, 1).unwrap();
        assert_eq!(components.dims(), [3, 5, 2]);
        let squares = |t: &Tensor| t.sqr().unwrap().sum_all().unwrap().to_dtype(DType::F64).unwrap();
        let difference = (squares(&components) - squares(&x.narrow(1, 0, 5).unwrap())).unwrap();
        assert!(difference.to_scalar::<f64>().unwrap().abs() < 1e-9);
        assert!(fourier.components(&x, 2).is_err() && fourier.components(&x, 3).is_err());
        assert!(Fourier::new(6).is_err() && Fourier::new(1).is_err());
    }

    #[test]
    fn a_constant_is_of_no_frequency_however_large_it_is() {
        for modulus in [3, 5, 53] {
            let fourier = Fourier::new(modulus).unwrap();
            for constant in [1e-30f32, 0.1, 1.0, 7.3, 1e20, f32::MAX] {
                let same = |shape: &[usize]| Tensor::full(constant, shape, &Device::Cpu).unwrap();
                let spectrum = fourier.spectrum(same(&[modulus, 3])).unwrap();
                assert!(spectrum.shares().iter().all(|&share| share == 0.0), "{constant}: {spectrum:?}");
                let tuned = fourier.neurons(same(&[modulus, modulus, 2])).unwrap();
                assert!(tuned.iter().all(|neuron| neuron.share == 0.0), "{constant}: {tuned:?}");
            }
        }
    }

    #[test]
    fn the_circle_of_a_frequency_is_a_circle() {
        let fourier = Fourier::new(11).unwrap();
        let [cos, sin] = pair(11, 4, 0..11);
        // Two waves in three dimensions, not orthogonal.
        let rows: Vec<f64> = cos.iter().zip(&sin).flat_map(|(c, s)| [2.0 * c, 2.0 * s, 0.0]).collect();
        let places = fourier.circle(Tensor::from_vec(rows, (11, 3), &Device::Cpu).unwrap(), 4).unwrap();
        let radius = places.iter().map(|(x, y)| x.hypot(*y)).collect::<Vec<_>>();
        assert!(radius.iter().all(|r| (r - radius[0]).abs() < 1e-6 && *r > 0.1), "{radius:?}");
        assert!(fourier.circle(Tensor::zeros((11, 3), DType::F32, &Device::Cpu).unwrap(), 6).is_err());
    }
}
