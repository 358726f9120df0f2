//! Chooses the values of a heatmap that are printed in their cells.

use super::color::ColorScale;
use crate::{
    order::falling,
    plot::drawing::page::LABEL,
    printable::{short_number, text_width},
};

/// The type size of values in cells.
pub(crate) const NUMBER: f64 = LABEL - 1.0;
/// By default, a map of at most this many cells prints all its values, and a larger one prints none.
const ALL: usize = 100;
/// Values weaker than this share of the strongest colour are not printed among the strongest.
const WEAK: f32 = 0.1;

/// The least number of steps in the range for which all values may be rounded to a step.
const FINE: f32 = 25.0;

/// A rule for all facets of a picture: print every value at least this strong, rounded to a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printed {
    scale: ColorScale,
    least: f32,
    step: f32,
}

impl Printed {
    /// The rule for the `count` strongest values, or for all values of a small map, in cells of this size. There is no
    /// rule if the cells are too small. Values that round to the same number are all printed or none.
    pub(crate) fn of(values: &[f32], count: Option<usize>, scale: ColorScale, cell: (f64, f64)) -> Option<Self> {
        if scale.lo >= scale.hi || NUMBER > cell.1 {
            return None;
        }
        // A hundredth of the range, because colours show no finer difference. The tooltip has all digits.
        let step = 10f32.powf(((scale.hi - scale.lo) / 100.0).log10().floor());
        let rules = [1.0, 10.0].map(|coarse| Self { scale, least: 0.0, step: step * coarse });
        let count = count.unwrap_or(if values.len() <= ALL { values.len() } else { 0 });
        let all = count >= values.len();
        // If all numbers were rough, the map would say less than its colours do.
        let fine = rules.into_iter().filter(|rule| all && rule.step * FINE <= scale.hi - scale.lo);
        let strongest = rules.into_iter().filter(|_| !all).filter_map(|rule| rule.strongest(values, count));
        fine.chain(strongest).find(|rule| rule.widest(values) + 2.0 <= cell.0)
    }

    /// The rule that prints at most `count` values.
    fn strongest(self, values: &[f32], count: usize) -> Option<Self> {
        let mut strengths: Vec<f32> =
            values.iter().filter(|value| value.is_finite()).map(|&value| self.strength(value)).collect();
        strengths.sort_by(|a, b| falling(*a, *b));
        let next = strengths.get(count).copied().unwrap_or(0.0);
        let strong = strengths.first()? * WEAK;
        let least = strengths.into_iter().take(count).take_while(|&one| one > next && one >= strong).last()?;
        Some(Self { least, ..self })
    }

    /// The text printed for a value, if it is printed.
    pub(crate) fn text(&self, value: f32) -> Option<String> {
        (value.is_finite() && self.strength(value) >= self.least).then(|| match self.rounded(value) {
            0.0 => "0".into(),
            rounded => self.written(rounded),
        })
    }

    /// The rounded value with as many decimals as all others.
    fn written(&self, rounded: f32) -> String {
        let decimals = (-self.step.log10()).round();
        match decimals {
            1.0..=3.0 => format!("{rounded:.*}", decimals as usize).replace('-', "−"),
            _ => short_number(rounded),
        }
    }

    fn rounded(&self, value: f32) -> f32 {
        (value / self.step).round() * self.step
    }

    fn strength(&self, value: f32) -> f32 {
        self.scale.strength(self.rounded(value))
    }

    fn widest(&self, values: &[f32]) -> f64 {
        values.iter().filter_map(|&value| self.text(value)).map(|text| text_width(&text, NUMBER)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Palette;

    fn printed(values: &[f32], count: Option<usize>, width: f64) -> Vec<String> {
        let scale = ColorScale { palette: Palette::RedBlue, lo: -1.0, hi: 1.0 };
        let rule = Printed::of(values, count, scale, (width, 20.0));
        values.iter().filter_map(|&value| rule.and_then(|rule| rule.text(value))).collect()
    }

    #[test]
    fn a_few_values_are_all_printed() {
        assert_eq!(printed(&[0.5, 0.0, -0.031, f32::NAN], None, 40.0), ["0.50", "0", "−0.03"]);
    }

    #[test]
    fn of_many_values_none_are_printed_or_the_strongest_that_are_asked_for() {
        let mut values = vec![0.001; 101];
        values[3..6].copy_from_slice(&[0.9, -0.4, 0.05]);
        assert_eq!(printed(&values, None, 40.0), [""; 0]);
        assert_eq!(printed(&values, Some(8), 40.0), ["0.90", "−0.40"]);
    }

    #[test]
    fn values_that_read_alike_are_all_printed_or_none() {
        let mut values = vec![0.0; 50];
        values[..20].fill(0.999);
        assert_eq!(printed(&values, Some(8), 40.0), [""; 0]);
        values[7] = -0.5;
        values[..6].fill(0.0);
        values[8..20].fill(0.3);
        assert_eq!(printed(&values, Some(8), 40.0), ["1.00", "−0.50"]);
    }

    #[test]
    fn where_digits_have_no_room_there_are_fewer_and_all_cells_have_them_or_none() {
        assert_eq!(printed(&[0.52, -0.31, 0.02], Some(2), 27.0), ["0.5", "−0.3"]);
        assert_eq!(printed(&[0.52, -0.31, 0.02], None, 27.0), [""; 0]);
        assert_eq!(printed(&[0.52, -0.31, 0.02], None, 8.0), [""; 0]);
    }
}
