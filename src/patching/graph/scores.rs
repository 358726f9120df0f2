//! [`EdgeScores`]: the score of every edge.

use super::{Circuit, Edge, Graph, Receiver, Sender};
use crate::{
    Result,
    notebook::Show,
    order::by_size,
    patching::{Agreement, MapAxis, PatchSweep, Patching},
    plot::{Figure, ToFigure},
};
use ndarray::{Array2, Ix2};

/// The effect of each edge of the graph on the metric. A notebook shows the circuit of the strongest edges.
///
/// Made by [`Patching::edge_attribution`], [`Patching::edge_integrated_gradients`] and [`Patching::edge_patching`].
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// let scores = patching.edge_attribution()?; // the circuit of the strongest edges, in a notebook
/// assert_eq!((scores.len(), scores.top(3).len()), (81, 3));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct EdgeScores {
    pub(super) graph: Graph,
    /// The method, for titles.
    pub(super) how: String,
    sweep: PatchSweep,
}

/// How many edges a notebook shows.
const SHOWN: usize = 30;

impl EdgeScores {
    /// # Shapes
    /// `values`: by metric, `[sender][receiver][batch]`.
    pub(super) fn new(patching: &Patching, graph: Graph, how: &str, values: Vec<Vec<f32>>) -> Result<Self> {
        let senders = MapAxis::names("sender", graph.senders().iter().map(Sender::to_string));
        let receivers = MapAxis::names("receiver", graph.receivers().iter().map(Receiver::to_string));
        let deed = format!("{} by {how}", patching.experiment.deed);
        let values = values.into_iter().map(|values| vec![values]).collect();
        let sweep = patching.mapped((&deed, "edges"), vec![senders, receivers], values)?;
        Ok(Self { graph, how: how.into(), sweep })
    }

    /// The number of edges.
    pub fn len(&self) -> usize {
        self.graph.edge_count()
    }

    /// Whether there are no edges.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The senders, in the order of a forward pass.
    pub fn senders(&self) -> Vec<Sender> {
        self.graph.senders()
    }

    /// The receivers, in the order of a forward pass.
    pub fn receivers(&self) -> Vec<Receiver> {
        self.graph.receivers()
    }

    /// The scores for another metric of the same runs ([`Patching::also`]), by its name; `None` if there is no such
    /// metric.
    pub fn for_metric(&self, metric: &str) -> Option<Self> {
        let sweep = self.sweep.for_metric(metric)?.clone();
        Some(Self { sweep, graph: self.graph.clone(), how: self.how.clone() })
    }

    /// The scores as a map, with a value for each pair of prompts. [`PatchSweep::statistics`] returns the statistics of
    /// an edge.
    pub fn sweep(&self) -> PatchSweep {
        self.sweep.clone()
    }

    /// The effect of each edge, as in [`PatchSweep::mean`]: 1 is the whole difference between the clean and the corrupt
    /// prompts; in an ablation, the change of the metric. 0 where there is no edge.
    ///
    /// # Shapes
    /// `[sender, receiver]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.edge_attribution()?.mean().dim(), (9, 25)); // [sender, receiver]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean(&self) -> Array2<f32> {
        self.sweep.mean().into_dimensionality::<Ix2>().unwrap_or_default()
    }

    /// The effect of one edge by name, as in `score("a0.h0", "a1.h0.k")`.
    ///
    /// # Errors
    /// When a name is wrong, or no such edge exists.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.edge_integrated_gradients(10)?.score("a0.h0", "a1.h0.k")? > 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn score(&self, sender: &str, receiver: &str) -> Result<f32> {
        let (sender, receiver) = (sender.parse()?, receiver.parse()?);
        self.graph.check_edge(sender, receiver)?;
        Ok(self.mean()[[self.graph.sender_index(sender)?, self.graph.receiver_index(receiver)?]])
    }

    /// All edges, those with the largest absolute scores first. NaN comes first.
    pub fn edges(&self) -> Vec<Edge> {
        let mean = self.mean();
        let senders = self.senders();
        let mut edges = Vec::new();
        for (at, receiver) in self.receivers().into_iter().enumerate() {
            let heard = senders.iter().take(self.graph.before(receiver)).enumerate();
            edges.extend(heard.map(|(from, &sender)| Edge { sender, receiver, score: mean[[from, at]] }));
        }
        edges.sort_by(|a, b| by_size(a.score, b.score));
        edges
    }

    /// The `k` edges with the largest absolute scores.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let top = patching.edge_integrated_gradients(10)?.top(2);
    /// assert!(top[0].score.abs() >= top[1].score.abs());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top(&self, k: usize) -> Vec<Edge> {
        let mut edges = self.edges();
        edges.truncate(k);
        edges
    }

    /// The circuit of the `k` edges with the largest absolute scores.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.edge_integrated_gradients(10)?.circuit(5).len(), 5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn circuit(&self, k: usize) -> Circuit {
        let edges = self.top(k);
        let title = format!("The {} strongest of {} edges, by {}", edges.len(), self.len(), self.how);
        Circuit::of_edges(self.graph.clone(), edges, title, self.sweep.scale())
    }

    /// Compares these scores with others of the same edges, edge by edge.
    ///
    /// # Errors
    /// When the other scores belong to another model.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let scores = patching.edge_integrated_gradients(10)?;
    /// assert!(scores.agreement(&patching.edge_patching()?)?.correlation() > 0.99);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn agreement(&self, other: &Self) -> Result<Agreement> {
        self.sweep.agreement_where(&other.sweep, |at| match at {
            [sender, receiver] => {
                let receiver = self.receivers()[*receiver];
                let edge = Edge { sender: self.senders()[*sender], receiver, score: 0.0 };
                (*sender < self.graph.before(receiver)).then(|| edge.to_string())
            }
            _ => None,
        })
    }
}

impl ToFigure for EdgeScores {
    fn to_figure(&self) -> Result<Option<Figure>> {
        self.circuit(SHOWN).to_figure()
    }
}

impl Show for EdgeScores {
    fn html(&self) -> String {
        self.circuit(SHOWN).html()
    }

    fn plain(&self) -> String {
        self.circuit(SHOWN).plain()
    }
}

shown! {
    /// Shows the circuit of the strongest edges in a notebook.
    EdgeScores
}
