//! Circuits held against TransformerLens, and against what the shipped model is known to do.

use crate::{
    factored::{array, close, same, turned},
    reference::{expected, external, open},
};
use candle_core::{DType, Tensor};
use glassbox::{
    circuits::{
        Detector, HeadType, Measure, Writes, compare_heads, copying_scores, full_ov, full_qk, matching_scores,
        ov_circuit, prefix_matching_scores, qk_circuit, repeated_random_tokens, svd_reading,
    },
    ndarray::{Array2, ArrayD},
    notebook::Show,
    prelude::*,
};

const CASES: [&str; 3] = ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny"];

/// Turns each column of `got` to the sign it has in `expected`.
fn signed_like(got: &Tensor, expected: &Tensor) -> Tensor {
    let axis = got.rank() - 2;
    let along = (got * expected).unwrap().sum_keepdim(axis).unwrap();
    let sign = along.ge(0f64).unwrap().to_dtype(DType::F32).unwrap().affine(2.0, -1.0).unwrap();
    got.broadcast_mul(&sign).unwrap()
}

#[test]
fn circuits_have_transformer_lens_singular_values_vectors_and_eigenvalues() {
    for name in CASES {
        let (model, expected) = (open(name), expected(name, "circuits.safetensors"));
        for (circuit, matrix) in [("QK", model.qk_all().unwrap()), ("OV", model.ov_all().unwrap())] {
            let expected = |what: &str| &expected[&format!("{circuit}.{what}")];
            let svd = matrix.svd().unwrap();
            close(&svd.s, expected("S"), 1e-4);
            close(&matrix.norm().unwrap(), expected("norm"), 1e-4);
            close(&signed_like(&svd.u, expected("U")), expected("U"), 1e-3);
            close(&signed_like(&svd.v, expected("V")), expected("V"), 1e-3);
            let collapsed = turned(&matrix.collapse_l().unwrap());
            let theirs = turned(expected("collapse_l"));
            close(&signed_like(&collapsed, &theirs), &theirs, 1e-3);
            close(&signed_like(&matrix.make_even().unwrap().a(), expected("even_a")), expected("even_a"), 1e-3);
            let values = matrix.eigenvalues().unwrap();
            let theirs = [expected("eigenvalues.real"), expected("eigenvalues.imag")].map(array);
            assert_eq!(values.re.shape(), theirs[0].shape());
            // In any order: each of theirs is near one of ours.
            let inner = matrix.inner();
            let pairs =
                |re: &ArrayD<f32>, im: &ArrayD<f32>| re.iter().copied().zip(im.iter().copied()).collect::<Vec<_>>();
            let (ours, theirs) = (pairs(&values.re, &values.im), pairs(&theirs[0], &theirs[1]));
            for (ours, theirs) in ours.chunks(inner).zip(theirs.chunks(inner)) {
                for (re, im) in theirs {
                    let near = ours.iter().map(|(a, b)| (a - re).hypot(b - im)).fold(f32::INFINITY, f32::min);
                    assert!(near < 1e-3, "{name} {circuit}: {near:e}");
                }
            }
        }
    }
}

#[test]
fn composition_scores_are_transformer_lens_s() {
    for name in CASES {
        let (model, expected) = (open(name), expected(name, "circuits.safetensors"));
        for composition in [Composition::Q, Composition::K, Composition::V] {
            let got = composition_scores(&model, composition).unwrap();
            same(&got.scores.clone().into_dyn(), &expected[&format!("composition.{composition:?}")], 1e-5);
            for ((from, _, to, _), score) in got.scores.indexed_iter() {
                assert_eq!(from < to, *score > 0.0);
            }
        }
    }
}

