//! `glassbox train`: trains a shipped model again.

use crate::{
    Outcome,
    args::Args,
    say::{Unsaid, say, warn},
};
use glassbox::{
    candle_core,
    train::{self, Training},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

/// The number of steps between progress lines.
const REPORT: usize = 50;
const PUT_ASIDE: usize = 250;
/// The default folder for trained models. The shipped ones are elsewhere.
const TRAINED: &str = "trained";
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

    let place = folder_to_write(out, resume, recipe.name())?;
    let aside = place.join("training.safetensors");
    let mut training = if resume { Training::take_up(recipe, &aside)? } else { Training::start(recipe)? };
    training.check(&place)?;
    say(format_args!("{} into {}", training.recipe().name(), place.display()))?;
    // Saves at once, so that a folder that cannot be written to is noticed before the first step.
    training.put_aside(&aside)?;
    follow(&mut training, &place, &aside).map_err(|error| kept(&training, &aside, error))?;
    fs::remove_file(&aside).map_err(|error| format!("{} cannot be removed: {error}", aside.display()))?;
    say(training.recipe().evaluate(&training.model()?)?)?;
    say(format_args!("written to {}", place.display()))
}

/// Returns the folder to write to, after checking that nothing in it would be lost.
fn folder_to_write(out: Option<String>, resume: bool, name: &str) -> Outcome<PathBuf> {
    let own = out.is_none();
    let place = out.map_or_else(|| Path::new(TRAINED).join(name), PathBuf::from);
    let shown = place.display();
    if resume {
        Ok(place)
    } else if place.join("training.safetensors").exists() {
        Err(format!(
            "a stopped training is in {shown}; continue it with --resume, name another folder with --out, or \
             delete {}",
            place.join("training.safetensors").display()
        )
        .into())
    } else if own && place.exists() {
        Err(format!("{shown} already exists; overwrite it with --out {shown}, or name another folder with --out")
            .into())
    } else {
        Ok(place)
    }
}

/// Runs all steps and saves the model.
fn follow(training: &mut Training, place: &Path, aside: &Path) -> Outcome<()> {
    training.keep(place)?;
    let mut unsaid = None;
    let done = training.run(|training| {
        let progress = training.progress();
        if progress.step.is_multiple_of(PUT_ASIDE) {
            // A failure here is not fatal, because there may be space again later.
            training
                .put_aside(aside)
                .unwrap_or_else(|error| warn(format_args!("warning: {error}; the training continues")));
        }
        training.keep(place)?;
        if progress.step.is_multiple_of(REPORT) || progress.step == progress.steps {
            say(progress).map_err(|error| {
                unsaid = Some(error);
                candle_core::Error::msg("standard output cannot be written")
            })?;
        }
        Ok(())
    });
    unsaid.map_or(Ok(()), Err)?;
    done?;
    Ok(training.write(place)?)
}

/// Saves the training after a failure and says where: next to the model, or in the folder for temporary files if there
/// is no space.
fn kept(training: &Training, aside: &Path, error: Box<dyn std::error::Error>) -> Box<dyn std::error::Error> {
    let elsewhere = env::temp_dir().join(format!("glassbox-training-{}.safetensors", process::id()));
    let at = format!("the training up to step {}", training.progress().step);
    let words = if training.put_aside(aside).is_ok() {
        format!("{at} is saved in {}; continue it with --resume", aside.display())
    } else if training.put_aside(&elsewhere).is_ok() {
        format!("{at} is saved in {}; move it to {} and continue with --resume", elsewhere.display(), aside.display())
    } else {
        format!("{at} could not be saved; an earlier state is in {}", aside.display())
    };
    match error.downcast_ref().is_some_and(Unsaid::unread) {
        true => error,
        false => format!("{error}; {words}").into(),
    }
}
