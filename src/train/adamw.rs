//! AdamW ([Loshchilov and Hutter 2019](https://arxiv.org/abs/1711.05101)), with moments that can be saved and restored.

use super::Schedule;
use crate::Result;
use candle_core::{Tensor, Var, backprop::GradStore};

/// Keeps the division finite if a gradient has always been zero.
const EPS: f32 = 1e-8;

/// The running means of one variable's gradient and squared gradient, flattened.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

impl Moments {
    fn zero(count: usize) -> Self {
        Self { first: vec![0.0; count], second: vec![0.0; count] }
    }
}

/// The moments of all variables, which must always be passed in the same order.
#[derive(Clone, Debug)]
pub(super) struct AdamW(pub(super) Vec<Moments>);

impl AdamW {
    pub(super) fn new<'a>(vars: impl Iterator<Item = &'a Var>) -> Self {
        Self(vars.map(|var| Moments::zero(var.elem_count())).collect())
    }

    /// Updates every variable that has a gradient; `step` counts from 0. The arithmetic is the same as candle-nn's, in
    /// the same order.
    pub(super) fn step<'a>(
        &mut self,
        vars: impl Iterator<Item = &'a Var>,
        gradients: &GradStore,
        schedule: &Schedule,
        step: usize,
    ) -> Result<()> {
        let (rate, (beta1, beta2)) = (schedule.rate(step), schedule.betas);
        let unbiased = |beta: f64| (1.0 / (1.0 - beta.powi(step as i32 + 1))) as f32;
        let (scale1, scale2) = (unbiased(beta1), unbiased(beta2));
        let (keep, shrink) = ((1.0 - rate * schedule.weight_decay) as f32, rate as f32);
        let (new1, new2) = ((1.0 - beta1) as f32, (1.0 - beta2) as f32);
        let (old1, old2) = (beta1 as f32, beta2 as f32);
        for (var, moments) in vars.zip(&mut self.0) {
            let Some(gradient) = gradients.get(var) else { continue };
            let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
            let mut weight: Vec<f32> = var.flatten_all()?.to_vec1()?;
            let means = moments.first.iter_mut().zip(&mut moments.second);
            for ((weight, gradient), (first, second)) in weight.iter_mut().zip(gradient).zip(means) {
                *first = *first * old1 + gradient * new1;
                *second = *second * old2 + gradient * gradient * new2;
                let towards = (*first * scale1) / ((*second * scale2).sqrt() + EPS);
                *weight = *weight * keep - towards * shrink;
            }
            var.set(&Tensor::from_vec(weight, var.shape(), var.device())?)?;
        }
        Ok(())
    }
}

/// Scales the whole gradient, taken as one vector, down to length `longest`.
pub(super) fn clip(vars: &[&Var], gradients: &mut GradStore, longest: f64) -> Result<()> {
    let mut squares = 0.0;
    for gradient in vars.iter().filter_map(|var| gradients.get(var)) {
        squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    let factor = longest / squares.sqrt();
    if factor < 1.0 {
        for var in vars {
            if let Some(gradient) = gradients.remove(var) {
                gradients.insert(var, (gradient * factor)?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use candle_nn::Optimizer;

    fn vars() -> [Var; 2] {
        let matrix = Tensor::new(&[[1f32, -2.0, 0.5], [0.1, 0.0, 3.0]], &Device::Cpu).unwrap();
        [Var::from_tensor(&matrix).unwrap(), Var::zeros(3, DType::F32, &Device::Cpu).unwrap()]
    }

    fn gradients([matrix, row]: &[Var; 2], step: usize) -> GradStore {
        let target = Tensor::new(&[0.3f32, step as f32, -1.0], &Device::Cpu).unwrap();
        let off = matrix.broadcast_add(row).unwrap().broadcast_sub(&target).unwrap();
        off.powf(4.0).unwrap().mean_all().unwrap().backward().unwrap()
    }

    #[test]
    fn ten_steps_are_bit_for_bit_those_of_candle_nn() {
        let schedule =
            Schedule { steps: 10, warm_up: 3, peak: 0.05, weight_decay: 0.2, clip: 9.0, ..Schedule::default() };
        let (ours, theirs) = (vars(), vars());
        let settings = candle_nn::ParamsAdamW { beta2: 0.98, weight_decay: 0.2, ..Default::default() };
        let mut adam = AdamW::new(ours.iter());
        let mut candle = candle_nn::AdamW::new(theirs.to_vec(), settings).unwrap();
        for step in 0..10 {
            adam.step(ours.iter(), &gradients(&ours, step), &schedule, step).unwrap();
            candle.set_learning_rate(schedule.rate(step));
            candle.step(&gradients(&theirs, step)).unwrap();
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let bits = |var: &Var| var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                assert_eq!(bits(ours), bits(theirs), "step {step}");
            }
        }
    }

    #[test]
    fn a_long_gradient_is_shortened_and_a_short_one_left() {
        let vars = vars();
        let length = |gradients: &GradStore| {
            let squares = vars.iter().map(|var| gradients.get(var).unwrap().sqr().unwrap().sum_all().unwrap());
            squares.map(|sum| sum.to_scalar::<f32>().unwrap()).sum::<f32>().sqrt()
        };
        let whole = gradients(&vars, 1);
        let long = length(&whole);
        let mut clipped = gradients(&vars, 1);
        clip(&vars.each_ref(), &mut clipped, 0.5).unwrap();
        assert!(long > 1.0 && (length(&clipped) - 0.5).abs() < 1e-6);
        clip(&vars.each_ref(), &mut clipped, 0.6).unwrap();
        assert!((length(&clipped) - 0.5).abs() < 1e-6);
    }
}
