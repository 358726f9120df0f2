//! [`Source`]: a file read from its start, of which it is known how long it is.

use super::{coding::Layout, foreign::command, samples::check_origin};
use crate::{
    Error, Result,
    error::{AudioError, Unreadable},
};
use std::io::Read;

pub(super) struct Source<'a> {
    name: &'a str,
    bytes: &'a mut dyn Read,
    len: u64,
    at: u64,
}

/// How many bytes are decoded at once.
const PIECE: u64 = 1 << 20;

impl<'a> Source<'a> {
    pub(super) fn new(name: &'a str, bytes: &'a mut dyn Read, len: u64) -> Self {
        Self { name, bytes, len, at: 0 }
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    pub(super) fn left(&self) -> u64 {
        self.len - self.at
    }

    /// The error that this is no sound that can be read.
    pub(super) fn unreadable(&self, why: Unreadable) -> Error {
        AudioError::Unreadable { name: self.name.into(), why }.into()
    }

    /// The error of a header that says what cannot be: half a sentence.
    pub(super) fn wrong(&self, why: impl Into<String>) -> Error {
        self.unreadable(Unreadable::Header { why: why.into() })
    }

    /// The next so many bytes, or as many as there are.
    pub(super) fn up_to(&mut self, count: u64) -> Result<Vec<u8>> {
        let count = count.min(self.left());
        let mut piece = vec![0; count as usize];
        let failed = |source| Error::io(format!("{} cannot be read", self.name), source);
        self.bytes.read_exact(&mut piece).map_err(failed)?;
        self.at += count;
        Ok(piece)
    }

    /// The next so many bytes of a header.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>> {
        if count > self.left() {
            return Err(self.unreadable(Unreadable::HeaderBreaksOff { len: self.len }));
        }
        self.up_to(count)
    }

    pub(super) fn skip(&mut self, count: u64) -> Result<()> {
        let mut left = count.min(self.left());
        while left > 0 {
            left -= self.up_to(left.min(PIECE))?.len() as u64;
        }
        Ok(())
    }

    /// The samples in the next so many bytes, or, where the header does not say how many, up to the end.
    pub(super) fn samples(&mut self, layout: Layout, promised: Option<u64>) -> Result<Vec<f32>> {
        let frame = layout.frame() as u64;
        let count = promised.unwrap_or(self.left());
        if promised.is_some() && !count.is_multiple_of(frame) {
            let why = format!("its samples take {count} bytes, and one of them takes {frame}");
            return Err(self.wrong(why));
        }
        check_origin(self.name, layout.rate, count.min(self.left()) / frame)?;
        if count > self.left() {
            let seconds = |bytes: u64| (bytes / frame) as f64 / f64::from(layout.rate);
            let (there, promised) = (seconds(self.left()), seconds(count));
            let command = command(self.name, "-c:a pcm_s16le");
            return Err(self.unreadable(Unreadable::BreaksOff { there, promised, command }));
        }
        let mut samples = Vec::with_capacity((count / frame) as usize);
        let mut left = count;
        while left > 0 {
            let piece = self.up_to(left.min(PIECE / frame * frame))?;
            layout.decode(&piece, &mut samples);
            left -= piece.len() as u64;
        }
        Ok(samples)
    }
}
