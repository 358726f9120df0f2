//! Every parameter under its name in TransformerLens's `state_dict`.

use super::{
    WeightViews,
    attention::{output_in_heads, weight_in_heads},
};
use crate::{
    Result,
    error::{WeightsError, nearest},
    hook::Stack,
    model::Architecture,
    net::{
        parts::{Attention, Block, Embed, Feed, Front, HeadNorm, Linear, Mixture, Mlp, Norm, Readout},
        transformer::StackParts,
    },
};
use candle_core::Tensor;

impl WeightViews {
    /// Returns every parameter under its name in TransformerLens's `state_dict` (`HookedTransformer`, `HookedEncoder`,
    /// `HookedEncoderDecoder`), such as `blocks.0.attn.W_Q`.
    ///
    /// The order is that of the forward pass. Parts that TransformerLens does not have follow the same naming.
    /// Grouped keys and values are named `_W_K` and `_W_V` and are not repeated. A tied unembedding is included as a
    /// view. Absent and folded parameters are left out.
    ///
    /// # Shapes
    /// The shape of the view with the same meaning, such as [`w_q`](Self::w_q). For weights of experts the last two
    /// axes are swapped, as in TransformerLens.
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// assert_eq!(weights.named()?[0].0, "embed.W_E");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("state_dict", "named_parameters"))]
    pub fn named(&self) -> Result<Vec<(String, Tensor)>> {
        let transformer = self.model.transformer();
        let mut names = Names(Vec::new());
        let encoder = self.model.config().architecture == Architecture::Encoder;
        let embeds = self.model.weights().w_e()?;
        let mut tables = transformer.stacks().filter_map(|stack| stack.front.tokens());
        if let Some(first) = tables.next() {
            // A decoder may read through the encoder's table.
            let own = |table: &&Embed| table.tokens.id() != first.tokens.id();
            let of_decoder = tables.find(own).map(|table| table.tokens.clone());
            names.embed(first, (embeds, of_decoder), if encoder { "embed." } else { "" })?;
        }
        transformer.stacks().try_for_each(|stack| names.sound(&stack.front))?;
        for stack in transformer.stacks() {
            names.blocks(stack)?;
            stack.norm.iter().for_each(|norm| names.norm("", norm));
        }
        names.readout(&transformer.readout)?;
        Ok(names.0)
    }

    /// Returns a parameter by its name in [`named`](Self::named).
    ///
    /// # Shapes
    /// See [`named`](Self::named).
    ///
    /// # Errors
    /// Fails when there is no parameter of this name. The error names the nearest.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// assert_eq!(weights.get("blocks.0.attn.W_Q")?.dims(), [4, 64, 16]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "state_dict")]
    pub fn get(&self, name: &str) -> Result<Tensor> {
        let named = self.named()?;
        if let Some((_, tensor)) = named.iter().find(|(other, _)| other == name) {
            return Ok(tensor.clone());
        }
        let nearest = nearest(name, named.into_iter().map(|(name, _)| name), 3);
        let (name, family) = (name.into(), self.model.config().family.clone());
        Err(WeightsError::Unknown { name, family, nearest }.into())
    }

    /// Returns the number of values in all named parameters.
    ///
    /// A tied unembedding counts twice, as in TransformerLens; [`Model::n_parameters`](crate::Model::n_parameters)
    /// counts it once.
    ///
    /// # Errors
    /// Fails when memory runs out.
    pub fn n_params_total(&self) -> Result<usize> {
        Ok(self.named()?.iter().map(|(_, tensor)| tensor.elem_count()).sum())
    }
}

struct Names(Vec<(String, Tensor)>);

impl Names {
    fn add(&mut self, name: String, tensor: &Tensor) {
        self.0.push((name, tensor.clone()));
    }

    fn maybe(&mut self, name: String, tensor: &Option<Tensor>) {
        tensor.iter().for_each(|tensor| self.add(name.clone(), tensor));
    }

    /// Adds `{at}{W}` and `{at}{b}`.
    fn linear(&mut self, at: &str, [weight, bias]: [&str; 2], linear: &Linear) {
        self.add(format!("{at}{weight}"), &linear.weight);
        self.maybe(format!("{at}{bias}"), &linear.bias);
    }

    fn norm(&mut self, at: &str, norm: &Norm) {
        self.maybe(format!("{at}{}.w", norm.name()), &norm.weight);
        self.maybe(format!("{at}{}.b", norm.name()), &norm.bias);
    }

    fn embed(&mut self, embed: &Embed, tokens: (Tensor, Option<Tensor>), at: &str) -> Result<()> {
        self.add(format!("{at}embed.W_E"), &tokens.0);
        self.maybe("decoder_embed.W_E".into(), &tokens.1);
        self.maybe(format!("{at}pos_embed.W_pos"), &embed.positions);
        self.maybe(format!("{at}pos_embed.W_unplaced"), &embed.unplaced);
        self.maybe(format!("{at}token_type_embed.W_token_type"), &embed.token_types);
        self.norm("", &embed.norm);
        embed.widen.iter().for_each(|widen| self.linear("embed.", ["W_widen", "b_widen"], widen));
        Ok(())
    }

