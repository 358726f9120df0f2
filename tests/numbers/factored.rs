//! Products kept as two factors, held against dense ones.

use crate::reference::difference;
use candle_core::{D, DType, Device, Tensor};
use glassbox::{
    circuits::{Eigenvalues, Svd},
    ndarray::ArrayD,
    prelude::*,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

fn random(shape: &[usize], rng: &mut StdRng) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Factors of several shapes: tall, wide, narrower and wider in the middle, with leading axes, and stretched ones.
fn factors() -> Vec<(Tensor, Tensor)> {
    let mut rng = StdRng::seed_from_u64(0);
    let shapes: [(&[usize], &[usize]); 6] = [
        (&[7, 3], &[3, 7]),
        (&[7, 3], &[3, 5]),
        (&[3, 6], &[6, 3]),
        (&[2, 4, 9, 3], &[2, 4, 3, 9]),
        (&[2, 1, 6, 4], &[1, 3, 4, 6]),
        (&[6, 4], &[5, 4, 6]),
    ];
    shapes.map(|(a, b)| (random(a, &mut rng), random(b, &mut rng))).into()
}

fn dense(a: &Tensor, b: &Tensor) -> Tensor {
    a.broadcast_matmul(b).unwrap()
}

pub fn turned(t: &Tensor) -> Tensor {
    t.transpose(D::Minus1, D::Minus2).unwrap()
}

#[track_caller]
pub fn close(got: &Tensor, expected: &Tensor, tolerance: f32) {
    assert_eq!(got.dims(), expected.dims());
    let difference = difference(got, expected);
    assert!(difference <= tolerance, "differs by {difference:e}");
}

#[track_caller]
fn equal(got: &FactoredMatrix, expected: &Tensor) {
    assert_eq!(got.dims(), expected.dims());
    close(&got.ab().unwrap(), expected, 1e-4);
}

pub fn array(tensor: &Tensor) -> ArrayD<f32> {
    let values = tensor.flatten_all().unwrap().to_vec1().unwrap();
    ArrayD::from_shape_vec(tensor.dims(), values).unwrap()
}

#[track_caller]
pub fn same(got: &ArrayD<f32>, expected: &Tensor, tolerance: f32) {
    let expected = array(expected);
    assert_eq!(got.shape(), expected.shape());
    let worst = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "differs by {worst:e}");
}

