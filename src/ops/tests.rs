//! Tests each operation and its gradient against candle's slower, composed form.

use super::*;
use candle_core::{D, DType, Device, Result, Tensor, Var};

/// Numbers that look random but are always the same.
fn random(dims: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let count: usize = dims.iter().product();
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    Tensor::from_vec((0..count).map(next).collect::<Vec<f32>>(), dims, &Device::Cpu).unwrap()
}

fn difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

/// Compares the value and the gradients of `ours` with those of `composed`, for a weighted sum of the result.
fn same(inputs: &[Tensor], ours: impl Fn(&[Tensor]) -> Result<Tensor>, composed: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let evaluate = |f: &dyn Fn(&[Tensor]) -> Result<Tensor>| {
        let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input).unwrap()).collect();
        let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let value = f(&tensors).unwrap();
        let weights = random(value.dims(), 99);
        let gradients = (&value * weights).unwrap().sum_all().unwrap().backward().unwrap();
        let gradients: Vec<Tensor> = vars.iter().map(|var| gradients.get(var).unwrap().clone()).collect();
        (value, gradients)
    };
    let ((ours, our_gradients), (theirs, their_gradients)) = (evaluate(&ours), evaluate(&composed));
    assert!(difference(&ours, &theirs) < 2e-6, "value differs by {:e}", difference(&ours, &theirs));
    for (index, (ours, theirs)) in our_gradients.iter().zip(&their_gradients).enumerate() {
        let scale = theirs.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap().max(1.0);
        let difference = difference(ours, theirs) / scale;
        assert!(difference < 1e-5, "gradient {index} differs by {difference:e}");
    }
}

#[test]
fn linear_is_a_matrix_product_and_a_bias() {
    for turned in [false, true] {
        let weight = if turned { random(&[7, 5], 2).t().unwrap() } else { random(&[5, 7], 2) };
        let inputs = [random(&[2, 3, 5], 1), weight, random(&[7], 3)];
        let composed = |x: &[Tensor]| x[0].broadcast_matmul(&x[1])?.broadcast_add(&x[2]);
        same(&inputs, |x| linear(&x[0], &x[1], Some(&x[2])), composed);
        same(&inputs[..2], |x| linear(&x[0], &x[1], None), |x| x[0].broadcast_matmul(&x[1]));
    }
}

#[test]
fn a_frozen_weight_gets_no_gradient() {
    let x = Var::from_tensor(&random(&[3, 5], 1)).unwrap();
    let weight = random(&[5, 7], 2);
    let gradients = linear(&x, &weight, None).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&x).is_some());
    assert!(gradients.get(&weight).is_none());
}

#[test]
fn a_linear_layer_reads_views_without_copying_them() {
    let wide = random(&[5, 21], 2);
    let x = random(&[4, 5], 1);
    let part = wide.narrow(1, 7, 7).unwrap();
    let expected = x.matmul(&part.contiguous().unwrap()).unwrap();
    assert!(difference(&linear(&x, &part, None).unwrap(), &expected) < 1e-6);
    let error = linear(&x, &random(&[6, 7], 2), None).unwrap_err().to_string();
    assert!(error.contains("from 6 to 7"), "{error}");
}

#[test]
fn softmax_is_exponentials_over_their_sum() {
    let composed = |x: &[Tensor]| candle_nn::ops::softmax(&x[0], D::Minus1);
    same(&[(random(&[2, 3, 11], 1) * 20.0).unwrap()], |x| softmax(&x[0]), composed);
    let masked = Tensor::new(&[[0.0f32, f32::NEG_INFINITY, 0.0]], &Device::Cpu).unwrap();
    assert_eq!(softmax(&masked).unwrap().to_vec2::<f32>().unwrap(), [[0.5, 0.0, 0.5]]);
}

#[test]
fn softmax_of_nothing_but_masked_scores_is_zero_and_a_nan_is_not_hidden() {
    let scores = [[f32::NEG_INFINITY; 3], [f32::NAN; 3], [f32::NAN, f32::NEG_INFINITY, 0.0]];
    let pattern = softmax(&Tensor::new(&scores, &Device::Cpu).unwrap()).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(pattern[0], [0.0; 3]);
    assert!(pattern[1..].iter().all(|row| row.iter().any(|value| value.is_nan())), "{pattern:?}");
}

#[test]
fn activations_are_their_formulas() {
    let x = [(random(&[4, 50], 1) * 6.0).unwrap()];
    let ours = |activation: Activation| move |x: &[Tensor]| Ok(activation.apply(&x[0]).unwrap());
    same(&x, ours(Activation::Relu), |x| x[0].relu());
    same(&x, ours(Activation::Silu), |x| x[0].silu());
    same(&x, ours(Activation::GeluNew), |x| x[0].gelu());
    same(&x, ours(Activation::Gelu), |x| x[0].gelu_erf());
    same(&x, ours(Activation::QuickGelu), |x| &x[0] * candle_nn::ops::sigmoid(&(&x[0] * 1.702)?)?);
    same(&x, ours(Activation::Relu2), |x| x[0].relu()?.sqr());
    same(&x, ours(Activation::Solu), |x| &x[0] * candle_nn::ops::softmax(&x[0], D::Minus1)?);
}

