//! Runs that recorded some positions are read at those positions.

use crate::reference::{difference, open};
use candle_core::{Device, Tensor};
use glassbox::{
    Model, Result,
    circuits::{Detector, HeadType, head_scores},
    decompose::{LogitAttribution, ResidStack},
    hook::{Site, Sites},
    model::Run,
    notebook::Show,
    plot::Statistic,
    text::Padding,
};

const NAMES: [&str; 4] = ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny", "families/gemma2"];
const TEXTS: [[u32; 6]; 2] = [[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]];
const KEPT: [i64; 2] = [-1, 1];

/// A run that recorded all positions, and one that recorded two.
fn whole_and_some(model: &Model) -> (Run, Run) {
    let pass = || model.pass(TEXTS.map(|text| text.to_vec()).to_vec()).unwrap().record(Sites::All);
    (pass().run().unwrap(), pass().positions(KEPT).run().unwrap())
}

fn last(model: &Model) -> Site {
    Site::resid_post(model.config().n_layers - 1)
}

type Way = (&'static str, fn(&Run, Site) -> Result<ResidStack>);

const WAYS: [Way; 7] = [
    ("components", |run, site| run.decompose(site)),
    ("layers", |run, site| run.decompose_layers(site)),
    ("heads", |run, site| run.decompose_heads(site)),
    ("neurons", |run, site| run.decompose_neurons(site)),
    ("heads and MLPs", |run, site| run.decompose_heads_and_mlps(site)),
    ("fully", |run, site| run.decompose_fully(site)),
    ("streams", |run, site| run.accumulated_resid(site, true)),
];

fn same(a: &LogitAttribution, b: &LogitAttribution, what: &str) {
    assert!(difference(&a.values(), &b.values()) < 1e-5, "{what}");
    let apart = a.at_last().unwrap().iter().zip(b.at_last().unwrap()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-5, "{what}: {apart}");
}

#[test]
fn what_is_taken_apart_at_some_positions_is_the_whole_runs_there() {
    for name in NAMES {
        let model = open(name);
        let (whole, some) = whole_and_some(&model);
        for (way, apart) in WAYS {
            let what = format!("{name}, {way}");
            let (whole, some) = (apart(&whole, last(&model)).unwrap(), apart(&some, last(&model)).unwrap());
            let there = whole.positions(KEPT).unwrap();
            // A rest that is nothing but rounding has no size of its own.
            let sized = |stack: &ResidStack| stack.only(|label| !["bias", "remainder"].contains(&label));
            let sized = |stack: &ResidStack| sized(stack).unwrap_or_else(|_| stack.clone());
            let own = [&some, &there].map(|stack| sized(stack).recompute_ln());
            for [a, b] in [[&some, &there], own.each_ref()] {
                same(&a.logit_attrs(7, 42).unwrap(), &b.logit_attrs(7, 42).unwrap(), &what);
                let [a, b] = [a, b].map(|stack| stack.apply_ln(Site::unembed_in()).unwrap());
                assert!(difference(&a, &b) < 1e-5, "{what}");
            }
            // The last position is the last whichever comes last in the list.
            let at_last = |stack: &ResidStack| stack.logit_attrs(7, 42).unwrap().at_last().unwrap();
            let (got, expected) = (at_last(&some), at_last(&whole.positions([-1]).unwrap()));
            assert!(got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{what}");
            // Of those that were kept some can be chosen again, and no other.
            let one = some.positions([1]).unwrap();
            same(&one.logit_attrs(7, 42).unwrap(), &whole.positions([1]).unwrap().logit_attrs(7, 42).unwrap(), &what);
            let error = some.positions([0]).unwrap_err().to_string();
            assert!(error.contains("position 0") && error.contains("[5, 1]"), "{error}");
        }
    }
}

#[test]
fn every_picture_of_an_attribution_can_be_drawn_of_the_last_position_alone() {
    let model = Model::open("induction-2l").unwrap();
    let text = "red fox blue owl red fox blue";
    let some = model.pass(text).unwrap().record(Sites::All).positions([-1]).run().unwrap();
    let given = |run: &Run| run.decompose_heads(last(&model)).unwrap().logit_attrs("owl", "red").unwrap();
    let (some, whole) = (given(&some), given(&model.run(text).unwrap()));
    assert_eq!(some.top(3).unwrap()[0].0, whole.top(3).unwrap()[0].0);
    let apart = (some.by_head().unwrap() - whole.by_head().unwrap()).mapv(f32::abs).sum();
    assert!(apart < 1e-4, "{apart}");
    assert_eq!(some.top_heads(1).unwrap()[0].0, 1);
    for figure in [some.draw_top(3), some.line(), some.head_grid()] {
        assert!(figure.unwrap().to_svg().contains("<svg"));
    }
    assert!(some.html().contains("L1H0") && some.plain().contains("L1H0"));
}

#[test]
fn no_position_at_all_is_refused() {
    let model = open("gpt2-tiny");
    let run = model.run(TEXTS[0].to_vec()).unwrap();
    let stack = run.decompose(last(&model)).unwrap();
    let none = model.pass(TEXTS[0].to_vec()).unwrap().record(Sites::All).positions([0; 0]);
    for error in [stack.positions([0; 0]).unwrap_err(), none.run().unwrap_err()] {
        assert!(error.to_string().contains("no position was chosen"), "{error}");
    }
}

#[test]
fn a_text_of_which_only_padding_was_kept_has_no_last_number() {
    let model = open("gpt2-tiny");
    let tokens = model.tokens([vec![3, 1, 4, 1, 5], vec![2, 6]]).unwrap();
    for (tokens, kept, text) in [(tokens.clone(), 4, 1), (tokens.padded(Padding::Left), 0, 1)] {
        let run = model.pass(&tokens).unwrap().record(Sites::All).positions([kept]).run().unwrap();
        let given = run.decompose(last(&model)).unwrap().logit_attrs(7, 42).unwrap();
        for error in [given.at_last().unwrap_err(), given.top(1).unwrap_err(), given.draw_top(1).unwrap_err()] {
            assert!(error.to_string().contains(&format!("[{kept}] is a token of text {text}")), "{error}");
        }
        assert!(given.plain().contains("padding"));
    }
}

#[test]
fn the_last_position_of_a_padded_text_is_its_own_last_token() {
    let model = open("llama-gqa-tied");
    let texts = [vec![3, 1, 4, 1, 5], vec![2, 6]];
    let tokens = model.tokens(texts.to_vec()).unwrap();
    let given = |tokens| {
        let run = model.run(tokens).unwrap();
        run.decompose_heads(last(&model)).unwrap().logit_attrs(7, 42).unwrap().at_last().unwrap()
    };
    let alone = texts.map(|text| given(model.tokens(text).unwrap()));
    let mean: Vec<f32> = alone[0].iter().zip(&alone[1]).map(|(a, b)| (a + b) / 2.0).collect();
    for side in [Padding::Left, Padding::Right] {
        let got = given(tokens.padded(side));
        assert!(got.iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-4), "{side:?}: {got:?} {mean:?}");
    }
}

#[test]
fn attention_from_a_recorded_position_keeps_its_name_and_pictures_of_all_are_refused() {
    let model = Model::open("induction-2l").unwrap();
    let text = "red fox blue owl red fox blue";
    let some = model.pass(text).unwrap().record(Sites::All).positions([-1, 2]).run().unwrap();
    let whole = model.run(text).unwrap();
    for position in [-1, 2, 7] {
        let picture = |run: &Run| run.attention_from(1, 0, position).unwrap().to_svg();
        assert_eq!(picture(&some), picture(&whole));
    }
    assert!(some.attention_from(1, 0, -1).unwrap().to_svg().contains("attention from blue@7"));
    assert_eq!(some.pattern(1, 0).unwrap().dim(), (2, 8));
    for error in [
        some.attention(1).unwrap_err(),
        some.attention_head(1, 0).unwrap_err(),
        head_scores(&some).unwrap_err(),
        Detector::head_type(HeadType::Induction).scores(&some).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("[7, 2]") && error.contains("attn.hook_pattern` at all positions"), "{error}");
    }
    let error = some.attention_from(1, 0, 3).unwrap_err().to_string();
    assert!(error.contains("position 3 is not among"), "{error}");
}

