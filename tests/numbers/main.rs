//! Numbers held against PyTorch, against exact identities, and against published activations.

mod bad_input;
mod circuits;
mod decompose;
mod encoders;
mod families_llama;
mod generate;
mod gradients;
mod identities;
mod oracle;
mod patching;
mod reference;
mod running;
mod t5;
mod tiny;
mod trained;
mod weights;
