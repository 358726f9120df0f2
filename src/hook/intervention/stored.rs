//! [`store`]: keeps activations from inside a run, like a hook function of TransformerLens that appends to a list.

use super::{Action, Intervention};
use crate::{
    Result,
    error::SiteError,
    site::{Layers, Site, Sites, ToSite, nearest_sites},
};
use candle_core::Tensor;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Keeps the activation as it is at this point: after the interventions listed before this one and before those listed
/// after it.
///
/// The activation itself is unchanged. Read it from the [`Stored`] once a model has run with the intervention.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let (before, seen) = store(Site::z(1));
/// let run = model.run_with("red fox blue", (before, zero(Site::z(1))))?;
/// assert!(seen.get()?.abs()?.max_all()?.to_scalar::<f32>()? > 0.0);
/// assert_eq!(run.cache().get(Site::z(1))?.abs()?.max_all()?.to_scalar::<f32>()?, 0.0);
///
/// let (patterns, seen) = store("blocks.*.attn.hook_pattern"); // at several sites
/// model.run_with("red fox blue", patterns.position(-1))?;
/// assert_eq!(seen.at(Site::pattern(-1))?.dims(), [1, 4, 1, 4]);
/// assert_eq!(seen.all()?.len(), 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn store(sites: impl Into<Sites>) -> (Intervention, Stored) {
    let sites = sites.into();
    let stored = Stored { asked: sites.clone(), seen: Arc::default() };
    let seen = stored.clone();
    let keep = move |x: &Tensor, site: Site, layers: Layers| {
        seen.keep(site, x.detach(), layers);
        Ok(())
    };
    (Intervention::new(sites, Action::Look(Arc::new(keep))), stored)
}

/// What [`store`] kept: the activation at each site in the last run, or the last step of a generation, that reached it.
///
/// It is owned and cheap to clone. All clones share their contents.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let (keep, seen) = store(Site::z(1));
/// model.run_with("red fox blue", keep)?;
/// assert_eq!(seen.get()?.dims(), [1, 4, 4, 16]); // [batch, pos, head, d_head]
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Stored {
    asked: Sites,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    at: Vec<(Site, Tensor)>,
    /// The layer counts of the model that ran.
    layers: Layers,
}

impl Stored {
    /// Returns the activation.
    ///
    /// # Shapes
    /// The shape at the site, such as [`Site::pattern`]'s, reduced to what the intervention was narrowed to.
    ///
    /// # Errors
    /// Fails before a run has reached the site, and when there are several sites.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (keep, seen) = store(Site::pattern(1));
    /// assert!(seen.get().is_err()); // nothing has run yet
    /// model.run_with("red fox", keep.head(0))?;
    /// assert_eq!(seen.get()?.dims(), [1, 1, 3, 3]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn get(&self) -> Result<Tensor> {
        match self.all()?.as_slice() {
            [(_, one)] => Ok(one.clone()),
            several => {
                let first = several.first().map_or_else(String::new, |(site, _)| site.to_string());
                Err(SiteError::StoredSeveral { count: several.len(), first }.into())
            }
        }
    }

    /// Returns the activation at one of several sites.
    ///
    /// # Shapes
    /// See [`Stored::get`].
    ///
    /// # Errors
    /// Fails before a run has reached the site. The error names the nearest stored sites.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (keep, seen) = store("blocks.*.attn.hook_z");
    /// model.run_with("red fox", keep)?;
    /// assert_eq!(seen.at(Site::z(-1))?.dims(), [1, 3, 4, 16]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at(&self, site: impl ToSite) -> Result<Tensor> {
        let all = self.all()?;
        let site = site.site_in(self.seen().layers)?;
        let found = all.iter().find(|(have, _)| *have == site).map(|(_, x)| x.clone());
        let name = site.to_string();
        let near = || nearest_sites(&name, all.iter().map(|(site, _)| site.to_string()), 3);
        found.ok_or_else(|| SiteError::NotStored { site: name.clone(), nearest: near() }.into())
    }

    /// Returns all activations with their sites, in the order in which the first run reached them.
    ///
    /// # Shapes
    /// See [`Stored::get`].
    ///
    /// # Errors
    /// Fails before a run.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (keep, seen) = store("blocks.*.attn.hook_z");
    /// model.run_with("red fox", keep)?;
    /// assert_eq!(seen.all()?.iter().map(|(site, _)| *site).collect::<Vec<_>>(), [Site::z(0), Site::z(1)]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn all(&self) -> Result<Vec<(Site, Tensor)>> {
        let seen = self.seen().at.clone();
        if seen.is_empty() {
            let asked = self.asked.one().map_or_else(|| format!("{:?}", self.asked), |site| format!("`{site}`"));
            return Err(SiteError::NothingStored { asked }.into());
        }
        Ok(seen)
    }

    fn keep(&self, site: Site, x: Tensor, layers: Layers) {
        let mut seen = self.seen();
        seen.layers = layers;
        match seen.at.iter_mut().find(|(have, _)| *have == site) {
            Some((_, old)) => *old = x,
            None => seen.at.push((site, x)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.all() {
            Err(_) => write!(f, "Stored(nothing yet at {:?})", self.asked),
            Ok(seen) => {
                let shown = |(site, x): &(Site, Tensor)| format!("{site} {:?}", x.dims());
                write!(f, "Stored({})", seen.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
