//! What a residual stream says of an answer: held norms and recomputed ones, scaled and capped logits, two stacks.

use crate::reference::{difference, expected, folder, open, token_ids};
use candle_core::{IndexOp, Tensor};
use glassbox::{
    Model,
    circuits::{Writes, full_ov, ov_circuit, svd_reading},
    decompose::{LogitAttribution, ResidStack},
    hook::{Site, Sites},
    load::{Checkpoint, Settings},
    model::{Normalization, Run},
    prelude::Processing,
};

const IDS: [u32; 6] = [3, 1, 4, 1, 5, 9];

fn model_and_run(name: &str) -> (Model, Run) {
    let model = open(name);
    let run = model.pass(IDS.to_vec()).unwrap().record(Sites::All).record(Site::unembed_out()).run().unwrap();
    (model, run)
}

fn last(model: &Model) -> Site {
    Site::resid_post(model.config().n_layers - 1)
}

/// The difference of two tokens' entries, `[batch, pos]`.
fn between(logits: &Tensor) -> Tensor {
    (logits.i((.., .., 7)).unwrap() - logits.i((.., .., 42)).unwrap()).unwrap()
}

fn total(given: &LogitAttribution) -> Tensor {
    (given.values().sum(0).unwrap() + given.constant()[0] as f64).unwrap()
}

fn get(stack: &ResidStack, label: &str) -> Tensor {
    let at = stack.labels().iter().position(|one| one == label).unwrap();
    stack.values().unwrap().get(at).unwrap()
}

#[test]
fn attributions_add_up_where_logits_are_scaled_and_to_the_difference_before_the_cap_where_they_are_capped() {
    for name in ["families/gemma2", "families/granite", "families/cohere", "families/olmo2"] {
        let (model, run) = model_and_run(name);
        let stacks = [
            run.decompose(last(&model)),
            run.decompose_layers(last(&model)),
            run.decompose_heads(last(&model)),
            run.decompose_heads_and_mlps(last(&model)),
            run.decompose_fully(last(&model)),
        ];
        let written = between(&run.cache().get(Site::unembed_out()).unwrap());
        let uncapped = (written * model.config().logit_scale).unwrap();
        let capped = between(&run.logits().unwrap());
        assert_eq!(difference(&uncapped, &capped) < 1e-4, model.config().output_logits_soft_cap.is_none(), "{name}");
        for stack in stacks {
            let given = stack.unwrap().logit_attrs(7, 42).unwrap();
            assert!(difference(&total(&given), &uncapped) < 1e-4, "{name}");
        }
    }
}

#[test]
fn a_norms_scale_is_held_or_each_vectors_own_as_is_chosen() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "solu-tiny", "families/granite", "families/cohere"] {
        let (model, run) = model_and_run(name);
        let streams = run.accumulated_resid(last(&model), true).unwrap();
        let values = streams.values().unwrap();
        // Each with its own: the model's own last step on that stream.
        let lens = streams.recompute_ln().logit_attrs(7, 42).unwrap();
        for at in 0..streams.len() {
            let expected = between(&model.unembed(values.get(at).unwrap()).unwrap());
            let got = (lens.values().get(at).unwrap() + lens.constant()[0] as f64).unwrap();
            assert!(difference(&got, &expected) < 1e-4, "{name} {at}");
        }
        // Held: each less its mean, over the one scale that the run had.
        let centred = match model.config().normalization {
            Normalization::LayerNorm => values.broadcast_sub(&values.mean_keepdim(3).unwrap()).unwrap(),
            _ => values,
        };
        let scale = run.cache().get(Site::ln_final_scale()).unwrap().unsqueeze(0).unwrap();
        let normed = centred.broadcast_div(&scale).unwrap();
        assert!(difference(&streams.apply_ln(Site::unembed_in()).unwrap(), &normed) < 1e-5, "{name}");
        let (weights, config) = (model.weights(), model.config());
        let column = |id| weights.w_u().unwrap().i((.., id)).unwrap();
        let answer = ((column(7) - column(42)).unwrap() * (config.unembed_scale * config.logit_scale)).unwrap();
        let read = normed.broadcast_mul(&weights.ln_final_w().unwrap()).unwrap().broadcast_mul(&answer).unwrap();
        let held = streams.logit_attrs(7, 42).unwrap();
        assert!(difference(&held.values(), &read.sum(3).unwrap()) < 1e-4, "{name}");
        // They are two choices: different at the first stream, the same at the last.
        let apart = |at| difference(&held.values().get(at).unwrap(), &lens.values().get(at).unwrap());
        assert!(apart(0) > 1e-3 && apart(streams.len() - 1) < 1e-4, "{name}: {}", apart(0));
        let squares = (centred.sqr().unwrap().mean_keepdim(3).unwrap() + config.eps).unwrap();
        let own = centred.broadcast_div(&squares.sqrt().unwrap()).unwrap();
        let got = streams.recompute_ln().apply_ln(Site::unembed_in()).unwrap();
        assert!(difference(&got, &own) < 1e-4, "{name}");
    }
}

