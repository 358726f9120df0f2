//! [`ToSite`]: everything that names one site.

use super::{Layers, Site, short};
use crate::{Result, index::ToIndex};

/// Anything that names one site: a [`Site`], its name, a short name from TransformerLens with its layer
/// (`("pattern", 0)`, `("scale", -1, "ln1")`), or a reference to one of these.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue")?;
/// let dims = run.cache().get(Site::pattern(1))?.dims().to_vec();
/// assert_eq!(run.cache().get(Site::pattern(-1))?.dims(), dims);
/// assert_eq!(run.cache().get(("pattern", 1))?.dims(), dims);
/// assert_eq!(run.cache().get("blocks.1.attn.hook_pattern")?.dims(), dims);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a site",
    note = "use a `Site`, such as Site::pattern(0), a name, such as \"blocks.0.attn.hook_pattern\", or a short name \
            with its layer, such as (\"pattern\", 0)"
)]
pub trait ToSite {
    /// Returns the site as given. Its layer may still count from the end.
    ///
    /// # Errors
    /// Fails when no hook has this name. The error names the nearest hooks.
    fn to_site(&self) -> Result<Site>;

    /// Returns the site in a model with these layer counts. Its layer counts from 0.
    ///
    /// # Errors
    /// Fails as [`ToSite::to_site`] does, and when a negative layer reaches past the first layer.
    fn site_in(&self, of: Layers) -> Result<Site> {
        self.to_site()?.resolved(of)
    }
}

impl Site {
    /// The site's name in TransformerLens, as it prints.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Site::pattern(0).name(), "blocks.0.attn.hook_pattern");
    /// ```
    pub fn name(&self) -> String {
        self.to_string()
    }
}

impl ToSite for Site {
    fn to_site(&self) -> Result<Site> {
        Ok(*self)
    }
}

impl ToSite for str {
    fn to_site(&self) -> Result<Site> {
        self.parse()
    }
}

impl ToSite for String {
    fn to_site(&self) -> Result<Site> {
        self.parse()
    }
}

impl<N: AsRef<str>, L: ToIndex + Copy> ToSite for (N, L) {
    fn to_site(&self) -> Result<Site> {
        short::in_layer(self.0.as_ref(), self.1.to_index(), None).parse()
    }
}

impl<N: AsRef<str>, L: ToIndex + Copy, P: AsRef<str>> ToSite for (N, L, P) {
    fn to_site(&self) -> Result<Site> {
        short::in_layer(self.0.as_ref(), self.1.to_index(), Some(self.2.as_ref())).parse()
    }
}

impl<T: ToSite + ?Sized> ToSite for &T {
    fn to_site(&self) -> Result<Site> {
        (**self).to_site()
    }
}
