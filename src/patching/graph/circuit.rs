//! [`Circuit`]: a set of edges of the graph.

use super::{Graph, Receiver, Sender, ToReceivers, ToSenders};
use crate::{Model, Result};
use std::fmt;

/// One edge, and its score.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let circuit = Circuit::new(&model, [("a0.h0", "a1.h0.k")])?;
/// assert_eq!(circuit.edges()[0].to_string(), "a0.h0 → a1.h0.k");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Edge {
    /// The part that writes.
    pub sender: Sender,
    /// The part that reads.
    pub receiver: Receiver,
    /// Its effect on the metric, on the scale of the [`EdgeScores`](super::EdgeScores) that it comes from; 0 in a
    /// circuit written by hand.
    pub score: f32,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.sender, self.receiver)
    }
}

/// A set of edges of a model's graph: a claim about which edges do the work. [`Patching::faithfulness`] tests it.
///
/// Made by [`EdgeScores::circuit`](super::EdgeScores::circuit), or by hand. A notebook draws it, with layers going up.
///
/// # Examples
/// ```
/// use glassbox::{patching::{Circuit, Metric, Patching}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let circuit = Circuit::new(&model, [("embed", "a0.h0"), ("embed", "a1.h0"), ("a0.h0", "a1.h0.k"), ("a1.h0", "logits")])?;
/// assert_eq!(circuit.len(), 8); // "a0.h0" as receiver is its query, key and value
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let patching =
///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
/// assert!(patching.faithfulness(&circuit)? > 0.75);
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// [`Patching::faithfulness`]: crate::patching::Patching::faithfulness
#[derive(Clone)]
pub struct Circuit {
    pub(super) graph: Graph,
    edges: Vec<Edge>,
    pub(super) title: String,
    /// What scores are, for the legend.
    pub(super) scale: String,
}

impl Circuit {
    /// Makes a circuit from pairs of names. If a side is a list, each sender is joined with each receiver. In an
    /// encoder-decoder it is a circuit of the decoder; those of the encoder come from
    /// [`EdgeScores::circuit`](super::EdgeScores::circuit).
    ///
    /// # Errors
    /// When a name is wrong, an edge does not exist, or the model is not a graph of heads and MLPs.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let circuit = Circuit::new(&model, [("embed", "a0.h0"), ("a0.h0", "a1.h0.k"), ("a1.h0", "logits")])?;
    /// assert_eq!(circuit.len(), 5); // "a0.h0" as a receiver is its query, key and value
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<S: ToSenders, R: ToReceivers>(model: &Model, edges: impl IntoIterator<Item = (S, R)>) -> Result<Self> {
        let graph = Graph::of(model, model.config().last_stack())?;
        let mut circuit = Self::of_edges(graph, Vec::new(), "Circuit".into(), "score".into());
        for (senders, receivers) in edges {
            for sender in senders.senders(model)? {
                for receiver in receivers.receivers(model)? {
                    circuit.graph.check_edge(sender, receiver)?;
                    if !circuit.contains(sender, receiver) {
                        circuit.edges.push(Edge { sender, receiver, score: 0.0 });
                    }
                }
            }
        }
        Ok(circuit)
    }

    pub(super) fn of_edges(graph: Graph, edges: Vec<Edge>, title: String, scale: String) -> Self {
        Self { graph, edges, title, scale }
    }

    /// The edges in the order they were given; from scores, the strongest first.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let circuit = Circuit::new(&Model::open("induction-2l")?, [("a0.h0", "a1.h0.k")])?;
    /// assert_eq!(circuit.edges()[0].sender, Sender::Head { layer: 0, head: 0 });
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn edges(&self) -> Vec<Edge> {
        self.edges.clone()
    }

    /// The number of edges.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// Whether there are no edges.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Whether the circuit has this edge.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let circuit = Circuit::new(&Model::open("induction-2l")?, [("a0.h0", "a1.h0.k")])?;
    /// assert!(circuit.contains(Sender::Head { layer: 0, head: 0 }, Receiver::Key { layer: 1, head: 0 }));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn contains(&self, sender: Sender, receiver: Receiver) -> bool {
        self.edges.iter().any(|edge| edge.sender == sender && edge.receiver == receiver)
    }

    /// Returns the circuit without one edge, or unchanged if it does not have the edge.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Circuit, Receiver, Sender}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let circuit = Circuit::new(&model, [("embed", "a1.h0"), ("a0.h0", "a1.h0.k"), ("a1.h0", "logits")])?;
    /// let key = Receiver::Key { layer: 1, head: 0 };
    /// assert_eq!(circuit.without(Sender::Head { layer: 0, head: 0 }, key).len(), circuit.len() - 1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn without(&self, sender: Sender, receiver: Receiver) -> Self {
        let mut circuit = self.clone();
        circuit.edges.retain(|edge| (edge.sender, edge.receiver) != (sender, receiver));
        circuit
    }

    /// Returns the circuit without edges that are on no path from the embedding to the logits. Between two prompts such
    /// edges carry the same as in the corrupt run, so the result of the circuit does not change.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let circuit = Circuit::new(&Model::open("induction-2l")?, [("embed", "logits"), ("a0.h0", "a1.h0.k")])?;
    /// assert_eq!(circuit.pruned().len(), 1); // nothing reaches a0.h0
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn pruned(&self) -> Self {
        let mut circuit = self.clone();
        loop {
            let edges = circuit.edges.clone();
            let reached = |sender: Sender| {
                sender == Sender::Embed || edges.iter().any(|edge| self.graph.fed_by(edge.receiver).contains(&sender))
            };
            let heard = |receiver: Receiver| {
                let fed = self.graph.fed_by(receiver);
                receiver == Receiver::Logits || edges.iter().any(|edge| fed.contains(&edge.sender))
            };
            circuit.edges.retain(|edge| reached(edge.sender) && heard(edge.receiver));
            if circuit.edges.len() == edges.len() {
                return circuit;
            }
        }
    }

    /// The heading of the picture.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{notebook::Show, patching::Circuit, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let circuit = Circuit::new(&model, [("embed", "a0.h0"), ("a0.h0", "a1.h0.k"), ("a1.h0", "logits")])?;
    /// assert!(circuit.titled("What came before, and what followed").html().contains("what followed"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }
}
