//! The texts of a heatmap: its tooltips, its note and its plain-text form.

use super::Heatmap;
use crate::{
    plot::drawing::{
        color::{ColorScale, Palette},
        table::table,
    },
    printable::{headline, number, or},
};

impl Heatmap {
    fn cell_name(&self, (row, column): (usize, usize)) -> String {
        let (y, x) = (self.y.1.full(&self.y.0, row), self.x.1.full(&self.x.0, column));
        if self.arrows { format!("{y} → {x}") } else { format!("{y}, {x}") }
    }

    pub(super) fn tooltip(&self, facet: &str, row: usize, column: usize, value: f32) -> String {
        let facet = if facet.is_empty() { String::new() } else { format!("{facet}: ") };
        format!("{facet}{}: {}", self.cell_name((row, column)), number(value))
    }

    /// A sentence about the colour range, if the legend's numbers do not tell everything.
    pub(super) fn rule(&self, scale: &ColorScale) -> Option<String> {
        let (lo, hi) = (number(scale.lo), number(scale.hi));
        let outside = self.seen().filter(|&(_, _, value)| scale.is_outside(value)).count();
        match (self.range, scale.palette) {
            (Some(_), _) if outside == 0 => None,
            (Some(_), _) if outside == 1 => Some(format!("Colours cover {lo} to {hi}; one cell lies beyond.")),
            (Some(_), _) => Some(format!("Colours cover {lo} to {hi}; {outside} cells lie beyond.")),
            _ if self.seen().all(|(_, _, value)| value.is_nan()) => Some("No value is a number.".into()),
            _ if scale.lo == scale.hi => Some(format!("Every value is {lo}.")),
            (None, Palette::RedBlue) => None,
            (None, Palette::Blues) if scale.lo == 0.0 => None,
            (None, _) => Some(format!("Colours cover {lo} to {hi}, the range of the values.")),
        }
    }

    /// The strongest cells, the strongest first.
    fn strongest(&self, scale: &ColorScale, count: usize) -> Vec<String> {
        let mut best = Vec::new();
        for cell in self.seen().filter(|(_, _, value)| !value.is_nan()) {
            let strength = scale.strength(cell.2);
            if best.len() < count || best.last().is_some_and(|(least, _)| strength > *least) {
                best.insert(best.partition_point(|(other, _)| *other >= strength), (strength, cell));
                best.truncate(count);
            }
        }
        let say =
            |(facet, at, value): (usize, (usize, usize), f32)| self.tooltip(&self.facets[facet].0, at.0, at.1, value);
        best.into_iter().map(|(_, cell)| say(cell)).collect()
    }

    /// The values as plain-text tables.
    pub(super) fn tables(&self) -> String {
        let mut out = headline(&self.title);
        for (name, values) in &self.facets {
            if !name.is_empty() {
                out += &format!("{name}\n");
            }
            let hidden = |at| self.mask.as_ref().is_some_and(|mask| mask[at]);
            out += &table(values, &self.y.1, &self.x.1, self.upward, hidden);
        }
        out
    }

    /// The strongest cells, for a matrix too large for a page of text.
    pub(super) fn listing(&self, scale: &ColorScale) -> String {
        let (rows, columns) = self.dim();
        let cells: String = self.strongest(scale, 12).iter().map(|cell| format!("  {cell}\n")).collect();
        format!("{} {rows} rows by {columns} columns; the strongest cells:\n{cells}", self.title).trim_start().into()
    }

    pub(super) fn alt(&self, scale: &ColorScale) -> String {
        let (rows, columns) = self.dim();
        let title = or(&self.title, "Heatmap");
        let strongest = self.strongest(scale, 1).pop().map(|cell| format!("; the strongest is {cell}"));
        format!("{title}: {rows} rows by {columns} columns{}.", strongest.unwrap_or_default())
    }
}
