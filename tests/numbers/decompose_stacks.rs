//! Either stack of an encoder-decoder, and streams with norms on them, taken apart.

use crate::reference::{difference, open};
use candle_core::{IndexOp, Tensor};
use glassbox::{
    Model,
    decompose::{LogitAttribution, ResidStack},
    hook::{Site, ToSite, patch, zero},
    model::Run,
};

pub const T5: [&str; 2] = ["families/t5", "families/t5-v1_1"];
pub const ON_SUM: [&str; 8] = [
    "families/bert",
    "families/bert-masked-lm",
    "families/bert-model",
    "families/roberta",
    "families/distilbert",
    "families/albert",
    "families/albert-pretraining",
    "families/opt-post-norm",
];

/// Two texts each, of which one is padded; the decoder of T5 reads another text than the encoder.
pub fn run_of(model: &Model) -> Run {
    let texts = vec![vec![5u32, 6, 7, 8, 9, 2], vec![3, 4, 11, 7]];
    let pass = model.pass(texts).unwrap();
    let pass = if model.has(Site::cross_z(0).in_decoder()) {
        pass.decoder_input(vec![vec![0u32, 9, 10, 4], vec![0, 8, 5, 3]]).unwrap()
    } else {
        pass
    };
    pass.record(model.sites()).run().unwrap()
}

pub fn model_and_run(name: &str) -> (Model, Run) {
    let model = open(name);
    let run = run_of(&model);
    (model, run)
}

/// Every place of the residual stream, in all stacks.
pub fn streams(model: &Model) -> Vec<Site> {
    let names = ["hook_resid_pre", "hook_resid_mid", "hook_resid_mid_cross", "hook_resid_post"];
    let is_stream = |site: &Site| {
        let name = site.to_string();
        names.iter().any(|end| name.ends_with(end)) || name.ends_with("hook_normalized_resid_post")
    };
    model.sites().into_iter().filter(is_stream).collect()
}

/// The last place of the stream that the unembedding reads.
pub fn end(model: &Model) -> Site {
    streams(model).last().copied().unwrap()
}

/// The difference as a share of the largest number.
pub fn apart(got: &Tensor, expected: &Tensor) -> f32 {
    let largest = expected.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    difference(got, expected) / largest
}

pub fn every_way(run: &Run, site: Site) -> Vec<ResidStack> {
    vec![
        run.decompose(site).unwrap(),
        run.decompose_layers(site).unwrap(),
        run.decompose_heads(site).unwrap(),
        run.decompose_neurons(site).unwrap(),
        run.decompose_heads_and_mlps(site).unwrap(),
        run.decompose_fully(site).unwrap(),
    ]
}

pub fn part(stack: &ResidStack, label: &str) -> Tensor {
    let at = stack.labels().iter().position(|one| one == label).unwrap_or_else(|| panic!("{label}"));
    stack.values().unwrap().get(at).unwrap()
}

pub fn total(given: &LogitAttribution) -> Tensor {
    let constant = given.constant();
    let constant = Tensor::from_slice(&constant, (constant.len(), 1), &candle_core::Device::Cpu).unwrap();
    given.values().sum(0).unwrap().broadcast_add(&constant).unwrap()
}

/// One entry of the logits, `[batch, pos]`.
pub fn logit(run: &Run, id: usize) -> Tensor {
    run.logits().unwrap().i((.., .., id)).unwrap().contiguous().unwrap()
}

#[test]
fn every_way_of_taking_a_stream_of_any_stack_apart_adds_up_to_it() {
    for name in T5.into_iter().chain(ON_SUM) {
        let (model, run) = model_and_run(name);
        let sites = streams(&model);
        assert!(sites.len() >= 6, "{name}: {sites:?}");
        for site in sites {
            let stream = &run.cache().get(site).unwrap();
            for stack in every_way(&run, site) {
                let apart = apart(&stack.sum().unwrap(), stream);
                assert!(apart < 1e-5, "{name} {site}, {} parts: {apart:e}", stack.len());
                assert_eq!(stack.values().unwrap().dim(0).unwrap(), stack.len());
            }
        }
    }
}

#[test]
fn the_parts_of_a_decoder_beside_an_encoder_are_what_its_attentions_and_mlps_wrote() {
    for name in T5 {
        let (model, run) = model_and_run(name);
        let get = |site: Site| run.cache().get(site).unwrap();
        let site = Site::resid_post(-1).in_decoder();
        let stack = run.decompose(site).unwrap();
        let kinds = ["attn_out", "cross_attn_out", "mlp_out"];
        let layers = (0..model.config().n_layers).flat_map(|layer| kinds.map(|kind| format!("{layer}_{kind}")));
        let labels: Vec<String> = ["embed".to_owned()].into_iter().chain(layers).collect();
        assert_eq!(stack.labels(), labels);
        for label in labels.iter().skip(1) {
            let (layer, kind) = label.split_once('_').unwrap();
            let hook = get(format!("decoder.{layer}.hook_{kind}").to_site().unwrap());
            assert_eq!(difference(&part(&stack, label), &hook), 0.0, "{name} {label}");
        }
        let heads = run.decompose_heads(site).unwrap();
        for head in 0..model.config().n_heads {
            let of = |site: Site| get(site).i((.., .., head)).unwrap().contiguous().unwrap();
            let own = of(Site::result(1).in_decoder());
            assert!(difference(&part(&heads, &format!("L1H{head}")), &own) < 1e-6, "{name}");
            let cross = of(Site::cross_result(1).in_decoder());
            assert!(difference(&part(&heads, &format!("cross L1H{head}")), &cross) < 1e-6, "{name}");
        }
        let encoder = run.decompose(Site::resid_post(0).in_encoder()).unwrap();
        assert_eq!(encoder.labels(), ["embed", "0_attn_out", "0_mlp_out"]);
        assert_eq!(difference(&part(&encoder, "embed"), &get(Site::embed())), 0.0);
    }
}

