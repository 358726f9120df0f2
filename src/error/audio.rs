//! Errors about sound.

use std::path::PathBuf;

/// What can be wrong with a sound.
#[derive(thiserror::Error, Debug)]
pub(crate) enum AudioError {
    #[error("there is no file {}; {hint}", path.display())]
    NoFile { path: PathBuf, hint: String },
    #[error("{} is a folder; name a sound file in it, such as {}", path.display(), path.join(example).display())]
    Folder { path: PathBuf, example: String },
    #[error("{} is neither a file nor a folder; name a sound file", path.display())]
    NotAFile { path: PathBuf },
    #[error("{name} cannot be read as sound: {why}")]
    Unreadable { name: String, why: Unreadable },
    #[error("{} would be a WAV file by another name; end the name in .wav", path.display())]
    Extension { path: PathBuf },
    #[error("there are no samples in {name}; a sound needs at least one")]
    Empty { name: String },
    #[error(
        "sample {at} of {name}, at {seconds:.3} s, is {value}, which is no loudness; replace such samples with numbers \
         from -1 to 1"
    )]
    NotFinite { name: String, at: usize, seconds: f64, value: f32 },
    #[error(
        "the samples of {name} reach {largest}, and samples are numbers from -1 to 1; divide them by {by}, the largest \
         number of their kind"
    )]
    Large { name: String, largest: f64, by: f64 },
    #[error("{name} lasts {hours:.1} hours, and a sound may last a day; cut it into parts with another program")]
    Long { name: String, hours: f64 },
    #[error("a sound has {least} to {most} samples a second, a whole number; got {given}")]
    Rate { given: f64, least: u32, most: u32 },
    #[error("the sound lasts {duration} s, and {from} to {to} s is not within it; give seconds from 0 to {duration}")]
    Outside { from: f64, to: f64, duration: f64 },
    #[error("nothing lies between {from} and {to} s; give a start before the end")]
    Nothing { from: f64, to: f64 },
    #[error("a log-mel spectrogram has 1 bin at least and {most} at most, 80 or 128 in Whisper; got {given}")]
    Bins { given: usize, most: usize },
    #[error(
        "the sound lasts {duration} s, and Whisper reads {window} s at a time; choose a part, as in \
         `audio.seconds(0..{window})`"
    )]
    Window { duration: f64, window: usize },
    #[error(
        "samples come as a tensor of one axis, or of two, `[batch, sample]`, of which none is empty; this one has the \
         shape {shape:?}"
    )]
    Samples { shape: Vec<usize> },
    #[error(
        "a spectrogram shows up to {most} s, and the sound lasts {duration} s; choose a part, as in `audio.seconds(0..10)`"
    )]
    Picture { duration: f64, most: usize },
}

/// Why a file is no sound that can be read.
#[derive(thiserror::Error, Debug)]
pub(crate) enum Unreadable {
    #[error("it has 0 bytes; copy or record it again")]
    NoBytes,
    #[error("it is {format}, which glassbox does not decode; make a WAV file of it with `{command}`")]
    Format { format: &'static str, command: String },
    #[error("it is {format}, not a sound; {hint}")]
    NoSound { format: &'static str, hint: &'static str },
    #[error(
        "it begins with {begins}, and glassbox reads WAV and NIST SPHERE; where another program plays it, make a WAV \
         file of it with `{command}`"
    )]
    Unknown { begins: String, command: String },
    #[error("its header is wrong, {why}; write it again with the program that made it")]
    Header { why: String },
    #[error("it breaks off within its header, after {len} bytes; copy it again, it was longer where it came from")]
    HeaderBreaksOff { len: u64 },
    #[error(
        "it breaks off after {there:.3} s of the {promised:.3} s that its header promises; copy it again, or keep what is \
         there with `{command}`"
    )]
    BreaksOff { there: f64, promised: f64, command: String },
}
