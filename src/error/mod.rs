//! The one error type of the crate: opaque, cheap to clone, examined by predicates.
//!
//! Each area has a small enum of its errors (`error/site.rs`, `error/load.rs`, ...). Its `Display` is one full sentence
//! that says what was given, what is valid and what to do.
//!
//! To add an error, add a variant to the enum of its area. To add an area, add a file with its enum and enter it in
//! `Kind` and in `from_area!`. If the error concerns an index, enter it in `Error::is_out_of_range` too.

mod audio;
mod circuits;
mod files;
mod fourier;
mod generate;
mod index;
mod load;
mod nearest;
mod patch;
mod plot;
mod probe;
mod run;
mod site;
mod size;
mod steer;
mod tensor;
mod text;
mod tiers;
mod train;
mod weights;

use std::{fmt, sync::Arc};

pub(crate) use audio::{AudioError, Unreadable};
pub(crate) use circuits::CircuitsError;
pub(crate) use files::FilesError;
pub(crate) use fourier::FourierError;
pub(crate) use generate::GenerateError;
pub(crate) use index::IndexError;
pub(crate) use load::LoadError;
pub(crate) use nearest::{beginning, most_like, nearest};
pub(crate) use patch::PatchError;
pub(crate) use plot::PlotError;
pub(crate) use probe::ProbeError;
pub(crate) use run::RunError;
pub(crate) use site::SiteError;
pub(crate) use size::{SizeError, at_most, together};
pub(crate) use steer::SteerError;
pub(crate) use tensor::{need_f32, need_type};
pub(crate) use text::TextError;
pub(crate) use tiers::TiersError;
pub(crate) use train::TrainError;
pub(crate) use weights::WeightsError;

use crate::printable::sentence;

/// The result of every fallible call in this crate.
///
/// The second parameter exists for notebooks. The kernel's own code writes `Result<(), E>`, which would not compile
/// with an alias of one parameter in scope.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a call failed, as one sentence.
///
/// The type is opaque; its predicates tell errors apart. Both `Display` and `Debug` print the sentence, because a
/// notebook shows a failed `?` with `Debug`.
///
/// ```
/// use glassbox::hook::Site;
/// let error = "blocks.0.attn.hook_patern".parse::<Site>().unwrap_err();
/// assert!(error.is_unknown_site());
/// assert!(error.to_string().contains("blocks.0.attn.hook_pattern"));
/// ```
#[derive(Clone)]
pub struct Error(Arc<Kind>);

