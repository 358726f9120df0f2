//! Saving a training and resuming it exactly where it stopped.

use super::{Curve, History, Recipe, Training, adamw::Moments, sealed};
use crate::{
    Error, Result,
    error::TrainError,
    files,
    tensor::{HOST, from_values},
};
use candle_core::Tensor;
use std::{fs, path::Path};

impl Training {
    /// Saves the training to a safetensors file: weights, moments, losses, step, the recipe's settings, and a checksum
    /// of all of them.
    ///
    /// The file is [replaced as a whole](files), so a kill while saving leaves the previous file.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub fn put_aside(&self, path: impl AsRef<Path>) -> Result<()> {
        let (path, cpu) = (path.as_ref(), &HOST);
        let settings = format!("{:?}", self.recipe).into_bytes();
        let mut tensors = vec![
            ("step".into(), Tensor::new(&[self.step as u32], cpu)?),
            ("recipe".into(), Tensor::from_slice(&settings, settings.len(), cpu)?),
            ("loss.train".into(), tensor(&self.history.train)?),
            ("loss.held_out".into(), tensor(&self.history.held_out)?),
        ];
        for ((name, var), Moments { first, second }) in self.parameters.vars.iter().zip(&self.optimiser.0) {
            tensors.push((format!("weight.{name}"), var.as_tensor().clone()));
            tensors.push((format!("first.{name}"), Tensor::from_slice(first, first.len(), cpu)?));
            tensors.push((format!("second.{name}"), Tensor::from_slice(second, second.len(), cpu)?));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::make_folder(folder)?;
        }
        files::write(path, sealed::seal(tensors)?)
    }

    /// Resumes a saved training.
    ///
    /// It ends with exactly the same weights as one that was never interrupted.
    ///
    /// # Errors
    /// Fails when the file does not exist or is damaged, or the recipe's settings have changed.
    pub fn take_up(recipe: Box<dyn Recipe>, path: impl AsRef<Path>) -> Result<Self> {
        recipe.check()?;
        let path = path.as_ref();
        if !path.is_file() {
            return Err(TrainError::NothingToResume { path: path.to_owned() }.into());
        }
        let damaged = |why: String| Error::from(TrainError::Damaged { path: path.to_owned(), why });
        let bytes = fs::read(path).map_err(|error| Error::io(format!("{} cannot be read", path.display()), error))?;
        let tensors = sealed::open(&bytes).map_err(damaged)?;
        let get = |name: &str| tensors.get(name).ok_or_else(|| damaged(format!("it has no `{name}`")));

        let then = String::from_utf8_lossy(&get("recipe")?.to_vec1::<u8>()?).into_owned();
        let now = format!("{recipe:?}");
        if then != now {
            return Err(TrainError::OtherRecipe { path: path.to_owned(), then, now }.into());
        }
        let mut training = Self::start(recipe)?;
        training.step = get("step")?.reshape(())?.to_scalar::<u32>()? as usize;
        training.history = History { train: curve(get("loss.train")?)?, held_out: curve(get("loss.held_out")?)? };
        for ((name, var), moments) in training.parameters.vars.iter().zip(&mut training.optimiser.0) {
            let part = |which: &str, shape: &[usize]| {
                let (name, tensor) = (format!("{which}.{name}"), get(&format!("{which}.{name}"))?);
                let why =
                    || damaged(format!("its `{name}` has the shape {:?}, but the recipe has {shape:?}", tensor.dims()));
                if tensor.dims() == shape { Ok::<_, Error>(tensor) } else { Err(why()) }
            };
            var.set(part("weight", var.dims())?)?;
            let moment = |which: &str| Ok::<_, Error>(part(which, &[var.elem_count()])?.to_vec1()?);
            *moments = Moments { first: moment("first")?, second: moment("second")? };
        }
        Ok(training)
    }
}

/// `[point, 2]`: step and loss. Steps are exact as f32, because training ends long before 2^24 of them.
fn tensor(curve: &Curve) -> Result<Tensor> {
    let flat: Vec<f32> = curve.points().iter().flat_map(|&(step, loss)| [step as f32, loss]).collect();
    let points = curve.points().len();
    Ok(from_values(flat, (points, 2))?)
}

