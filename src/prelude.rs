//! What a notebook imports: `use glassbox::prelude::*;`.
//!
//! It holds what nearly every notebook needs: models, sites, interventions, analyses, pictures, and candle's tensors
//! (the same types as [`glassbox::candle_core`](crate::candle_core)). [The guide](crate::guide) lists everything else
//! by task.
//!
//! # Names
//! Your own names win over those of the prelude: after `let mean = 3.0;`, `fn add(..)`, `struct Features` or
//! `use other::Model;` the name means yours, without an error. That is why short verbs such as [`add`], [`mean`] and
//! [`row()`] can be here.
//!
//! Two `::*` imports that hold different things under one name are an error, but only where the name is used.
//! `use ndarray::*;` shares no name with the prelude. `use candle_core::*;` shares two, [`Result`] and [`IndexOp`]:
//! import candle's items by name, or write `glassbox::Result` for this crate's. [`Error`](crate::Error) is not in the
//! prelude, so `Error` is free for your own import; write `glassbox::Error`.

#[doc(no_inline)]
pub use crate::{
    Model, Result,
    audio::Audio,
    cache::ActivationCache,
    circuits::{
        Composition, Detector, FactoredMatrix, HeadType, compare_heads, composition_scores, head_scores, label_heads,
        map_heads, repeated_random_tokens, svd,
    },
    generate::Generated,
    hook::{
        Intervention, Narrow as _, Point, Site, Sites, Stored, ablate_direction, add, block_attention, edit, edit_at,
        edit_gradient, mean, observe, observe_at, patch, replace, scale, store, zero,
    },
    lens::LogitLens,
    load::{Checkpoint, Hub},
    model::{Answers, Pass, PromptTest, Run, compare_losses, exactly},
    ndarray::{Array1, Array2, Array3},
    notebook::{Show, display},
    patching::{
        Alignment, Circuit, Corruption, EdgeScores, HeadPart, IoiPrompts, Metric, Noise, PatchSweep, Patching,
        PromptPair, PromptPairs, Receiver, Sender, clean,
    },
    plot::{
        AttentionHeads, AttentionPattern, AxisNames as _, Bars, Figure, Heatmap, LayerGraph, LensTable, LineChart,
        Palette, Scatter, Series, Statistic, ToFigure as _, TokenText, WordTable, column, row, tabs,
    },
    probe::{Examples, Features, Labels, Score, SparseProbe, curve_over_k, curve_over_layers, curve_over_layers_and_k},
    steering::Direction,
    tensor::{D, DType, Device, IndexOp, Softmax as _, Tensor, Var, log_softmax, softmax},
    text::{Occurrence, Padding, Tokens},
    weights::{Processing, WeightViews},
};
