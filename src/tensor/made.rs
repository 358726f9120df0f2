//! Tensors made from numbers. Nothing else in the crate says on which device such a tensor lies.

use candle_core::{DType, Device, Result, Shape, Tensor, WithDType};

/// The device of whatever is read from files or made from numbers.
pub(crate) const HOST: Device = Device::Cpu;

/// A tensor of these numbers, the last axis running fastest.
pub(crate) fn from_values<T: WithDType>(values: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &HOST)
}

/// A tensor of one axis: ids, rows, positions.
pub(crate) fn vector<T: WithDType>(values: Vec<T>) -> Result<Tensor> {
    let len = values.len();
    from_values(values, len)
}

/// Zeros of float32.
pub(crate) fn zeros(shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::zeros(shape, DType::F32, &HOST)
}

/// Ones of float32.
pub(crate) fn ones(shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::ones(shape, DType::F32, &HOST)
}
