//! [`AxisNames`]: matplotlib's method names for the names of axes.

use super::{Heatmap, LineChart, Scatter};

/// `x_label` and `y_label`, as in matplotlib, for charts with two axes. They do the same as `x` and `y`.
///
/// ```
/// use glassbox::prelude::*;
/// let chart = LineChart::new().add(Series::new("loss", [3.0, 2.0])).x_label("step").y_label("nats").draw()?;
/// assert!(chart.to_svg().contains(">step</text>") && chart.to_svg().contains(">nats</text>"));
/// assert!(Heatmap::new([[1, 2]]).x_label("head").draw()?.to_svg().contains(">head</text>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("xlabel", "set_xlabel"))]
pub trait AxisNames: Sized {
    /// Names the x axis.
    fn x_label(self, name: impl Into<String>) -> Self;

    /// Names the y axis.
    fn y_label(self, name: impl Into<String>) -> Self;
}

macro_rules! named {
    ($($chart:ty)*) => {$(
        impl AxisNames for $chart {
            fn x_label(self, name: impl Into<String>) -> Self {
                self.x(name)
            }

            fn y_label(self, name: impl Into<String>) -> Self {
                self.y(name)
            }
        }
    )*};
}

named! { Heatmap LineChart Scatter }
