//! A name of one's own wins over the prelude's, with all of ndarray or candle beside it.

mod with_ndarray {
    use glassbox::{ndarray::*, prelude::*};

    fn add(a: f64, b: f64) -> f64 {
        a + b
    }
    struct Features {
        n: usize,
    }

    pub fn all() -> Result<f64> {
        let (mean, row, features) = (3.0, vec![1], Features { n: 1 });
        let grid: Array2<f32> = array![[1.0, 2.0]];
        Heatmap::new(grid).draw()?;
        Ok(add(mean, (row.len() + features.n) as f64))
    }
}

mod with_candle {
    use glassbox::{candle_core::*, prelude::*};

    fn softmax(x: f64) -> f64 {
        x
    }

    // `Result` alone would be two things.
    pub fn all() -> glassbox::Result<f64> {
        let half = Tensor::new(&[1f32, 1.0], &Device::Cpu)?.softmax(D::Minus1)?.get(0)?.to_scalar::<f32>()?;
        Ok(softmax(half.into()))
    }
}

#[test]
fn a_name_of_ones_own_wins_over_the_prelude() {
    assert_eq!(with_ndarray::all().unwrap(), 5.0);
    assert_eq!(with_candle::all().unwrap(), 0.5);
}
