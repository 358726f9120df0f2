//! How models and runs are shown.

use super::{Architecture, Config, Model, Normalization, Position, Run};
use crate::{
    Result,
    axes::Axis,
    hook::{Site, ToSite},
    notebook::{Card, Show},
    plot::{AttentionHeads, AttentionPattern, Bars, Figure, TokenText},
};
use ndarray::{Array2, Array3};
use std::fmt;

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

impl Config {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let heads = match self.n_heads == self.n_key_value_heads {
            true => format!("{} heads of {}", self.n_heads, self.d_head),
            false => format!("{} heads of {}, sharing {} key heads", self.n_heads, self.d_head, self.n_key_value_heads),
        };
        let layers = match self.n_encoder_layers {
            0 => self.n_layers.to_string(),
            encoder => format!("{encoder} of the encoder, {} of the decoder", self.n_layers),
        };
        let gated = if self.gated_mlp { ", gated" } else { "" };
        let mlp = match (self.attn_only, self.experts) {
            (true, _) => "none: attention only".into(),
            (_, None) => format!("{} {}{gated}", grouped(self.d_mlp), self.act_fn),
            (_, Some(experts)) => {
                let (of, chosen) = (experts.count, experts.per_token);
                format!(
                    "{} {}{gated}, in {of} experts of which a token takes {chosen}",
                    grouped(self.d_mlp),
                    self.act_fn
                )
            }
        };
        let norm = match self.normalization {
            Normalization::LayerNorm => "LayerNorm",
            Normalization::RmsNorm => "RMSNorm",
            Normalization::None => "none",
        };
        let position = match self.position {
            Position::Learned => "learned",
            Position::Shortformer => "learned, read by queries and keys alone (Shortformer)",
            Position::Rotary(_) => "rotary",
            Position::Alibi(_) => "ALiBi",
            Position::RelativeBias { .. } => "relative bias",
            Position::None => "none",
        };
        vec![
            ("family", self.family.clone()),
            ("layers", layers),
            ("residual stream", format!("{} wide (d_model)", self.d_model)),
            ("attention", format!("{heads} (d_head)")),
            ("neurons (d_mlp)", mlp),
            ("vocabulary", format!("{}{}", grouped(self.d_vocab), if self.tied { ", tied" } else { "" })),
            ("longest text", format!("{} tokens", grouped(self.n_ctx))),
            ("norm, positions", format!("{norm}, {position}")),
        ]
    }
}

impl Model {
    /// How many numbers the model learned; a tied embedding counts once.
    pub fn n_parameters(&self) -> usize {
        self.transformer().n_parameters(self.config().tied)
    }

    fn card(&self) -> Card {
        let config = self.config();
        let mut facts = config.facts();
        facts.push(("parameters", grouped(self.n_parameters())));
        if !config.processed.is_empty() {
            facts.push(("processing", config.processed.to_string()));
        }
        facts.push(("from", self.origin().into()));
        let once = |site: &&Site| site.layer().is_none_or(|layer| layer == 0);
        let sites = self.sites();
        let row = |site: &Site| {
            let name = site.to_string().replacen(".0.", ".{layer}.", 1);
            let cost = if site.is_gated() { "only when named" } else { "" };
            [name, format!("[{}]", site.shape_in_words()), cost.to_owned()]
        };
        let rows: Vec<_> = sites.iter().filter(once).map(row).collect();
        let line = format!("{} kinds of sites, where one can look and change something", rows.len());
        Card::new(self.name()).facts(facts).folded(&line, |card| card.table(&["site", "shape", "recorded"], rows))
    }

