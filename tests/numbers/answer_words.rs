//! One rule for the space before an answer, in every method that takes one.

use crate::reference::external;
use glassbox::{
    Model,
    model::{AnswerWord, ToTokenIds, exactly},
    patching::Metric,
    prelude::*,
};

const FRANCE: &str = "The capital of France is";
/// Texts that end where no space is put before a word.
const BARE: [&str; 4] = ["The capital of France is ", "The capital of France is:\n", "The city (", "name=\""];

fn smol() -> Option<Model> {
    let folder = external("GLASSBOX_MODELS", "smollm2-135m-instruct")?;
    Some(Model::open(folder.to_str().unwrap()).unwrap())
}

#[test]
fn a_word_is_read_as_the_text_goes_on_with_it_by_every_method() {
    let Some(model) = smol() else { return };
    let run = model.run(FRANCE).unwrap();
    let (paris, rome) = (model.to_single_token(" Paris").unwrap(), model.to_single_token(" Rome").unwrap());
    let expected = run.probability(paris, -1).unwrap();
    assert!(expected > 0.5, "{expected}");
    assert_eq!(run.probability("Paris", -1).unwrap(), expected);
    assert_eq!(run.probability(" Paris", -1).unwrap(), expected);
    assert!(run.probability(exactly("Paris"), -1).unwrap() < 0.01);
    let difference = run.logit_diff(paris, rome, -1).unwrap();
    assert_eq!(run.logit_diff("Paris", " Rome", -1).unwrap(), difference);
    assert_eq!(run.logit_lens_for("Paris").unwrap().watched(), " Paris");
    let test = model.test_prompt(FRANCE, "Paris").unwrap();
    assert_eq!((test.steps(0)[0].answer.id, test.answers()[0].spaced), (paris, true));
    let metric = Metric::logit_diff(&model, "Paris", ["Rome"], 1).unwrap();
    assert!((metric.of(&run).unwrap()[0] - difference).abs() < 1e-4);
    assert!((Metric::probability(&model, "Paris", 1).unwrap().of(&run).unwrap()[0] - expected).abs() < 1e-4);
    let stack = run.decompose(Site::resid_post(29)).unwrap().positions([-1]).unwrap();
    let (by_word, by_id) = (stack.logit_attrs("Paris", "Rome").unwrap(), stack.logit_attrs(paris, rome).unwrap());
    assert_eq!(by_word.at_last().unwrap(), by_id.at_last().unwrap());
    let italy = "The capital of Italy is";
    let pairs = PromptPairs::new(&model, [(FRANCE, italy, "Paris", "Rome")]).unwrap();
    assert_eq!((pairs.answers(), pairs.wrong()), (vec![paris], vec![rome]));
    assert_eq!(pairs.right_answers(&model).unwrap().right(), 2);
    let accuracy = model.accuracy([(FRANCE, "Paris", "Rome"), (italy, "Paris", "Rome")]).unwrap();
    assert_eq!((accuracy.right(), accuracy.n()), (1, 2));
    assert!(format!("{accuracy:?}").contains("1 of 2 prompts"), "{accuracy:?}");
    // Where there is no text, a word is within a sentence.
    assert_eq!("Paris".token_ids(&model, 1).unwrap(), [paris]);
}

#[test]
fn where_no_word_ends_an_answer_is_taken_as_written() {
    let Some(model) = smol() else { return };
    let bare = model.to_single_token("Paris").unwrap();
    for before in BARE {
        let run = model.run(before).unwrap();
        assert_eq!(run.probability("Paris", -1).unwrap(), run.probability(bare, -1).unwrap(), "{before:?}");
        let metric = Metric::logit(&model, "Paris", 1).unwrap().of(&run).unwrap()[0];
        assert_eq!(metric, Metric::logit(&model, bare, 1).unwrap().of(&run).unwrap()[0], "{before:?}");
        assert_eq!(model.test_prompt(before, "Paris").unwrap().steps(0)[0].answer.id, bare, "{before:?}");
    }
    let sum = model.run("2 + 2 =").unwrap();
    let four = model.to_single_token("4").unwrap();
    assert_eq!(sum.probability("4", -1).unwrap(), sum.probability(four, -1).unwrap(), "4");
    // Within the text, too: what follows its first word.
    let run = model.run(FRANCE).unwrap();
    let capital = model.to_single_token(" capital").unwrap();
    let the = run.tokens().position("The").unwrap();
    assert_eq!(run.probability("capital", the).unwrap(), run.probability(capital, the).unwrap());
}

