//! Places in the forward pass, and what can be done there.
//!
//! A [`Site`] names a place. An [`Intervention`] says what to change there. [`Sites`] says which places to record.

mod intervention;
mod point;
mod select;
mod site;

pub use intervention::{Intervention, add, edit, edit_gradient, mean, patch, replace, scale, zero};
pub use point::Point;
pub(crate) use point::Stage;
pub use select::{Sites, ToSite};
pub use site::{Site, Stack};
