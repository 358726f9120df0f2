//! [`ToInterventions`]: accepts one intervention or several, in any form.

use super::Intervention;
use crate::Error;
use std::{array, iter, option, slice, vec};

/// One intervention or several: an [`Intervention`], a reference to one, an array, a slice, a `Vec`, an `Option`, a
/// `Result`, a tuple or an iterator, nested as you like.
///
/// An error among them is reported by whatever runs the model with them. So you can pass a `Result` as it is, without
/// `?`.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let (clean, silent) = (model.run(text)?, zero(Site::z(1)));
/// let loss = model.run_with(text, &silent)?.loss()?;
/// assert_eq!(model.run_with(text, [silent.clone()])?.loss()?, loss);
/// assert_eq!(model.run_with(text, Some(silent.clone()))?.loss()?, loss);
/// assert_eq!(model.run_with(text, (patch(Site::z(0), clean.cache()), &silent))?.loss()?, loss); // a Result
/// assert_eq!(model.run_with(text, (1..2).map(|layer| zero(Site::z(layer))))?.loss()?, loss);
/// assert!(model.run_with(text, patch(Site::result(0), clean.cache())).unwrap_err().is_not_recorded());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an intervention nor a list of interventions",
    note = "pass one, such as `zero(Site::z(0))`, a reference, an array, a `Vec`, an `Option`, a `Result`, or an \
            iterator of them",
    note = "an iterator of another kind must be collected first: `.collect::<Vec<_>>()`"
)]
pub trait ToInterventions {
    /// Returns all interventions in their order. An error becomes an intervention that fails when it is applied.
    fn to_interventions(self) -> Vec<Intervention>;
}

impl ToInterventions for Intervention {
    fn to_interventions(self) -> Vec<Intervention> {
        vec![self]
    }
}

impl<T: ToInterventions + Clone> ToInterventions for &T {
    fn to_interventions(self) -> Vec<Intervention> {
        self.clone().to_interventions()
    }
}

impl<T: ToInterventions + Clone> ToInterventions for &[T] {
    fn to_interventions(self) -> Vec<Intervention> {
        all(self.iter().cloned())
    }
}

impl<T: ToInterventions, E: Into<Error>> ToInterventions for Result<T, E> {
    fn to_interventions(self) -> Vec<Intervention> {
        match self {
            Ok(some) => some.to_interventions(),
            Err(error) => vec![Intervention::failed(error.into())],
        }
    }
}

fn all(several: impl IntoIterator<Item = impl ToInterventions>) -> Vec<Intervention> {
    several.into_iter().flat_map(ToInterventions::to_interventions).collect()
}

/// Lists and iterators are implemented one by one. An impl for all of `IntoIterator` would include `Result`, whose
/// iterator drops the error.
macro_rules! lists {
    ($([$($generic:tt)*] $list:ty;)*) => {$(
        impl<$($generic)*> ToInterventions for $list
        where
            $list: IntoIterator,
            <$list as IntoIterator>::Item: ToInterventions,
        {
            fn to_interventions(self) -> Vec<Intervention> {
                all(self)
            }
        }
    )*};
}

lists! {
    [T, const N: usize] [T; N];
    [T] Vec<T>;
    [T] Box<[T]>;
    [T] Option<T>;
    [T] std::collections::VecDeque<T>;
    [T] vec::IntoIter<T>;
    [T, const N: usize] array::IntoIter<T, N>;
    ['a, T] slice::Iter<'a, T>;
    [T] option::IntoIter<T>;
    ['a, T] Box<dyn Iterator<Item = T> + 'a>;
    [I, F] iter::Map<I, F>;
    [I, F] iter::Filter<I, F>;
    [I, F] iter::FilterMap<I, F>;
    [I: Iterator, U: IntoIterator, F: FnMut(I::Item) -> U] iter::FlatMap<I, U, F>;
    [I: Iterator<Item: IntoIterator>] iter::Flatten<I>;
    [A, B] iter::Chain<A, B>;
    [I] iter::Cloned<I>;
    [I] iter::Copied<I>;
    [I] iter::Rev<I>;
    [I] iter::Take<I>;
    [I] iter::Skip<I>;
    [I] iter::StepBy<I>;
    [I: Iterator] iter::Peekable<I>;
    [I, F] iter::Inspect<I, F>;
    [I, F] iter::TakeWhile<I, F>;
    [I, F] iter::SkipWhile<I, F>;
    [I, F] iter::MapWhile<I, F>;
    [I, S, F] iter::Scan<I, S, F>;
    [T] iter::Once<T>;
    [T] iter::Empty<T>;
    [T: Clone] iter::RepeatN<T>;
    [F] iter::FromFn<F>;
    [T, F] iter::Successors<T, F>;
}

macro_rules! tuples {
    ($(($($part:ident)*))*) => {$(
        impl<$($part: ToInterventions),*> ToInterventions for ($($part,)*) {
            #[expect(non_snake_case, reason = "a tuple's parts are named as their types")]
            fn to_interventions(self) -> Vec<Intervention> {
                let ($($part,)*) = self;
                [$($part.to_interventions()),*].concat()
            }
        }
    )*};
}

tuples! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }
