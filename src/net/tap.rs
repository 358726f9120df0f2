//! [`Tap`]: the one place that every activation passes, where it is recorded, changed or differentiated.

use crate::{Result, cache::Positions, hook::Intervention, ops, site::Site};
use candle_core::{Tensor, Var};
use std::collections::HashMap;

/// What to do at one site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    pub(crate) record: bool,
    pub(crate) differentiate: bool,
    pub(crate) edits: Vec<Intervention>,
}

/// What to do at every site, decided before the forward pass starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    orders: HashMap<Site, Order>,
    /// The positions to record; `None` for all.
    pub(crate) positions: Option<Positions>,
}

impl Plan {
    pub(crate) fn order(&mut self, site: Site) -> &mut Order {
        self.orders.entry(site).or_default()
    }

    /// The part of an activation that is recorded.
    fn recorded(&self, site: Site, x: &Tensor) -> Result<Tensor> {
        self.positions.as_ref().map_or_else(|| Ok(x.clone()), |positions| positions.part(site, x))
    }
}

/// Applies a [`Plan`] during one forward pass.
///
/// The forward pass sends every activation through [`Tap::at`]: `let z = tap.at(Site::z(l), z)?;`. A site that is not
/// in the plan costs one lookup.
#[derive(Debug, Default)]
pub(crate) struct Tap<'a> {
    plan: Option<&'a Plan>,
    pub(crate) recorded: Vec<(Site, Tensor)>,
    /// A zero variable added at each differentiated site. Its gradient is that of the activation.
    pub(crate) deltas: Vec<(Site, Var)>,
}

impl<'a> Tap<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self { plan: Some(plan), ..Self::default() }
    }

    /// A tap without a plan.
    pub(crate) fn idle() -> Self {
        Self::default()
    }

    fn order(&self, site: Site) -> Option<&'a Order> {
        self.plan?.orders.get(&site)
    }

    /// Whether the plan has this site. What costs extra is computed only then.
    pub(crate) fn wants(&self, site: Site) -> bool {
        self.order(site).is_some()
    }

    /// Whether the plan changes or differentiates the activation at this site.
    pub(crate) fn acts_on(&self, site: Site) -> bool {
        self.order(site).is_some_and(|order| order.differentiate || !order.edits.is_empty())
    }

    /// Passes a copy of an activation through the tap, if the plan has the site. Changes do not reach the original.
    pub(crate) fn copy_at(&mut self, site: Site, x: Tensor) -> Result<Tensor> {
        if self.wants(site) { self.at(site, x) } else { Ok(x) }
    }

    /// Passes an activation through the tap: first the changes, then the gradient's variable, then the recording.
    pub(crate) fn at(&mut self, site: Site, mut x: Tensor) -> Result<Tensor> {
        let Some(order) = self.order(site) else { return Ok(x) };
        for edit in &order.edits {
            x = edit.apply(&x)?;
        }
        if order.differentiate {
            let delta = Var::zeros(x.shape(), x.dtype(), x.device())?;
            x = ops::add(&x, delta.as_tensor())?;
            self.deltas.push((site, delta));
        }
        if let (true, Some(plan)) = (order.record, self.plan) {
            self.recorded.push((site, plan.recorded(site, &x)?));
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::Tap;
    use crate::{model::Model, net::Frame};
    use candle_core::{DType, Device, Var};

    #[test]
    fn a_backward_pass_works_out_no_gradient_of_a_weight_and_keeps_none() {
        let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/");
        for name in ["gpt2-tiny", "llama-gqa-tied", "families/gemma2", "families/mixtral", "families/bert"] {
            let model = Model::open(format!("{reference}{name}")).unwrap();
            let (config, transformer) = (model.config(), model.transformer());
            let mut frame = Frame::new(&config, &transformer.last, &model.tokens([3, 1, 4]).unwrap()).unwrap();
            let start = Var::rand(-1f32, 1f32, (1, 3, config.d_model), &Device::Cpu).unwrap();
            let (stack, mut tap) = (&transformer.last, Tap::idle());
            let resid = stack.forward(start.as_tensor().clone(), 0..config.n_layers, &mut frame, &mut tap).unwrap();
            let logits = transformer.readout.logits(&config, &resid, None, &mut tap).unwrap().unwrap();
            let gradients = logits.sqr().unwrap().to_dtype(DType::F32).unwrap().sum_all().unwrap().backward().unwrap();
            assert!(gradients.get(&start).is_some());
            // A mixture adds its experts up from zeros, one tensor a layer, which have a gradient too.
            let zeros = if config.experts.is_some() { config.n_layers } else { 0 };
            assert_eq!(gradients.get_ids().count(), 1 + zeros, "{name}: the stream's and no weight's");
        }
    }
}
