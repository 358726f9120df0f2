//! Texts that come after something: after a text that an encoder read, or after texts before them.

use super::{Architecture, Model};
use crate::{
    Result,
    error::RunError,
    input::{Frames, Input, Source},
    model::ToTokens,
    site::Stack,
    text::Tokens,
};

impl Model {
    /// What is read when nothing else is said: these tokens; in an encoder-decoder by the encoder, and the decoder's
    /// starting token.
    pub(crate) fn input_of(&self, tokens: Tokens) -> Result<Input> {
        match self.config().architecture {
            Architecture::EncoderDecoder if self.config().is_speech() => {
                Err(RunError::NeedsSound { family: self.config().family.clone() }.into())
            }
            Architecture::EncoderDecoder => {
                Ok(Input::new(self.decoder_start(tokens.batch())?).beside_source(Source::Tokens(tokens)))
            }
            _ => Ok(Input::new(tokens)),
        }
    }

    /// What is read when nothing else is said: this sound by the encoder, and the decoder's starting tokens.
    ///
    /// # Errors
    /// When this is no speech model, or the spectrogram has not as many bands as it reads or too many columns.
    pub(crate) fn input_of_sound(&self, frames: Frames) -> Result<Input> {
        let config = self.config();
        let family = config.family.clone();
        if !config.is_speech() {
            return Err(RunError::NotSpeech { family }.into());
        }
        let (n_mels, columns) = (config.n_mels, 2 * config.in_stack(Stack::Encoder).n_ctx);
        let got = frames.mel().dims().to_vec();
        if got[1] != n_mels || got[2] > columns {
            return Err(RunError::Spectrogram { family, n_mels, columns, got }.into());
        }
        Ok(Input::new(self.decoder_start(frames.batch())?).beside_source(Source::Frames(frames)))
    }

    /// What the decoder of an encoder-decoder reads when nothing was said: its starting tokens, for each text.
    pub(crate) fn decoder_start(&self, batch: usize) -> Result<Tokens> {
        let config = self.config();
        self.tokens_from_ids(&vec![config.decoder_start.as_slice(); batch])
    }

    /// What the decoder of an encoder-decoder reads: ids as they are; of a text, the starting token and the text,
    /// without the end that the tokenizer puts to it, since the decoder is to go on from there.
    pub(crate) fn target_tokens(&self, input: impl ToTokens) -> Result<Tokens> {
        let config = self.config();
        let tokens = self.tokens(input)?;
        let shifted = |text| {
            let start = if tokens.row(text).text.is_some() { config.decoder_start.as_slice() } else { &[] };
            [start, self.without_end(&tokens, text)].concat()
        };
        (0..tokens.batch()).map(shifted).collect::<Vec<_>>().to_tokens(self)
    }

    /// The ids of a text, without the end that the tokenizer puts to it; all of those that were given as ids.
    fn without_end<'a>(&self, tokens: &'a Tokens, text: usize) -> &'a [u32] {
        let (ids, end) =
            (&tokens.row(text).ids[tokens.real(text)], self.tokenizer().and_then(|tokenizer| tokenizer.eos()));
        match (tokens.row(text).text.as_deref(), ids) {
            (Some(_), [ids @ .., last]) if Some(*last) == end => ids,
            _ => ids,
        }
    }

    /// What goes on from texts before it: ids as they are; of a text, nothing that the tokenizer puts in front or behind.
    pub(crate) fn continuations(&self, input: impl ToTokens) -> Result<Vec<Vec<u32>>> {
        let tokens = self.tokens(input)?;
        let ids = |text| match self.config().architecture {
            Architecture::EncoderDecoder => self.without_end(&tokens, text),
            _ => &tokens.row(text).ids[tokens.real(text)][usize::from(tokens.bos_prepended())..],
        };
        Ok((0..tokens.batch()).map(|text| ids(text).to_vec()).collect())
    }
}
