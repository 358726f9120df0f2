//! The canonical parts that every family is translated into.

mod attention;
mod block;
mod embed;
mod experts;
mod front;
mod head_norm;
mod linear;
mod mlp;
mod norm;
mod readout;
mod relative;
mod sound;

pub(crate) use attention::Attention;
pub(crate) use block::{Block, Cross};
pub(crate) use embed::Embed;
pub(crate) use experts::Mixture;
pub(crate) use front::Front;
pub(crate) use head_norm::HeadNorm;
pub(crate) use linear::Linear;
pub(crate) use mlp::{Feed, Mlp};
pub(crate) use norm::Norm;
pub(crate) use readout::{MlmHead, Readout};
pub(crate) use relative::RelativeBias;
pub(crate) use sound::{Convolution, SoundFront};