    /// Shows the model's card in a notebook: family, sizes, parameters, sites.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for Model {
    fn html(&self) -> String {
        self.card().html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

impl Run {
    /// The attention patterns of all heads of a layer, on the first text.
    ///
    /// # Errors
    /// When the run did not record them.
    pub fn attention(&self, layer: usize) -> Result<Figure> {
        let patterns = self.patterns(layer)?;
        let title = format!("{}: attention of layer {layer}", self.model().name());
        let names = (0..patterns.dim().0).map(|head| format!("L{layer}H{head}"));
        AttentionHeads::new(patterns, self.tokens().strings(0)).names(names).title(title).draw()
    }

    /// The attention pattern of one head, on the first text.
    ///
    /// # Errors
    /// When the run did not record it, or there is no such head.
    pub fn attention_head(&self, layer: usize, head: usize) -> Result<Figure> {
        let title = format!("L{layer}H{head}: who looks where");
        AttentionPattern::new(self.pattern(layer, head)?, self.tokens().strings(0)).title(title).draw()
    }

    /// Where a head looks from one position (-1 is the last) of the first text: the text, each token coloured by the
    /// attention that goes to it.
    ///
    /// # Errors
    /// As [`Run::attention_head`]; also when the position is outside the text.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let figure = run.attention_from(1, 0, -1)?; // the second "blue" looks at what came after the first
    /// assert!(figure.to_svg().contains("<title>owl@4: 1"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn attention_from(&self, layer: usize, head: usize, position: i64) -> Result<Figure> {
        let from = self.tokens().index_in(0, position)?;
        let pattern = self.pattern(layer, head)?;
        let tokens = self.tokens().strings(0);
        let title = format!("Where L{layer}H{head} looks from {}@{from}", crate::plot::text::visible(&tokens[from]));
        TokenText::new(tokens, pattern.row(from).iter().copied()).title(title).value("attention").range(0.0, 1.0).draw()
    }

    /// The attention pattern of one head on the first text, as numbers.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Errors
    /// When the run did not record it, or there is no such head.
    pub fn pattern(&self, layer: usize, head: usize) -> Result<Array2<f32>> {
        let patterns = self.patterns(layer)?;
        let site = Site::pattern(layer);
        let n_heads = patterns.dim().0;
        if head >= n_heads {
            let (site, axis) = (site.to_string(), Axis::Head.name());
            return Err(crate::error::SiteError::OutOfRange { site, axis, index: head as i64, size: n_heads }.into());
        }
        Ok(patterns.index_axis(ndarray::Axis(0), head).to_owned())
    }

    fn patterns(&self, layer: usize) -> Result<Array3<f32>> {
        let site = Site::pattern(layer);
        self.model().config().check(site.to_site()?)?;
        let pattern = self.cache().get(site)?.get(0)?;
        let shape = pattern.dims3()?;
        let values = pattern.flatten_all()?.to_vec1::<f32>()?;
        Ok(Array3::from_shape_vec(shape, values).map_err(|error| candle_core::Error::Msg(error.to_string()))?)
    }

    /// The `k` likeliest next tokens after a position (-1 is the last) of the first text, as bars; of an encoder, those
    /// that may stand there.
    ///
    /// # Errors
    /// When the position is outside the text or its logits were not computed.
    pub fn next_tokens(&self, position: i64, k: usize) -> Result<Figure> {
        let at = &self.tokens().strings(0)[self.tokens().index_in(0, position)?];
        let question = match self.model().config().architecture {
            Architecture::Encoder => format!("What stands at {at:?}?"),
            _ => format!("What comes after {at:?}?"),
        };
        let bars = self.predictions(position, k)?.into_iter().map(|next| (next.text, next.probability));
        Bars::tokens(bars).title(question).value("probability").range(0.0, 1.0).draw()
    }

    /// The first text, each token coloured by how much it surprised the model: -log P, in nats.
    ///
    /// # Errors
    /// When the text is a single token or not all logits were computed.
    pub fn surprise(&self) -> Result<Figure> {
        let losses = self.token_losses()?.get(0)?.to_vec1::<f32>()?;
        // Nothing predicts the first token.
        let values = std::iter::once(f32::NAN).chain(losses);
        TokenText::new(self.tokens().strings(0), values).title("Surprise at each token").value("nats").draw()
    }

    fn card(&self) -> Card {
        let model = self.model().name();
        let mut card = Card::new(&format!("A run of {model}")).shown(self.tokens());
        let causal = self.model().config().architecture != Architecture::Encoder;
        if let (true, Ok(next)) = (causal, self.predictions(-1, 5)) {
            let row = |next: super::Prediction| [format!("{:?}", next.text), format!("{:.3}", next.probability)];
            card = card.table(&["next token", "probability"], next.into_iter().map(row));
        }
        card.note(&format!("{} sites recorded; .cache() has them.", self.cache().len()))
    }

    /// Shows tokens, likeliest continuations and what was recorded.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for Run {
    fn html(&self) -> String {
        self.card().html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.config();
        write!(f, "Model {} ({}, {} layers of {} heads)", self.name(), config.family, config.n_layers, config.n_heads)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.tokens().strings(0);
        write!(f, "Run of {} over {tokens:?}, {} sites recorded", self.model().name(), self.cache().len())
    }
}
