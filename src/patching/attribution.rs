//! Attribution patching: effects along the gradient instead of one run for each cell.

use super::Patching;
use crate::{
    Result,
    error::{PatchError, at_most},
};

impl Patching {
    /// The same experiment by attribution patching (Nanda 2023; Syed et al. 2023): all of its maps, approximated from one
    /// forward pass of each prompt and one backward pass, for each further metric one of both more. The effect of a cell is (clean activation - corrupt activation) ·
    /// gradient of the metric at the corrupt one; values are on the scale of exact patching, one for each pair of
    /// prompts, where a closure as metric looks at each text by itself. Works for ablations too.
    ///
    /// It is exact as far as the model is straight between the two activations. The smaller the part that is patched,
    /// the better: trust it for single positions, less for the whole residual stream, and least where attention is all
    /// or nothing, because there the gradient is near 0 (Kramár et al. 2024). The shipped model is of that kind: for the
    /// prompts below attribution says what exact patching says for patterns, and the opposite for values.
    ///
    /// Everything that the named maps read is recorded at once: at each position of each layer the stream entering the
    /// block and between its halves, what attention and MLP write, queries, keys, values and outputs of all heads, and
    /// their rows of the pattern, about `8 · d_model + n_heads · pos` numbers. A [`Patching::sweep`] over other sites, such
    /// as neurons, makes the passes again for these. Memory: of all texts those numbers once for each metric; of the texts
    /// in the backward pass also those of both runs and of the gradient, and what the backward pass needs of the forward
    /// one, which is everything that it computed: for one text of 15 positions in a model of GPT-2 small's shape 31 MB at
    /// the peak (`cargo bench --bench patching -- --memory`). [`Patching::budget`] bounds how many positions these texts have, whole
    /// texts together (all of them at once where the model carries a [`mean`](crate::hook::mean) or an
    /// [`edit`](crate::hook::edit), which may look across texts).
    ///
    /// # Errors
    /// When the metric has no gradient ([`Metric::rank`](super::Metric::rank)), or a closure's result does not depend on
    /// the logits differentiably. Its maps fail where something else is done than putting in clean values.
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

    /// As [`Patching::attribution`], with the mean of the gradient at `steps` points between the corrupt and the clean
    /// prompt: both are mixed as they enter the first block (EAP-IG, Hanna et al. 2024, here with the midpoints of the
    /// steps). Takes one forward pass of each prompt, and for each step and metric a forward and a backward pass; no more
    /// memory than one gradient and the mean of them. It sees what changes on the way: in the shipped model it is near exact
    /// patching where attribution is not. Neither sees the jump where the router of a mixture takes another expert.
    ///
    /// # Errors
    /// As there; also when there are no steps or more than 100,000, or zeros or means are put in, with no prompt to go towards.
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