#[test]
fn factored_operations_equal_dense_ones() {
    let mut rng = StdRng::seed_from_u64(1);
    for (a, b) in factors() {
        let matrix = FactoredMatrix::new(&a, &b).unwrap();
        let whole = dense(&a, &b);
        let (&[l, r], rank) = (&whole.dims()[whole.rank() - 2..], whole.rank()) else { panic!() };
        equal(&matrix, &whole);
        equal(&matrix.t().unwrap(), &turned(&whole));
        equal(&(&matrix * -2.5).unwrap(), &(&whole * -2.5).unwrap());
        equal(&(-2.5 * &matrix).unwrap(), &(&whole * -2.5).unwrap());
        equal(&matrix.make_even().unwrap(), &whole);
        equal(&matrix.rows(1..3).unwrap(), &whole.narrow(rank - 2, 1, 2).unwrap());
        equal(&matrix.columns(1..3).unwrap(), &whole.narrow(rank - 1, 1, 2).unwrap());
        equal(&matrix.unsqueeze(0).unwrap(), &whole.unsqueeze(0).unwrap());
        close(&matrix.corner(2).unwrap(), &whole.narrow(rank - 2, 0, 2).unwrap().narrow(rank - 1, 0, 2).unwrap(), 1e-4);
        assert_eq!(matrix.corner(99).unwrap().dims(), whole.dims());
        if rank > 2 {
            equal(&matrix.get(1).unwrap(), &whole.get(1).unwrap());
            equal(&matrix.get(-1).unwrap(), &whole.get(whole.dim(0).unwrap() - 1).unwrap());
            equal(&matrix.slice(0..1).unwrap(), &whole.narrow(0, 0, 1).unwrap());
        }
        if l == r {
            close(
                &matrix.ba().unwrap(),
                &dense(&matrix.b().contiguous().unwrap(), &matrix.a().contiguous().unwrap()),
                1e-4,
            );
        }
        let norm = whole.sqr().unwrap().sum(rank - 1).unwrap().sum(rank - 2).unwrap().sqrt().unwrap();
        close(&matrix.norm().unwrap(), &norm, 1e-4);

        // With matrices, in and out of stacks, vectors, and other factored ones, on either side.
        let (left, right) = (random(&[4, l], &mut rng), random(&[r, 2], &mut rng));
        equal(&matrix.matmul(&right).unwrap(), &dense(&whole, &right));
        equal(&matrix.rmatmul(&left).unwrap(), &dense(&left, &whole));
        let lead = &whole.dims()[..rank - 2];
        let stack = |rows: usize, columns: usize, rng: &mut StdRng| random(&[lead, &[rows, columns]].concat(), rng);
        let (left, right) = (stack(8, l, &mut rng), stack(r, 8, &mut rng));
        equal(&matrix.matmul(&right).unwrap(), &dense(&whole, &right));
        equal(&matrix.rmatmul(&left).unwrap(), &dense(&left, &whole));
        for inner in [2, 9] {
            let (c, d) = (stack(r, inner, &mut rng), random(&[inner, 6], &mut rng));
            let other = FactoredMatrix::new(&c, &d).unwrap();
            let product = matrix.matmul(&other).unwrap();
            equal(&product, &dense(&whole, &dense(&c, &d)));
            assert!(product.inner() <= matrix.inner().min(inner), "through {}", product.inner());
            equal(&other.t().unwrap().matmul(matrix.t().unwrap()).unwrap(), &turned(&product.ab().unwrap()));
            assert!(other.rmatmul(&matrix).unwrap().inner() == product.inner());
        }
        let (row, column) = (random(&[l], &mut rng), random(&[r], &mut rng));
        let expected = dense(&whole, &column.unsqueeze(1).unwrap()).squeeze(rank - 1).unwrap();
        close(&matrix.matvec(&column).unwrap(), &expected, 1e-4);
        let expected = dense(&row.unsqueeze(0).unwrap(), &whole).squeeze(rank - 2).unwrap();
        close(&matrix.vecmat(&row).unwrap(), &expected, 1e-4);
    }
}

/// Whether columns are at right angles and of length 1.
#[track_caller]
fn orthonormal(columns: &Tensor) {
    let gram = dense(&turned(columns).contiguous().unwrap(), columns);
    let k = gram.dim(D::Minus1).unwrap();
    let identity = Tensor::eye(k, DType::F32, &Device::Cpu).unwrap().broadcast_as(gram.dims()).unwrap();
    close(&gram, &identity, 1e-5);
}

#[test]
fn singular_vectors_are_orthonormal_and_make_the_matrix_again() {
    for (a, b) in factors() {
        let matrix = FactoredMatrix::new(&a, &b).unwrap();
        let whole = dense(&a, &b);
        let Svd { u, s, v, .. } = matrix.svd().unwrap();
        orthonormal(&u);
        orthonormal(&v);
        let scaled = u.broadcast_mul(&s.unsqueeze(s.rank() - 1).unwrap()).unwrap();
        close(&dense(&scaled, &turned(&v).contiguous().unwrap()), &whole, 1e-4);
        for row in s.flatten_to(D::Minus2).unwrap_or(s.unsqueeze(0).unwrap()).to_vec2::<f32>().unwrap() {
            assert!(row.is_sorted_by(|a, b| a >= b) && row.iter().all(|&value| value >= 0.0));
        }
        // Collapsing a side keeps the products with itself of the other.
        let (l, r) = (matrix.collapse_l().unwrap(), matrix.collapse_r().unwrap());
        let whole_t = turned(&whole).contiguous().unwrap();
        close(&dense(&turned(&l).contiguous().unwrap(), &l), &dense(&whole_t, &whole), 1e-4);
        close(&dense(&r, &turned(&r).contiguous().unwrap()), &dense(&whole, &whole_t), 1e-4);
        // Both halves of an even factorisation are as large.
        let even = matrix.make_even().unwrap();
        let size = |t: &Tensor| t.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert!((size(&even.a()) / size(&even.b()) - 1.0).abs() < 1e-4);
    }
}

