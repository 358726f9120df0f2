//! What [`row`](super::row()), [`column`](super::column()) and [`tabs`](super::tabs()) accept as figures.

use super::{
    AttentionHeads, AttentionPattern, Bars, Figure, Heatmap, LayerGraph, LensTable, LineChart, Scatter, SoundPicture,
    TokenText, WordTable,
    data::{Held, Iterated, NamedValue, Tried},
};
use crate::{Error, Result, error::PlotError};
use std::path::Path;

/// Anything that is one figure: a [`Figure`], a picture that is not drawn yet, the result of an analysis, a `Result` or
/// `Option` of one of these, or a reference to one.
///
/// # Examples
/// ```
/// use glassbox::{plot::ToFigure, prelude::*};
/// let bars = Bars::new([("yes", 0.7)]); // not drawn yet
/// assert!(bars.to_figure()?.is_some());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one figure",
    label = "this cannot stand beside figures; show it alone, as a cell's last line or with `display(&..)`"
)]
pub trait ToFigure {
    /// Returns the figure, or `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be drawn.
    fn to_figure(&self) -> Result<Option<Figure>>;

    /// Draws it.
    ///
    /// # Errors
    /// When it cannot be drawn, or there is none.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue red")?.logit_lens()?;
    /// assert!(lens.draw()?.to_svg().starts_with("<svg"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    fn draw(&self) -> Result<Figure> {
        self.to_figure()?.ok_or_else(|| PlotError::NoFigure.into())
    }

    /// Draws it and saves it, as [`Figure::save`] does.
    ///
    /// # Errors
    /// When it cannot be drawn or written.
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        self.draw()?.save(path)
    }
}

impl ToFigure for Figure {
    fn to_figure(&self) -> Result<Option<Figure>> {
        self.check()?;
        Ok(Some(self.clone()))
    }
}

impl<T: ToFigure + ?Sized> ToFigure for &T {
    fn to_figure(&self) -> Result<Option<Figure>> {
        (**self).to_figure()
    }
}

impl<T: ToFigure> ToFigure for Option<T> {
    fn to_figure(&self) -> Result<Option<Figure>> {
        self.as_ref().map_or(Ok(None), ToFigure::to_figure)
    }
}

impl<T: ToFigure, E: Into<Error> + Clone> ToFigure for Result<T, E> {
    fn to_figure(&self) -> Result<Option<Figure>> {
        match self {
            Ok(figure) => figure.to_figure(),
            Err(error) => Err(error.clone().into()),
        }
    }
}

/// Implements [`ToFigure`] for types by the method that draws them.
macro_rules! drawn {
    ($($type:ty: $draw:ident;)*) => {$(
        impl $crate::plot::ToFigure for $type {
            fn to_figure(&self) -> $crate::Result<Option<$crate::plot::Figure>> {
                $crate::plot::ToFigure::to_figure(&self.$draw())
            }
        }
    )*};
}
pub(crate) use drawn;

drawn! {
    AttentionHeads: draw;
    AttentionPattern: draw;
    Bars: draw;
    Heatmap: draw;
    LayerGraph: draw;
    LensTable: draw;
    LineChart: draw;
    Scatter: draw;
    SoundPicture: draw;
    TokenText: draw;
    WordTable: draw;
}

/// Marks a single figure.
#[derive(Debug)]
pub struct One;
/// Marks a tuple of figures of several types.
#[derive(Debug)]
pub struct Mixed;

/// What [`row`](super::row()) and [`column`](super::column()) accept: an array, slice, `Vec` or iterator of things that
/// are [one figure](ToFigure), a tuple of such things of several types, a `Result` of a `Vec` of them, or a single one.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let bars = Bars::new([("yes", 0.7)]);
/// let pair = row((&bars, Heatmap::new([[1.0]]))); // a tuple of several types
/// let same = row([&bars, &bars]); // an array of one
/// assert!(pair.to_svg().contains("yes") && same.to_svg().contains("yes"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds something that is not one figure",
    label = "give figures, pictures, results of them or references to them in an array, a Vec or a tuple"
)]
pub trait ToFigures<Kind> {
    /// Returns the figures that exist.
    ///
    /// # Errors
    /// Returns the first error among them.
    fn to_figures(self) -> Result<Vec<Figure>>;
}

