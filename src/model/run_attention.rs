//! Attention patterns, as pictures and as numbers.

use super::{Run, ToPattern};
use crate::{
    Result,
    error::RunError,
    hook::{Point, Site, Stack, ToIndex},
    index::Counted,
    plot::{AttentionHeads, AttentionPattern, Figure, TokenText},
    printable::visible,
    tensor::array,
    text::Tokens,
};
use ndarray::{Array2, Array3};

impl Run {
    /// Draws the attention patterns of all heads of a layer, on the first text.
    ///
    /// # Errors
    /// When the run did not record them at all positions, or the given site does not hold patterns.
    ///
    /// # Examples
    /// Of an encoder-decoder, say which stack:
    /// ```no_run
    /// # use glassbox::prelude::*;
    /// let run = Model::open("google-t5/t5-small")?.pass("translate English to German: Hello")?.decoder_input("Hallo")?;
    /// run.record(Sites::All).run()?.attention(Site::cross_pattern(0).in_decoder())?; // a picture, in a notebook
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("attention_patterns", "circuitsvis", "AttentionPattern"))]
    pub fn attention(&self, layer: impl ToPattern) -> Result<Figure> {
        let site = self.model().config().site(layer.to_pattern()?)?;
        let patterns = self.patterns(site)?;
        self.cache().need_whole(site, "a picture of attention")?;
        let title = self.titled(format!("{}: {}", self.model().name(), title(site)));
        let names = (0..patterns.dim().0).map(|head| head_name(site, head));
        let [queries, keys] = self.ends(site);
        AttentionHeads::new(patterns, queries.strings(0)).keys(keys.strings(0)).names(names).title(title).draw()
    }

    /// Draws the attention pattern of one head, on the first text.
    ///
    /// # Errors
    /// As [`Run::attention`], and when there is no such head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let figure = run.attention_head(1, 0)?; // a picture, in a notebook
    /// assert!(figure.to_svg().contains("L1H0"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "attention_pattern")]
    pub fn attention_head(&self, layer: impl ToPattern, head: impl ToIndex) -> Result<Figure> {
        let site = self.model().config().site(layer.to_pattern()?)?;
        let (head, pattern) = self.pattern_of(site, head)?;
        self.cache().need_whole(site, "a picture of attention")?;
        let title = self.titled(format!("{}: attention pattern", name_in_stack(site, head)));
        let [queries, keys] = self.ends(site);
        AttentionPattern::new(pattern, queries.strings(0)).keys(keys.strings(0)).title(title).draw()
    }

    /// Draws the attention of a head from one query position (-1 is the last) of the first text: each token is coloured
    /// by the attention that it receives.
    ///
    /// # Errors
    /// When the run did not record the pattern at this position, there is no such head, or the position is outside the
    /// text.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let figure = run.attention_from(1, 0, -1)?; // the second "blue" attends to what came after the first
    /// assert!(figure.to_svg().contains("<title>owl@4: 1"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn attention_from(&self, layer: impl ToPattern, head: impl ToIndex, position: impl ToIndex) -> Result<Figure> {
        let site = self.model().config().site(layer.to_pattern()?)?;
        let (head, pattern) = self.pattern_of(site, head)?;
        let [queries, keys] = self.ends(site);
        let from = queries.index_in(0, position)?;
        let row = pattern.row(self.cache().row(site, from)?).to_vec();
        let (name, token) = (name_in_stack(site, head), visible(&queries.strings(0)[from]));
        let text =
            TokenText::new(keys.strings(0), row).title(self.titled(format!("{name}: attention from {token}@{from}")));
        let text = if site.point() != Point::CrossPattern { text.outline(from) } else { text };
        text.value("attention").range(0.0, 1.0).draw()
    }

    /// Returns the attention pattern of one head on the first text. The rows are the recorded positions.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Errors
    /// When the run did not record it, or there is no such head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let pattern = run.pattern(1, 0)?;
    /// assert!(pattern[[7, 4]] > 0.8); // from the second "blue" to "owl"
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "hook_pattern")]
    pub fn pattern(&self, layer: impl ToPattern, head: impl ToIndex) -> Result<Array2<f32>> {
        let site = self.model().config().site(layer.to_pattern()?)?;
        Ok(self.pattern_of(site, head)?.1)
    }

    /// Which head it is, and its pattern.
    fn pattern_of(&self, site: Site, head: impl ToIndex) -> Result<(usize, Array2<f32>)> {
        let patterns = self.patterns(site)?;
        let head = Counted::new("head", "a layer of this model has heads", patterns.dim().0).index(head)?;
        Ok((head, patterns.index_axis(ndarray::Axis(0), head).to_owned()))
    }

    /// `[head, query, key]`
    fn patterns(&self, site: Site) -> Result<Array3<f32>> {
        self.model().config().check(site)?;
        if !matches!(site.point(), Point::Pattern | Point::CrossPattern) {
            return Err(RunError::NoPattern { site: site.to_string() }.into());
        }
        array(&self.cache().get(site)?.get(0)?)
    }

    /// The texts at the queries and at the keys.
    fn ends(&self, site: Site) -> [Tokens; 2] {
        let (own, source) = (self.tokens(), self.cache().source().unwrap_or_else(|| self.tokens()));
        match (site.stack(), site.point()) {
            (Stack::Encoder, _) => [source.clone(), source],
            (_, Point::CrossPattern) => [own, source],
            _ => [own.clone(), own],
        }
    }
}

fn head_name(site: Site, head: usize) -> String {
    format!("L{}H{head}", site.layer().unwrap_or(0))
}

/// Which of a model's attentions it is; nothing where it has one a layer.
fn whose(site: Site) -> &'static str {
    match (site.stack(), site.point()) {
        (Stack::Blocks, _) => "",
        (Stack::Encoder, _) => "encoder ",
        (Stack::Decoder, Point::CrossPattern) => "cross ",
        (Stack::Decoder, _) => "decoder ",
    }
}

/// A head's name, with its stack where a model has two: `cross L1H2`.
pub(crate) fn name_in_stack(site: Site, head: usize) -> String {
    format!("{}{}", whose(site), head_name(site, head))
}

fn title(site: Site) -> String {
    format!("{}attention of layer {}", whose(site), site.layer().unwrap_or(0))
}
