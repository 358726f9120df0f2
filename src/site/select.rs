//! [`Sites`]: a selection of one site or many.

use super::{Layers, Site, ToSite, short};
use crate::{Result, error::SiteError, index::ToIndex, printable::line};
use std::{collections::HashSet, fmt, iter, sync::Arc};

/// Which sites to record or to change: all, a list of sites, those whose name matches a pattern, those a predicate
/// accepts, or a list of such selections.
///
/// # Examples
/// ```
/// use glassbox::{hook::Point, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let recorded = |sites: Sites| -> Result<Vec<Site>, glassbox::Error> {
///     Ok(model.pass("red fox blue")?.record(sites).run()?.cache().sites())
/// };
/// assert_eq!(recorded(Site::z(1).into())?, [Site::z(1)]);
/// assert_eq!(recorded("blocks.*.attn.hook_pattern".into())?, [Site::pattern(0), Site::pattern(1)]);
/// assert_eq!(recorded(["blocks.1.attn.hook_z", "hook_e*"].into())?, [Site::embed(), Site::z(1)]);
/// assert_eq!(recorded((|site: Site| site.layer() == Some(0) && site.point() == Point::Q).into())?, [Site::q(0)]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "names_filter")]
#[derive(Clone)]
#[non_exhaustive]
pub enum Sites {
    /// Every site that costs nothing extra to record (see [`Site::is_gated`]).
    All,
    /// These sites.
    Only(Vec<Site>),
    /// Every site, gated ones included, whose name matches; `*` stands for any characters.
    Pattern(String),
    /// Every site, gated ones included, that the predicate accepts.
    Where(Arc<dyn Fn(Site) -> bool + Send + Sync>),
    /// Every site that any of these selects.
    Any(Vec<Self>),
}

impl Sites {
    /// Selects every site that the predicate accepts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let first = Sites::filter(|site| site.layer() == Some(0));
    /// let run = Model::open("induction-2l")?.pass("red fox")?.record(first).run()?;
    /// assert!(run.cache().contains(Site::z(0)) && !run.cache().contains(Site::z(1)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "names_filter")]
    pub fn filter(predicate: impl Fn(Site) -> bool + Send + Sync + 'static) -> Self {
        Self::Where(Arc::new(predicate))
    }

    /// Returns the selected sites among `present`, in a model with these layer counts.
    /// A site given by name or as a [`Site`] is returned whether or not it is present.
    ///
    /// # Errors
    /// Fails when no hook has a given name, or no site matches a pattern. The error names the nearest.
    pub(crate) fn among(&self, present: &[Site], of: Layers) -> Result<Vec<Site>> {
        let pick = |keep: &dyn Fn(Site) -> bool| present.iter().copied().filter(|site| keep(*site)).collect::<Vec<_>>();
        Ok(match self {
            Self::All => pick(&|site| !site.is_gated_in(of)),
            Self::Only(sites) => sites.iter().map(|site| site.resolved(of)).collect::<Result<_>>()?,
            Self::Where(predicate) => pick(&**predicate),
            Self::Pattern(name) if !name.contains('*') => {
                let names = || present.iter().map(Site::to_string);
                vec![
                    name.site_in(of)
                        .map_err(|error| error.with_nearest(|name| short::nearest_sites(name, names(), 3)))?,
                ]
            }
            Self::Pattern(pattern) => {
                let found = pick(&|site| fits(pattern, &site.to_string()));
                if found.is_empty() {
                    let nearest = short::nearest_sites(pattern, present.iter().map(Site::to_string), 3);
                    return Err(SiteError::NoMatch { pattern: pattern.clone(), nearest }.into());
                }
                found
            }
            Self::Any(several) => {
                let mut seen = HashSet::new();
                let sites = several.iter().map(|sites| sites.among(present, of)).collect::<Result<Vec<_>>>()?.concat();
                sites.into_iter().filter(|site| seen.insert(*site)).collect()
            }
        })
    }

