//! The `glassbox` program: a tour without Jupyter, the recipes of the shipped models, and activations to a file.
//!
//! To add a command, add a file here, its arm in `run`, and its usage to `HELP`.

mod activations;
mod args;
mod say;
mod tour;
mod train;

use args::Args;
use say::{end, say};
use std::process::ExitCode;

const HELP: &str = "\
glassbox: open a transformer and look inside

usage:
  glassbox tour [--out FILE.html]
      Writes one page with pictures of a shipped model and prints its path.

  glassbox train RECIPE [--out FOLDER] [--steps N] [--seed N] [--resume]
      Trains a shipped model again, into trained/NAME unless --out names a folder. --resume continues a training
      that was stopped.
      Recipes: induction, grammar, modular-addition.

  glassbox activations MODEL (--text TEXT | --tokens 1,2,3) [--sites PATTERN]... [--bos | --no-bos] --out FILE.safetensors
      Runs a model and writes every activation under its TransformerLens name, without the batch axis, and `logits`.
      MODEL is a folder, a .gguf file, a shipped name (induction-2l) or a hub id (needs the feature `hub`).
      --sites keeps the sites whose name matches; `*` stands for anything. Without it all sites are written.
      --bos and --no-bos decide whether a beginning-of-text token is added. The default depends on the model.
";

/// Any failure, as one sentence.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    end(words().and_then(|words| run(Args::new(words))))
}

/// Returns the arguments after the program's name.
fn words() -> Outcome<Vec<String>> {
    let read = |word: std::ffi::OsString| {
        let unread = |word: std::ffi::OsString| {
            format!(
                "the argument `{}` is not UTF-8; rename the file, or make a link to it with another name",
                word.display()
            )
        };
        Ok(word.into_string().map_err(unread)?)
    };
    std::env::args_os().skip(1).map(read).collect()
}

fn run(mut args: Args) -> Outcome<()> {
    match args.command().as_deref() {
        Some("tour") => tour::run(args),
        Some("train") => train::run(args),
        Some("activations") => activations::run(args),
        None | Some("help" | "--help" | "-h") => say(HELP.trim_end()),
        Some(other) => {
            Err(format!("there is no command `{other}`; the commands are tour, train and activations").into())
        }
    }
}
