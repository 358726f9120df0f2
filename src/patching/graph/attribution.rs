//! The score of every edge: approximated from gradients, or by patching each edge.

use super::{EdgeScores, Graph, LayerNorms, Writing, path::Between};
use crate::{
    Result,
    cache::ActivationCache,
    error::{PatchError, at_most},
    hook::{Point, Site},
    model::Run,
    patching::Patching,
};
use candle_core::Tensor;

impl Patching {
    /// Edge attribution patching (EAP; Syed et al. 2023): approximates what each edge of the graph would restore, from
    /// one forward pass of each prompt and one backward pass. Every further metric takes one more of both.
    ///
    /// The score of an edge is (the sender's output in the clean run - in the corrupt run) · gradient of the metric at
    /// the receiver's input in the corrupt run. Queries, keys and values read their own copies of the stream, so the
    /// gradient passes the norm exactly. The effect is approximate where the model is not linear.
    ///
    /// Memory, for the texts in the backward pass: at each position `d_model` numbers for each sender in each run, for
    /// their difference, and for each receiver's gradient, and everything that the forward pass computed, in which
    /// every receiver has its own copy of the stream and of the norm's output. [`Patching::budget`] limits the number
    /// of positions in these texts; texts are not split.
    ///
    /// # Errors
    /// When the metric has no gradient, or the model is not a graph of heads and MLPs (see [`Patching::path`]).
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
    #[doc(alias("EAP", "attribute"))]
    pub fn edge_attribution(&self) -> Result<EdgeScores> {
        self.edges_along(&[0.0], "edge attribution")
    }

    /// As [`Patching::edge_attribution`], with the mean gradient over `steps` points between the corrupt and the clean
    /// prompt (EAP-IG, Hanna et al. 2024, here with the midpoints of the steps). The two are mixed at the input of the
    /// first block.
    ///
    /// It takes one forward pass of each prompt, and a forward and a backward pass for each step and metric. It finds
    /// edges behind a saturated attention. In the shipped `induction-2l`, its scores correlate with those of
    /// [`Patching::edge_patching`] by 0.997, and those of one gradient by 0.39.
    ///
    /// # Errors
    /// As [`Patching::edge_attribution`]. Also when there are no steps, or in a zero or mean ablation, which has no
    /// second prompt.
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
    #[doc(alias("EAP-IG", "EAP_IG"))]
    pub fn edge_integrated_gradients(&self, steps: usize) -> Result<EdgeScores> {
        if steps == 0 {
            return Err(PatchError::NoSteps.into());
        }
        at_most("steps of integrated gradients", steps, 100_000)?;
        let middles: Vec<f64> = (0..steps).map(|step| (step as f64 + 0.5) / steps as f64).collect();
        self.edges_along(&middles, &format!("edge integrated gradients ({steps} steps)"))
    }

    /// Patches every edge separately ([`Patching::direct_path`]): the exact values that [`Patching::edge_attribution`]
    /// and [`Patching::edge_integrated_gradients`] approximate. It takes one run for each edge, from its receiver's
    /// layer on, and is for small models.
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
        let graph = Graph::of(&self.baseline.corrupt.run.model(), self.part.stack)?;
        Graph::of(&self.experiment.model, self.part.stack)?;
        let norms = LayerNorms::sites(&self.experiment.model, graph.stack);
        let writing = [graph.writing_sites(), norms.clone()].concat();
        let mut sites: Vec<Site> = graph.reading_sites().iter().map(|(site, _)| *site).collect();
        let posts = |layer| graph.site(layer, Point::ResidPost);
        sites.extend((0..graph.layers).filter(|_| graph.is_on_sum()).map(posts));
        let (still, mut tables) = (self.still()?, Table::all(self, &graph));
        let way = |source: &ActivationCache, corrupt: &ActivationCache, counted: &Writing| {
            Ok::<_, crate::Error>((self.written(&graph, source, counted)? - self.written(&graph, corrupt, counted)?)?)
        };
        for slice in self.slices() {
            // Where a norm on what was written is worked out anew, so is its slope at each step.
            let effects = if norms.is_empty() || self.hold_ln {
                let along = slice.along(&writing, &sites, fractions, &still)?;
                let counted = self.writing(&along.corrupt)?;
                let way = way(&along.source, &along.corrupt, &counted)?;
                let of = |gradients: &Vec<Tensor>| effects(&graph, &counted, way.clone(), (&sites, gradients));
                along.gradients.iter().map(of).collect::<Result<Vec<_>>>()?
            } else {
                let each = |run: &Run, source: &ActivationCache, corrupt: &ActivationCache| {
                    let counted = self.writing(&run.cache())?;
                    let way = counted.slopes(&graph, &way(source, corrupt, &counted)?)?;
                    let gradient = |&site: &Site| run.gradients()?.get(site);
                    let gradients = sites.iter().map(gradient).collect::<Result<Vec<_>>>()?;
                    effects(&graph, &counted, way, (&sites, &gradients))
                };
                slice.averaged((&writing, &norms), &sites, fractions, &still, &each)?.means
            };
            for (table, effects) in tables.iter_mut().zip(effects) {
                table.add(&effects, slice.texts.start)?;
            }
        }
        tables.iter_mut().for_each(|table| table.forget_what_is_no_edge(&graph));
        EdgeScores::new(self, graph, how, tables.into_iter().map(|table| table.values).collect())
    }
}

