//! Translates candle's errors into one sentence without the library's own terms.

use super::RunError;
use candle_core::{DType, Error, Tensor};

/// The sentence, without backtraces, chains of contexts or dumps.
pub(super) fn sentence(error: &Error) -> String {
    match error {
        Error::WithBacktrace { inner, .. } | Error::WithPath { inner, .. } => sentence(inner),
        Error::Context { inner, context } => format!("{}: {}", one_line(&context.to_string()), sentence(inner)),
        Error::WrappedContext { wrapped, context } => {
            format!("{}: {}", one_line(context), one_line(&wrapped.to_string()))
        }
        Error::Msg(message) => one_line(message),
        Error::Wrapped(wrapped) => one_line(&wrapped.to_string()),
        Error::ShapeMismatchBinaryOp { lhs, rhs, .. } => misfit(lhs.dims(), rhs.dims()),
        Error::BroadcastIncompatibleShapes { src_shape, dst_shape } => misfit(src_shape.dims(), dst_shape.dims()),
        Error::ShapeMismatchCat { first_shape, nth_shape, .. } => misfit(first_shape.dims(), nth_shape.dims()),
        Error::UnexpectedShape { expected, got, .. } => misfit(got.dims(), expected.dims()),
        Error::ShapeMismatch { buffer_size, shape } => {
            format!("{buffer_size} numbers do not fill the shape {:?}", shape.dims())
        }
        Error::DimOutOfRange { shape, dim, .. } => axes(shape.dims(), &format!("has no axis {dim}")),
        Error::DuplicateDimIndex { shape, dims, .. } => {
            axes(shape.dims(), &format!("cannot be reduced along the axes {dims:?}, one of which is repeated"))
        }
        Error::UnexpectedNumberOfDims { expected, shape, .. } => {
            axes(shape.dims(), &format!("has {} axes where {expected} are needed", shape.rank()))
        }
        Error::NarrowInvalidArgs { shape, dim, start, len, .. } => {
            let end = start.saturating_add(*len);
            axes(shape.dims(), &format!("does not have the indices {start}..{end} along axis {dim}"))
        }
        Error::InvalidIndex { index, size, .. } => format!("index {index} is out of range on an axis of length {size}"),
        Error::UnexpectedDType { expected, got, .. } => types(got.as_str(), expected.as_str()),
        Error::DTypeMismatchBinaryOp { lhs, rhs, .. } => types(lhs.as_str(), rhs.as_str()),
        Error::UnsupportedDTypeForOp(dtype, op) => format!("a tensor of {} has no `{op}`", dtype.as_str()),
        Error::BackwardNotSupported { op } => format!("no gradient flows through `{op}`"),
        Error::EmptyTensor { op } => format!("an empty tensor has no `{op}`"),
        Error::MatMulUnexpectedStriding(_) | Error::RequiresContiguous { .. } => {
            "the tensor is not contiguous; call contiguous() on it first".into()
        }
        other => one_line(&other.to_string()),
    }
}

/// The sentence about numbers that do not fill an array.
pub(super) fn array_sentence(error: &ndarray::ShapeError) -> &'static str {
    match error.kind() {
        ndarray::ErrorKind::Overflow => "an array of this shape has more numbers than memory can hold",
        _ => "the numbers do not fill an array of this shape",
    }
}

/// Returns an error of this crate that passed through a closure, whatever candle has wrapped around it.
pub(super) fn own(error: &Error) -> Option<&super::Error> {
    match error {
        Error::WithBacktrace { inner, .. } | Error::WithPath { inner, .. } => own(inner),
        Error::WrappedContext { wrapped, .. } => wrapped.downcast_ref(),
        _ => None,
    }
}

/// Checks that a tensor given by the user is float32. `what` names it in the error.
pub(crate) fn need_f32(what: impl FnOnce() -> String, x: &Tensor) -> crate::Result<()> {
    need_type(what, x, DType::F32)
}

/// Checks that a tensor given by the user has the needed type.
pub(crate) fn need_type(what: impl FnOnce() -> String, x: &Tensor, needed: DType) -> crate::Result<()> {
    match x.dtype() {
        got if got == needed => Ok(()),
        got => Err(RunError::Type { what: what(), got: got.as_str(), needed: needed.as_str() }.into()),
    }
}

fn misfit(one: &[usize], other: &[usize]) -> String {
    format!("the shapes {one:?} and {other:?} do not fit together")
}

fn axes(shape: &[usize], why: &str) -> String {
    format!("a tensor of shape {shape:?} {why}")
}

fn types(one: &str, other: &str) -> String {
    format!("a tensor of {one} and one of {other} cannot be combined; convert one with to_dtype(..)")
}

/// The first line only, because candle and anyhow append backtraces.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it failed without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn every_refusal_is_one_sentence_without_a_word_of_the_library() {
        let zeros = |shape: &[usize], dtype| Tensor::zeros(shape, dtype, &Device::Cpu).unwrap();
        let (x, wide) = (zeros(&[2, 3], DType::F32), zeros(&[2, 3], DType::F64));
        let refused = [
            x.sum(5).unwrap_err(),
            x.matmul(&x).unwrap_err(),
            (&x + &wide).unwrap_err(),
            (&x + zeros(&[4], DType::F32)).unwrap_err(),
            x.to_scalar::<f32>().unwrap_err(),
            x.narrow(1, 2, 9).unwrap_err(),
            x.reshape((7, 7)).unwrap_err(),
            x.to_vec2::<f64>().unwrap_err(),
            x.broadcast_as((5, 5)).unwrap_err(),
            Tensor::cat(&[&x, &zeros(&[3, 4], DType::F32)], 0).unwrap_err(),
            x.sum(5).unwrap_err().context("my\nown words"),
            Error::msg("two\nlines"),
            Error::wrap("a word"),
        ];
        for error in refused {
            let traced = Error::WithBacktrace {
                inner: Box::new(error),
                backtrace: Box::new(std::backtrace::Backtrace::force_capture()),
            };
            let said = sentence(&traced);
            let foreign =
                ["dim:", "lhs", "backtrace", "candle", "Err(", "{", "\n"].iter().any(|word| said.contains(word));
            assert!(!said.is_empty() && !foreign, "{said}");
        }
    }
}