impl<I: Iterator<Item: ToFigure>> ToFigures<Iterated> for I {
    fn to_figures(self) -> Result<Vec<Figure>> {
        self.filter_map(|one| one.to_figure().transpose()).collect()
    }
}

impl<T: ToFigure> ToFigures<One> for T {
    fn to_figures(self) -> Result<Vec<Figure>> {
        [self].iter().to_figures()
    }
}

macro_rules! several {
    ($(($($generics:tt)*) $type:ty;)*) => {$(
        impl<T: ToFigure, $($generics)*> ToFigures<Held> for $type {
            fn to_figures(self) -> Result<Vec<Figure>> {
                self.iter().to_figures()
            }
        }
    )*};
}
several! {
    () Vec<T>;
    () &Vec<T>;
    () &[T];
    (const N: usize) [T; N];
    (const N: usize) &[T; N];
}

impl<T: ToFigure, E: Into<Error>> ToFigures<Tried<Iterated>> for Result<Vec<T>, E> {
    fn to_figures(self) -> Result<Vec<Figure>> {
        self.map_err(Into::into)?.to_figures()
    }
}

/// What [`tabs`](super::tabs()) accepts: pairs of a name and something that is [one figure](ToFigure), in an array,
/// slice, `Vec`, iterator, a `Result` of a `Vec` or, for several types, a tuple.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let bars = Bars::new([("yes", 0.7)]);
/// assert!(tabs([("first", &bars), ("second", &bars)]).to_html().contains("second"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of tabs",
    label = "give pairs of a name and a figure, as in `[(\"before\", before), (\"after\", after)]`"
)]
pub trait ToTabs<Kind> {
    /// Returns names and figures.
    ///
    /// # Errors
    /// Returns the first error among them.
    fn to_tabs(self) -> Result<Vec<(String, Figure)>>;
}

fn tab<P: NamedValue<Value: ToFigure>>(pair: P) -> Option<Result<(String, Figure)>> {
    let (name, pane) = pair.pair();
    pane.to_figure().transpose().map(|pane| Ok((name, pane?)))
}

impl<I: IntoIterator<Item: NamedValue<Value: ToFigure>>> ToTabs<Iterated> for I {
    fn to_tabs(self) -> Result<Vec<(String, Figure)>> {
        self.into_iter().filter_map(tab).collect()
    }
}

impl<P: NamedValue<Value: ToFigure>, E: Into<Error>> ToTabs<Tried<Iterated>> for Result<Vec<P>, E> {
    fn to_tabs(self) -> Result<Vec<(String, Figure)>> {
        self.map_err(Into::into)?.to_tabs()
    }
}

macro_rules! mixed {
    ($($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<$($name: ToFigure),*> ToFigures<Mixed> for ($($name,)*) {
            fn to_figures(self) -> Result<Vec<Figure>> {
                let ($($name,)*) = &self;
                [$($name.to_figure()),*].into_iter().filter_map(Result::transpose).collect()
            }
        }

        #[allow(non_snake_case)]
        impl<$($name: NamedValue<Value: ToFigure>),*> ToTabs<Mixed> for ($($name,)*) {
            fn to_tabs(self) -> Result<Vec<(String, Figure)>> {
                let ($($name,)*) = self;
                [$(tab($name)),*].into_iter().flatten().collect()
            }
        }
    };
}
mixed!(A B);
mixed!(A B C);
mixed!(A B C D);
mixed!(A B C D E);
mixed!(A B C D E F);
