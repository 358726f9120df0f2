//! Colours: three palettes, and a scale that maps every number, including NaN and infinities, to a colour.
//!
//! To add a palette, add a variant to [`Palette`] and its colours in `Palette::at`.

use crate::{Result, error::PlotError};

/// A colour with 8 bits per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rgb(pub u8, pub u8, pub u8);

pub(crate) const PAPER: Rgb = Rgb(255, 255, 255);
const BLACK: Rgb = Rgb(13, 17, 23);
pub(crate) const INK: Rgb = Rgb(31, 41, 51);
pub(crate) const MUTED: Rgb = Rgb(103, 114, 127);
pub(crate) const FAINT: Rgb = Rgb(148, 158, 169);
pub(crate) const RULE: Rgb = Rgb(205, 211, 218);
pub(crate) const GRID: Rgb = Rgb(233, 236, 240);
pub(crate) const MASKED: Rgb = Rgb(224, 226, 229);
pub(crate) const MISSING: Rgb = Rgb(200, 200, 200);
pub(crate) const ACCENT: Rgb = Rgb(33, 102, 172);
pub(crate) const WARM: Rgb = Rgb(178, 24, 43);
pub(crate) const TARGET: Rgb = Rgb(214, 110, 16);

/// The colours of a few series: calm, and distinct for most colour-blind readers.
const SERIES: [Rgb; 8] = [
    ACCENT,
    Rgb(214, 110, 16),
    Rgb(26, 138, 122),
    Rgb(184, 50, 82),
    Rgb(117, 87, 165),
    Rgb(138, 121, 30),
    Rgb(52, 160, 205),
    Rgb(103, 114, 127),
];

impl Rgb {
    fn mix(self, other: Self, t: f32) -> Self {
        let channel = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * t).round() as u8;
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// `#rrggbb`.
    pub(crate) fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// The colour for text on a white page: darkened if it would be too pale to read.
    pub(crate) fn ink(self) -> Self {
        if self.luminance() > 140.0 { self.mix(BLACK, 0.35) } else { self }
    }

    fn luminance(self) -> f32 {
        0.2126 * f32::from(self.0) + 0.7152 * f32::from(self.1) + 0.0722 * f32::from(self.2)
    }

    /// The text colour that is easiest to read on this background, by its luminance (Rec. 709 weights).
    pub(crate) fn text(self) -> Self {
        if self.luminance() > 128.0 { BLACK } else { PAPER }
    }
}

/// The colour of series `i` of `n`: distinct hues for a few series, a ramp from light to dark for many or ordered ones.
pub(crate) fn series_color(i: usize, n: usize, ordered: bool) -> Rgb {
    match SERIES.get(i) {
        Some(&color) if n <= SERIES.len() && !ordered => color,
        _ => Palette::Viridis.at(0.92 * (1.0 - i as f32 / (n - 1).max(1) as f32)),
    }
}

/// The colours that values are drawn in.
///
/// # Examples
/// ```
/// use glassbox::plot::{Heatmap, Palette};
/// let blues = Heatmap::new([[0.5, 1.0]]).palette(Palette::Blues).draw()?;
/// let viridis = Heatmap::new([[0.5, 1.0]]).palette(Palette::Viridis).draw()?;
/// assert_ne!(blues.to_svg(), viridis.to_svg());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Palette {
    /// White to dark blue (ColorBrewer *Blues*): probabilities and other amounts.
    #[default]
    Blues,
    /// Dark violet to yellow (matplotlib *viridis*): amounts whose middle values matter too.
    Viridis,
    #[doc(alias("RdBu", "diverging", "Diverging"))]
    /// Red for negative, white for zero, blue for positive (ColorBrewer *RdBu*, 11 classes).
    RedBlue,
}