    /// The convolutions of an encoder of sound and the vectors of its positions.
    fn sound(&mut self, front: &Front) -> Result<()> {
        let Front::Sound(sound) = front else { return Ok(()) };
        for (convolution, name) in sound.convolutions.iter().zip(["conv1", "conv2"]) {
            self.linear(&format!("encoder.{name}."), ["W", "b"], &convolution.linear);
        }
        self.add("encoder.pos_embed.W_pos".into(), &sound.positions);
        Ok(())
    }

    fn blocks(&mut self, stack: &StackParts) -> Result<()> {
        if let Some(relative) = &stack.relative {
            self.add(format!("{}.0.attn.rel_pos_bias.weight", stack.stack.prefix()), &relative.table);
        }
        stack.blocks.iter().enumerate().try_for_each(|(layer, block)| self.block(stack.stack, layer, block))
    }

    fn block(&mut self, stack: Stack, layer: usize, block: &Block) -> Result<()> {
        let at = format!("{}.{layer}.", stack.prefix());
        block.norms().into_iter().for_each(|norm| self.norm(&at, norm));
        self.attention(&format!("{at}attn."), &block.attention)?;
        if let Some(cross) = &block.cross {
            self.attention(&format!("{at}cross_attn."), &cross.attention)?;
        }
        match &block.mlp {
            Some(Feed::Mlp(mlp)) => {
                self.mlp(&format!("{at}mlp."), mlp);
                self.norm(&at, &mlp.norm);
            }
            Some(Feed::Mixture(mixture)) => self.mixture(&format!("{at}mlp."), mixture)?,
            None => {}
        }
        Ok(())
    }

    fn attention(&mut self, at: &str, attention: &Attention) -> Result<()> {
        let Attention { q, k, v, o, q_norm, k_norm, n_heads, n_key_value_heads, .. } = attention;
        let grouped = if n_heads == n_key_value_heads { "" } else { "_" };
        for (linear, heads, grouped, letter) in
            [(q, *n_heads, "", "Q"), (k, *n_key_value_heads, grouped, "K"), (v, *n_key_value_heads, grouped, "V")]
        {
            self.add(format!("{at}{grouped}W_{letter}"), &weight_in_heads(linear, heads)?);
            let bias = linear.bias.as_ref().map(|bias| bias.reshape((heads, ()))).transpose()?;
            self.maybe(format!("{at}{grouped}b_{letter}"), &bias);
        }
        self.add(format!("{at}W_O"), &output_in_heads(o, *n_heads)?);
        self.maybe(format!("{at}b_O"), &o.bias);
        let mut head_norm = |name: &str, norm: &Option<HeadNorm>| {
            if let Some(norm) = norm {
                self.add(format!("{at}{name}.w"), &norm.weight);
                self.maybe(format!("{at}{name}.b"), &norm.bias);
            }
        };
        head_norm("q_norm", q_norm);
        head_norm("k_norm", k_norm);
        Ok(())
    }

    fn mlp(&mut self, at: &str, mlp: &Mlp) {
        mlp.gate.iter().for_each(|gate| self.linear(at, ["W_gate", "b_gate"], gate));
        self.linear(at, ["W_in", "b_in"], &mlp.input);
        self.linear(at, ["W_out", "b_out"], &mlp.output);
    }

    /// TransformerLens keeps experts in PyTorch's own layers, which store weights as output by input.
    fn mixture(&mut self, at: &str, mixture: &Mixture) -> Result<()> {
        self.turned(&format!("{at}W_gate"), &mixture.router)?;
        for (expert, Mlp { input, gate, output, .. }) in mixture.experts.iter().enumerate() {
            let at = format!("{at}experts.{expert}.");
            gate.iter().try_for_each(|gate| self.turned(&format!("{at}W_gate"), gate))?;
            self.turned(&format!("{at}W_in"), input)?;
            self.turned(&format!("{at}W_out"), output)?;
        }
        Ok(())
    }

    fn turned(&mut self, at: &str, linear: &Linear) -> Result<()> {
        self.add(format!("{at}.weight"), &linear.weight.t()?);
        self.maybe(format!("{at}.bias"), &linear.bias);
        Ok(())
    }

    fn readout(&mut self, readout: &Readout) -> Result<()> {
        let Readout { ln_final, mlm, unembed, pooler, nsp } = readout;
        self.norm("", ln_final);
        if let Some(head) = mlm {
            self.linear("mlm_head.", ["W", "b"], &head.dense);
            self.norm("", &head.norm);
        }
        unembed.iter().for_each(|unembed| self.linear("unembed.", ["W_U", "b_U"], unembed));
        pooler.iter().for_each(|pooler| self.linear("pooler.", ["W", "b"], pooler));
        nsp.iter().for_each(|nsp| self.linear("nsp_head.", ["W", "b"], nsp));
        Ok(())
    }
}
