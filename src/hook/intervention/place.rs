//! From a selection of sites to one intervention at each.

use super::{Action, Intervention};
use crate::{
    Result,
    config::Config,
    error::SiteError,
    hook::ToInterventions,
    site::{Site, Sites},
};

impl Intervention {
    /// One for each site that it is for, in the order of `among`, which looks a selection up; itself where it was given a
    /// site.
    ///
    /// # Errors
    /// When a selection finds nothing.
    pub(crate) fn placed(&self, among: impl Fn(&Sites) -> Result<Vec<Site>>) -> Result<Vec<Self>> {
        self.check_made()?;
        let Some(selection) = &self.among else { return Ok(vec![self.clone()]) };
        let sites = among(selection)?;
        if sites.is_empty() {
            return Err(SiteError::NothingSelected { sites: format!("{selection:?}") }.into());
        }
        sites.into_iter().map(|site| self.at(site)).collect()
    }

    /// As [`Intervention::placed`], among all sites of a model.
    pub(crate) fn placed_in(&self, config: &Config) -> Result<Vec<Self>> {
        self.placed(|sites| sites.among(&config.sites(), config.layers()))
    }

    /// Several, placed as far as they can be: a pass says what is wrong with the others.
    pub(crate) fn all_placed_in(interventions: impl ToInterventions, config: &Config) -> Vec<Self> {
        let placed = |one: Self| one.placed_in(config).unwrap_or_else(|_| vec![one]);
        interventions.to_interventions().into_iter().flat_map(placed).collect()
    }

    fn at(&self, site: Site) -> Result<Self> {
        let action = match &self.action {
            Action::Patch(from) => Action::Replace(from.get(site)?),
            action => action.clone(),
        };
        Ok(Self { site, among: None, action, ..self.clone() })
    }

    /// The same as a part of a model, which every pass of it does.
    pub(crate) fn standing(self) -> Self {
        Self { standing: true, ..self }
    }

    /// Fails where it is what could not be made.
    pub(crate) fn check_made(&self) -> Result<()> {
        match &self.action {
            Action::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Fails where a gradient is edited and a pass computes none.
    pub(crate) fn check_gradient(&self, computed: bool) -> Result<()> {
        match self.action {
            Action::EditGradient(_) if !computed && !self.standing => {
                Err(SiteError::NoGradientToEdit { site: self.site.to_string() }.into())
            }
            _ => Ok(()),
        }
    }
}
