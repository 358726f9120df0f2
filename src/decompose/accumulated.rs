//! The residual stream at successive sites ([`Run::accumulated_resid`]).

use super::{Part, ResidStack, of_run::stream_at};
use crate::{
    Result,
    hook::{Point, Site, ToSite},
    model::{NormPlace, Run},
};

impl Run {
    /// Returns the residual stream at the start of every block, and with `middle` also in the middle of every block, up
    /// to and including `site`: TransformerLens's `accumulated_resid`.
    ///
    /// The labels are `0_pre`, `0_mid`, ..., and `final_post` for the stream that leaves the last block. In post-norm
    /// models (BERT) a block ends at `hook_normalized_resid_post`, which the next block reads. In an encoder-decoder it
    /// is the stream of the site's stack.
    ///
    /// [`ResidStack::logit_attrs`] reads every stream with the scale that the final norm had at the end of the run.
    /// After [`ResidStack::recompute_ln`] each stream has its own scale, as in the logit lens.
    ///
    /// # Errors
    /// When `site` is not a site of the residual stream, or the run did not record the streams.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let streams = run.accumulated_resid(Site::resid_post(1), false)?;
    /// assert_eq!(streams.labels(), ["0_pre", "1_pre", "final_post"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "incl_mid")]
    pub fn accumulated_resid(&self, site: impl ToSite, middle: bool) -> Result<ResidStack> {
        let config = &self.model().config();
        let site = config.site(site)?;
        let end = stream_at(config, site)?;
        let (stack, last) = (end.stack(), end.layer().unwrap_or(0));
        let post = if config.norm_place == NormPlace::Post { Point::NormalizedResidPost } else { Point::ResidPost };
        let end = if end.point() == Point::ResidPost { Site::in_block(stack, last, post) } else { end };
        let mut sites = Vec::new();
        for layer in 0..=last {
            // The end of one block is the start of the next.
            for point in [Point::ResidPre, Point::ResidMid, Point::ResidMidCross, post] {
                let site = Site::in_block(stack, layer, point);
                let within = matches!(point, Point::ResidMid | Point::ResidMidCross);
                if site == end || point == Point::ResidPre || (within && middle && config.has(site)) {
                    sites.push(site);
                }
                if site == end {
                    break;
                }
            }
        }
        let label = |site: &Site| match (site.layer().unwrap_or(0), site.point()) {
            (layer, Point::ResidPre) => format!("{layer}_pre"),
            (layer, Point::ResidMid) => format!("{layer}_mid"),
            (layer, Point::ResidMidCross) => format!("{layer}_mid_cross"),
            (layer, _) if layer + 1 == config.layers_of(stack) => "final_post".to_owned(),
            (layer, _) => format!("{layer}_post"),
        };
        let parts = sites.iter().map(|&site| Part::one(&self.cache().get(site)?)).collect::<Result<_>>()?;
        let labels = sites.iter().map(label).collect();
        Ok(ResidStack { whole: true, ..ResidStack::new(self, end, labels, parts) })
    }
}
