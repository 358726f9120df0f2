//! Shows tokens in a notebook.

use super::Tokens;
use crate::{
    Result,
    notebook::{Card, Chip},
    plot::{Held, ToNames},
    printable::visible,
};

impl Tokens {
    fn card(&self) -> Card {
        let card = Card::new(&self.title());
        (0..self.batch()).fold(card, |card, text| card.chips((0..self.len()).map(|position| self.chip(text, position))))
    }

    /// The heading, such as `3 texts of 2 to 5 tokens, padded on the right to 5`.
    fn title(&self) -> String {
        let texts = if self.batch() == 1 { String::new() } else { format!("{} texts of ", self.batch()) };
        let shortest = self.lengths().into_iter().min().unwrap_or(0);
        let lengths = match self.padding() {
            Some(side) => format!("{shortest} to {0} tokens, padded on the {side} to {0}", self.len()),
            None if self.len() == 1 => "1 token".into(),
            None => format!("{} tokens", self.len()),
        };
        let bos = match (self.bos_prepended(), self.batch()) {
            (false, _) => "",
            (true, 1) if self.len() == 1 => ", a beginning-of-text token that was prepended",
            (true, 1) => ", the first of them a beginning-of-text token that was prepended",
            (true, _) => ", the first of each a beginning-of-text token that was prepended",
        };
        format!("{texts}{lengths}{bos}")
    }

    fn chip(&self, text: usize, position: usize) -> Chip {
        let (string, id) = (&self.row(text).strings[position], self.row(text).ids[position]);
        let faint = !self.real(text).contains(&position);
        let sentence = match self.row(text).types[position] {
            0 => "",
            _ => ", second sentence",
        };
        let what = if faint { ", padding" } else { sentence };
        Chip { text: visible(string), title: format!("position {position}, id {id}{what}"), faint }
    }
}

shown! {
    /// Shows the tokens in a notebook: the tooltip of each gives its position and id, and padding is grey.
    Tokens: card
}

impl ToNames<Held> for &Tokens {
    fn to_names(self) -> Result<Vec<String>> {
        Ok(self.strings(0).to_vec())
    }
}

impl ToNames<Held> for Tokens {
    fn to_names(self) -> Result<Vec<String>> {
        (&self).to_names()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Model, notebook::Show, text::Padding};

    #[test]
    fn padding_is_seen_in_both_forms() {
        let tokens = Model::open("induction-2l").unwrap().tokens(["red", "red fox"]).unwrap().padded(Padding::Left);
        assert_eq!(
            tokens.plain(),
            "2 texts of 2 to 3 tokens, padded on the left to 3, the first of each a beginning-of-text token that was \
             prepended\n  (<bos>)|<bos>|red\n  <bos>|red|fox\n"
        );
        assert_eq!(tokens.html().matches("position 0, id 0, padding").count(), 1);
    }

    #[test]
    fn one_text_is_said_to_be_one() {
        let tokens = Model::open("induction-2l").unwrap().tokens([7, 8]).unwrap();
        assert!(tokens.plain().starts_with("2 tokens\n"));
    }
}
