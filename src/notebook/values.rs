//! How plain values are shown: numbers and strings on one line, tensors and arrays as numbers.

use super::Show;
use crate::printable::escape;
use candle_core::Tensor;
use ndarray::{ArrayBase, Data, Dimension};
use std::fmt::Display;

/// Implements `evcxr_display` for numbers and strings. If any trait with that method is in scope, the kernel cannot
/// fall back to `{:?}` for a number whose type is not inferred yet, so a cell `let n = 3; n` would not compile.
macro_rules! plain {
    ($($value:ty)*) => { $(
        impl Show for $value {
            fn html(&self) -> String {
                html(&self.plain())
            }

            fn plain(&self) -> String {
                format!("{self:?}")
            }

            fn is_text(&self) -> bool {
                true
            }
        }
    )* };
}

plain!(i32 i64 u8 u32 u64 usize f32 f64 bool char str String);

/// Shows the numbers of a tensor, shortened if there are many, and its shape.
impl Show for Tensor {
    fn html(&self) -> String {
        html(&self.plain())
    }

    fn plain(&self) -> String {
        format!("{self}")
    }
}

/// Shows the numbers of an array, shortened if there are many, and its shape.
impl<S: Data<Elem: Display>, D: Dimension> Show for ArrayBase<S, D> {
    fn html(&self) -> String {
        html(&self.plain())
    }

    fn plain(&self) -> String {
        format!("{self}\nArray{:?}", self.shape())
    }
}

/// Text as preformatted HTML.
pub(super) fn html(plain: &str) -> String {
    format!("<pre>{}</pre>", escape(plain))
}

/// Short texts on one line.
pub(super) fn list(open: char, all: impl IntoIterator<Item = String>, close: char) -> String {
    let all = all.into_iter().collect::<Vec<_>>().join(", ");
    format!("{open}{all}{close}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn an_untyped_number_is_shown() {
        let n = 3;
        assert_eq!(n.plain(), "3");
        assert_eq!(Ok::<_, &str>(1.5).plain(), "1.5");
    }

    #[test]
    fn plain_values_together_are_one_line() {
        assert_eq!((1, 6, 0.5f32).plain(), "(1, 6, 0.5)");
        assert_eq!(vec![(" owl", 1u32), (" <b>", 2)].plain(), r#"[(" owl", 1), (" <b>", 2)]"#);
        assert_eq!(vec![(" <b>", 2)].html(), "<pre>[(&quot; &lt;b&gt;&quot;, 2)]</pre>");
        assert_eq!(Some(vec![1.5, 2.0]).plain(), "[1.5, 2.0]");
        assert_eq!((&[1u32, 2][..], "a\nb".to_owned()).plain(), r#"([1, 2], "a\nb")"#);
    }

    #[test]
    fn tensors_and_arrays_are_shown_as_their_numbers() {
        let tensor = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        assert_eq!(tensor.plain().trim_end(), "[[1., 2.],\n [3., 4.]]\nTensor[[2, 2], f32]");
        assert!(Ok::<_, candle_core::Error>(tensor).html().starts_with("<pre>[[1., 2.],"));
        let array = ndarray::array![[1.5f32, 2.0], [3.0, 4.0]];
        assert_eq!(array.plain(), "[[1.5, 2],\n [3, 4]]\nArray[2, 2]");
        assert_eq!(array.t().row(0).plain(), "[1.5, 3]\nArray[2]");
    }
}
