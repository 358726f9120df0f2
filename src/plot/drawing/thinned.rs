//! Thins a line of very many points without a visible difference.

/// Longer lines are thinned.
pub(crate) const LONG: usize = 4000;

/// One pixel column of the picture: its first, lowest, highest and last point, each with its index in the line.
struct Column {
    at: i64,
    ends: [(usize, (f64, f64)); 4],
}

impl Column {
    fn new(at: i64, point: (usize, (f64, f64))) -> Self {
        Self { at, ends: [point; 4] }
    }

    fn add(&mut self, point: (usize, (f64, f64))) {
        let [_, lowest, highest, last] = &mut self.ends;
        let y = point.1.1;
        if y < lowest.1.1 {
            *lowest = point;
        }
        if y > highest.1.1 {
            *highest = point;
        }
        *last = point;
    }

    fn points(mut self) -> impl Iterator<Item = (f64, f64)> {
        self.ends.sort_by_key(|(place, _)| *place);
        let mut before = None;
        let anew = move |(place, _): &(usize, (f64, f64))| before.replace(*place) != Some(*place);
        self.ends.into_iter().filter(anew).map(|(_, point)| point)
    }
}

/// The runs of finite points of a line, thinned to the first, lowest, highest and last point of each pixel column. A
/// gap within one column is too narrow to see and is closed.
pub(crate) fn thinned(points: impl Iterator<Item = (f64, f64)>, column: impl Fn(f64) -> i64) -> Vec<Vec<(f64, f64)>> {
    let (mut stretches, mut stretch) = (Vec::new(), Vec::new());
    let (mut open, mut gap) = (None::<Column>, false);
    for (place, (x, y)) in points.enumerate() {
        if !(x.is_finite() && y.is_finite()) {
            gap = true;
            continue;
        }
        let at = column(x);
        match &mut open {
            Some(same) if same.at == at => same.add((place, (x, y))),
            _ => {
                stretch.extend(open.take().into_iter().flat_map(Column::points));
                if gap && !stretch.is_empty() {
                    stretches.push(std::mem::take(&mut stretch));
                }
                open = Some(Column::new(at, (place, (x, y))));
            }
        }
        gap = false;
    }
    stretch.extend(open.into_iter().flat_map(Column::points));
    stretches.extend((!stretch.is_empty()).then_some(stretch));
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_keeps_its_extremes_and_its_ends_in_order() {
        let wave = |i: usize| (i as f64 * 0.37).sin() + if i == 5_003 { 9.0 } else { 0.0 };
        let points: Vec<_> = (0..10_000).map(|i| (i as f64, wave(i))).collect();
        let column = |x: f64| (x / 100.0).floor() as i64;
        let kept = thinned(points.iter().copied(), column);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].len() <= 400 && kept[0].is_sorted_by(|a, b| a.0 < b.0));
        for at in 0..100 {
            let of = |points: &[(f64, f64)]| {
                let ys = points.iter().filter(|point| column(point.0) == at).map(|point| point.1);
                let (least, most) =
                    (ys.clone().fold(f64::INFINITY, f64::min), ys.clone().fold(f64::NEG_INFINITY, f64::max));
                (ys.clone().next(), least, most, ys.clone().next_back())
            };
            assert_eq!(of(&kept[0]), of(&points), "column {at}");
        }
    }

    #[test]
    fn a_gap_is_kept_where_it_is_wider_than_a_column() {
        let points =
            (0..1000).map(|i| (f64::from(i), if (300..500).contains(&i) || i == 707 { f64::NAN } else { 1.0 }));
        let kept = thinned(points, |x| (x / 10.0).floor() as i64);
        assert_eq!(
            kept.iter().map(|run| (run[0].0, run[run.len() - 1].0)).collect::<Vec<_>>(),
            [(0.0, 299.0), (500.0, 999.0)]
        );
    }
}
