//! Attribution patching: approximates every cell of a map from gradients, instead of one run for each cell.

use super::Patching;
use crate::{
    Result,
    error::{PatchError, at_most},
};

impl Patching {
    /// Returns the same experiment with attribution patching (Nanda 2023; Syed et al. 2023). All of its maps are
    /// approximated from one forward pass of each prompt and one backward pass; every further metric takes one more of
    /// both.
    ///
    /// The effect of a cell is (clean activation - corrupt activation) · gradient of the metric at the corrupt
    /// activation. Values are on the scale of exact patching, one for each pair of prompts, provided that a custom
    /// metric treats every text separately. It works for ablations too.
    ///
    /// The approximation is exact if the model is linear between the two activations. It is better for smaller parts:
    /// good for single positions, worse for the whole residual stream, and worst where attention is saturated, because
    /// the gradient is then near 0 (Kramár et al. 2024). The shipped `induction-2l` is such a model: for the prompts
    /// below, attribution agrees with exact patching for patterns, and has the opposite sign for values.
    ///
    /// Everything that the named maps read is recorded at once: at each position of each layer the stream at the start
    /// and in the middle of the block, the outputs of attention and MLP, queries, keys, values and outputs of all
    /// heads, and their rows of the pattern. These are about `8 · d_model + n_heads · pos` numbers. A
    /// [`Patching::sweep`] over other sites, such as neurons, repeats the passes for these.
    ///
    /// Memory: these numbers for all texts, once for each metric. For the texts in the backward pass also the numbers
    /// of both runs and of the gradient, and everything that the forward pass computed. For one text of 15 positions in
    /// a model of GPT-2 small's shape the peak is 31 MB (`cargo bench --bench patching -- --memory`).
    /// [`Patching::budget`] limits the number of positions in these texts; texts are not split. All texts are run at
    /// once if the model carries a [`mean`](crate::hook::mean) or an [`edit`](crate::hook::edit), which may depend on
    /// several texts.
    ///
    /// # Errors
    /// When the metric has no gradient ([`Metric::rank`](super::Metric::rank)), or the result of a custom metric does
    /// not depend differentiably on the logits. A map fails if a cell does something other than setting clean values.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{HeadPart, Metric, Patching, clean}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let there = "red fox blue owl tree red fox";
    /// let corrupt = "red owl blue fox tree red fox";
    /// let exact = Patching::new(&model, there, corrupt, Metric::logit_diff(&model, "blue", "tree", 1)?)?;
    /// let (slow, quick) = (exact.heads(HeadPart::Pattern)?, exact.attribution()?.heads(HeadPart::Pattern)?);
    /// assert_eq!(slow.mean().shape(), quick.mean().shape());
    /// assert_eq!(slow.strongest().0, quick.strongest().0);
    /// assert_eq!(slow.strongest().0, [1, 0], "the induction head looks elsewhere");
    /// // Which single scores matter? These are no map of their own, and 64 cells cost two passes more.
    /// let (queries, keys) = (exact.position_axis("query"), exact.position_axis("key"));
    /// let scores = exact.attribution()?.sweep("scores of the induction head", [queries, keys], |at| {
    ///     [clean(Site::attn_scores(1)).head(0).position(at[0]).key(at[1])]
    /// })?;
    /// assert_eq!(scores.mean().shape(), [8, 8]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn attribution(&self) -> Result<Self> {
        self.along(&[0.0], "attribution")
    }

    /// As [`Patching::attribution`], with the mean gradient over `steps` points between the corrupt and the clean
    /// prompt. The two are mixed at the input of the first block (EAP-IG, Hanna et al. 2024, here with the midpoints of
    /// the steps).
    ///
    /// It takes one forward pass of each prompt, and a forward and a backward pass for each step and metric. It needs
    /// the memory of one gradient and of the mean. It accounts for changes of the gradient along the way: in the
    /// shipped model it is close to exact patching where attribution is not. Neither accounts for a router of a mixture
    /// that switches to another expert.
    ///
    /// # Errors
    /// As [`Patching::attribution`]. Also when there are no steps or more than 100,000, or in a zero or mean ablation,
    /// which has no second prompt.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// // What the positions of the first layer do to the metric adds up to all that the prompts do.
    /// let effects = patching.integrated_gradients(20)?.resid_pre()?.mean();
    /// let total: f32 = effects.index_axis(glassbox::ndarray::Axis(0), 0).sum();
    /// assert!((total - 1.0).abs() < 0.05, "{total}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn integrated_gradients(&self, steps: usize) -> Result<Self> {
        if steps == 0 {
            return Err(PatchError::NoSteps.into());
        }
        at_most("steps of integrated gradients", steps, 100_000)?;
        let middles: Vec<f64> = (0..steps).map(|step| (step as f64 + 0.5) / steps as f64).collect();
        self.along(&middles, &format!("integrated gradients ({steps} steps)"))
    }
}
