//! [`Model`]: a hooked transformer.
//!
//! # Families
//! The values of a configuration's `model_type` that can be loaded. Each family is tested against Hugging Face
//! transformers 5.23 (logits, every hidden state and every attention pattern), and hook by hook against TransformerLens
//! 3.5.1 or, where that lacks the architecture or differs from it, against the modules of Hugging Face: to 1e-4, logits
//! to 1e-3. A setting that changes the computation and is not implemented is refused by name.
#![doc = include_str!("../families/families.md")]

mod encoder;
mod encoder_show;
mod forward;
mod losses;
mod numbers;
mod pass;
mod prompt;
mod run;
mod run_attention;
mod run_gradient;
mod run_stacked;
mod show;
mod text;
mod text_after;
mod to_input;
mod to_token_ids;
mod to_tokens;

pub use crate::config::{
    Architecture, Config, Experts, Heads, LongContext, NormPlace, Normalization, Pooling, Position, QkNorm, Rotary,
    StackConfig,
};
pub use crate::families::families;
pub use crate::site::ToPattern;
use crate::{
    Result, families,
    hook::{Intervention, Site, ToInterventions, ToSite},
    load::{Checkpoint, shipped},
    net::transformer::Transformer,
    text::Tokenizer,
};
pub use encoder::{Blank, FilledMasks, NextSentence, SentenceEmbeddings};
pub use losses::{LossComparison, compare_losses};
pub use pass::Pass;
pub(crate) use prompt::LikelierReading;
pub use prompt::{AnswerPair, AnswerStep, AnswerWord, Answers, PromptTest, TestedAnswer, exactly};
pub(crate) use run::softmax;
pub use run::{Prediction, Run};
pub(crate) use run_attention::name_in_stack;
pub use run_stacked::{ByLayer, ByName, EachLayer};
use std::{ops::Range, sync::Arc};
pub use to_input::ToInput;
pub use to_token_ids::ToTokenIds;
pub(crate) use to_token_ids::ids_after;
pub use to_tokens::{ToIds, ToTexts, ToTokens};

/// A hooked transformer: configuration, weights and tokenizer.
///
/// It is owned, cheap to clone, and can be shared between threads and notebook cells.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?; // shipped inside the crate
/// let run = model.run("red fox blue owl red fox blue")?;
/// assert_eq!(run.predictions(-1, 1)?[0].text, "owl");
/// assert_eq!(run.cache().get(Site::pattern(1))?.dims()[2..], [8, 8]); // seven words and a <bos>
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias(
    "HookedTransformer",
    "HookedEncoder",
    "HookedEncoderDecoder",
    "TransformerBridge",
    "LanguageModel",
    "NNsight"
))]
#[derive(Clone)]
pub struct Model {
    inner: Arc<Inner>,
    /// Done in every pass, before the pass's own.
    interventions: Arc<[Intervention]>,
}

struct Inner {
    name: String,
    origin: String,
    config: Arc<Config>,
    transformer: Transformer,
    tokenizer: Option<Tokenizer>,
}

impl Model {
    /// Opens a model. `place` is one of:
    ///
    /// - the name of a shipped model: `"induction-2l"`, `"grammar-4l"`, `"modular-addition-1l"` (feature `models`, on by default), or of one at a step of its training, `"modular-addition-1l@300"`;
    /// - a folder with `config.json` and safetensors, or a `.gguf` file;
    /// - a Hugging Face hub id such as `"openai-community/gpt2"` (feature `hub`, which the notebooks have). It is downloaded unless it is in the cache.
    ///
    /// # Errors
    /// When the files are missing or damaged, or have an architecture or setting that this crate does not compute.
    /// Nothing is ignored silently.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?; // shipped; also a folder, a .gguf file, or a hub id
    /// assert_eq!(model.config().n_layers, 4);
    /// let untrained = Model::open("modular-addition-1l@0")?; // as it was at step 0 of its training
    /// assert!(Model::open("induction-3l").is_err());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("from_pretrained", "from_pretrained_no_processing", "load_model"))]
    pub fn open(place: impl AsRef<str>) -> Result<Self> {
        let place = place.as_ref();
        match shipped::checkpoint(place) {
            Some(checkpoint) => Self::from_checkpoint(checkpoint?),
            None => Self::from_checkpoint(Checkpoint::open(place)?),
        }
    }

