//! [`Site`]: the typed name of one hook point in the forward pass.

use super::{
    Layers, Stack,
    point::{Place, Point, Row, Stage, TABLE},
    short,
};
use crate::{
    axes::Axis,
    error::{Error, SiteError},
    index::{Counted, ToIndex},
};
use std::{fmt, str::FromStr};

/// The typed name of one hook point in the forward pass, where an activation can be read and changed.
///
/// `Display` and `FromStr` use exactly the names of TransformerLens 3.5.1 (`HookedTransformer`, `HookedEncoder`,
/// `HookedEncoderDecoder`). The documentation of each constructor gives the shape.
/// [`Model::has`](crate::Model::has) says whether a model has the site.
///
/// A negative layer counts from the end: `Site::resid_post(-1)` is in the last block.
/// The model that the site is used with resolves it. What a run records, and what a closure or a predicate receives,
/// always has a layer that counts from 0, so `Site::resid_post(-1)` is not equal to any of these.
///
/// # Examples
/// ```
/// use glassbox::hook::Site;
/// let site = Site::pattern(5);
/// assert_eq!(site.to_string(), "blocks.5.attn.hook_pattern");
/// assert_eq!("blocks.5.attn.hook_pattern".parse::<Site>()?, site);
/// assert_eq!(Site::resid_post(0).in_encoder().to_string(), "encoder.0.hook_resid_post");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("get_act_name", "HookPoint", "hook_name", "utils.get_act_name"))]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    pub(super) stack: Stack,
    layer: Layer,
    expert: usize,
    pub(super) point: Point,
}

/// A layer as given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Layer {
    FromStart(usize),
    /// 1 is the last layer.
    FromEnd(u64),
}

impl Layer {
    fn new(given: impl ToIndex) -> Self {
        let given = given.to_index();
        usize::try_from(given).map_or(Self::FromEnd(given.unsigned_abs()), Self::FromStart)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromStart(layer) => write!(f, "{layer}"),
            Self::FromEnd(back) => write!(f, "-{back}"),
        }
    }
}

impl Site {
    pub(super) const fn of_model(point: Point) -> Self {
        Self { stack: Stack::Blocks, layer: Layer::FromStart(0), expert: 0, point }
    }

    pub(super) fn of_block(layer: impl ToIndex, point: Point) -> Self {
        Self { layer: Layer::new(layer), ..Self::of_model(point) }
    }

    pub(super) fn of_expert(layer: impl ToIndex, expert: usize, point: Point) -> Self {
        Self { expert, ..Self::of_block(layer, point) }
    }

    /// Whether its layer counts from the start.
    pub(crate) fn is_resolved(self) -> bool {
        matches!(self.layer, Layer::FromStart(_))
    }

    /// Returns the same site with its layer counted from the start.
    /// A stack that the model lacks is treated as one layer, so that the later check reports the missing stack.
    pub(super) fn resolved(self, layers: Layers) -> Result<Self, Error> {
        let Layer::FromEnd(back) = self.layer else { return Ok(self) };
        let given = i64::try_from(back).map_or(i64::MIN, |back| -back);
        let layer = Counted::layers(layers.of(self.stack).max(1)).index(given)?;
        Ok(Self { layer: Layer::FromStart(layer), ..self })
    }

    /// The point: what the site holds, without its layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Site::z(3).point(), Point::Z);
    /// ```
    pub const fn point(self) -> Point {
        self.point
    }

    /// The layer, or `None` for a point that occurs once in a model, such as the embedding, and for a layer that counts
    /// from the end.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!((Site::z(3).layer(), Site::embed().layer()), (Some(3), None));
    /// ```
    pub fn layer(self) -> Option<usize> {
        match self.layer {
            Layer::FromStart(layer) if !self.point.is_once() => Some(layer),
            _ => None,
        }
    }

    /// The expert of a mixture-of-experts layer, or `None`.
    pub fn expert(self) -> Option<usize> {
        (self.point.row().place == Place::Expert).then_some(self.expert)
    }

    /// The stack of blocks.
    pub const fn stack(self) -> Stack {
        self.stack
    }

