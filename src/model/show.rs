//! How models and runs are shown.

use super::{Architecture, Config, Model, Normalization, Run};
use crate::{
    Result,
    hook::{Site, ToIndex},
    notebook::{Card, Show},
    plot::{Bars, Figure, TokenText, row},
    printable::line,
};

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

impl Config {
    /// A fact about each stack; once if it is the same in all.
    fn by_stack(&self, fact: impl Fn(&Self) -> String) -> String {
        let facts: Vec<_> = self.stacks().iter().map(|&stack| (stack.prefix(), fact(&self.in_stack(stack)))).collect();
        match facts.iter().all(|(_, fact)| *fact == facts[0].1) {
            true => facts[0].1.clone(),
            false => facts.iter().map(|(stack, fact)| format!("{stack}: {fact}")).collect::<Vec<_>>().join("; "),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let heads = self.by_stack(|own| match own.n_heads == own.n_key_value_heads {
            true => format!("{} heads of {}", own.n_heads, own.d_head),
            false => format!("{} heads of {}, sharing {} key heads", own.n_heads, own.d_head, own.n_key_value_heads),
        });
        let layers = self.by_stack(|own| own.n_layers.to_string());
        let gated = if self.gated_mlp { ", gated" } else { "" };
        let mlp = match (self.attn_only, self.experts) {
            (true, _) => "none: attention only".into(),
            (_, None) => self.by_stack(|own| format!("{} {}{gated}", grouped(own.d_mlp), own.act_fn)),
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
        let position = self.by_stack(|own| own.position.to_string());
        vec![
            ("family", self.family.clone()),
            ("layers", layers),
            ("residual stream", format!("{} wide (d_model)", self.d_model)),
            ("attention", format!("{heads} (d_head)")),
            ("neurons (d_mlp)", mlp),
            ("vocabulary", format!("{}{}", grouped(self.d_vocab), if self.tied { ", tied" } else { "" })),
            ("longest text", self.by_stack(|own| format!("{} tokens", grouped(own.n_ctx)))),
            ("norm, positions", format!("{norm}, {position}")),
        ]
    }
}

impl Model {
    /// The number of learned values. A tied embedding counts once.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.n_parameters(), model.weights().n_params_total()?);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "n_params")]
    pub fn n_parameters(&self) -> usize {
        self.transformer().n_parameters(self.config().tied)
    }

    fn card(&self) -> Card {
        let config = self.config();
        let mut facts = config.facts();
        facts.push(("parameters", grouped(self.n_parameters())));
        if !config.left_out.is_empty() {
            facts.push(("left out", config.left_out.join(", ")));
        }
        if !config.untied.is_empty() {
            let names: Vec<_> = config.untied.iter().map(|name| format!("`{name}`")).collect();
            facts.push(("used as stored", format!("{} (the configuration says tied)", names.join(", "))));
        }
        let tokens = self.tokenizer().map_or(0, |tokenizer| tokenizer.d_vocab());
        if tokens > config.d_vocab {
            let beyond = grouped(tokens - config.d_vocab);
            facts.push(("tokenizer", format!("{} tokens, {beyond} of them beyond the vocabulary", grouped(tokens))));
        }
        let unknown = self.tokenizer().map_or_else(Vec::new, |tokenizer| tokenizer.special_ids().unknown.clone());
        if !unknown.is_empty() {
            facts.push(("no such token", unknown.join(", ")));
        }
        if !config.processed.is_empty() {
            facts.push(("processing", config.processed.to_string()));
        }
        facts.push(("from", self.origin()));
        let once = |site: &&Site| site.layer().is_none_or(|layer| layer == 0);
        let sites = self.sites();
        let row = |site: &Site| {
            let name = site.to_string().replacen(".0.", ".{layer}.", 1);
            let cost = if site.is_gated_in(config.layers()) { "only when named" } else { "" };
            [name, format!("[{}]", site.shape_in_words()), cost.to_owned()]
        };
        let rows: Vec<_> = sites.iter().filter(once).map(row).collect();
        let line = format!("{} kinds of sites, where one can look and change something", rows.len());
        Card::new(&self.name()).facts(facts).folded(&line, |card| card.table(&["site", "shape", "recorded"], rows))
    }
}

impl Config {
    fn card(&self) -> Card {
        Card::new("A model's configuration").facts(self.facts())
    }

    /// Shows the configuration in a notebook.
    #[track_caller]
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

shown! { @show Config: card }

impl Model {
    fn brief(&self) -> String {
        let config = self.config();
        let (name, family, layers) = (line(self.name()), &config.family, config.n_layers);
        format!("Model {name} ({family}, {layers} layers of {} heads)", config.n_heads)
    }
}

impl Run {
    fn brief(&self) -> String {
        let tokens = self.tokens().strings(0);
        format!("Run of {} over {tokens:?}, {} sites recorded", self.model().name(), self.cache().len())
    }
}

shown! {
    /// Shows the model's card in a notebook: family, sizes, parameters, sites.
    Model: card, brief
}

impl Run {
    /// Draws the `k` most likely next tokens after a position (-1 is the last) as bars, for each text of a batch. In an
    /// encoder, the most likely tokens at the position.
    ///
    /// # Errors
    /// When the position is outside a text, or its logits were not computed.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// assert!(run.next_tokens(-1, 3)?.to_svg().contains("owl")); // bars, in a notebook
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "test_prompt")]
    pub fn next_tokens(&self, position: impl ToIndex, k: usize) -> Result<Figure> {
        let (position, texts) = (position.to_index(), self.tokens().batch());
        match texts {
            1 => self.next_tokens_in(0, position, k),
            _ => Ok(row((0..texts).map(|text| self.next_tokens_in(text, position, k)).collect::<Result<Vec<_>>>()?)),
        }
    }

    fn next_tokens_in(&self, text: usize, position: i64, k: usize) -> Result<Figure> {
        let tokens = self.tokens();
        let at = &tokens.row(text).strings[tokens.index_in(text, position)?];
        let question = match self.model().config().architecture {
            Architecture::Encoder => format!("What stands at {at:?}"),
            _ => format!("What comes after {at:?}"),
        };
        let which = if tokens.batch() > 1 { format!(" in text {text}") } else { String::new() };
        let bars = self.predictions_in(text, position, k)?.into_iter().map(|next| (next.text, next.probability));
        Bars::tokens(bars).title(format!("{question}{which}?")).value("probability").range(0.0, 1.0).draw()
    }

    /// Draws the first text with each token coloured by its surprisal, -log P, in nats.
    ///
    /// # Errors
    /// When the text is a single token, or some logits were not computed.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// assert!(run.surprise()?.to_svg().contains("owl")); // the text, coloured
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("loss_per_token", "colored_tokens"))]
    pub fn surprise(&self) -> Result<Figure> {
        let losses = self.loss_per_token()?.get(0)?.to_vec1::<f32>()?;
        // Nothing predicts the first token.
        let values = std::iter::once(f32::NAN).chain(losses);
        TokenText::new(self.tokens().strings(0), values)
            .title(self.titled("Surprise at each token"))
            .value("nats")
            .draw()
    }

    fn card(&self) -> Card {
        let model = self.model().name();
        let mut card = Card::new(&format!("A run of {model}")).shown(&self.tokens());
        let causal = self.model().config().architecture != Architecture::Encoder;
        let computed = self.logits().is_ok() && self.logits_at(0, -1).is_ok();
        match self.predictions(-1, 5) {
            Ok(next) if causal => {
                let row = |next: super::Prediction| [format!("{:?}", next.text), format!("{:.3}", next.probability)];
                card = card.table(&["next token", "probability"], next.into_iter().map(row));
            }
            Err(error) if causal && computed => card = card.note(&error.to_string()),
            _ => {}
        }
        let megabytes = self.bytes() as f64 / 1e6;
        let (sites, held) = (self.cache().len(), format!("{megabytes:.1} MB are held until drop(run)"));
        card.note(&format!("{sites} sites recorded; .cache() has them. {held}."))
    }
}

shown! {
    /// Shows tokens, likeliest continuations and what was recorded.
    Run: card, brief
}
