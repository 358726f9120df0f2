//! Places in the forward pass, and what can be done there.
//!
//! A [`Site`] names a place, [`Sites`] several. An [`Intervention`] says what to change there.

mod closure;
mod intervention;
mod layers;
mod named;
mod point;
mod select;
mod several;
mod short;
mod site;
mod stack;

pub use crate::index::ToIndex;
pub use closure::{Looked, ToTensor};
pub use intervention::{
    Intervention, Narrow, Stored, ablate_direction, add, block_attention, edit, edit_at, edit_gradient, mean, observe,
    observe_at, patch, replace, scale, store, zero,
};
pub(crate) use intervention::{block_at, from_clean, length, select, unit};
pub use layers::Layers;
pub use named::ToSite;
pub use point::Point;
pub(crate) use point::Stage;
pub use select::Sites;
pub use several::ToInterventions;
pub(crate) use short::nearest;
pub use site::Site;
pub use stack::Stack;