#[test]
fn the_lens_of_some_positions_is_the_whole_lens_there_and_keeps_their_names() {
    let model = Model::open("induction-2l").unwrap();
    let text = "red fox blue owl red fox blue";
    let some = model.pass(text).unwrap().record(Sites::All).positions([4, 7]).run().unwrap().logit_lens().unwrap();
    let whole = model.run(text).unwrap().logit_lens().unwrap();
    assert_eq!(some.watched(), whole.watched());
    for row in 0..some.rows() {
        for position in [4, -1] {
            let (some, whole) = (some.cell(row, position).unwrap(), whole.cell(row, position).unwrap());
            assert!(some.top[0].0 == whole.top[0].0 && (some.entropy - whole.entropy).abs() < 1e-4);
        }
    }
    let error = some.cell(0, 3).unwrap_err().to_string();
    assert!(error.contains("position 3 is not among") && error.contains("[4, 7]"), "{error}");
    let svg = some.table(Statistic::Entropy).unwrap().to_svg();
    assert!(svg.contains("after owl@4") && svg.contains("after blue@7") && !svg.contains("@0"));
    assert!(some.line(-1).is_ok() && some.line(0).is_err());
}

#[test]
fn the_lens_watches_the_first_texts_own_last_token_whatever_the_padding() {
    let model = Model::open("induction-2l").unwrap();
    let (short, long) = ("red fox blue owl red fox", "tree owl ant tree owl ant tree owl ant tree");
    let alone = model.run(short).unwrap().logit_lens().unwrap();
    for side in [Padding::Right, Padding::Left] {
        let tokens = model.tokens([short, long]).unwrap().padded(side);
        let lens = model.run(tokens).unwrap().logit_lens().unwrap();
        assert_eq!(lens.watched(), alone.watched(), "{side}");
        let (there, here) = (lens.cell(2, -1).unwrap(), alone.cell(2, -1).unwrap());
        assert!((there.probability - here.probability).abs() < 1e-4 && there.rank == 1);
    }
}

