//! `glassbox activations`: writes every activation of one run to a safetensors file.

use crate::{Outcome, args::Args, say::say};
use candle_core::{DType, Tensor};
use glassbox::{Model, axes::Axis, files, hook::Sites, model::Run, text::Tokens};

pub fn run(mut args: Args) -> Outcome<()> {
    let (text, ids) = (args.option("--text")?, args.option("--tokens")?);
    let (patterns, out) = (args.options("--sites")?, args.option("--out")?);
    let bos = match (args.flag("--bos"), args.flag("--no-bos")) {
        (true, true) => return Err("use --bos or --no-bos, not both".into()),
        (true, false) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    let place = args.word("the model")?;
    args.done()?;
    let out = out.ok_or("--out FILE.safetensors is missing")?;

    let model = Model::open(&place)?;
    // This check follows opening the model, which has its own messages about its files.
    files::check(&out)?;
    let tokens = match (text, ids) {
        (Some(text), None) => bos.map_or_else(|| model.tokens(&text), |bos| model.to_tokens(&text, bos))?,
        (None, Some(ids)) => model.tokens(parse_ids(&ids)?)?,
        _ => return Err("use either --text TEXT or --tokens 1,2,3".into()),
    };
    let run = record(&model, &tokens, &patterns)?;
    let tensors = tensors(&run)?;
    let count = tensors.len();
    files::write_tensors(&out, tensors)?;
    say(format_args!("tokens: {:?}", tokens.strings(0)))?;
    if tokens.bos_prepended() {
        say("the first token was added before the text; --no-bos leaves it out")?;
    }
    say(format_args!("{count} tensors in {out}"))
}

fn parse_ids(list: &str) -> Outcome<Vec<u32>> {
    let id = |word: &str| word.trim().parse().map_err(|_| format!("`{word}` in --tokens is not a token id"));
    Ok(list.split(',').map(id).collect::<Result<_, _>>()?)
}

fn record(model: &Model, tokens: &Tokens, patterns: &[String]) -> Outcome<Run> {
    let pass = model.pass(tokens)?;
    let pass = match patterns {
        [] => pass.record(Sites::from(model.sites())),
        patterns => patterns.iter().fold(pass, |pass, pattern| pass.record(pattern.as_str())),
    };
    Ok(pass.run()?)
}

/// Returns name and value as float32, without the batch axis if there is one (tokens that are sent to experts have
/// none).
fn tensors(run: &Run) -> Outcome<Vec<(String, Tensor)>> {
    let mut tensors = Vec::new();
    for (site, tensor) in run.cache().iter() {
        let alone = matches!(site.axes().first(), Some(Axis::Batch | Axis::One));
        tensors.push((site.to_string(), if alone { tensor.get(0)? } else { tensor.clone() }));
    }
    if run.model().config().heads.unembed {
        tensors.push(("logits".into(), run.logits()?.get(0)?));
    }
    let as_float = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?.contiguous()?));
    tensors.into_iter().map(as_float).collect()
}
