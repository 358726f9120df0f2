//! The named sweeps: which cells they patch, and along which axes.

use super::{MapAxis, PatchSweep, Patching, clean, stacks::Part};
use crate::{
    Result,
    error::PatchError,
    hook::{Point, Stack},
};
use std::ops::Range;

/// The part of a head that is patched.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// assert!(patching.heads(HeadPart::Pattern)?.mean()[[1, 0]] > 0.5); // the induction head attends elsewhere
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadPart {
    /// What it read: its output before the output matrix (`z`).
    Out,
    /// Its queries.
    Query,
    /// Its keys; in grouped-query attention those of a key head.
    Key,
    /// Its values; in grouped-query attention those of a value head.
    Value,
    /// Its attention pattern; at a position: the row of that query.
    Pattern,
}

impl HeadPart {
    /// All five, in the order of `get_act_patch_attn_head_all_pos_every` of TransformerLens.
    pub const ALL: [Self; 5] = [Self::Out, Self::Query, Self::Key, Self::Value, Self::Pattern];

    fn point(self) -> Point {
        match self {
            Self::Out => Point::Z,
            Self::Query => Point::Q,
            Self::Key => Point::K,
            Self::Value => Point::V,
            Self::Pattern => Point::Pattern,
        }
    }

    /// Whether it has a row for each key, not for each query.
    fn is_of_keys(self) -> bool {
        matches!(self, Self::Key | Self::Value)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Out => "head output",
            Self::Query => "query",
            Self::Key => "key",
            Self::Value => "value",
            Self::Pattern => "pattern",
        }
    }
}

