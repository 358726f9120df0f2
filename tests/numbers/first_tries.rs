//! Forms that people typed at their first try.

use candle_core::Tensor;
use glassbox::{
    circuits::head_scores,
    patching::{Metric, Patching},
    plot::tabs,
    prelude::*,
};

const TEXT: &str = "red fox blue owl red fox blue";

fn model() -> Model {
    Model::open("induction-2l").unwrap()
}

#[test]
fn one_text_of_a_batch_is_as_if_it_had_run_alone() {
    let (model, texts) = (model(), ["red fox blue red fox", "owl cat dog owl cat"]);
    let all = |text: &[&str]| model.pass(text).unwrap().record(model.sites()).run().unwrap();
    let (both, alone) = (all(&texts), all(&texts[1..]));
    for which in [1, -1] {
        let one = both.text(which).unwrap();
        assert_eq!(one.tokens().ids(0), alone.tokens().ids(0));
        for site in model.sites() {
            let (got, expected) = (one.cache().get(site).unwrap(), alone.cache().get(site).unwrap());
            assert_eq!(got.dims(), expected.dims(), "{site}");
            let difference = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>();
            let Ok(values) = difference(&got) else { continue };
            let differs = values.iter().zip(difference(&expected).unwrap()).any(|(a, b)| (a - b).abs() > 1e-4);
            assert!(!differs, "{site}");
        }
        assert_eq!(one.predictions(-1, 1).unwrap()[0].text, alone.predictions(-1, 1).unwrap()[0].text);
    }
    assert!(both.text(2).unwrap_err().is_out_of_range());
}

#[test]
fn a_picture_of_one_text_of_several_says_so() {
    let model = model();
    let (several, one) = (model.run(["red fox blue red", "owl cat dog owl"]).unwrap(), model.run("red fox").unwrap());
    let pictures = |run: &Run| {
        [
            run.attention(1).unwrap(),
            run.attention_head(1, 0).unwrap(),
            run.attention_from(1, 0, -1).unwrap(),
            run.logit_lens().unwrap().figure().unwrap(),
            run.surprise().unwrap(),
        ]
    };
    for figure in pictures(&several) {
        assert!(figure.to_svg().contains("text 0 of 2"), "{}", figure.to_svg());
    }
    assert!(pictures(&one).iter().all(|figure| !figure.to_svg().contains("text 0")));
}

#[test]
fn whatever_is_one_figure_is_drawn_and_saved_by_itself() {
    let (model, folder) = (model(), std::env::temp_dir().join(format!("glassbox-first-tries-{}", std::process::id())));
    std::fs::create_dir_all(&folder).unwrap();
    let metric = Metric::logit_diff(&model, "blue", "tree", 1);
    let patching = Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric);
    let sweep = patching.unwrap().resid_pre().unwrap();
    let run = model.run(TEXT).unwrap();
    sweep.save(folder.join("sweep.svg")).unwrap();
    run.logit_lens().save(folder.join("lens.svg")).unwrap();
    head_scores(&run).unwrap().save(folder.join("heads.svg")).unwrap();
    for name in ["sweep", "lens", "heads"] {
        assert!(std::fs::read_to_string(folder.join(name).with_extension("svg")).unwrap().starts_with("<svg"));
    }
    assert!(sweep.draw().unwrap().to_svg().contains("logit difference"));
    tabs((("attention", run.attention(1)), ("lens", run.logit_lens()))).save(folder.join("tabs.svg")).unwrap();
    let none: Option<glassbox::plot::Figure> = None;
    assert!(none.draw().unwrap_err().to_string().contains("None"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_error_in_a_metric_is_the_experiments_error() {
    let model = model();
    let error = |metric| Patching::unpatched(&model, TEXT, metric).unwrap_err().to_string();
    assert!(error(Metric::logit_diff(&model, "blau", "tree", 1)).contains("blau"));
    let metric = Metric::logit(&model, "owl", 1).unwrap();
    let by_reference = Patching::unpatched(&model, TEXT, &metric).unwrap();
    assert_eq!(by_reference.clean_metric(), Patching::unpatched(&model, TEXT, metric).unwrap().clean_metric());
}

#[test]
fn pairs_of_answers_are_lent_and_kept() {
    let run = model().run(["red fox blue owl red fox blue", "owl fox owl"]).unwrap();
    let answers = vec![("owl", "red"), ("fox", "owl")];
    let lent = run.logit_diffs(&answers, -1).unwrap();
    assert_eq!(lent, run.logit_diffs(answers, -1).unwrap());
}

#[test]
fn a_tensor_of_ids_is_text() {
    let ids = model().tokens("red fox").unwrap().to_tensor().unwrap();
    assert_eq!(
        model().to_string(ids.i(0).unwrap()).unwrap(),
        model().to_string(model().tokens("red fox").unwrap()).unwrap()
    );
    assert!(model().to_string(&ids).unwrap_err().to_string().contains("take one row"));
}

#[test]
fn a_prompt_with_one_answer_twice_is_refused() {
    let asked = [("red fox blue owl red fox", "blue", "owl"), ("red fox blue owl red fox", "owl", "owl")];
    let error = model().accuracy(asked).unwrap_err().to_string();
    assert!(error.contains("both as its right and as its wrong answer"), "{error}");
}

#[test]
fn the_text_of_a_line_chart_has_its_highest_and_lowest_point() {
    let values: Vec<f32> = (0..100)
        .map(|x| {
            if x == 37 {
                9.5
            } else if x == 73 {
                -9.25
            } else {
                0.5
            }
        })
        .collect();
    let said = glassbox::notebook::Show::plain(&LineChart::new().add(Series::new("spikes", values)));
    assert!(said.contains("37: 9.5") && said.contains("73: -9.25"), "{said}");
}
