//! [`Direction`]: a vector at a site.

use crate::{
    Model, Result,
    axes::Axis,
    error::SteerError,
    hook::{Intervention, Point, Site, ToIndex, ToSite, ToTensor, ablate_direction, add, length, unit},
    model::{NormPlace, Run, ToTokens},
};
use candle_core::{D, DType, Tensor};
use ndarray::Array2;
use std::borrow::Borrow;

/// A direction at a site, such as from what the model has on one kind of text to what it has on another.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, steering::Direction};
/// let model = Model::open("induction-2l")?;
/// // What the model thinks when "owl" comes next, less what it thinks when something else does.
/// let owl = ["fox owl red fox", "blue owl tree blue"];
/// let others = ["fox ant red fox", "blue cat tree blue"];
/// let direction = Direction::between(&model, Site::resid_post(1), -1, owl, others)?;
/// let prompt = "hat sun dog hat";
/// let before = model.run(prompt)?.probability("owl", -1)?;
/// let after = model.run_with(prompt, direction.add(2.0))?.probability("owl", -1)?;
/// assert!(before < 0.01 && after > 0.5, "{before}, {after}");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("steering_vector", "ActivationAddition", "CAA"))]
#[derive(Clone)]
pub struct Direction {
    site: Site,
    /// As wide as the site's last axis.
    vector: Tensor,
}

impl Direction {
    /// A direction of your own, as wide as the site's last axis: a tensor, an array or numbers. It may come from a probe, or
    /// the unembedding.
    ///
    /// # Shapes
    /// `vector`: `[d_model]` at a site of the stream
    ///
    /// # Errors
    /// When it is no vector, or one that points nowhere.
    pub fn new(site: impl ToSite, vector: impl ToTensor) -> Result<Self> {
        let (site, vector) = (site.to_site()?, vector.to_tensor()?);
        let vector = vector.to_dtype(DType::F32)?.detach();
        ablate_direction(site, &vector)?;
        Ok(Self { site, vector })
    }

    /// The mean over `towards` less the mean over `away` of the activation at a site and a position (-1 is each text's
    /// last).
    ///
    /// # Errors
    /// When the texts cannot be read, the model has no such site, the site has more than one vector for each position,
    /// or the means are the same.
    #[doc(alias = "steering_vector")]
    pub fn between(
        model: &Model,
        site: impl ToSite,
        position: impl ToIndex,
        towards: impl ToTokens,
        away: impl ToTokens,
    ) -> Result<Self> {
        let (site, position) = (model.config().site(site)?, position.to_index());
        let [towards, away] = [model.tokens(towards)?, model.tokens(away)?].map(|tokens| {
            let run = model.pass(tokens)?.record(site).without_logits().run()?;
            mean_at(&run, site, position)
        });
        Self::new(site, &(towards? - away?)?)
    }

    /// Where it is.
    pub fn site(&self) -> Site {
        self.site
    }

    /// The vector.
    ///
    /// # Shapes
    /// `[d_model]` at a site of the stream
    pub fn vector(&self) -> Tensor {
        self.vector.clone()
    }

    /// Its length: strengths are multiples of it.
    pub fn norm(&self) -> f32 {
        length(&self.vector).map_or(f32::NAN, |length| length as f32)
    }

