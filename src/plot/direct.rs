//! Names at the ends of lines, moved apart where lines end close together.

use super::{
    canvas::{Canvas, Frame, LABEL},
    color::{RULE, Rgb},
    mark::Mark,
    span::Span,
    text::text_width,
};

pub(crate) struct DirectLabel {
    pub text: String,
    /// The value that the line ends at.
    pub level: f64,
    pub color: Rgb,
}

const PITCH: f64 = 14.0;
const TALLEST: f64 = 560.0;
const LEADER: f64 = 16.0;

/// The height that `count` labels need.
pub(crate) fn height(count: usize) -> f64 {
    (count as f64 * PITCH).min(TALLEST)
}

/// The width of the labels and the lines that lead to them.
pub(crate) fn width(labels: &[DirectLabel]) -> f64 {
    LEADER + 4.0 + labels.iter().map(|label| text_width(&label.text, LABEL)).fold(0.0, f64::max)
}

/// Draws the labels to the right of a chart; if there are more than fit, every n-th from the last.
pub(crate) fn draw(canvas: &Canvas, frame: Frame, y: Span, labels: &[DirectLabel]) {
    let stride = (labels.len() as f64 * PITCH / frame.height.max(PITCH)).ceil().max(1.0) as usize;
    let mut shown: Vec<(f64, &DirectLabel)> = labels
        .iter()
        .rev()
        .step_by(stride)
        .map(|label| (frame.bottom() - frame.height * y.position(label.level), label))
        .collect();
    shown.sort_by(|a, b| a.0.total_cmp(&b.0));
    let places = spread(&shown.iter().map(|&(at, _)| at).collect::<Vec<_>>(), frame.y, frame.bottom());
    for (&(from, label), to) in shown.iter().zip(places) {
        if (to - from).abs() > 3.0 {
            let line = [(frame.right() + 2.0, from), (frame.right() + LEADER - 4.0, to)];
            canvas.put(Mark::line(line).stroke(RULE, 1.0));
        }
        canvas.put(Mark::text((frame.right() + LEADER, to), label.text.as_str(), LABEL).fill(label.color));
    }
}

/// Places at least [`PITCH`] apart, near sorted wishes, within the ends where there is room.
fn spread(wishes: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::with_capacity(wishes.len());
    for &wish in wishes {
        let least = places.last().map_or(top, |last| last + PITCH);
        places.push(wish.max(least));
    }
    // Whatever was pushed under the chart moves up again, and pushes its neighbours.
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