#[test]
fn layer_norm_and_rms_norm_are_their_formulas() {
    let inputs = [random(&[2, 3, 19], 1), random(&[19], 2), random(&[19], 3)];
    let layer_norm = |x: &[Tensor]| {
        let centred = x[0].broadcast_sub(&x[0].mean_keepdim(D::Minus1)?)?;
        let scale = (centred.sqr()?.mean_keepdim(D::Minus1)? + 1e-5)?.sqrt()?;
        centred.broadcast_div(&scale)?.broadcast_mul(&x[1])?.broadcast_add(&x[2])
    };
    let ours = |x: &[Tensor]| {
        let scale = norm_scale(&x[0], true, 1e-5)?;
        affine(&normalize(&x[0], &scale, true)?, &x[1], Some(&x[2]))
    };
    same(&inputs, ours, layer_norm);
    let rms_norm = |x: &[Tensor]| {
        let scale = (x[0].sqr()?.mean_keepdim(D::Minus1)? + 1e-6)?.sqrt()?;
        x[0].broadcast_div(&scale)?.broadcast_mul(&x[1])
    };
    let ours = |x: &[Tensor]| affine(&normalize(&x[0], &norm_scale(&x[0], false, 1e-6)?, false)?, &x[1], None);
    same(&inputs[..2], ours, rms_norm);
}

#[test]
fn rotary_turns_halves_or_neighbours() {
    let frequencies = [1.0, 0.3, 0.01];
    let angles: Vec<f32> = (0..5).flat_map(|pos| frequencies.map(|f| pos as f32 * f as f32)).collect();
    let angles = Tensor::from_vec(angles, (5, 3), &Device::Cpu).unwrap();
    let (cos, sin) = (angles.cos().unwrap(), angles.sin().unwrap());
    let x = [random(&[2, 5, 4, 6], 1)];
    // candle puts heads before positions.
    let turned = |f: fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>| {
        let (cos, sin) = (cos.clone(), sin.clone());
        move |x: &[Tensor]| f(&x[0].transpose(1, 2)?.contiguous()?, &cos, &sin)?.transpose(1, 2)
    };
    let table = |adjacent| RotaryTable::new(&[(&frequencies, &[0, 1, 2, 3, 4])], adjacent, 1.0);
    same(&x, |x| rotate(&x[0], &table(false)), turned(candle_nn::rotary_emb::rope_slow));
    same(&x, |x| rotate(&x[0], &table(true)), turned(candle_nn::rotary_emb::rope_i_slow));
}

/// Repeats shared heads and puts heads before positions.
fn repeat(x: &Tensor, group: usize) -> Result<Tensor> {
    let (batch, pos, kv, d_head) = x.dims4()?;
    let x = x.transpose(1, 2)?.unsqueeze(2)?.broadcast_as((batch, kv, group, pos, d_head))?;
    x.reshape((batch, kv * group, pos, d_head))
}

#[test]
fn attention_with_shared_key_heads_is_attention_with_repeated_ones() {
    let inputs = [random(&[2, 6, 4, 3], 1), random(&[2, 6, 2, 3], 2), random(&[2, 6, 2, 3], 3)];
    let mask: Vec<f32> = (0..36).map(|at| if at % 6 > at / 6 { f32::NEG_INFINITY } else { 0.0 }).collect();
    let mask = Tensor::from_vec(mask, (6, 6), &Device::Cpu).unwrap();
    let composed = |x: &[Tensor]| {
        let q = x[0].transpose(1, 2)?.contiguous()?;
        let scores = (q.matmul(&repeat(&x[1], 2)?.t()?)? * 0.5)?.broadcast_add(&mask)?;
        let pattern = candle_nn::ops::softmax(&scores, D::Minus1)?;
        pattern.matmul(&repeat(&x[2], 2)?)?.transpose(1, 2)
    };
    let causal = Mask { causal: true, ..Mask::default() };
    let ours = |x: &[Tensor]| mix_values(&softmax(&attention_scores(&x[0], &x[1], 0.5, &causal)?)?, &x[2]);
    same(&inputs, ours, composed);
}

#[test]
fn operations_refuse_what_does_not_fit() {
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let causal = Mask { causal: true, ..Mask::default() };
    assert!(attention_scores(&zeros(&[1, 2, 3, 4]), &zeros(&[1, 2, 2, 4]), 1.0, &causal).is_err());
    assert!(mix_values(&zeros(&[1, 2, 3, 3]), &zeros(&[1, 4, 2, 4])).is_err());
    assert!(rotate(&zeros(&[1, 9, 1, 4]), &RotaryTable::new(&[(&[1.0], &[0, 1, 2])], false, 1.0)).is_err());
}

#[test]
fn no_activation_hides_nan() {
    let x = Tensor::new(&[[f32::NAN, -1.0, 2.0, 0.5]], &Device::Cpu).unwrap();
    for name in ["relu", "relu2", "gelu", "gelu_new", "silu", "quick_gelu", "solu"] {
        let y =
            Activation::from_name(name).unwrap().apply(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(y[0].is_nan(), "{name}: {y:?}");
    }
}
