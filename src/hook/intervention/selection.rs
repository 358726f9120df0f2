//! Narrowing an intervention to some heads, positions, keys, neurons or texts.

use super::Intervention;
use crate::{axes::Axis, index::ToIndex};

/// Narrowing. Calls along different axes combine. Narrowing twice along one axis is an error.
impl Intervention {
    /// Narrows to one head (a key head at `hook_k` and `hook_v`).
    ///
    /// Negative indices count from the end.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with("red fox blue owl red fox blue", zero(Site::z(1)).head(-1))?; // the last head
    /// assert!(run.probability("owl", -1)? > 0.9); // is not the induction head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn head(self, head: impl ToIndex) -> Self {
        self.heads([head])
    }

    /// Narrows to these heads.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with("red fox blue owl red fox blue", zero(Site::z(1)).heads(1..4))?;
    /// assert!(run.probability("owl", -1)? > 0.5); // the induction head is left
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn heads(self, heads: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.along(Axis::Head, heads)
    }

    /// Narrows to one position (the query position of a pattern); -1 is the last.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with("red fox blue owl red fox blue", zero(Site::z(1)).position(-1))?;
    /// assert!(run.probability("owl", -1)? < 0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn position(self, position: impl ToIndex) -> Self {
        self.positions([position])
    }

    /// Narrows to these positions.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with("red fox blue owl red fox blue", zero(Site::z(1)).positions(0..7))?;
    /// assert!(run.probability("owl", -1)? > 0.9); // the last position is left
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn positions(self, positions: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.along(Axis::Pos, positions)
    }

    /// Narrows to one key position of scores or a pattern.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with("red fox blue owl red fox blue", zero(Site::pattern(1)).position(-1).key(4))?;
    /// assert!(run.probability("owl", -1)? < 0.5); // no attention from the second "blue" to "owl"
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn key(self, key: impl ToIndex) -> Self {
        self.keys([key])
    }

    /// Narrows to these key positions of scores or a pattern.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with("red fox blue owl red fox blue", zero(Site::pattern(1)).position(-1).keys(0..4))?;
    /// assert!(run.probability("owl", -1)? > 0.5); // attention to "owl" is left
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn keys(self, keys: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.along(Axis::Key, keys)
    }

    /// Narrows to one neuron of an MLP.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// let run = model.run_with("The keys", zero(Site::mlp_post(3)).neuron(17))?;
    /// assert_eq!(run.cache().get(Site::mlp_post(3))?.i((0, -1, 17))?.to_scalar::<f32>()?, 0.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn neuron(self, neuron: impl ToIndex) -> Self {
        self.neurons([neuron])
    }

    /// Narrows to these neurons of an MLP.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// let run = model.run_with("The keys", zero(Site::mlp_post(3)).neurons([17, 18]))?;
    /// assert_eq!(run.cache().get(Site::mlp_post(3))?.i((0, -1, 18))?.to_scalar::<f32>()?, 0.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn neurons(self, neurons: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.along(Axis::DMlp, neurons)
    }

    /// Narrows to one text of the batch.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run_with(["red fox red", "red fox red"], zero(Site::z(1)).text(0))?;
    /// assert!(run.predictions_in(0, -1, 1)?[0].text != "fox" && run.predictions_in(1, -1, 1)?[0].text == "fox");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn text(self, text: impl ToIndex) -> Self {
        self.along(Axis::Batch, [text])
    }
}
