//! A training put aside, and taken up again exactly where it was.

use super::{Curve, History, Recipe, Training, adamw::Moments};
use crate::{Error, Result, cache::save_tensors, error::TrainError};
use candle_core::{Device, Tensor};
use std::{collections::HashMap, fs, path::Path};

impl Training {
    /// Puts the training aside in a safetensors file: weights, moments, losses, step. The file is replaced whole, so a
    /// kill in between leaves the one before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_aside(&self, path: impl AsRef<Path>) -> Result<()> {
        let (path, cpu) = (path.as_ref(), &Device::Cpu);
        let failed = |error| Error::io(format!("{} cannot be written", path.display()), error);
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
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let partial = path.with_extension("partial");
        save_tensors(&tensors, &partial)?;
        fs::rename(&partial, path).map_err(failed)
    }

    /// Takes up a training that was put aside. It ends with the same weights, to the bit, as one that was never
    /// interrupted.
    ///
    /// # Errors
    /// When there is none, the file is damaged, or the recipe has other settings than then.
    pub fn take_up(recipe: Box<dyn Recipe>, path: impl AsRef<Path>) -> Result<Self> {
        recipe.check()?;
        let path = path.as_ref();
        if !path.is_file() {
            return Err(TrainError::NothingToResume { path: path.to_owned() }.into());
        }
        let damaged = |why: String| TrainError::Damaged { path: path.to_owned(), why };
        let tensors: HashMap<String, Tensor> =
            candle_core::safetensors::load(path, &Device::Cpu).map_err(|error| damaged(error.to_string()))?;
        let get = |name: &str| tensors.get(name).ok_or_else(|| damaged(format!("it has no `{name}`")));

        let then = String::from_utf8_lossy(&get("recipe")?.to_vec1::<u8>()?).into_owned();
        let now = format!("{recipe:?}");
        if then != now {
            return Err(TrainError::OtherRecipe { path: path.to_owned(), then, now }.into());
        }
        let mut training = Self::start(recipe)?;
        let step = get("step")?.to_vec1::<u32>()?;
        training.step = step.first().copied().unwrap_or(0) as usize;
        training.history = History { train: curve(get("loss.train")?)?, held_out: curve(get("loss.held_out")?)? };
        for ((name, var), moments) in training.parameters.vars.iter().zip(&mut training.optimiser.0) {
            var.set(get(&format!("weight.{name}"))?)?;
            let part = |which: &str| Ok::<_, Error>(get(&format!("{which}.{name}"))?.to_vec1::<f32>()?);
            *moments = Moments { first: part("first")?, second: part("second")? };
        }
        Ok(training)
    }
}

/// `[point, 2]`: step and loss. Steps stay exact, since training ends long before 2^24 of them.
fn tensor(curve: &Curve) -> Result<Tensor> {
    let flat: Vec<f32> = curve.points().iter().flat_map(|&(step, loss)| [step as f32, loss]).collect();
    let points = curve.points().len();
    Ok(Tensor::from_vec(flat, (points, 2), &Device::Cpu)?)
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
        assert!(Training::take_up(short(6), &path).unwrap_err().to_string().contains("is no training"));
        fs::remove_file(&path).unwrap();
        assert!(Training::take_up(short(6), &path).unwrap_err().to_string().contains("--resume"));
    }
}
