//! The score of every edge: along the gradient, or by patching each.

use super::{EdgeScores, Graph, path::Between};
use crate::{
    Result,
    error::{PatchError, at_most},
    hook::Site,
    patching::Patching,
};
use candle_core::Tensor;
use std::ops::Range;

impl Patching {
    /// Edge attribution patching (EAP; Syed et al. 2023): what each edge of the graph would bring back, approximated
    /// from one forward pass of each prompt and one backward pass, for each further metric one of both more. The score of an edge is (what the sender writes in
    /// the clean run - in the corrupt run) · gradient of the metric at what the receiver reads in the corrupt run.
    ///
    /// Queries, keys and values read their own copies of the stream, so the gradient is exact, through the norm too;
    /// the effect is approximated as far as the model is not straight.
    ///
    /// Memory, for the texts in the backward pass: at each position `d_model` numbers for each sender in each run, for their
    /// difference and for each receiver's gradient, and what the backward pass needs of the forward one, in which every
    /// receiver has its own copy of the stream and of what the norm makes of it. [`Patching::budget`] bounds how many
    /// positions these texts have, whole texts together.
    ///
    /// # Errors
    /// When the metric has no gradient, or the model is no graph of heads and MLPs (see [`Patching::path`]).
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let scores = patching.edge_attribution()?;
    /// // Embedding and 8 heads write; 24 queries, keys and values and the logits read.
    /// assert_eq!((scores.len(), scores.senders().len(), scores.receivers().len()), (81, 9, 25));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn edge_attribution(&self) -> Result<EdgeScores> {
        self.edges_along(&[0.0], "edge attribution")
    }

    /// As [`Patching::edge_attribution`], with the mean of the gradient at `steps` points between the corrupt and the
    /// clean prompt (EAP-IG, Hanna et al. 2024, here with the midpoints of the steps): both are mixed as they enter the
    /// first block. Takes one forward pass of each prompt, and for each step and metric a forward and a backward pass. It finds edges behind a saturated pattern, whose gradient is near 0:
    /// held against [`Patching::edge_patching`] in the shipped model, its scores correlate with 0.997, those of one
    /// gradient with 0.39.
    ///
    /// # Errors
    /// As there; also when there are no steps, or zeros or means are put in, with no prompt to go towards.
    ///
    /// # Examples
    /// The strongest edge between heads of the shipped model is the one that its induction head is made of, and five
    /// edges of 81 do nearly all of the work:
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let scores = patching.edge_integrated_gradients(10)?;
    /// let between_heads = scores.edges().into_iter().find(|edge| {
    ///     matches!(edge.sender, Sender::Head { .. }) && edge.receiver != Receiver::Logits
    /// });
    /// assert_eq!(between_heads.map(|edge| edge.to_string()).as_deref(), Some("a0.h0 → a1.h0.k"));
    /// let circuit = scores.circuit(5); // a picture, in a notebook
    /// assert!(patching.faithfulness(&circuit)? > 0.95);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn edge_integrated_gradients(&self, steps: usize) -> Result<EdgeScores> {
        if steps == 0 {
            return Err(PatchError::NoSteps.into());
        }
        at_most("steps of integrated gradients", steps, 100_000)?;
        let middles: Vec<f64> = (0..steps).map(|step| (step as f64 + 0.5) / steps as f64).collect();
        self.edges_along(&middles, &format!("edge integrated gradients ({steps} steps)"))
    }

    /// Every edge patched by itself ([`Patching::direct_path`]): what the other two approximate. One run for each edge,
    /// from its receiver's layer on; for small models.
    ///
    /// # Errors
    /// As [`Patching::direct_path`].
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let exact = patching.edge_patching()?;
    /// let agreement = exact.agreement(&patching.edge_integrated_gradients(10)?)?;
    /// assert!(agreement.correlation() > 0.99);
    /// agreement.figure()?; // a point for each edge
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn edge_patching(&self) -> Result<EdgeScores> {
        let ends = self.corrupt_to_source()?;
        let mut tables = Table::all(self, &ends.graph);
        for (at, receiver) in ends.graph.receivers().into_iter().enumerate() {
            let cells: Vec<_> = (0..ends.graph.before(receiver)).map(|sender| vec![sender]).collect();
            let values = self.along_paths(&ends, &cells, &[receiver], Between::Nothing)?;
            for (table, values) in tables.iter_mut().zip(values) {
                for (sender, values) in values.iter().enumerate() {
                    table.row(sender, at).copy_from_slice(values);
                }
            }
        }
        EdgeScores::new(self, ends.graph, "patching each edge", tables.into_iter().map(|table| table.values).collect())
    }

    fn edges_along(&self, fractions: &[f64], how: &str) -> Result<EdgeScores> {
        let graph = Graph::of(self.corrupt.run.model())?;
        Graph::of(&self.model)?;
        let (writing, reading) = (graph.writing_sites(), graph.reading_sites());
        let sites: Vec<Site> = reading.iter().map(|(site, _)| *site).collect();
        let (still, mut tables) = (self.still()?, Table::all(self, &graph));
        for slice in self.slices() {
            let along = slice.along(&writing, &sites, fractions, &still)?;
            let way = (self.written(&graph, &along.source)? - self.written(&graph, &along.corrupt)?)?;
            for (table, gradients) in tables.iter_mut().zip(along.gradients) {
                let mut done = 0;
                for ((_, receivers), gradient) in reading.iter().zip(gradients) {
                    table.add(&way, &gradient, slice.texts.start, done..done + receivers)?;
                    done += receivers;
                }
            }
        }
        tables.iter_mut().for_each(|table| table.forget_what_is_no_edge(&graph));
        EdgeScores::new(self, graph, how, tables.into_iter().map(|table| table.values).collect())
    }
}

