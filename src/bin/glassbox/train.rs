//! `glassbox train`: makes a shipped model again.

use crate::{Outcome, args::Args};
use glassbox::train::{Progress, induction::Recipe};

pub fn run(mut args: Args) -> Outcome<()> {
    let folder = args.option("--out")?.unwrap_or_else(|| "data/induction-2l".into());
    let (steps, seed) = (args.number("--steps")?, args.number("--seed")?);
    let name = args.word("the recipe")?;
    args.done()?;
    if name != "induction" {
        return Err(format!("there is no recipe `{name}`; the recipes are: induction").into());
    }
    let mut recipe = Recipe::default();
    recipe.schedule.steps = steps.unwrap_or(recipe.schedule.steps);
    recipe.seed = seed.unwrap_or(recipe.seed);
    let trained = recipe.train(report)?;
    trained.save(&folder)?;
    println!("{}", trained.evaluation);
    println!("written to {folder}");
    Ok(())
}

/// One line now and then.
fn report(progress: &Progress) {
    if progress.step.is_multiple_of(50) || progress.step == progress.steps {
        let Progress { step, steps, loss, .. } = progress;
        let (elapsed, left) = (progress.elapsed.as_secs(), progress.left().as_secs());
        println!("step {step:>5} of {steps}   loss {loss:.4}   {elapsed} s gone, {left} s left");
    }
}