#[test]
fn singular_vectors_read_as_tokens_are_transformer_lens_s() {
    for name in CASES {
        let (model, expected) = (open(name), expected(name, "circuits.safetensors"));
        let (layer, head) = (model.config().n_layers - 1, model.config().n_heads - 1);
        let all = [
            ("OV", Writes::Head { layer, head }),
            ("w_in", Writes::MlpIn { layer }),
            ("w_out", Writes::MlpOut { layer }),
        ];
        for (kind, of) in all {
            let Some(expected) = expected.get(&format!("directions.{kind}")) else {
                assert!(model.config().attn_only);
                assert!(svd_reading(&model, of, 5).unwrap_err().to_string().contains("attention only"));
                continue;
            };
            let reading = svd_reading(&model, of, 5).unwrap();
            close(&signed_like(&reading.logits, expected), expected, 1e-3);
            // The ends of a direction are the largest and smallest logits.
            let first: Vec<f32> = reading.logits.narrow(1, 0, 1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            assert_eq!(reading.raised(0, 1)[0].1, first.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            assert_eq!(reading.lowered(0, 1)[0].1, first.iter().copied().fold(f32::INFINITY, f32::min));
            assert!(reading.raised(99, 1).is_empty());
            assert!(reading.figure().is_ok());
        }
    }
}

#[test]
fn detected_heads_have_transformer_lens_s_scores() {
    for name in CASES {
        let (model, expected) = (open(name), expected(name, "circuits.safetensors"));
        let tokens: Vec<u32> = crate::reference::token_ids(&expected);
        let run = model.run(&tokens).unwrap();
        let n = tokens.len();
        let mut given = Array2::from_diag_elem(n, 0.5);
        given.column_mut(0).mapv_inplace(|value| value + 0.5);
        let sought = [
            ("previous_token", Detector::head_type(HeadType::PreviousToken)),
            ("duplicate_token", Detector::head_type(HeadType::DuplicateToken)),
            ("induction", Detector::head_type(HeadType::Induction)),
            ("given", Detector::pattern(given)),
        ];
        let mut compared = 0;
        for (pattern, detector) in sought {
            for (measure, label, tolerance) in [(Measure::Mul, "mul", 1e-5), (Measure::Abs, "abs", 5.1e-4)] {
                let detector = detector.clone().measure(measure);
                let excluding = [
                    ("nothing", detector.clone()),
                    ("bos", detector.clone().exclude_bos()),
                    ("current", detector.clone().exclude_current_token()),
                    ("both", detector.clone().exclude_bos().exclude_current_token()),
                ];
                for (what, detector) in excluding {
                    let key = format!("detect.{pattern}.{label}.{what}");
                    // TransformerLens rounds the second measure to three digits.
                    same(&detector.scores(&run).unwrap().into_dyn(), &expected[&key], tolerance);
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, expected.keys().filter(|key| key.starts_with("detect.")).count());
    }
}

#[test]
fn a_detector_refuses_what_it_cannot_compare() {
    let model = Model::open("induction-2l").unwrap();
    let run = model.run("red fox blue").unwrap();
    let error = |detector: Detector| detector.scores(&run).unwrap_err().to_string();
    let wrong = error(Detector::pattern(Array2::zeros((3, 4))));
    assert!(wrong.contains("3 rows and 4 columns") && wrong.contains("4 tokens"), "{wrong}");
    let ahead = error(Detector::pattern(Array2::ones((4, 4))));
    let endless = error(Detector::pattern(Array2::from_elem((4, 4), f32::INFINITY)));
    assert!(endless.contains("holds inf in row 0, column 0"), "{endless}");
    assert!(ahead.contains("looks ahead") && ahead.contains("row 0") && ahead.contains("column 1"), "{ahead}");
    let absent = error(Detector::head_type(HeadType::Induction).heads([(2, 0)]));
    assert!(absent.contains("L2H0") && absent.contains("2 layers of 4 heads"), "{absent}");
    let few = model.pass("red fox").unwrap().record([Site::z(0)]).run().unwrap();
    assert!(Detector::head_type(HeadType::Induction).scores(&few).unwrap_err().is_not_recorded());
}

#[test]
fn scores_of_a_batch_are_those_of_its_texts_whatever_the_padding() {
    let model = Model::open("induction-2l").unwrap();
    let (long, short) = ("red fox blue owl red fox blue owl", "tree owl tree");
    let both = model.run([long, short]).unwrap();
    let alone = [long, short].map(|text| model.run(text).unwrap());
    for measure in [Measure::Fraction, Measure::Mul, Measure::Abs] {
        let detector = Detector::head_type(HeadType::DuplicateToken).measure(measure);
        let [a, b] = alone.each_ref().map(|run| detector.scores(run).unwrap());
        // What each text's score was divided by: queries with an earlier copy, all attention, all rows.
        let (wa, wb) = if measure == Measure::Fraction { (4.0, 1.0) } else { (9.0, 4.0) };
        let expected = (a * wa + b * wb) / (wa + wb);
        let got = detector.scores(&both).unwrap();
        assert!(got.iter().zip(&expected).all(|(got, expected)| (got - expected).abs() < 1e-5), "{measure:?}");
    }
}

#[test]
fn full_circuits_equal_their_parts_and_their_small_eigenvalues() {
    let model = Model::open("induction-2l").unwrap().processed(Processing::default()).unwrap();
    let weights = model.weights();
    let words = ["red", "fox", "blue"];
    let ids: Vec<u32> = words.iter().map(|word| model.to_single_token(word).unwrap()).collect();
    let (ov, qk) = (full_ov(&model, (1, 0)).unwrap(), full_qk(&model, (1, 0)).unwrap());
    let (said, sought) =
        (ov_circuit(&model, (1, 0), words, &ids).unwrap(), qk_circuit(&model, (1, 0), &ids, words).unwrap());
    let (ov_whole, qk_whole) = (ov.ab().unwrap(), qk.ab().unwrap());
    for (i, &from) in ids.iter().enumerate() {
        for (j, &to) in ids.iter().enumerate() {
            let entry =
                |t: &Tensor| t.get(from as usize).unwrap().get(to as usize).unwrap().to_scalar::<f32>().unwrap();
            assert!((said.values[[i, j]] - entry(&ov_whole)).abs() < 1e-4);
            assert!((sought.values[[i, j]] - entry(&qk_whole)).abs() < 1e-3);
        }
    }
    assert!(ov_circuit(&model, (2, 0), words, words).unwrap_err().is_out_of_range());
    assert!(ov_circuit(&model, (1, 0), Vec::<u32>::new(), words).is_err());
    for head in 0..4 {
        let share = full_ov(&model, (1, head)).unwrap().eigenvalues().unwrap().positive_share()[[]];
        assert!((copying_scores(&model).unwrap()[[1, head]] - share).abs() < 1e-3);
        let share = full_qk(&model, (1, head)).unwrap().eigenvalues().unwrap().positive_share()[[]];
        assert!((matching_scores(&model).unwrap()[[1, head]] - share).abs() < 1e-3);
        let brought = model.ov(0).unwrap().get(0).unwrap().t().unwrap();
        let embed = weights.w_e().unwrap();
        let through = model.qk(1).unwrap().get(head as i64).unwrap().matmul(&brought).unwrap();
        let through = through.rmatmul(&embed).unwrap().matmul(embed.t().unwrap()).unwrap();
        let share = through.eigenvalues().unwrap().positive_share()[[]];
        assert!((prefix_matching_scores(&model, (0, 0)).unwrap()[[1, head]] - share).abs() < 1e-3);
    }
}

#[test]
fn the_shipped_model_has_an_induction_circuit() {
    let model = Model::open("induction-2l").unwrap();
    for seed in 0..4 {
        let labels = label_heads(&model, seed).unwrap();
        assert_eq!(labels.head_type(0, 0), Some(HeadType::PreviousToken));
        assert_eq!(labels.head_type(1, 0), Some(HeadType::Induction));
        println!("{}", labels.plain());
    }
    let composition = composition_scores(&model, Composition::K).unwrap();
    let into = composition.read_by((1, 0)).unwrap();
    println!("K-composition into L1H0: {into:.4}; by chance {:.4}", composition.baseline);
    let (writer, reader, score) = composition.strongest();
    println!("strongest: {writer:?} to {reader:?}, {score:.4}");
    assert_eq!((writer, reader), ((0, 0), (1, 0)));
    assert!(into.row(1).iter().all(|score| score.is_nan()) && composition.readers_of((1, 0)).unwrap()[[1, 1]].is_nan());
    let others = (1..4).map(|head| into[[0, head]]).fold(0.0, f32::max);
    assert!(into[[0, 0]] > others && into[[0, 0]] > 2.0 * composition.baseline);

    let folded = model.processed(Processing::default()).unwrap();
    for mode in [Composition::Q, Composition::K, Composition::V] {
        let scores = composition_scores(&folded, mode).unwrap();
        println!("folded {mode} into L1H0: {:.4}", scores.read_by((1, 0)).unwrap());
    }
    let (copying, matching) = (copying_scores(&folded).unwrap(), prefix_matching_scores(&folded, (0, 0)).unwrap());
    println!("copying {copying:.3}\nprefix matching through L0H0 {matching:.3}");
    println!("matching {:.3}", matching_scores(&folded).unwrap());
    assert!(copying[[1, 0]] > 0.9 && matching[[1, 0]] > 0.9);

    // Whatever word the head looks at, it raises that word's logit most.
    let words: Vec<u32> = (1..374).collect();
    let circuit = ov_circuit(&folded, (1, 0), words.clone(), words).unwrap();
    let copied =
        circuit.values.rows().into_iter().enumerate().filter(|(row, values)| values.iter().all(|v| *v <= values[*row]));
    let copied = copied.count();
    println!("{copied} of 373 words are their own likeliest next word");
    assert!(copied > 350);
}

#[test]
fn a_model_of_the_world_has_heads_of_each_habit() {
    let Some(folder) = external("GLASSBOX_MODELS", "smollm2-135m-instruct") else { return };
    let labels = label_heads(&Model::open(folder.to_str().unwrap()).unwrap(), 0).unwrap();
    for habit in HeadType::ALL {
        println!("{habit}: {:?}", labels.heads(habit));
        assert!(labels.heads(habit)[0].2 > 0.6);
    }
    // Most heads have none of these habits, and a head that looks back one token comes before the induction heads.
    assert!(HeadType::ALL.iter().map(|habit| labels.heads(*habit).len()).sum::<usize>() < 270 / 4);
    let first = |habit| labels.heads(habit).iter().map(|head| head.0).min();
    assert!(first(HeadType::PreviousToken) < first(HeadType::Induction));
}

#[test]
fn random_tokens_are_different_repeated_and_seeded() {
    let model = Model::open("induction-2l").unwrap();
    let tokens = repeated_random_tokens(&model, 3, 10, 3, 7).unwrap();
    assert_eq!((tokens.batch(), tokens.len()), (3, 31));
    for text in 0..3 {
        let ids = tokens.ids(text);
        assert_eq!(ids[0], 0);
        assert!(ids[1..11] == ids[11..21] && ids[1..11] == ids[21..]);
        let mut part = ids[1..11].to_vec();
        part.sort();
        part.dedup();
        assert!(part.len() == 10 && !part.contains(&0));
    }
    assert_eq!(tokens, repeated_random_tokens(&model, 3, 10, 3, 7).unwrap());
    assert_ne!(tokens, repeated_random_tokens(&model, 3, 10, 3, 8).unwrap());
    let error = repeated_random_tokens(&model, 1, 50, 2, 0).unwrap_err().to_string();
    assert!(error.contains("50 random tokens, repeated 2 times, do not fit") && error.contains("up to 31"), "{error}");
    let error = repeated_random_tokens(&model, 1, 10, 50, 0).unwrap_err().to_string();
    assert!(error.contains("64"), "{error}");
    // A model without tokenizer has no beginning of text.
    assert_eq!(repeated_random_tokens(&open("gpt2-tiny"), 1, 5, 2, 0).unwrap().len(), 10);
}

#[test]
fn two_scores_of_the_heads_of_different_models_are_an_error() {
    let scores = [Array2::zeros((2, 4)), Array2::zeros((2, 3))];
    let error = compare_heads(("a", &scores[0]), ("b", &scores[1])).unwrap_err().to_string();
    assert!(error.contains("[2, 4]") && error.contains("[2, 3]"), "{error}");
}