fn curve(tensor: &Tensor) -> Result<Curve> {
    let points: Vec<Vec<f32>> = tensor.to_vec2()?;
    let point = |point: &Vec<f32>| Some((*point.first()? as usize, *point.get(1)?));
    Ok(Curve::new(points.iter().filter_map(point).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::recipe;

    fn short(steps: usize) -> Box<dyn Recipe> {
        let mut recipe = recipe("induction").unwrap();
        recipe.schedule_mut().steps = steps;
        recipe.schedule_mut().evaluate_every = 2;
        recipe
    }

    fn weights(training: &Training) -> Vec<Vec<f32>> {
        training.parameters.vars.values().map(|var| var.flatten_all().unwrap().to_vec1().unwrap()).collect()
    }

    #[test]
    fn a_training_that_was_killed_ends_with_the_weights_of_one_that_was_not() {
        let path = std::env::temp_dir().join(format!("glassbox-training-{}.safetensors", std::process::id()));
        let mut whole = Training::start(short(6)).unwrap();
        whole.run(|_| Ok(())).unwrap();

        let mut killed = Training::start(short(6)).unwrap();
        let kill = |training: &Training| match training.step {
            4 => Err(TrainError::NoTexts { step: 4 }.into()),
            3 => training.put_aside(&path),
            _ => Ok(()),
        };
        assert!(killed.run(kill).is_err());
        let mut resumed = Training::take_up(short(6), &path).unwrap();
        assert_eq!(resumed.step, 3);
        resumed.run(|_| Ok(())).unwrap();
        assert_eq!(weights(&resumed), weights(&whole));
        assert_eq!(resumed.history, whole.history);

        let error = Training::take_up(short(7), &path).unwrap_err().to_string();
        assert!(error.contains("steps: 6") && error.contains("steps: 7"), "{error}");
        fs::write(&path, b"not a training").unwrap();
        assert!(Training::take_up(short(6), &path).unwrap_err().to_string().contains("is not an interrupted training"));
        fs::remove_file(&path).unwrap();
        assert!(Training::take_up(short(6), &path).unwrap_err().to_string().contains("--resume"));
    }

    #[test]
    fn a_training_that_was_damaged_is_not_taken_up() {
        use rand::{Rng, SeedableRng, rngs::StdRng};
        let path = std::env::temp_dir().join(format!("glassbox-damaged-{}.safetensors", std::process::id()));
        Training::start(short(6)).unwrap().put_aside(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        assert!(sealed::open(&whole).is_ok());
        let mut rng = StdRng::seed_from_u64(0);
        // Damage at all places, often in the header, which holds the names, the shapes and the checksum itself.
        let damaged = (0..400).map(|case| {
            let mut bytes = whole.clone();
            let at = rng.random_range(0..if case % 2 == 0 { 300 } else { bytes.len() });
            match case % 5 {
                0 => bytes.truncate(at),
                1 => bytes.extend(vec![0; 1 + at % 9]),
                2 => drop(bytes.remove(at)),
                _ => bytes[at] ^= 1 << (at % 8),
            }
            (case, bytes)
        });
        for (case, bytes) in damaged {
            assert!(sealed::open(&bytes).is_err(), "case {case} is taken for whole");
        }
        for at in [9, 40, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            let error = Training::take_up(short(6), &path).unwrap_err().to_string();
            assert!(error.contains("is not an interrupted training") && error.contains("delete it"), "{error}");
        }
        fs::write(&path, whole).unwrap();
        Training::take_up(short(6), &path).unwrap();
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_training_without_a_step_writes_nothing() {
        let folder = std::env::temp_dir().join(format!("glassbox-no-steps-{}", std::process::id()));
        let error = Training::start(short(1)).unwrap().write(&folder).unwrap_err().to_string();
        assert!(error.contains("a single step") && !folder.exists(), "{error}");
    }
}
