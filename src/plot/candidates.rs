//! [`Candidates`]: the most probable next tokens with their ranks, and the answers among them.

use super::figure::Figure;
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Frame, heading_height},
            color::{ACCENT, FAINT, INK, MUTED, RULE},
            mark::Mark,
            page::{LABEL, MARGIN, NAME, NOTE},
        },
    },
    printable::{columns, fit, headline, line, number, pad, pad_left, text_width, visible},
};

/// A possible next token.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub token: String,
    /// Its rank among all tokens; 1 is the most probable.
    pub rank: usize,
    pub probability: f32,
    pub logit: f32,
    /// Whether it is one of the answers asked for.
    pub asked: bool,
}

/// A bar for each candidate, the most probable first. The answers stand out; a gap marks ranks that are left out.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    pub heading: String,
    pub list: Vec<Candidate>,
    /// The probability at the full length of a bar.
    pub longest: f32,
}

const WIDTH: f64 = 190.0;
const LINE: f64 = 20.0;
const GAP: f64 = 12.0;
const HEAD: f64 = 20.0;
/// The longest token, in columns.
const LONGEST: usize = 22;

impl Candidates {
    /// Draws the picture.
    pub(crate) fn draw(&self) -> Result<Figure> {
        if self.list.is_empty() {
            return Err(PlotError::Empty { picture: "candidates", what: "there are none" }.into());
        }
        check_count("candidates", "tokens", self.list.len(), 5000)?;
        let widest = |text: &dyn Fn(&Candidate) -> String, least: &str| {
            let widths = self.list.iter().map(|candidate| text_width(&text(candidate), LABEL));
            widths.fold(text_width(least, NOTE), f64::max)
        };
        let rank = MARGIN + widest(&Candidate::rank, "rank");
        let token = rank + 14.0;
        let bar = token + widest(&Candidate::token, "token") + 10.0;
        let (top, heights) = (MARGIN + heading_height(&self.heading) + HEAD, self.heights());
        let bottom = top + heights.iter().sum::<f64>() + LINE * self.list.len() as f64;
        let width = bar + WIDTH + widest(&|candidate| number(candidate.probability), "probability") + MARGIN;
        let canvas = Canvas::headed(&self.heading, "", width, bottom + MARGIN);
        for (at, name, end) in [(rank, "rank", true), (token, "token", false), (bar, "probability", false)] {
            let name = Mark::text((at, top - HEAD / 2.0 - 2.0), name, NOTE).fill(MUTED).sans();
            canvas.put(if end { name.end() } else { name });
        }
        let mut y = top;
        for (candidate, gap) in self.list.iter().zip(heights) {
            if gap > 0.0 {
                canvas.put(Mark::text((rank, y + gap / 2.0), "⋮", NAME).fill(FAINT).end());
            }
            let frame = Frame { x: bar, y: y + gap, width: WIDTH, height: LINE };
            let length = WIDTH * f64::from((candidate.probability / self.longest).clamp(0.0, 1.0));
            candidate.draw(&canvas, Frame { width: length, ..frame }, [rank, token]);
            y = frame.bottom();
        }
        canvas.put(Mark::line([(bar, top), (bar, bottom)]).stroke(RULE, 1.0));
        canvas.finish(self.alt(), self.plain())
    }

    /// The space above each candidate, if ranks are left out before it.
    fn heights(&self) -> Vec<f64> {
        let skips = |i: usize| i > 0 && self.list[i].rank > self.list[i - 1].rank + 1;
        (0..self.list.len()).map(|i| if skips(i) { GAP } else { 0.0 }).collect()
    }

    fn alt(&self) -> String {
        let said = |candidate: &Candidate| {
            let Candidate { token, rank, probability, .. } = candidate;
            format!("{} has rank {rank} and probability {}", visible(token), number(*probability))
        };
        let asked: Vec<_> = self.list.iter().filter(|candidate| candidate.asked).map(said).collect();
        format!("{}: {}.", self.heading, asked.join("; "))
    }

    fn plain(&self) -> String {
        let widest = |text: fn(&Candidate) -> String| self.list.iter().map(|c| columns(&text(c))).max().unwrap_or(0);
        let (ranks, tokens) = (widest(Candidate::rank).max(4), widest(Candidate::token).max(5));
        let mut out = headline(&line(&self.heading));
        out += &format!("  {}  {}  probability\n", pad_left("rank", ranks), pad("token", tokens));
        for (candidate, gap) in self.list.iter().zip(self.heights()) {
            if gap > 0.0 {
                out += &format!("  {}\n", pad_left("…", ranks));
            }
            let mark = if candidate.asked { ">" } else { " " };
            let (rank, token) = (pad_left(&candidate.rank(), ranks), pad(&candidate.token(), tokens));
            out += &format!("{mark} {rank}  {token}  {}\n", number(candidate.probability));
        }
        out
    }
}

impl Candidate {
    fn rank(&self) -> String {
        self.rank.to_string()
    }

    fn token(&self) -> String {
        fit(&visible(&self.token), LONGEST)
    }

    /// Draws one line: the rank ends at the first column, the token starts at the second, the bar fills the frame.
    fn draw(&self, canvas: &Canvas, frame: Frame, [rank, token]: [f64; 2]) {
        let (fill, ink, faint) = if self.asked { (ACCENT, INK, INK) } else { (RULE, MUTED, FAINT) };
        let words = |at, text| {
            let words = Mark::text((at, frame.middle().1), text, LABEL);
            if self.asked { words.bold() } else { words }
        };
        let Self { token: name, rank: place, .. } = self;
        let (probability, logit) = (number(self.probability), number(self.logit));
        let title = format!("{}: rank {place}, probability {probability}, logit {logit}", visible(name));
        let bar = Frame { y: frame.y + 3.0, height: frame.height - 6.0, ..frame };
        let marks = [
            words(rank, self.rank()).fill(faint).end(),
            words(token, self.token()),
            bar.mark().fill(fill),
            words(frame.right() + 5.0, probability).fill(ink),
        ];
        canvas.group(title, marks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Candidates {
        let candidate = |rank, text: &str, probability, asked| Candidate {
            token: text.into(),
            rank,
            probability,
            logit: 1.5,
            asked,
        };
        let list = vec![
            candidate(1, " Mary", 0.6, true),
            candidate(2, " the", 0.2, false),
            candidate(4210, "<s>", 1e-5, true),
        ];
        Candidates { heading: "After “to”".into(), list, longest: 0.6 }
    }

    #[test]
    fn the_answers_stand_out_and_a_gap_tells_that_ranks_are_left_out() {
        let svg = candidates().draw().unwrap().to_svg();
        assert_eq!(svg.matches(&ACCENT.hex()).count(), 2);
        assert_eq!(svg.matches('⋮').count(), 1);
        assert!(svg.contains("<title>&lt;s&gt;: rank 4210, probability 1e−5, logit 1.5</title>"));
    }

    #[test]
    fn the_plain_form_says_the_same() {
        let plain = candidates().draw().unwrap().to_text();
        let lines = [
            "After “to”",
            "  rank  token  probability",
            ">    1  ·Mary  0.6",
            "     2  ·the   0.2",
            "     …",
            "> 4210  <s>    1e-5",
        ];
        assert_eq!(plain.lines().collect::<Vec<_>>(), lines);
    }
}
