//! What a notebook imports: `use glassbox::prelude::*;`.

pub use crate::{
    Model, Result,
    cache::ActivationCache,
    circuits::{Composition, FactoredMatrix, composition_scores, head_scores, label_heads},
    hook::{
        Intervention, Site, Sites, Stored, ablate_direction, add, block_attention, edit, edit_at, edit_gradient, mean,
        observe, observe_at, patch, replace, scale, store, zero,
    },
    lens::LogitLens,
    model::{Answers, Pass, PromptTest, Run},
    notebook::{Show, display},
    patching::{
        Alignment, Circuit, Corruption, EdgeScores, HeadPart, IoiPrompts, Metric, Noise, PatchSweep, Patching,
        PromptPairs, Receiver, Sender, clean,
    },
    plot::{Figure, Heatmap, column, row, tabs},
    probe::{Examples, Features, Labels, SparseProbe},
    steering::Direction,
    text::{Occurrence, Padding, Tokens},
    weights::{Processing, WeightViews},
};