    /// The same direction with length 1: strengths are then in the units of the activation.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn unit(&self) -> Result<Self> {
        Ok(Self { site: self.site, vector: unit(&self.vector)? })
    }

    /// The same vector at another site, such as in another layer.
    pub fn at(&self, site: Site) -> Self {
        Self { site, vector: self.vector.clone() }
    }

    /// Adds it, so many times, at every position unless narrowed; a negative strength goes the other way.
    ///
    /// # Errors
    /// When memory runs out.
    #[doc(alias = "steer")]
    pub fn add(&self, strength: f64) -> Result<Intervention> {
        Ok(add(self.site, (&self.vector * strength)?))
    }

    /// Takes out what lies along it, at its site.
    ///
    /// # Errors
    /// When memory runs out.
    #[doc(alias = "directional_ablation")]
    pub fn ablate(&self) -> Result<Intervention> {
        ablate_direction(self.site, &self.vector)
    }

    /// Takes it out of everything that is written to the stream of its site's stack: of what enters the blocks, and of
    /// what attention and MLP (and the look at the encoder) add in every layer, so that the stream never has any of it
    /// (directional ablation, Arditi et al. 2024).
    ///
    /// # Errors
    /// When the direction is not as wide as the stream, the model has no such stack, or its norms stand on the stream
    /// itself (BERT): they would write the direction anew.
    pub fn ablate_everywhere(&self, model: &Model) -> Result<Vec<Intervention>> {
        let (config, stack) = (model.config(), self.site.stack());
        let (got, d_model) = (self.vector.dim(0)?, config.d_model);
        if got != d_model {
            return Err(SteerError::NotOfStream { site: self.site.to_string(), got, d_model }.into());
        }
        if config.norm_place == NormPlace::OnSum {
            return Err(SteerError::NormsOnStream { family: config.family.clone() }.into());
        }
        config.check(Site::in_block(stack, 0, Point::ResidPre))?;
        let points = [Point::ResidPre, Point::AttnOut, Point::CrossAttnOut, Point::MlpOut];
        let sites = (0..config.layers_of(stack))
            .flat_map(|layer| points.map(|point| Site::in_block(stack, layer, point)))
            .filter(|&site| model.has(site));
        sites.map(|site| ablate_direction(site, &self.vector)).collect()
    }

    /// How far along the direction a run is at each position, in the units of the activation.
    ///
    /// # Shapes
    /// `[batch, pos]`
    ///
    /// # Errors
    /// When the run did not record the site, or has another width there.
    pub fn project(&self, run: impl Borrow<Run>) -> Result<Array2<f32>> {
        let run = run.borrow();
        let activation = run.cache().get(self.site)?;
        let [_, _, width] = *activation.dims() else {
            return Err(SteerError::NoVector { site: self.site.to_string(), shape: self.site.shape_in_words() }.into());
        };
        self.check_width(|| format!("`{}`", self.site), width)?;
        let along = activation.broadcast_mul(&self.unit()?.vector)?.sum(D::Minus1)?;
        let shape = along.dims2()?;
        let values = along.flatten_all()?.to_vec1()?;
        Array2::from_shape_vec(shape, values).map_err(|error| candle_core::Error::Msg(error.to_string()).into())
    }

    /// The cosine of the angle to another direction: 1 is the same, 0 has nothing to do with it.
    ///
    /// # Errors
    /// When the other has another width.
    pub fn cosine(&self, other: &Self) -> Result<f32> {
        self.check_width(|| "the other".into(), other.vector.dim(0)?)?;
        let (a, b) = (self.unit()?.vector, other.unit()?.vector);
        Ok((a * b)?.sum_all()?.to_scalar()?)
    }

    fn check_width(&self, what: impl FnOnce() -> String, theirs: usize) -> Result<()> {
        let ours = self.vector.dim(0)?;
        if ours == theirs { Ok(()) } else { Err(SteerError::Widths { ours, what: what(), theirs }.into()) }
    }
}

/// The mean over texts at one position of each.
fn mean_at(run: &Run, site: Site, position: i64) -> Result<Tensor> {
    let [Axis::Batch, Axis::Pos, _] = site.axes() else {
        return Err(SteerError::NoVector { site: site.to_string(), shape: site.shape_in_words() }.into());
    };
    let source = run.cache().source().filter(|_| run.model().config().is_of_encoder(site));
    let (activation, tokens) = (run.cache().get(site)?, source.unwrap_or(run.tokens()));
    let row = |text: usize| Ok(activation.get(text)?.get(run.cache().row(site, tokens.index_in(text, position)?)?)?);
    let rows = (0..tokens.batch()).map(row).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::stack(&rows, 0)?.mean(0)?)
}
