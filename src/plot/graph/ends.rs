//! What is at every box of a graph, found once.

use std::collections::HashMap;

use super::{Edge, LayerGraph, Node};
use crate::{Result, error::PlotError};

/// A box and what is at it: its place in the list, the letters at which edges enter, its own edges.
#[derive(Default)]
pub(super) struct Ends<'a> {
    pub(super) node: usize,
    pub(super) ports: Vec<String>,
    pub(super) edges: Vec<&'a Edge>,
}

impl LayerGraph {
    /// What is known of every box by its name: of several of one name the first stands for all.
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
            // As queries, keys and values are named: from q over k to v.
            end.ports.sort_by_key(|port| (["q", "k", "v"].iter().position(|known| known == port), port.clone()));
            end.ports.dedup();
        }
        Ok(ends)
    }
}
