//! Where to look: [by task](tasks), [by the name that TransformerLens, nnsight or SAELens gives a thing](names), and
//! [how the Rust kernel behaves](rust_kernel).
//!
//! The search field of these pages knows the names of TransformerLens too: `run_with_cache`, `W_E`, `to_single_token`,
//! `get_act_patch_resid_pre`.

pub mod names;
#[doc = include_str!("rust_kernel.md")]
pub mod rust_kernel {}
pub mod tasks;
