//! Finding what heads do.

mod heads;

pub use heads::{HeadScores, head_scores};
