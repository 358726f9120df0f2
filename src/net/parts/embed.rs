//! [`Embed`]: from tokens to the residual stream.

use super::{Linear, Norm};
use crate::{
    Result,
    config::{Architecture, Config, Position},
    error::SiteError,
    index::Counted,
    net::{Frame, Here, Tap},
    site::{Point, Site},
};
use candle_core::{DType, Tensor};

/// From token ids to the residual stream.
#[derive(Clone, Debug)]
pub(crate) struct Embed {
    /// `[d_vocab, d_embed]`
    pub(crate) tokens: Tensor,
    /// `[n_ctx, d_embed]`
    pub(crate) positions: Option<Tensor>,
    /// The position vector of tokens without a position: `[one, d_embed]`
    pub(crate) unplaced: Option<Tensor>,
    /// `[n_token_types, d_embed]`
    pub(crate) token_types: Option<Tensor>,
    pub(crate) norm: Norm,
    /// `[d_embed, d_model]`
    pub(crate) widen: Option<Linear>,
}

impl Embed {
    /// Token embeddings only.
    pub(crate) fn new(tokens: Tensor) -> Self {
        Self { tokens, positions: None, unplaced: None, token_types: None, norm: Norm::none(), widen: None }
    }

    /// # Shapes
    /// `tokens`: `[batch, pos]`, result: `[batch, pos, d_model]`.
    pub(crate) fn forward(
        &self,
        config: &Config,
        tokens: &Tensor,
        here: Here,
        frame: &mut Frame,
        tap: &mut Tap,
    ) -> Result<Tensor> {
        let encoder = config.architecture == Architecture::Encoder;
        let (embed, pos_embed) = match encoder {
            true => (Point::EncoderEmbed, Point::EncoderPosEmbed),
            false => (Point::Embed, Point::PosEmbed),
        };
        let tokens = tap.at(here.site(Point::Tokens), tokens.clone())?;
        let mut x = rows(&self.tokens, &checked(here.site(Point::Tokens), &tokens, Counted::ids(config.d_vocab))?)?;
        if config.embed_scale != 1.0 {
            x = (x * config.embed_scale)?;
        }
        // A decoder's embedding norm is part of the embedding; an encoder's follows the sum of all embeddings.
        if !encoder {
            x = self.norm.forward(&x, here, tap)?;
        }
        x = tap.at(here.site(embed), x)?;
        if let Some(positions) = &self.table()? {
            let positions = tap.at(here.site(pos_embed), rows(positions, &frame.position_ids()?)?)?;
            match config.position {
                Position::Shortformer => frame.set_beside(positions),
                _ => x = (x + positions)?,
            }
        }
        if let Some(types) = &self.token_types {
            x = (x + tap.at(here.site(Point::TokenTypeEmbed), rows(types, &frame.token_types()?)?)?)?;
        }
        if encoder {
            x = self.norm.forward(&x, here, tap)?;
        }
        if let Some(widen) = &self.widen {
            x = widen.forward(&x)?;
        }
        if encoder { tap.at(here.site(Point::FullEmbed), x) } else { Ok(x) }
    }

    /// A row for each position, and a last one for tokens without a position.
    fn table(&self) -> Result<Option<Tensor>> {
        match (&self.positions, &self.unplaced) {
            (Some(positions), Some(unplaced)) => Ok(Some(Tensor::cat(&[positions, unplaced], 0)?)),
            (positions, _) => Ok(positions.clone()),
        }
    }
}

/// Checks that integers, which an intervention may have changed, are indices of these.
pub(super) fn checked(site: Site, numbers: &Tensor, counted: Counted) -> Result<Tensor> {
    if !matches!(numbers.dtype(), DType::U8 | DType::U32 | DType::I64) {
        return Err(SiteError::NotWhole { site: site.to_string(), given: format!("{:?}", numbers.dtype()) }.into());
    }
    let whole = numbers.to_dtype(DType::I64)?.flatten_all()?.to_vec1::<i64>()?;
    match whole.into_iter().find(|&number| number < 0 || counted.index(number).is_err()) {
        Some(beyond) => Err(counted.beyond(beyond.into())),
        None => Ok(numbers.to_dtype(DType::U32)?),
    }
}

/// The rows of a table, by id.
///
/// # Shapes
/// `table`: `[row, column]`; `ids`: `[batch, pos]`; result: `[batch, pos, column]`.
pub(super) fn rows(table: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let (batch, pos) = ids.dims2()?;
    Ok(table.index_select(&ids.flatten_all()?, 0)?.reshape((batch, pos, ()))?)
}
