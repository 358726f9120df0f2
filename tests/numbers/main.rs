//! Numbers held against PyTorch, against exact identities, and against published activations.

mod attribution;
mod bad_input;
mod circuits;
mod command;
mod decompose;
mod encoders;
mod families;
mod families_llama;
mod generate;
mod gradients;
mod identities;
mod modular;
mod oracle;
mod patching;
mod readings;
mod reference;
mod running;
mod saving;
mod t5;
mod table;
mod tiny;
mod trained;
mod weights;
