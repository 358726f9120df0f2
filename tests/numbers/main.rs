//! Numbers held against PyTorch, against exact identities, and against published activations.

mod bad_input;
mod families;
mod gradients;
mod identities;
mod oracle;
mod reference;
mod running;
mod tiny;
mod trained;
