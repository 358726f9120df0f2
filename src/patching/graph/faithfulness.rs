//! Faithfulness: whether a circuit alone does what the whole model does.

use super::{Circuit, EdgeScores, Effect, Ends};
use crate::{
    Result,
    error::PatchError,
    patching::{Patching, statistics::mean},
    plot::{Figure, LineChart, Series},
};
use std::collections::HashSet;

impl Patching {
    /// Runs the clean prompts through a circuit. Edges of the circuit carry the sender's output in this run; all other
    /// edges carry its output in the corrupt run. In an ablation the prompts are run, and all other edges carry zeros,
    /// means or the values of the other run. Every receiver reads its own sum, and nothing is approximated.
    ///
    /// # Errors
    /// When the circuit belongs to another model, or the model is not a graph of heads and MLPs.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let edges = [("embed", "a0.h0"), ("embed", "a1.h0"), ("a0.h0", "a1.h0.k"), ("a1.h0", "logits")];
    /// let circuit = Circuit::new(&model, edges)?;
    /// assert!(patching.run_circuit(&circuit)?.recovered() > 0.75);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn run_circuit(&self, circuit: &Circuit) -> Result<Effect> {
        let explained = self.explained()?;
        let values = explained.circuit_metrics(&explained.intact_to_rest()?, circuit)?;
        let name = format!("a circuit of {} edges", circuit.len());
        Ok(Effect(self.mapped((&self.experiment.deed, &name), Vec::new(), values)?))
    }

    /// Returns how much of the model's work a circuit does: (m(circuit) - m(no edge)) / (m(all edges) - m(no edge)),
    /// where m is the mean over pairs of the first metric in [`Patching::run_circuit`]. 1 is all of it. More than 1
    /// means that edges outside the circuit work against it (Hanna et al. 2024; Marks et al. 2024).
    ///
    /// # Errors
    /// As [`Patching::run_circuit`], and when the metric is the same with no edge and with all edges.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let circuit = patching.edge_integrated_gradients(10)?.circuit(5);
    /// assert!(patching.faithfulness(&circuit)? > 0.95);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn faithfulness(&self, circuit: &Circuit) -> Result<f32> {
        let explained = self.explained()?;
        let ends = explained.intact_to_rest()?;
        let (through, scale) = (explained.circuit_metrics(&ends, circuit)?, Scale::of(&explained, &ends)?);
        Ok(scale.share(&through))
    }

    /// Returns [`Patching::faithfulness`] of the circuits of the strongest edges, for these numbers of edges.
    ///
    /// # Errors
    /// As [`Patching::faithfulness`].
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let scores = patching.edge_integrated_gradients(10)?;
    /// let curve = patching.faithfulness_curve(&scores, [0, 5, 10, 20, 40, 81])?; // a line, in a notebook
    /// let of = |nth: usize| curve.points()[nth].1;
    /// assert!(of(0).abs() < 1e-3 && of(1) > 0.9 && (of(5) - 1.0).abs() < 1e-3);
    /// // The edges that one gradient finds strongest are not those that do the work here.
    /// let misled = patching.faithfulness(&patching.edge_attribution()?.circuit(10))?;
    /// assert!(misled < 0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn faithfulness_curve(
        &self,
        scores: &EdgeScores,
        edges: impl IntoIterator<Item = usize>,
    ) -> Result<FaithfulnessCurve> {
        let explained = self.explained()?;
        let ends = explained.intact_to_rest()?;
        let scale = Scale::of(&explained, &ends)?;
        let point = |edges: usize| Ok((edges, scale.share(&explained.circuit_metrics(&ends, &scores.circuit(edges))?)));
        let points = edges.into_iter().map(point).collect::<Result<_>>()?;
        let title = format!("Faithfulness of the strongest edges, by {}", scores.how);
        Ok(FaithfulnessCurve { points, title })
    }

    fn circuit_metrics(&self, ends: &Ends, circuit: &Circuit) -> Result<Vec<Vec<Vec<f32>>>> {
        if circuit.graph != ends.graph {
            return Err(PatchError::OtherGraph.into());
        }
        let index =
            |edge: &super::Edge| Ok((ends.graph.sender_index(edge.sender)?, ends.graph.receiver_index(edge.receiver)?));
        let kept = circuit.edges().iter().map(index).collect::<Result<HashSet<_>>>()?;
        self.flow(ends, &|sender, receiver| kept.contains(&(sender, receiver)))
    }
}

/// The mean metric with no edge, and with all edges.
struct Scale {
    none: f32,
    all: f32,
}

impl Scale {
    fn of(patching: &Patching, ends: &Ends) -> Result<Self> {
        let (none, all) = (first_mean(&patching.flow(ends, &|_, _| false)?), mean(&patching.clean_metric()));
        match (all - none).abs() <= 1e-5 * all.abs().max(none.abs()) {
            true => Err(PatchError::NoDifference { clean: all, corrupt: none }.into()),
            false => Ok(Self { none, all }),
        }
    }

    fn share(&self, through: &[Vec<Vec<f32>>]) -> f32 {
        (first_mean(through) - self.none) / (self.all - self.none)
    }
}

/// The mean over texts of the first metric.
fn first_mean(metrics: &[Vec<Vec<f32>>]) -> f32 {
    mean(&metrics.first().map(|metric| metric.concat()).unwrap_or_default())
}

/// The faithfulness of the circuits of the strongest edges, against their number of edges. Shown as a line.
///
/// Made by [`Patching::faithfulness_curve`].
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// let curve = patching.faithfulness_curve(&patching.edge_integrated_gradients(10)?, [0, 5])?;
/// assert_eq!(curve.points()[1].0, 5); // edges; a line, in a notebook
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct FaithfulnessCurve {
    points: Vec<(usize, f32)>,
    title: String,
}

impl FaithfulnessCurve {
    /// Numbers of edges, and the faithfulness of each circuit.
    pub fn points(&self) -> Vec<(usize, f32)> {
        self.points.clone()
    }

    /// Draws the line. The number of edges is on a logarithmic axis unless a point has no edges.
    ///
    /// # Errors
    /// When there are no points.
    pub fn figure(&self) -> Result<Figure> {
        let (edges, values): (Vec<f32>, Vec<f32>) = self.points.iter().map(|&(at, value)| (at as f32, value)).unzip();
        let logarithmic = edges.iter().all(|&edges| edges > 0.0);
        let chart = LineChart::new()
            .title(self.title.as_str())
            .add(Series::new("circuit", values).at(edges))
            .baseline("whole model", 1.0)
            .x("edges kept")
            .y("faithfulness")
            .y_range(0.0, 1.0);
        if logarithmic { chart.log_x().draw() } else { chart.draw() }
    }
}

shown! {
    /// Shows the line in a notebook.
    FaithfulnessCurve: figure
}
