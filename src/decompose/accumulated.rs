//! The stream at successive places.

use super::{Part, ResidStack};
use crate::{
    Result,
    hook::{Point, Site},
    model::Run,
};

impl Run {
    /// The residual stream as it grows: at the start of every block (with `middle` also between attention and MLP) up to
    /// and with `site`. Labels are `0_pre`, `0_mid`, ..., and `final_post` for the stream leaving the last block:
    /// `accumulated_resid` of TransformerLens. Its `logit_attrs` is the logit lens for a difference of logits.
    ///
    /// # Errors
    /// When `site` is no place of the residual stream, or the run did not record the streams.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let streams = run.accumulated_resid(Site::resid_post(1), false)?;
    /// assert_eq!(streams.labels(), ["0_pre", "1_pre", "final_post"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn accumulated_resid(&self, site: Site, middle: bool) -> Result<ResidStack> {
        let config = self.model().config();
        let end = super::of_run::stream_at(config, site)?;
        let mut sites = Vec::new();
        for layer in 0..=site.layer().unwrap_or(0) {
            sites.push((format!("{layer}_pre"), Site::resid_pre(layer)));
            let mid = Site::resid_mid(layer);
            if (middle || mid == end) && config.has(mid) {
                sites.push((format!("{layer}_mid"), mid));
            }
            let name = match layer + 1 == config.n_layers {
                true => "final_post".to_owned(),
                false => format!("{layer}_post"),
            };
            sites.push((name, Site::resid_post(layer)));
        }
        let until = sites.iter().position(|(_, one)| *one == end).unwrap_or(sites.len() - 1);
        sites.truncate(until + 1);
        // The end of one block is the start of the next.
        let inner = |at: usize, site: Site| at < until && site.point() == Point::ResidPost;
        let sites: Vec<_> =
            sites.into_iter().enumerate().filter(|(at, (_, site))| !inner(*at, *site)).map(|(_, one)| one).collect();
        let parts = sites.iter().map(|(_, site)| Part::one(self.cache().get(*site)?)).collect::<Result<_>>()?;
        Ok(ResidStack::new(self, sites.into_iter().map(|(label, _)| label).collect(), parts))
    }
}
