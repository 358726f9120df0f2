//! [`Graph`]: the parts of a model and the edges between them.

use super::{Receiver, Sender};
use crate::{
    Model, Result,
    error::{PatchError, nearest},
    hook::{Point, Site, Stack, Stage},
};

/// The parts of a model that write and read the residual stream, in the order of a forward pass. An edge leads from
/// each sender to each receiver that comes after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Graph {
    /// The stack of these parts.
    pub(super) stack: Stack,
    pub(super) layers: usize,
    heads: usize,
    key_heads: usize,
    /// By layer: whether its MLP reads the output of its heads; `None` if there is no MLP.
    mlps: Vec<Option<bool>>,
    /// Whether each layer has cross attention.
    across: bool,
    /// Whether norms act on the stream itself.
    on_sum: bool,
}

impl Graph {
    /// # Errors
    /// When the model carries interventions.
    pub(super) fn of(model: &Model, stack: Stack) -> Result<Self> {
        let config = model.config();
        let blocks = &model.transformer().stack(stack).blocks;
        // What is done to the embedding, such as noise, is part of what it writes.
        let starts = |site: Site| matches!(site.point().stage(), Stage::Start | Stage::BeforeDecoder);
        let at_start = |site: Site| site.layer().is_none() && starts(site);
        let inside = model.standing().iter().filter(|one| !at_start(one.site())).count();
        if inside > 0 {
            return Err(PatchError::Hooked { count: inside }.into());
        }
        let mlps = blocks.iter().map(|block| block.mlp.as_ref().map(|_| !block.parallel)).collect();
        let own = config.in_stack(stack);
        let (heads, key_heads) = (own.n_heads, own.n_key_value_heads);
        let across = blocks.iter().any(|block| block.cross.is_some());
        let on_sum = blocks.iter().any(|block| !block.ln_mid.is_none() || !block.ln_end.is_none());
        Ok(Self { stack, layers: blocks.len(), heads, key_heads, mlps, across, on_sum })
    }

    /// The graph of a model's only stack; `None` in an encoder-decoder.
    ///
    /// # Errors
    /// As [`Graph::of`].
    pub(super) fn only(model: &Model) -> Result<Option<Self>> {
        match model.config().stacks() {
            [stack] => Self::of(model, *stack).map(Some),
            _ => Ok(None),
        }
    }

    /// A site in a block.
    pub(super) fn site(&self, layer: usize, point: Point) -> Site {
        Site::in_block(self.stack, layer, point)
    }

    /// Whether norms act on the stream itself.
    pub(super) fn is_on_sum(&self) -> bool {
        self.on_sum
    }

    /// The number of heads of cross attention in each layer.
    pub(super) fn cross_heads(&self) -> usize {
        if self.across { self.heads } else { 0 }
    }

    pub(super) fn senders(&self) -> Vec<Sender> {
        let of_layer = |layer: usize| {
            let heads = (0..self.heads).map(move |head| Sender::Head { layer, head });
            let across = (0..self.cross_heads()).map(move |head| Sender::CrossHead { layer, head });
            heads.chain(across).chain(self.mlps[layer].map(|_| Sender::Mlp { layer }))
        };
        std::iter::once(Sender::Embed).chain((0..self.layers).flat_map(of_layer)).collect()
    }

    pub(super) fn receivers(&self) -> Vec<Receiver> {
        let of_layer = |layer: usize| {
            let queries = (0..self.heads).map(move |head| Receiver::Query { layer, head });
            let keys = (0..self.key_heads).map(move |head| Receiver::Key { layer, head });
            let values = (0..self.key_heads).map(move |head| Receiver::Value { layer, head });
            let across = self.across.then_some(Receiver::CrossQuery { layer });
            let mlp = self.mlps[layer].map(|_| Receiver::Mlp { layer });
            queries.chain(keys).chain(values).chain(across).chain(mlp)
        };
        (0..self.layers).flat_map(of_layer).chain([Receiver::Logits]).collect()
    }

    pub(super) fn sender_index(&self, sender: Sender) -> Result<usize> {
        let senders = self.senders();
        senders.iter().position(|one| *one == sender).ok_or_else(|| self.missing(&sender.to_string(), &senders))
    }

