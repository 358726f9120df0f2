//! The constructors of interventions: [`zero`], [`mean`], [`replace`], [`patch`], [`add`], [`scale`], [`edit`] and
//! others.
//!
//! They stand in the [prelude](crate::prelude). Each corresponds to a hook function of TransformerLens.

use super::{Action, Edit, Intervention};
use crate::{
    Result,
    cache::ActivationCache,
    error::{Error, SiteError, need_type},
    index::ToIndex,
    site::{Layers, Site, Sites, ToPattern},
    tensor::{Looked, ToTensor},
};
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};
use std::{
    borrow::Borrow,
    sync::{Arc, Mutex, PoisonError},
};

/// Sets the activation to zero.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let run = model.run_with("red fox blue owl red fox blue", zero(Site::z(1)).head(0))?;
/// assert!(run.probability("owl", -1)? < 0.1); // without the induction head
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("zero_ablation", "head_ablation_hook", "zero_ablate_hook"))]
pub fn zero(sites: impl Into<Sites>) -> Intervention {
    Intervention::new(sites, Action::Zero)
}

/// Sets every position to the mean over the tokens of all texts.
///
/// Padding is left out.
///
/// This keeps what the activation has everywhere and removes what it has at one position (mean ablation). If the
/// intervention is narrowed to some positions, texts or heads, the mean is taken over these. The sites of a mixture's
/// experts do not tell texts apart, so padding counts there.
///
/// Attention scores and patterns have no such mean, because each query has its own keys. Use [`replace`] there.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let run = model.run_with("red fox blue owl red fox blue", mean(Site::z(1)).head(0))?;
/// assert!(run.probability("owl", -1)? < 0.5);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("mean_ablation", "mean_ablate_hook"))]
pub fn mean(sites: impl Into<Sites>) -> Intervention {
    Intervention::new(sites, Action::Mean)
}

/// Replaces the activation by a value.
///
/// The value has the shape of the whole activation or of the part that the intervention is narrowed to, or broadcasts
/// to that part.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let run = model.run_with("red fox blue", replace(Site::resid_post(1), vec![1f32; 64]).position(-1))?;
/// assert_eq!(run.cache().get(Site::resid_post(1))?.i((0, -1))?.to_vec1::<f32>()?, [1.0; 64]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "set_act")]
pub fn replace(sites: impl Into<Sites>, value: impl ToTensor) -> Intervention {
    with(sites, value, Action::Replace)
}

/// Replaces the activation by another run's at the same site (activation patching).
///
/// A pattern or a predicate selects among the sites that the other run recorded.
///
/// # Errors
/// Fails when the other run did not record the site, or no selected site.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let clean = model.run("red fox blue owl red fox blue")?;
/// let corrupt = "red fox blue ant red fox blue";
/// let patched = model.run_with(corrupt, patch("blocks.*.hook_attn_out", clean.cache())?.position(-1))?;
/// assert!(model.run(corrupt)?.probability("owl", -1)? < 0.1 && patched.probability("owl", -1)? > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("patching_hook", "generic_activation_patch"))]
pub fn patch(sites: impl Into<Sites>, from: impl Borrow<ActivationCache>) -> Result<Intervention> {
    let from = from.borrow();
    let patch = Intervention::new(sites, Action::Patch(from.clone()));
    let sites = patch.placed(|sites| sites.among(&from.sites(), from.layers()))?;
    // For one site, the value is known now. For several, each is looked up once its site is resolved.
    match <[Site; 1]>::try_from(sites.iter().map(Intervention::site).collect::<Vec<_>>()) {
        Ok([site]) => Ok(replace(site, from.get(site)?)),
        Err(sites) => Ok(Intervention { among: Some(Sites::Only(sites)), ..patch }),
    }
}

/// Adds a value, such as a steering direction.
///
/// The value broadcasts, so one `[d_model]` vector is added at every position.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let owl = model.weights().token_to_residual_direction("owl")?;
/// let run = model.run_with("hat sun dog", add(Site::resid_post(1), (owl * 20.0)?).position(-1))?;
/// assert!(run.probability("owl", -1)? > model.run("hat sun dog")?.probability("owl", -1)?);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("steering_hook", "ActivationAddition"))]
pub fn add(sites: impl Into<Sites>, value: impl ToTensor) -> Intervention {
    with(sites, value, Action::Add)
}

