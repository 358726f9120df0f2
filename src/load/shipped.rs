//! The models inside the crate (feature `models`).

use crate::{Result, error::LoadError, load::Checkpoint};

/// The files of one shipped model, with the weights of the training steps that were kept.
struct Files {
    name: &'static str,
    config: &'static str,
    weights: &'static [u8],
    tokenizer: &'static [u8],
    kept: &'static [(usize, &'static [u8])],
}

#[cfg(feature = "models")]
macro_rules! files {
    ($folder:literal $(, $step:literal)*) => {
        Files {
            name: $folder,
            config: include_str!(concat!("../../data/", $folder, "/config.json")),
            weights: include_bytes!(concat!("../../data/", $folder, "/model.safetensors")),
            tokenizer: include_bytes!(concat!("../../data/", $folder, "/tokenizer.json")),
            kept: &[$((
                $step,
                include_bytes!(concat!("../../data/", $folder, "/checkpoints/", $step, ".safetensors")),
            )),*],
        }
    };
}

#[cfg(feature = "models")]
static SHIPPED: &[Files] = &[
    files!("induction-2l"),
    files!("grammar-4l"),
    files!("modular-addition-1l", 0, 50, 100, 150, 200, 300, 500, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 3000),
];
#[cfg(not(feature = "models"))]
static SHIPPED: &[Files] = &[];

/// The names of the shipped models, whether or not this build contains them.
pub(crate) const NAMES: [&str; 3] = ["induction-2l", "grammar-4l", "modular-addition-1l"];

/// The checkpoint of a shipped model, or `None` if no shipped model has this name. `NAME@STEP` is the model at a step
/// of its training.
pub(crate) fn checkpoint(place: &str) -> Option<Result<Checkpoint>> {
    let (name, step) = place.split_once('@').map_or((place, None), |(name, step)| (name, Some(step)));
    NAMES.contains(&name).then(|| read(place, name, step))
}

fn read(place: &str, name: &str, step: Option<&str>) -> Result<Checkpoint> {
    let files = SHIPPED.iter().find(|files| files.name == name);
    let files = files.ok_or_else(|| LoadError::ModelsLeftOut { name: name.into() })?;
    let weights = match step {
        None => files.weights,
        Some(step) => {
            let kept = files.kept.iter().find(|(kept, _)| step.parse() == Ok(*kept));
            let known = || files.kept.iter().map(|(step, _)| step.to_string()).collect::<Vec<_>>();
            kept.ok_or_else(|| LoadError::NoSuchStep { name: name.into(), step: step.into(), known: known() })?.1
        }
    };
    let checkpoint = Checkpoint::from_bytes(place, files.config, weights.to_vec(), Some(files.tokenizer))?;
    Ok(Checkpoint { origin: "inside glassbox".into(), ..checkpoint })
}

#[cfg(all(test, feature = "models"))]
mod tests {
    use super::*;
    use crate::{Model, train::modular};

    #[test]
    fn every_shipped_model_opens_and_says_so() {
        for name in NAMES {
            let model = Model::open(name).unwrap();
            assert_eq!([model.name(), model.origin()], [name, "inside glassbox"]);
            assert!(model.tokenizer().is_some());
        }
    }

    #[test]
    fn a_model_opens_as_it_was_at_every_step_that_was_kept_and_at_no_other() {
        for step in modular::CHECKPOINTS {
            assert!(Model::open(format!("modular-addition-1l@{step}")).is_ok(), "{step}");
        }
        let kept = SHIPPED.iter().find(|files| files.name == "modular-addition-1l").unwrap().kept;
        assert!(kept.iter().map(|(step, _)| step).eq(modular::CHECKPOINTS));
        for (place, says) in [
            ("modular-addition-1l@1", "it was kept at 0, 50"),
            ("modular-addition-1l@end", "`end`"),
            ("induction-2l@5", "no step but its last"),
        ] {
            let error = Model::open(place).unwrap_err();
            assert!(error.is_load() && error.to_string().contains(says), "{error}");
        }
    }
}
