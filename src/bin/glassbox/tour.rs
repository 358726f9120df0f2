//! `glassbox tour`: the first notebook's pictures on one page, without Jupyter.

use crate::{Outcome, args::Args, say::say};
use glassbox::{
    circuits::head_scores,
    files,
    notebook::Show,
    plot::{Heatmap, row},
    prelude::*,
};
use ndarray::Array2;
use std::{env, fs, path::PathBuf};

const TEXT: &str = "red fox blue owl tree red fox blue owl";

pub fn run(mut args: Args) -> Outcome<()> {
    let out = args.option("--out")?.map_or_else(|| env::temp_dir().join("glassbox-tour.html"), PathBuf::from);
    args.done()?;
    files::check(&out)?;
    files::write(&out, page()?)?;
    say(fs::canonicalize(&out)?.display())
}

fn page() -> Outcome<String> {
    let model = Model::open("induction-2l")?;
    let run = model.run(TEXT)?;
    let scores = head_scores(&run)?;
    let (early_layer, early, _) = scores.strongest_previous_token();
    let (layer, ..) = scores.strongest_induction();
    // Several heads may attend to the right word. The important one is the one whose removal hurts most.
    let remaining = remaining(&model)?;
    let head =
        (0..model.config().n_heads).reduce(|a, b| if remaining[[layer, b]] < remaining[[layer, a]] { b } else { a });
    let head = head.ok_or("the model has no heads")?;
    let score = scores.induction[[layer, head]];
    let without = model.run_with(TEXT, [zero(Site::z(layer)).head(head as i64)])?;
    let sections = [
        section(
            "A model that continues lists",
            "This small transformer was trained on lists of repeated words. It ships inside the crate.",
            &model,
        ),
        section(
            "What it reads",
            "The text, cut into tokens. Hover over a token to see its position and id.",
            &run.tokens(),
        ),
        section(
            "What it predicts",
            "It expects the word that came after an earlier copy of the last word.",
            &run.next_tokens(-1, 6)?,
        ),
        section(
            "What its heads attend to",
            &format!(
                "Three scores for every head. L{early_layer}H{early} attends to the previous word. L{layer}H{head} \
                 attends to the word after an earlier copy ({:.0} % of its attention): it is an induction head.",
                100.0 * score
            ),
            &scores,
        ),
        section(
            "The two heads side by side",
            "Each row is a word that attends; each column is a word that is attended to.",
            &row([run.attention_head(early_layer, early)?, run.attention_head(layer, head)?]),
        ),
        section(
            "The answer forms",
            "The logit lens: what the model would predict before each layer. The right word appears only \
             at the output, after the induction head.",
            &run.logit_lens()?,
        ),
        section(
            "Without that head",
            &format!("With L{layer}H{head} set to zero, the right word is no longer likely."),
            &without.next_tokens(-1, 6)?,
        ),
        section(
            "Which heads matter",
            "The right word's probability when one head at a time is set to zero.",
            &Heatmap::new(remaining)
                .title("Probability with one head set to zero")
                .x_index("head")
                .y_index("layer")
                .range(0.0, 1.0)
                .value("probability")
                .upward()
                .draw()?,
        ),
    ];
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>A tour of glassbox</title></head>\n\
         <body style=\"max-width:1000px;margin:32px auto;padding:0 16px;background:#fff;color:#1f2933;\
         font:16px/1.6 system-ui,sans-serif\">\n<h1>A tour of glassbox</h1>\n{}</body>\n</html>\n",
        sections.concat()
    ))
}

fn section(title: &str, words: &str, shown: &impl Show) -> String {
    format!("<h2>{title}</h2>\n<p>{words}</p>\n{}\n", shown.html())
}

/// Returns the right word's probability with each head set to zero in turn.
///
/// # Shapes
/// `[layer, head]`
fn remaining(model: &Model) -> Outcome<Array2<f32>> {
    let answer = &model.run(TEXT)?.predictions(-1, 1)?[0].text;
    let mut remaining = Array2::zeros((model.config().n_layers, model.config().n_heads));
    for ((layer, head), probability) in remaining.indexed_iter_mut() {
        *probability = model.run_with(TEXT, [zero(Site::z(layer)).head(head as i64)])?.probability(answer, -1)?;
    }
    Ok(remaining)
}