/// If the value could not be made, the run reports the error.
fn with(sites: impl Into<Sites>, value: impl ToTensor, action: impl Fn(Tensor) -> Action) -> Intervention {
    match value.to_tensor() {
        Ok(value) => Intervention::new(sites, action(value)),
        Err(error) => Intervention::failed(error),
    }
}

/// Multiplies the activation by a factor.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let (louder, run) = (model.run_with(text, scale(Site::z(1), 2.0))?, model.run(text)?);
/// assert!(louder.logit_diff("owl", "red", -1)? > run.logit_diff("owl", "red", -1)?);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn scale(sites: impl Into<Sites>, factor: f64) -> Intervention {
    Intervention::new(sites, Action::Scale(factor))
}

/// Applies a closure.
///
/// It receives the (narrowed) activation and returns one of the same shape.
///
/// # Examples
/// ```
/// use glassbox::{candle_core::Tensor, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let halved = model.run_with(text, edit(Site::z(-1), |z| z * 0.5))?; // in the last layer
/// assert_eq!(halved.loss()?, model.run_with(text, scale(Site::z(1), 0.5))?.loss()?);
/// model.run_with(text, edit("blocks.*.hook_mlp_out", Tensor::tanh)).unwrap_err(); // this model has no MLPs
/// let shifted = model.run_with(text, edit(Site::z(1), |z| Ok(((z * 0.5)? + 1.0)?)))?; // several steps
/// assert_ne!(shifted.loss()?, halved.loss()?);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("hook_fn", "add_hook", "run_with_hooks"))]
pub fn edit<R: ToTensor>(sites: impl Into<Sites>, f: impl Fn(&Tensor) -> R + Send + Sync + 'static) -> Intervention {
    edit_at(sites, move |x, _| f(x))
}

/// Applies a closure that also receives the site, like a hook function of TransformerLens.
///
/// # Examples
/// Each layer's attention adds less than the layer before:
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let fading = edit_at("blocks.*.hook_attn_out", |x, site| x / (1.0 + site.layer().unwrap_or(0) as f64));
/// let text = "red fox blue owl red fox blue";
/// let halved = model.run_with(text, scale(Site::attn_out(1), 0.5))?;
/// assert_eq!(model.run_with(text, fading)?.loss()?, halved.loss()?);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn edit_at<R: ToTensor>(
    sites: impl Into<Sites>,
    f: impl Fn(&Tensor, Site) -> R + Send + Sync + 'static,
) -> Intervention {
    Intervention::new(sites, Action::Edit(Arc::new(move |x: &Tensor, site| f(x, site).to_tensor())))
}

/// Calls a closure with the (narrowed) activation and leaves the activation unchanged.
///
/// [`store`](super::store) keeps the activation itself.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// model.run_with("red fox", observe(Site::pattern(1), |pattern| println!("{:?}", pattern.dims())))?;
/// let stops = observe(Site::pattern(1), |pattern| match pattern.max_all()?.to_scalar::<f32>()? {
///     high if high > 1.01 => Err(glassbox::candle_core::Error::msg(format!("a weight of {high}"))),
///     _ => Ok(()),
/// });
/// model.run_with("red fox", stops)?;
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn observe<R: Looked>(sites: impl Into<Sites>, mut f: impl FnMut(&Tensor) -> R + Send + 'static) -> Intervention {
    observe_at(sites, move |x, _| f(x))
}

/// Calls a closure with the activation and its site, and leaves the activation unchanged.
///
/// See [`observe`].
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let watch = observe_at("blocks.*.attn.hook_pattern", |pattern, site| println!("{site}: {:?}", pattern.dims()));
/// assert_eq!(model.run_with("red fox", watch)?.loss()?, model.run("red fox")?.loss()?);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn observe_at<R: Looked>(
    sites: impl Into<Sites>,
    f: impl FnMut(&Tensor, Site) -> R + Send + 'static,
) -> Intervention {
    let f = Mutex::new(f);
    let look = move |x: &Tensor, site, _: Layers| (f.lock().unwrap_or_else(PoisonError::into_inner))(x, site).looked();
    Intervention::new(sites, Action::Look(Arc::new(look)))
}

