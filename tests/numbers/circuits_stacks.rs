//! Scores of heads in either stack of an encoder-decoder, and of its cross attention.

use crate::{
    decompose_stacks::{T5, error_of, model_and_run},
    reference::open,
};
use candle_core::IndexOp;
use glassbox::{
    circuits::{
        Detector, HeadType, composition_scores, copying_scores, head_scores, matching_scores, prefix_matching_scores,
    },
    hook::Site,
    prelude::{Composition, label_heads},
    weights::WeightViews,
};

#[test]
fn scores_of_weights_are_those_of_the_chosen_attention() {
    for name in T5 {
        let weights = open(name).weights();
        let (encoder, decoder) = (weights.encoder().unwrap(), weights.decoder().unwrap());
        let across = weights.cross_attention().unwrap();
        let share = |heads: &WeightViews, which: &str, head: usize| {
            let keys = if which == "across" { encoder.w_e() } else { heads.w_e() }.unwrap();
            let ov = heads.ov(0).unwrap().get(head).unwrap();
            let copies = ov.rmatmul(&keys).unwrap().matmul(heads.w_u().unwrap()).unwrap();
            let qk = heads.qk(0).unwrap().get(head).unwrap();
            let matches = qk.rmatmul(heads.w_e().unwrap()).unwrap().matmul(keys.t().unwrap()).unwrap();
            [copies, matches].map(|whole| whole.eigenvalues().unwrap().positive_share()[[]])
        };
        for (heads, which) in [(&decoder, "own"), (&across, "across")] {
            let (copying, matching) = (copying_scores(heads).unwrap(), matching_scores(heads).unwrap());
            for head in 0..4 {
                let [copies, matches] = share(heads, which, head);
                assert!((copying[[0, head]] - copies).abs() < 1e-3, "{name} {which} {head}");
                assert!((matching[[0, head]] - matches).abs() < 1e-3, "{name} {which} {head}");
            }
        }
        assert_eq!(
            matching_scores(&encoder).unwrap().dim().0,
            open(name).config().stack(glassbox::hook::Stack::Encoder).unwrap().n_layers
        );
        let scores = composition_scores(&decoder, Composition::K).unwrap().scores;
        let (ov, qk) = (decoder.ov(0).unwrap().get(1).unwrap(), decoder.qk(1).unwrap().get(2).unwrap());
        let norm = |matrix: candle_core::Tensor| {
            matrix.sqr().unwrap().sum_all().unwrap().sqrt().unwrap().to_scalar::<f32>().unwrap()
        };
        let (ov, kq) = (ov.ab().unwrap(), qk.ab().unwrap().t().unwrap().contiguous().unwrap());
        let by_hand = norm(ov.matmul(&kq).unwrap()) / (norm(ov) * norm(kq));
        assert!((scores[[0, 1, 1, 2]] - by_hand).abs() < 1e-4, "{name}");
        assert!(composition_scores(&across, Composition::Q).is_ok());
        for (error, words) in [
            (error_of(copying_scores(open(name))), "choose one"),
            (error_of(copying_scores(&encoder)), "weights().cross_attention()?"),
            (error_of(composition_scores(&across, Composition::V)), "the encoder's output"),
            (error_of(prefix_matching_scores(&across, (0, 0))), "the encoder's output"),
            (error_of(prefix_matching_scores(&decoder, (7, 0))), "no head L7H0"),
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
}

#[test]
fn habits_are_looked_for_in_the_chosen_stack() {
    let (model, run) = model_and_run(T5[0]);
    let habit = || Detector::head_type(HeadType::PreviousToken);
    for (scores, site, texts) in [
        (habit().in_encoder().scores(&run), Site::pattern(1).in_encoder(), run.cache().source().unwrap()),
        (habit().in_decoder().scores(&run), Site::pattern(1).in_decoder(), run.tokens()),
    ] {
        let (pattern, mut sum, mut count) = (run.cache().get(site).unwrap(), 0.0, 0.0);
        for text in 0..2 {
            for query in texts.real(text).skip(1) {
                sum += pattern.i((text, 2, query, query - 1)).unwrap().to_scalar::<f32>().unwrap();
                count += 1.0;
            }
        }
        assert!((scores.unwrap()[[1, 2]] - sum / count).abs() < 1e-5, "{site}");
    }
    for error in [error_of(head_scores(&run)), error_of(label_heads(&model, 0))] {
        assert!(error.contains(".in_encoder() or .in_decoder()"), "{error}");
    }
    let one = model_and_run("families/bert").1;
    for error in [error_of(habit().in_decoder().scores(&one)), error_of(habit().in_encoder().scores(&one))] {
        assert!(error.contains("its blocks are named `blocks`"), "{error}");
    }
}
