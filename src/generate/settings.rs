//! The settings of a [`Generation`].

use super::{Generation, range::Steps};
use crate::hook::{Intervention, Sites, ToInterventions};
use std::ops::RangeBounds;

/// Settings. Each returns the generation with one setting changed.
impl Generation {
    /// Ends a text after this many new tokens.
    ///
    /// The default is 20.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(3).run()?;
    /// assert_eq!(text.new_ids(0).len(), 3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn max_new_tokens(mut self, count: usize) -> Self {
        self.max_new_tokens = count;
        self
    }

    /// Always takes the most likely token.
    ///
    /// This is the default unless a temperature, `top_k` or `top_p` is given.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(1);
    /// assert_eq!(generation.clone().greedy().run()?.text(), generation.run()?.text()); // the default
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn greedy(mut self) -> Self {
        (self.sampling.temperature, self.sampling.top_k, self.sampling.top_p) = (None, None, None);
        self
    }

    /// Samples from the probabilities after dividing the logits by this.
    ///
    /// Values below 1 favour likely tokens. 0 is greedy; otherwise the range is 1e-6 to 1e6.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(5);
    /// let (sure, free) = (generation.clone().temperature(0.1).run()?, generation.temperature(5.0).run()?);
    /// assert_ne!(sure.text(), free.text());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.sampling.temperature = Some(temperature);
        self
    }

    /// Samples only from the `k` most likely tokens ([Fan et al. 2018](https://arxiv.org/abs/1805.04833)).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(3);
    /// assert_eq!(generation.clone().top_k(1).run()?.text(), generation.greedy().run()?.text());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top_k(mut self, k: usize) -> Self {
        self.sampling.top_k = Some(k);
        self
    }

    /// Samples only from the smallest set of most likely tokens whose probabilities sum to at least `p`, after `top_k`
    /// (nucleus sampling, [Holtzman et al. 2020](https://arxiv.org/abs/1904.09751)).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(3);
    /// assert_eq!(generation.clone().top_p(0.01).run()?.text(), generation.greedy().run()?.text());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top_p(mut self, p: f64) -> Self {
        self.sampling.top_p = Some(p);
        self
    }

    /// Divides the positive logit of every token already in the text by this, and multiplies a negative one by it
    /// ([Keskar et al. 2019](https://arxiv.org/abs/1909.05858)).
    ///
    /// Applied before the temperature. The range is 1e-6 to 1e6.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(1);
    /// assert_ne!(generation.repetition_penalty(1e6).run()?.continuation(), " fox"); // "fox" is in the text already
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn repetition_penalty(mut self, penalty: f64) -> Self {
        self.sampling.repetition_penalty = penalty;
        self
    }

    /// Subtracts this from a token's logit for each occurrence in the text, after the temperature.
    ///
    /// The range is -1e6 to 1e6.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(1);
    /// assert_ne!(generation.frequency_penalty(100.0).run()?.continuation(), " fox");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn frequency_penalty(mut self, penalty: f64) -> Self {
        self.sampling.frequency_penalty = penalty;
        self
    }

    /// Seeds the random numbers.
    ///
    /// The default is 0. Text `i` of a batch uses `seed + i`, so it is the same as it would be alone with that seed.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.temperature(2.0).max_new_tokens(5);
    /// assert_eq!(generation.clone().seed(7).run()?.text(), generation.seed(7).run()?.text());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.sampling.seed = seed;
        self
    }

    /// Ends a text before this string, even if several tokens make it up.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox blue owl red")?.stop("blue").run()?;
    /// assert_eq!(text.text(), "red fox blue owl red fox ");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stop(mut self, string: impl Into<String>) -> Self {
        self.stops.push(string.into());
        self
    }

    /// The tokens that end a text, instead of the tokenizer's own ([`SpecialIds::eos`](crate::text::SpecialIds::eos));
    /// `end_tokens([])` means none.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let text = model.generate("red fox blue owl red")?.end_tokens([model.to_single_token("blue")?]).run()?;
    /// assert_eq!(text.new_ids(0).len(), 2); // "fox", and "blue", which ends the text
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn end_tokens(mut self, ids: impl IntoIterator<Item = u32>) -> Self {
        (self.ends, self.ends_given) = (ids.into_iter().collect(), true);
        self
    }

    /// Applies one or several interventions at every step.
    ///
    /// An error among them becomes the run's error.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(1);
    /// assert_ne!(generation.intervene(zero(Site::z(1))).run()?.continuation(), " fox"); // no induction
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn intervene(self, interventions: impl ToInterventions) -> Self {
        self.intervene_during(.., interventions)
    }

    /// Applies interventions at some steps: `..=0` is the step that reads the prompt, `3..5` are the steps that read
    /// the third and fourth new token.
    ///
    /// Later steps see their changes to keys and values, because these are cached.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2);
    /// let text = generation.intervene_during(1.., zero(Site::z(1))).run()?; // from the second new token on
    /// assert!(text.continuation().starts_with(" fox") && text.continuation() != " fox blue");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn intervene_during(mut self, steps: impl RangeBounds<usize>, interventions: impl ToInterventions) -> Self {
        let steps = Steps::new(&steps);
        let placed = Intervention::all_placed_in(interventions, &self.model.config());
        self.interventions.extend(placed.into_iter().map(|edit| (steps.clone(), edit)));
        self
    }

    /// Records these sites at every step: a [`Site`](crate::hook::Site), a list, a pattern such as
    /// `"blocks.*.attn.hook_pattern"`, or [`Sites::filter`].
    ///
    /// Read them with [`Generated::cache`](super::Generated::cache).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(2);
    /// let text = generation.record("blocks.*.attn.hook_pattern").run()?;
    /// assert_eq!(text.cache(1)?.get(Site::pattern(1))?.dims(), [1, 4, 1, 5]); // one query, all keys so far
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn record(self, sites: impl Into<Sites>) -> Self {
        self.record_during(.., sites)
    }

    /// Records these sites at some steps.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(2);
    /// let text = generation.record_during(1.., [Site::z(1)]).run()?;
    /// assert!(text.cache(1)?.contains(Site::z(1)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn record_during(mut self, steps: impl RangeBounds<usize>, sites: impl Into<Sites>) -> Self {
        self.record.push((Steps::new(&steps), sites.into()));
        self
    }

    /// Keeps the logits of every step for [`Generated::logits`](super::Generated::logits).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(1).keep_logits().run()?;
    /// assert_eq!(text.logits()?.dims(), [1, 1, 374]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn keep_logits(mut self) -> Self {
        self.keep_logits = true;
        self
    }

    /// Reads the whole text again at every step.
    ///
    /// The result is the same, only slower. An intervention at a step then sees all positions, and acts on all of them
    /// unless narrowed.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(3);
    /// assert_eq!(generation.clone().without_kv_cache().run()?.text(), generation.run()?.text());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "use_past_kv_cache")]
    pub fn without_kv_cache(mut self) -> Self {
        self.keeps = false;
        self.prefix.kept = Default::default();
        self
    }
}
