//! Where to look: [by task](tasks), [by the name that TransformerLens, nnsight or SAELens uses](names), and
//! [how the Rust kernel behaves](rust_kernel).
//!
//! The search field of these pages also finds the names of TransformerLens: `run_with_cache`, `W_E`, `to_single_token`,
//! `get_act_patch_resid_pre`.
//!
//! To add a task or a name, add a line that compiles to `tasks.rs` or `names.rs`; a test runs them.

pub mod names;
#[doc = include_str!("rust_kernel.md")]
pub mod rust_kernel {}
pub mod tasks;
