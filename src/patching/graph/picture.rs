//! A circuit as a picture.

use super::{Circuit, Edge, Receiver, Sender};
use crate::{
    Result,
    order::by_size,
    plot::{Figure, LayerGraph},
};

/// More edges than these are not drawn.
const DRAWN: usize = 200;

/// The name of a box, its row and its column.
type Place = (String, usize, Option<usize>);

impl Circuit {
    /// Draws the circuit as a graph. Layers go up, heads are ordered by index, and MLPs are on the right. The letters
    /// `q`, `k` and `v` in a box are the ends of edges. In grouped-query attention, an edge to a key head is drawn to
    /// every head of the circuit that uses it. Only the 200 strongest edges are drawn.
    ///
    /// # Errors
    /// When the circuit has no edges.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let circuit = Circuit::new(&Model::open("induction-2l")?, [("a0.h0", "a1.h0.k"), ("a1.h0", "logits")])?;
    /// assert!(circuit.figure()?.to_svg().contains("a0.h0"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let mut edges = self.edges();
        edges.sort_by(|a, b| by_size(a.score, b.score));
        edges.truncate(DRAWN);
        let across = |layer| (self.graph.cross_heads() > 0).then(|| format!("across {layer}"));
        let rows_of =
            |layer| [format!("layer {layer}")].into_iter().chain(across(layer)).chain([format!("MLP {layer}")]);
        let layers = (0..self.graph.layers).flat_map(rows_of);
        let rows = std::iter::once("input".to_owned()).chain(layers).chain(["output".to_owned()]);
        let mut graph = LayerGraph::new(rows).title(self.title.as_str()).value(self.scale.as_str());
        let ends = |edge: &Edge| self.boxes_of(edge.receiver, &edges);
        let mut boxes: Vec<Place> =
            edges.iter().flat_map(|edge| ends(edge).into_iter().chain([self.place_of(edge.sender)])).collect();
        boxes.sort_by_key(|(_, row, column)| (*row, *column));
        boxes.dedup();
        for (name, row, column) in boxes {
            graph = graph.node(name, row, column);
        }
        for edge in &edges {
            let port = match edge.receiver {
                Receiver::Query { .. } | Receiver::CrossQuery { .. } => "q",
                Receiver::Key { .. } => "k",
                Receiver::Value { .. } => "v",
                Receiver::Mlp { .. } | Receiver::Logits => "",
            };
            for (end, ..) in ends(edge) {
                graph = graph.edge(edge.sender.to_string(), end, port, edge.score);
            }
        }
        graph.draw()
    }

    /// The boxes of a receiver: of the heads that share a key head, those that have other edges in the circuit.
    fn boxes_of(&self, receiver: Receiver, edges: &[Edge]) -> Vec<Place> {
        let owners = self.graph.fed_by(receiver);
        let Some(&first) = owners.first() else {
            return vec![(receiver.to_string(), 1 + self.rows() * self.graph.layers, None)];
        };
        let works = |owner: &Sender| {
            let asks = |edge: &Edge| {
                let query = matches!(edge.receiver, Receiver::Query { .. } | Receiver::CrossQuery { .. });
                query && self.graph.fed_by(edge.receiver).contains(owner)
            };
            edges.iter().any(|edge| edge.sender == *owner || asks(edge))
        };
        let working: Vec<Sender> = owners.into_iter().filter(works).collect();
        let drawn = if working.is_empty() { vec![first] } else { working };
        drawn.into_iter().map(|owner| self.place_of(owner)).collect()
    }

    /// How many rows of boxes a layer has.
    fn rows(&self) -> usize {
        if self.graph.cross_heads() > 0 { 3 } else { 2 }
    }

    fn place_of(&self, sender: Sender) -> Place {
        let name = sender.to_string();
        match sender {
            Sender::Embed => (name, 0, None),
            Sender::Head { layer, head } => (name, 1 + self.rows() * layer, Some(head)),
            Sender::CrossHead { layer, head } => (name, 2 + self.rows() * layer, Some(head)),
            Sender::Mlp { layer } => (name, self.rows() * (layer + 1), Some(usize::MAX)),
        }
    }
}

shown! {
    /// Shows the graph in a notebook.
    Circuit: figure
}
