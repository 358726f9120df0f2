//! Naming one site or many.

use super::Site;
use crate::{
    Result,
    error::{SiteError, nearest},
};
use std::{fmt, sync::Arc};

/// Anything that names one site: a [`Site`] or its name.
pub trait ToSite {
    /// The site.
    ///
    /// # Errors
    /// When a name is no hook's; the error names the nearest.
    fn to_site(&self) -> Result<Site>;
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

impl<T: ToSite + ?Sized> ToSite for &T {
    fn to_site(&self) -> Result<Site> {
        (**self).to_site()
    }
}

/// Which sites to record: some, all, those whose name fits a pattern, or those a predicate likes.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let patterns = model.pass("red fox blue")?.record("blocks.*.attn.hook_pattern").run()?;
/// assert_eq!(patterns.cache().len(), 2);
/// let one = model.pass("red fox blue")?.record(Site::z(1)).run()?;
/// assert_eq!(one.cache().sites(), [Site::z(1)]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Sites {
    /// Every site that costs nothing extra (see [`Site::is_gated`]).
    All,
    /// These sites.
    Only(Vec<Site>),
    /// Every site, gated ones too, whose name fits; `*` stands for any run of characters.
    Pattern(String),
    /// Every site, gated ones too, that the predicate accepts.
    Where(Arc<dyn Fn(Site) -> bool + Send + Sync>),
}

impl Sites {
    /// Every site that the predicate accepts.
    pub fn filter(predicate: impl Fn(Site) -> bool + Send + Sync + 'static) -> Self {
        Self::Where(Arc::new(predicate))
    }

    /// The sites among `present` that this selects.
    ///
    /// # Errors
    /// When a pattern fits none of them; the error names the nearest.
    pub(crate) fn among(&self, present: &[Site]) -> Result<Vec<Site>> {
        let pick = |keep: &dyn Fn(Site) -> bool| present.iter().copied().filter(|site| keep(*site)).collect::<Vec<_>>();
        Ok(match self {
            Self::All => pick(&|site| !site.is_gated()),
            Self::Only(sites) => sites.clone(),
            Self::Where(predicate) => pick(&**predicate),
            Self::Pattern(pattern) if !pattern.contains('*') => vec![pattern.parse()?],
            Self::Pattern(pattern) => {
                let found = pick(&|site| fits(pattern, &site.to_string()));
                if found.is_empty() {
                    let nearest = nearest(pattern, present.iter().map(Site::to_string), 3);
                    return Err(SiteError::NoMatch { pattern: pattern.clone(), nearest }.into());
                }
                found
            }
        })
    }
}

/// Whether `name` fits a pattern in which `*` stands for any run of characters.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            // Some tail of what is left must fit the rest of the pattern.
            (0..=name.len()).filter(|&at| name.is_char_boundary(at)).any(|at| fits(rest, &name[at..]))
        }),
    }
}

impl From<Site> for Sites {
    fn from(site: Site) -> Self {
        Self::Only(vec![site])
    }
}

impl From<Vec<Site>> for Sites {
    fn from(sites: Vec<Site>) -> Self {
        Self::Only(sites)
    }
}

impl From<&[Site]> for Sites {
    fn from(sites: &[Site]) -> Self {
        Self::Only(sites.to_vec())
    }
}

impl<const N: usize> From<[Site; N]> for Sites {
    fn from(sites: [Site; N]) -> Self {
        Self::Only(sites.to_vec())
    }
}

impl From<&str> for Sites {
    fn from(pattern: &str) -> Self {
        Self::Pattern(pattern.into())
    }
}

impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Only(sites) => f.debug_list().entries(sites).finish(),
            Self::Pattern(pattern) => write!(f, "{pattern:?}"),
            Self::Where(_) => f.write_str("Where(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name, expected) in [
            ("blocks.*.hook_z", "blocks.12.attn.hook_z", true),
            ("*", "hook_embed", true),
            ("*pattern", "blocks.0.attn.hook_pattern", true),
            ("blocks.0.*", "blocks.10.hook_resid_pre", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn all_leaves_out_what_costs_extra_and_a_pattern_does_not() {
        let present = [Site::z(0), Site::result(0)];
        assert_eq!(Sites::All.among(&present).unwrap(), [Site::z(0)]);
        assert_eq!(Sites::from("blocks.*").among(&present).unwrap(), present);
        assert!(Sites::from("blocks.*.hook_zz").among(&present).unwrap_err().to_string().contains("attn.hook_z"));
    }
}