#[test]
fn what_experts_hold_is_recorded_whole() {
    let model = open("families/mixtral");
    let (whole, some) = whole_and_some(&model);
    let mut experts = 0;
    for (site, value) in some.cache().iter() {
        let all = &whole.cache().get(site).unwrap();
        if site.to_string().contains("expert") {
            assert_eq!(difference(&value, all), 0.0, "{site}");
            experts += 1;
        }
    }
    assert!(experts > 6);
    let there = Tensor::new(&[5u32, 1], &Device::Cpu).unwrap();
    let mlp = whole.cache().get(Site::mlp_out(1)).unwrap().index_select(&there, 1).unwrap();
    assert_eq!(difference(&some.cache().get(Site::mlp_out(1)).unwrap(), &mlp), 0.0);
}

#[test]
fn what_the_encoder_gave_its_decoder_is_recorded_whole() {
    let model = open("families/t5");
    let pass = || {
        let pass = model.pass([5, 6, 7, 8, 9, 1]).unwrap().decoder_input([0, 9, 10, 4]).unwrap();
        pass.record(Sites::filter(|_| true))
    };
    let (whole, some) = (pass().run().unwrap(), pass().positions([-1]).run().unwrap());
    let mut kept_whole = 0;
    for (site, value) in some.cache().iter() {
        let all = &whole.cache().get(site).unwrap();
        let name = site.to_string();
        let of_encoder = name.starts_with("encoder") || ["hook_embed", "hook_tokens"].contains(&name.as_str());
        if of_encoder || name.ends_with("cross_attn.hook_k") || name.ends_with("cross_attn.hook_v") {
            assert_eq!(difference(&value, all), 0.0, "{name}");
            kept_whole += 1;
        } else {
            let axis =
                if name.contains("scores") || name.contains("pattern") || name.contains("rel_pos") { 2 } else { 1 };
            assert_eq!(difference(&value, &all.narrow(axis, 3, 1).unwrap()), 0.0, "{name}");
        }
    }
    assert!(kept_whole > 20, "{kept_whole}");
}

#[test]
fn logits_asked_for_at_positions_of_their_own_are_recorded_there() {
    let model = open("gpt2-tiny");
    let pass = model.pass(TEXTS[0].to_vec()).unwrap().logits_at([-1, 0]);
    let run = pass.record(Site::unembed_out()).record(Site::z(0)).positions([0]).run().unwrap();
    assert_eq!(run.cache().get(Site::z(0)).unwrap().dim(1).unwrap(), 1);
    let written = &run.cache().get(Site::unembed_out()).unwrap();
    assert_eq!(difference(written, &run.logits().unwrap()), 0.0);
}
