//! How tiers show themselves: as lanes over time, and their comparison as a table.

use super::{Comparison, Tier, Tiers, interval::rounded};
use crate::{
    Result,
    notebook::Card,
    plot::{Figure, Lane, Lanes},
    printable::line,
};

/// What is shown of long tiers, in seconds and in labels.
const LONGEST: f64 = 30.0;
const MOST: usize = 1500;

impl Tiers {
    /// The picture: a lane for each tier, over seconds. Of long ones it is the beginning; [`crop`](Self::crop) chooses.
    ///
    /// # Errors
    /// When there are no tiers, or more labels in half a minute than a picture can hold.
    pub fn figure(&self) -> Result<Figure> {
        let whole = self.duration() <= LONGEST;
        let shown = if whole { self.clone() } else { self.crop(self.start..self.start + LONGEST)? };
        let lane = |tier: &Tier| {
            let labels = tier.marks.iter().take(MOST).map(|mark| (mark.start, mark.end, mark.label.clone()));
            Lane { name: tier.name(), points: tier.points, labels: labels.collect() }
        };
        let title =
            if whole { String::new() } else { format!("The first {LONGEST} of {} s", rounded(self.duration())) };
        Lanes::new(shown.start, shown.end, shown.tiers.iter().map(lane)).title(title).draw()
    }
}

impl Tier {
    /// The picture: its labels over seconds. Of a long one it is the beginning; [`crop`](Self::crop) chooses.
    ///
    /// # Errors
    /// When it has more labels in half a minute than a picture can hold.
    pub fn figure(&self) -> Result<Figure> {
        Tiers::between(self.start, self.end, vec![self.clone()]).figure()
    }
}

impl Comparison {
    fn card(&self) -> Card {
        let ms = |value: f64| format!("{} ms", (value * 10.0).round() / 10.0 + 0.0);
        let error = |mean: f64, bias: f64| {
            format!("{}, on average {} {}", ms(mean), ms(bias.abs()), if bias < 0.0 { "early" } else { "late" })
        };
        let card = Card::new(&format!("{} against {}", line(&self.found), line(&self.gold)));
        let starts = ("mean error of starts", error(self.mean_start_error(), self.start_bias()));
        let ends = ("mean error of ends", error(self.mean_end_error(), self.end_bias()));
        let share = |most: i32| format!("{:.0} %", 100.0 * self.within(most));
        let shares = format!("{}, {}, {}", share(20), share(50), share(100));
        let found = format!("{}; {} missing, {} extra", self.pairs.len(), self.missing().len(), self.extra().len());
        let facts = [
            Some(starts),
            Some(ends).filter(|_| !self.points),
            Some(("within 20, 50, 100 ms", shares)),
            Some(("labels in both", found)),
        ];
        let header = ["label", "start", "error", "end", "error"];
        let row = |pair: &super::Pair| {
            let (gold, found) = (rounded(pair.gold.start), rounded(pair.gold.end));
            [
                pair.gold.label.clone(),
                format!("{gold} s"),
                ms(pair.start_error()),
                format!("{found} s"),
                ms(pair.end_error()),
            ]
        };
        card.facts(facts.into_iter().flatten())
            .folded("each label", |card| card.table(&header, self.pairs.iter().map(row)))
    }
}

shown! {
    /// Shows the tiers as the output of a notebook's cell.
    Tiers: figure
}
shown! {
    /// Shows the tier as the output of a notebook's cell.
    Tier: figure
}
shown! {
    /// Shows the comparison as the output of a notebook's cell.
    Comparison: card
}

crate::plot::drawn! {
    Tiers: figure;
    Tier: figure;
}
