//! The JSON of openai's Whisper, and of WhisperX.

use super::{
    json::{Json, parse},
    transcript::{Segment, Transcript, Word},
};
use crate::error::TiersError;

pub(super) fn read(text: &str) -> Result<Transcript, TiersError> {
    let json = parse(text)?;
    let root = Place { path: String::new(), json: &json };
    let segments = root.list("segments", segment)?;
    let Some(mut segments) = segments else { return Err(root.wrong("segments", "a list of segments")) };
    // WhisperX gives all words once more; they count where the segments have none.
    let timed = segments.iter().any(|part: &Segment| part.words.is_some());
    if let Some(words) = root.list("word_segments", word)?.filter(|_| !timed) {
        let mut time = 0.0;
        for word in words {
            // A word without times stands where the one before it does.
            time = word.start.unwrap_or(time);
            let at = segments.partition_point(|part| part.start <= time).saturating_sub(1);
            if let Some(part) = segments.get_mut(at) {
                part.words.get_or_insert_default().push(word);
            }
        }
    }
    let joined = || segments.iter().map(|part| part.text.as_str()).collect();
    Ok(Transcript { text: root.text("text")?.unwrap_or_else(joined), language: root.text("language")?, segments })
}

fn segment(place: &Place) -> Result<Segment, TiersError> {
    let time = |key| place.number(key)?.ok_or_else(|| place.wrong(key, "a number of seconds"));
    let text = place.text("text")?.ok_or_else(|| place.wrong("text", "a text"))?;
    Ok(Segment {
        id: place.whole("id")?,
        seek: place.whole("seek")?,
        start: time("start")?,
        end: time("end")?,
        text,
        tokens: place.list("tokens", Place::token)?,
        temperature: place.number("temperature")?,
        avg_logprob: place.number("avg_logprob")?,
        compression_ratio: place.number("compression_ratio")?,
        no_speech_prob: place.number("no_speech_prob")?,
        words: place.list("words", word)?,
    })
}

fn word(place: &Place) -> Result<Word, TiersError> {
    let word = place.text("word")?.ok_or_else(|| place.wrong("word", "a word"))?;
    let probability = place.number("probability")?;
    let probability = if probability.is_some() { probability } else { place.number("score")? };
    Ok(Word { word, start: place.number("start")?, end: place.number("end")?, probability })
}

/// A value and where it is: `segments[3].words[0]`.
struct Place<'a> {
    path: String,
    json: &'a Json,
}

impl<'a> Place<'a> {
    fn wrong(&self, key: &str, needed: &str) -> TiersError {
        let found = self.json.get(key).map_or_else(|| "nothing".into(), Json::shown);
        let dot = if self.path.is_empty() || key.is_empty() { "" } else { "." };
        TiersError::Field { field: format!("{}{dot}{key}", self.path), found, needed: needed.into() }
    }

    fn text(&self, key: &str) -> Result<Option<String>, TiersError> {
        match self.json.get(key) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, "a text")),
        }
    }

    fn number(&self, key: &str) -> Result<Option<f64>, TiersError> {
        match self.json.get(key) {
            None => Ok(None),
            Some(Json::Number(value)) => Ok(Some(value + 0.0)),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    fn whole(&self, key: &str) -> Result<Option<u64>, TiersError> {
        let needed = "a whole number from 0";
        self.number(key)?.map(|value| whole(value).ok_or_else(|| self.wrong(key, needed))).transpose()
    }

    fn token(&self) -> Result<u32, TiersError> {
        let value = if let Json::Number(value) = self.json { whole(*value) } else { None };
        value.and_then(|value| u32::try_from(value).ok()).ok_or_else(|| TiersError::Field {
            field: self.path.clone(),
            found: self.json.shown(),
            needed: "a token id".into(),
        })
    }

    fn list<T>(
        &self,
        key: &str,
        one: impl Fn(&Place<'a>) -> Result<T, TiersError>,
    ) -> Result<Option<Vec<T>>, TiersError> {
        let Some(list) = self.json.get(key) else { return Ok(None) };
        let Json::List(all) = list else { return Err(self.wrong(key, "a list")) };
        let dot = if self.path.is_empty() { "" } else { "." };
        let place = |(json, at)| Place { path: format!("{}{dot}{key}[{at}]", self.path), json };
        all.iter().zip(0..).map(|entry: (&'a Json, usize)| one(&place(entry))).collect::<Result<_, _>>().map(Some)
    }
}

fn whole(value: f64) -> Option<u64> {
    (value >= 0.0 && value.fract() == 0.0 && value < 9e15).then_some(value as u64)
}

/// The fields in openai's order, those that are not known left out.
pub(super) fn write(transcript: &Transcript) -> String {
    let segments = transcript.segments.iter().map(written).collect::<Vec<_>>().join(", ");
    let language = transcript.language.as_deref().map(quoted);
    object([
        ("text", Some(quoted(&transcript.text))),
        ("segments", Some(format!("[{segments}]"))),
        ("language", language),
    ])
}

fn written(part: &Segment) -> String {
    let tokens = |tokens: &Vec<u32>| tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let words = |words: &Vec<Word>| words.iter().map(word_written).collect::<Vec<_>>().join(", ");
    object([
        ("id", part.id.map(|id| id.to_string())),
        ("seek", part.seek.map(|seek| seek.to_string())),
        ("start", Some(number(part.start))),
        ("end", Some(number(part.end))),
        ("text", Some(quoted(&part.text))),
        ("tokens", part.tokens.as_ref().map(|all| format!("[{}]", tokens(all)))),
        ("temperature", part.temperature.map(number)),
        ("avg_logprob", part.avg_logprob.map(number)),
        ("compression_ratio", part.compression_ratio.map(number)),
        ("no_speech_prob", part.no_speech_prob.map(number)),
        ("words", part.words.as_ref().map(|all| format!("[{}]", words(all)))),
    ])
}

fn word_written(word: &Word) -> String {
    object([
        ("word", Some(quoted(&word.word))),
        ("start", word.start.map(number)),
        ("end", word.end.map(number)),
        ("probability", word.probability.map(number)),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let known = fields.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\": {}", value?)));
    format!("{{{}}}", known.collect::<Vec<_>>().join(", "))
}

/// As Python writes it.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => format!("{value:?}"),
    }
}

/// A text as JSON has it, its letters as they are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
