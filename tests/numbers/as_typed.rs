//! Arguments as a person types them: one intervention or several, closures of any result, layers from the end, sites by
//! short names. Each form does what the plain one does.
#![allow(clippy::all, reason = "the forms that people type are what is tested")]

use crate::reference::open;
use glassbox::{
    candle_core::{self, DType, Device, Tensor},
    hook::ToInterventions,
    prelude::*,
};
use std::sync::{Arc, Mutex};

const TEXT: &str = "red fox blue owl red fox blue";

fn model() -> Model {
    Model::open("induction-2l").unwrap()
}

fn loss(interventions: impl ToInterventions) -> f64 {
    model().run_with(TEXT, interventions).unwrap().loss().unwrap()
}

#[test]
fn interventions_are_taken_in_whatever_form_there_is() {
    let one = || zero(Site::z(1));
    let expected = loss(one());
    assert_ne!(expected, model().run(TEXT).unwrap().loss().unwrap());
    let (array, list, kept) = ([one()], vec![one()], one());
    let result: Result<Intervention> = Ok(one());
    let candles: candle_core::Result<Intervention> = Ok(one());
    let boxed: Box<dyn Iterator<Item = Intervention>> = Box::new([one()].into_iter());
    let layers = || 1..2usize;
    for (form, got) in [
        ("one", loss(one())),
        ("a reference", loss(&kept)),
        ("an array", loss(array.clone())),
        ("a reference to an array", loss(&array)),
        ("a slice", loss(&array[..])),
        ("references", loss([&kept])),
        ("a Vec", loss(list.clone())),
        ("a reference to a Vec", loss(&list)),
        ("an Option", loss(Some(one()))),
        ("a Result", loss(result.clone())),
        ("a reference to a Result", loss(&result)),
        ("candle's Result", loss(candles)),
        ("Results", loss([result.clone()])),
        ("a Result of a Vec", loss(Ok::<_, glassbox::Error>(list.clone()))),
        ("nested", loss(vec![Some([one()])])),
        ("a tuple", loss((one(), result.clone(), &list, None::<Intervention>))),
        ("Map", loss(layers().map(|layer| zero(Site::z(layer))))),
        ("Map of a Result", loss(layers().map(|layer| Ok::<_, glassbox::Error>(zero(Site::z(layer)))))),
        ("FlatMap", loss(layers().flat_map(|layer| (0..4).map(move |head| zero(Site::z(layer)).head(head))))),
        ("Flatten", loss([list.clone()].into_iter().flatten())),
        ("Chain", loss(list.clone().into_iter().chain([one()]))),
        ("Filter", loss(list.clone().into_iter().filter(|_| true))),
        ("FilterMap", loss(layers().filter_map(|layer| Some(zero(Site::z(layer)))))),
        ("vec::IntoIter", loss(list.clone().into_iter())),
        ("slice::Iter", loss(list.iter())),
        ("Cloned", loss(list.iter().cloned())),
        ("Take and Rev", loss(list.iter().rev().take(3).skip(0))),
        ("once", loss(std::iter::once(one()))),
        ("a box", loss(boxed)),
    ] {
        assert_eq!(got, expected, "{form}");
    }
    let nothing = model().run(TEXT).unwrap().loss().unwrap();
    assert_eq!([loss(None::<Intervention>), loss(Vec::<Intervention>::new())], [nothing; 2]);
}

