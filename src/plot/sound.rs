//! [`SoundPicture`]: waveform, spectrogram and tiers of a sound.

mod parts;

use ndarray::Array2;
use std::fmt::Display;

use super::{Numeric, ToMatrix, ToValues, data::Kept, figure::Figure};
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Frame, heading_height},
            joined::{Join, joined},
            numeric_axis::Span,
            page::{LABEL, MARGIN, NAME, NOTE},
        },
    },
    printable::{fit, headline, line, number, or, printable, text_width},
};

/// A sound over time: its waveform, its spectrogram, and tiers of words or phones, one below the other.
///
/// White is silent and black is loud. [`Audio::spectrogram`](crate::audio::Audio::spectrogram) and
/// [`Audio::mel_spectrogram`](crate::audio::Audio::mel_spectrogram) return such pictures.
///
/// # Examples
/// ```
/// use glassbox::plot::SoundPicture;
/// let wave = (0..8000).map(|t| (t as f32 * 0.1).sin());
/// let figure = SoundPicture::new(wave, 8000)
///     .title("A tone")
///     .tier("words", [(0.0, 0.4, "oh"), (0.4, 1.0, "")])
///     .draw()?;
/// assert!(figure.to_svg().contains("<title>words: oh, 0 to 0.4 s</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("praatpicture", "waveform", "specshow", "waveshow"))]
#[derive(Clone, Default)]
#[must_use = "a picture is drawn by `.draw()`"]
pub struct SoundPicture {
    samples: Vec<f32>,
    rate: f64,
    spectrogram: Option<Array2<f32>>,
    range: Option<(f32, f32)>,
    ticks: Vec<(f64, String)>,
    tiers: Vec<Tier>,
    title: String,
    note: String,
    kept: Kept,
}

/// A name, and intervals of time with a label.
#[derive(Clone)]
struct Tier {
    name: String,
    intervals: Vec<(f64, f64, String)>,
}

const PICTURE: &str = "a picture of a sound";
/// The most tiers, and intervals in one.
const TIERS: usize = 20;
const INTERVALS: usize = 2000;
/// The letters of a name beside a panel.
const LONGEST: usize = 16;
/// The most columns and rows of a spectrogram that are drawn as they are, and the space for both.
const COLUMNS: usize = 560;
const ROWS: usize = 256;
const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 250.0;
/// The heights of the waveform, of a tier, and of the space between panels.
const WAVE: f64 = 84.0;
const TIER: f64 = 26.0;
const GAP: f64 = 6.0;
/// Under the lowest panel: the labels of the axis and its name.
const AXIS: f64 = 8.0 + LABEL + 6.0 + NAME;

impl SoundPicture {
    /// A picture of samples at a rate in samples per second.
    pub fn new<Kind>(samples: impl ToValues<Kind>, rate: impl Numeric) -> Self {
        let mut picture = Self { rate: f64::from(rate.to_f32()), ..Self::default() };
        picture.samples = picture.kept.take(samples.to_values());
        picture
    }

    /// Adds a spectrogram of the whole sound, with low frequencies in the first row.
    ///
    /// # Shapes
    /// `[row, column]`
    pub fn spectrogram<Kind>(mut self, values: impl ToMatrix<Kind>) -> Self {
        self.spectrogram = Some(self.kept.take(values.to_matrix()));
        self
    }

    /// Sets the values that are drawn white and black. Without this, they are the lowest and the highest value.
    pub fn range(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.range = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// Labels the frequency axis: each label with its height in rows, where 0 is the lower edge of the first row and 1 its
    /// upper edge.
    pub fn frequencies<L: Display>(mut self, ticks: impl IntoIterator<Item = (f64, L)>) -> Self {
        self.ticks =
            ticks.into_iter().map(|(row, label)| (row, fit(&printable(&label.to_string()), LONGEST))).collect();
        self
    }

    /// Adds a tier of words, phones or other labels, each with its start and end in seconds. An empty label is a pause.
    pub fn tier<T: Numeric, L: Display>(
        mut self,
        name: impl Into<String>,
        intervals: impl IntoIterator<Item = (T, T, L)>,
    ) -> Self {
        let seconds = |time: T| f64::from(time.to_f32());
        let interval = |(from, to, label): (T, T, L)| (seconds(from), seconds(to), line(label.to_string()));
        let intervals = intervals.into_iter().map(interval).collect();
        self.tiers.push(Tier { name: fit(&printable(&name.into()), LONGEST), intervals });
        self
    }

    /// Sets the title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// Sets a note below the picture.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = line(note.into());
        self
    }

