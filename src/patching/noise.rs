//! Causal tracing: adds noise to the embeddings of the subject, and tests which activations restore the answer.

use super::{Patching, ToMetric, pair::Experiment};
use crate::{
    Model, Result,
    error::{PatchError, at_most, together},
    hook::{Point, Site, add},
    model::ToInput,
    order,
    tensor::from_values,
};
use candle_core::{DType, Tensor};
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Normal};
use std::ops::Range;

/// The Gaussian noise that is added to the embeddings of the subject's tokens.
///
/// # Examples
/// ```
/// use glassbox::patching::Noise;
/// let noise = Noise::default().samples(4).seed(7); // of 3 times the embeddings' standard deviation
/// # let _ = noise;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    samples: usize,
    times: f32,
    seed: u64,
}

impl Default for Noise {
    fn default() -> Self {
        Self { samples: 10, times: 3.0, seed: 0 }
    }
}

impl Noise {
    /// Sets how often the noise is drawn. Every prompt is run with each draw, and maps are means over the draws. The
    /// default is 10.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (prompt, metric) = ("red fox blue owl red fox blue", Metric::probability(&model, "owl", 1)?);
    /// let tracing = Patching::noise(&model, prompt, "owl", Noise::default().samples(3), metric)?;
    /// assert_eq!(tracing.corrupt_metric().len(), 3); // one prompt, three draws
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn samples(self, samples: usize) -> Self {
        Self { samples: samples.max(1), ..self }
    }

    /// Sets the standard deviation of the noise, in standard deviations of the vocabulary's embeddings. The default is
    /// 3, as in Meng et al. 2022.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (prompt, metric) = ("red fox blue owl red fox blue", Metric::probability(&model, "owl", 1)?);
    /// let weak = Noise::default().samples(1).sigmas(0.001);
    /// let tracing = Patching::noise(&model, prompt, "owl", weak, metric)?;
    /// assert!((tracing.corrupt_metric()[0] - tracing.clean_metric()[0]).abs() < 0.01); // hardly any noise
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn sigmas(self, sigmas: f32) -> Self {
        Self { times: sigmas, ..self }
    }

    /// Seeds the noise. The default is 0.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Noise at these positions of each text, 0 elsewhere.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    fn draw(self, deviation: f32, positions: &[Range<usize>], len: usize, width: usize) -> Result<Tensor> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let deviation = self.times * deviation;
        let normal = Normal::new(0.0, deviation).map_err(|_| PatchError::NoNoise { deviation })?;
        let mut noise = vec![0f32; positions.len() * len * width];
        for (text, noise) in positions.iter().zip(noise.chunks_mut((len * width).max(1))) {
            noise[text.start * width..text.end * width].fill_with(|| normal.sample(&mut rng));
        }
        Ok(from_values(noise, (positions.len(), len, width))?)
    }
}