/// The change of each sender times the gradient at the receivers, for each site in turn. Norms on the stream transform
/// the changes on their way.
///
/// # Shapes
/// `way`: `[sender, batch, pos, d_model]`; `gradients`: `[batch, pos, receiver, d_model]`, without `receiver` if there
/// is one; result: `[batch, sender, receiver]`.
fn effects(
    graph: &Graph,
    counted: &Writing,
    mut way: Tensor,
    (sites, gradients): (&[Site], &[Tensor]),
) -> Result<Vec<Tensor>> {
    let (senders, batch, pos, width) = way.dims4()?;
    let along = |way: &Tensor, gradient: &Tensor, receivers: usize| {
        let gradient = gradient.reshape((batch, pos, receivers, width))?;
        let of_text = |text: usize| {
            let way = way.narrow(1, text, 1)?.reshape((senders, pos * width))?;
            let slopes = gradient.get(text)?.permute((1, 0, 2))?.reshape((receivers, pos * width))?;
            Ok(way.matmul(&slopes.t()?)?)
        };
        Ok::<_, crate::Error>(Tensor::stack(&(0..batch).map(of_text).collect::<Result<Vec<_>>>()?, 0)?)
    };
    // The ways of the first so many senders behind a norm on the stream; those of later ones are added behind it.
    let past = |way: &Tensor, layer: usize, mid: bool| -> Result<Tensor> {
        let first = graph.before_layer(layer + usize::from(!mid)) + if mid { graph.attending() } else { 0 };
        let turned = counted.slope_through(layer, mid, way.narrow(0, 0, first)?)?;
        Ok(if first < senders { Tensor::cat(&[turned, way.narrow(0, first, senders - first)?], 0)? } else { turned })
    };
    let (mut effects, mut passed) = (Vec::new(), 0);
    for (nth, (site, receivers)) in graph.reading_sites().into_iter().enumerate() {
        let layer = if site == graph.last_stream() { graph.layers } else { site.layer().unwrap_or(0) };
        while passed < layer && graph.is_on_sum() {
            way = past(&past(&way, passed, true)?, passed, false)?;
            passed += 1;
        }
        let mut effect = along(&way, &gradients[nth], receivers)?;
        if graph.is_on_sum() && site.point() == Point::MlpIn {
            // The stream passes the hook of what the MLP reads; what it does beside the MLP is no edge of the MLP's.
            let post = sites.iter().position(|&other| other == graph.site(layer, Point::ResidPost));
            if let Some(post) = post {
                effect = (effect - along(&past(&way, layer, true)?, &gradients[post], 1)?)?;
            }
        }
        effects.push(effect);
    }
    Ok(effects)
}

/// The metric for every sender, receiver and text.
struct Table {
    receivers: usize,
    corrupt: Vec<f32>,
    values: Vec<f32>,
}

impl Table {
    /// Tables in which no edge has an effect, one for each metric.
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

    /// Adds the effects of the senders through the receivers of each site, for the texts from `first` on.
    ///
    /// # Shapes
    /// `effects`: `[batch, sender, receiver]` for each site.
    fn add(&mut self, effects: &[Tensor], first: usize) -> Result<()> {
        let mut done = 0;
        for effects in effects {
            for (text, of_text) in effects.to_vec3::<f32>()?.iter().enumerate() {
                for (sender, effects) in of_text.iter().enumerate() {
                    for (receiver, effect) in effects.iter().enumerate() {
                        self.row(sender, done + receiver)[first + text] += effect;
                    }
                }
            }
            done += effects.dim(2)?;
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
