/// What can be wrong with what is asked of a run.
#[derive(thiserror::Error, Debug)]
pub(crate) enum RunError {
    #[error("this run computed no logits; leave out without_logits and stop_at_layer to get them")]
    NoLogits,
    #[error("this run computed no gradients; ask for them with pass(..)?.differentiate(sites, metric)")]
    NoGradients,
    #[error("the logits at position {position} were not computed, only those at {computed}; add it to logits_at")]
    NotComputed { position: usize, computed: String },
    #[error("layer {layer} is out of range: this model has {n_layers} layers, 0 to {}", n_layers.saturating_sub(1))]
    Layer { layer: usize, n_layers: usize },
    #[error("a gradient needs one number to differentiate; the metric gave shape {shape:?}")]
    NotScalar { shape: Vec<usize> },
    #[error("the metric does not depend on `{site}`, so there is no gradient there")]
    NoGradient { site: String },
    #[error(
        "this pass stops before layer {stop_at} and does not reach `{site}`; move stop_at_layer or leave the site out"
    )]
    NotReached { site: String, stop_at: usize },
}
