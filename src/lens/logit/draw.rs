//! The pictures of the logit lens.

use super::{LensCell, LogitLens};
use crate::{
    Result,
    cache::index_of,
    index::ToIndex,
    plot::{Figure, LensTable, LineChart, Series, Statistic, tabs},
    printable::visible,
};

/// Pictures.
impl LogitLens {
    /// Draws the table, coloured by one statistic.
    ///
    /// # Errors
    /// Fails when there is nothing to draw.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.logit_lens()?;
    /// assert!(lens.table(Statistic::Entropy)?.to_svg().contains("owl"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn table(&self, statistic: Statistic) -> Result<Figure> {
        let values = self.cells.map(|cell| match statistic {
            Statistic::Probability => cell.top.first().map_or(0.0, |(_, probability)| *probability),
            Statistic::Entropy => cell.entropy,
            Statistic::Divergence => cell.divergence,
            Statistic::Rank => cell.rank as f32,
        });
        let positions: Vec<usize> = self.positions.iter().map(|&position| position as usize).collect();
        let strings = self.tokens.strings(0);
        let table = LensTable::new(
            self.cells.map(|cell| cell.top.clone()),
            positions.iter().map(|&position| strings[position].clone()),
        );
        let table = if positions.len() == strings.len() { table } else { table.positions(positions) };
        let (table, said) =
            if self.fills { (table.in_place(), "predictions in place") } else { (table, "predictions") };
        let watched = visible(&self.watched);
        table
            .title(format!("Logit lens: {said} before each layer (outlined: {watched}){}", self.of))
            .statistic(statistic, values)
            .rows(self.labels.clone())
            .target(self.watched.clone())
            .draw()
    }

    /// Draws the watched token's probability before each layer and at the output, at one position (-1 is the last).
    ///
    /// # Errors
    /// Fails when the position is outside the text, or the run did not record it.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.logit_lens()?;
    /// assert!(lens.line(-1)?.to_svg().contains("owl")); // its probability along the layers
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn line(&self, position: impl ToIndex) -> Result<Figure> {
        self.chart(position, "Probability", |cell| cell.probability)?.y("probability").y_range(0.0, 1.0).draw()
    }

    /// Draws the watched token's rank before each layer and at the output, at one position (-1 is the last).
    ///
    /// The axis is logarithmic. A rank often improves long before the probability does.
    ///
    /// # Errors
    /// Fails when the position is outside the text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.logit_lens_for("red")?;
    /// assert!(lens.rank_line(-1)?.to_svg().contains("red"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rank_line(&self, position: impl ToIndex) -> Result<Figure> {
        self.chart(position, "Rank", |cell| cell.rank as f32)?.y("rank (1 is likeliest)").log_y().draw()
    }

    fn chart(&self, position: impl ToIndex, what: &str, of: impl Fn(&LensCell) -> f32) -> Result<LineChart> {
        let position = self.tokens.index_in(0, position)?;
        let column = self.cells.column(index_of(position, &self.positions)?);
        let place = if self.fills { "at" } else { "after" };
        Ok(LineChart::new()
            .title(format!(
                "{what} of {} {place} {}",
                visible(&self.watched),
                visible(&self.tokens.strings(0)[position])
            ))
            .x("before layer")
            .x_names(self.labels.clone())
            .add(Series::new(self.watched.clone(), column.iter().map(of).collect::<Vec<_>>())))
    }

    /// Draws the table in four colourings, as tabs.
    ///
    /// # Errors
    /// Fails when there is nothing to draw.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let lens = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?.logit_lens()?;
    /// assert!(lens.figure()?.to_html().contains("owl"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let statistics = [
            ("probability", Statistic::Probability),
            ("entropy", Statistic::Entropy),
            ("KL to output", Statistic::Divergence),
            ("rank", Statistic::Rank),
        ];
        let panes = statistics.map(|(name, statistic)| Ok((name, self.table(statistic)?)));
        Ok(tabs(panes.into_iter().collect::<Result<Vec<_>>>()?))
    }
}
