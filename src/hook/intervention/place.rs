//! Resolves a selection of sites to one intervention for each site of a model.

use super::{Action, Intervention};
use crate::{
    Result,
    config::Config,
    error::SiteError,
    hook::ToInterventions,
    site::{Site, Sites},
};

impl Intervention {
    /// Returns one intervention for each selected site. `among` resolves the selection and determines the order.
    /// An intervention at a known site returns itself.
    ///
    /// # Errors
    /// Fails when nothing is selected.
    pub(crate) fn placed(&self, among: impl Fn(&Sites) -> Result<Vec<Site>>) -> Result<Vec<Self>> {
        self.check_made()?;
        let Some(selection) = &self.among else { return Ok(vec![self.clone()]) };
        let sites = among(selection)?;
        if sites.is_empty() {
            return Err(SiteError::NothingSelected { sites: format!("{selection:?}") }.into());
        }
        sites.into_iter().map(|site| self.at(site)).collect()
    }

    /// As [`Intervention::placed`], with all sites of a model.
    pub(crate) fn placed_in(&self, config: &Config) -> Result<Vec<Self>> {
        self.placed(|sites| sites.among(&config.sites(), config.layers()))
    }

    /// Resolves several interventions. Those that cannot be resolved stay as they are, and the pass reports why.
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

    /// Returns the intervention as a part of a hooked model, which applies it in every pass.
    pub(crate) fn standing(self) -> Self {
        Self { standing: true, ..self }
    }

    /// Returns the error of an intervention that could not be made.
    pub(crate) fn check_made(&self) -> Result<()> {
        match &self.action {
            Action::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Fails if the intervention edits a gradient and the pass does not compute one.
    pub(crate) fn check_gradient(&self, computed: bool) -> Result<()> {
        match self.action {
            Action::EditGradient(_) if !computed && !self.standing => {
                Err(SiteError::NoGradientToEdit { site: self.site.to_string() }.into())
            }
            _ => Ok(()),
        }
    }
}
