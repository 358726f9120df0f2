//! Where a cell's value comes from.

use super::{Alignment, align::Counterparts, readout::before_end};
use crate::{
    Model, Result,
    cache::ActivationCache,
    config::Sizes,
    error::PatchError,
    hook::{Site, Sites},
    text::Tokens,
};
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// What is put into the run of some prompts.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// What the run of as many other prompts has there.
    Run(Tokens),
    /// The same, each position at its counterpart; a position without one keeps what it has.
    Aligned(Tokens, Counterparts),
    Zero,
    /// At each position the mean over these texts.
    Mean(Tokens),
    /// Cells do something of their own.
    Nothing,
}

impl Source {
    pub(super) fn deed(&self) -> &'static str {
        match self {
            Self::Run(_) | Self::Aligned(..) => "Resample ablation",
            Self::Zero => "Zero ablation",
            Self::Mean(_) => "Mean ablation",
            Self::Nothing => "Intervention",
        }
    }

    /// The run of other prompts, whose positions answer to those of `prompts` by a rule.
    pub(super) fn pair(tokens: Tokens, prompts: &Tokens, alignment: &Alignment) -> Result<Self> {
        if tokens.batch() != prompts.batch() {
            return Err(PatchError::Prompts { clean: tokens.batch(), corrupt: prompts.batch() }.into());
        }
        match alignment {
            Alignment::SameLength => Ok(Self::Run(tokens)),
            rule => {
                let counterparts = Counterparts::of(rule, &tokens, prompts)?;
                Ok(Self::Aligned(tokens, counterparts))
            }
        }
    }

    /// Of some of the prompts.
    pub(super) fn of_texts(&self, texts: &Range<usize>) -> Self {
        match self {
            Self::Run(tokens) => Self::Run(tokens.texts(texts.clone())),
            Self::Aligned(tokens, counterparts) => {
                Self::Aligned(tokens.texts(texts.clone()), counterparts.of_texts(texts))
            }
            same => same.clone(),
        }
    }

    /// A position must mean the same in both.
    pub(super) fn check(&self, prompts: &Tokens) -> Result<()> {
        let real = |tokens: &Tokens| (0..tokens.batch()).map(|text| tokens.real(text)).collect::<Vec<_>>();
        let count = |tokens: &Tokens| real(tokens).iter().map(|real| real.len()).collect();
        match self {
            Self::Run(clean) if real(clean) != real(prompts) => {
                Err(PatchError::Lengths { clean: count(clean), corrupt: count(prompts) }.into())
            }
            Self::Mean(reference) => {
                let same = |tokens: &Tokens| real(tokens).iter().all(|real| *real == (0..prompts.len()));
                match same(prompts) && same(reference) {
                    true => Ok(()),
                    false => {
                        let (prompts, reference) = (count(prompts), count(reference));
                        Err(PatchError::ReferenceLengths { prompts, reference }.into())
                    }
                }
            }
            _ => Ok(()),
        }
    }

    /// The values at these sites, in the shape that the run of `prompts` has there.
    pub(super) fn values(&self, model: &Model, prompts: &Tokens, sites: Vec<Site>) -> Result<ActivationCache> {
        let run = |tokens: &Tokens| {
            Ok::<_, crate::Error>(before_end(model, tokens).record(Sites::Only(sites.clone())).run()?.cache())
        };
        let (batch, len) = (prompts.batch(), prompts.len());
        let entries = match self {
            Self::Run(tokens) => return run(tokens),
            Self::Aligned(tokens, counterparts) => {
                let (there, here) = (run(tokens)?, run(prompts)?);
                let moved = |(site, x)| Ok((site, counterparts.moved(site, &x, &here.get(site)?)?));
                there.iter().map(moved).collect::<Result<Vec<_>>>()?
            }
            Self::Nothing => match sites.first() {
                Some(site) => return Err(PatchError::NothingToPutIn { site: site.to_string() }.into()),
                None => Vec::new(),
            },
            Self::Zero => {
                let sizes = Sizes { batch, source: len, target: len, past: 0 };
                let zeros = |&site: &Site| {
                    let shape = model.config().shape_of(site, sizes)?.unwrap_or_default();
                    Ok((site, Tensor::zeros(shape, DType::F32, &Device::Cpu)?))
                };
                sites.iter().map(zeros).collect::<Result<Vec<_>>>()?
            }
            Self::Mean(reference) => {
                let mean = |(site, x): (Site, Tensor)| Ok((site, x.mean_keepdim(0)?.repeat(one_of(batch, &x))?));
                run(reference)?.iter().map(mean).collect::<Result<Vec<_>>>()?
            }
        };
        Ok(ActivationCache::new(model.config().layers(), entries, prompts.clone(), None))
    }
}

/// How often each axis is repeated, for `batch` times the first.
fn one_of(batch: usize, x: &Tensor) -> Vec<usize> {
    (0..x.rank()).map(|dim| if dim == 0 { batch } else { 1 }).collect()
}
