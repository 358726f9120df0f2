//! [`Sender`] and [`Receiver`]: the parts that write to the residual stream, and the parts that read it.

use super::Graph;
use crate::{Error, Model, Result, error::PatchError};
use std::{fmt, str::FromStr};

/// A part that writes to the residual stream: the start of an edge.
///
/// Printed and parsed by the usual short names: `embed`, `a5.h2` (head 2 of layer 5), `x5.h2` (the same in cross
/// attention), `m3` (the MLP of layer 3).
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// assert_eq!(Sender::Head { layer: 5, head: 2 }.to_string(), "a5.h2");
/// assert_eq!("m3".parse::<Sender>()?, Sender::Mlp { layer: 3 });
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sender {
    /// The input of the first block: token and position embeddings.
    Embed,
    /// One attention head.
    #[expect(missing_docs, reason = "their names say it")]
    Head { layer: usize, head: usize },
    /// One head of the decoder's cross attention in an encoder-decoder.
    #[expect(missing_docs, reason = "their names say it")]
    CrossHead { layer: usize, head: usize },
    /// An MLP, or a mixture of experts.
    #[expect(missing_docs, reason = "its name says it")]
    Mlp { layer: usize },
}

/// A part that reads the residual stream: the end of an edge.
///
/// Printed and parsed by the usual short names: `a5.h2.q`, `a5.h2.k`, `a5.h2.v`, `x5.q`, `m3`, `logits`. In
/// grouped-query attention the heads of keys and values are key heads.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// assert_eq!(Receiver::Key { layer: 5, head: 2 }.to_string(), "a5.h2.k");
/// assert_eq!("logits".parse::<Receiver>()?, Receiver::Logits);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the fields say it")]
#[non_exhaustive]
pub enum Receiver {
    /// The input of a head's queries.
    Query { layer: usize, head: usize },
    /// The input of a key head's keys.
    Key { layer: usize, head: usize },
    /// The input of a key head's values.
    Value { layer: usize, head: usize },
    /// The input of the queries of all heads of cross attention, in the decoder of an encoder-decoder.
    CrossQuery { layer: usize },
    /// What an MLP reads.
    Mlp { layer: usize },
    /// The input of the final norm. In an encoder beside a decoder, that of the encoder's final norm.
    Logits,
}

impl Receiver {
    /// The block of the receiver; none for the logits.
    pub(super) fn layer(self) -> Option<usize> {
        match self {
            Self::Query { layer, .. }
            | Self::Key { layer, .. }
            | Self::Value { layer, .. }
            | Self::CrossQuery { layer }
            | Self::Mlp { layer } => Some(layer),
            Self::Logits => None,
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embed => f.write_str("embed"),
            Self::Head { layer, head } => write!(f, "a{layer}.h{head}"),
            Self::CrossHead { layer, head } => write!(f, "x{layer}.h{head}"),
            Self::Mlp { layer } => write!(f, "m{layer}"),
        }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query { layer, head } => write!(f, "a{layer}.h{head}.q"),
            Self::Key { layer, head } => write!(f, "a{layer}.h{head}.k"),
            Self::Value { layer, head } => write!(f, "a{layer}.h{head}.v"),
            Self::CrossQuery { layer } => write!(f, "x{layer}.q"),
            Self::Mlp { layer } => write!(f, "m{layer}"),
            Self::Logits => f.write_str("logits"),
        }
    }
}

/// Layer and head of `a5.h2`, and what follows.
fn head(name: &str) -> Option<(usize, usize, &str)> {
    head_of('a', name)
}

/// The same of `x5.h2`, where `x` is this letter.
fn head_of(letter: char, name: &str) -> Option<(usize, usize, &str)> {
    let (layer, rest) = name.strip_prefix(letter)?.split_once(".h")?;
    let (head, rest) = rest.split_once('.').unwrap_or((rest, ""));
    Some((layer.parse().ok()?, head.parse().ok()?, rest))
}

fn mlp(name: &str) -> Option<usize> {
    name.strip_prefix('m')?.parse().ok()
}

fn sender(name: &str) -> Option<Sender> {
    match (name, mlp(name), head(name)) {
        ("embed", ..) => Some(Sender::Embed),
        (_, Some(layer), _) => Some(Sender::Mlp { layer }),
        (_, _, Some((layer, head, ""))) => Some(Sender::Head { layer, head }),
        _ => match head_of('x', name) {
            Some((layer, head, "")) => Some(Sender::CrossHead { layer, head }),
            _ => None,
        },
    }
}

fn receiver(name: &str) -> Option<Receiver> {
    match (name, mlp(name), head(name)) {
        ("logits", ..) => Some(Receiver::Logits),
        (_, Some(layer), _) => Some(Receiver::Mlp { layer }),
        (_, _, Some((layer, head, "q"))) => Some(Receiver::Query { layer, head }),
        (_, _, Some((layer, head, "k"))) => Some(Receiver::Key { layer, head }),
        (_, _, Some((layer, head, "v"))) => Some(Receiver::Value { layer, head }),
        _ => {
            let layer = name.strip_prefix('x')?.strip_suffix(".q")?.parse().ok()?;
            Some(Receiver::CrossQuery { layer })
        }
    }
}