fn sums(values: &Eigenvalues) -> (ArrayD<f32>, ArrayD<f32>) {
    let last = glassbox::ndarray::Axis(values.re.ndim() - 1);
    let squares = (&values.re * &values.re - &values.im * &values.im).sum_axis(last);
    (values.re.sum_axis(last), squares)
}

#[test]
fn eigenvalues_sum_to_the_trace_and_their_squares_to_that_of_the_square() {
    for (a, b) in factors().into_iter().filter(|(a, b)| a.dim(D::Minus2).unwrap() == b.dim(D::Minus1).unwrap()) {
        let matrix = FactoredMatrix::new(&a, &b).unwrap();
        let values = matrix.eigenvalues().unwrap();
        assert!(values.im.sum().abs() < 1e-4);
        let (sum, squares) = sums(&values);
        let trace = |matrix: &FactoredMatrix| {
            let whole = matrix.ab().unwrap();
            let n = whole.dim(D::Minus1).unwrap();
            let identity = Tensor::eye(n, DType::F32, &Device::Cpu).unwrap();
            whole.broadcast_mul(&identity).unwrap().sum(D::Minus1).unwrap().sum(D::Minus1).unwrap()
        };
        same(&sum, &trace(&matrix), 1e-4);
        same(&squares, &trace(&matrix.matmul(&matrix).unwrap()), 1e-3);
    }
}

#[test]
fn what_does_not_fit_is_an_error_with_both_shapes() {
    let mut rng = StdRng::seed_from_u64(2);
    let matrix = FactoredMatrix::new(random(&[2, 5, 3], &mut rng), random(&[3, 4], &mut rng)).unwrap();
    let errors = [
        FactoredMatrix::new(random(&[5, 3], &mut rng), random(&[4, 5], &mut rng)).map(drop),
        FactoredMatrix::new(random(&[2, 5, 3], &mut rng), random(&[3, 3, 5], &mut rng)).map(drop),
        FactoredMatrix::new(random(&[5], &mut rng), random(&[5, 5], &mut rng)).map(drop),
        matrix.matmul(random(&[5, 5], &mut rng)).map(drop),
        matrix.rmatmul(random(&[5, 4], &mut rng)).map(drop),
        matrix.matvec(random(&[5], &mut rng)).map(drop),
        matrix.vecmat(random(&[4], &mut rng)).map(drop),
        matrix.ba().map(drop),
        matrix.eigenvalues().map(drop),
    ];
    for error in errors.map(|result| result.unwrap_err().to_string()) {
        assert!(error.contains('[') && error.contains('5'), "{error}");
    }
    assert!(matrix.get(2).unwrap_err().is_out_of_range() && matrix.get(-3).unwrap_err().is_out_of_range());
    assert!(matrix.rows(4..6).unwrap_err().is_out_of_range() && matrix.columns(2..2).unwrap_err().is_out_of_range());
    assert!(matrix.get(0).unwrap().get(0).unwrap_err().to_string().contains("no leading axis"));
    let broken = Tensor::new(&[[f32::NAN, 1.0], [0.0, 1.0]], &Device::Cpu).unwrap();
    let broken = FactoredMatrix::new(&broken, &broken).unwrap();
    assert!(broken.svd().unwrap_err().to_string().contains("NaN"));
    assert!(broken.eigenvalues().unwrap_err().to_string().contains("NaN"));
}
