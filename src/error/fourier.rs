//! The errors of the Fourier analysis ([`fourier`](crate::fourier)).
/// A tensor or modulus that cannot be decomposed into waves.
#[derive(thiserror::Error, Debug)]
pub(crate) enum FourierError {
    #[error("waves modulo {modulus} do not come in pairs of sine and cosine; the modulus must be odd and at least 3")]
    Modulus { modulus: usize },
    #[error("axis {axis} of shape {shape:?} does not hold the {modulus} numbers that the waves run over")]
    Shape { axis: usize, shape: Vec<usize>, modulus: usize },
    #[error(
        "the tensor of shape {shape:?} holds {value}, so its frequencies cannot be measured; check the run that \
         produced it"
    )]
    NotFinite { value: f64, shape: Vec<usize> },
    #[error("there is no frequency {frequency}: modulo {modulus} they run from 1 to {}", modulus / 2)]
    Frequency { frequency: usize, modulus: usize },
}
