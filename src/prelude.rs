//! What a notebook imports: `use glassbox::prelude::*;`.

pub use crate::{
    Model, Result,
    cache::ActivationCache,
    hook::{Intervention, Site, Sites, add, edit, mean, patch, replace, scale, zero},
    model::{Pass, Run},
    notebook::Show,
    text::Tokens,
};
