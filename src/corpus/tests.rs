//! Tests of the grammar as a whole.

use super::*;
use std::collections::{BTreeMap, HashMap, HashSet};

fn text_of(sentences: impl IntoIterator<Item = Sentence>) -> Vec<String> {
    sentences.into_iter().map(|sentence| sentence.text()).collect()
}

#[test]
fn the_same_seed_says_the_same() {
    assert_eq!(text_of(grammar(3).take(50)), text_of(grammar(3).take(50)));
    assert_ne!(text_of(grammar(3).take(50)), text_of(grammar(4).take(50)));
}

#[test]
fn no_sentence_has_two_derivations() {
    let mut seen: HashMap<String, Sentence> = HashMap::new();
    let mut again = 0;
    for sentence in grammar(5).take(100_000) {
        if let Some(before) = seen.insert(sentence.text(), sentence.clone()) {
            again += 1;
            assert!((before.nats - sentence.nats).abs() < 1e-9, "{}", sentence.text());
            assert_eq!((before.kind, before.words), (sentence.kind, sentence.words));
        }
    }
    assert!(again > 1000, "{again}");
}

#[test]
fn a_sentence_comes_as_often_as_its_surprise_says() {
    let count = 200_000;
    let mut seen: HashMap<String, (usize, f64)> = HashMap::new();
    for sentence in grammar(6).take(count) {
        seen.entry(sentence.text()).or_insert((0, sentence.nats)).0 += 1;
    }
    // Texts expected more than forty times: a wrong probability would shift their total by many standard deviations.
    let often: Vec<(usize, f64)> = seen
        .into_values()
        .map(|(found, nats)| (found, count as f64 * (-nats).exp()))
        .filter(|it| it.1 > 40.0)
        .collect();
    let (found, expected): (Vec<f64>, Vec<f64>) =
        often.iter().map(|&(found, expected)| (found as f64, expected)).unzip();
    let (found, expected) = (found.iter().sum::<f64>(), expected.iter().sum::<f64>());
    assert!(often.len() > 100 && (found / expected - 1.0).abs() < 0.03, "{} texts: {found} of {expected}", often.len());
}

#[test]
fn heads_make_one_tree_and_depth_counts_its_steps() {
    for sentence in grammar(7).take(5000) {
        let text = sentence.text();
        let roots = sentence.words.iter().filter(|word| word.head.is_none()).count();
        assert_eq!(roots, 1, "{text}");
        for word in &sentence.words {
            match word.head {
                None => assert_eq!(word.depth, 0, "{text}"),
                Some(head) => assert_eq!(word.depth, sentence.words[head].depth + 1, "{text}: {}", word.text),
            }
        }
    }
}

#[test]
fn verbs_have_subjects_of_their_number() {
    for sentence in grammar(8).take(5000) {
        for word in sentence.words.iter().filter(|word| word.tense.is_some()) {
            let subject = &sentence.words[word.subject.unwrap()];
            let coordinated = sentence.kind == Kind::Giving;
            assert!(coordinated || word.number.is_none_or(|it| Some(it) == subject.number), "{}", sentence.text());
        }
    }
}

#[test]
fn every_word_form_has_its_number_everywhere() {
    let mut numbers: BTreeMap<(String, PartOfSpeech), HashSet<Option<GrammaticalNumber>>> = BTreeMap::new();
    for word in grammar(9).take(20_000).flat_map(|sentence| sentence.words) {
        if word.part == PartOfSpeech::Noun || word.part == PartOfSpeech::Auxiliary {
            numbers.entry((word.text.to_lowercase(), word.part)).or_default().insert(word.number);
        }
    }
    for (word, numbers) in numbers {
        assert_eq!(numbers.len(), 1, "{word:?}: {numbers:?}");
    }
}

#[test]
fn an_article_fits_the_word_after_it() {
    for sentence in grammar(10).take(5000) {
        for two in sentence.words.windows(2) {
            let vowel = two[1].text.starts_with(['a', 'e', 'i', 'o', 'u']);
            assert!(two[0].text != "a" || !vowel, "{}", sentence.text());
            assert!(two[0].text != "an" || vowel, "{}", sentence.text());
        }
    }
}

