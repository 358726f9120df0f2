//! NaN in the middle of a run: every reading says NaN, or an error that names the first site. Nothing looks like an answer.

use candle_core::{Device, Tensor};
use glassbox::{
    Result,
    circuits::{Composition, CompositionScores, Detector, FactoredMatrix, HeadType},
    fourier::Fourier,
    notebook::Show,
    patching::{Circuit, Metric, Patching},
    plot::{AttentionPattern, Heatmap, LensTable, LineChart, Series, Statistic},
    prelude::*,
    probe::{Features, Labels, Metrics, Score, SparseProbe},
};
use ndarray::{Array2, array};

const TEXT: &str = "red fox blue owl red fox blue";
const SITE: &str = "`blocks.0.hook_resid_post`";
const NAN: f32 = f32::NAN;

/// A model that has NaN at one position of a site.
fn broken(site: Site) -> Model {
    let nan = Tensor::full(NAN, (1, 1, 64), &Device::Cpu).unwrap();
    Model::open("induction-2l").unwrap().hooked([replace(site, nan).position(3)])
}

/// What a reading gave: numbers, of which none may look like an answer, or an error.
fn is_no_answer(name: &str, words: &[&str], given: Result<Vec<f32>>) {
    match given {
        Ok(values) => assert!(!values.is_empty() && values.iter().all(|value| value.is_nan()), "{name}: {values:?}"),
        Err(error) => {
            let said = error.to_string();
            assert!(words.iter().all(|word| said.contains(word)), "{name}: {said}");
            assert!(!said.contains('\n'), "{name}: {said}");
        }
    }
}

fn first<T>(values: Vec<T>, of: impl Fn(T) -> f32) -> Vec<f32> {
    values.into_iter().map(of).take(1).collect()
}

#[test]
fn no_reading_of_a_run_takes_nan_for_an_answer() -> Result<()> {
    let model = broken(Site::resid_post(0));
    let run = model.run(TEXT)?;
    let metric = |of: Result<Metric>| of?.of(&run);
    let end = Site::resid_post(1);
    let probed = run.cache().get(end)?.get(0)?.to_vec2::<f32>()?.concat();
    type Reading<'a> = (&'a str, Result<Vec<f32>>);
    let readings: Vec<Reading> = vec![
        ("predictions", run.predictions(-1, 3).map(|all| first(all, |one| one.probability))),
        ("next_tokens", run.next_tokens(-1, 3).map(|_| Vec::new())),
        ("probability", run.probability("owl", -1).map(|one| vec![one])),
        ("logit_diff", run.logit_diff("owl", "red", -1).map(|one| vec![one])),
        ("loss", run.loss().map(|one| vec![one as f32])),
        ("logit_lens", run.logit_lens().map(|_| Vec::new())),
        ("logit_lens_for", run.logit_lens_for("owl").map(|_| Vec::new())),
        ("rank", metric(Metric::rank(&model, "owl", 1))),
        ("metric logit", metric(Metric::logit(&model, "owl", 1))),
        ("metric logit_diff", metric(Metric::logit_diff(&model, "owl", "red", 1))),
        ("metric probability", metric(Metric::probability(&model, "owl", 1))),
        ("metric log_probability", metric(Metric::log_probability(&model, "owl", 1))),
        ("metric loss", metric(Metric::loss(&model, "owl", 1))),
        ("metric divergence", metric(Metric::kl_divergence(&run))),
        ("test_prompt", model.test_prompt(TEXT, "owl").map(|_| Vec::new())),
        ("generate", model.generate(TEXT)?.max_new_tokens(2).record("*").run().map(|_| Vec::new())),
        ("sample", model.generate(TEXT)?.temperature(1.0).record("*").run().map(|_| Vec::new())),
        ("strongest_induction", head_scores(&run).map(|scores| vec![scores.strongest_induction().2])),
        ("strongest_previous", head_scores(&run).map(|scores| vec![scores.strongest_previous_token().2])),
        ("detector", Detector::head_type(HeadType::Induction).scores(&run).map(|s| s.row(1).to_vec())),
        ("label_heads", label_heads(&model, 0).map(|_| Vec::new())),
        ("attribution", run.decompose(end)?.logit_attrs("owl", "red")?.top(1).map(|top| vec![top[0].1])),
        ("top_heads", run.decompose_heads(end)?.logit_attrs("owl", "red")?.top_heads(1).map(|top| vec![top[0].2])),
        ("features", Features::new(Array2::from_shape_vec((8, 64), probed).unwrap()).map(|_| Vec::new())),
    ];
    for (name, given) in readings {
        // What records by itself, or is given plain numbers, has no cache to look through.
        let words: &[&str] = match name {
            "features" => &["not finite", "NaN"],
            "label_heads" => &["not a finite number", "blocks.1.attn.hook_pattern"],
            _ => &["not a finite number", SITE, "pos 3"],
        };
        is_no_answer(name, words, given);
    }
    let unrecorded = model.pass(TEXT)?.run()?.predictions(-1, 1).unwrap_err().to_string();
    assert!(unrecorded.contains("nothing was recorded"), "{unrecorded}");
    assert!(run.plain().contains("not a finite number") && !run.plain().contains("next token"), "{}", run.plain());
    Ok(())
}

