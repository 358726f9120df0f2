//! The names of lines: at their ends, moved apart where lines end close together, or a list if there are many.

use super::{
    canvas::{Canvas, Frame},
    color::{RULE, Rgb},
    mark::Mark,
};
use crate::{
    order::rising,
    plot::drawing::{numeric_axis::Span, page::LABEL},
    printable::text_width,
};

pub(crate) struct DirectLabel {
    pub text: String,
    /// The value at the end of the line.
    pub level: f64,
    pub color: Rgb,
}

const PITCH: f64 = 14.0;
const TALLEST: f64 = 560.0;
/// The space between the chart and its labels, which a thin line crosses.
const LEADER: f64 = 18.0;
/// The most names placed at the ends. More names become a list in the order of the lines, the last on top.
const DIRECT: usize = 9;

/// The height that `count` labels need.
pub(crate) fn height(count: usize) -> f64 {
    (count as f64 * PITCH).min(TALLEST)
}

/// The width of the labels and the lines that lead to them.
pub(crate) fn width(labels: &[DirectLabel]) -> f64 {
    LEADER + 4.0 + labels.iter().map(|label| text_width(&label.text, LABEL)).fold(0.0, f64::max)
}

/// Draws the names to the right of a chart.
pub(crate) fn draw(canvas: &Canvas, frame: Frame, y: Span, labels: &[DirectLabel]) {
    if labels.len() > DIRECT {
        return draw_list(canvas, frame, labels);
    }
    let mut ends: Vec<(f64, &DirectLabel)> =
        labels.iter().map(|label| (frame.bottom() - frame.height * y.position(label.level), label)).collect();
    ends.sort_by(|a, b| rising(a.0, b.0));
    let places = spread(&ends.iter().map(|&(end, _)| end).collect::<Vec<_>>(), frame.y, frame.bottom());
    for (&(end, label), place) in ends.iter().zip(places) {
        if (place - end).abs() > 3.0 {
            let line = [(frame.right() + 2.0, end), (frame.right() + LEADER - 4.0, place)];
            canvas.put(Mark::line(line).stroke(RULE, 1.0));
        }
        put_name(canvas, frame, place, label);
    }
}

/// Draws every n-th name, as many as fit, each after a short line of its colour.
fn draw_list(canvas: &Canvas, frame: Frame, labels: &[DirectLabel]) {
    let stride = (labels.len() as f64 * PITCH / frame.height).ceil().max(1.0) as usize;
    for (i, label) in labels.iter().rev().step_by(stride).enumerate() {
        let place = frame.y + PITCH * (i as f64 + 0.5);
        let line = [(frame.right() + 4.0, place), (frame.right() + LEADER - 4.0, place)];
        canvas.put(Mark::line(line).stroke(label.color, 2.0));
        put_name(canvas, frame, place, label);
    }
}

fn put_name(canvas: &Canvas, frame: Frame, place: f64, label: &DirectLabel) {
    canvas.put(Mark::text((frame.right() + LEADER, place), label.text.as_str(), LABEL).fill(label.color.ink()));
}

/// Positions at least [`PITCH`] apart, near the sorted wishes, and within the ends if there is room.
fn spread(wishes: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::with_capacity(wishes.len());
    for &wish in wishes {
        let least = places.last().map_or(top, |last| last + PITCH);
        places.push(wish.max(least));
    }
    // Labels pushed below the chart move up again, and push their neighbours.
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - PITCH;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_apart_and_stay_within_the_chart() {
        let places = spread(&[10.0, 11.0, 12.0, 95.0, 99.0], 0.0, 100.0);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= PITCH - 1e-9), "{places:?}");
        assert!(places[0] >= 0.0 && places[4] <= 100.0);
    }

    #[test]
    fn labels_with_room_stay_at_their_lines() {
        assert_eq!(spread(&[10.0, 50.0], 0.0, 100.0), [10.0, 50.0]);
    }
}
