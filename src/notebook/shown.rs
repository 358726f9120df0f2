//! The macro that makes a type of this crate show itself wherever the kernel prints it.
//!
//! The kernel shows a cell's last expression by calling `evcxr_display` on it. That call may not compile, either
//! because the expression moves a variable that the kernel also keeps, or because it is the first `?` of a session.
//! Then the kernel prints the value with the format of its `:fmt` command. The notebooks set this to `{:-?}`, and
//! `Debug` of every shown type responds to the minus sign by printing the picture.

use super::{Show, kernel::show_html, values};
use crate::printable::lines;
use std::{fmt, time::Instant};

/// Implements `evcxr_display` and `Debug` for a type that has [`Show`]. With the name of a method that returns
/// something to show, it implements [`Show`] too. With the name of a method that returns a line, `Debug` prints that
/// line.
macro_rules! shown {
    ($(#[$doc:meta])* $type:ty) => {
        shown! { @all $(#[$doc])* $type, |shown: &$type| $crate::notebook::Show::plain(shown) }
    };
    (@all $(#[$doc:meta])* $type:ty, $brief:expr) => {
        impl $type {
            $(#[$doc])*
            #[track_caller]
            pub fn evcxr_display(&self) {
                $crate::notebook::Show::evcxr_display(self);
            }
        }

        /// Plain text. With `{:-?}`, which the notebook's kernel falls back to, also the picture.
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::notebook::debug(self, f, $brief)
            }
        }
    };
    ($(#[$doc:meta])* $type:ty: $part:ident) => {
        shown! { @show $type: $part }
        shown! { $(#[$doc])* $type }
    };
    ($(#[$doc:meta])* $type:ty: $part:ident, $brief:ident) => {
        shown! { @show $type: $part }
        shown! { @all $(#[$doc])* $type, <$type>::$brief }
    };
    (@show $type:ty: $part:ident) => {
        impl $crate::notebook::Show for $type {
            fn html(&self) -> String {
                $crate::notebook::Show::html(&self.$part())
            }

            fn plain(&self) -> String {
                $crate::notebook::Show::plain(&self.$part())
            }
        }
    };
}

/// Writes a line or the plain text; with `{:-?}`, the plain text and, as output of the cell, the picture.
pub(crate) fn debug<T: Show>(shown: &T, f: &mut fmt::Formatter<'_>, brief: impl Fn(&T) -> String) -> fmt::Result {
    if f.sign_minus() {
        let begun = Instant::now();
        show_html(begun, &shown.html());
        return f.write_str(lines(&shown.plain()).trim_end());
    }
    f.write_str(lines(&brief(shown)).trim_end())
}

/// Shows several values, one below the other.
impl<T: Show> Show for [T] {
    fn html(&self) -> String {
        T::html_of_all(self)
    }

    fn plain(&self) -> String {
        T::plain_of_all(self)
    }

    fn is_text(&self) -> bool {
        !self.is_empty() && self.iter().all(Show::is_text)
    }
}

impl<T: Show> Show for Vec<T> {
    fn html(&self) -> String {
        self.as_slice().html()
    }

    fn plain(&self) -> String {
        self.as_slice().plain()
    }

    fn is_text(&self) -> bool {
        self.as_slice().is_text()
    }
}

impl<T: Show, const N: usize> Show for [T; N] {
    fn html(&self) -> String {
        self.as_slice().html()
    }

    fn plain(&self) -> String {
        self.as_slice().plain()
    }

    fn is_text(&self) -> bool {
        self.as_slice().is_text()
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn html(&self) -> String {
        (**self).html()
    }

    fn plain(&self) -> String {
        (**self).plain()
    }

    fn is_text(&self) -> bool {
        (**self).is_text()
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Show),*> Show for ($($name,)*) {
            #[allow(non_snake_case)]
            fn html(&self) -> String {
                if self.is_text() {
                    return values::html(&self.plain());
                }
                let ($($name,)*) = self;
                [$($name.html()),*].join("\n")
            }

            #[allow(non_snake_case)]
            fn plain(&self) -> String {
                let ($($name,)*) = self;
                let each = [$($name.plain().trim_end().to_owned()),*];
                if self.is_text() { values::list('(', each, ')') } else { each.join("\n") }
            }

            #[allow(non_snake_case)]
            fn is_text(&self) -> bool {
                let ($($name,)*) = self;
                [$($name.is_text()),*].iter().all(|&text| text)
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
