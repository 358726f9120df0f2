//! The panels of a [`SoundPicture`].

use ndarray::Array2;

use super::{SoundPicture, Tier};
use crate::{
    plot::Palette,
    plot::drawing::{
        canvas::{Canvas, Frame},
        color::{ACCENT, ColorScale, FAINT, GRID, INK, MUTED, PAPER, RULE, Rgb},
        mark::Mark,
        numeric_axis::Span,
        page::{LABEL, NAME},
    },
    printable::{fit, number, text_width},
};

/// Steps of grey. Each is drawn over all lighter ones, so that no paper shows between two.
const GREYS: usize = 16;

impl SoundPicture {
    /// The lowest and the highest sample in each half pixel, or, of few samples, a line through all.
    pub(super) fn draw_wave(&self, canvas: &Canvas, frame: Frame) {
        let peak = f64::from(self.peak());
        let (middle, height) = (frame.middle().1, frame.height / 2.0 - 2.0);
        let scale = if peak > 0.0 { height / peak } else { 0.0 };
        let y = |sample: f32| middle - f64::from(sample) * scale;
        canvas.put(Mark::line([(frame.x, middle), (frame.right(), middle)]).stroke(GRID, 1.0));
        let len = self.samples.len();
        let columns = frame.width as usize;
        if len <= 2 * columns {
            let x = |at: usize| frame.x + (at as f64 + 0.5) / len as f64 * frame.width;
            let points = self.samples.iter().enumerate().map(|(at, &sample)| (x(at), y(sample)));
            canvas.put(Mark::line(points).stroke(INK, 1.0).round());
        } else {
            let samples = |column: usize| &self.samples[column * len / columns..(column + 1) * len / columns];
            let edge = |column: usize, beyond: fn(f32, f32) -> f32, by: f64| {
                let most = samples(column).iter().copied().reduce(beyond).unwrap_or_default();
                // To half a pixel; never thinner than a hairline.
                (frame.x + column as f64 + 0.5, ((y(most) + by) * 2.0).round() / 2.0)
            };
            let upper = (0..columns).map(|column| edge(column, f32::max, -0.4));
            let lower = (0..columns).rev().map(|column| edge(column, f32::min, 0.4));
            canvas.put(Mark::polygon(upper.chain(lower)).fill(INK));
        }
        canvas.put(frame.mark().stroke(RULE, 1.0));
        let mark = |at: f64, label: String| {
            canvas.put(Mark::text((frame.x - 6.0, at), label, LABEL).fill(MUTED).end());
        };
        mark(middle, "0".into());
        if peak > 0.0 {
            mark(frame.y + LABEL / 2.0, number(peak as f32));
            mark(frame.bottom() - LABEL / 2.0, number(-peak as f32));
        }
    }

    /// A spectrogram, of which each row stands for `block` rows of the data.
    pub(super) fn draw_spectrogram(&self, canvas: &Canvas, frame: Frame, values: &Array2<f32>, block: usize) {
        let (rows, columns) = values.dim();
        let (width, height) = (frame.width / columns as f64, frame.height / rows as f64);
        let scale = match self.range {
            Some((lo, hi)) => ColorScale { palette: Palette::Viridis, lo, hi },
            None => ColorScale::over(Palette::Viridis, values.iter().copied()),
        };
        let level = |value: f32| (scale.position(value) * (GREYS - 1) as f32).round() as usize;
        let levels = values.mapv(level);
        for least in 1..GREYS {
            let mut ends = Vec::new();
            for (row, levels) in levels.rows().into_iter().enumerate() {
                let y = frame.bottom() - (row as f64 + 0.5) * height;
                let mut at = 0;
                for run in levels.to_vec().chunk_by(|a, b| (*a >= least) == (*b >= least)) {
                    if run[0] >= least {
                        ends.push((frame.x + at as f64 * width, y));
                        ends.push((frame.x + (at + run.len()) as f64 * width, y));
                    }
                    at += run.len();
                }
            }
            let grey = 255 - (255 * least / (GREYS - 1)) as u8;
            canvas.put(Mark::runs(ends).stroke(Rgb(grey, grey, grey), height));
        }
        canvas.put(frame.mark().stroke(RULE, 1.0));
        for (row, label) in &self.ticks {
            let y = frame.bottom() - row / block as f64 * height;
            if (frame.y - 1.0..=frame.bottom() + 1.0).contains(&y) {
                canvas.put(Mark::line([(frame.x - 4.0, y), (frame.x, y)]).stroke(FAINT, 1.0));
                let at = y.clamp(frame.y + LABEL / 2.0, frame.bottom() - LABEL / 2.0);
                canvas.put(Mark::text((frame.x - 6.0, at), label, LABEL).fill(MUTED).end());
            }
        }
    }

    /// The tiers; the boundaries of the first go through all panels between these heights.
    pub(super) fn draw_tiers(&self, canvas: &Canvas, tiers: &[(Frame, &Tier)], through: (f64, f64), time: Span) {
        for (i, (frame, tier)) in tiers.iter().enumerate() {
            let x = |seconds: f64| frame.x + time.position(seconds).clamp(0.0, 1.0) * frame.width;
            let mut ends: Vec<f64> = tier.intervals.iter().flat_map(|(from, to, _)| [x(*from), x(*to)]).collect();
            ends.dedup();
            let within = ends.into_iter().filter(|x| *x > frame.x + 0.5 && *x < frame.right() - 0.5);
            for x in within {
                canvas.put(Mark::line([(x, frame.y), (x, frame.bottom())]).stroke(ACCENT, 1.0));
                if i == 0 {
                    canvas.put(Mark::line([(x, through.0), (x, frame.y)]).stroke(ACCENT, 0.75).dash("2 3"));
                }
            }
            canvas.put(frame.mark().stroke(RULE, 1.0));
            canvas.put(Mark::text((frame.x - 6.0, frame.middle().1), &tier.name, LABEL).fill(MUTED).end());
            for (from, to, label) in tier.intervals.iter().filter(|(.., label)| !label.is_empty()) {
                let cell = Frame { x: x(*from), width: x(*to) - x(*from), ..*frame };
                let room = (cell.width / text_width("m", LABEL)) as usize;
                let words = Mark::text(cell.middle(), fit(label, room.max(1)), LABEL).middle();
                let (from, to) = (number(*from as f32), number(*to as f32));
                let title = format!("{}: {label}, {from} to {to} s", tier.name);
                // Pointing anywhere above a word tells it, too.
                let hover = Frame { y: through.0, height: cell.bottom() - through.0, ..cell };
                let hover = if i == 0 { hover } else { cell };
                let mut marks = vec![hover.mark().fill(PAPER).opacity(0.0)];
                if room > 0 {
                    marks.push(words);
                }
                canvas.group(title, marks);
            }
        }
    }

    pub(super) fn draw_time(&self, canvas: &Canvas, frame: Frame, time: Span) {
        for (seconds, label) in time.labels(12) {
            let x = frame.x + time.position(seconds) * frame.width;
            canvas.put(Mark::line([(x, frame.bottom()), (x, frame.bottom() + 4.0)]).stroke(FAINT, 1.0));
            canvas.put(Mark::text((x, frame.bottom() + 8.0 + LABEL / 2.0), label, LABEL).fill(MUTED).middle());
        }
        let y = frame.bottom() + 8.0 + LABEL + 6.0 + NAME / 2.0;
        canvas.put(Mark::text((frame.middle().0, y), "time (s)", NAME).fill(MUTED).sans().middle());
    }
}