/// Applies a closure to the gradient at this site when a [`Pass`](crate::model::Pass) differentiates.
///
/// The forward pass is unchanged.
///
/// Gradients at earlier sites are computed from the changed one. A pass without a gradient refuses this intervention.
/// As a part of [`Model::hooked`](crate::Model::hooked) it acts only in passes that compute a gradient.
///
/// # Examples
/// ```
/// use candle_core::Tensor;
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let stopped = edit_gradient(Site::attn_out(1), |grad| grad.zeros_like());
/// let gradient = |interventions: Vec<Intervention>| -> Result<f32, glassbox::Error> {
///     let first = |logits: &Tensor| logits.flatten_all()?.get(0);
///     let run = model.pass("red fox red")?.intervene(interventions).differentiate([Site::z(1)], first).run()?;
///     Ok(run.gradients()?.get(Site::z(1))?.sqr()?.sum_all()?.to_scalar()?)
/// };
/// assert!(gradient(vec![])? > 0.0);
/// assert_eq!(gradient(vec![stopped])?, 0.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("bwd_hooks", "add_hook"))]
pub fn edit_gradient<R: ToTensor>(
    sites: impl Into<Sites>,
    f: impl Fn(&Tensor) -> R + Send + Sync + 'static,
) -> Intervention {
    Intervention::new(sites, Action::EditGradient(Arc::new(move |x: &Tensor, _| f(x).to_tensor())))
}

/// Stops positions from attending to others: their scores become -inf before the softmax, and the remaining attention
/// is renormalized (attention knockout, [Geva et al. 2023](https://arxiv.org/abs/2304.14767)).
///
/// It applies to all heads of the layer unless narrowed to some. A position that may not attend anywhere gets zeros.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let tokens = model.tokens(text)?;
/// // The second "blue" may no longer attend to the word after the first.
/// let blind = block_attention(1, [-1], tokens.positions_of(0, "owl"));
/// let run = model.run_with(text, blind)?;
/// assert!(run.probability("owl", -1)? < 0.5);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "attn_mask")]
pub fn block_attention(
    layer: impl ToPattern,
    queries: impl IntoIterator<Item = impl ToIndex>,
    keys: impl IntoIterator<Item = impl ToIndex>,
) -> Intervention {
    match layer.to_pattern().map(Site::scores) {
        Ok(site) => block_at(site).positions(queries).keys(keys),
        Err(error) => Intervention::failed(error),
    }
}

/// Forbids positions to look at others where these scores are.
pub(crate) fn block_at(scores: Site) -> Intervention {
    Intervention::new(scores, Action::Block)
}

/// Puts in the value from the clean run of a sweep, or zeros or means in an ablation.
pub(crate) fn from_clean(site: impl Into<Sites>) -> Intervention {
    Intervention::new(site, Action::Clean)
}

/// Returns what a closure made if it has the activation's shape and type.
pub(super) fn same_kind(site: Site, old: &Tensor, new: Tensor) -> Result<Tensor> {
    if new.dims() != old.dims() {
        let (got, expected) = (new.dims().to_vec(), old.dims().to_vec());
        return Err(SiteError::Shape { site: site.to_string(), got, expected }.into());
    }
    need_type(|| format!("the value for `{site}`"), &new, old.dtype())?;
    Ok(new)
}

/// Passes the activation through unchanged, and its gradient through a closure.
pub(super) struct GradientEdit(pub(super) Edit, pub(super) Site);

impl CustomOp1 for GradientEdit {
    fn name(&self) -> &'static str {
        "gradient edit"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (start, end) = layout.contiguous_offsets().unwrap_or_default();
        Ok((CpuStorage::F32(storage.as_slice::<f32>()?[start..end].to_vec()), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let of_closure = |why: Error| why.of_closure(format!("`edit_gradient` at `{}`", self.1), grad.dims());
        let new = (self.0)(grad, self.1).map_err(of_closure).and_then(|new| same_kind(self.1, grad, new));
        new.map(Some).map_err(|error| candle_core::Error::Msg(error.to_string()))
    }
}