impl FromStr for Sender {
    type Err = Error;

    /// # Errors
    /// When it is no sender's name.
    fn from_str(name: &str) -> Result<Self> {
        sender(name).ok_or_else(|| PatchError::Sender { name: name.into() }.into())
    }
}

impl FromStr for Receiver {
    type Err = Error;

    /// # Errors
    /// When it is no receiver's name.
    fn from_str(name: &str) -> Result<Self> {
        receiver(name).ok_or_else(|| PatchError::Receiver { name: name.into() }.into())
    }
}

/// Anything that names senders: a [`Sender`], its name, or a list.
///
/// # Examples
/// ```
/// use glassbox::{patching::graph::ToSenders, prelude::*};
/// let model = Model::open("induction-2l")?;
/// assert_eq!(["embed", "a0.h0"].senders(&model)?, [Sender::Embed, Sender::Head { layer: 0, head: 0 }]);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait ToSenders {
    /// The senders, all of them parts of the model. In an encoder-decoder the experiment decides the stack.
    ///
    /// # Errors
    /// When a name is not a sender's, or the model has no such part.
    fn senders(&self, model: &Model) -> Result<Vec<Sender>>;
}

/// Anything that names receivers: a [`Receiver`], its name, `a5.h2` for a head's query, key and value, or a list.
///
/// # Examples
/// ```
/// use glassbox::{patching::graph::ToReceivers, prelude::*};
/// let model = Model::open("induction-2l")?;
/// assert_eq!("a1.h0".receivers(&model)?.len(), 3); // its query, key and value
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait ToReceivers {
    /// The receivers, all of them parts of the model. In an encoder-decoder the experiment decides the stack.
    ///
    /// # Errors
    /// When a name is not a receiver's, or the model has no such part.
    fn receivers(&self, model: &Model) -> Result<Vec<Receiver>>;
}

impl ToSenders for Sender {
    fn senders(&self, model: &Model) -> Result<Vec<Sender>> {
        match Graph::only(model)? {
            Some(graph) => graph.sender_index(*self).map(|_| vec![*self]),
            None => Ok(vec![*self]),
        }
    }
}

impl ToReceivers for Receiver {
    fn receivers(&self, model: &Model) -> Result<Vec<Receiver>> {
        match Graph::only(model)? {
            Some(graph) => graph.receiver_index(*self).map(|_| vec![*self]),
            None => Ok(vec![*self]),
        }
    }
}

impl ToSenders for str {
    fn senders(&self, model: &Model) -> Result<Vec<Sender>> {
        self.parse::<Sender>()?.senders(model)
    }
}

impl ToReceivers for str {
    fn receivers(&self, model: &Model) -> Result<Vec<Receiver>> {
        match head(self) {
            Some((layer, head, "")) => {
                let shared = model.config().n_heads / model.config().n_key_value_heads.max(1);
                let of = head / shared.max(1);
                let all = [
                    Receiver::Query { layer, head },
                    Receiver::Key { layer, head: of },
                    Receiver::Value { layer, head: of },
                ];
                all.receivers(model)
            }
            _ => self.parse::<Receiver>()?.receivers(model),
        }
    }
}

/// Lists, and references to either.
macro_rules! many {
    ($name:ident $method:ident $part:ident) => {
        impl<T: $name> $name for [T] {
            fn $method(&self, model: &Model) -> Result<Vec<$part>> {
                let each = self.iter().map(|one| one.$method(model)).collect::<Result<Vec<_>>>()?;
                Ok(each.concat())
            }
        }

        impl<T: $name, const N: usize> $name for [T; N] {
            fn $method(&self, model: &Model) -> Result<Vec<$part>> {
                self.as_slice().$method(model)
            }
        }

        impl<T: $name> $name for Vec<T> {
            fn $method(&self, model: &Model) -> Result<Vec<$part>> {
                self.as_slice().$method(model)
            }
        }

        impl $name for String {
            fn $method(&self, model: &Model) -> Result<Vec<$part>> {
                self.as_str().$method(model)
            }
        }

        impl<T: $name + ?Sized> $name for &T {
            fn $method(&self, model: &Model) -> Result<Vec<$part>> {
                (**self).$method(model)
            }
        }
    };
}
many!(ToSenders senders Sender);
many!(ToReceivers receivers Receiver);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_reads_back_from_its_own_name() {
        for name in ["embed", "a5.h2", "m3", "a0.h11", "x3.h0"] {
            assert_eq!(name.parse::<Sender>().unwrap().to_string(), name);
        }
        for name in ["a5.h2.q", "a5.h2.k", "a0.h0.v", "m13", "logits", "x2.q"] {
            assert_eq!(name.parse::<Receiver>().unwrap().to_string(), name);
        }
        for name in ["", "a5", "a5.h", "h2", "m", "a5.h2.q.q", "logits", "a-1.h0"] {
            assert!(name.parse::<Sender>().is_err(), "{name}");
        }
        assert!("a5.h2".parse::<Receiver>().is_err() && "embed".parse::<Receiver>().is_err());
    }
}