const BLUES: [Rgb; 9] = [
    PAPER,
    Rgb(222, 235, 247),
    Rgb(198, 219, 239),
    Rgb(158, 202, 225),
    Rgb(107, 174, 214),
    Rgb(66, 146, 198),
    Rgb(33, 113, 181),
    Rgb(8, 81, 156),
    Rgb(8, 48, 107),
];
const VIRIDIS: [Rgb; 9] = [
    Rgb(68, 1, 84),
    Rgb(71, 44, 122),
    Rgb(59, 81, 139),
    Rgb(44, 113, 142),
    Rgb(33, 144, 141),
    Rgb(39, 173, 129),
    Rgb(92, 200, 99),
    Rgb(170, 220, 50),
    Rgb(253, 231, 37),
];
const RED_BLUE: [Rgb; 11] = [
    Rgb(103, 0, 31),
    Rgb(178, 24, 43),
    Rgb(214, 96, 77),
    Rgb(244, 165, 130),
    Rgb(253, 219, 199),
    Rgb(247, 247, 247),
    Rgb(209, 229, 240),
    Rgb(146, 197, 222),
    Rgb(67, 147, 195),
    Rgb(33, 102, 172),
    Rgb(5, 48, 97),
];

impl Palette {
    /// The colour at `t`, from 0 (low end) to 1 (high end). Values beyond the ends are clamped; NaN is grey.
    pub(crate) fn at(self, t: f32) -> Rgb {
        if t.is_nan() {
            return MISSING;
        }
        let stops: &[Rgb] = match self {
            Self::Blues => &BLUES,
            Self::Viridis => &VIRIDIS,
            Self::RedBlue => &RED_BLUE,
        };
        let place = t.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
        let low = (place as usize).min(stops.len() - 2);
        stops[low].mix(stops[low + 1], place - low as f32)
    }

    /// The position of "nothing" on the palette: the middle of a diverging palette, the low end of the others.
    fn neutral(self) -> f32 {
        if self == Self::RedBlue { 0.5 } else { 0.0 }
    }
}

/// A palette stretched over a range of values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColorScale {
    pub palette: Palette,
    pub lo: f32,
    pub hi: f32,
}

impl ColorScale {
    /// The scale for a set of values: symmetric about 0 for a diverging palette, from 0 for amounts, each up to a round
    /// number; otherwise the range of the values.
    ///
    /// Values that are not finite are ignored. If no value is finite, the range is 0 to 1.
    pub(crate) fn over(palette: Palette, values: impl IntoIterator<Item = f32>) -> Self {
        let (lo, hi) = values
            .into_iter()
            .filter(|v| v.is_finite())
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
        let (lo, hi) = match palette {
            _ if lo > hi => (palette.neutral() * -2.0, 1.0),
            Palette::RedBlue => (-round_up(lo.abs().max(hi.abs())), round_up(lo.abs().max(hi.abs()))),
            Palette::Blues if lo >= 0.0 && lo < hi / 2.0 => (0.0, round_up(hi)),
            _ => (lo, hi),
        };
        Self { palette, lo, hi }
    }

    /// The scale that was asked for. The default palette is red–white–blue if the range or, without one, a value is
    /// below 0. The default range is that of the values. Red–white–blue always has 0 in the middle; another range is
    /// made symmetric.
    pub(crate) fn chosen(palette: Option<Palette>, range: Option<(f32, f32)>, values: &[f32]) -> Self {
        let signed = match range {
            Some((lo, _)) => lo < 0.0,
            None => values.iter().any(|&value| value < 0.0 && value.is_finite()),
        };
        let palette = palette.unwrap_or(if signed { Palette::RedBlue } else { Palette::Blues });
        match range {
            Some((lo, hi)) if palette == Palette::RedBlue => {
                let most = lo.abs().max(hi.abs());
                Self { palette, lo: -most, hi: most }
            }
            Some((lo, hi)) => Self { palette, lo, hi },
            None => Self::over(palette, values.iter().copied()),
        }
    }

    /// The position of `value` between the ends, 0 to 1: 0.5 if the range is a single value, NaN for NaN.
    pub(crate) fn position(&self, value: f32) -> f32 {
        if value.is_nan() {
            f32::NAN
        } else if self.hi > self.lo {
            // Halving first keeps the difference finite when the ends are near the largest floats.
            ((value / 2.0 - self.lo / 2.0) / (self.hi / 2.0 - self.lo / 2.0)).clamp(0.0, 1.0)
        } else if value == self.lo {
            0.5
        } else {
            f32::from(value > self.lo)
        }
    }

    pub(crate) fn color(&self, value: f32) -> Rgb {
        self.palette.at(self.position(value))
    }