    pub(super) fn receiver_index(&self, receiver: Receiver) -> Result<usize> {
        let receivers = self.receivers();
        let missing = || self.missing(&receiver.to_string(), &receivers);
        receivers.iter().position(|one| *one == receiver).ok_or_else(missing)
    }

    fn missing(&self, name: &str, parts: &[impl ToString]) -> crate::Error {
        let nearest = nearest(name, parts.iter().map(ToString::to_string), 3);
        PatchError::NoPart { name: name.into(), nearest }.into()
    }

    /// The number of senders before the attention of a layer.
    pub(super) fn before_layer(&self, layer: usize) -> usize {
        1 + self.mlps.iter().take(layer).map(|mlp| self.attending() + usize::from(mlp.is_some())).sum::<usize>()
    }

    /// The number of senders before a receiver. It has edges from exactly these.
    pub(super) fn before(&self, receiver: Receiver) -> usize {
        match receiver {
            Receiver::CrossQuery { layer } => self.before_layer(layer) + self.heads,
            Receiver::Mlp { layer } if self.is_serial(layer) => self.before_layer(layer) + self.attending(),
            Receiver::Logits => self.before_layer(self.layers),
            _ => self.before_layer(receiver.layer().unwrap_or(0)),
        }
    }

    /// Whether the MLP of a layer reads the output of the layer's heads.
    pub(super) fn is_serial(&self, layer: usize) -> bool {
        self.mlps.get(layer).copied().flatten().unwrap_or(false)
    }

    pub(super) fn has_edge(&self, sender: Sender, receiver: Receiver) -> Result<bool> {
        self.receiver_index(receiver)?;
        Ok(self.sender_index(sender)? < self.before(receiver))
    }

    /// # Errors
    /// When the sender comes after the receiver.
    pub(super) fn check_edge(&self, sender: Sender, receiver: Receiver) -> Result<()> {
        match self.has_edge(sender, receiver)? {
            true => Ok(()),
            false => {
                let (sender, receiver) = (sender.to_string(), receiver.to_string());
                Err(PatchError::Backwards { sender, receiver }.into())
            }
        }
    }

    /// The senders that use a receiver's input; for a key head, all heads that share it.
    pub(super) fn fed_by(&self, receiver: Receiver) -> Vec<Sender> {
        let shared = self.heads / self.key_heads.max(1);
        match receiver {
            Receiver::Query { layer, head } => vec![Sender::Head { layer, head }],
            Receiver::Key { layer, head } | Receiver::Value { layer, head } => {
                (head * shared..(head + 1) * shared).map(|head| Sender::Head { layer, head }).collect()
            }
            Receiver::CrossQuery { layer } => {
                (0..self.cross_heads()).map(|head| Sender::CrossHead { layer, head }).collect()
            }
            Receiver::Mlp { layer } => vec![Sender::Mlp { layer }],
            Receiver::Logits => Vec::new(),
        }
    }

    /// The number of edges.
    pub(super) fn edge_count(&self) -> usize {
        self.receivers().into_iter().map(|receiver| self.before(receiver)).sum()
    }

    /// The number of heads that write in each layer.
    pub(super) fn heads(&self) -> usize {
        self.heads
    }

    /// The number of senders in each layer before its MLP.
    pub(super) fn attending(&self) -> usize {
        self.heads + self.cross_heads()
    }

    /// The sites of the senders' outputs, in order.
    pub(super) fn writing_sites(&self) -> Vec<Site> {
        let of_layer = |layer: usize| {
            let across = self.across.then_some(Point::CrossResult);
            let points = [Point::Result].into_iter().chain(across).chain(self.mlps[layer].map(|_| Point::MlpOut));
            points.map(move |point| self.site(layer, point))
        };
        std::iter::once(self.site(0, Point::ResidPre)).chain((0..self.layers).flat_map(of_layer)).collect()
    }

