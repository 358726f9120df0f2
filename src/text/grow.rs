//! Appends tokens to texts, as generation does.

use super::{Tokens, tokens::Row};
use std::{ops::Range, sync::Arc};

impl Tokens {
    /// Appends a token to each text; a text that has ended (`None`) gets padding.
    pub(crate) fn push(&mut self, next: &[Option<u32>], print: impl Fn(u32) -> String) {
        for (row, next) in Arc::make_mut(&mut self.rows).iter_mut().zip(next) {
            row.ids.push(next.unwrap_or(self.filler.id));
            row.strings.push(next.map_or_else(|| self.filler.string.to_string(), &print));
            row.spans.push(0..0);
            row.types.push(0);
            if next.is_some() {
                row.real.end = row.ids.len();
            }
        }
    }

    /// Returns some positions of every text.
    pub(crate) fn columns(&self, columns: Range<usize>) -> Self {
        let within = |at: usize| at.clamp(columns.start, columns.end) - columns.start;
        let part = |row: &Row| Row {
            ids: row.ids[columns.clone()].to_vec(),
            strings: row.strings[columns.clone()].to_vec(),
            spans: row.spans[columns.clone()].to_vec(),
            types: row.types[columns.clone()].to_vec(),
            text: row.text.clone(),
            real: within(row.real.start)..within(row.real.end),
        };
        Self { rows: self.rows.iter().map(part).collect(), ..self.clone() }
    }

    /// Records the text of the last tokens, which is appended to the original text.
    pub(crate) fn write(&mut self, text: usize, pieces: &[String]) {
        let Some(row) = Arc::make_mut(&mut self.rows).get_mut(text) else { return };
        let Some(written) = &mut row.text else { return };
        let mut start = written.chars().count();
        let first = row.real.end.saturating_sub(pieces.len());
        for (span, piece) in row.spans.iter_mut().skip(first).zip(pieces) {
            *span = start..start + piece.chars().count();
            start = span.end;
            written.push_str(piece);
        }
    }
}
