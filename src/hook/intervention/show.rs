//! How an intervention prints, and the site of one that is a [`ToSite`].

use super::{Action, Intervention};
use crate::{
    Result,
    error::SiteError,
    site::{Site, ToSite},
};
use std::fmt;

impl fmt::Debug for Intervention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match &self.action {
            Action::Zero => "zero".into(),
            Action::Mean => "mean".into(),
            Action::Replace(value) => format!("replace {:?}", value.dims()),
            Action::Patch(_) => "patch".into(),
            Action::Add(value) => format!("add {:?}", value.dims()),
            Action::Scale(factor) => format!("scale by {factor}"),
            Action::Block => "block".into(),
            Action::Ablate(direction) => format!("ablate the direction {:?}", direction.dims()),
            Action::Clean => "put in the clean value".into(),
            Action::Edit(_) => "edit".into(),
            Action::EditGradient(_) => "edit the gradient".into(),
            Action::Look(_) => "observe".into(),
            Action::Failed(error) => return write!(f, "fails: {error}"),
        };
        match &self.among {
            None => write!(f, "{verb} at {}", self.site)?,
            Some(sites) => write!(f, "{verb} at {sites:?}")?,
        }
        for (axis, indices) in &self.narrow {
            write!(f, ", {axis} {indices:?}")?;
        }
        Ok(())
    }
}

impl ToSite for Intervention {
    /// # Errors
    /// Also fails when the intervention is for a selection of sites.
    fn to_site(&self) -> Result<Site> {
        match (&self.action, &self.among) {
            (Action::Failed(error), _) => Err(error.clone()),
            (_, None) => Ok(self.site),
            (_, Some(sites)) => match sites.one() {
                Some(site) => Ok(site),
                None => Err(SiteError::NotOne { sites: format!("{sites:?}") }.into()),
            },
        }
    }
}