    /// Builds the model that a checkpoint describes.
    ///
    /// # Errors
    /// When the architecture is unknown, a setting is not implemented, or the weights do not fit.
    pub fn from_checkpoint(checkpoint: Checkpoint) -> Result<Self> {
        let (config, transformer) = families::build(&checkpoint)?;
        let Checkpoint { name, origin, tokenizer, .. } = checkpoint;
        Ok(Self::from_parts(name, origin, config, transformer, tokenizer))
    }

    pub(crate) fn from_parts(
        name: String,
        origin: String,
        config: impl Into<Arc<Config>>,
        transformer: Transformer,
        tokenizer: Option<Tokenizer>,
    ) -> Self {
        crate::kernel_check::warn_if_statics_are_duplicated();
        let inner = Inner { name, origin, config: config.into(), transformer, tokenizer };
        Self { inner: Arc::new(inner), interventions: Arc::from([]) }
    }

    /// The model's name.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.name(), "induction-2l");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn name(&self) -> String {
        self.inner.name.clone()
    }

    /// Where the model was read from.
    pub fn origin(&self) -> String {
        self.inner.origin.clone()
    }

    /// The architecture.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let config = Model::open("induction-2l")?.config();
    /// assert_eq!((config.n_layers, config.n_heads, config.d_model), (2, 4, 64));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "cfg")]
    pub fn config(&self) -> Arc<Config> {
        self.inner.config.clone()
    }

    /// The tokenizer, if the model has one.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokenizer = Model::open("induction-2l")?.tokenizer().unwrap();
    /// assert_eq!(tokenizer.d_vocab(), 374);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokenizer(&self) -> Option<Tokenizer> {
        self.inner.tokenizer.clone()
    }

    pub(crate) fn transformer(&self) -> &Transformer {
        &self.inner.transformer
    }

    /// Returns the same model with interventions that apply in every pass, before the pass's own. A hooked model can be
    /// hooked again. The original is unchanged, and the weights are shared. If one of the interventions is an error,
    /// every run returns it.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let broken = model.hooked(zero(Site::z(1)));
    /// assert!(broken.loss("red fox blue red fox blue")? > model.loss("red fox blue red fox blue")? + 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("add_hook", "add_perma_hook", "reset_hooks", "hooks"))]
    pub fn hooked(&self, interventions: impl ToInterventions) -> Self {
        let new = Intervention::all_placed_in(interventions, &self.config()).into_iter().map(Intervention::standing);
        let interventions = self.interventions.iter().cloned().chain(new).collect();
        Self { inner: self.inner.clone(), interventions }
    }

    /// The same model with other weights: those of this one stay as they are.
    pub(crate) fn remade(&self, config: Config, transformer: Transformer) -> Self {
        let remade = Self::from_parts(self.name(), self.origin(), config, transformer, self.tokenizer());
        Self { interventions: self.interventions.clone(), ..remade }
    }

    /// The interventions that [`Model::hooked`] added.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.hooked(zero(Site::z(1))).interventions().len(), 1);
    /// assert!(model.interventions().is_empty());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "hook_dict")]
    pub fn interventions(&self) -> Vec<Intervention> {
        self.interventions.to_vec()
    }

    /// As [`Model::interventions`], borrowed.
    pub(crate) fn standing(&self) -> &[Intervention] {
        &self.interventions
    }

    /// The same model for some texts of a batch: interventions that have a value for each text keep those of these.
    pub(crate) fn of_texts(&self, texts: &Range<usize>, batch: usize) -> Self {
        let interventions = self.interventions.iter().filter_map(|one| one.clone().of_texts(texts, batch)).collect();
        Self { inner: self.inner.clone(), interventions }
    }

    /// Every site of this model, in the order of a forward pass.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.sites()[1], Site::embed()); // in the order of a forward pass
    /// assert!(model.sites().contains(&Site::pattern(1)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "hook_points")]
    pub fn sites(&self) -> Vec<Site> {
        self.config().sites()
    }

    /// Whether this model has the site.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?; // attention only
    /// assert!(model.has(Site::z(1)) && !model.has(Site::mlp_out(1)) && !model.has(Site::z(2)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn has(&self, site: impl ToSite) -> bool {
        self.config().has(site)
    }
}
