//! What a generation refuses it refuses before the first token, and texts that outgrow LongRoPE's first angles go on.

use crate::reference::{difference, open};
use candle_core::{DType, Device, IndexOp, Tensor};
use glassbox::{Model, generate::Generation, hook::Intervention, prelude::*};

/// Texts of more than 16 tokens turn by other angles.
fn phi() -> Model {
    open("families/phi3-longrope-short")
}

fn text(len: usize) -> Vec<u32> {
    (0..len as u32).map(|at| 4 + (at * 7) % 40).collect()
}

/// The sentence of a generation that says no token before it is refused.
fn refused(generation: Generation) -> String {
    let mut heard = 0;
    let error = generation.stream(|_| heard += 1).unwrap_err();
    assert_eq!(heard, 0, "tokens were lost: {error}");
    error.to_string()
}

#[test]
fn a_text_that_outgrows_its_first_angles_goes_on_as_one_that_is_read_whole_at_every_step() {
    for len in [8, 13, 14, 15, 16, 17, 20] {
        let kept = phi().generate(text(len)).unwrap().max_new_tokens(7).end_tokens([]).keep_logits();
        let (kept, anew) = (kept.run().unwrap(), kept.without_kv_cache().run().unwrap());
        assert!(difference(&kept.logits().unwrap(), &anew.logits().unwrap()) < 1e-4, "{len}");
        assert_eq!(kept.new_ids(0), anew.new_ids(0), "{len}");
    }
    let prefix = phi().read(text(14)).unwrap().then([3u32, 9, 30]).unwrap().then([1u32]).unwrap();
    let kept = prefix.generate().max_new_tokens(3).end_tokens([]).run().unwrap();
    let whole = [text(14), vec![3, 9, 30, 1]].concat();
    let anew = phi().generate(whole).unwrap().max_new_tokens(3).end_tokens([]).without_kv_cache().run().unwrap();
    assert_eq!(kept.new_ids(0), anew.new_ids(0));
    let prefix = phi().hooked([zero(Site::z(0)).position(-1)]).read(text(14)).unwrap();
    let error = prefix.then([3u32, 9, 30]).unwrap_err().to_string();
    assert!(error.contains("with what is added") && error.contains("past 16 tokens"), "{error}");
}

#[test]
fn each_text_of_a_batch_turns_by_its_own_length() {
    let (long, short) = (text(20), text(5));
    let both = phi().forward([long.clone(), short.clone()]).unwrap();
    let first = both.i((0..1, ..20)).unwrap();
    let second = both.i((1..2, ..5)).unwrap();
    assert!(difference(&first, &phi().forward(long).unwrap()) < 1e-4);
    assert!(difference(&second, &phi().forward(short).unwrap()) < 1e-4);
}

#[test]
fn the_step_that_reads_a_text_anew_has_all_its_positions() {
    let said = phi().generate(text(14)).unwrap().max_new_tokens(5).end_tokens([]).record(Site::z(0)).run().unwrap();
    let positions = |step: usize| said.cache(step).unwrap().get(Site::z(0)).unwrap().dim(1).unwrap();
    assert_eq!([0, 1, 2, 3, 4].map(positions), [14, 1, 1, 17, 1]);
}

#[test]
fn what_can_be_done_again_is_done_again_and_nothing_else_is_begun() {
    let grows = || phi().generate(text(12)).unwrap().max_new_tokens(8).end_tokens([]);
    let everywhere = || grows().intervene([scale(Site::z(0), 0.5)]);
    let (kept, anew) = (everywhere().run().unwrap(), everywhere().without_kv_cache().run().unwrap());
    assert_eq!(kept.new_ids(0), anew.new_ids(0));
    let some: [fn(Generation) -> Generation; 4] = [
        |grows| grows.intervene([zero(Site::z(0)).position(-1)]),
        |grows| grows.intervene_during(2.., [zero(Site::z(0))]),
        |grows| grows.intervene([mean(Site::z(0))]),
        |grows| grows.intervene([edit(Site::z(0), |x: &Tensor| x * 2.0)]),
    ];
    for done in some {
        let sentence = refused(done(grows()));
        assert!(sentence.contains("at step 5") && sentence.contains("past 16 tokens"), "{sentence}");
        assert!(sentence.contains("without_kv_cache"), "{sentence}");
        done(grows()).without_kv_cache().run().unwrap();
        done(grows()).max_new_tokens(5).run().unwrap(); // ends before the angles change
    }
}

#[test]
fn what_would_fail_at_a_later_step_is_refused_before_the_first() {
    let model = open("gpt2-tiny");
    let text = || model.generate([5u32, 9, 30, 7]).unwrap().max_new_tokens(5);
    let pattern = |keys: usize| {
        let shape = (1, model.config().n_heads, 1, keys);
        replace(Site::pattern(0), Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap())
    };
    let during = |keys: usize| -> [Intervention; 1] { [pattern(keys)] };
    assert!(refused(text().intervene_during(1.., during(5))).contains("hook_pattern"));
    text().intervene_during(1..2, during(5)).run().unwrap();
    text().intervene_during(3..4, during(7)).run().unwrap(); // as many keys as there are then
    assert!(refused(text().intervene_during(3..4, during(5))).contains("hook_pattern"));
    assert!(refused(text().end_tokens([101])).contains("token id 101"));
    assert!(refused(text().end_tokens([u32::MAX])).contains("token id 4294967295"));
    assert!(refused(text().record_during(5.., Site::z(0))).contains("steps 0 to 4"));
    assert!(refused(model.generate(vec![5u32; 48]).unwrap()).contains("48"));
    // No step comes after the longest text: what would be done there is looked at no further.
    model.generate(vec![5u32; 47]).unwrap().max_new_tokens(usize::MAX).intervene([zero(Site::z(0))]).run().unwrap();
}