#[test]
fn an_answer_that_is_no_single_token_is_refused_with_what_to_do() {
    let Some(model) = smol() else { return };
    let run = model.run("Two and two is").unwrap();
    let says = |answer: &str| run.probability(answer, -1).unwrap_err().to_string();
    assert!(says("4").contains("exactly(\"4\")"), "{}", says("4"));
    assert!(says("Schwarzenegger").contains("test_prompt"), "{}", says("Schwarzenegger"));
    let words = Model::open("induction-2l").unwrap().run("red fox").unwrap();
    let error = words.probability("owll", -1).unwrap_err().to_string();
    assert!(error.contains("`owl`"), "{error}");
}

#[test]
fn a_much_likelier_reading_is_mentioned() {
    let Some(model) = smol() else { return };
    let test = model.test_prompt(FRANCE, "Paris").unwrap();
    assert!(!format!("{test:?}").contains("likelier"), "{test:?}");
    // Where no space is put and one would be likelier, every form says so, unless the answer was meant exactly.
    let likelier = |shown: String| shown.contains("times likelier than \"Paris\"");
    let mut seen = 0;
    for before in BARE {
        let run = model.run(before).unwrap();
        let test = likelier(format!("{:?}", model.test_prompt(before, "Paris").unwrap()));
        assert_eq!(likelier(format!("{:?}", run.logit_lens_for("Paris").unwrap())), test, "{before:?}");
        assert!(!likelier(format!("{:?}", run.logit_lens_for(exactly("Paris")).unwrap())), "{before:?}");
        assert!(!likelier(format!("{:?}", model.test_prompt(before, exactly("Paris")).unwrap())), "{before:?}");
        seen += usize::from(test);
    }
    assert!(seen > 0);
}

#[test]
fn sentence_piece_words_have_their_space_and_the_first_of_a_text_too() {
    let Some(folder) = external("GLASSBOX_ASSETS", "models/stories260K") else { return };
    let model = Model::open(folder.to_str().unwrap()).unwrap();
    let run = model.run("Once upon a time, there was a little girl").unwrap();
    let prints = |word: &str, before: &str| {
        let test = model.test_prompt(before, word).unwrap();
        test.steps(0).iter().map(|step| step.answer.text.clone()).collect::<String>()
    };
    assert_eq!(prints("was", "Once upon a time, there"), " was");
    assert_eq!(prints("was", "Once upon a time, there "), "was");
    let was = model.to_single_token(" was").unwrap();
    let there = run.tokens().find(0, "there").unwrap().end as i64 - 1;
    assert_eq!(run.probability("was", there).unwrap(), run.probability(was, there).unwrap());
    assert!(run.probability("was", there).unwrap() > 0.5);
}

#[test]
fn an_encoder_reads_an_answer_after_what_stands_before_its_blank() {
    let Some(folder) = external("GLASSBOX_MODELS", "bert-tiny-splade") else { return };
    let model = Model::open(folder.to_str().unwrap()).unwrap();
    let run = model.run("the capital of france is [MASK].").unwrap();
    let paris = model.to_single_token("paris").unwrap();
    assert_eq!(run.probability("Paris", -3).unwrap(), run.probability(paris, -3).unwrap());
    assert_eq!(run.logit_diff("paris", "rome", -3).unwrap(), run.logit_diff(" paris", " rome", -3).unwrap());
}

#[test]
fn whole_words_and_single_characters_get_no_space() {
    let model = Model::open("induction-2l").unwrap();
    let run = model.run("red fox blue owl red fox blue").unwrap();
    let owl = model.to_single_token("owl").unwrap();
    let of = |answer: AnswerWord| run.probability(answer, -1).unwrap();
    assert_eq!([of("owl".into()), of(exactly("owl")), of(" owl".into())], [of(owl.into()); 3]);
    let lists = [
        ["owl", "fox"].token_ids(&model, 2).unwrap(),
        vec![exactly("owl"), exactly("fox")].token_ids(&model, 2).unwrap(),
    ];
    assert_eq!(lists[0], lists[1]);
}