    /// The axes of the activation, outermost first.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{axes::Axis, prelude::*};
    /// assert_eq!(Site::resid_pre(0).axes(), [Axis::Batch, Axis::Pos, Axis::DModel]);
    /// ```
    pub fn axes(self) -> &'static [Axis] {
        self.point.row().axes
    }

    /// The shape in words, such as `batch, pos, head, d_head`.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Site::z(0).shape_in_words(), "batch, pos, head, d_head");
    /// ```
    pub fn shape_in_words(self) -> String {
        self.axes().iter().map(|axis| axis.name()).collect::<Vec<_>>().join(", ")
    }

    /// True for sites that cost extra time or memory (such as `hook_result`) and are therefore recorded only when
    /// named.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Site::result(0).is_gated() && !Site::z(0).is_gated());
    /// ```
    pub fn is_gated(self) -> bool {
        self.point.row().gated
    }

    /// The site of a point that occurs once in a model.
    pub(crate) const fn once(point: Point) -> Self {
        Self::of_model(point)
    }

    /// The site of a point in a block of a stack.
    pub(crate) const fn in_block(stack: Stack, layer: usize, point: Point) -> Self {
        Self { stack, layer: Layer::FromStart(layer), ..Self::of_model(point) }
    }

    /// False for sites that hold integers: token ids and the ids of experts.
    pub(crate) fn is_differentiable(self) -> bool {
        !matches!(self.point, Point::Tokens | Point::ExpertIndices)
    }

    /// Whether the site belongs to the classification of a whole text rather than to the logits.
    pub(crate) fn is_pooled(self) -> bool {
        matches!(self.point, Point::PoolerOut | Point::NspOut)
    }

    /// The same place in one expert of a mixture.
    pub(crate) const fn of(self, expert: usize) -> Self {
        Self { expert, ..self }
    }

    /// Every site that a model with these stacks, layers and experts could have, in the order of a forward pass.
    pub(crate) fn all(stacks: &[Stack], layers: usize, experts: usize) -> Vec<Self> {
        let at = |place: Place| TABLE.iter().filter(move |row| row.place == place);
        let once = |stage: Stage| at(Place::Model).filter(move |row| row.point.stage() == stage).map(Row::once);
        let mut sites: Vec<_> = once(Stage::Start).collect();
        for &stack in stacks {
            for layer in 0..layers {
                for row in at(Place::Block) {
                    sites.push(Self::in_block(stack, layer, row.point));
                    if row.point == Point::ExpertIndices {
                        let of = |expert| {
                            at(Place::Expert).map(move |row| Self::in_block(stack, layer, row.point).of(expert))
                        };
                        sites.extend((0..experts).flat_map(of));
                    }
                }
            }
            if stack == Stack::Encoder {
                sites.extend(once(Stage::AfterEncoder).chain(once(Stage::BeforeDecoder)));
            }
        }
        sites.extend(once(Stage::End));
        sites
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.point.row();
        let (stack, layer) = (self.stack.prefix(), self.layer);
        match row.place {
            Place::Model => f.write_str(row.name),
            Place::Block => write!(f, "{stack}.{layer}.{}", row.name),
            Place::Expert => write!(f, "{stack}.{layer}.mlp.experts.{}.{}", self.expert, row.name),
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn point(place: Place, name: &str) -> Option<Point> {
    let row = TABLE.iter().find(|row| row.place == place && row.name == name);
    row.map(|row| row.point).or_else(|| Point::from_bridge_name(place, name))
}

/// Splits `blocks.12.rest` into stack, layer and rest.
fn in_block(name: &str) -> Option<(Stack, Layer, &str)> {
    Stack::ALL.into_iter().find_map(|stack| {
        let own = name.strip_prefix(stack.prefix())?;
        // TransformerLens 4 writes `encoder_blocks.3` for `encoder.3`.
        let own = match stack {
            Stack::Blocks => own,
            _ => own.strip_prefix("_blocks").or_else(|| own.strip_prefix(".blocks")).unwrap_or(own),
        };
        let (layer, rest) = own.strip_prefix('.')?.split_once('.')?;
        Some((stack, canonical_layer(layer)?, rest))
    })
}

fn canonical_layer(text: &str) -> Option<Layer> {
    match text.strip_prefix('-') {
        None => canonical_number(text).map(Layer::FromStart),
        Some(back) => canonical_number(back).filter(|&back| back > 0).map(|back| Layer::FromEnd(back as u64)),
    }
}

/// Parses a number as `Display` writes it: without a sign or leading zeros.
fn canonical_number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

/// Parses the full name of a site.
fn whole(name: &str) -> Option<Site> {
    if let Some(point) = point(Place::Model, name) {
        return Some(Site::of_model(point));
    }
    let (stack, layer, rest) = in_block(name)?;
    if let Some((expert, rest)) = rest.strip_prefix("mlp.experts.").and_then(|rest| rest.split_once('.')) {
        let point = point(Place::Expert, rest)?;
        return Some(Site { stack, layer, expert: canonical_number(expert)?, ..Site::of_model(point) });
    }
    Some(Site { stack, layer, ..Site::of_model(point(Place::Block, rest)?) })
}

impl FromStr for Site {
    type Err = Error;

    /// Also reads the short names of TransformerLens's `get_act_name` that contain their layer, such as `k6` and
    /// `resid_post0`, or need none, such as `embed`.
    ///
    /// # Errors
    /// Fails when no such hook exists. The error names the nearest ones.
    fn from_str(name: &str) -> Result<Self, Error> {
        whole(name).or_else(|| short::whole_name(name).as_deref().and_then(whole)).ok_or_else(|| {
            let (stack, layer) = in_block(name).map_or((Stack::default(), Layer::FromStart(0)), |(s, l, _)| (s, l));
            // All sites of one block, in the block that was asked for.
            let near = Site::all(&[stack], 1, 1).into_iter().map(|site| Site { layer, ..site }.to_string());
            let (nearest, short) = (short::nearest_sites(name, near, 3), short::hint(name));
            SiteError::Unknown { name: name.into(), nearest, short }.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_reads_back_from_its_own_name() {
        for site in Site::all(&Stack::ALL, 13, 11) {
            assert_eq!(site.to_string().parse::<Site>().unwrap(), site, "{site}");
        }
        let expert = Site::expert_post(3, 7);
        assert_eq!(expert.to_string(), "blocks.3.mlp.experts.7.hook_post");
        assert_eq!(expert.to_string().parse::<Site>().unwrap(), expert);
    }

    #[test]
    fn a_negative_layer_counts_from_the_end_once_there_is_a_model() {
        let (last, layers) = (Site::resid_post(-1), Layers::new(|_| 4, false));
        assert_eq!((last.to_string().as_str(), last.layer()), ("blocks.-1.hook_resid_post", None));
        assert_eq!("blocks.-1.hook_resid_post".parse::<Site>().unwrap(), last);
        assert_eq!(last.resolved(layers).unwrap(), Site::resid_post(3));
        assert_eq!(Site::z(-4i64).in_encoder().resolved(layers).unwrap(), Site::z(0usize).in_encoder());
        let error = Site::z(-5).resolved(layers).unwrap_err();
        assert!(error.is_out_of_range() && error.to_string().contains("0 to 3 (or -4 to -1)"), "{error}");
        assert!("blocks.-0.hook_resid_post".parse::<Site>().is_err());
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.point as usize, index, "{}", row.name);
            assert_eq!(row.point.is_once(), row.place == Place::Model, "{}", row.name);
        }
    }

    #[test]
    fn names_that_are_nearly_right_are_refused_and_the_right_one_is_named() {
        for name in ["blocks.01.hook_resid_pre", "blocks.1.hook_resid", "blocks.x.hook_z", "hook_embd", "", "blocks.1"]
        {
            let error = name.parse::<Site>().unwrap_err();
            assert!(error.is_unknown_site(), "{error}");
        }
        for layer in ["1", "99999999999", "18446744073709551615"] {
            let sentence = format!("blocks.{layer}.attn.hook_paterns").parse::<Site>().unwrap_err().to_string();
            assert!(sentence.contains(&format!("`blocks.{layer}.attn.hook_pattern`")), "{sentence}");
        }
    }

    #[test]
    fn the_names_of_transformer_lens_four_are_understood() {
        assert_eq!("blocks.2.hook_out".parse::<Site>().unwrap(), Site::resid_post(2));
        assert_eq!("blocks.0.attn.q.hook_out".parse::<Site>().unwrap(), Site::q(0));
    }
}
