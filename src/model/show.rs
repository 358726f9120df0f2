//! How models and runs print.

use super::{Model, Run};
use std::fmt;

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.config();
        write!(f, "Model {} ({}, {} layers of {} heads)", self.name(), config.family, config.n_layers, config.n_heads)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Run of {} over {:?}, {} sites recorded",
            self.model().name(),
            self.tokens().strings(0),
            self.cache().len()
        )
    }
}
