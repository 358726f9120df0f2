//! Draws the lines of a chart, however many points they have.

use super::{LineChart, PICTURE, SIZE};
use crate::{
    Result,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Chart},
            color::{PAPER, Rgb},
            mark::Mark,
            numeric_axis::Span,
            thinned::{LONG, thinned},
        },
        series::Series,
    },
};

/// The most points of a line after thinning.
const POINTS: usize = 200_000;
/// Longer series have no visible markers and at most this many points with a tooltip.
const MARKED: usize = 64;

impl LineChart {
    /// The runs of finite points of a line, thinned if it is long; `level` chooses the y of a value and its deviation.
    fn stretches(&self, series: &Series, x: Span, level: impl Fn(f64, f64) -> f64) -> Vec<Vec<(f64, f64)>> {
        if series.y.len() > LONG {
            let points = series.points().map(|(x, y, sd)| (x, level(y, sd)));
            return thinned(points, |at| (2.0 * SIZE.0 * x.position(at)) as i64);
        }
        let drawn = |run: Vec<(f64, f64, f64)>| run.into_iter().map(|(x, y, sd)| (x, level(y, sd))).collect();
        series.stretches().into_iter().map(drawn).collect()
    }

    pub(super) fn draw_bands(&self, canvas: &Canvas, chart: &Chart, series: &Series, x: Span, color: Rgb) {
        if !series.has_sd() {
            return;
        }
        // On a logarithmic axis, the lower edge of a band stops above 0.
        let (least, most) = self.limits();
        let floor = if self.log_y { self.y_span().low() } else { least };
        let upper = self.stretches(series, x, |y, sd| (y + sd).min(most));
        let lower = self.stretches(series, x, |y, sd| if y - sd < floor { floor } else { y - sd });
        for (upper, lower) in upper.into_iter().zip(lower) {
            let outline = upper.into_iter().chain(lower.into_iter().rev());
            canvas.put_on(chart, &Mark::polygon(outline).fill(color).opacity(0.14));
        }
    }

    pub(super) fn draw_line(&self, canvas: &Canvas, chart: &Chart, series: &Series, x: Span, color: Rgb) -> Result<()> {
        let stretches = self.stretches(series, x, |y, _| y);
        let points = stretches.iter().map(Vec::len).sum();
        check_count(PICTURE, "points of a line that goes back and forth", points, POINTS)?;
        for stretch in stretches {
            canvas.put_on(chart, &Mark::line(stretch).stroke(color, 1.75).round());
        }
        let finite: Vec<_> = series.stretches().concat();
        let every = finite.len().div_ceil(MARKED).max(1);
        for &(x, y, sd) in finite.iter().step_by(every) {
            let dot = Mark::circle((x, y), if every == 1 { 3.0 } else { 5.0 }).title(self.tooltip(series, x, y, sd));
            let dot = if every == 1 { dot.fill(color).stroke(PAPER, 1.0) } else { dot.fill(color).opacity(0.0) };
            canvas.put_on(chart, &dot);
        }
        Ok(())
    }

    /// The note about thinned lines.
    pub(super) fn note(&self) -> String {
        match self.series.iter().map(|series| series.y.len()).max() {
            Some(longest @ LONG..) if longest > LONG => {
                format!("Of {longest} points, the first, lowest, highest and last of each half pixel are drawn.")
            }
            _ => String::new(),
        }
    }
}