    /// Returns the site if exactly one was given as such.
    pub(crate) fn one(&self) -> Option<Site> {
        match self {
            Self::Only(sites) => <[Site; 1]>::try_from(sites.as_slice()).ok().map(|[site]| site),
            _ => None,
        }
    }
}

/// Whether `name` matches a pattern in which `*` stands for any characters.
///
/// Each part between two stars is matched at its first occurrence after the previous part, which leaves the most room
/// for the rest. There is no backtracking: the time grows with the sum of the two lengths, however many stars there
/// are.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(name) = parts.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let Some(end) = parts.next_back() else { return name.is_empty() };
    let rest = parts.try_fold(name, |name, part| name.find(part).map(|at| &name[at + part.len()..]));
    rest.is_some_and(|rest| rest.ends_with(end))
}

impl From<Site> for Sites {
    fn from(site: Site) -> Self {
        Self::Only(vec![site])
    }
}

impl From<&Site> for Sites {
    fn from(site: &Site) -> Self {
        (*site).into()
    }
}

impl<N: AsRef<str>, L: ToIndex> From<(N, L)> for Sites {
    /// A short name from TransformerLens with its layer.
    fn from((name, layer): (N, L)) -> Self {
        Self::Pattern(short::in_layer(name.as_ref(), layer.to_index(), None))
    }
}

impl<N: AsRef<str>, L: ToIndex, P: AsRef<str>> From<(N, L, P)> for Sites {
    /// A short name from TransformerLens with its layer and the part of the block.
    fn from((name, layer, part): (N, L, P)) -> Self {
        Self::Pattern(short::in_layer(name.as_ref(), layer.to_index(), Some(part.as_ref())))
    }
}

impl From<&str> for Sites {
    fn from(pattern: &str) -> Self {
        Self::Pattern(pattern.into())
    }
}

impl From<&String> for Sites {
    fn from(pattern: &String) -> Self {
        Self::Pattern(pattern.clone())
    }
}

impl From<String> for Sites {
    fn from(pattern: String) -> Self {
        Self::Pattern(pattern)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Sites {
    fn from(several: Vec<T>) -> Self {
        let several: Vec<Self> = several.into_iter().map(Into::into).collect();
        match several.iter().map(Self::one).collect() {
            Some(sites) => Self::Only(sites),
            None => Self::Any(several),
        }
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Sites {
    fn from(several: [T; N]) -> Self {
        Vec::from(several).into()
    }
}

impl<T: Into<Self> + Clone> From<&[T]> for Sites {
    fn from(several: &[T]) -> Self {
        several.to_vec().into()
    }
}

impl<T: Into<Self> + Clone, const N: usize> From<&[T; N]> for Sites {
    fn from(several: &[T; N]) -> Self {
        several.to_vec().into()
    }
}

impl<T: Into<Self> + Clone> From<&Vec<T>> for Sites {
    fn from(several: &Vec<T>) -> Self {
        several.clone().into()
    }
}

impl<I: Iterator, T: Into<Self>, M: FnMut(I::Item) -> T> From<iter::Map<I, M>> for Sites {
    /// The sites that an iterator yields, as in `(0..4).map(Site::attn_out)`.
    fn from(several: iter::Map<I, M>) -> Self {
        several.collect::<Vec<_>>().into()
    }
}

impl From<()> for Sites {
    /// An empty selection.
    fn from((): ()) -> Self {
        Self::Only(Vec::new())
    }
}

impl<F: Fn(Site) -> bool + Send + Sync + 'static> From<F> for Sites {
    fn from(predicate: F) -> Self {
        Self::filter(predicate)
    }
}

impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Only(sites) => f.debug_list().entries(sites).finish(),
            Self::Pattern(pattern) => write!(f, "{:?}", line(pattern)),
            Self::Where(_) => f.write_str("Where(..)"),
            Self::Any(several) => f.debug_list().entries(several).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Point;

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

    /// The definition of a match, by trying every possibility.
    fn fits_by_trying(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|at| fits_by_trying(rest, &name[at..])),
            Some((c, rest)) => name.first() == Some(c) && fits_by_trying(rest, &name[1..]),
        }
    }

