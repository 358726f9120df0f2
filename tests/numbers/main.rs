//! Numbers held against PyTorch, against exact identities, and against published activations.

mod attribution;
mod bad_input;
mod circuits;
mod command;
#[cfg(unix)]
mod command_writing;
mod decompose;
mod edges;
mod encoders;
mod factored;
mod families;
mod families_llama;
mod generate;
mod generate_texts;
mod gradients;
mod grammar;
mod identities;
mod means;
mod measures;
mod modular;
mod oracle;
mod pairs;
mod patching;
mod paths;
mod positions;
mod readings;
mod reference;
mod running;
mod saving;
mod selections;
mod shortformer;
mod standing;
mod steering;
mod stream_forms;
mod streams;
mod t5;
mod table;
mod tiny;
mod tl_patching;
mod tracing;
mod trained;
mod views;
mod weights;
mod weights_native;
#[cfg(unix)]
mod writing;
