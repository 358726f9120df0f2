//! The tap: the one place through which every activation passes, to be recorded, changed or differentiated.

use crate::{
    Result,
    axes::Axis,
    hook::{Intervention, Site, Stack},
    ops,
};
use candle_core::{Tensor, Var};
use std::collections::HashMap;

/// What is to happen at one site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    pub(crate) record: bool,
    pub(crate) differentiate: bool,
    pub(crate) edits: Vec<Intervention>,
}

/// What is to happen at every site, decided before the forward pass starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    orders: HashMap<Site, Order>,
    /// The positions that are recorded, in the blocks' own stack; all where absent.
    pub(crate) positions: Option<(Stack, Tensor)>,
}

impl Plan {
    pub(crate) fn order(&mut self, site: Site) -> &mut Order {
        self.orders.entry(site).or_default()
    }

    /// The part of an activation that is recorded: along `pos`, or `query` where there is no `pos`.
    fn recorded(&self, site: Site, x: &Tensor) -> Result<Tensor> {
        let along = |axis: &Axis| matches!(axis, Axis::Pos | Axis::Query);
        match (&self.positions, site.axes().iter().position(along)) {
            (Some((stack, positions)), Some(dim)) if site.layer().is_none() || site.stack() == *stack => {
                Ok(x.index_select(positions, dim)?)
            }
            _ => Ok(x.clone()),
        }
    }
}

/// Follows one forward pass with a [`Plan`] in hand.
///
/// A forward pass sends each activation through [`Tap::at`] on its way: `let z = tap.at(Site::z(l), z)?;`. A site
/// nobody asked for costs one lookup.
#[derive(Debug, Default)]
pub(crate) struct Tap<'a> {
    plan: Option<&'a Plan>,
    pub(crate) recorded: Vec<(Site, Tensor)>,
    /// A variable of zeros added at each differentiated site; its gradient is the activation's.
    pub(crate) deltas: Vec<(Site, Var)>,
}

impl<'a> Tap<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self { plan: Some(plan), ..Self::default() }
    }

    /// A tap that nobody watches.
    pub(crate) fn idle() -> Self {
        Self::default()
    }

    fn order(&self, site: Site) -> Option<&'a Order> {
        self.plan?.orders.get(&site)
    }

    /// Whether anything at all is to happen here: what costs extra is worked out only then.
    pub(crate) fn wants(&self, site: Site) -> bool {
        self.order(site).is_some()
    }

    /// Whether what flows on from here may differ, or is differentiated.
    pub(crate) fn acts_on(&self, site: Site) -> bool {
        self.order(site).is_some_and(|order| order.differentiate || !order.edits.is_empty())
    }

    /// Passes a copy of an activation through, where anybody wants it: changes there do not reach the original.
    pub(crate) fn copy_at(&mut self, site: Site, x: Tensor) -> Result<Tensor> {
        if self.wants(site) { self.at(site, x) } else { Ok(x) }
    }

    /// Passes an activation through: changes first, then the gradient's variable, then the recording.
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
