//! [`IoiPrompts`]: pairs of prompts for indirect object identification, made for the model's tokenizer.

use super::{
    PromptPair, PromptPairs,
    words::{NAMES, OBJECTS, PLACES, TEMPLATES},
};
use crate::{
    Model, Result,
    error::{PatchError, TextError, at_most},
    text::Tokenizer,
};
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::{collections::BTreeMap, ops::Deref};

/// How the corrupt prompt differs from the clean one.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("grammar-4l")?;
/// let pair = IoiPrompts::new(&model, Corruption::ThirdName, 4, 0)?.pairs()[0].clone();
/// println!("{} / {}", pair.clean, pair.corrupt); // ... Mark gave the hat to / ... Kate gave the hat to
/// assert_ne!(pair.clean, pair.corrupt);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// The two names are exchanged everywhere, and so are the answers.
    SwapNames,
    /// The other name is repeated, so the answers are exchanged and the beginning stays.
    OtherRepeated,
    /// A third name stands in place of the repeated one, so nothing tells which of the two is the answer.
    ThirdName,
    /// Three different names that are not in the clean prompt (p_ABC of Wang et al. 2023).
    NewNames,
}

/// Pairs of prompts for indirect object identification (Wang et al. 2023), with this crate's own templates and words.
///
/// Only words that are single tokens of the model's tokenizer are used. So all prompts have one length, and a position
/// has the same role in all of them, except for the order of the names: the answer comes first (ABBA) and second (BABA)
/// alternately.
///
/// # Examples
/// ```no_run
/// use glassbox::{patching::{Corruption, HeadPart, IoiPrompts}, prelude::*};
/// let model = Model::open("HuggingFaceTB/SmolLM2-135M-Instruct")?;
/// let prompts = IoiPrompts::new(&model, Corruption::OtherRepeated, 8, 0)?;
/// println!("{}", prompts.pairs()[0].clean); // When Mary and John went to the shop, John gave the bag to
/// prompts.patching(&model)?.attribution()?.heads(HeadPart::Out)?;
/// # Ok::<(), glassbox::Error>(())
/// ```
/// A tokenizer without these words is refused with the counts:
/// ```
/// use glassbox::{patching::{Corruption, IoiPrompts}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let error = IoiPrompts::new(&model, Corruption::SwapNames, 8, 0).unwrap_err();
/// assert!(error.to_string().contains("of 60 names"), "{error}");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "IOIDataset")]
#[derive(Clone, PartialEq, Eq)]
pub struct IoiPrompts(PromptPairs);

impl IoiPrompts {
    /// Draws `count` pairs by a seed.
    ///
    /// # Errors
    /// When the model has no tokenizer, too few of the words are single tokens, or more than 100,000 pairs are asked
    /// for.
    pub fn new(model: &Model, corruption: Corruption, count: usize, seed: u64) -> Result<Self> {
        at_most("pairs of prompts", count, 100_000)?;
        let tokenizer = model.tokenizer().ok_or(TextError::NoTokenizer)?;
        Ok(Self(Words::of(&tokenizer, corruption)?.draw(corruption, count, seed)))
    }
}

impl Deref for IoiPrompts {
    type Target = PromptPairs;

    fn deref(&self) -> &PromptPairs {
        &self.0
    }
}