#[test]
fn direct_logit_attribution_in_a_decoder_beside_an_encoder_adds_up_to_the_logit() {
    for name in T5 {
        let (model, run) = model_and_run(name);
        assert_eq!(model.config().unembed_scale != 1.0, name == T5[0], "one scales what the unembedding reads");
        let between = (logit(&run, 7) - logit(&run, 42)).unwrap();
        for stack in every_way(&run, Site::resid_post(-1).in_decoder()) {
            assert!(difference(&total(&stack.logit_attrs(7, 42).unwrap()), &between) < 1e-4, "{name}");
            assert!(difference(&total(&stack.logit_attrs_of(9).unwrap()), &logit(&run, 9)) < 1e-4, "{name}");
            let next = stack.next_token_attrs().unwrap().values().sum(0).unwrap();
            for text in 0..2 {
                for position in 0..3 {
                    let follows = run.tokens().ids(text)[position + 1] as usize;
                    let logit = run.logits().unwrap().i((text, position, follows)).unwrap();
                    assert!(difference(&next.i((text, position)).unwrap(), &logit) < 1e-4, "{name}");
                }
            }
        }
    }
}

#[test]
fn what_a_part_of_a_decoder_gives_is_what_a_whole_run_lacks_without_it() {
    let (model, run) = model_and_run(T5[0]);
    let last = model.config().n_layers - 1;
    let given = run.decompose_heads(Site::resid_post(-1).in_decoder()).unwrap().logit_attrs_of(7).unwrap();
    let held = [Site::decoder_final_ln_scale(), Site::mlp_out(last).in_decoder()];
    let held = held.map(|site| patch(site, run.cache()).unwrap());
    for head in 0..model.config().n_heads {
        let without = held.iter().cloned().chain([zero(Site::cross_z(last).in_decoder()).head(head)]);
        let pass = model.pass(run.cache().source().unwrap()).unwrap().decoder_input(run.tokens()).unwrap();
        let without = pass.intervene(without.collect::<Vec<_>>()).run().unwrap();
        let lost = (logit(&run, 7) - logit(&without, 7)).unwrap();
        let at = given.labels().iter().position(|label| *label == format!("cross L{last}H{head}")).unwrap();
        assert!(difference(&given.values().get(at).unwrap(), &lost) < 1e-5, "{head}");
    }
}

#[test]
fn the_lens_reads_the_decoders_stream_and_the_encoders_is_taken_apart_but_not_read() {
    let (model, run) = model_and_run(T5[0]);
    let lens = run.logit_lens().unwrap();
    for row in 0..model.config().n_layers {
        let stream = run.cache().get(Site::resid_pre(row).in_decoder()).unwrap();
        let logits = model.unembed(stream.get(0).unwrap().get(3).unwrap().unsqueeze(0).unwrap()).unwrap();
        let logits = (&logits - logits.max_keepdim(1).unwrap().broadcast_as(logits.shape()).unwrap()).unwrap();
        let likeliest = 1.0 / logits.exp().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert!((lens.cell(row, -1).unwrap().top[0].1 - likeliest).abs() < 1e-5, "{row}");
    }
    let output = lens.cell(-1, -1).unwrap();
    assert_eq!(output.top[0].0, run.predictions(-1, 1).unwrap()[0].text);
    let site = Site::resid_post(-1).in_encoder();
    let (parts, streams) = (run.decompose(site).unwrap(), run.accumulated_resid(site, true).unwrap());
    assert_eq!(streams.labels(), ["0_pre", "0_mid", "1_pre", "1_mid", "final_post"]);
    assert_eq!(parts.positions([5]).unwrap().values().unwrap().dims()[2], 1);
    for error in [
        parts.logit_attrs(7, 42).unwrap_err(),
        parts.next_token_attrs().unwrap_err(),
        streams.logit_attrs_of(7).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("belongs to the encoder, which the unembedding does not read"), "{error}");
    }
    // What cross attention looks at is the encoder's stream through its final norm.
    let normed = parts.apply_ln(Site::encoder_final_ln_normalized()).unwrap().sum(0).unwrap();
    assert!(difference(&normed, &run.cache().get(Site::encoder_final_ln_normalized()).unwrap()) < 1e-5);
    let error = parts.apply_ln(Site::unembed_in()).unwrap_err().to_string();
    assert!(error.contains("`unembed.hook_in` does not read the stream of `encoder.1.hook_resid_post`"), "{error}");
    let error = error_of(run.decompose(Site::resid_post(1)));
    assert!(error.contains("its blocks are named `encoder` and `decoder`"), "{error}");
}