/// Returns the names of a giving sentence, the subject and the first noun beside it, or the judged fact.
fn kept(sentence: &Sentence) -> Option<Vec<String>> {
    let texts = |parts: &[PartOfSpeech], n: usize| {
        let words = sentence.words.iter().filter(|word| parts.contains(&word.part) && word.text != "The");
        let mut texts: Vec<String> = words.take(n).map(|word| word.text.clone()).collect();
        texts.sort();
        texts
    };
    match sentence.kind {
        Kind::Giving => Some(texts(&[PartOfSpeech::ProperNoun], 2)),
        Kind::Agreement { attractors: 1.. } | Kind::SubjectRelative | Kind::ObjectRelative => {
            Some(texts(&[PartOfSpeech::Noun], 2))
        }
        Kind::Judgement(relation) => {
            let about = sentence.words.iter().position(|word| word.part == PartOfSpeech::Punctuation)? - 1;
            let facts = facts();
            let named = |word: &&Word| facts.iter().any(|fact| fact.subject == word.text);
            let subject = sentence.words[..about].iter().find(named)?;
            Some(vec![format!("{relation:?} {}", sentence.words[about - 1].text), subject.text.clone()])
        }
        _ => None,
    }
}

#[test]
fn what_is_held_out_never_comes_in_training() {
    let held: HashSet<_> = Grammar::new(Partition::HeldOut, 11).take(20_000).filter_map(|it| kept(&it)).collect();
    let trained: HashSet<_> = Grammar::new(Partition::Training, 12).take(100_000).filter_map(|it| kept(&it)).collect();
    assert!(held.len() > 100 && trained.len() > 1000, "{} {}", held.len(), trained.len());
    assert!(held.is_disjoint(&trained), "{:?}", held.intersection(&trained).next());
}

#[test]
fn a_judgement_is_true_as_often_as_false_and_says_so() {
    let judged: Vec<Sentence> =
        grammar(13).filter(|sentence| matches!(sentence.kind, Kind::Judgement(_))).take(2000).collect();
    let so = judged.iter().filter(|sentence| sentence.truth == Some(true)).count();
    assert!((900..1100).contains(&so), "{so}");
    let known: HashSet<String> = grammar(14)
        .filter(|sentence| matches!(sentence.kind, Kind::Statement(_)))
        .take(5000)
        .map(|sentence| sentence.text().replace('.', ":"))
        .collect();
    for sentence in judged {
        let said = sentence.text_before(sentence.words.len() - 2);
        assert_eq!(known.contains(&said), sentence.truth == Some(true), "{}", sentence.text());
    }
}

#[test]
fn the_two_prompts_of_a_pair_differ_in_one_word_and_all_are_of_one_length() {
    let contrasts = [
        Contrast::Agreement { attractors: 1 },
        Contrast::Agreement { attractors: 2 },
        Contrast::RelativeClause,
        Contrast::Reflexive,
        Contrast::IndirectObject,
        Contrast::Truth(Relation::Capital, Wording::Plain),
        Contrast::Truth(Relation::Colour, Wording::Plain),
        Contrast::Truth(Relation::Category, Wording::Plain),
        Contrast::Truth(Relation::Owner, Wording::Plain),
        Contrast::Truth(Relation::Owner, Wording::Other),
    ];
    for contrast in contrasts {
        for material in [Partition::Training, Partition::HeldOut] {
            let pairs = pairs(contrast, material, 60, 15).unwrap();
            let words = |text: &String| text.split(' ').map(String::from).collect::<Vec<_>>();
            let len = words(&pairs[0].clean).len();
            for pair in &pairs {
                let (clean, corrupt) = (words(&pair.clean), words(&pair.corrupt));
                assert_eq!((clean.len(), corrupt.len()), (len, len), "{pair:?}");
                assert_eq!(clean.iter().zip(&corrupt).filter(|(a, b)| a != b).count(), 1, "{pair:?}");
                assert_ne!(pair.answer, pair.wrong);
            }
        }
    }
}

#[test]
fn a_pair_is_how_sentences_of_the_grammar_begin() {
    let sentences: HashSet<String> = grammar(16)
        .filter(|sentence| matches!(sentence.kind, Kind::Judgement(Relation::Category)))
        .take(20_000)
        .map(|sentence| sentence.text())
        .collect();
    for pair in pairs(Contrast::Truth(Relation::Category, Wording::Plain), Partition::All, 40, 17).unwrap() {
        assert!(sentences.contains(&format!("{} {}.", pair.clean, pair.answer)), "{pair:?}");
        assert!(sentences.contains(&format!("{} {}.", pair.corrupt, pair.wrong)), "{pair:?}");
    }
}

#[test]
fn more_attractors_than_the_grammar_has_are_an_error_with_both_counts() {
    let error = pairs(Contrast::Agreement { attractors: 5 }, Partition::HeldOut, 1, 0).unwrap_err().to_string();
    assert!(error.contains("at most 2") && error.contains("5 were asked for"), "{error}");
}
