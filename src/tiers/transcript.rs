//! [`Transcript`]: what a recogniser heard, as openai's Whisper writes it down.

use super::{
    Tiers,
    entries::{Beside, entries, layered, layers},
    interval::Interval,
};
use crate::{Result, error::TiersError};

/// What a recogniser heard: openai's JSON, field by field. What is not known is `None`, and not written.
///
/// # Examples
/// ```
/// use glassbox::tiers::Transcript;
/// let json = r#"{"text": " Good morning.", "language": "en", "segments": [{"id": 0, "start": 0.0, "end": 1.5,
///     "text": " Good morning.", "words": [{"word": " Good", "start": 0.1, "end": 0.5, "probability": 0.93},
///     {"word": " morning.", "start": 0.5, "end": 1.1, "probability": 0.98}]}]}"#;
/// let heard = Transcript::from_json(json)?;
/// assert_eq!(heard.segments[0].words.as_ref().unwrap()[1].word, " morning.");
/// let tiers = heard.tiers()?;
/// assert_eq!(tiers.names(), ["segments", "words", "p"]);
/// assert_eq!(tiers.tier("words")?.at(0.3)?.label, "Good");
/// assert_eq!(Transcript::from_json(&heard.to_json())?, heard);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Transcript {
    /// All of it; openai's begins with a space.
    pub text: String,
    /// The language as a code, such as `en`.
    pub language: Option<String>,
    /// Its sentences or phrases.
    pub segments: Vec<Segment>,
}

/// A sentence or phrase of a [`Transcript`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Its number, from 0.
    pub id: Option<u64>,
    /// The mel frame at which its window began, in hundredths of a second.
    pub seek: Option<u64>,
    /// In seconds.
    pub start: f64,
    /// In seconds.
    pub end: f64,
    /// What was heard; openai's begins with a space.
    pub text: String,
    /// The ids of the tokens.
    pub tokens: Option<Vec<u32>>,
    /// The temperature that it was sampled at.
    pub temperature: Option<f64>,
    /// The mean log probability of its tokens.
    pub avg_logprob: Option<f64>,
    /// How far its text can be compressed: much where it repeats itself.
    pub compression_ratio: Option<f64>,
    /// The probability that nobody speaks.
    pub no_speech_prob: Option<f64>,
    /// Its words, where they were timed.
    pub words: Option<Vec<Word>>,
}

/// A word of a [`Segment`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    /// The word with its punctuation; openai's begins with a space.
    pub word: String,
    /// In seconds. WhisperX gives none to words that it cannot align, such as numbers.
    pub start: Option<f64>,
    /// In seconds.
    pub end: Option<f64>,
    /// How probable it was; WhisperX's `score`.
    pub probability: Option<f64>,
}

impl Transcript {
    /// Reads openai's JSON or WhisperX's. It ignores fields that openai's JSON does not have.
    ///
    /// # Errors
    /// When it is no JSON, or a field holds something else than it should.
    pub fn from_json(text: impl AsRef<str>) -> Result<Self> {
        Ok(super::whisper_json::read(text.as_ref())?)
    }

    /// openai's JSON.
    pub fn to_json(&self) -> String {
        super::whisper_json::write(self)
    }

    /// The tiers `segments`, `words` and, where they are known, the words' probabilities `p`. They leave out the space
    /// before a text, and words without times.
    ///
    /// # Errors
    /// When a time is no number, or something ends before it starts.
    pub fn tiers(&self) -> Result<Tiers> {
        Ok(self.spread()?)
    }

    pub(super) fn spread(&self) -> Result<Tiers, TiersError> {
        let bare = |text: &str| text.strip_prefix(' ').unwrap_or(text).to_owned();
        let segments = self.segments.iter().map(|part| Interval::new(part.start, part.end, bare(&part.text)));
        let mut tiers = layered("segments", segments.collect())?;
        let (mut words, mut probabilities) = (Vec::new(), Vec::new());
        for word in self.segments.iter().filter_map(|part| part.words.as_ref()).flatten() {
            let (Some(start), Some(end)) = (word.start, word.end) else { continue };
            words.push(Interval::new(start, end, bare(&word.word)));
            probabilities.extend(word.probability.map(|p| Interval::new(start, end, p.to_string())));
        }
        for (name, marks) in [("words", words), ("p", probabilities)] {
            if !marks.is_empty() {
                tiers.extend(layered(name, marks)?);
            }
        }
        Ok(Tiers::new(tiers))
    }

    /// What tiers say as a transcript: their tiers `segments`, `words` and `p`. Without segments all words are one.
    pub(super) fn of(tiers: &Tiers) -> Result<Self, TiersError> {
        let format = "a JSON file";
        let named = |name: &str| !layers(tiers, name).is_empty();
        let words = match named("words") {
            true => entries(tiers, format, &["words"])?,
            false => Vec::new(),
        };
        let spoken = match (named("segments"), words.first(), words.last()) {
            (true, ..) => entries(tiers, format, &["segments"])?,
            (false, Some(first), Some(last)) => {
                let text: Vec<_> = words.iter().map(|word| word.label.as_str()).collect();
                vec![Interval::new(first.start, last.end, text.join(" "))]
            }
            _ => entries(tiers, format, super::subtitles::USUAL)?,
        };
        let mut probabilities = Beside::of(tiers, "p");
        let numbered = spoken.iter().zip(0..).map(|(part, id)| Segment {
            id: Some(id),
            start: part.start,
            end: part.end,
            text: format!(" {}", part.label),
            ..Segment::default()
        });
        let mut segments: Vec<Segment> = numbered.collect();
        for word in words {
            let probability = probabilities.take(&word).and_then(|p| p.parse().ok());
            // The last that has begun by the middle of the word; the first where none has.
            let at = segments.partition_point(|part| part.start <= word.middle()).saturating_sub(1);
            let Some(part) = segments.get_mut(at) else { continue };
            let (start, end) = (Some(word.start), Some(word.end));
            let word = Word { word: format!(" {}", word.label), start, end, probability };
            part.words.get_or_insert_default().push(word);
        }
        let text = segments.iter().map(|part| part.text.as_str()).collect();
        Ok(Self { text, language: None, segments })
    }
}
