//! Trained models: published activations, losses and probabilities.
