//! [`Source`]: where patched values come from.

use super::{Alignment, align::Counterparts, passes::before_end};
use crate::{
    Model, Result,
    cache::ActivationCache,
    error::PatchError,
    hook::{Site, Sites},
    input::Input,
    tensor::zeros,
    text::Tokens,
};
use candle_core::Tensor;
use std::ops::Range;

/// The values that are patched into a run.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The activations of the same number of other prompts.
    Run(Input),
    /// The same, moved to the counterpart of each position. A position without one keeps its own.
    Aligned(Input, Counterparts),
    Zero,
    /// The mean over these texts at each position.
    Mean(Input),
    /// No values: cells have their own interventions.
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

    /// The run of other prompts whose positions correspond to those of `prompts` by an alignment.
    pub(super) fn pair(input: Input, prompts: &Input, alignment: &Alignment) -> Result<Self> {
        if input.batch() != prompts.batch() {
            return Err(PatchError::Prompts { clean: input.batch(), corrupt: prompts.batch() }.into());
        }
        match alignment {
            Alignment::SameLength => Ok(Self::Run(input)),
            rule => {
                let counterparts = Counterparts::of(rule, &input, prompts)?;
                Ok(Self::Aligned(input, counterparts))
            }
        }
    }

    /// Of some of the prompts.
    pub(super) fn of_texts(&self, texts: &Range<usize>) -> Self {
        match self {
            Self::Run(input) => Self::Run(input.texts(texts)),
            Self::Aligned(input, counterparts) => Self::Aligned(input.texts(texts), counterparts.of_texts(texts)),
            same => same.clone(),
        }
    }

    /// A position must mean the same in both.
    pub(super) fn check(&self, prompts: &Input) -> Result<()> {
        let real = |tokens: &Tokens| (0..tokens.batch()).map(|text| tokens.real(text)).collect::<Vec<_>>();
        let count = |tokens: &Tokens| real(tokens).iter().map(|real| real.len()).collect();
        match self {
            Self::Run(clean) => match clean.beside(prompts).find(|(clean, prompts)| real(clean) != real(prompts)) {
                Some((clean, corrupt)) => {
                    Err(PatchError::Lengths { clean: count(clean), corrupt: count(corrupt) }.into())
                }
                None => Ok(()),
            },
            Self::Mean(reference) => {
                let same = |tokens: &Tokens, len| real(tokens).iter().all(|real| *real == (0..len));
                let fits = |(reference, prompts): &(&Tokens, &Tokens)| {
                    same(prompts, prompts.len()) && same(reference, prompts.len())
                };
                match reference.beside(prompts).find(|both| !fits(both)) {
                    Some((reference, prompts)) => {
                        let (prompts, reference) = (count(prompts), count(reference));
                        Err(PatchError::ReferenceLengths { prompts, reference }.into())
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The values at these sites, in the shape that the run of `prompts` has there.
    pub(super) fn values(&self, model: &Model, prompts: &Input, sites: Vec<Site>) -> Result<ActivationCache> {
        let run = |input: &Input| {
            Ok::<_, crate::Error>(before_end(model, input).record(Sites::Only(sites.clone())).run()?.cache())
        };
        let batch = prompts.batch();
        let entries = match self {
            Self::Run(input) => return run(input),
            Self::Aligned(input, counterparts) => {
                let (there, here, config) = (run(input)?, run(prompts)?, model.config());
                let moved = |(site, x)| Ok((site, counterparts.moved(&config, site, &x, &here.get(site)?)?));
                there.iter().map(moved).collect::<Result<Vec<_>>>()?
            }
            Self::Nothing => match sites.first() {
                Some(site) => return Err(PatchError::NothingToPutIn { site: site.to_string() }.into()),
                None => Vec::new(),
            },
            Self::Zero => {
                let sizes = prompts.sizes();
                let zeros = |&site: &Site| {
                    let shape = model.config().shape_of(site, sizes)?.unwrap_or_default();
                    Ok((site, zeros(shape)?))
                };
                sites.iter().map(zeros).collect::<Result<Vec<_>>>()?
            }
            Self::Mean(reference) => {
                let mean = |(site, x): (Site, Tensor)| Ok((site, x.mean_keepdim(0)?.repeat(one_of(batch, &x))?));
                run(reference)?.iter().map(mean).collect::<Result<Vec<_>>>()?
            }
        };
        Ok(ActivationCache::new(model.config().layers(), entries, prompts.clone()))
    }
}

/// How often each axis is repeated, for `batch` times the first.
fn one_of(batch: usize, x: &Tensor) -> Vec<usize> {
    (0..x.rank()).map(|dim| if dim == 0 { batch } else { 1 }).collect()
}
