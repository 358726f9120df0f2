//! Numbers held against PyTorch, against exact identities, and against published activations.

mod attribution;
mod bad_input;
mod circuits;
mod command;
mod decompose;
mod edges;
mod encoders;
mod families;
mod families_llama;
mod generate;
mod gradients;
mod identities;
mod oracle;
mod patching;
mod paths;
mod readings;
mod reference;
mod running;
mod steering;
mod t5;
mod table;
mod tiny;
mod tl_patching;
mod tracing;
mod trained;
mod weights;
