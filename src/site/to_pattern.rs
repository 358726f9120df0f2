//! [`ToPattern`]: which layer's attention.

use super::{Site, ToSite};
use crate::{Result, index::ToIndex};

/// Whose attention is meant: a layer of a model's only stack (-1 is the last), or a pattern's [`Site`] or its name, such
/// as `Site::cross_pattern(0).in_decoder()` of an encoder-decoder.
///
/// # Examples
/// ```
/// use glassbox::{model::ToPattern, prelude::*};
/// assert_eq!(3.to_pattern()?, Site::pattern(3)); // a layer
/// assert_eq!("blocks.3.attn.hook_pattern".to_pattern()?, Site::pattern(3));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no layer's attention",
    note = "give a layer, such as 0, or -1 for the last, or the site of a pattern, such as Site::pattern(0)"
)]
pub trait ToPattern {
    /// The site of the patterns; its layer may count from the end.
    ///
    /// # Errors
    /// When a name is no hook's.
    fn to_pattern(&self) -> Result<Site>;
}

impl<T: ToIndex + Copy> ToPattern for T {
    fn to_pattern(&self) -> Result<Site> {
        Ok(Site::pattern(*self))
    }
}

macro_rules! named {
    ($([$($generic:tt)*] $named:ty;)*) => {$(
        impl<$($generic)*> ToPattern for $named {
            fn to_pattern(&self) -> Result<Site> {
                self.to_site()
            }
        }
    )*};
}

named! {
    [] Site;
    [] &Site;
    [] &str;
    [] String;
    [] &String;
    [N: AsRef<str>, L: ToIndex + Copy] (N, L);
    [N: AsRef<str>, L: ToIndex + Copy, P: AsRef<str>] (N, L, P);
}
