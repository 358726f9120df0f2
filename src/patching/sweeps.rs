//! The maps: which cells, and along which axes.

use super::{PatchSweep, Patching, cell::Cell, result::Side};
use crate::{
    Result,
    hook::{Point, Site},
};

/// What of a head is patched.
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

    fn site(self, layer: usize) -> Site {
        match self {
            Self::Out => Site::z(layer),
            Self::Query => Site::q(layer),
            Self::Key => Site::k(layer),
            Self::Value => Site::v(layer),
            Self::Pattern => Site::pattern(layer),
        }
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
    /// Patches the residual stream entering each block, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn resid_pre(&self) -> Result<PatchSweep> {
        self.by_position("residual stream", Point::ResidPre)
    }

    /// Patches the residual stream between attention and MLP, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// When the model has no such place.
    pub fn resid_mid(&self) -> Result<PatchSweep> {
        self.by_position("residual stream after attention", Point::ResidMid)
    }

    /// Patches what each attention adds, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn attn_out(&self) -> Result<PatchSweep> {
        self.by_position("attention output", Point::AttnOut)
    }

    /// Patches what each MLP adds, at each position: `[layer, pos]`.
    ///
    /// # Errors
    /// When the model has no MLPs.
    pub fn mlp_out(&self) -> Result<PatchSweep> {
        self.by_position("MLP output", Point::MlpOut)
    }

    /// Patches a part of each head at all positions: `[layer, head]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn heads(&self, part: HeadPart) -> Result<PatchSweep> {
        let heads = self.head_count(part);
        let cells = self.each_layer(|layer| {
            let cell = self.cell(part.site(layer));
            (0..heads).map(|head| Cell { head: Some(head), ..cell }).collect()
        });
        let sides = vec![self.layer_side(), Side::index("head", heads)];
        self.sweep(&format!("{}, all positions", part.name()), &cells, sides)
    }

    /// Patches a part of each head at each position (for patterns: the row of that query): `[layer, pos, head]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn heads_by_position(&self, part: HeadPart) -> Result<PatchSweep> {
        let (heads, len) = (self.head_count(part), self.clean().len());
        let cells = self.each_layer(|layer| {
            let cell = self.cell(part.site(layer));
            let at = |position| (0..heads).map(move |head| Cell { head: Some(head), position: Some(position), ..cell });
            (0..len).flat_map(at).collect()
        });
        let sides = vec![self.layer_side(), self.tokens("position"), Side::index("head", heads)];
        self.sweep(&format!("{}, by position", part.name()), &cells, sides)
    }

    /// Patches each single entry of each head's pattern: `[layer, head, query, key]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn pattern_entries(&self) -> Result<PatchSweep> {
        let (heads, len) = (self.model.config().n_heads, self.clean().len());
        let cells = self.each_layer(|layer| {
            let cell = self.cell(Site::pattern(layer));
            let mut cells = Vec::new();
            for head in 0..heads {
                for query in 0..len {
                    let entry = |key| Cell { head: Some(head), position: Some(query), key: Some(key), ..cell };
                    cells.extend((0..len).map(entry));
                }
            }
            cells
        });
        let sides = vec![self.layer_side(), Side::index("head", heads), self.tokens("query"), self.tokens("key")];
        self.sweep("pattern entries", &cells, sides)
    }

    /// [`Patching::heads`] for output, query, key, value and pattern.
    ///
    /// # Errors
    /// As there.
    pub fn every_head_part(&self) -> Result<Vec<PatchSweep>> {
        HeadPart::ALL.into_iter().map(|part| self.heads(part)).collect()
    }

    /// [`Patching::resid_pre`], [`Patching::attn_out`] and, where the model has MLPs, [`Patching::mlp_out`].
    ///
    /// # Errors
    /// As there.
    pub fn every_block_part(&self) -> Result<Vec<PatchSweep>> {
        let mut sweeps = vec![self.resid_pre()?, self.attn_out()?];
        if !self.model.config().attn_only {
            sweeps.push(self.mlp_out()?);
        }
        Ok(sweeps)
    }

    /// Patches all that attention, and all that the MLP adds, at every position: `[layer, part]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn layers(&self) -> Result<PatchSweep> {
        let parts = [(Point::AttnOut, "attention"), (Point::MlpOut, "MLP")];
        let parts = &parts[..if self.model.config().attn_only { 1 } else { 2 }];
        let site = |layer, point| Site::in_block(Default::default(), layer, point);
        let cells = self.each_layer(|layer| parts.iter().map(|&(point, _)| self.cell(site(layer, point))).collect());
        let names = parts.iter().map(|(_, name)| name.to_string()).collect();
        self.sweep("layers, all positions", &cells, vec![self.layer_side(), Side::tokens("part", names)])
    }

    fn by_position(&self, name: &str, point: Point) -> Result<PatchSweep> {
        let site = |layer| Site::in_block(Default::default(), layer, point);
        self.model.config().check(site(0))?;
        let len = self.clean().len();
        let cells = self.each_layer(|layer| {
            let cell = self.cell(site(layer));
            (0..len).map(|position| Cell { position: Some(position), ..cell }).collect()
        });
        self.sweep(name, &cells, vec![self.layer_side(), self.tokens("position")])
    }

    fn sweep(&self, name: &str, cells: &[Cell], sides: Vec<Side>) -> Result<PatchSweep> {
        let (deed, values) = match &self.slopes {
            Some(slopes) => (format!("{} by {}", self.deed, slopes.how), slopes.follow(cells, self.corrupt_metric())?),
            None => (self.deed.clone(), self.run_cells(cells)?),
        };
        PatchSweep::new((&deed, name), self.metric.name(), sides, values.concat(), self.baselines.clone())
    }

    fn cell(&self, site: Site) -> Cell {
        Cell { site, position: None, head: None, key: None }
    }

    fn each_layer(&self, cells: impl Fn(usize) -> Vec<Cell>) -> Vec<Cell> {
        (0..self.model.config().n_layers).flat_map(cells).collect()
    }

    fn head_count(&self, part: HeadPart) -> usize {
        match part {
            HeadPart::Key | HeadPart::Value => self.model.config().n_key_value_heads,
            _ => self.model.config().n_heads,
        }
    }

    fn layer_side(&self) -> Side {
        Side::index("layer", self.model.config().n_layers)
    }

    /// The first clean prompt's tokens; where the corrupt one differs, both.
    fn tokens(&self, name: &str) -> Side {
        let (clean, corrupt) = (self.clean().strings(0), self.corrupt().strings(0));
        let alone = self.clean().batch() == 1;
        let both = |(clean, corrupt): (&String, &String)| match clean == corrupt || !alone {
            true => clean.clone(),
            false => format!("{clean}/{}", corrupt.trim_start()),
        };
        Side::tokens(name, clean.iter().zip(corrupt).map(both).collect())
    }
}
