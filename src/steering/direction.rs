//! [`Direction`]: a vector at a site, to steer along or to remove.
//!
//! Sources: difference of means ([Marks and Tegmark 2023](https://arxiv.org/abs/2310.06824)), activation addition
//! ([Turner et al. 2023](https://arxiv.org/abs/2308.10248)), directional ablation ([Arditi et al.
//! 2024](https://arxiv.org/abs/2406.11717)).

use crate::{
    Model, Result,
    axes::Axis,
    error::SteerError,
    hook::{Intervention, Point, Site, ToIndex, ToSite, ToTensor, ablate_direction, add, length, unit},
    model::{NormPlace, Run, ToTokens},
    tensor::array,
};
use candle_core::{D, DType, Tensor};
use ndarray::Array2;
use std::borrow::Borrow;

/// A direction at a site, such as the difference between the mean activations on two kinds of text.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, steering::Direction};
/// let model = Model::open("induction-2l")?;
/// // From texts that "ant" or "cat" continues to texts that "owl" continues.
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
    /// The vector, as wide as the site's last axis.
    vector: Tensor,
}

impl Direction {
    /// Makes a direction from a tensor, an array or numbers, as wide as the site's last axis.
    ///
    /// It may come from a probe or from the unembedding.
    ///
    /// # Shapes
    /// `vector`: `[d_model]` at a site of the residual stream
    ///
    /// # Errors
    /// Fails when the value is not a vector, or is zero.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let mut vector = vec![0f32; 64];
    /// vector[3] = 2.0;
    /// let direction = Direction::new(Site::resid_post(1), vector)?;
    /// assert_eq!(direction.norm(), 2.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new(site: impl ToSite, vector: impl ToTensor) -> Result<Self> {
        let (site, vector) = (site.to_site()?, vector.to_tensor()?);
        let vector = vector.to_dtype(DType::F32)?.detach();
        ablate_direction(site, &vector)?;
        Ok(Self { site, vector })
    }

    /// Makes the direction from the mean over `away` to the mean over `towards` of the activation at a site and a
    /// position.
    ///
    /// Position -1 is the last of each text.
    ///
    /// # Errors
    /// Fails when the texts cannot be read, the model does not have the site, the site has more than one vector per
    /// position, or the two means are equal.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// let (many, one) = (["The keys", "The boys"], ["The key", "The boy"]);
    /// let plural = Direction::between(&model, Site::resid_post(1), -1, many, one)?;
    /// let steered = model.run_with("The girl", plural.add(1.0))?; // now the verb should be plural
    /// assert!(steered.logit_diff("are", "is", -1)? > model.run("The girl")?.logit_diff("are", "is", -1)?);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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

    /// The site of the direction.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// assert_eq!(direction.site(), Site::resid_post(1));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn site(&self) -> Site {
        self.site
    }

    /// The vector.
    ///
    /// # Shapes
    /// `[d_model]` at a site of the residual stream
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// assert_eq!(direction.vector().dims(), [64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn vector(&self) -> Tensor {
        self.vector.clone()
    }

    /// The length of the vector.
    ///
    /// Strengths are multiples of it.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Direction::new(Site::resid_post(1), vec![1f32; 64])?.norm(), 8.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn norm(&self) -> f32 {
        length(&self.vector).map_or(f32::NAN, |length| length as f32)
    }

    /// Returns the same direction with length 1, so that strengths are in units of the activation.
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// assert!((direction.unit()?.norm() - 1.0).abs() < 1e-6);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn unit(&self) -> Result<Self> {
        Ok(Self { site: self.site, vector: unit(&self.vector)? })
    }

    /// Returns the same vector at another site, such as another layer's.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// assert_eq!(direction.at(Site::resid_post(0)).vector().dims(), direction.vector().dims());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at(&self, site: Site) -> Self {
        Self { site, vector: self.vector.clone() }
    }

    /// Returns an intervention that adds `strength` times the vector, at every position unless narrowed.
    ///
    /// A negative strength steers the opposite way.
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let owl = model.weights().token_to_residual_direction("owl")?; // its column of the unembedding
    /// let steered = model.run_with("hat sun dog", Direction::new(Site::resid_post(1), owl)?.add(20.0)?)?;
    /// assert!(steered.probability("owl", -1)? > model.run("hat sun dog")?.probability("owl", -1)?);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "steer")]
    pub fn add(&self, strength: f64) -> Result<Intervention> {
        Ok(add(self.site, (&self.vector * strength)?))
    }

    /// Returns an intervention that removes the direction at its site.
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// let run = model.run_with("red fox", direction.ablate()?)?;
    /// assert!(direction.project(&run)?.iter().all(|along| along.abs() < 1e-4));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "directional_ablation")]
    pub fn ablate(&self) -> Result<Intervention> {
        ablate_direction(self.site, &self.vector)
    }

    /// Returns interventions that remove the direction from everything that is added to the residual stream of the
    /// site's stack (directional ablation, [Arditi et al. 2024](https://arxiv.org/abs/2406.11717)).
    ///
    /// These are the input of the blocks and the output of attention, cross attention and MLP in every layer, so the
    /// stream never contains the direction.
    ///
    /// # Errors
    /// Fails when the direction is not as wide as the stream, the model does not have this stack, or its norms act on
    /// the stream itself (post-norm models such as BERT), because they could bring the direction back.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(0), vec![1f32; 64])?;
    /// let run = model.run_with("red fox", direction.ablate_everywhere(&model)?)?;
    /// assert!(direction.at(Site::resid_post(1)).project(&run)?.iter().all(|along| along.abs() < 1e-4));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ablate_everywhere(&self, model: &Model) -> Result<Vec<Intervention>> {
        let (config, stack) = (model.config(), self.site.stack());
        let (got, d_model) = (self.vector.dim(0)?, config.d_model);
        if got != d_model {
            return Err(SteerError::NotOfStream { site: self.site.to_string(), got, d_model }.into());
        }
        if config.norm_place == NormPlace::Post {
            return Err(SteerError::NormsOnStream { family: config.family.clone() }.into());
        }
        config.check(Site::in_block(stack, 0, Point::ResidPre))?;
        let points = [Point::ResidPre, Point::AttnOut, Point::CrossAttnOut, Point::MlpOut];
        let sites = (0..config.layers_of(stack))
            .flat_map(|layer| points.map(|point| Site::in_block(stack, layer, point)))
            .filter(|&site| model.has(site));
        sites.map(|site| ablate_direction(site, &self.vector)).collect()
    }

    /// Returns the projection of a run's activation onto the direction at each position, in units of the activation.
    ///
    /// # Shapes
    /// `[batch, pos]`
    ///
    /// # Errors
    /// Fails when the run did not record the site, or the activation has another width.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// assert_eq!(direction.project(&run)?.dim(), (1, 3)); // [batch, pos]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn project(&self, run: impl Borrow<Run>) -> Result<Array2<f32>> {
        let run = run.borrow();
        let activation = run.cache().get(self.site)?;
        let [_, _, width] = *activation.dims() else {
            return Err(SteerError::NoVector { site: self.site.to_string(), shape: self.site.shape_in_words() }.into());
        };
        self.check_width(|| format!("`{}`", self.site), width)?;
        array(&activation.broadcast_mul(&self.unit()?.vector)?.sum(D::Minus1)?)
    }

    /// Returns the cosine similarity with another direction: 1 if they point the same way, 0 if they are at right
    /// angles.
    ///
    /// # Errors
    /// Fails when the other direction has another width.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// assert!((direction.cosine(&direction.unit()?)? - 1.0).abs() < 1e-6);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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

/// Returns the mean over texts at one position of each.
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
