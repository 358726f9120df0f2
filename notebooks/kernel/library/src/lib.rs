//! `glassbox` as one shared library, for `notebooks/kernel`.

pub use glassbox::*;
