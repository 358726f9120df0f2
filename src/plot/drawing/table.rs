//! A matrix as a plain-text table.

use ndarray::Array2;

use crate::{
    plot::drawing::category_axis::Labels,
    printable::{columns, number, pad, pad_left},
};

/// The values with row labels beside them and column labels below; hidden cells are `·`.
pub(crate) fn table(
    values: &Array2<f32>,
    rows: &Labels,
    across: &Labels,
    upward: bool,
    hidden: impl Fn((usize, usize)) -> bool,
) -> String {
    let (height, width) = values.dim();
    let cell = |at| if hidden(at) { "·".into() } else { number(values[at]) };
    let widths: Vec<usize> = (0..width)
        .map(|x| (0..height).map(|y| columns(&cell((y, x)))).chain([columns(&across.plain(x))]).max().unwrap_or(0))
        .collect();
    let head = (0..height).map(|y| columns(&rows.plain(y))).max().unwrap_or(0);
    let line = |name: &str, text: &dyn Fn(usize) -> String| {
        let cells: String = widths.iter().enumerate().map(|(x, &w)| format!("  {}", pad_left(&text(x), w))).collect();
        format!("{}{cells}\n", pad(name, head))
    };
    let order = (0..height).map(|y| if upward { height - 1 - y } else { y });
    let body: String = order.map(|y| line(&rows.plain(y), &|x| cell((y, x)))).collect();
    body + &line("", &|x| across.plain(x))
}