    /// Draws the picture. If a spectrogram has more columns or rows than can be told apart, means are drawn.
    ///
    /// # Errors
    /// When there are no samples, the rate or the range is not valid, an interval ends before it starts, or there are more
    /// than 20 tiers or more than 2000 intervals in a tier.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let values = self.spectrogram.as_ref().filter(|values| !values.is_empty()).map(|values| {
            let (rows, columns) = values.dim();
            let block = (rows.div_ceil(ROWS), columns.div_ceil(COLUMNS));
            (joined(values.view(), None, block, Join::Mean).0, block.0)
        });
        // Half pixels for columns and whole ones for rows, so that all have one size.
        let width = values.as_ref().map_or(WIDTH, |(values, _)| {
            values.ncols() as f64 * ((2.0 * WIDTH / values.ncols() as f64).round() / 2.0).max(0.5)
        });
        let height = |rows: usize| rows as f64 * (HEIGHT / rows as f64).round().max(1.0);
        let left = (MARGIN + self.width_left()).round();
        let top = (MARGIN + heading_height(&self.title) + 4.0).round();
        let wave = Frame { x: left, y: top, width, height: WAVE };
        let mut bottom = wave.bottom();
        let mut below = |height: f64| {
            let frame = Frame { x: left, y: bottom + GAP, width, height };
            bottom = frame.bottom();
            frame
        };
        let spectrogram = values.map(|(values, block)| (below(height(values.nrows())), values, block));
        let tiers: Vec<(Frame, &Tier)> = self.tiers.iter().map(|tier| (below(TIER), tier)).collect();
        let note = if self.note.is_empty() { 0.0 } else { NOTE + MARGIN };
        let size = (left + width + MARGIN + LABEL, bottom + AXIS + MARGIN + note);
        let canvas = Canvas::headed(&self.title, &self.note, size.0, size.1);
        let time = Span::new(0.0, self.duration(), false);
        self.draw_wave(&canvas, wave);
        if let Some((frame, values, block)) = &spectrogram {
            self.draw_spectrogram(&canvas, *frame, values, *block);
        }
        self.draw_tiers(&canvas, &tiers, (wave.y, bottom), time);
        self.draw_time(&canvas, Frame { y: wave.y, height: bottom - wave.y, ..wave }, time);
        canvas.note((MARGIN, bottom + AXIS + MARGIN + NOTE / 2.0), &self.note);
        canvas.finish(self.alt(), self.plain())
    }

    fn duration(&self) -> f64 {
        self.samples.len() as f64 / self.rate
    }

    /// The largest sample either way.
    fn peak(&self) -> f32 {
        self.samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()))
    }

    /// What the labels at the left take.
    fn width_left(&self) -> f64 {
        let peak = number(-self.peak());
        let labels = self.ticks.iter().map(|(_, label)| label).chain(self.tiers.iter().map(|tier| &tier.name));
        labels.chain([&peak]).map(|label| text_width(label, LABEL)).fold(0.0, f64::max) + 10.0
    }

    fn check(&self) -> Result<()> {
        self.kept.check()?;
        if self.samples.is_empty() {
            return Err(PlotError::Empty { picture: PICTURE, what: "it has no samples" }.into());
        }
        if let Some(at) = self.samples.iter().position(|sample| !sample.is_finite()) {
            return Err(PlotError::Sample { at, value: self.samples[at] }.into());
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(PlotError::Rate { rate: self.rate }.into());
        }
        check_count(PICTURE, "tiers", self.tiers.len(), TIERS)?;
        for Tier { name, intervals } in &self.tiers {
            check_count(PICTURE, "intervals in a tier", intervals.len(), INTERVALS)?;
            if let Some((from, to, label)) = intervals.iter().find(|(from, to, _)| !(from <= to && to.is_finite())) {
                let (tier, label) = (name.clone(), label.clone());
                return Err(PlotError::Interval { tier, label, from: *from, to: *to }.into());
            }
        }
        super::drawing::color::check_range(self.range)
    }

    fn alt(&self) -> String {
        let loudest = self.samples.iter().position(|sample| sample.abs() == self.peak()).unwrap_or_default();
        let words = self.tiers.first().map(|tier| {
            let labels: Vec<&str> = tier.intervals.iter().map(|(.., label)| label.as_str()).collect();
            format!("; {}: {}", tier.name, labels.join(" "))
        });
        format!(
            "{}: {} s of sound, the loudest at {} s{}.",
            or(&self.title, "Sound"),
            number(self.duration() as f32),
            number((loudest as f64 / self.rate) as f32),
            words.unwrap_or_default()
        )
    }

    /// How loud it is over time in one line, and the tiers.
    fn plain(&self) -> String {
        const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let (peak, each) = (self.peak(), self.samples.len().div_ceil(72));
        let level = |samples: &[f32]| {
            let loudest = samples.iter().fold(0f32, |loudest, sample| loudest.max(sample.abs()));
            LEVELS[if peak > 0.0 { (loudest / peak * 8.0).ceil() as usize } else { 0 }.min(8)]
        };
        let bars: String = self.samples.chunks(each).map(level).collect();
        let mut out = format!("{}{bars}\n0 to {} s\n", headline(&self.title), number(self.duration() as f32));
        for Tier { name, intervals } in &self.tiers {
            let said = |(from, to, label): &(f64, f64, String)| {
                format!("{label} ({}–{})", number(*from as f32), number(*to as f32))
            };
            let labels: Vec<String> = intervals.iter().filter(|(.., label)| !label.is_empty()).map(said).collect();
            out += &format!("{name}: {}\n", labels.join(" "));
        }
        out
    }
}
