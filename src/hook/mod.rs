//! Places in the forward pass, and what can be done there.
//!
//! A [`Site`] names a place, [`Sites`] several. An [`Intervention`] says what to change there.

mod intervention;
mod point;
mod select;
mod site;

pub use intervention::{
    Intervention, ToIndex, ablate_direction, add, block_attention, edit, edit_at, edit_gradient, mean, patch, replace,
    scale, zero,
};
pub(crate) use intervention::{from_clean, length, select, unit};
pub use point::Point;
pub(crate) use point::Stage;
pub use select::{Sites, ToSite};
pub use site::{Site, Stack};
