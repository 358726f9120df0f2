//! Interventions: what can be done at places in the forward pass.
//!
//! A [`Site`] names one place, [`Sites`] several. An [`Intervention`] says what to change there.
//! [`ToInterventions`] accepts one or many in any form.
//!
//! To add an intervention, see `intervention/mod.rs`; to add a site, see the table in `site/point.rs`.

mod intervention;
mod several;

pub(crate) use crate::site::Stage;
pub use crate::{
    index::ToIndex,
    site::{Layers, Point, Site, Sites, Stack, ToSite},
    tensor::{Looked, ToTensor},
};
pub use intervention::{
    Intervention, Narrow, Stored, ablate_direction, add, block_attention, edit, edit_at, edit_gradient, mean, observe,
    observe_at, patch, replace, scale, store, zero,
};
pub(crate) use intervention::{block_at, from_clean, length, select, unit};
pub use several::ToInterventions;
