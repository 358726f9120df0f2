//! Crops a value to the end of a text, for a pass that reuses the keys and values of the beginning.

use super::{Action, Intervention};
use crate::{axes::Axis, tensor::vector};
use candle_core::Tensor;
use std::ops::Range;

impl Intervention {
    /// Whether the result at one position may depend on other positions and texts.
    pub(crate) fn mixes(&self) -> bool {
        matches!(self.action, Action::Mean | Action::Edit(_) | Action::EditGradient(_) | Action::Look(_))
    }

    /// Whether the intervention does the same to every token, wherever the text ends and whatever is read with it.
    /// Then applying it again to tokens that were read before changes nothing.
    pub(crate) fn is_repeatable(&self) -> bool {
        let narrowed = self.narrow.iter().any(|(axis, _)| matches!(axis, Axis::Pos | Axis::Key));
        let by_row = match &self.action {
            Action::Replace(value) | Action::Add(value) => self.rows_of(value).is_some_and(|dim| value.dims()[dim] > 1),
            _ => false,
        };
        !narrowed && !by_row && !self.mixes()
    }

    /// The dimension of a value that counts positions, if it has one.
    fn rows_of(&self, value: &Tensor) -> Option<usize> {
        let behind = self.site.axes().iter().rev().position(|axis| matches!(axis, Axis::Pos | Axis::Query))?;
        value.rank().checked_sub(behind + 1)
    }

    /// Keeps the rows of a value for the positions that are read. The value has a row for each position of the text, or
    /// for each position that the intervention is narrowed to; in the second case the rows are sorted by position.
    pub(super) fn keep_rows(&mut self, read: &Range<usize>) {
        let (Action::Replace(value) | Action::Add(value)) = &self.action else { return };
        let Some(dim) = self.rows_of(value) else { return };
        let (rows, whole) = (value.dims()[dim], value.rank() == self.site.axes().len() && self.narrow.len() == 1);
        if rows == 1 {
            return;
        }
        let narrowed = self.narrow.iter().position(|(axis, _)| *axis == Axis::Pos);
        let of_part = narrowed.filter(|&at| self.narrow[at].1.len() == rows && !(whole && rows == read.end));
        let kept: Vec<u32> = match of_part {
            Some(at) => {
                let counted = |&index: &i64| if index < 0 { index + read.end as i64 } else { index };
                let places: Vec<i64> = self.narrow[at].1.iter().map(counted).collect();
                let mut order: Vec<usize> =
                    (0..rows).filter(|&row| !places[row + 1..].contains(&places[row])).collect();
                order.retain(|&row| (read.start as i64..read.end as i64).contains(&places[row]));
                order.sort_by_key(|&row| places[row]);
                self.narrow[at].1 = order.iter().map(|&row| places[row]).collect();
                order.into_iter().map(|row| row as u32).collect()
            }
            None if rows == read.end => (read.start as u32..read.end as u32).collect(),
            None => return,
        };
        if kept.len() < rows || of_part.is_some() {
            let picked = vector(kept).and_then(|kept| value.contiguous()?.index_select(&kept, dim));
            // A value that cannot be cropped keeps its shape, and the shape check then refuses it.
            let Ok(picked) = picked else { return };
            match &mut self.action {
                Action::Replace(value) | Action::Add(value) => *value = picked,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        hook::{Intervention, replace, zero},
        site::Site,
    };
    use candle_core::{Device, Tensor};

    fn value(one: &Intervention) -> String {
        format!("{one:?}")
    }

    #[test]
    fn a_value_keeps_the_rows_that_are_read() {
        let rows = Tensor::arange(0f32, 10., &Device::Cpu).unwrap().reshape((1, 5, 2)).unwrap();
        let whole = replace(Site::resid_pre(0), rows.clone());
        assert_eq!(value(&whole.clone().within(3..5).unwrap()), "replace [1, 2, 2] at blocks.0.hook_resid_pre");
        let one = whole.position(4).within(3..5).unwrap();
        assert_eq!(value(&one), "replace [1, 2, 2] at blocks.0.hook_resid_pre, pos [1]");
        // The value has one row per narrowed position. Rows stay with their positions, and the last mention of a
        // position wins.
        let part = replace(Site::resid_pre(0), rows.narrow(1, 0, 4).unwrap()).positions([4, 1, -2, 4]);
        let mut part = part.within(2..5).unwrap();
        assert_eq!(value(&part), "replace [1, 2, 2] at blocks.0.hook_resid_pre, pos [1, 2]");
        part.resolved = vec![(1, vec![1, 2])];
        let put = part.apply(&Tensor::zeros((1, 3, 2), candle_core::DType::F32, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(put.to_vec3::<f32>().unwrap(), [[[0.0, 0.0], [4.0, 5.0], [6.0, 7.0]]]);
        let vector = replace(Site::resid_pre(0), Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap());
        assert_eq!(value(&vector.within(3..5).unwrap()), "replace [2] at blocks.0.hook_resid_pre");
    }

    #[test]
    fn what_is_made_of_the_encoders_text_counts_its_positions() {
        let keys = zero(Site::cross_k(0).in_decoder()).position(7);
        assert_eq!(value(&keys.within(0..2).unwrap()), "zero at decoder.0.cross_attn.hook_k, pos [7]");
    }
}
