//! The axes of a grid of cells: one label per cell, or every n-th label if there is no room for all.

use super::{
    canvas::{Canvas, Frame, sans_width},
    color::{FAINT, MUTED, RULE},
    mark::Mark,
};
use crate::{
    Result,
    error::PlotError,
    plot::drawing::page::{LABEL, NAME},
    printable::{columns, fit, printable, text_width, visible},
};

/// The labels of the cells along an axis.
#[derive(Clone, Debug, Default)]
pub(crate) enum Labels {
    /// The index of each cell.
    #[default]
    Index,
    /// Names, and the shortened form of each that is written on the axis.
    Names { all: Vec<String>, short: Vec<String> },
    /// Tokens, distinguished by their position.
    Tokens(Vec<String>),
    /// Ranges of indices: each cell covers `each` of `all`.
    Blocks { each: usize, all: usize },
}

/// Longer labels are cut; the tooltip shows them in full.
const LONGEST: usize = 14;
/// The space between an axis and its labels.
const GAP: f64 = 7.0;

impl Labels {
    pub(crate) fn names(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let all: Vec<String> = names.into_iter().map(Into::into).collect();
        Self::Names { short: shortened(&all), all }
    }

    pub(crate) fn tokens(tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Tokens(tokens.into_iter().map(Into::into).collect())
    }

    /// Returns an error unless there are `expected` labels, or none were given.
    pub(crate) fn check(&self, picture: &'static str, axis: &str, expected: usize) -> Result<()> {
        match self {
            Self::Names { all: labels, .. } | Self::Tokens(labels) if labels.len() != expected => {
                Err(PlotError::Labels { picture, axis: axis.into(), got: labels.len(), expected }.into())
            }
            _ => Ok(()),
        }
    }

    /// The labels of joined cells, each of which covers `block` of `all` cells.
    pub(crate) fn joined(&self, block: usize, all: usize) -> Self {
        match self {
            _ if block <= 1 => self.clone(),
            Self::Index | Self::Blocks { .. } => Self::Blocks { each: block, all },
            Self::Names { .. } | Self::Tokens(_) => {
                let ends = |first: usize| [first, (first + block).min(all) - 1].map(|i| self.full("", i)).join(" … ");
                Self::names((0..all).step_by(block).map(ends))
            }
        }
    }

    fn are_numbers(&self) -> bool {
        matches!(self, Self::Index | Self::Blocks { .. })
    }

    /// The label of cell `i` on the axis, and the grey text after it: the position of a token.
    fn short(&self, i: usize) -> (String, String) {
        let at =
            |labels: &[String], show: fn(&str) -> String| fit(&show(labels.get(i).map_or("", String::as_str)), LONGEST);
        match self {
            Self::Index => (i.to_string(), String::new()),
            Self::Blocks { each, all } => (format!("{}–{}", i * each, ((i + 1) * each).min(*all) - 1), String::new()),
            Self::Names { short, .. } => (short.get(i).cloned().unwrap_or_default(), String::new()),
            Self::Tokens(tokens) => (at(tokens, visible), format!("@{i}")),
        }
    }

    /// The full label of cell `i`, as used in a sentence: `layer 3`, `L2H1`, `·Mary@4`.
    pub(crate) fn full(&self, axis: &str, i: usize) -> String {
        match self {
            Self::Index if axis.is_empty() => i.to_string(),
            Self::Index => format!("{axis} {i}"),
            Self::Blocks { .. } => format!("{axis} {}", self.plain(i)).trim_start().into(),
            Self::Names { all, .. } => printable(all.get(i).map_or("", String::as_str)),
            Self::Tokens(tokens) => token_at(tokens, i),
        }
    }

    /// The label of cell `i` in a text table.
    pub(crate) fn plain(&self, i: usize) -> String {
        let (label, suffix) = self.short(i);
        format!("{label}{suffix}")
    }
}

/// Shortens names for an axis. If some are too long, the beginning and the end that all of them share are left out, and
/// names that are still too long are cut.
fn shortened(names: &[String]) -> Vec<String> {
    const LEAST: usize = 5;
    let shown: Vec<String> = names.iter().map(|name| printable(name)).collect();
    let cut = |names: &[String]| names.iter().map(|name| fit(name, LONGEST)).collect();
    if shown.len() < 2 || shown.iter().all(|name| columns(name) <= LONGEST) {
        return cut(&shown);
    }
    let common = |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let backwards: Vec<String> = shown.iter().map(|name| name.chars().rev().collect()).collect();
    let shared = |names: &[String]| names.iter().map(|name| common(&names[0], name)).min().unwrap_or(0);
    // Numbers are not split: `layer 1` and `layer 12` do not share `layer 1`.
    let whole = |name: &str, length: usize| {
        let kept: String = name.chars().take(length).collect();
        kept.trim_end_matches(char::is_alphanumeric).chars().count()
    };
    let (start, end) = (whole(&shown[0], shared(&shown)), whole(&backwards[0], shared(&backwards)));
    let (start, end) = (if start < LEAST { 0 } else { start }, if end < LEAST { 0 } else { end });
    let middle = |name: &String| {
        let length = name.chars().count();
        let kept: String = name.chars().skip(start).take(length.saturating_sub(start + end)).collect();
        if kept.is_empty() { name.clone() } else { kept }
    };
    cut(&shown.iter().map(middle).collect::<Vec<_>>())
}

/// A token and its position, `·Mary@4`, so that repeated tokens stay distinct.
pub(crate) fn token_at(tokens: &[String], i: usize) -> String {
    named_at(tokens.get(i).map_or("", String::as_str), i)
}