#[test]
fn an_error_among_interventions_is_that_of_whatever_runs() {
    let model = model();
    let clean = model.pass(TEXT).unwrap().record(Site::z(0)).run().unwrap();
    let broken = || patch(Site::z(1), clean.cache());
    let metric = Metric::logit(&model, "owl", 1).unwrap();
    let errors = [
        model.run_with(TEXT, broken()).map(drop),
        model.run_with(TEXT, [broken(), Ok(zero(Site::z(0)))]).map(drop),
        model.run_with(TEXT, vec![Some(broken())]).map(drop),
        model.run_with(TEXT, (0..1).map(|_| broken())).map(drop),
        model.pass(TEXT).unwrap().intervene(broken()).run().map(drop),
        model.hooked(broken()).run(TEXT).map(drop),
        model.hooked(broken()).generate(TEXT).unwrap().max_new_tokens(1).run().map(drop),
        model.generate(TEXT).unwrap().max_new_tokens(2).intervene(broken()).run().map(drop),
        model.generate(TEXT).unwrap().max_new_tokens(2).intervene_during(1.., broken()).run().map(drop),
        Patching::corrupted(&model, TEXT, broken(), metric.clone()).map(drop),
        Patching::unpatched(&model, TEXT, metric).unwrap().sweep("one", [], |_| broken()).map(drop),
    ];
    for (nth, error) in errors.into_iter().enumerate() {
        let error = error.expect_err(&nth.to_string());
        assert!(error.is_not_recorded() && error.to_string().contains("blocks.1.attn.hook_z"), "{nth}: {error}");
    }
}

fn halved(x: &Tensor) -> Result<Tensor> {
    Ok((x * 0.5)?)
}

fn candles(x: &Tensor) -> candle_core::Result<Tensor> {
    x * 0.5
}

#[test]
fn a_closure_returns_a_tensor_or_a_result_of_one() {
    let expected = loss(scale(Site::z(1), 0.5));
    let half = Tensor::new(0.5f32, &Device::Cpu).unwrap();
    for (form, one) in [
        ("a product", edit(Site::z(1), |z| z * 0.5)),
        ("Ok and ?", edit(Site::z(1), |z| Ok((z * 0.5)?))),
        ("steps", edit(Site::z(1), |z| ((z * 2.0)? * 0.25)? + 0.0)),
        ("what it holds", edit(Site::z(1), move |z| z.broadcast_mul(&half))),
        ("a function of candle's result", edit(Site::z(1), candles)),
        ("a function of our result", edit(Site::z(1), |z| Ok(halved(z)?))),
        ("a tensor", edit(Site::z(1), |z| (z * 0.5).unwrap_or_else(|_| z.clone()))),
        ("told where", edit_at(Site::z(1), |z, site| z * (0.5 * site.layer().unwrap_or(0) as f64))),
    ] {
        assert_eq!(loss(one), expected, "{form}");
    }
    let named = |site: Site| loss(edit(site, Tensor::tanh));
    assert!(named(Site::z(1)).is_finite());
    assert_eq!(loss(edit(Site::z(1), |z| z * 0.0)), loss(zero(Site::z(1))));
    assert_eq!(loss(edit(Site::z(1), |z| z.zeros_like())), loss(zero(Site::z(1))));
    let last = |logits: &Tensor| logits.flatten_all()?.get(0);
    let gradient = |edits: Option<Intervention>| {
        let run = model().pass(TEXT).unwrap().intervene(edits).differentiate(Site::z(1), last).run().unwrap();
        run.gradients().unwrap().get(Site::z(1)).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()
    };
    assert!(gradient(None) > 0.0 && gradient(Some(edit_gradient(Site::attn_out(1), |x| x * 0.0))) == 0.0);
    let most = Metric::custom("most", |logits| logits.max(1)).of(&model().run(TEXT).unwrap()).unwrap();
    assert_eq!(most, Metric::custom("most", |logits| Ok(logits.max(1)?)).of(&model().run(TEXT).unwrap()).unwrap());
}