    /// The sites of the stream that the receivers read.
    pub(super) fn stream_sites(&self) -> Vec<Site> {
        let of_layer = |layer| {
            let mid = (self.across || self.is_serial(layer)).then_some(Point::ResidMid);
            let points = [Point::ResidPre].into_iter().chain(mid).chain(self.across.then_some(Point::ResidMidCross));
            points.map(move |point| self.site(layer, point))
        };
        (0..self.layers).flat_map(of_layer).chain([self.last_stream()]).collect()
    }

    /// The input of the final norm, or the last stream if there is none.
    pub(super) fn last_stream(&self) -> Site {
        let point = if self.on_sum { Point::NormalizedResidPost } else { Point::ResidPost };
        self.site(self.layers.saturating_sub(1), point)
    }

    /// The site of a receiver's input, and the head there.
    pub(super) fn site_of(&self, receiver: Receiver) -> (Site, Option<usize>) {
        match receiver {
            Receiver::Query { layer, head } => (self.site(layer, Point::QInput), Some(head)),
            Receiver::Key { layer, head } => (self.site(layer, Point::KInput), Some(head)),
            Receiver::Value { layer, head } => (self.site(layer, Point::VInput), Some(head)),
            Receiver::CrossQuery { layer } => (self.site(layer, Point::CrossAttnIn), None),
            Receiver::Mlp { layer } => (self.site(layer, Point::MlpIn), None),
            Receiver::Logits => (self.last_stream(), None),
        }
    }

    /// The stream that a receiver reads.
    pub(super) fn stream_of(&self, receiver: Receiver) -> Site {
        match receiver {
            Receiver::CrossQuery { layer } => self.site(layer, Point::ResidMid),
            Receiver::Mlp { layer } if self.across => self.site(layer, Point::ResidMidCross),
            Receiver::Mlp { layer } if self.is_serial(layer) => self.site(layer, Point::ResidMid),
            Receiver::Logits => self.last_stream(),
            _ => self.site(receiver.layer().unwrap_or(0), Point::ResidPre),
        }
    }

    /// The sites of the receivers' own copies of the stream, in order, with the number of receivers at each.
    pub(super) fn reading_sites(&self) -> Vec<(Site, usize)> {
        let mut sites: Vec<(Site, usize)> = Vec::new();
        for (site, _) in self.receivers().into_iter().map(|receiver| self.site_of(receiver)) {
            match sites.last_mut().filter(|(last, _)| *last == site) {
                Some((_, count)) => *count += 1,
                None => sites.push((site, 1)),
            }
        }
        sites
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(layers: usize, heads: usize, key_heads: usize) -> Graph {
        let (stack, mlps) = (Stack::Blocks, vec![Some(true); layers]);
        Graph { stack, layers, heads, key_heads, mlps, across: false, on_sum: false }
    }

    #[test]
    fn gpt2_small_has_as_many_edges_as_published() {
        // Conmy et al. 2023 count the edges of GPT-2 small with queries, keys and values apart.
        let gpt2 = graph(12, 12, 12);
        assert_eq!(gpt2.edge_count(), 32_491);
        assert_eq!(gpt2.senders().len(), 157);
        assert_eq!(gpt2.before(Receiver::Logits), 157);
    }

    #[test]
    fn no_part_hears_itself_or_what_comes_later() {
        let serial = graph(2, 2, 1);
        let parallel = Graph { mlps: vec![Some(false); 2], ..serial.clone() };
        let (head, mlp) = (Sender::Head { layer: 1, head: 1 }, Receiver::Mlp { layer: 1 });
        assert!(serial.has_edge(head, mlp).unwrap() && !parallel.has_edge(head, mlp).unwrap());
        assert!(!serial.has_edge(head, Receiver::Query { layer: 1, head: 0 }).unwrap());
        assert!(!serial.has_edge(Sender::Mlp { layer: 1 }, mlp).unwrap());
        let error = serial.check_edge(head, Receiver::Value { layer: 1, head: 0 }).unwrap_err().to_string();
        assert!(error.contains("`a1.h1`") && error.contains("`a1.h0.v`"), "{error}");
        assert!(serial.receiver_index(Receiver::Key { layer: 1, head: 1 }).is_err(), "there is one key head");
    }
}