/// The metric for every sender, receiver and text.
struct Table {
    receivers: usize,
    corrupt: Vec<f32>,
    values: Vec<f32>,
}

impl Table {
    /// As if no edge did anything, by each metric.
    fn all(patching: &Patching, graph: &Graph) -> Vec<Self> {
        let (senders, receivers) = (graph.senders().len(), graph.receivers().len());
        let of = |corrupt: &Vec<f32>| Self {
            receivers,
            values: corrupt.repeat(senders * receivers),
            corrupt: corrupt.clone(),
        };
        patching.measured().map(|(_, (_, corrupt))| of(corrupt)).collect()
    }

    fn row(&mut self, sender: usize, receiver: usize) -> &mut [f32] {
        let batch = self.corrupt.len();
        let start = (sender * self.receivers + receiver) * batch;
        &mut self.values[start..start + batch]
    }

    /// Each sender's way along the gradient at some receivers of one site, for the texts from `first` on.
    ///
    /// # Shapes
    /// `way`: `[sender, batch, pos, d_model]`; `gradient`: `[batch, pos, receiver, d_model]`, without `receiver` where
    /// there is one.
    fn add(&mut self, way: &Tensor, gradient: &Tensor, first: usize, receivers: Range<usize>) -> Result<()> {
        let (senders, batch, pos, width) = way.dims4()?;
        let gradient = gradient.reshape((batch, pos, receivers.len(), width))?;
        for text in 0..batch {
            let way = way.narrow(1, text, 1)?.reshape((senders, pos * width))?;
            let slopes = gradient.get(text)?.permute((1, 0, 2))?.reshape((receivers.len(), pos * width))?;
            let effects = way.matmul(&slopes.t()?)?.to_vec2::<f32>()?;
            for (sender, effects) in effects.iter().enumerate() {
                for (receiver, effect) in receivers.clone().zip(effects) {
                    self.row(sender, receiver)[first + text] += effect;
                }
            }
        }
        Ok(())
    }

    fn forget_what_is_no_edge(&mut self, graph: &Graph) {
        let corrupt = self.corrupt.clone();
        for (at, receiver) in graph.receivers().into_iter().enumerate() {
            for sender in graph.before(receiver)..graph.senders().len() {
                self.row(sender, at).copy_from_slice(&corrupt);
            }
        }
    }
}