impl Patching {
    /// Patches the residual stream at the start of each block, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// When there are no clean values ([`Patching::unpatched`]), a closure among the model's interventions or in the
    /// metric fails, or memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let map = patching.resid_pre()?.mean();
    /// assert!(map.shape() == [2, 8] && (map[[1, 7]]) < 0.2); // [layer, pos]; layer 1 reads other positions
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "get_act_patch_resid_pre")]
    pub fn resid_pre(&self) -> Result<PatchSweep> {
        self.by_position("residual stream", Point::ResidPre)
    }

    /// Patches the residual stream between attention and MLP, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`], and when the model has no such site.
    #[doc(alias = "get_act_patch_resid_mid")]
    pub fn resid_mid(&self) -> Result<PatchSweep> {
        self.by_position("residual stream after attention", Point::ResidMid)
    }

    /// Patches the residual stream at the end of each block, at each position: `[layer, pos]`. In a post-norm model
    /// such as BERT, this is before the block's last norm.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let (post, pre) = (patching.resid_post()?.mean(), patching.resid_pre()?.mean());
    /// assert!((post[[0, 7]] - pre[[1, 7]]).abs() < 1e-4, "what leaves a block enters the next");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn resid_post(&self) -> Result<PatchSweep> {
        self.by_position("residual stream leaving the block", Point::ResidPost)
    }

    /// Patches the output of each attention, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.attn_out()?.mean()[[1, 7]] > 0.8); // layer 1 writes the answer at the last position
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "get_act_patch_attn_out")]
    pub fn attn_out(&self) -> Result<PatchSweep> {
        self.by_position("attention output", Point::AttnOut)
    }

    /// Patches the output of each MLP, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`], and when the model has no MLPs.
    #[doc(alias = "get_act_patch_mlp_out")]
    pub fn mlp_out(&self) -> Result<PatchSweep> {
        self.by_position("MLP output", Point::MlpOut)
    }

    /// Patches a part of each head at all positions: `[layer, head]`. In grouped-query attention, keys and values are
    /// those of key heads, of which there are fewer. [`PatchSweep::ungrouped`] repeats them, and so does everything
    /// that compares heads.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.heads(HeadPart::Value)?.mean().shape(), [2, 4]); // [layer, head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias(
        "get_act_patch_attn_head_out_all_pos",
        "get_act_patch_attn_head_q_all_pos",
        "get_act_patch_attn_head_k_all_pos",
        "get_act_patch_attn_head_v_all_pos",
        "get_act_patch_attn_head_pattern_all_pos"
    ))]
    pub fn heads(&self, part: HeadPart) -> Result<PatchSweep> {
        let axes = [self.layer_axis(), self.heads_of(part)];
        let site = |layer| self.part.site(layer, part.point());
        self.sweep(&self.named(&format!("{}, all positions", part.name())), axes, |at| [clean(site(at[0])).head(at[1])])
    }

    /// Patches a part of each head at each position (for patterns, the row of that query): `[layer, pos, head]`.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    #[doc(alias(
        "get_act_patch_attn_head_out_by_pos",
        "get_act_patch_attn_head_q_by_pos",
        "get_act_patch_attn_head_k_by_pos",
        "get_act_patch_attn_head_v_by_pos",
        "get_act_patch_attn_head_pattern_by_pos"
    ))]
    pub fn heads_by_position(&self, part: HeadPart) -> Result<PatchSweep> {
        let stack = if part.is_of_keys() { self.part.keys() } else { self.part.stack };
        let axes = [self.layer_axis(), self.positions_of(stack, "position"), self.heads_of(part)];
        let site = |layer| self.part.site(layer, part.point());
        self.sweep(&self.named(&format!("{}, by position", part.name())), axes, |at| {
            [clean(site(at[0])).position(at[1]).head(at[2])]
        })
    }

    /// Patches each single entry of each head's pattern: `[layer, head, query, key]`.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    #[doc(alias = "get_act_patch_attn_head_pattern_dest_src_pos")]
    pub fn pattern_entries(&self) -> Result<PatchSweep> {
        let (queries, keys) = (self.position_axis("query"), self.positions_of(self.part.keys(), "key"));
        let axes = [self.layer_axis(), self.head_axis("head"), queries, keys];
        let site = |layer| self.part.site(layer, Point::Pattern);
        self.sweep(&self.named("pattern entries"), axes, |at| {
            [clean(site(at[0])).head(at[1]).position(at[2]).key(at[3])]
        })
    }

    /// [`Patching::heads`] for output, query, key, value and pattern. Drawn together, key heads are repeated for the
    /// query heads that share them.
    ///
    /// # Errors
    /// As [`Patching::heads`].
    #[doc(alias = "get_act_patch_attn_head_all_pos_every")]
    pub fn every_head_part(&self) -> Result<Vec<PatchSweep>> {
        HeadPart::ALL.into_iter().map(|part| self.heads(part)).collect()
    }

    /// [`Patching::resid_pre`], [`Patching::attn_out`] and, if the model has MLPs, [`Patching::mlp_out`]. For the
    /// decoder of an encoder-decoder, also the output of cross attention.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    #[doc(alias = "get_act_patch_block_every")]
    pub fn every_block_part(&self) -> Result<Vec<PatchSweep>> {
        let mut sweeps = vec![self.resid_pre()?];
        for (part, _) in self.attentions() {
            sweeps.push(Self { part, ..self.clone() }.attn_out()?);
        }
        if !self.experiment.model.config().attn_only {
            sweeps.push(self.mlp_out()?);
        }
        Ok(sweeps)
    }

    /// Patches the output of attention, and the output of the MLP, at all positions: `[layer, part]`. In the decoder of
    /// an encoder-decoder, cross attention is a third part.
    ///
    /// # Errors
    /// As [`Patching::resid_pre`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.layers()?.mean().shape(), [2, 1]); // [layer, part]; this model has no MLPs
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn layers(&self) -> Result<PatchSweep> {
        let of = |(part, name): (Part, &'static str)| (part, Point::AttnOut, name);
        let mut parts: Vec<_> = self.attentions().into_iter().map(of).collect();
        if !self.experiment.model.config().attn_only {
            parts.push((self.part, Point::MlpOut, "MLP"));
        }
        let axes = [self.layer_axis(), MapAxis::names("part", parts.iter().map(|(.., name)| *name))];
        let name = format!("layers, all positions{}", Part { across: false, ..self.part }.words());
        self.sweep(&name, axes, |at| {
            let (part, point, _) = parts[at[1]];
            [clean(part.site(at[0], point))]
        })
    }

    /// The attentions of the chosen stack, with their names.
    fn attentions(&self) -> Vec<(Part, &'static str)> {
        let own = Part { across: false, ..self.part };
        match own.stack {
            Stack::Decoder => vec![(own, "self-attention"), (Part { across: true, ..own }, "cross attention")],
            _ => vec![(own, "attention")],
        }
    }

    /// A map's name, with the stack in an encoder-decoder.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{name}{}", self.part.words())
    }

    fn by_position(&self, name: &str, point: Point) -> Result<PatchSweep> {
        let axes = [self.layer_axis(), self.position_axis("position")];
        self.sweep(&self.named(name), axes, |at| [clean(self.part.site(at[0], point)).position(at[1])])
    }

    /// Patches the attention outputs of `width` consecutive layers around each layer, at each position: `[layer, pos]`.
    /// A single layer may restore too little to be seen (Meng et al. 2022 use 10 of 48).
    ///
    /// # Errors
    /// As [`Patching::resid_pre`], and when a window has no layers.
    pub fn attn_out_windows(&self, width: usize) -> Result<PatchSweep> {
        self.windows("attention outputs", Point::AttnOut, width)
    }

    /// As [`Patching::attn_out_windows`], for the outputs of MLPs.
    ///
    /// # Errors
    /// As [`Patching::attn_out_windows`], and when the model has no MLPs.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{corpus::{Contrast, Partition, pairs}, prelude::*};
    /// let model = Model::open("grammar-4l")?;
    /// let pairs = PromptPairs::new(&model, pairs(Contrast::Agreement { attractors: 1 }, Partition::HeldOut, 2, 0)?)?;
    /// let patching = pairs.patching(&model)?;
    /// let (two, one) = (patching.mlp_out_windows(2)?, patching.mlp_out()?); // each layer's MLP and the one before it
    /// assert_eq!(two.mean().shape(), [4, 6]);
    /// assert_eq!(two.mean()[[0, 1]], one.mean()[[0, 1]], "before the first there is none");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mlp_out_windows(&self, width: usize) -> Result<PatchSweep> {
        self.windows("MLP outputs", Point::MlpOut, width)
    }

    fn windows(&self, name: &str, point: Point, width: usize) -> Result<PatchSweep> {
        let axes = [self.layer_axis(), self.position_axis("position")];
        check_width(width)?;
        let one = |layer, at: usize| clean(self.part.site(layer, point)).position(at);
        self.sweep(&self.named(&format!("{name}, {width} layers around each")), axes, |at| {
            self.window(at[0], width).map(|layer| one(layer, at[1])).collect::<Vec<_>>()
        })
    }

    /// The `width` layers around one, fewer at the ends.
    pub(super) fn window(&self, layer: usize, width: usize) -> Range<usize> {
        let before = width / 2;
        layer.saturating_sub(before)..layer.saturating_add(width - before).min(self.n_layers())
    }

    fn heads_of(&self, part: HeadPart) -> MapAxis {
        match part {
            HeadPart::Key | HeadPart::Value => self.key_head_axis("head"),
            _ => self.head_axis("head"),
        }
    }
}

/// # Errors
/// When windows have no layers.
pub(super) fn check_width(width: usize) -> Result<()> {
    if width == 0 { Err(PatchError::NoWidth.into()) } else { Ok(()) }
}
