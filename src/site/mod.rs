//! [`Site`]: the typed name of one hook point in the forward pass.
//!
//! [`Sites`]: a selection of them.
//!
//! Used wherever a run records, changes or reads an activation. The names are those of TransformerLens's [hook
//! points](https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/HookedTransformer.py).
//!
//! To add a site, add one row to the table in `point.rs` and call the tap where the forward pass computes it (`net/`).

mod in_stack;
mod kinds_of_point;
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
pub(crate) use short::nearest_sites;
pub use site::Site;
pub use stack::Stack;
pub use to_pattern::ToPattern;