#[test]
fn an_error_in_a_closure_is_one_sentence_that_names_the_site() {
    let traced = || candle_core::Error::msg("my own words").bt();
    let own = || "blocks.0.hook_nothing".parse::<Site>().unwrap_err();
    for (one, words) in [
        (edit(Site::z(1), |z| z.sum(9)), "axis 9"),
        (edit(Site::z(1), move |_| Err(traced())), "my own words"),
        (edit(Site::z(1), move |_| Err(own().into())), "blocks.0.hook_nothing"),
        (observe(Site::z(1), move |_| Err(traced())), "my own words"),
    ] {
        let said = model().run_with(TEXT, one).unwrap_err().to_string();
        let one_sentence = !said.contains('\n') && !said.contains("backtrace") && !said.contains("in a closure");
        assert!(said.contains("blocks.1.attn.hook_z") && said.contains(words) && one_sentence, "{said}");
    }
    assert!(model().run_with(TEXT, edit(Site::z(1), move |_| Err(own().into()))).unwrap_err().is_unknown_site());
}

#[test]
fn observing_changes_nothing_and_sees_what_there_is() {
    let (model, seen) = (model(), Arc::new(Mutex::new(Vec::new())));
    let plain = model.run(TEXT).unwrap();
    let theirs = seen.clone();
    let mut count = 0;
    let watch = observe_at("blocks.*.attn.hook_pattern", move |x, site| {
        count += 1;
        theirs.lock().unwrap().push((count, site, x.dims().to_vec()));
    });
    let run = model.run_with(TEXT, &watch).unwrap();
    assert_eq!(run.loss().unwrap(), plain.loss().unwrap());
    let dims = vec![1, 4, 8, 8];
    assert_eq!(*seen.lock().unwrap(), [(1, Site::pattern(0), dims.clone()), (2, Site::pattern(1), dims)]);
    model.run_with(TEXT, observe(Site::z(-1), |z| println!("{:?}", z.dims()))).unwrap();
    model.run_with(TEXT, observe(Site::z(0), |z| z.mean_all().map(drop))).unwrap();
}

#[test]
fn what_is_stored_is_what_the_run_had() {
    let model = model();
    let run = model.run(TEXT).unwrap();
    let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (keep, stored) = store(Site::z(-1));
    let early = stored.get().unwrap_err().to_string();
    assert!(early.contains("blocks.-1.attn.hook_z") && early.contains("run"), "{early}");
    model.run_with(TEXT, &keep).unwrap();
    assert_eq!(values(&stored.get().unwrap()), values(&run.cache().get(Site::z(1)).unwrap()));
    // Before and after a change, in the order given.
    let ((first, before), (second, after)) = (store(Site::z(1)), store(Site::z(1)));
    model.run_with(TEXT, [first, scale(Site::z(1), 2.0), second]).unwrap();
    let twice = (before.get().unwrap() * 2.0).unwrap();
    assert_eq!(values(&twice), values(&after.get().unwrap()));
    // Of several sites, narrowed, in a hooked model.
    let (keep, stored): (Intervention, Stored) = store("blocks.*.attn.hook_z");
    model.hooked(keep.head(2)).run(TEXT).unwrap();
    assert_eq!(stored.all().unwrap().iter().map(|(site, _)| *site).collect::<Vec<_>>(), [Site::z(0), Site::z(1)]);
    let head = run.cache().get(Site::z(1)).unwrap().narrow(2, 2, 1).unwrap();
    assert_eq!(values(&stored.at(Site::z(-1)).unwrap()), values(&head));
    assert_eq!(values(&stored.at(("z", 1)).unwrap()), values(&head));
    let several = stored.get().unwrap_err().to_string();
    assert!(several.contains("2 sites") && several.contains("stored.at"), "{several}");
    assert!(stored.at(Site::q(0)).unwrap_err().to_string().contains("blocks.0.attn.hook_z"));
}

