//! [`Config`]: the architecture as data.

use crate::{
    axes::Axis,
    error::{SiteError, nearest},
    hook::{Point, Site, Stack},
    ops::Activation,
};

/// Everything that tells one transformer's computation from another's.
///
/// Field names are TransformerLens's `HookedTransformerConfig`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The architecture's name, as in `model_type` of a Hugging Face configuration.
    pub family: String,
    /// Number of blocks.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Attention heads per block.
    pub n_heads: usize,
    /// Heads of keys and values per block; fewer than `n_heads` in grouped-query attention.
    pub n_key_value_heads: usize,
    /// Width of one head.
    pub d_head: usize,
    /// Neurons of a block's MLP; 0 when `attn_only`.
    pub d_mlp: usize,
    /// Entries of the vocabulary.
    pub d_vocab: usize,
    /// The longest text, in tokens.
    pub n_ctx: usize,
    /// Nonlinearity of the MLP.
    pub act_fn: Activation,
    /// The kind of norm.
    pub normalization: Normalization,
    /// Added to the variance (or mean square) before its root is taken.
    pub eps: f64,
    /// How the model knows where a token stands.
    pub position: Position,
    /// Scores are multiplied by this; 1 / sqrt(d_head) unless the model says otherwise.
    pub attn_scale: f64,
    /// Blocks have attention and nothing else.
    pub attn_only: bool,
    /// The MLP multiplies two branches (SwiGLU and its kin).
    pub gated_mlp: bool,
    /// The unembedding is the embedding, turned.
    pub tied: bool,
}

/// The kind of norm before attention, MLP and unembedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// Subtract the mean, divide by the standard deviation (Ba et al. 2016).
    LayerNorm,
    /// Divide by the root mean square (Zhang & Sennrich 2019).
    RmsNorm,
    /// No norm.
    None,
}

/// How the model knows where a token stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Position {
    /// A learned vector per position, added to the embedding.
    Learned,
    /// Queries and keys are turned by an angle that grows with the position (Su et al. 2021).
    Rotary(Rotary),
}

/// The frequencies of a rotary embedding.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rotary {
    /// Radians per position of each pair of dimensions, fastest first.
    pub frequencies: Vec<f64>,
    /// True when neighbouring dimensions turn together (GPT-J), false when the two halves do (Llama, NeoX).
    pub adjacent: bool,
}

impl Config {
    /// The size of an axis for `batch` texts of `pos` tokens, or `None` where it is not fixed by them.
    pub fn size(&self, axis: Axis, batch: usize, pos: usize) -> Option<usize> {
        Some(match axis {
            Axis::Batch => batch,
            Axis::Pos | Axis::Query | Axis::Key => pos,
            Axis::Head => self.n_heads,
            Axis::KvHead => self.n_key_value_heads,
            Axis::DModel => self.d_model,
            Axis::DHead => self.d_head,
            Axis::DMlp => self.d_mlp,
            Axis::DVocab => self.d_vocab,
            Axis::One => 1,
            Axis::Class => 2,
            Axis::Expert => return None,
        })
    }

    /// The shape an activation has for `batch` texts of `pos` tokens.
    ///
    /// # Errors
    /// When this model has no such site.
    pub fn shape(&self, site: Site, batch: usize, pos: usize) -> crate::Result<Vec<usize>> {
        self.check(site)?;
        Ok(site.axes().iter().filter_map(|&axis| self.size(axis, batch, pos)).collect())
    }

    /// Every site this model has, in the order a forward pass reaches them.
    pub fn sites(&self) -> Vec<Site> {
        let is_last = |site: &Site| {
            use Point::*;
            matches!(site.point(), LnFinalScale | LnFinalNormalized | UnembedIn | UnembedOut)
        };
        let present = || Site::all(self.n_layers).filter(|site| self.absence(*site).is_none());
        present().filter(|site| !is_last(site)).chain(present().filter(is_last)).collect()
    }

    /// Whether this model has the site.
    pub fn has(&self, site: Site) -> bool {
        self.absence(site).is_none()
    }

    /// Fails, naming the reason and the nearest sites, when this model has no such site.
    pub(crate) fn check(&self, site: Site) -> crate::Result<()> {
        let Some(why) = self.absence(site) else { return Ok(()) };
        let layer = site.layer().map(|layer| layer.min(self.n_layers.saturating_sub(1)));
        let candidates = self.sites().into_iter().filter(|s| layer.is_none() || s.layer() == layer);
        let name = site.to_string();
        let nearest = nearest(&name, candidates.map(|site| site.to_string()), 3);
        Err(SiteError::NotInModel { site: name, family: self.family.clone(), why, nearest }.into())
    }

    /// Why this model lacks a site, or `None` when it has it.
    fn absence(&self, site: Site) -> Option<String> {
        use Point::*;
        if let Some(layer) = site.layer().filter(|&layer| layer >= self.n_layers) {
            return Some(format!("it has layers 0 to {}, not {layer}", self.n_layers.saturating_sub(1)));
        }
        if site.stack() != Stack::Blocks {
            return Some("it has one stack of blocks, named `blocks`".into());
        }
        let learned = matches!(self.position, Position::Learned);
        let normed = self.normalization != Normalization::None;
        let (present, why) = match site.point() {
            Tokens | Embed | UnembedIn | UnembedOut | ResidPre | QInput | KInput | VInput | Q | K | V | AttnScores
            | Pattern | Z | Result | AttnOut | ResidPost => (true, ""),
            AttnIn => {
                (self.n_heads == self.n_key_value_heads, "query heads share key heads; use q_input, k_input, v_input")
            }
            PosEmbed => (learned, "its positions are rotary, not learned vectors"),
            RotQ | RotK => (!learned, "its positions are learned vectors, not rotary"),
            LnFinalScale | LnFinalNormalized | Ln1Scale | Ln1Normalized => (normed, "it has no norms"),
            ResidMid | MlpIn | MlpPre | MlpPost | MlpOut => (!self.attn_only, "it has attention only, no MLP"),
            Ln2Scale | Ln2Normalized => (normed && !self.attn_only, "it has no norm before an MLP"),
            MlpPreLinear => (self.gated_mlp && !self.attn_only, "its MLP is not gated"),
            _ => (false, "its architecture has no such part"),
        };
        (!present).then(|| why.into())
    }
}
