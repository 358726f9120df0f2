//! How tiers show themselves: as lanes over time, and their comparison as a table.

use super::{Comparison, Segment, Tier, Tiers, Transcript, interval::rounded};
use crate::{
    Result,
    notebook::Card,
    plot::{Figure, Lane, Lanes},
    printable::line,
};

/// What is shown of long tiers, in seconds.
const LONGEST: f64 = 12.0;

impl Tiers {
    /// The picture: a lane for each tier, over seconds. Of long ones it is the beginning; [`crop`](Self::crop) chooses.
    ///
    /// # Errors
    /// When there are no tiers, or more labels in twelve seconds than a picture can hold.
    pub fn figure(&self) -> Result<Figure> {
        let whole = self.duration() <= LONGEST;
        let shown = if whole { self.clone() } else { self.crop(self.start..self.start + LONGEST)? };
        let lane = |tier: &Tier| {
            let labels = tier.marks.iter().map(|mark| (mark.start, mark.end, mark.label.clone()));
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
    /// When it has more labels in twelve seconds than a picture can hold.
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
            let [start, end] = [pair.gold.start, pair.gold.end].map(|time| format!("{} s", rounded(time)));
            [pair.gold.label.clone(), start, ms(pair.start_error()), end, ms(pair.end_error())]
        };
        card.facts(facts.into_iter().flatten())
            .folded("each label", |card| card.table(&header, self.pairs.iter().map(row)))
    }
}

impl Transcript {
    fn card(&self) -> Card {
        let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.3}"));
        let row = |part: &Segment| {
            let [start, end] = [part.start, part.end].map(|time| format!("{} s", rounded(time)));
            [start, end, part.text.trim().to_owned(), number(part.avg_logprob), number(part.no_speech_prob)]
        };
        let header = ["start", "end", "text", "mean log probability", "no speech"];
        let title = self.language.as_ref().map_or("Transcript".into(), |language| format!("Transcript ({language})"));
        Card::new(&title).note(self.text.trim()).table(&header, self.segments.iter().map(row))
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
shown! {
    /// Shows the transcript as the output of a notebook's cell.
    Transcript: card
}

crate::plot::drawn! {
    Tiers: figure;
    Tier: figure;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::Show;

    #[test]
    fn tiers_show_themselves_as_lanes_over_seconds() {
        let words = Tier::new("words", [(0.1, 0.5, "<she>"), (0.5, 0.9, "had")]).unwrap();
        let tones = Tier::points("tones", [(0.3, "H*"), (0.4, "")]).unwrap();
        let tiers = Tiers::new([words, tones]);
        let figure = tiers.figure().unwrap();
        assert_eq!(figure.to_text(), "words  0.1-0.5 <she> | 0.5-0.9 had\ntones  0.3 H*\n");
        assert_eq!(figure.alt(), "Tiers, 0 to 0.9 s; words: <she> had; tones: H*.");
        let svg = tiers.html();
        assert!(svg.contains("<title>&lt;she&gt;: 0.1 to 0.5 s</title>") && svg.contains("<title>H*: 0.3 s</title>"));
        assert!(svg.contains("<title>(pause): 0 to 0.1 s</title>") && svg.contains(">0.5 s</text>"));
        assert_eq!(format!("{tiers:?}").trim(), figure.to_text().trim());
    }

    #[test]
    fn long_tiers_show_their_beginning_and_empty_ones_why_not() {
        let word = |n: usize| (n as f64 * 0.3, n as f64 * 0.3 + 0.25, format!("word{n}"));
        let many = Tier::new("words", (0..10_000).map(word)).unwrap();
        let figure = many.figure().unwrap();
        assert!(figure.to_text().starts_with("The first 12 of 2999.95 s\n") && figure.to_svg().len() < 50_000);
        let crowd = Tier::new("phones", (0..100_000).map(|n| (n as f64 * 1e-4, n as f64 * 1e-4 + 5e-5, "x"))).unwrap();
        let refused = crowd.figure().unwrap_err().to_string();
        assert!(refused.contains("5000 labels at most"), "{refused}");
        assert!(Tiers::new([]).plain().contains("there are no tiers"));
        let instant = Tier::points("tones", [(0.0, "H*")]).unwrap().figure().unwrap();
        assert!(!instant.to_svg().contains("NaN"));
    }

    #[test]
    fn a_comparison_says_its_errors_and_each_of_them() {
        let gold = Tier::new("gold", [(0.1, 0.4, "she"), (0.4, 0.7, "had")]).unwrap();
        let found = Tier::new("found", [(0.12, 0.41, "She"), (0.41, 0.6, "had"), (0.6, 0.7, "uh")]).unwrap();
        let said = found.compare(&gold).unwrap().plain();
        assert!(said.starts_with("found against gold\n"), "{said}");
        for words in [
            "15 ms, on average 15 ms late",
            "55 ms, on average 45 ms early",
            "75 %, 75 %, 100 %",
            "2; 0 missing, 1 extra",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert!(said.contains("she    0.1 s  20 ms  0.4 s  10 ms"), "{said}");
    }
}