pub fn error_of<T>(result: glassbox::Result<T>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn runs_that_recorded_some_positions_give_the_same_numbers_there() {
    for name in ["families/t5", "families/bert", "families/albert", "families/opt-post-norm"] {
        let (model, run) = model_and_run(name);
        let pass = match run.cache().source() {
            Some(source) => model.pass(source).unwrap().decoder_input(run.tokens()).unwrap(),
            None => model.pass(run.tokens()).unwrap(),
        };
        let few = pass.record(model.sites()).positions([2, 0]).run().unwrap();
        let whole = run.decompose_fully(end(&model)).unwrap().positions([2, 0]).unwrap();
        let (few, whole) = (few.decompose_fully(end(&model)).unwrap().logit_attrs(7, 42), whole.logit_attrs(7, 42));
        let (few, whole) = (few.unwrap(), whole.unwrap());
        assert_eq!(few.labels(), whole.labels());
        assert!(difference(&few.values(), &whole.values()) < 1e-5, "{name}");
    }
}

#[test]
fn scores_of_any_attention_of_two_stacks_are_sums_over_pairs_of_parts() {
    for name in T5 {
        let (model, run) = model_and_run(name);
        let (encoder, decoder) =
            (model.config().stack(glassbox::hook::Stack::Encoder).unwrap().n_layers - 1, model.config().n_layers - 1);
        for (pattern, scores) in [
            (Site::pattern(encoder).in_encoder(), Site::attn_scores(encoder).in_encoder()),
            (Site::pattern(decoder).in_decoder(), Site::attn_scores(decoder).in_decoder()),
            (Site::cross_pattern(decoder).in_decoder(), Site::cross_attn_scores(decoder).in_decoder()),
        ] {
            for head in 0..model.config().n_heads {
                let parts = run.decompose_scores(pattern, head).unwrap();
                let hook = run.cache().get(scores).unwrap().i((0, head)).unwrap();
                let total = parts.total().unwrap();
                let dims = total.dim();
                let total = Tensor::from_vec(total.into_iter().collect(), dims, hook.device()).unwrap();
                assert!(difference(&total, &hook) < 1e-4, "{name} {pattern} {head}");
                let all = parts.to_array().unwrap();
                let (query, key) = (dims.0 - 1, dims.1 - 2);
                for ((of_query, of_key), &value) in parts.at(query, key).unwrap().indexed_iter() {
                    assert!((all[[of_query, of_key, query, key]] - value).abs() < 1e-5, "{name} {pattern}");
                }
                assert_eq!(all.dim().0, parts.labels().len());
                assert_eq!(all.dim().1, parts.key_labels().len());
                parts.draw(query, key).unwrap();
            }
        }
        let across = run.decompose_scores(Site::cross_pattern(0).in_decoder(), 0).unwrap();
        assert_eq!(across.labels(), ["embed", "0_attn_out", "bias"]);
        assert_eq!(across.key_labels()[..3], ["embed", "0_attn_out", "0_mlp_out"]);
        let error = error_of(run.decompose_scores(Site::cross_pattern(0).in_encoder(), 0));
        assert!(error.contains("only the decoder of an encoder-decoder has cross attention"), "{error}");
        let error = error_of(run.decompose_scores(Site::z(0).in_decoder(), 0));
        assert!(error.contains("holds no attention patterns"), "{error}");
    }
}

#[test]
fn heads_that_look_across_have_a_map_and_a_line_of_their_own() {
    let (model, run) = model_and_run(T5[0]);
    let end = Site::resid_post(-1).in_decoder();
    let heads = run.decompose_heads(end).unwrap().positions([3]).unwrap().logit_attrs_of(7).unwrap();
    let (own, across) = (heads.by_head().unwrap(), heads.by_cross_head().unwrap());
    assert_eq!((own.dim(), across.dim()), ((2, 4), (2, 4)));
    let at = heads.labels().iter().position(|label| label == "cross L1H2").unwrap();
    assert_eq!(across[[1, 2]], heads.at_last().unwrap()[at]);
    let grid = heads.head_grid().unwrap().to_svg();
    assert!(grid.contains("cross attention") && grid.contains("self-attention"));
    let parts = run.decompose(end).unwrap().positions([3]).unwrap().logit_attrs_of(7).unwrap();
    assert!(parts.line().unwrap().to_svg().contains("<title>cross attention, layer 1: "));
    let layers = run.decompose_layers(end).unwrap();
    assert_eq!(layers.labels(), ["embed", "L0", "L1"]);
    let encoder = run.decompose_heads(Site::resid_post(-1).in_encoder()).unwrap().positions([5]).unwrap();
    let direction = Tensor::ones(model.config().d_model, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    let error = error_of(encoder.project(direction).unwrap().by_cross_head());
    assert!(error.contains("none of these parts is a head of cross attention"), "{error}");
}
