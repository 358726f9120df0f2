//! `glassbox train`: makes a shipped model again.

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

/// Steps from one progress line to the next, and from one checkpoint to the next.
const REPORT: usize = 50;
const PUT_ASIDE: usize = 250;
/// Where models go whose folder is not named. The shipped ones are elsewhere.
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

    let place = place(out, resume, recipe.name())?;
    let aside = place.join("training.safetensors");
    let mut training = if resume { Training::take_up(recipe, &aside)? } else { Training::start(recipe)? };
    training.check(&place)?;
    say(format_args!("{} into {}", training.recipe().name(), place.display()))?;
    // What cannot be written is known before the first step.
    training.put_aside(&aside)?;
    follow(&mut training, &place, &aside).map_err(|error| kept(&training, &aside, error))?;
    fs::remove_file(&aside).map_err(|error| format!("{} cannot be removed: {error}", aside.display()))?;
    say(training.recipe().evaluate(&training.model()?)?)?;
    say(format_args!("written to {}", place.display()))
}

/// The folder to write to, which holds nothing that would be lost.
fn place(out: Option<String>, resume: bool, name: &str) -> Outcome<PathBuf> {
    let own = out.is_none();
    let place = out.map_or_else(|| Path::new(TRAINED).join(name), PathBuf::from);
    let shown = place.display();
    if resume {
        Ok(place)
    } else if place.join("training.safetensors").exists() {
        Err(format!(
            "a training that was put aside is in {shown}; go on with it with --resume, name another folder with --out, or \
             delete {}",
            place.join("training.safetensors").display()
        )
        .into())
    } else if own && place.exists() {
        Err(format!("{shown} is there already; write over it with --out {shown}, or name another folder with --out")
            .into())
    } else {
        Ok(place)
    }
}

/// Every step, and the model written.
fn follow(training: &mut Training, place: &Path, aside: &Path) -> Outcome<()> {
    training.keep(place)?;
    let mut unsaid = None;
    let done = training.run(|training| {
        let progress = training.progress();
        if progress.step.is_multiple_of(PUT_ASIDE) {
            // There may be room again by the time the model is done.
            training
                .put_aside(aside)
                .unwrap_or_else(|error| warn(format_args!("warning: {error}; the training goes on")));
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

/// Keeps what was learnt before a failure, and says where: beside the model, or where temporary files go when there is
/// no room.
fn kept(training: &Training, aside: &Path, error: Box<dyn std::error::Error>) -> Box<dyn std::error::Error> {
    let elsewhere = env::temp_dir().join(format!("glassbox-training-{}.safetensors", process::id()));
    let at = format!("the training up to step {}", training.progress().step);
    let words = if training.put_aside(aside).is_ok() {
        format!("{at} is kept in {}; go on with it with --resume", aside.display())
    } else if training.put_aside(&elsewhere).is_ok() {
        format!("{at} is kept in {}; move it to {} and go on with --resume", elsewhere.display(), aside.display())
    } else {
        format!("{at} could not be kept; what was put aside before it is in {}", aside.display())
    };
    match error.downcast_ref().is_some_and(Unsaid::unread) {
        true => error,
        false => format!("{error}; {words}").into(),
    }
}
