//! [`Site`]: the typed name of one place in the forward pass; [`Sites`]: a selection of them.

mod layers;
mod named;
mod point;
mod select;
mod short;
#[allow(clippy::module_inception)]
mod site;
mod stack;
mod to_pattern;

pub use layers::Layers;
pub use named::ToSite;
pub use point::Point;
pub(crate) use point::Stage;
pub use select::Sites;
pub(crate) use short::nearest;
pub use site::Site;
pub use stack::Stack;
pub use to_pattern::ToPattern;
