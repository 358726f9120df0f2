//! The edges and ports of every box of a [`LayerGraph`](super::LayerGraph), collected once before drawing.

use std::collections::HashMap;

use super::{Edge, LayerGraph, Node};
use crate::{Result, error::PlotError};

/// A box: its index in the list, the letters of the ports where edges enter, and its own edges.
#[derive(Default)]
pub(super) struct Ends<'a> {
    pub(super) node: usize,
    pub(super) ports: Vec<String>,
    pub(super) edges: Vec<&'a Edge>,
}

impl LayerGraph {
    /// Collects the ends by box name. If several boxes share a name, the first one is used.
    pub(super) fn ends<'a>(&'a self, drawn: &[&'a Edge]) -> Result<HashMap<&'a str, Ends<'a>>> {
        let mut ends = HashMap::<&str, Ends>::new();
        for (node, Node { name, .. }) in self.nodes.iter().enumerate() {
            ends.entry(name).or_insert_with(|| Ends { node, ..Ends::default() });
        }
        for edge in &self.edges {
            let names = [Some(&edge.from), Some(&edge.to).filter(|to| **to != edge.from)];
            for name in names.into_iter().flatten() {
                let end = ends.get_mut(name.as_str()).ok_or_else(|| PlotError::Node { name: name.clone() })?;
                end.edges.push(edge);
            }
        }
        for edge in drawn.iter().filter(|edge| !edge.port.is_empty()) {
            ends.entry(&edge.to).and_modify(|end| end.ports.push(edge.port.clone()));
        }
        for end in ends.values_mut() {
            // In the usual order: q, k, v.
            end.ports.sort_by_key(|port| (["q", "k", "v"].iter().position(|known| known == port), port.clone()));
            end.ports.dedup();
        }
        Ok(ends)
    }
}
