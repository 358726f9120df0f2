//! What a notebook imports: `use glassbox::prelude::*;`.
//!
//! It holds what nearly every notebook needs: models, sites, interventions, readings, pictures, and candle's tensors
//! (the same types as [`glassbox::candle_core`](crate::candle_core)). [The guide](crate::guide) names by task what else
//! there is and where.
//!
//! # Names
//! A name of your own wins over one of the prelude: `let mean = 3.0;`, `fn add(..)`, `struct Features` and
//! `use other::Model;` all mean yours from then on, without an error. So short verbs such as [`add`], [`mean`] and
//! [`row()`] may be here.
//!
//! Two `::*` imports that hold different things under one name are an error, but only where the name is used.
//! `use ndarray::*;` shares no name with the prelude. `use candle_core::*;` shares two, [`Result`]
//! and [`IndexOp`]: import candle's things by name, or write `glassbox::Result` where you mean that.
//! [`Error`](crate::Error) itself is not here, so that `Error` may be whatever you import; write `glassbox::Error`.

#[doc(no_inline)]
pub use crate::{
    Model, Result,
    audio::Audio,
    cache::ActivationCache,
    circuits::{
        Composition, Detector, FactoredMatrix, Habit, compare_heads, composition_scores, head_scores, label_heads,
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
        Palette, Scatter, Series, Statistic, TokenText, WordTable, column, row, tabs,
    },
    probe::{Examples, Features, Labels, Score, SparseProbe, curve_over_layers},
    steering::Direction,
    tensor::{D, DType, Device, IndexOp, Softmax as _, Tensor, Var, log_softmax, softmax},
    text::{Occurrence, Padding, Tokens},
    weights::{Processing, WeightViews},
};