#[test]
fn a_layer_is_the_sum_of_its_parts() {
    for name in ["gpt2-tiny", "llama-gqa-tied", "attn-only-tiny", "families/mixtral", "families/cohere"] {
        let (model, run) = model_and_run(name);
        let (layers, parts) = (run.decompose_layers(last(&model)).unwrap(), run.decompose(last(&model)).unwrap());
        assert!(difference(&layers.sum().unwrap(), &run.cache().get(last(&model)).unwrap()) < 1e-5, "{name}");
        for layer in 0..model.config().n_layers {
            let mine = parts.only(|label| label.starts_with(&format!("{layer}_"))).unwrap();
            assert!(difference(&get(&layers, &format!("L{layer}")), &mine.sum().unwrap()) < 1e-5, "{name}");
        }
        assert_eq!(layers.len(), parts.only(|label| label.contains("embed")).unwrap().len() + model.config().n_layers);
    }
    let (_, run) = model_and_run("gpt2-tiny");
    let half = run.decompose_layers(Site::resid_mid(1)).unwrap();
    assert_eq!(half.labels(), ["embed", "pos_embed", "L0", "L1"]);
    assert!(difference(&get(&half, "L1"), &run.cache().get(Site::attn_out(1)).unwrap()) < 1e-6);
}

#[test]
fn heads_and_mlps_are_what_is_fully_apart_with_each_layers_neurons_and_their_bias_together() {
    for name in ["gpt2-tiny", "families/mixtral", "families/olmoe"] {
        let (model, run) = model_and_run(name);
        let stack = run.decompose_heads_and_mlps(last(&model)).unwrap();
        assert!(difference(&stack.sum().unwrap(), &run.cache().get(last(&model)).unwrap()) < 1e-5, "{name}");
        assert!(difference(&get(&stack, "1_mlp_out"), &run.cache().get(Site::mlp_out(1)).unwrap()) < 1e-6, "{name}");
        let heads = run.decompose_heads(last(&model)).unwrap();
        assert!(difference(&get(&stack, "L1H2"), &get(&heads, "L1H2")) < 1e-6, "{name}");
        // What is left is the same everywhere: biases.
        let bias = get(&stack, "bias");
        let first = bias.i((0, 0)).unwrap().broadcast_as(bias.shape()).unwrap();
        assert!(difference(&bias, &first.contiguous().unwrap()) < 1e-5, "{name}");
        if model.config().experts.is_some() {
            assert!(run.decompose_fully(last(&model)).unwrap_err().to_string().contains("mixtures of experts"));
        }
    }
}

#[test]
fn chosen_parts_are_those_parts_and_some_are_needed() {
    let (model, run) = model_and_run("gpt2-tiny");
    let all = run.decompose_fully(last(&model)).unwrap();
    let neurons = ["L0N3", "L1N0", "L1N9"];
    let some = all.only(|label| neurons.contains(&label) || label == "L1H3").unwrap();
    assert_eq!(some.labels(), ["L0N3", "L1H3", "L1N0", "L1N9"]);
    for label in some.labels() {
        assert_eq!(difference(&get(&some, &label), &get(&all, &label)), 0.0, "{label}");
    }
    let error = all.only(|_| false).unwrap_err().to_string();
    assert!(error.contains("none of the 267 parts"), "{error}");
}

#[test]
fn one_activation_of_all_layers_is_each_layers() {
    let (model, run) = model_and_run("llama-gqa-tied");
    let stacked = run.stack_activation(Site::q).unwrap();
    assert_eq!(stacked.dim(0).unwrap(), model.config().n_layers);
    for layer in 0..model.config().n_layers {
        assert_eq!(difference(&stacked.get(layer).unwrap(), &run.cache().get(Site::q(layer)).unwrap()), 0.0);
    }
    let (_, t5) = t5();
    assert_eq!(t5.stack_activation(|layer| Site::cross_pattern(layer).in_decoder()).unwrap().dims(), [2, 1, 4, 4, 6]);
    let few = model.pass(IDS.to_vec()).unwrap().record(Site::q(0)).run().unwrap();
    assert!(few.stack_activation(Site::q).unwrap_err().is_not_recorded());
    assert!(run.stack_activation(Site::ln3_scale).unwrap_err().is_unknown_site());
}

/// The encoder reads six tokens, the decoder four.
fn t5() -> (Model, Run) {
    let model = open("families/t5");
    let pass = model.pass([5, 6, 7, 8, 9, 1]).unwrap().decoder_input([0, 9, 10, 4]).unwrap();
    let run = pass.record(Sites::All).run().unwrap();
    (model, run)
}

