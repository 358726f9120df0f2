//! Interventions at many sites, each given by name, pattern, list or predicate: as one at each.

use crate::{
    generate::{PROMPT, after},
    reference::{difference, open},
};
use candle_core::Tensor;
use glassbox::{
    Model,
    hook::{Intervention, Point, Site, Sites, ToSite, ablate_direction, add, edit, edit_at, mean, patch, scale, zero},
    patching::{Metric, Patching, clean},
};
use std::sync::{Arc, Mutex};

const NAMES: [&str; 5] = ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny", "families/mixtral", "families/bert"];

fn logits(model: &Model, interventions: impl IntoIterator<Item = Intervention>) -> Tensor {
    model.pass(PROMPT).unwrap().intervene(Vec::from_iter(interventions)).run().unwrap().logits().unwrap()
}

fn fitting(model: &Model, part: &str) -> Vec<Site> {
    let fits = |site: &Site| site.to_string().contains(part);
    model.sites().into_iter().filter(fits).collect()
}

#[test]
fn an_intervention_at_a_selection_is_one_at_each_site_of_it() {
    for name in NAMES {
        let model = open(name);
        let sites = fitting(&model, ".attn.hook_z");
        assert_eq!(sites.len(), model.config().n_layers);
        let names: Vec<String> = sites.iter().map(Site::to_string).collect();
        let expected = logits(&model, sites.iter().map(|&site| scale(site, 1.5).head(1)));
        assert!(difference(&expected, &logits(&model, [])) > 1e-4, "{name}");
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let selections: [Sites; 7] = [
            "blocks.*.attn.hook_z".into(),
            "*.attn.hook_z".to_owned().into(),
            sites.clone().into(),
            texts.into(),
            names.clone().into(),
            (|site: Site| site.point() == Point::Z).into(),
            ["blocks.0.attn.hook_z", "blocks.*.attn.hook_z"].into(), // each once
        ];
        for selection in selections {
            let one = scale(selection.clone(), 1.5).head(1);
            assert_eq!(difference(&logits(&model, [one.clone()]), &expected), 0.0, "{name} {selection:?}");
            let hooked = model.hooked([one]);
            assert_eq!(hooked.interventions().len(), sites.len(), "{name} {selection:?}");
            assert_eq!(difference(&logits(&hooked, []), &expected), 0.0, "{name} {selection:?}");
        }
    }
}

#[test]
fn every_kind_of_intervention_takes_a_selection() {
    let model = open("gpt2-tiny");
    let other = model.run([9, 9, 1, 2, 4]).unwrap();
    let vector = (other.cache().get(Site::attn_out(0)).unwrap().get(0).unwrap().get(2).unwrap() * 3.0).unwrap();
    let kinds: [&dyn Fn(Sites) -> Intervention; 6] = [
        &|sites| zero(sites),
        &|sites| mean(sites),
        &|sites| patch(sites, other.cache()).unwrap(),
        &|sites| add(sites, vector.clone()),
        &|sites| ablate_direction(sites, &vector).unwrap(),
        &|sites| edit(sites, |x| x.tanh()),
    ];
    for (nth, kind) in kinds.iter().enumerate() {
        let each =
            logits(&model, [Site::attn_out(0), Site::attn_out(1)].map(|site| kind(site.into()).positions([1, 2])));
        let both = logits(&model, [kind("blocks.*.hook_attn_out".into()).positions([1, 2])]);
        assert_eq!(difference(&both, &each), 0.0, "kind {nth}");
        assert!(difference(&both, &logits(&model, [])) > 1e-4, "kind {nth}");
    }
}

#[test]
fn a_closure_is_told_each_site_in_the_order_of_the_pass() {
    for name in NAMES {
        let model = open(name);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let told = edit_at("blocks.*.hook_*_*", move |x, site| {
            log.lock().unwrap().push((site, x.dims().to_vec()));
            Ok(x.clone())
        });
        let run = model.pass(PROMPT).unwrap().intervene([told]).record("blocks.*.hook_*_*").run().unwrap();
        let recorded: Vec<_> = run.cache().iter().map(|(site, x)| (site, x.dims().to_vec())).collect();
        assert!(recorded.len() > 2, "{name}");
        assert_eq!(*seen.lock().unwrap(), recorded, "{name}");
    }
}

#[test]
fn a_selection_in_a_generation_is_one_at_each_site() {
    let model = open("llama-gqa-tied");
    let said = |interventions: Vec<Intervention>| {
        let text = after(&model, &PROMPT, 6).intervene_during(1.., interventions).keep_logits();
        text.run().unwrap().logits().unwrap()
    };
    let each = said(fitting(&model, "hook_attn_out").into_iter().map(|site| scale(site, 3.0)).collect());
    assert_eq!(difference(&said(vec![scale("*hook_attn_out", 3.0)]), &each), 0.0);
    assert!(difference(&each, &said(vec![scale("*hook_attn_out", 1.0)])) > 1e-3);
    // In a model of two stacks the encoder is run at step 0, and left alone afterwards.
    let t5 = open("families/t5");
    let said = |interventions: Vec<Intervention>| {
        after(&t5, &PROMPT, 3).intervene(interventions).keep_logits().run().unwrap().logits().unwrap()
    };
    let each = said(fitting(&t5, ".attn.hook_z").into_iter().map(zero).collect());
    assert_eq!(difference(&said(vec![zero("*.attn.hook_z")]), &each), 0.0);
}