    /// Whether a value lies beyond the ends by more than one step of the colours.
    pub(crate) fn is_outside(&self, value: f32) -> bool {
        let slack = (self.hi - self.lo) / 40.0;
        value < self.lo - slack || value > self.hi + slack
    }

    /// The distance of a value's colour from "nothing", which is what the eye notices first. NaN comes first.
    pub(crate) fn strength(&self, value: f32) -> f32 {
        let position = self.position(value);
        if position.is_nan() { f32::INFINITY } else { (position - self.palette.neutral()).abs() }
    }
}

/// The next round number that can end a scale. A value less than one colour step beyond a round number still gets that
/// number. 0 stays 0.
pub(crate) fn round_up(most: f32) -> f32 {
    const ENDS: [f32; 9] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0];
    let ten = 10f32.powf(most.log10().floor());
    let round = ENDS.iter().map(|end| end * ten).find(|end| most <= end * 1.02).unwrap_or(10.0 * ten);
    if most > 0.0 && round.is_finite() { round } else { most }
}

/// Returns an error if a requested range is empty or has an end that is not finite.
pub(crate) fn check_range(range: Option<(f32, f32)>) -> Result<()> {
    match range {
        Some((lo, hi)) if !(lo < hi && lo.is_finite() && hi.is_finite()) => Err(PlotError::Range { lo, hi }.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_colour() {
        for palette in [Palette::Blues, Palette::Viridis, Palette::RedBlue] {
            let scale = ColorScale { palette, lo: -1.0, hi: 1.0 };
            assert_eq!(scale.color(f32::NAN), MISSING);
            assert_eq!(scale.color(f32::INFINITY), palette.at(1.0));
            assert_eq!(scale.color(f32::NEG_INFINITY), palette.at(0.0));
            assert_eq!(scale.color(f32::MAX), palette.at(1.0));
        }
    }

    #[test]
    fn a_constant_is_the_middle_colour_and_no_value_at_all_still_has_a_range() {
        let scale = ColorScale::over(Palette::Viridis, [3.0, 3.0]);
        assert_eq!(scale.color(3.0), Palette::Viridis.at(0.5));
        let scale = ColorScale::over(Palette::RedBlue, [f32::NAN, f32::INFINITY]);
        assert_eq!((scale.lo, scale.hi), (-1.0, 1.0));
    }

    #[test]
    fn a_diverging_scale_is_symmetric_with_blue_for_positive() {
        let scale = ColorScale::over(Palette::RedBlue, [-1.0, 4.0]);
        assert_eq!((scale.lo, scale.hi), (-4.0, 4.0));
        assert_eq!(scale.color(0.0), Rgb(247, 247, 247));
        assert!(scale.color(4.0).2 > scale.color(4.0).0 && scale.color(-4.0).0 > scale.color(-4.0).2);
    }

    #[test]
    fn zero_is_neutral_whatever_range_is_asked_for() {
        let values = [0.9, -0.05];
        let white = |scale: ColorScale| scale.color(0.0);
        let share = ColorScale::chosen(None, Some((0.0, 1.0)), &values);
        assert_eq!((share.palette, white(share)), (Palette::Blues, PAPER));
        assert!(share.is_outside(-0.05));
        for range in [(-0.2, 1.0), (-1.0, 0.0), (-1.0, 1.0)] {
            let scale = ColorScale::chosen(None, Some(range), &values);
            assert_eq!((scale.palette, scale.lo, scale.hi), (Palette::RedBlue, -1.0, 1.0));
            assert_eq!(white(scale), Rgb(247, 247, 247));
        }
        let asked = ColorScale::chosen(Some(Palette::RedBlue), Some((0.0, 1.0)), &values);
        assert_eq!(white(asked), Rgb(247, 247, 247));
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        let scale = ColorScale::over(Palette::Blues, [f32::MIN, f32::MAX]);
        assert_eq!(scale.position(0.0), 0.5);
    }

    #[test]
    fn text_is_dark_on_light_and_light_on_dark() {
        assert_eq!(Palette::Blues.at(0.0).text(), BLACK);
        assert_eq!(Palette::Blues.at(1.0).text(), PAPER);
    }
}
