//! [`ToInput`]: anything that a model can read in one pass.

use super::{Model, ToTokens};
use crate::{
    Result,
    audio::{Audio, LogMel},
    error::RunError,
    input::{Frames, Input, Source},
};
use candle_core::Tensor;

/// Anything that a model can read: whatever [`ToTokens`] accepts; for a speech model, sound ([`Audio`] or [`Frames`]).
///
/// For an encoder-decoder it may also be a pair: what the encoder reads, and what the decoder reads, as
/// [`Pass::decoder_input`](crate::model::Pass::decoder_input) takes it. Without a pair the decoder reads its starting
/// tokens alone.
///
/// # Examples
/// ```
/// use glassbox::{model::ToInput, prelude::*};
/// let model = Model::open("induction-2l")?;
/// assert_eq!("red fox".to_input(&model)?.tokens().len(), 3); // text
/// assert_eq!([7u32, 8].to_input(&model)?.tokens().len(), 2); // ids
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a model reads: give a text, several texts, token ids (whole numbers), an Audio, \
               or a pair (source, decoder input)"
)]
pub trait ToInput {
    /// What is read, checked against the model's vocabulary and context length.
    ///
    /// # Errors
    /// When a text is empty or too long, an id is out of range, text is given to a model without tokenizer, or a pair is
    /// given to a model of one stack.
    fn to_input(&self, model: &Model) -> Result<Input>;
}

impl<T: ToTokens + ?Sized> ToInput for T {
    fn to_input(&self, model: &Model) -> Result<Input> {
        model.input_of(self.to_tokens(model)?)
    }
}

impl<S: ToSource, T: ToTokens> ToInput for (S, T) {
    fn to_input(&self, model: &Model) -> Result<Input> {
        let (source, target) = self;
        source.source(model)?.with_target(model, target)
    }
}

/// What the first of a pair may be: anything that an encoder reads.
pub trait ToSource {
    /// The source, with what the decoder reads when nothing else is said.
    ///
    /// # Errors
    /// When the model cannot read it.
    fn source(&self, model: &Model) -> Result<Input>;
}

impl<T: ToTokens + ?Sized> ToSource for T {
    fn source(&self, model: &Model) -> Result<Input> {
        model.input_of(self.to_tokens(model)?)
    }
}

/// What the encoder of a speech model hears: spectrograms, or sounds of up to 30 seconds, which are filled up with
/// silence to 30 seconds.
trait Heard {
    fn frames(&self, model: &Model) -> Result<Frames>;
}

impl Heard for Frames {
    fn frames(&self, _: &Model) -> Result<Frames> {
        Ok(self.clone())
    }
}

impl Heard for Audio {
    fn frames(&self, model: &Model) -> Result<Frames> {
        std::slice::from_ref(self).frames(model)
    }
}

impl Heard for [Audio] {
    fn frames(&self, model: &Model) -> Result<Frames> {
        let config = model.config();
        if !config.is_speech() {
            return Err(RunError::NotSpeech { family: config.family.clone() }.into());
        }
        let log_mel = LogMel::new(config.n_mels)?;
        let mels = self.iter().map(|audio| log_mel.of(audio)).collect::<Result<Vec<_>>>()?;
        match mels.is_empty() {
            true => Err(RunError::NoSounds.into()),
            false => Frames::new(Tensor::stack(&mels, 0)?),
        }
    }
}

impl Heard for Vec<Audio> {
    fn frames(&self, model: &Model) -> Result<Frames> {
        self.as_slice().frames(model)
    }
}

impl<const N: usize> Heard for [Audio; N] {
    fn frames(&self, model: &Model) -> Result<Frames> {
        self.as_slice().frames(model)
    }
}

impl<T: Heard + ?Sized> Heard for &T {
    fn frames(&self, model: &Model) -> Result<Frames> {
        (**self).frames(model)
    }
}

/// A type that stands for sound is read by the encoder of a speech model.
macro_rules! sound {
    ($($({$($generic:tt)*})? $sound:ty;)*) => {$(
        impl$(<$($generic)*>)? ToSource for $sound {
            fn source(&self, model: &Model) -> Result<Input> {
                model.input_of_sound(self.frames(model)?)
            }
        }
        impl$(<$($generic)*>)? ToInput for $sound {
            fn to_input(&self, model: &Model) -> Result<Input> {
                self.source(model)
            }
        }
    )*};
}

sound! {
    Frames; &Frames; Audio; &Audio; &[Audio]; Vec<Audio>; &Vec<Audio>;
    {const N: usize} [Audio; N]; {const N: usize} &[Audio; N];
}

impl ToInput for Input {
    fn to_input(&self, model: &Model) -> Result<Input> {
        let tokens = self.tokens().to_tokens(model)?;
        match self.given_source() {
            Some(Source::Tokens(source)) => {
                Ok(model.input_of(source.to_tokens(model)?)?.need_source(model)?.with_tokens(tokens))
            }
            Some(Source::Frames(frames)) => Ok(model.input_of_sound(frames.clone())?.with_tokens(tokens)),
            None => model.input_of(tokens),
        }
    }
}

impl ToInput for &Input {
    fn to_input(&self, model: &Model) -> Result<Input> {
        (*self).to_input(model)
    }
}

impl Input {
    /// With something else for the decoder to read.
    ///
    /// # Errors
    /// When the model has no encoder, the target cannot be read, or there are not as many texts as the encoder reads.
    pub(crate) fn with_target(self, model: &Model, target: impl ToTokens) -> Result<Self> {
        let tokens = model.target_tokens(target)?;
        let both = self.need_source(model)?;
        match both.batch() == tokens.batch() {
            true => Ok(both.with_tokens(tokens)),
            false => Err(RunError::Batches { source: both.batch(), target: tokens.batch() }.into()),
        }
    }

    fn need_source(self, model: &Model) -> Result<Self> {
        match self.source() {
            Some(_) => Ok(self),
            None => Err(RunError::NoEncoder { family: model.config().family.clone() }.into()),
        }
    }
}