#[test]
fn a_cell_of_a_sweep_may_do_the_same_at_many_sites() {
    let model = open("gpt2-tiny");
    let metric = Metric::logit_diff(&model, 7, 9, 1).unwrap();
    let patching = Patching::new(&model, [3, 1, 4, 1], [3, 2, 4, 1], metric).unwrap();
    let sweep = |cell: &dyn Fn(usize) -> Vec<Intervention>| {
        let map = patching.sweep("test", [patching.position_axis("position")], |at| cell(at[0])).unwrap();
        map.mean().clone()
    };
    let each = sweep(&|at| (0..2).map(|layer| zero(Site::z(layer)).position(at)).collect());
    assert_eq!(sweep(&|at| vec![zero("blocks.*.attn.hook_z").position(at)]), each);
    let with = sweep(&|at| vec![clean(Site::z(0)).position(at), zero("blocks.1.attn.hook_z").position(at)]);
    assert_ne!(with, each);
    let nothing = |at: &[usize]| vec![zero("blocks.*.hook_zz").position(at[0])];
    let error = patching.sweep("test", [patching.position_axis("position")], nothing).unwrap_err().to_string();
    assert!(error.contains("`blocks.*.hook_zz`"), "{error}");
}

#[test]
fn a_selection_that_selects_nothing_is_refused_wherever_it_is_given() {
    let model = open("gpt2-tiny");
    let says = |one: Intervention, words: &[&str]| {
        let hooked = model.hooked([one.clone()]);
        let errors = [
            model.run_with(PROMPT, [one.clone()]).err().unwrap(),
            hooked.run(PROMPT).err().unwrap(),
            after(&model, &PROMPT, 2).intervene([one.clone()]).run().err().unwrap(),
            after(&hooked, &PROMPT, 2).run().err().unwrap(),
            hooked.read(PROMPT).err().unwrap(),
        ];
        for error in errors.map(|error| error.to_string()) {
            words.iter().for_each(|word| assert!(error.contains(word), "{word:?} is not in: {error}"));
        }
    };
    says(zero("blocks.*.hook_zz"), &["`blocks.*.hook_zz`", "`blocks.0.attn.hook_z`"]);
    says(zero("blocks.0.attn.hook_patern"), &["no hook named", "`blocks.0.attn.hook_pattern`"]);
    says(zero("blocks.7.attn.hook_z"), &["layers 0 to 1, not 7"]);
    says(zero(["*.hook_z", "*.hook_zz"]), &["`*.hook_zz`"]);
    says(zero(Sites::filter(|_| false)), &["Where(..)", "nothing would change"]);
    says(zero(Vec::<Site>::new()), &["[]", "nothing would change"]);
    says(zero("blocks.*.hook_*_*").head(0), &["`blocks.0.hook_resid_pre` has no head axis"]);
    let run = model.run(PROMPT).unwrap();
    let error = patch("blocks.*.attn.hook_result", run.cache()).unwrap_err().to_string();
    assert!(error.contains("`blocks.*.attn.hook_result`"), "{error}");
    let error = patch([Site::z(0), Site::result(0)], run.cache()).unwrap_err();
    assert!(error.is_not_recorded(), "{error}");
    let error = zero("blocks.*.attn.hook_z").to_site().unwrap_err().to_string();
    assert!(error.contains("blocks.*.attn.hook_z") && error.contains("single"), "{error}");
}

#[test]
fn a_pattern_acts_only_where_the_pass_comes() {
    let model = open("gpt2-tiny");
    let whole = model.run(PROMPT).unwrap();
    let pass = || model.pass(PROMPT).unwrap().start_at_layer(1, whole.cache().get(Site::resid_pre(1)).unwrap());
    let both = pass().intervene([zero("blocks.*.attn.hook_z")]).run().unwrap();
    let one = pass().intervene([zero(Site::z(1))]).run().unwrap();
    assert_eq!(difference(&both.logits().unwrap(), &one.logits().unwrap()), 0.0);
    let error = pass().intervene([zero(Site::z(0))]).run().unwrap_err().to_string();
    assert!(error.contains("does not reach `blocks.0.attn.hook_z`"), "{error}");
}

#[test]
fn a_gradient_is_edited_only_where_there_is_one() {
    let model = open("gpt2-tiny");
    let stopped = || glassbox::hook::edit_gradient("blocks.*.hook_attn_out", |gradient| gradient.zeros_like());
    for error in [
        model.run_with(PROMPT, [stopped()]).err().unwrap(),
        after(&model, &PROMPT, 2).intervene([stopped()]).run().err().unwrap(),
    ] {
        assert!(error.to_string().contains("differentiate(sites, metric)"), "{error}");
    }
    // A model that does it in every pass can be run, and its gradients are edited when they are taken.
    let hooked = model.hooked([stopped()]);
    assert_eq!(difference(&logits(&hooked, []), &logits(&model, [])), 0.0);
    let size = |model: &Model| {
        let pass = model.pass(PROMPT).unwrap().differentiate("blocks.*.attn.hook_z", |x| x.sqr()?.sum_all());
        let gradients = pass.run().unwrap().gradients().unwrap();
        [0, 1].map(|layer| gradients.get(Site::z(layer)).unwrap().sqr().unwrap().sum_all().unwrap())
    };
    assert!(size(&model).iter().all(|size| size.to_scalar::<f32>().unwrap() > 0.0));
    assert!(size(&hooked).iter().all(|size| size.to_scalar::<f32>().unwrap() == 0.0));
}
