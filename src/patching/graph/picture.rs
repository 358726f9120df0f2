//! A circuit as a picture.

use super::{Circuit, Receiver, Sender};
use crate::{
    Result,
    notebook::Show,
    plot::{Figure, LayerGraph},
};

/// More edges than these are not drawn.
const DRAWN: usize = 200;

impl Circuit {
    /// The circuit as a graph: layers upwards, heads across in the order of their numbers, MLPs at the right. The letters
    /// `q`, `k` and `v` in a box are where edges enter; in grouped-query attention a key head stands at the first of the
    /// heads that share it. Of very many edges only the 200 strongest are drawn.
    ///
    /// # Errors
    /// When the circuit has no edges.
    pub fn figure(&self) -> Result<Figure> {
        let mut edges = self.edges().to_vec();
        edges.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()));
        edges.truncate(DRAWN);
        let layers = (0..self.graph.layers).flat_map(|layer| [format!("layer {layer}"), format!("MLP {layer}")]);
        let rows = std::iter::once("input".to_owned()).chain(layers).chain(["output".to_owned()]);
        let mut graph = LayerGraph::new(rows).title(self.title.as_str()).value(self.scale.as_str());
        let mut boxes: Vec<(String, usize, Option<usize>)> = Vec::new();
        for edge in &edges {
            boxes.push(self.place(edge.sender));
            boxes.push(self.graph.fed_by(edge.receiver).first().map_or_else(|| self.end(), |&owner| self.place(owner)));
        }
        boxes.sort_by_key(|(_, row, column)| (*row, *column));
        boxes.dedup();
        for (name, row, column) in boxes {
            graph = graph.node(name, row, column);
        }
        for edge in edges {
            let owner = self.graph.fed_by(edge.receiver).first().map_or("logits".into(), Sender::to_string);
            let port = match edge.receiver {
                Receiver::Query { .. } => "q",
                Receiver::Key { .. } => "k",
                Receiver::Value { .. } => "v",
                Receiver::Mlp { .. } | Receiver::Logits => "",
            };
            graph = graph.edge(edge.sender.to_string(), owner, port, edge.score);
        }
        graph.draw()
    }

    /// The name of a sender's box, its row and its column.
    fn place(&self, sender: Sender) -> (String, usize, Option<usize>) {
        let name = sender.to_string();
        match sender {
            Sender::Embed => (name, 0, None),
            Sender::Head { layer, head } => (name, 1 + 2 * layer, Some(head)),
            Sender::Mlp { layer } => (name, 2 + 2 * layer, Some(usize::MAX)),
        }
    }

    fn end(&self) -> (String, usize, Option<usize>) {
        (Receiver::Logits.to_string(), 1 + 2 * self.graph.layers, None)
    }

    /// Shows the graph in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for Circuit {
    fn html(&self) -> String {
        self.figure().html()
    }

    fn plain(&self) -> String {
        self.figure().plain()
    }
}
