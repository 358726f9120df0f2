//! [`Spectrum`]: the share of each frequency in a tensor.

use crate::{
    Result,
    notebook::Show,
    order::falling,
    plot::{Figure, LineChart, Series},
};

/// The share of each frequency in the sum of squares of a tensor, without its mean.
///
/// # Examples
/// ```
/// use glassbox::{fourier::Fourier, prelude::*};
/// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
/// assert_eq!(spectrum.shares().len(), 26); // frequencies 1 to 26; a line, in a notebook
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// The shares of frequencies 1, 2, ...; they sum to 1 unless all are 0.
    shares: Vec<f64>,
}

/// An upper bound of the rounding error of a constant in 64 bits, as a share of its power.
pub(super) const ROUNDING: f64 = 1e-24;

impl Spectrum {
    /// `constant` is the power of the mean. Frequencies with less than its rounding error count as 0.
    pub(super) fn new(constant: f64, power: Vec<f64>) -> Self {
        let all: f64 = power.iter().sum();
        let nothing = all <= constant * ROUNDING;
        Self { shares: power.into_iter().map(|power| if nothing { 0.0 } else { power / all }).collect() }
    }

    /// The share of one frequency, 0 to 1; 0 if there is no such frequency.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
    /// assert_eq!((spectrum.share(1), spectrum.share(99)), (spectrum.shares()[0], 0.0));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn share(&self, frequency: usize) -> f64 {
        frequency.checked_sub(1).and_then(|at| self.shares.get(at)).copied().unwrap_or(0.0)
    }

    /// The shares of frequencies 1, 2, ...
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
    /// assert!((spectrum.shares().iter().sum::<f64>() - 1.0).abs() < 1e-9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn shares(&self) -> Vec<f64> {
        self.shares.clone()
    }

    /// Returns the shares as a series of a line chart, over frequencies 1, 2, ...
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let fourier = Fourier::new(53)?;
    /// let series = fourier.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?.series("trained");
    /// assert!(LineChart::new().add(series).draw()?.to_svg().contains("trained"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn series(&self, name: impl Into<String>) -> Series {
        Series::new(name, self.shares()).at((1..=self.shares.len()).map(|frequency| frequency as f64))
    }

    /// The frequencies with the largest shares, largest first.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
    /// let strongest = spectrum.strongest(2);
    /// assert!(spectrum.share(strongest[0]) >= spectrum.share(strongest[1]));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strongest(&self, count: usize) -> Vec<usize> {
        let mut frequencies: Vec<usize> = (1..=self.shares.len()).collect();
        frequencies.sort_by(|&a, &b| falling(self.share(a), self.share(b)).then(a.cmp(&b)));
        frequencies.truncate(count);
        frequencies
    }

    /// The frequencies with at least this share, largest first.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
    /// assert!(spectrum.above(0.05).iter().all(|&k| spectrum.share(k) >= 0.05));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn above(&self, share: f64) -> Vec<usize> {
        let mut frequencies = self.strongest(self.shares.len());
        frequencies.retain(|&frequency| self.share(frequency) >= share);
        frequencies
    }

    /// Draws the shares over the frequencies.
    ///
    /// # Errors
    /// Fails when there are none.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::Fourier, prelude::*};
    /// let spectrum = Fourier::new(53)?.spectrum(Model::open("modular-addition-1l")?.weights().w_e()?)?;
    /// assert!(spectrum.draw()?.to_svg().contains("frequency"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw(&self) -> Result<Figure> {
        let shares = Series::new("share", self.shares.iter().map(|&share| share as f32));
        let shares = shares.at((1..=self.shares.len()).map(|frequency| frequency as f32));
        LineChart::new().title("Share of each frequency").x("frequency").y("share").add(shares).draw()
    }
}

impl Show for Spectrum {
    fn html(&self) -> String {
        self.draw().html()
    }

    fn plain(&self) -> String {
        self.draw().plain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_come_first_and_equals_in_order() {
        let spectrum = Spectrum::new(5.0, vec![1.0, 6.0, 1.0, 2.0]);
        assert_eq!(spectrum.strongest(3), [2, 4, 1]);
        assert_eq!(spectrum.above(0.2), [2, 4]);
        assert_eq!((spectrum.share(2), spectrum.share(0), spectrum.share(5)), (0.6, 0.0, 0.0));
        assert_eq!(Spectrum::new(0.0, vec![0.0; 3]).shares(), [0.0; 3]);
    }
}
