//! Opening: what stands under a name, and which format it is.

use super::{
    Audio,
    foreign::{LOOKED_AT, unknown},
    samples::Origin,
    source::Source,
    sphere, wav,
};
use crate::{
    Error, Result,
    error::{AudioError, Unreadable, nearest},
};
use std::{
    fs::{self, File},
    io::{BufReader, ErrorKind, Read},
    path::Path,
};

impl Audio {
    /// Reads a sound file: WAV (integers of 8, 16, 24 or 32 bits, floats of 32 or 64 bits, A-law, µ-law) or NIST SPHERE
    /// (TIMIT). Channels are averaged, and other rates are resampled to 16 kHz.
    ///
    /// # Errors
    /// When the file does not exist, has another format (the error contains a command that converts it), has a wrong
    /// header, is cut off, has no samples or more than a day of them, or has a sample that is not finite.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        file(path.as_ref())
    }

    /// Reads the contents of a sound file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Self> {
        self::bytes(bytes.as_ref())
    }
}

fn file(path: &Path) -> Result<Audio> {
    let failed = |source| Error::io(format!("{} cannot be opened", path.display()), source);
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(AudioError::NoFile { path: path.to_owned(), hint: hint(path) }.into());
        }
        found => found.map_err(failed)?,
    };
    if found.is_dir() {
        let example = sounds(path).into_iter().next().unwrap_or_else(|| "talk.wav".to_owned());
        return Err(AudioError::Folder { path: path.to_owned(), example }.into());
    }
    if !found.is_file() {
        return Err(AudioError::NotAFile { path: path.to_owned() }.into());
    }
    let file = File::open(path).map_err(failed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    read(&path.display().to_string(), &name, &mut BufReader::new(file), found.len())
}

fn bytes(mut bytes: &[u8]) -> Result<Audio> {
    let len = bytes.len() as u64;
    read("the sound in these bytes", "bytes", &mut bytes, len)
}

/// The sound of a file, which errors call by its path and the sound by its name.
fn read(path: &str, name: &str, bytes: &mut dyn Read, len: u64) -> Result<Audio> {
    if len == 0 {
        return Err(AudioError::Unreadable { name: path.into(), why: Unreadable::NoBytes }.into());
    }
    let mut source = Source::new(path, bytes, len);
    let begin = source.up_to(12)?;
    let is_wav = begin.get(8..).is_some_and(|kind| kind == b"WAVE");
    let (layout, samples) = match &begin {
        riff if is_wav && [b"RIFF", b"RF64", b"BW64"].iter().any(|form| riff.starts_with(*form)) => {
            wav::read(&mut source)?
        }
        nist if nist.starts_with(sphere::BEGIN) => sphere::read(&mut source, &begin)?,
        cut if b"RIFF".starts_with(&cut[..cut.len().min(4)]) && cut.len() < 12 => {
            return Err(source.unreadable(Unreadable::HeaderBreaksOff { len }));
        }
        _ => {
            let rest = source.up_to(LOOKED_AT - begin.len() as u64)?;
            return Err(unknown(path, &[begin, rest].concat()));
        }
    };
    let origin = Origin { name: name.into(), rate: layout.rate, channels: layout.channels };
    Audio::of(samples, origin, path)
}

/// The names in a folder that are those of sounds, in their order.
fn sounds(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let ends = [".wav", ".sph", ".nist"];
    let mut names: Vec<String> =
        names.filter(|name| ends.iter().any(|end| name.to_lowercase().ends_with(end))).collect();
    names.sort();
    names
}

/// What may have been meant by the path of a file that is not there.
fn hint(path: &Path) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return format!("the folder {} is not there either", folder.display());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match nearest(&name, sounds(folder), 1).first() {
        Some(nearest) => format!("the nearest is {}", folder.join(nearest).display()),
        None => format!("there is no sound in {}; check the path", folder.display()),
    }
}