#[derive(thiserror::Error, Debug)]
enum Kind {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Plot(#[from] PlotError),
    #[error(transparent)]
    Patch(#[from] PatchError),
    #[error(transparent)]
    Steer(#[from] SteerError),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Circuits(#[from] CircuitsError),
    #[error(transparent)]
    Fourier(#[from] FourierError),
    #[error(transparent)]
    Size(#[from] SizeError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Tiers(#[from] TiersError),
    #[error(transparent)]
    Audio(#[from] AudioError),
    #[error("{0}")]
    Tensor(String),
    #[error("the closure of {what} failed on a tensor of shape {shape:?}: {why}")]
    Closure { what: String, shape: Vec<usize>, why: Error },
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl Error {
    /// A failed file operation, with a description of the operation.
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self(Arc::new(Kind::Io { what: what.into(), source }))
    }

    /// Wraps the error of a user's closure with the place that called it and the shape that it got.
    pub(crate) fn of_closure(self, what: impl Into<String>, shape: &[usize]) -> Self {
        Self(Arc::new(Kind::Closure { what: what.into(), shape: shape.to_vec(), why: self }))
    }

    /// The kind of the error, looking through closures.
    fn kind(&self) -> &Kind {
        match &*self.0 {
            Kind::Closure { why, .. } => why.kind(),
            kind => kind,
        }
    }

    /// True when a hook name or a [`Site`](crate::site::Site) does not exist, in general or in this model.
    pub fn is_unknown_site(&self) -> bool {
        matches!(self.kind(), Kind::Site(SiteError::Unknown { .. } | SiteError::NotInModel { .. }))
    }

    /// True when a site exists but the run did not record it.
    pub fn is_not_recorded(&self) -> bool {
        matches!(self.kind(), Kind::Site(SiteError::NotRecorded { .. } | SiteError::Gated { .. }))
    }

    /// True when a number is out of range: a layer, head, position, neuron, expert, text or token id that the model or
    /// the text does not have, or a time outside a sound.
    pub fn is_out_of_range(&self) -> bool {
        match self.kind() {
            Kind::Index(_) => true,
            Kind::Site(e) => e.is_out_of_range(),
            Kind::Text(e) => e.is_out_of_range(),
            Kind::Tiers(e) => e.is_out_of_range(),
            Kind::Generate(e) => e.is_out_of_range(),
            Kind::Circuits(e) => e.is_out_of_range(),
            Kind::Patch(e) => matches!(e, PatchError::NoPart { .. }),
            Kind::Plot(e) => matches!(e, PlotError::Layer { .. }),
            Kind::Fourier(e) => matches!(e, FourierError::Frequency { .. }),
            Kind::Audio(e) => matches!(e, AudioError::Outside { .. }),
            Kind::Probe(e) => matches!(e, ProbeError::SplitRange { .. }),
            _ => false,
        }
    }

    /// True when a model could not be loaded: its files are missing or damaged, or this crate does not support it.
    pub fn is_load(&self) -> bool {
        matches!(self.kind(), Kind::Load(_))
    }

    /// True when a file could not be read or written.
    pub fn is_io(&self) -> bool {
        matches!(self.kind(), Kind::Io { .. } | Kind::Files(_))
    }
}

/// What is wrong with a text that should be JSON, and where, as half a sentence.
pub(crate) fn no_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Eof => format!("it ends early at line {line}, column {column}; download it again"),
        _ => format!("it is not valid JSON at line {line}, column {column}; correct it there, or download it again"),
    }
}

macro_rules! from_area {
    ($($area:ty),*) => {$(
        impl From<$area> for Error {
            fn from(source: $area) -> Self {
                Self(Arc::new(source.into()))
            }
        }
    )*};
}
from_area!(
    IndexError,
    SiteError,
    LoadError,
    TextError,
    RunError,
    PatchError,
    SteerError,
    GenerateError,
    ProbeError,
    PlotError,
    TrainError,
    WeightsError,
    CircuitsError,
    FourierError,
    SizeError,
    FilesError,
    TiersError,
    AudioError
);

impl From<candle_core::Error> for Error {
    fn from(source: candle_core::Error) -> Self {
        if let Some(own) = tensor::own(&source) {
            return own.clone();
        }
        Self(Arc::new(Kind::Tensor(tensor::sentence(&source))))
    }
}

impl From<ndarray::ShapeError> for Error {
    fn from(source: ndarray::ShapeError) -> Self {
        Self(Arc::new(Kind::Tensor(tensor::array_sentence(&source).into())))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted parts may contain anything, so the whole is made safe and kept on one line.
        f.pad(&sentence(self.0.to_string()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            Kind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Site;

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        let attack = "x\nEVCXR_PANIC_NOTIFICATION\nEVCXR_BEGIN_CONTENT text/html\n<script>\u{2028}\x1b[31m\r\u{202e}";
        let file = Error::io(format!("cannot read {attack}"), std::io::Error::other(attack));
        for error in [attack.parse::<Site>().unwrap_err(), file] {
            for said in [format!("{error}"), format!("{error:?}")] {
                assert!(said.contains("PANIC") && !said.contains("EVCXR_"), "{said}");
                assert!(!said.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}')), "{said:?}");
            }
        }
        let long = "a".repeat(1_000_000).parse::<Site>().unwrap_err().to_string();
        assert!(long.len() < 5_000 && long.ends_with(|c: char| c != 'a'), "{long}");
    }
}
