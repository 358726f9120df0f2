//! Pairs of prompts: made from hand-written ones and from templates, and what is wrong with some.

use glassbox::{
    Model,
    hook::Site,
    patching::{HeadPart, Metric, Patching, PromptPair, PromptPairs},
};

fn model() -> Model {
    Model::open("induction-2l").unwrap()
}

#[test]
fn a_template_is_filled_and_each_item_is_held_against_the_next() {
    let items = [("red", "fox"), ("blue", "owl"), ("sun", "ant")];
    let pairs = PromptPairs::from_template(&model(), "red fox blue owl sun ant [X]", &items).unwrap();
    let (answers, wrong): (Vec<_>, Vec<_>) = pairs.pairs().into_iter().map(|pair| (pair.answer, pair.wrong)).unzip();
    assert_eq!([answers, wrong], [["fox", "owl", "ant"], ["owl", "ant", "fox"]]);
    assert_eq!(pairs.pairs()[2].corrupt, "red fox blue owl sun ant red");
    let patching = pairs.patching(&model()).unwrap();
    assert!(patching.clean_metric().iter().all(|difference| *difference > 0.0), "{:?}", patching.clean_metric());
    assert!(patching.corrupt_metric().iter().all(|difference| *difference < 0.0));
    // Only the last token differs, so nothing else brings the answer back.
    let effect = patching.resid_pre().unwrap().normalized().unwrap();
    assert!((effect[[0, 7]] - 1.0).abs() < 1e-4 && effect[[0, 3]] == 0.0, "{effect}");
}

#[test]
fn pairs_that_do_not_fit_are_refused_with_the_reason() {
    let model = model();
    let one = |clean: &str, corrupt: &str, answer: &str| {
        let pair = PromptPair::from((clean, corrupt, answer, "owl"));
        PromptPairs::new(&model, [pair]).unwrap_err().to_string()
    };
    let template = |template: &str, items: &[(&str, &str)]| {
        PromptPairs::from_template(&model, template, items).unwrap_err().to_string()
    };
    for (error, words) in [
        (one("red fox", "red fox blue", "owl"), "<bos>|red|fox and <bos>|red|fox|blue"),
        (one("red fox", "red owl", "blue red"), "2 tokens (`blue`, `red`)"),
        (one("red fox", "red owl", "blues"), "`blues`"),
        (
            PromptPairs::new(&model, Vec::<PromptPair>::new()).unwrap_err().to_string(),
            "there are no prompts to compare",
        ),
        (template("red fox", &[("red", "fox")]), "no `[X]` to fill"),
        (template("red fox [X]", &[("red", "fox")]), "no other item with another answer has as many"),
        (template("red fox [X]", &[("red", "fox"), ("red red", "owl")]), "lengths: [4, 5]"),
    ] {
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_cache_without_what_is_needed_says_so() {
    let model = model();
    let run = model.pass("red fox blue").unwrap().record(Site::z(0)).run().unwrap();
    let error = run.decompose(Site::resid_post(1)).unwrap_err();
    assert!(error.is_not_recorded() && error.to_string().contains("hook_embed"), "{error}");
    assert!(glassbox::hook::patch(Site::z(1), run.cache()).unwrap_err().to_string().contains("`blocks.1.attn.hook_z`"));
    let error = run.logit_lens().unwrap_err();
    assert!(error.is_not_recorded(), "{error}");
}

#[test]
fn where_the_prompts_begin_alike_a_map_is_that_of_the_corrupt_prompt_to_the_last_bit() {
    let model = model();
    let metric = Metric::logit_diff(&model, "fox", "owl", 1).unwrap();
    let patching = Patching::new(&model, "red fox blue owl red", "red fox blue owl blue", metric).unwrap();
    let sweep = patching.heads_by_position(HeadPart::Value).unwrap();
    let values = sweep.values();
    for ((layer, position, head), value) in
        values.indexed_iter().map(|(at, value)| ((at[0], at[1], at[2]), value)).filter(|((_, at, _), _)| *at < 5)
    {
        assert_eq!(*value, patching.corrupt_metric()[0], "{layer} {position} {head}");
    }
    assert!((values[[0, 5, 0, 0]] - patching.corrupt_metric()[0]).abs() > 0.0);
}