#[test]
fn the_decoders_stream_grows_through_its_look_at_the_encoder_up_to_the_logits() {
    let (model, run) = t5();
    let end = last(&model).in_decoder();
    let streams = run.accumulated_resid(end, true).unwrap();
    let labels = ["0_pre", "0_mid", "0_mid_cross", "1_pre", "1_mid", "1_mid_cross", "final_post"];
    assert_eq!(streams.labels(), labels);
    let cross = &run.cache().get(Site::resid_mid_cross(1).in_decoder()).unwrap();
    assert_eq!(difference(&get(&streams, "1_mid_cross"), cross), 0.0);
    for stack in [streams.clone(), streams.recompute_ln()] {
        let given = stack.logit_attrs(7, 42).unwrap();
        let at_end = given.values().get(6).unwrap();
        assert!(difference(&at_end, &between(&run.logits().unwrap())) < 1e-4);
    }
    let until = run.accumulated_resid(Site::resid_mid_cross(1).in_decoder(), false).unwrap();
    assert_eq!(until.labels(), ["0_pre", "1_pre", "1_mid_cross"]);
    // The norms within a block are those of attention, of the look across and of the MLP.
    for (site, normed) in [
        (Site::resid_pre(1), Site::ln1_normalized(1)),
        (Site::resid_mid(1), Site::ln2_normalized(1)),
        (Site::resid_mid_cross(1), Site::ln3_normalized(1)),
    ] {
        let streams = run.accumulated_resid(site.in_decoder(), false).unwrap();
        let got = streams.apply_ln(site.in_decoder()).unwrap().get(streams.len() - 1).unwrap();
        assert!(difference(&got, &run.cache().get(normed.in_decoder()).unwrap()) < 1e-5, "{site}");
    }
    let encoder = run.accumulated_resid(Site::resid_post(1).in_encoder(), false).unwrap();
    assert_eq!(encoder.labels(), ["0_pre", "1_pre", "final_post"]);
    let error = encoder.logit_attrs(7, 42).unwrap_err().to_string();
    assert!(error.contains("`encoder.1.hook_resid_post` belongs to the encoder"), "{error}");
    let error = run.accumulated_resid(Site::resid_post(1), false).unwrap_err().to_string();
    assert!(error.contains("`encoder` and `decoder`"), "{error}");
    let parts = run.decompose(end).unwrap();
    assert!(difference(&parts.sum().unwrap(), &run.cache().get(end).unwrap()) < 1e-5);
}

#[test]
fn where_norms_stand_on_the_sum_a_stream_ends_as_it_is_read() {
    for name in ["families/bert", "families/bert-masked-lm", "families/opt-post-norm"] {
        let (model, run) = model_and_run(name);
        let streams = run.accumulated_resid(last(&model), true).unwrap();
        assert_eq!(streams.labels(), ["0_pre", "0_mid", "1_pre", "1_mid", "final_post"]);
        let read = &run.cache().get(Site::normalized_resid_post(1)).unwrap();
        assert_eq!(difference(&get(&streams, "final_post"), read), 0.0, "{name}");
        assert!(difference(read, &run.cache().get(last(&model)).unwrap()) > 1e-2, "{name}: not the sum");
        // An MLP reads through the norm on the sum.
        let mid = run.accumulated_resid(Site::resid_mid(1), false).unwrap();
        let got = mid.apply_ln(Site::resid_mid(1)).unwrap().get(mid.len() - 1).unwrap();
        assert!(difference(&got, &run.cache().get(Site::ln1_normalized(1)).unwrap()) < 1e-5, "{name}");
        let given = streams.logit_attrs(7, 42).unwrap();
        let at_end = (given.values().get(4).unwrap() + given.constant()[0] as f64).unwrap();
        assert!(difference(&at_end, &between(&run.logits().unwrap())) < 1e-4, "{name}");
    }
}

