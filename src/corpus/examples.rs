//! [`examples`]: activations and labels for a probe, from labelled sentences.

use super::Sentence;
use crate::{Model, Result, hook::Sites, probe::Examples};
use std::collections::HashMap;

/// Collects activations at some sites for words of some sentences, each with a label that `label` derives from the
/// sentence.
///
/// `label` receives a sentence and the index of a word in it, and returns `None` to leave the word out. Sentences with
/// the same text count once.
///
/// # Errors
/// See [`Examples::collect`].
///
/// # Examples
/// Is the subject of the sentence plural? The probe reads the activation at the verb.
/// ```
/// use glassbox::{corpus::{GrammaticalNumber, PartOfSpeech, examples, grammar}, prelude::*};
/// let model = Model::open("grammar-4l")?;
/// let sentences: Vec<_> = grammar(0).take(40).collect();
/// let examples = examples(&model, [Site::resid_post(3)], &sentences, |sentence, word| {
///     let subject = sentence.words[word].subject?; // verbs only
///     sentence.words[subject].number.map(|number| number == GrammaticalNumber::Plural)
/// })?;
/// assert!(examples.labels().len() > 30);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn examples(
    model: &Model,
    sites: impl Into<Sites>,
    sentences: &[Sentence],
    label: impl Fn(&Sentence, usize) -> Option<bool>,
) -> Result<Examples> {
    let mut by_text: HashMap<String, &Sentence> = HashMap::new();
    let mut texts = Vec::new();
    for sentence in sentences {
        let text = sentence.text();
        if by_text.insert(text.clone(), sentence).is_none() {
            texts.push(text);
        }
    }
    Examples::collect(model, sites, texts, |tokens, position| {
        let sentence = by_text.get(&tokens.text(0)?)?;
        // Tokens that are not in the text, such as <bos>, precede the words.
        let word = position.checked_sub(tokens.len() - sentence.words.len())?;
        label(sentence, word)
    })
}