#[test]
fn no_table_of_patching_puts_nan_behind_a_number() -> Result<()> {
    let model = broken(Site::embed());
    let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    let patching = Patching::new(&model, clean, corrupt, metric)?;
    let map = patching.resid_pre()?;
    let statistics = map.statistics(&[0, 0], 0).unwrap();
    let agreement = map.agreement(&patching.attribution()?.resid_pre()?)?;
    let circuit = Circuit::new(&model, [("embed", "a0.h0"), ("a0.h0", "a1.h0.k"), ("a1.h0", "logits")]);
    let pairs = PromptPairs::new(&model, [(clean, corrupt, "blue", "tree")]);
    let readings = [
        ("clean", Ok(patching.clean_metric().to_vec())),
        ("strongest", Ok(vec![map.strongest().1])),
        ("top", Ok(map.top(3).into_iter().map(|(_, value)| value).collect())),
        ("statistics", Ok(vec![statistics.mean, statistics.standard_error, statistics.p_value, statistics.interval.0])),
        ("correlation", Ok(vec![agreement.correlation(), agreement.rank_correlation()])),
        ("heads", patching.heads(HeadPart::Out).map(|map| vec![map.strongest().1])),
        ("faithfulness", circuit.and_then(|circuit| patching.faithfulness(&circuit)).map(|one| vec![one])),
        ("edges", patching.edge_attribution().map(|scores| vec![scores.top(1)[0].score])),
        ("path", patching.path("a0.h0", "logits").map(|effect| vec![effect.recovered()])),
        ("accuracy", pairs.and_then(|pairs| pairs.accuracy(&model)).map(|one| vec![one as f32])),
    ];
    for (name, given) in readings {
        is_no_answer(name, &["NaN"], given);
    }
    Ok(())
}

#[test]
fn no_measure_of_plain_numbers_takes_nan_for_an_answer() -> Result<()> {
    let row = Tensor::new(&[[1f32, NAN], [0.0, 2.0]], &Device::Cpu)?;
    let waves = Tensor::full(NAN, (7, 3), &Device::Cpu)?;
    let one_wave = Tensor::cat(&[Tensor::full(NAN, (1, 3), &Device::Cpu)?, Tensor::zeros_like(&waves)?], 0)?;
    let fourier = Fourier::new(7)?;
    let matrix = FactoredMatrix::new(&row, &row)?;
    let labels = Labels::new([true, false]);
    let composition: CompositionScores = {
        let mut scores = composition_scores(&Model::open("induction-2l")?, Composition::K)?;
        scores.scores[[0, 1, 1, 2]] = -NAN;
        scores
    };
    let (writer, reader, score) = composition.strongest();
    assert_eq!((writer, reader, score.is_nan()), ((0, 1), (1, 2), true));
    let readings = [
        ("spectrum", fourier.spectrum(&waves).map(|_| Vec::new())),
        ("spectrum of a column", fourier.spectrum(&one_wave).map(|_| Vec::new())),
        ("neurons", fourier.neurons(&Tensor::full(NAN, (7, 7, 2), &Device::Cpu)?).map(|_| Vec::new())),
        ("svd", matrix.svd().map(|_| Vec::new())),
        ("eigenvalues", matrix.eigenvalues().map(|_| Vec::new())),
        ("auc", Metrics::from_scores(&[0.5, f64::NAN], &labels).map(|m| vec![m.get(Score::RocAuc) as f32])),
        (
            "probe",
            Features::new(array![[NAN], [1.0]]).and_then(|x| SparseProbe::params().fit(&x, &labels)).map(|_| vec![0.0]),
        ),
    ];
    for (name, given) in readings {
        is_no_answer(name, &["NaN"], given);
    }
    Ok(())
}

#[test]
fn pictures_of_nan_say_so() -> Result<()> {
    let heat = Heatmap::new(Array2::from_elem((2, 2), NAN)).draw()?;
    assert!(heat.to_svg().contains("No value is a number"));
    let attention = AttentionPattern::new(Array2::from_elem((3, 3), NAN), ["a", "b", "c"]).draw()?;
    assert!(attention.to_svg().contains("not a number"));
    let line = LineChart::new().add(Series::new("a", [NAN, NAN])).draw().unwrap_err().to_string();
    assert!(line.contains("no line has a finite value"), "{line}");
    let cell = vec![("a".to_owned(), NAN)];
    for statistic in [Statistic::Probability, Statistic::Entropy, Statistic::Divergence, Statistic::Rank] {
        let table = LensTable::new(Array2::from_elem((1, 2), cell.clone()), ["a", "b"]);
        let table = table.statistic(statistic, array![[NAN, 1.0]]).draw()?;
        assert!(table.to_svg().contains("not a number"), "{statistic:?}");
    }
    Ok(())
}