/// A word and its token inside a text.
type Word = (&'static str, u32);

/// The words that are single tokens, and templates that then have one length.
struct Words {
    names: Vec<Word>,
    places: Vec<Word>,
    objects: Vec<Word>,
    templates: Vec<&'static str>,
}

impl Words {
    fn of(tokenizer: &Tokenizer, corruption: Corruption) -> Result<Self> {
        let names = match corruption {
            Corruption::SwapNames | Corruption::OtherRepeated => 2,
            Corruption::ThirdName => 3,
            Corruption::NewNames => 5,
        };
        let names = single(tokenizer, "names", "and", &NAMES, names)?;
        let places = single(tokenizer, "places", "the", &PLACES, 1)?;
        let objects = single(tokenizer, "objects", "the", &OBJECTS, 1)?;
        let words = Self { names, places, objects, templates: Vec::new() };
        let mut by_length: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for template in TEMPLATES {
            let name = words.names[0].0;
            if let Some(ids) = known(tokenizer, &fill(template, [name; 3], words.places[0].0, words.objects[0].0)) {
                by_length.entry(ids.len()).or_default().push(template);
            }
        }
        let templates = by_length.into_values().max_by_key(Vec::len);
        let none = || PatchError::Words { what: "templates", found: 0, all: TEMPLATES.len(), needed: 1 };
        Ok(Self { templates: templates.ok_or_else(none)?, ..words })
    }

    fn draw(&self, corruption: Corruption, count: usize, seed: u64) -> PromptPairs {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut prompts = PromptPairs::default();
        for nth in 0..count {
            let names: Vec<&Word> = self.names.choose_multiple(&mut rng, 5).collect();
            let drawn = (self.templates.choose(&mut rng), self.places.choose(&mut rng), self.objects.choose(&mut rng));
            let ([(answer, answer_id), (wrong, wrong_id), others @ ..], (Some(template), Some(place), Some(object))) =
                (&names[..], drawn)
            else {
                continue;
            };
            let other = |at: usize| others.get(at).map_or(*answer, |(name, _)| *name);
            let (first, second) = if nth % 2 == 0 { (*answer, *wrong) } else { (*wrong, *answer) };
            let corrupt = match corruption {
                Corruption::SwapNames => [second, first, *answer],
                Corruption::OtherRepeated => [first, second, *answer],
                Corruption::ThirdName => [first, second, other(0)],
                Corruption::NewNames => [other(0), other(1), other(2)],
            };
            prompts.pairs.push(PromptPair {
                clean: fill(template, [first, second, *wrong], place.0, object.0),
                corrupt: fill(template, corrupt, place.0, object.0),
                answer: answer.to_string(),
                wrong: wrong.to_string(),
            });
            prompts.answers.push(*answer_id);
            prompts.wrong.push(*wrong_id);
        }
        prompts
    }
}

fn fill(template: &str, [first, second, again]: [&str; 3], place: &str, object: &str) -> String {
    let words = [("[A]", first), ("[B]", second), ("[S]", again), ("[PLACE]", place), ("[OBJECT]", object)];
    words.iter().fold(template.to_owned(), |text, (slot, word)| text.replace(slot, word))
}

/// The tokens of a text, if all are in the vocabulary.
fn known(tokenizer: &Tokenizer, text: &str) -> Option<Vec<u32>> {
    let ids = tokenizer.encode(text).ok()?.ids;
    let unknown = tokenizer.special_ids().unk;
    ids.iter().all(|&id| Some(id) != unknown).then_some(ids)
}

/// The words that add exactly one token, with the same string, to the text before them.
fn single(
    tokenizer: &Tokenizer,
    what: &'static str,
    before: &str,
    words: &[&'static str],
    needed: usize,
) -> Result<Vec<Word>> {
    let start = known(tokenizer, before).unwrap_or_default();
    let token = |word: &&'static str| {
        let ids = known(tokenizer, &format!("{before} {word}"))?;
        let [id] = *ids.strip_prefix(start.as_slice())? else { return None };
        tokenizer.token_text(id).trim().eq_ignore_ascii_case(word).then_some((*word, id))
    };
    let found: Vec<Word> = words.iter().filter_map(token).collect();
    match found.len() >= needed {
        true => Ok(found),
        false => Err(PatchError::Words { what, found: found.len(), all: words.len(), needed }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::PathBuf};

    /// A vocabulary of these whole words.
    fn word_level(words: &[&str]) -> Tokenizer {
        let vocab: BTreeMap<&str, usize> = words.iter().enumerate().map(|(id, word)| (*word, id)).collect();
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "?"},
        });
        Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap()
    }

    const SMALL: [&str; 20] = [
        "When", "and", "went", "came", "to", "the", ",", "gave", "passed", "Mary", "John", "Kate", "Paul", "Rose",
        "shop", "park", "bag", "ring", "?", ".",
    ];

    const ALL: [Corruption; 4] =
        [Corruption::SwapNames, Corruption::OtherRepeated, Corruption::ThirdName, Corruption::NewNames];

    fn claims(tokenizer: &Tokenizer, corruption: Corruption) {
        let words = Words::of(tokenizer, corruption).unwrap();
        let prompts = words.draw(corruption, 40, 7);
        assert_eq!(prompts, words.draw(corruption, 40, 7), "seeded");
        assert_ne!(prompts, words.draw(corruption, 40, 8));
        let ids = |text: &String| tokenizer.encode(text).unwrap().ids;
        let len = ids(&prompts.pairs[0].clean).len();
        for (nth, pair) in prompts.pairs.iter().enumerate() {
            let (clean, corrupt) = (ids(&pair.clean), ids(&pair.corrupt));
            assert_eq!((clean.len(), corrupt.len()), (len, len), "{pair:?}");
            let places = |name: &str, text: &str| text.matches(name).count();
            assert_eq!((places(&pair.answer, &pair.clean), places(&pair.wrong, &pair.clean)), (1, 2), "{pair:?}");
            let order = pair.clean.find(&pair.answer) < pair.clean.find(&pair.wrong);
            assert_eq!(order, nth % 2 == 0, "ABBA and BABA in turn");
            let in_corrupt = (places(&pair.answer, &pair.corrupt), places(&pair.wrong, &pair.corrupt));
            let changed = clean.iter().zip(&corrupt).filter(|(a, b)| a != b).count();
            let expected = match corruption {
                Corruption::SwapNames => ((2, 1), 3),
                Corruption::OtherRepeated => ((2, 1), 1),
                Corruption::ThirdName => ((1, 1), 1),
                Corruption::NewNames => ((0, 0), 3),
            };
            assert_eq!((in_corrupt, changed), expected, "{pair:?}");
            let said = ids(&format!("{} {}", pair.clean, pair.answer));
            assert_eq!(said, [clean, vec![prompts.answers[nth]]].concat(), "the answer is the next token");
            assert_eq!(tokenizer.token_text(prompts.wrong[nth]).trim(), pair.wrong);
        }
        assert!(prompts.pairs.iter().map(|pair| &pair.clean).collect::<BTreeSet<_>>().len() > 20);
    }

    #[test]
    fn prompts_of_a_small_vocabulary_keep_to_its_words_and_to_one_length() {
        let tokenizer = word_level(&SMALL);
        ALL.iter().for_each(|&corruption| claims(&tokenizer, corruption));
        let words = Words::of(&tokenizer, Corruption::NewNames).unwrap();
        assert_eq!((words.names.len(), words.places.len(), words.objects.len()), (5, 2, 2));
    }

    #[test]
    fn prompts_of_a_real_tokenizer_have_one_length() {
        let Some(root) = std::env::var_os("GLASSBOX_MODELS") else {
            println!("skipped: set GLASSBOX_MODELS to a folder that has smollm2-135m-instruct");
            return;
        };
        let tokenizer = Tokenizer::from_file(PathBuf::from(root).join("smollm2-135m-instruct/tokenizer.json")).unwrap();
        ALL.iter().for_each(|&corruption| claims(&tokenizer, corruption));
        let words = Words::of(&tokenizer, Corruption::NewNames).unwrap();
        let counts = [&words.names, &words.places, &words.objects].map(|words| words.len());
        println!("single tokens: names, places, objects {counts:?}; {} templates", words.templates.len());
        assert!(counts[0] >= 40 && counts[1] >= 15 && counts[2] >= 20 && words.templates.len() >= 4, "{counts:?}");
    }

    #[test]
    fn too_few_words_are_an_error_with_the_counts() {
        let error = |without: &[&str], corruption| {
            let words: Vec<&str> = SMALL.into_iter().filter(|word| !without.contains(word)).collect();
            Words::of(&word_level(&words), corruption).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let names = error(&["Rose"], Corruption::NewNames);
        assert!(names.contains("4 of 60 names") && names.contains("5"), "{names}");
        assert_eq!(error(&["Rose"], Corruption::ThirdName), "");
        let objects = error(&["bag", "ring"], Corruption::SwapNames);
        assert!(objects.contains("0 of 24 objects"), "{objects}");
    }
}
