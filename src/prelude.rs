//! What a notebook imports: `use glassbox::prelude::*;`.

pub use crate::{
    Model, Result,
    cache::ActivationCache,
    circuits::{Composition, FactoredMatrix, composition_scores, head_scores, label_heads},
    hook::{Intervention, Site, Sites, add, edit, edit_gradient, mean, patch, replace, scale, zero},
    lens::LogitLens,
    model::{Answers, Pass, PromptTest, Run},
    notebook::Show,
    patching::{Circuit, EdgeScores, Receiver, Sender},
    plot::{Figure, Heatmap, column, row, tabs},
    probe::{Examples, Features, Labels, SparseProbe},
    text::{Occurrence, Padding, Tokens},
    weights::{Processing, WeightViews},
};