    #[test]
    fn a_pattern_fits_what_trying_every_way_fits() {
        let mut state = 1u64;
        let mut letters = |most: u64, of: &[u8]| -> Vec<u8> {
            let mut next = |n: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % n
            };
            (0..next(most)).map(|_| of[next(of.len() as u64) as usize]).collect()
        };
        let mut fitting = 0;
        for _ in 0..20_000 {
            let (pattern, name) = (letters(8, b"a*b*"), letters(10, b"ab"));
            let [shown, text] = [&pattern, &name].map(|bytes| std::str::from_utf8(bytes).unwrap());
            let expected = fits_by_trying(&pattern, &name);
            assert_eq!(fits(shown, text), expected, "{shown} {text}");
            fitting += usize::from(expected);
        }
        assert!(fitting > 2000, "{fitting}");
        assert!(fits("é*東*", "éa東京") && !fits("é*é", "é"));
    }

    #[test]
    fn the_time_of_a_pattern_does_not_grow_with_its_stars() {
        let start = std::time::Instant::now();
        for stars in ["*".repeat(1000), "*a".repeat(1000), "a*".repeat(500) + "b*"] {
            assert!(!fits(&(stars + "x"), &"a".repeat(10_000)));
        }
        let error = Sites::from("*".repeat(1000) + "x")
            .among(&[Site::z(0), Site::result(0)], Layers::new(|_| 2, false))
            .unwrap_err();
        assert!(error.to_string().contains("attn.hook_z"), "{error}");
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    }

    #[test]
    fn sites_and_names_may_be_given_in_whatever_list_there_is() {
        let (z, q) = (Site::z(0), Site::q(0));
        let (names, owned) = ([z.to_string(), q.to_string()], vec![z.to_string(), q.to_string()]);
        let texts = names.iter().map(String::as_str).collect::<Vec<_>>();
        let lists: [Sites; 10] = [
            [z, q].into(),
            vec![z, q].into(),
            (&vec![z, q]).into(),
            [z, q].as_slice().into(),
            [texts[0], texts[1]].into(),
            texts.clone().into(),
            texts.as_slice().into(),
            owned.into(),
            names.into(),
            [Sites::from(z), (|site: Site| site.point() == Point::Q).into()].into(),
        ];
        for list in lists {
            assert_eq!(list.among(&[Site::resid_pre(0), q, z], Layers::new(|_| 2, false)).unwrap(), [z, q], "{list:?}");
        }
        assert_eq!(Sites::from(z.to_string()).among(&[], Layers::new(|_| 2, false)).unwrap(), [z]);
        assert_eq!(
            Sites::from(["*hook_z", "blocks.0.attn.*"]).among(&[q, z], Layers::new(|_| 2, false)).unwrap(),
            [z, q],
            "each once"
        );
        let error =
            Sites::from(["*hook_z", "*hook_zz"]).among(&[q, z], Layers::new(|_| 2, false)).unwrap_err().to_string();
        assert!(error.contains("`*hook_zz`"), "{error}");
    }

    #[test]
    fn all_leaves_out_what_costs_extra_and_a_pattern_does_not() {
        let present = [Site::z(0), Site::result(0)];
        assert_eq!(Sites::All.among(&present, Layers::new(|_| 2, false)).unwrap(), [Site::z(0)]);
        assert_eq!(Sites::from("blocks.*").among(&present, Layers::new(|_| 2, false)).unwrap(), present);
        assert!(
            Sites::from("blocks.*.hook_zz")
                .among(&present, Layers::new(|_| 2, false))
                .unwrap_err()
                .to_string()
                .contains("attn.hook_z")
        );
    }
}
