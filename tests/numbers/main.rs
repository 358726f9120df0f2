//! Numbers held against PyTorch, against exact identities, and against published activations.

mod gradients;
mod identities;
mod oracle;
mod reference;
mod tiny;
mod trained;