#[test]
fn what_a_head_says_is_in_the_models_logits_whatever_scales_stand_in_between() {
    for name in ["gpt2-tiny", "families/granite", "families/cohere"] {
        let model = open(name).processed(Processing::default()).unwrap();
        let (config, weights) = (model.config(), model.weights());
        let from: Vec<u32> = (5..9).collect();
        let to: Vec<u32> = (0..config.d_vocab as u32).collect();
        let circuit = ov_circuit(&model, (1, 2), from.clone(), to).unwrap();
        for (row, &id) in from.iter().enumerate() {
            let read = weights.w_e().unwrap().get(id as usize).unwrap().unsqueeze(0).unwrap();
            let head = model.ov(1).unwrap().get(2).unwrap().ab().unwrap();
            let written = (read.matmul(&head).unwrap() * config.residual_scale).unwrap();
            // The model's last step divides by the size of what it reads.
            let centred = match config.normalization {
                Normalization::LayerNorm => written.broadcast_sub(&written.mean_keepdim(1).unwrap()).unwrap(),
                _ => written.clone(),
            };
            let square = centred.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
            let size = (f64::from(square) + config.eps).sqrt();
            let nothing = model.unembed(written.zeros_like().unwrap()).unwrap();
            let said = ((model.unembed(&written).unwrap() - nothing).unwrap() * size).unwrap();
            let said = said.squeeze(0).unwrap().to_vec1::<f32>().unwrap();
            let whole = full_ov(&model, (1, 2)).unwrap().ab().unwrap().get(id as usize).unwrap();
            let whole = whole.to_vec1::<f32>().unwrap();
            for (column, &value) in circuit.values.row(row).iter().enumerate() {
                assert!((value - said[column]).abs() < 1e-4, "{name}: {value} {}", said[column]);
                assert!((value - whole[column]).abs() < 1e-4, "{name}");
            }
        }
    }
}

#[test]
fn singular_vectors_raise_the_models_own_logits_and_at_least_one_is_asked_for() {
    let model = open("families/cohere").processed(Processing::default()).unwrap();
    let reading = svd_reading(&model, Writes::MlpOut { layer: 1 }, 1000).unwrap();
    assert_eq!(reading.singular_values.len(), model.config().d_model.min(model.config().d_mlp));
    let mut checkpoint = Checkpoint::from_folder(folder("families/cohere")).unwrap();
    let text = std::fs::read_to_string(folder("families/cohere").join("config.json")).unwrap();
    assert!(text.contains("\"logit_scale\": 0.3"));
    checkpoint.settings = Settings::parse(&text.replace("\"logit_scale\": 0.3", "\"logit_scale\": 1.0")).unwrap();
    let plain = Model::from_checkpoint(checkpoint).unwrap().processed(Processing::default()).unwrap();
    let plain = svd_reading(&plain, Writes::MlpOut { layer: 1 }, 1000).unwrap().logits;
    assert!(difference(&reading.logits, &(&plain * 0.3).unwrap()) < 1e-5);
    assert!(difference(&reading.logits, &plain) > 1e-2);
    let error = svd_reading(&model, Writes::MlpOut { layer: 1 }, 0).unwrap_err().to_string();
    assert!(error.contains("no direction was asked for"), "{error}");
}

#[test]
fn attention_of_any_stack_is_drawn_with_the_tokens_of_its_own_texts() {
    let (_, run) = t5();
    let from = run.tokens().strings(0).to_vec();
    let to = run.cache().source().unwrap().strings(0).to_vec();
    assert_eq!((from.len(), to.len()), (4, 6));
    let cases = [
        (Site::pattern(1).in_encoder(), &to, &to, "encoder L1H2"),
        (Site::pattern(1).in_decoder(), &from, &from, "decoder L1H2"),
        (Site::cross_pattern(1).in_decoder(), &from, &to, "cross L1H2"),
    ];
    for (site, queries, keys, name) in cases {
        let (query, key) = (queries.len() - 1, keys.len() - 1);
        let pattern = run.pattern(site, 2).unwrap();
        assert_eq!(pattern.dim(), (queries.len(), keys.len()));
        let first = run.cache().get(site).unwrap().i((0, 2, query, 0)).unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(pattern[[query, 0]], first);
        let cell = format!("<title>{}@{query} → {}@{key}: ", queries[query], keys[key]);
        let head = run.attention_head(site, 2).unwrap().to_svg();
        assert!(head.contains(&cell) && head.contains(&format!("{name}: attention pattern")), "{site}");
        assert!(run.attention(site).unwrap().to_html().contains(&cell), "{site}");
        let row = run.attention_from(site, 2, -1).unwrap().to_svg();
        let looks = format!("{name}: attention from {}@{query}", queries[query]);
        assert!(row.contains(&looks) && row.contains(&format!("<title>{}@{key}: ", keys[key])), "{site}");
    }
    let error = run.attention(1).unwrap_err().to_string();
    assert!(error.contains("`encoder` and `decoder`"), "{error}");
    let error = run.attention(Site::z(1).in_decoder()).unwrap_err().to_string();
    assert!(error.contains("`decoder.1.attn.hook_z` holds no attention patterns"), "{error}");
}

#[test]
fn a_layer_alone_is_the_layer_of_the_only_stack() {
    let model = open("gpt2-tiny");
    let run = model.run(token_ids(&expected("gpt2-tiny", "expected.safetensors"))).unwrap();
    let svg = run.attention_head(1, 2).unwrap().to_svg();
    assert_eq!(svg, run.attention_head(Site::pattern(1), 2).unwrap().to_svg());
    assert!(svg.contains("L1H2: attention pattern"));
}
