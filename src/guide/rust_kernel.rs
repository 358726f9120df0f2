//! The Rust kernel, honestly.