impl Patching {
    /// Causal tracing (Meng et al. 2022). Noise is added to the embeddings of the subject's tokens, so that the model
    /// no longer knows what it is asked about. Then single activations are restored to their values without noise. An
    /// activation that restores the answer holds what the model knows of the subject.
    ///
    /// The tokens of `subject` are found in every prompt, or in the source of an encoder-decoder
    /// ([`Tokens::find`](crate::text::Tokens::find)). [`Patching::corrupted`] takes any other corruption. The maps are
    /// those of every experiment: [`resid_pre`](Patching::resid_pre) for the stream,
    /// [`attn_out_windows`](Patching::attn_out_windows) and [`mlp_out_windows`](Patching::mlp_out_windows) for the
    /// outputs of layers. Each prompt occurs once for each draw of the noise.
    ///
    /// # Errors
    /// When a prompt does not contain the subject, the metric does not fit the prompts, or the noise is infinite or
    /// needs too much memory.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Noise, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let prompt = "red fox blue owl red fox blue";
    /// let metric = Metric::probability(&model, "owl", 1)?;
    /// let tracing = Patching::noise(&model, prompt, "blue owl", Noise::default().samples(5), metric)?;
    /// assert!(tracing.clean_metric()[0] > 0.9 && tracing.corrupt_metric()[0] < 0.5);
    /// // What was blurred is the word to say and the one before it; it is the former that has to come back.
    /// let map = tracing.resid_pre()?;
    /// assert_eq!(map.strongest().0, [1, 4]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn noise(
        model: &Model,
        prompts: impl ToInput,
        subject: impl AsRef<str>,
        noise: Noise,
        metric: impl ToMetric,
    ) -> Result<Self> {
        let subject = subject.as_ref();
        let (prompts, embedding) = (prompts.to_input(model)?, Embedding::of(model)?);
        let read = prompts.of(model.config().reads_at(embedding.site)).clone();
        let positions = (0..read.batch()).map(|text| read.find(text, subject)).collect::<Result<Vec<_>>>()?;
        let values = together([noise.samples, read.batch(), read.len(), embedding.width]);
        at_most("values of noise", values, 1 << 28)?;
        let draws = vec![positions; noise.samples].concat();
        let noise_at = noise.draw(embedding.deviation, &draws, read.len(), embedding.width)?;
        let (prompts, metric) = (prompts.repeated(noise.samples)?, metric.to_metric()?.repeated(noise.samples)?);
        let patching = Self::corrupted(model, prompts, [add(embedding.site, noise_at)], metric)?;
        let (deed, rounds) = (format!("Restoring after noise on {subject:?}"), noise.samples);
        Ok(Self { experiment: Experiment { deed, rounds, ..patching.experiment }, ..patching })
    }
}

/// The site of the token embeddings, and their standard deviation.
struct Embedding {
    site: Site,
    deviation: f32,
    width: usize,
}

/// The number of tokens read at a time.
const AT_ONCE: u32 = 512;

impl Embedding {
    /// Reads the whole vocabulary, so that scales and norms of the embedding are included.
    fn of(model: &Model) -> Result<Self> {
        let config = model.config();
        let site = if model.has(Site::embed()) { Site::embed() } else { Site::once(Point::EncoderEmbed) };
        let at_once = AT_ONCE.min(config.n_ctx as u32).max(1);
        let (mut count, mut sum, mut squares, mut width) = (0.0, 0.0, 0.0, 0);
        for start in (0..config.d_vocab as u32).step_by(at_once as usize) {
            let ids: Vec<u32> = (start..(start + at_once).min(config.d_vocab as u32)).collect();
            let run = model.pass(ids)?.record(site).stop_at_layer(0).run()?;
            let x = run.cache().get(site)?.to_dtype(DType::F64)?;
            count += x.elem_count() as f64;
            sum += x.sum_all()?.to_scalar::<f64>()?;
            squares += x.sqr()?.sum_all()?.to_scalar::<f64>()?;
            width = x.dim(2)?;
        }
        let mean = sum / count;
        Ok(Self { site, deviation: order::larger(squares / count - mean * mean, 0.0).sqrt() as f32, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(values: &[f32]) -> f32 {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt()
    }

    #[test]
    fn noise_has_three_standard_deviations_of_the_embeddings() {
        let model = Model::open("induction-2l").unwrap();
        let embedding = Embedding::of(&model).unwrap();
        let embeddings = model.weights().w_e().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!((embedding.deviation - deviation(&embeddings)).abs() < 1e-4 * embedding.deviation);
        let noise = Noise::default().draw(embedding.deviation, &[1..3, 0..1], 4, 500).unwrap();
        let rows = noise.to_vec3::<f32>().unwrap();
        assert!(rows[0][0].iter().chain(&rows[0][3]).chain(&rows[1][1]).all(|&value| value == 0.0));
        let drawn = [&rows[0][1][..], &rows[0][2], &rows[1][0]].concat();
        assert!((deviation(&drawn) / embedding.deviation - 3.0).abs() < 0.15, "{}", deviation(&drawn));
    }

    #[test]
    fn every_kind_of_embedding_is_measured() {
        let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/");
        for name in ["gpt2-tiny", "families/gemma2", "families/bloom", "families/bert"] {
            let model = Model::open(format!("{reference}{name}")).unwrap();
            let embedding = Embedding::of(&model).unwrap();
            assert!(embedding.deviation > 0.0 && model.has(embedding.site), "{name}");
        }
    }
}