#[test]
fn a_negative_layer_counts_from_the_end() {
    let model = model();
    let run = model.run(TEXT).unwrap();
    let same = |a: &Tensor, b: &Tensor| (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert_eq!(same(&run.cache().get(Site::z(-1)).unwrap(), &run.cache().get(Site::z(1)).unwrap()), 0.0);
    assert_eq!(loss(zero(Site::z(-1))), loss(zero(Site::z(1))));
    assert_eq!(loss(block_attention(-1, [-1], [4])), loss(block_attention(1, [7usize], [4u32])));
    let recorded = model.pass(TEXT).unwrap().record([Site::z(-1), Site::z(-2)]).run().unwrap();
    assert_eq!(recorded.cache().sites(), [Site::z(0), Site::z(1)], "a recorded site has a layer of its own");
    assert!(recorded.cache().contains(Site::z(-2)) && !recorded.cache().contains(Site::q(-1)));
    let gradients = model.pass(TEXT).unwrap().differentiate(Site::z(-1), |x| x.sum_all()).run().unwrap();
    assert_eq!(gradients.gradients().unwrap().sites(), [Site::z(1)]);
    assert!(model.has(Site::z(-2)) && !model.has(Site::z(-3)) && model.has("blocks.-1.attn.hook_z"));
    for layer in [-3i64, 2] {
        let error = run.cache().get(Site::z(layer)).unwrap_err();
        let said = model.run_with(TEXT, zero(Site::z(layer))).unwrap_err().to_string();
        assert!(error.is_out_of_range() || error.is_not_recorded(), "{error}");
        assert!(said.contains("0 to 1") && said.contains("-2 to -1"), "{said}");
    }
    // Heads, positions and layers of everything else.
    let svg = |figure: Result<glassbox::plot::Figure>| figure.unwrap().to_svg();
    assert_eq!(svg(run.attention_head(-1, -4)), svg(run.attention_head(1usize, 0u32)));
    assert_eq!(svg(run.attention(-1)), svg(run.attention(("pattern", 1))));
    assert_eq!(run.pattern(-1, -1).unwrap(), run.pattern(Site::pattern(-1), 3usize).unwrap());
    let weights = model.weights();
    assert_eq!(same(&weights.w_q(-1).unwrap(), &weights.w_q(1usize).unwrap()), 0.0);
    assert_eq!(same(&weights.ln_w(-2, "ln1").unwrap(), &weights.ln_w(0u32, "ln1").unwrap()), 0.0);
    let norms = |ov: Result<FactoredMatrix>| ov.unwrap().norm().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(norms(model.ov(-1)), norms(model.ov(1)));
    let parts = |site: Site| run.decompose(site).unwrap().labels().to_vec();
    assert_eq!(parts(Site::resid_post(-1)), parts(Site::resid_post(1)));
    let position = run.tokens().position("owl").unwrap();
    assert_eq!(run.predictions(position, 1).unwrap(), run.predictions(position as usize, 1).unwrap());
    assert_eq!(run.tokens().strings(-1), run.tokens().strings(0));
    let narrowed = [zero(Site::z(1)).head(-1).position(position), zero(Site::z(1)).head(3usize).position(4usize)];
    let [a, b] = narrowed.map(loss);
    assert_eq!(a, b);
    let direction =
        |site: Site| Direction::between(&model, site, -1, ["red fox"], ["blue owl"]).unwrap().vector().clone();
    assert_eq!(same(&direction(Site::resid_post(-1)), &direction(Site::resid_post(1))), 0.0);
    let of_vector = Direction::new(Site::resid_post(-1), &Tensor::ones(64, DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(loss(of_vector.ablate()), loss(of_vector.at(Site::resid_post(1)).ablate()));
    assert_eq!(of_vector.project(&run).unwrap(), of_vector.at(Site::resid_post(1)).project(&run).unwrap());
}

#[test]
fn the_places_where_a_pass_may_stop_include_the_end() {
    let stopped = |layer: i64| model().pass(TEXT).unwrap().stop_at_layer(layer).run();
    assert!(stopped(2).is_ok() && stopped(-2).is_ok());
    for layer in [3, -3] {
        let said = stopped(layer).unwrap_err().to_string();
        assert!(said.contains(&format!("layer {layer}")) && said.contains("0 to 2 (or -2 to -1)"), "{said}");
    }
}

#[test]
fn a_negative_layer_is_one_of_its_own_stack() {
    let t5 = open("families/t5");
    let layers = t5.config().n_layers;
    let run = t5
        .pass([5, 6, 7, 1])
        .unwrap()
        .decoder_input([0, 9])
        .unwrap()
        .record(Site::resid_post(-1).in_decoder())
        .run()
        .unwrap();
    assert_eq!(run.cache().sites(), [Site::resid_post(layers - 1).in_decoder()]);
    let error = t5.pass([5, 6, 7, 1]).unwrap().record(Site::resid_post(-1)).run().unwrap_err();
    assert!(error.is_unknown_site() && error.to_string().contains("`encoder`"), "{error}");
}

#[test]
fn a_site_is_taken_by_value_reference_name_or_short_name() {
    let (model, site) = (model(), Site::pattern(1));
    let run = model.run(TEXT).unwrap();
    let name = site.to_string();
    let expected = run.cache().get(site).unwrap().values();
    for (form, got) in [
        ("a reference", run.cache().get(&site)),
        ("a name", run.cache().get(name.as_str())),
        ("a String", run.cache().get(name.clone())),
        ("a reference to a String", run.cache().get(&name)),
        ("short", run.cache().get(("pattern", 1))),
        ("short, from the end", run.cache().get(("pattern", -1))),
        ("short, with its part", run.cache().get(("attn", 1usize, "attn"))),
        ("short, in one word", run.cache().get("pattern1")),
    ] {
        assert_eq!(got.unwrap().values(), expected, "{form}");
    }
    let expected = loss(zero(Site::z(1)));
    for got in [
        loss(zero(&Site::z(1))),
        loss(zero(("z", 1))),
        loss(zero([("z", -1)])),
        loss(zero("z1")),
        loss(zero(&Site::z(1).to_string())),
        loss(zero(&[Site::z(1)])),
        loss(edit_at(("z", -1), |z, site| z * f64::from(u8::from(site != Site::z(1))))),
    ] {
        assert_eq!(got, expected);
    }
    assert!(model.has(("resid_post", 0)) && model.has("embed") && !model.has(("mlp_out", 0)));
    let recorded = model.pass(TEXT).unwrap().record([("resid_pre", 0), ("q", -1)]).record("pos_embed").run().unwrap();
    assert_eq!(recorded.cache().sites(), [Site::pos_embed(), Site::resid_pre(0), Site::q(1)]);
    assert_eq!(
        run.decompose(("resid_post", -1)).unwrap().labels(),
        run.decompose(Site::resid_post(1)).unwrap().labels()
    );
}

trait Values {
    fn values(&self) -> Vec<f32>;
}

impl Values for Tensor {
    fn values(&self) -> Vec<f32> {
        self.flatten_all().unwrap().to_vec1().unwrap()
    }
}

#[test]
fn a_site_that_was_not_recorded_says_what_to_do() {
    let run = model().run(TEXT).unwrap();
    let says = |site: &str| run.cache().get(site).unwrap_err().to_string();
    let gated = says("blocks.0.attn.hook_result");
    assert!(gated.contains("recorded only when named") && gated.contains(".record("), "{gated}");
    for (name, whole, short) in [
        ("pattern", "blocks.0.attn.hook_pattern", "(\"pattern\", 0)"),
        ("resid_post", "blocks.0.hook_resid_post", "(\"resid_post\", 0)"),
    ] {
        let said = says(name);
        assert!(said.contains(whole) && said.contains(short) && !said.contains("rel_pos"), "{said}");
    }
    let misspelt = run.cache().get(("patern", 1)).unwrap_err().to_string();
    assert!(misspelt.contains("blocks.1.attn.hook_pattern"), "{misspelt}");
}
