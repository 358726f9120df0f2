//! [`Statistic`]: the quantity that the colours of a [`LensTable`](super::LensTable) show.

use crate::printable::number;

/// The quantity that the colour of a [`LensTable`](super::LensTable) shows. Dark means a surer prediction, or one
/// nearer to the output.
///
/// # Examples
/// ```
/// use glassbox::plot::{LensTable, Statistic};
/// use ndarray::array;
/// let predictions = array![[vec![(" the".to_string(), 0.2)]], [vec![(" cat".to_string(), 0.6)]]];
/// let figure = LensTable::new(predictions, ["The"]).statistic(Statistic::Entropy, [[3.1], [1.2]]).draw()?;
/// assert!(figure.to_svg().contains("entropy"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Statistic {
    /// The probability of the top token, 0 to 1.
    #[default]
    Probability,
    /// The entropy of the distribution, in nats.
    Entropy,
    /// The Kullback–Leibler divergence from the output's distribution, in nats.
    Divergence,
    /// The rank of a watched token, from 1.
    Rank,
}

impl Statistic {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Entropy => "entropy (nats)",
            Self::Divergence => "KL to output (nats)",
            Self::Rank => "rank",
        }
    }

    /// The position of a value on the palette, if `worst` is the largest value.
    pub(crate) fn position(self, value: f32, worst: f32) -> f32 {
        match self {
            _ if value.is_nan() => f32::NAN,
            Self::Probability => value,
            Self::Entropy | Self::Divergence if worst > 0.0 => 1.0 - value / worst,
            Self::Rank if worst > 1.0 => 1.0 - value.max(1.0).ln() / worst.ln(),
            _ => 1.0,
        }
    }

    /// The values at the low end, the middle and the high end of the palette.
    pub(crate) fn numbers(self, worst: f32) -> [String; 3] {
        match self {
            Self::Probability => [0.0, 0.5, 1.0].map(number),
            Self::Entropy | Self::Divergence => [worst, worst / 2.0, 0.0].map(number),
            Self::Rank => [worst, worst.sqrt().round(), 1.0].map(number),
        }
    }
}
