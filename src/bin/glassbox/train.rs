//! `glassbox train`: makes a shipped model again.

use crate::{Outcome, args::Args};
use glassbox::train::{self, Training};
use std::{fs, path::PathBuf};

/// Steps from one progress line to the next, and from one checkpoint to the next.
const REPORT: usize = 50;
const PUT_ASIDE: usize = 250;
/// More steps than any recipe takes.
const MOST_STEPS: usize = 1_000_000_000;

pub fn run(mut args: Args) -> Outcome<()> {
    let (out, resume) = (args.option("--out")?, args.flag("--resume"));
    let (steps, seed) = (args.number("--steps", 1..=MOST_STEPS)?, args.number("--seed", 0..=u64::MAX)?);
    let mut recipe = train::recipe(&args.word("the recipe")?)?;
    args.done()?;
    let schedule = recipe.schedule_mut();
    schedule.steps = steps.unwrap_or(schedule.steps);
    schedule.seed = seed.unwrap_or(schedule.seed);

    let folder = out.map_or_else(|| PathBuf::from("data").join(recipe.name()), PathBuf::from);
    let aside = folder.join("training.safetensors");
    let mut training = if resume { Training::take_up(recipe, &aside)? } else { Training::start(recipe)? };
    training.keep(&folder)?;
    training.run(|training| {
        let progress = training.progress();
        if progress.step.is_multiple_of(REPORT) || progress.step == progress.steps {
            println!("{progress}");
        }
        training.keep(&folder)?;
        if progress.step.is_multiple_of(PUT_ASIDE) { training.put_aside(&aside) } else { Ok(()) }
    })?;
    training.write(&folder)?;
    println!("{}", training.recipe().evaluate(&training.model()?)?);
    println!("written to {}", folder.display());
    if aside.exists() {
        fs::remove_file(aside)?;
    }
    Ok(())
}