/// A token and its position.
pub(crate) fn named_at(token: &str, position: usize) -> String {
    format!("{}@{position}", fit(&visible(token), 40))
}

/// An axis of equal cells.
pub(crate) struct Band<'a> {
    pub labels: &'a Labels,
    pub name: &'a str,
    pub count: usize,
    /// The distance in px from one cell to the next.
    pub pitch: f64,
    /// Whether cell 0 is the last.
    pub reversed: bool,
}

/// The layout of the labels below an axis: their angle, and the number of cells from one label to the next.
struct Setting {
    angle: f64,
    stride: usize,
}

impl Band<'_> {
    /// The length of the axis in px.
    pub(crate) fn length(&self) -> f64 {
        self.pitch * self.count as f64
    }

    fn widest(&self) -> f64 {
        let width = |i| columns(&self.labels.plain(i));
        (0..self.count).map(width).max().unwrap_or(0) as f64 * LABEL * 0.6
    }

    /// The number of cells from one label of `length` px to the next: 1 if all have room, else a round number. Words
    /// get twice the room, because crowded words are hard to read.
    fn stride(&self, length: f64) -> usize {
        let fits = |length: f64| (length / self.pitch).ceil().max(1.0) as usize;
        let least = match fits(length) {
            1 => return 1,
            least if self.labels.are_numbers() => least,
            _ => fits(length * 2.0),
        };
        [2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|&n| n >= least).unwrap_or(least)
    }

    /// Level labels if they fit, else slanted ones; labels become steeper before any is left out.
    fn below(&self) -> Setting {
        let level = self.widest() + 7.0;
        if level <= self.pitch || self.labels.are_numbers() {
            return Setting { angle: 0.0, stride: self.stride(level) };
        }
        let angle: f64 = if self.pitch >= LABEL * 1.45 { 45.0 } else { 60.0 };
        Setting { angle, stride: self.stride(LABEL * 1.02 / angle.to_radians().sin()) }
    }

    /// The height of the labels and the name below the axis.
    pub(crate) fn height_below(&self) -> f64 {
        let labels = match self.below().angle {
            0.0 => LABEL,
            angle => self.widest() * angle.to_radians().sin() + LABEL * 0.7,
        };
        GAP + labels + self.name_height()
    }

    /// How far slanted labels or the name extend to the left of the lower axis.
    pub(crate) fn overhang(&self) -> f64 {
        let Setting { angle, stride } = self.below();
        let reach = |i| text_width(&self.labels.plain(i), LABEL) * angle.to_radians().cos() - self.center(i);
        let slanted = (0..self.count).step_by(stride).filter(|_| angle > 0.0).map(reach);
        slanted.fold(self.name_overhang(), f64::max)
    }

    /// How far the name extends beyond either end of a shorter axis.
    pub(crate) fn name_overhang(&self) -> f64 {
        ((sans_width(self.name, NAME) - self.length()) / 2.0).max(0.0)
    }

    /// The width of the labels and the name to the left of the axis.
    pub(crate) fn width_left(&self) -> f64 {
        GAP + self.widest() + self.name_height()
    }

    fn name_height(&self) -> f64 {
        if self.name.is_empty() { 0.0 } else { NAME + 8.0 }
    }

    /// The middle of cell `i` along the axis, in px from its start.
    fn center(&self, i: usize) -> f64 {
        let place = if self.reversed { self.count - 1 - i } else { i };
        (place as f64 + 0.5) * self.pitch
    }

    /// Draws labels and name below a frame.
    pub(crate) fn draw_below(&self, canvas: &Canvas, frame: Frame) {
        let Setting { angle, stride } = self.below();
        for i in (0..self.count).step_by(stride) {
            let x = frame.x + self.center(i);
            self.tick(canvas, stride, (x, frame.bottom()), (x, frame.bottom() + 4.0));
            let (label, suffix) = self.labels.short(i);
            let mark = |at| Mark::text(at, label, LABEL).suffix(suffix, FAINT);
            canvas.put(match angle {
                0.0 => mark((x, frame.bottom() + GAP + LABEL / 2.0)).middle(),
                _ => mark((x + 2.0, frame.bottom() + GAP)).end().turned(-angle),
            });
        }
        let y = frame.bottom() + self.height_below() - NAME / 2.0;
        draw_name(canvas, (frame.middle().0, y), self.name, 0.0);
    }

    /// Draws labels beside a frame, and the name `reach` px to the left of it.
    pub(crate) fn draw_left(&self, canvas: &Canvas, frame: Frame, reach: f64) {
        let stride = self.stride(LABEL * 1.15);
        for i in (0..self.count).step_by(stride) {
            let y = frame.y + self.center(i);
            self.tick(canvas, stride, (frame.x, y), (frame.x - 4.0, y));
            let (label, suffix) = self.labels.short(i);
            canvas.put(Mark::text((frame.x - GAP, y), label, LABEL).suffix(suffix, FAINT).end());
        }
        draw_name(canvas, (frame.x - reach + NAME / 2.0, frame.middle().1), self.name, -90.0);
    }

    /// Draws a tick if labels are left out and it would be unclear which cell a label belongs to.
    fn tick(&self, canvas: &Canvas, stride: usize, from: (f64, f64), to: (f64, f64)) {
        if stride > 1 {
            canvas.put(Mark::line([from, to]).stroke(RULE, 1.0));
        }
    }
}

/// Draws the name of an axis centred on a point, if it has a name.
pub(crate) fn draw_name(canvas: &Canvas, at: (f64, f64), name: &str, angle: f64) {
    if !name.is_empty() {
        canvas.put(Mark::text(at, name, NAME).fill(MUTED).sans().middle().turned(angle));
    }
}
