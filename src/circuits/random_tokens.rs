//! [`repeated_random_tokens`]: random texts in which only repetition can predict the next token.

use crate::{
    Model, Result,
    error::{CircuitsError, at_most, together},
    text::Tokens,
};
use rand::{SeedableRng, rngs::StdRng, seq::index};

/// Makes texts of `period` different random tokens, repeated `repeats` times, after a beginning-of-text token if the
/// model has one.
///
/// Special tokens are not drawn ([Olsson et al. 2022](https://arxiv.org/abs/2209.11895)).
///
/// # Shapes
/// `[batch, pos]`: `texts` rows of `1 + period * repeats` tokens, or one less without a beginning-of-text token
///
/// # Errors
/// Fails when there are no texts or no repeats, a text is longer than the model's context, the vocabulary has fewer
/// tokens than `period`, or more than 2^24 tokens are asked for.
///
/// # Examples
/// ```
/// use glassbox::{circuits::repeated_random_tokens, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let tokens = repeated_random_tokens(&model, 1, 10, 2, 0)?;
/// let ids = tokens.ids(0);
/// assert_eq!((ids.len(), &ids[1..11]), (21, &ids[11..]));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "generate_repeated_tokens")]
pub fn repeated_random_tokens(model: &Model, texts: usize, period: usize, repeats: usize, seed: u64) -> Result<Tokens> {
    random_tokens(model, texts, period, repeats, seed, false)
}

/// As [`repeated_random_tokens`]. If `fitted`, the period is shortened to fit the model's context.
pub(super) fn random_tokens(
    model: &Model,
    texts: usize,
    period: usize,
    repeats: usize,
    seed: u64,
    fitted: bool,
) -> Result<Tokens> {
    if texts == 0 || repeats == 0 {
        return Err(CircuitsError::NothingRandom { texts, repeats }.into());
    }
    let (config, tokenizer) = (model.config(), &model.tokenizer());
    let bos: Vec<u32> = tokenizer.as_ref().and_then(|tokenizer| tokenizer.bos()).into_iter().collect();
    let special = tokenizer.as_ref().map(|tokenizer| tokenizer.special_ids().all()).unwrap_or_default();
    let is_text = |id: &u32| !special.contains(id) && tokenizer.as_ref().is_none_or(|tokenizer| tokenizer.has_id(*id));
    let drawn: Vec<u32> = (0..config.d_vocab as u32).filter(is_text).collect();
    let room = (config.n_ctx - bos.len().min(config.n_ctx)) / repeats;
    let longest = room.min(drawn.len());
    if period > longest && longest >= 2 && !fitted {
        let n_ctx = config.n_ctx;
        return Err(CircuitsError::Period { period, repeats, longest, n_ctx, available: drawn.len() }.into());
    }
    let period = period.min(longest);
    if period < 2 {
        return Err(CircuitsError::NoRoom { repeats, n_ctx: config.n_ctx, available: drawn.len() }.into());
    }
    at_most("random tokens", together([texts, (period * repeats).saturating_add(bos.len())]), 1 << 24)?;
    let mut rng = StdRng::seed_from_u64(seed);
    let text = |_| {
        let part: Vec<u32> = index::sample(&mut rng, drawn.len(), period).into_iter().map(|at| drawn[at]).collect();
        [bos.clone(), part.repeat(repeats)].concat()
    };
    model.tokens((0..texts).map(text).collect::<Vec<_>>())
}
