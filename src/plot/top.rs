//! [`Top`]: the strongest of many numbers, as a small table. Analyses return it from `top(k)`.

use std::{fmt, ops::Deref};

use super::{Bars, Figure, drawn::ToFigure};
use crate::{
    Result,
    notebook::{self, Show},
    order::by_size,
    printable::{columns, fit, headline, line, number, pad, pad_left, printable},
};

/// The largest of many numbers by absolute value, largest first, each with its name. NaN comes first of all.
///
/// It dereferences to its rows, so it can be used like a `Vec`. A notebook shows it as a table with a bar for each
/// number; printed, it is text.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let top = run.decompose_heads(Site::resid_post(1))?.logit_attrs("owl", "red")?.top(3)?;
/// let (label, value) = &top[0];
/// assert!(label.starts_with("L1H") && *value > 0.0);
/// assert!(top.to_string().lines().nth(1).is_some_and(|line| line.starts_with("1  L1H")));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Top<T> {
    rows: Vec<T>,
    named: Vec<(String, f32)>,
    title: String,
    value: String,
}

impl<T> Top<T> {
    /// The `k` strongest entries; ties keep their order. `value` names the numbers.
    pub(crate) fn of(k: usize, title: &str, value: &str, all: impl IntoIterator<Item = (String, f32, T)>) -> Self {
        let mut all: Vec<_> = all.into_iter().collect();
        let title = if k < all.len() { format!("{title} ({k} of {})", all.len()) } else { title.into() };
        all.sort_by(|a, b| by_size(a.1, b.1));
        all.truncate(k);
        let (rows, named) =
            all.into_iter().map(|(name, number, row)| (row, (printable(&name), number))).collect::<(Vec<T>, Vec<_>)>();
        Self { rows, named, title: line(title), value: line(value) }
    }

    /// The names of the rows, the strongest first.
    pub fn labels(&self) -> Vec<String> {
        self.named.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The numbers of the rows, the strongest first.
    pub fn values(&self) -> Vec<f32> {
        self.named.iter().map(|&(_, value)| value).collect()
    }

    /// The table as a picture: names, numbers, and a bar for each.
    ///
    /// # Errors
    /// When there are no rows or more than 5000.
    pub fn draw(&self) -> Result<Figure> {
        Bars::new(&self.named).title(self.title.as_str()).value(self.value.as_str()).draw()
    }

    /// Shows the table in a notebook.
    #[track_caller]
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl<T> Deref for Top<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<T> IntoIterator for Top<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Top<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Top<T> {
    fn eq(&self, rows: &[T; N]) -> bool {
        self.rows == rows
    }
}

impl<T: PartialEq> PartialEq<Vec<T>> for Top<T> {
    fn eq(&self, rows: &Vec<T>) -> bool {
        &self.rows == rows
    }
}

impl<T> From<Top<T>> for Vec<T> {
    fn from(top: Top<T>) -> Self {
        top.rows
    }
}

impl<T> ToFigure for Top<T> {
    fn to_figure(&self) -> Result<Option<Figure>> {
        self.draw().map(Some)
    }
}

impl<T> Show for Top<T> {
    fn html(&self) -> String {
        self.draw().html()
    }

    fn plain(&self) -> String {
        const LONGEST: usize = 60;
        let names: Vec<String> = self.named.iter().map(|(name, _)| fit(name, LONGEST)).collect();
        let signed = |value: f32| if value > 0.0 { format!("+{}", number(value)) } else { number(value) };
        let values: Vec<String> = self.named.iter().map(|&(_, value)| signed(value)).collect();
        let widest = |texts: &[String]| texts.iter().map(|text| columns(text)).max().unwrap_or(0);
        let (name_width, value_width) = (widest(&names), widest(&values));
        let places = names.len().to_string().len();
        let row = |(at, (name, value)): (usize, (&String, &String))| {
            let place = pad_left(&(at + 1).to_string(), places);
            format!("{place}  {}  {}\n", pad(name, name_width), pad_left(value, value_width))
        };
        let rows: String = names.iter().zip(&values).enumerate().map(row).collect();
        let head = match (self.title.as_str(), self.value.as_str()) {
            (title, "") => title.into(),
            (title, value) => format!("{title}: {value}"),
        };
        (headline(&head) + if rows.is_empty() { "nothing\n" } else { &rows }).replace('−', "-")
    }
}

impl<T> fmt::Display for Top<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plain().trim_end())
    }
}

/// Plain text. With `{:-?}`, which the notebook's kernel falls back to, also the picture.
impl<T> fmt::Debug for Top<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        notebook::debug(self, f, Show::plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_the_strongest_is_signed_and_has_nan_first() {
        let all = [("a", 0.5), ("b", -2.0), ("c", f32::NAN), ("d", 0.25)];
        let top = Top::of(3, "Heads", "effect", all.map(|(name, value)| (name.to_owned(), value, name)));
        assert_eq!(top, ["c", "b", "a"]);
        assert_eq!(top.to_string(), "Heads (3 of 4): effect\n1  c   NaN\n2  b    -2\n3  a  +0.5");
        assert_eq!(top.labels(), ["c", "b", "a"]);
        assert!(top.draw().unwrap().to_svg().contains("<title>b: −2</title>"));
        let none = Top::<()>::of(3, "Heads", "", []);
        assert!(none.to_string().ends_with("nothing") && none.draw().is_err());
    }
}
