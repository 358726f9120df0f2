//! Places in the forward pass, and what can be done there.
//!
//! A [`Site`] names a place, [`Sites`] several. An [`Intervention`] says what to change there.

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
