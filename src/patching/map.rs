//! Maps over any cells ([`Patching::sweep`]).

use super::{MapAxis, Metric, PatchSweep, Patching, baseline::Baselines, cell::Cell, source::Source};
use crate::{
    Result,
    error::{PatchError, at_most, together},
    hook::{Intervention, Sites, Stack, ToInterventions, from_clean},
    input::Input,
};

/// Sets the value of the clean run at a site, for a cell of [`Patching::sweep`]. In an ablation it sets zeros or means.
/// It can be narrowed like any [`Intervention`].
///
/// Outside a sweep it is an error, because only a sweep has clean values. With an [`Alignment`](super::Alignment),
/// positions are those of the corrupt prompt and get the values of their counterparts.
///
/// # Examples
/// ```
/// use glassbox::{patching::clean, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let prompts = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, prompts.0, prompts.1, metric)?;
/// let layers = patching.sweep("attention of a layer", [patching.layer_axis()], |at| clean(Site::attn_out(at[0])))?;
/// assert_eq!(layers.mean().shape(), [2]);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn clean(site: impl Into<Sites>) -> Intervention {
    from_clean(site)
}

impl Patching {
    /// Makes a map over any axes. For each place on the map, `cell` returns what to do to the corrupt run: [`clean`]
    /// values at one or several sites, or any other interventions. It is TransformerLens's `generic_activation_patch`,
    /// and as fast as the named sweeps.
    ///
    /// # Errors
    /// When a cell does nothing, or an intervention does not fit the model and the prompts, or acts on single experts
    /// of a mixture, whose rows are tokens and not texts. Also when there are more than 10,000,000 cells.
    ///
    /// # Examples
    /// Which pairs of heads bring the answer back together?
    /// ```
    /// use glassbox::{patching::{Metric, Patching, clean}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let axes = [patching.head_axis("first layer's head"), patching.head_axis("second layer's head")];
    /// let pairs = patching.sweep("pairs of heads", axes, |at| {
    ///     [clean(Site::z(0)).head(at[0]), clean(Site::z(1)).head(at[1])]
    /// })?;
    /// assert_eq!(pairs.mean().shape(), [4, 4]);
    /// assert!(pairs.mean()[[0, 3]] > 0.8, "the one that looks back is enough");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn sweep<I: ToInterventions>(
        &self,
        name: &str,
        axes: impl IntoIterator<Item = MapAxis>,
        cell: impl Fn(&[usize]) -> I,
    ) -> Result<PatchSweep> {
        let axes: Vec<MapAxis> = axes.into_iter().collect();
        let (config, sizes) = (self.experiment.model.config(), self.corrupt_input().sizes());
        let count = together(axes.iter().map(|axis| axis.len));
        at_most("cells of a map", count, 10_000_000)?;
        let cells = (0..count).map(|nth| Cell::new(cell(&coordinates(nth, &axes)).to_interventions(), &config, sizes));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        let missing = self.missing(&cells, sizes)?;
        let (deed, values) = match &self.slopes {
            Some(slopes) => {
                (format!("{} by {}", self.experiment.deed, slopes.how), self.follow(slopes, &cells, sizes)?)
            }
            None => (self.experiment.deed.clone(), self.run_cells(&cells)?),
        };
        self.mapped((&deed, name), axes, values)?.lacking(missing)
    }

    /// Makes a map for each metric.
    ///
    /// # Shapes
    /// `values`: `[metric, cell, batch]`
    pub(super) fn mapped(
        &self,
        names: (&str, &str),
        axes: Vec<MapAxis>,
        values: Vec<Vec<Vec<f32>>>,
    ) -> Result<PatchSweep> {
        let map = |((metric, baselines), values): ((&Metric, &Baselines), Vec<Vec<f32>>)| {
            PatchSweep::new(names, &metric.name(), axes.clone(), values.concat(), baselines.clone())
        };
        let mut maps = self.measured().zip(values).map(map);
        let first = maps.next().unwrap_or_else(|| Err(PatchError::EmptyCell.into()))?;
        Ok(first.beside(maps.collect::<Result<_>>()?))
    }

    /// The model's layers as the axis of a map. In an encoder-decoder, those of the chosen stack
    /// ([`Patching::encoder`]).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.layer_axis().len(), 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn layer_axis(&self) -> MapAxis {
        MapAxis::index("layer", self.n_layers())
    }

    /// The number of layers that the named sweeps are over.
    pub(super) fn n_layers(&self) -> usize {
        self.experiment.model.config().layers_of(self.part.stack)
    }

    /// The model's attention heads as the axis of a map.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.head_axis("head").len(), 4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn head_axis(&self, name: &str) -> MapAxis {
        MapAxis::index(name, self.experiment.model.config().in_stack(self.part.stack).n_heads)
    }

    /// The model's key heads as the axis of a map. In grouped-query attention these are fewer than the query heads, and
    /// the map records which query heads share each ([`PatchSweep::ungrouped`]).
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching, clean}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let keys = patching.sweep("keys", [patching.layer_axis(), patching.key_head_axis("head")], |at| {
    ///     [clean(Site::k(at[0])).head(at[1])]
    /// })?;
    /// assert_eq!(keys.mean(), patching.heads(glassbox::patching::HeadPart::Key)?.mean());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn key_head_axis(&self, name: &str) -> MapAxis {
        let config = self.experiment.model.config();
        let own = config.in_stack(self.part.stack);
        let (heads, key_heads) = (own.n_heads, own.n_key_value_heads);
        MapAxis { shared: heads / key_heads.max(1), ..MapAxis::index(name, key_heads) }
    }

    /// The positions as the axis of a map, named by the tokens of the first clean prompt, and by both tokens where the
    /// corrupt prompt differs. With an alignment they are the positions of the corrupt prompt, with their counterparts.
    /// In an encoder-decoder they are the positions of the chosen stack's text.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching, clean}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let position = patching.position_axis("position");
    /// assert_eq!((position.name().as_str(), position.len()), ("position", 8)); // seven words and a <bos>
    /// // The patterns of both layers together, row by row.
    /// let rows = patching.sweep("rows of all patterns", [position], |at| {
    ///     [0, 1].map(|layer| clean(Site::pattern(layer)).position(at[0]))
    /// })?;
    /// assert_eq!(rows.strongest().0, [7], "the last position looks back");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn position_axis(&self, name: &str) -> MapAxis {
        self.positions_of(self.part.stack, name)
    }

    /// The positions of a stack's text as the axis of a map.
    pub(super) fn positions_of(&self, stack: Stack, name: &str) -> MapAxis {
        let strings = |input: Input| input.of(stack).strings(0);
        let (clean, corrupt) = (strings(self.clean_input()), strings(self.corrupt_input()));
        let alone = self.clean().batch() == 1;
        // What stands at a position of several prompts: the token, or that there are others.
        let shared = |input: Input, at: usize, token: &str| {
            let tokens = input.of(stack).clone();
            let same = (1..tokens.batch()).all(|text| tokens.strings(text).get(at).is_none_or(|other| other == token));
            if same { token.to_owned() } else { format!("{token}/…") }
        };
        let both = |(clean, corrupt): (&String, &String)| match clean == corrupt || !alone {
            true => clean.clone(),
            false => format!("{clean}/{}", corrupt.trim_start()),
        };
        match &self.experiment.source {
            Source::Aligned(_, counterparts) => {
                let counterpart = |at| counterparts.get(stack, 0, at).filter(|_| alone);
                let there = |(at, token)| counterpart(at).map_or(token, |from| &clean[from]);
                MapAxis::tokens(name, corrupt.iter().enumerate().map(|(at, token)| both((there((at, token)), token))))
            }
            _ if !alone => {
                let token = |(at, token): (usize, &String)| shared(self.clean_input(), at, token);
                MapAxis::tokens(name, clean.iter().enumerate().map(token))
            }
            _ => MapAxis::tokens(name, clean.iter().zip(&corrupt).map(both)),
        }
    }
}

/// The indices of the `nth` cell; the last axis varies fastest.
fn coordinates(mut nth: usize, axes: &[MapAxis]) -> Vec<usize> {
    let mut at = vec![0; axes.len()];
    for (at, axis) in at.iter_mut().zip(axes).rev() {
        (*at, nth) = (nth % axis.len, nth / axis.len);
    }
    at
}
