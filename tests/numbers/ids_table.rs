//! The table of [`ids`](crate::ids): a line for each method that takes a number which counts something, how many such
//! things there are, and the call.

use crate::reference::open;
use candle_core::{Device, Tensor};
use glassbox::{
    circuits::*,
    fourier::{Fourier, ProgressMeasures},
    prelude::*,
    probe::Split,
    text::Tokenizer,
    train::{
        Batch, Training,
        modular::{ModularAddition, Sums},
        recipe,
    },
};

/// A method given a number of one of the kinds that methods take.
pub enum Call<'a> {
    Id(Box<dyn Fn(u32) -> Result<()> + 'a>),
    FromStart(Box<dyn Fn(usize) -> Result<()> + 'a>),
    EitherEnd(Box<dyn Fn(i64) -> Result<()> + 'a>),
}

pub type Table<'a> = Vec<(&'static str, usize, Call<'a>)>;

macro_rules! table {
    ($($name:literal $kind:ident of $len:expr => |$given:ident| $call:expr;)*) => {
        vec![$(($name, $len, Call::$kind(Box::new(move |$given| $call.map(drop))))),*]
    };
}

const TEXT: &str = "red fox blue owl red fox blue";

/// The model of two layers of four heads, its 374 words, and a text of eight tokens.
pub fn of_a_model() -> Table<'static> {
    let model = || Model::open("induction-2l").unwrap();
    let run = move || model().pass(TEXT).unwrap().record(model().sites()).run().unwrap();
    let (lens, stack) = (move || run().logit_lens().unwrap(), move || run().decompose(Site::resid_post(1)).unwrap());
    let metric = move || Metric::logit(&model(), "owl", 1).unwrap();
    let patching = move || Patching::unpatched(&model(), TEXT, metric()).unwrap();
    let t5 = || open("families/t5");
    let two = move || model().generate(TEXT).unwrap().max_new_tokens(2);
    let said = move || two().record([Site::z(0)]).run().unwrap();
    let ablated = move |edit: Intervention| model().run_with(TEXT, [edit]);
    table! {
        "tokens" Id of 374 => |id| model().tokens([3, id]);
        "run" Id of 374 => |id| model().run([3, id]);
        "to_string" Id of 374 => |id| model().to_string([id]);
        "to_single_str_token" Id of 374 => |id| model().to_single_str_token(id);
        "generate" Id of 374 => |id| model().generate([3, id]);
        "end_tokens" Id of 374 => |id| model().generate(TEXT).unwrap().end_tokens([id]).run();
        "then" Id of 374 => |id| model().read(TEXT).unwrap().then([id]);
        "logit_diff" Id of 374 => |id| Metric::logit_diff(&model(), id, 3u32, 1);
        "logit" Id of 374 => |id| Metric::logit(&model(), id, 1);
        "probability" Id of 374 => |id| Metric::probability(&model(), id, 1);
        "log_probability" Id of 374 => |id| Metric::log_probability(&model(), id, 1);
        "rank" Id of 374 => |id| Metric::rank(&model(), id, 1);
        "loss" Id of 374 => |id| Metric::loss(&model(), id, 1);
        "logit_attrs" Id of 374 => |id| stack().logit_attrs(id, 3u32);
        "logit_attrs_of" Id of 374 => |id| stack().logit_attrs_of(id);
        "run.probability" Id of 374 => |id| run().probability(id, -1);
        "run.logit_diff" Id of 374 => |id| run().logit_diff(id, 3u32, -1);
        "logit_lens_for" Id of 374 => |id| run().logit_lens_for(id);
        "test_prompt" Id of 374 => |id| model().test_prompt(TEXT, [id]);
        "accuracy" Id of 374 => |id| model().accuracy([(TEXT, id, 3u32)]);
        "token_to_residual_direction" Id of 374 => |id| model().weights().token_to_residual_direction(id);
        "ov_circuit" Id of 374 => |id| ov_circuit(&model(), (1, 0), [3u32], [id]);
        "qk_circuit" Id of 374 => |id| qk_circuit(&model(), (1, 0), [id], [3u32]);
        "qk_circuit_through" Id of 374 => |id| qk_circuit_through(&model(), (1, 0), (0, 0), [id], [3u32]);
        "replace (ids)" Id of 374 => |id| ablated(replace(Site::tokens(), Tensor::new(&[[id; 8]], &Device::Cpu)?));

        "text" EitherEnd of 1 => |text| run().text(text);
        "attention" EitherEnd of 2 => |layer| run().attention(layer);
        "attention_head" EitherEnd of 2 => |layer| run().attention_head(layer, 0);
        "attention_head" EitherEnd of 4 => |head| run().attention_head(0, head);
        "attention_from" EitherEnd of 2 => |layer| run().attention_from(layer, 0, -1);
        "attention_from" EitherEnd of 4 => |head| run().attention_from(0, head, -1);
        "attention_from" EitherEnd of 8 => |position| run().attention_from(0, 0, position);
        "pattern" EitherEnd of 2 => |layer| run().pattern(layer, 0);
        "pattern" EitherEnd of 4 => |head| run().pattern(0, head);
        "predictions" EitherEnd of 8 => |position| run().predictions(position, 1);
        "predictions_in" EitherEnd of 8 => |position| run().predictions_in(0, position, 1);
        "predictions_in" EitherEnd of 1 => |text| run().predictions_in(text, 0, 1);
        "probability" EitherEnd of 8 => |position| run().probability("owl", position);
        "decompose_scores" EitherEnd of 2 => |layer| run().decompose_scores(layer, 0);
        "decompose_scores" EitherEnd of 4 => |head| run().decompose_scores(0, head);
        "attention_from_qk" FromStart of 2 => |layer| {
            let run = run();
            let heads = |site: Site| run.cache().get(site);
            attention_from_qk(&run, layer, heads(Site::q(0))?, heads(Site::k(0))?)
        };
        "at" EitherEnd of 8 => |query| run().decompose_scores(1, 0).unwrap().at(query, 0);
        "at" EitherEnd of 8 => |key| run().decompose_scores(1, 0).unwrap().at(0, key);
        "draw" EitherEnd of 8 => |query| run().decompose_scores(1, 0).unwrap().draw(query, 0);
        "attn_scale" EitherEnd of 2 => |layer| model().config().attn_scale(layer);
        "losses" EitherEnd of 1 => |one| compare_losses([("a", run())])?.losses(one);
        "differences" EitherEnd of 1 => |one| compare_losses([("a", run())])?.differences(one);
        "logit_diff" EitherEnd of 8 => |position| run().logit_diff("owl", "red", position);
        "logit_diffs" EitherEnd of 8 => |position| run().logit_diffs([("owl", "red")], position);
        "next_tokens" EitherEnd of 8 => |position| run().next_tokens(position, 1);
        "cell" EitherEnd of 3 => |row| lens().cell(row, -1);
        "cell" EitherEnd of 8 => |position| lens().cell(0, position);
        "line" EitherEnd of 8 => |position| lens().line(position);
        "rank_line" EitherEnd of 8 => |position| lens().rank_line(position);
        "positions" EitherEnd of 8 => |position| stack().positions([position]);
        "stack_activation" EitherEnd of 2 => |layer| run().stack_activation(|_| Site::z(layer));
        "positions" EitherEnd of 8 => |position| model().pass(TEXT)?.record(Site::z(0)).positions([position]).run();
        "source_positions" EitherEnd of 3 => |position| {
            t5().pass([5, 9, 2])?.record(Site::embed()).source_positions([position]).run()
        };
        "logits_at" EitherEnd of 8 => |position| model().pass(TEXT)?.logits_at([position]).run();
        "start_at_layer" EitherEnd of 2 => |layer| {
            let past = if layer == 2 { 3 } else { layer }; // 2 is the end of the model
            model().pass(TEXT)?.start_at_layer(past, run().resid()).run()
        };
        "stop_at_layer" EitherEnd of 2 => |layer| {
            let past = if layer == 2 { 3 } else { layer };
            model().pass(TEXT)?.stop_at_layer(past).run()
        };
        "start_at_encoder_layer" EitherEnd of 2 => |layer| {
            let past = if layer == 2 { 3 } else { layer };
            t5().pass([5, 9, 2])?.start_at_encoder_layer(past, t5().pass([5, 9, 2])?.stop_at_encoder_layer(0).run()?.resid()).run()
        };
        "stop_at_encoder_layer" EitherEnd of 2 => |layer| {
            let past = if layer == 2 { 3 } else { layer };
            t5().pass([5, 9, 2])?.stop_at_encoder_layer(past).run()
        };
        "record" EitherEnd of 2 => |layer| model().pass(TEXT)?.record(Site::z(layer)).run();
        "differentiate" EitherEnd of 2 => |layer| {
            model().pass(TEXT)?.differentiate(Site::z(layer), |x| x.sum_all()).run()
        };
        "shape" EitherEnd of 2 => |layer| model().config().shape(Site::z(layer), 1, 1);

        "head" EitherEnd of 4 => |head| ablated(zero(Site::z(0)).head(head));
        "heads" EitherEnd of 4 => |head| ablated(zero(Site::z(0)).heads([0, head]));
        "position" EitherEnd of 8 => |position| ablated(zero(Site::z(0)).position(position));
        "positions" EitherEnd of 8 => |position| ablated(zero(Site::z(0)).positions([0, position]));
        "key" EitherEnd of 8 => |key| ablated(zero(Site::pattern(0)).key(key));
        "keys" EitherEnd of 8 => |key| ablated(zero(Site::pattern(0)).keys([0, key]));
        "text" EitherEnd of 1 => |text| ablated(zero(Site::z(0)).text(text));
        "block_attention" EitherEnd of 2 => |layer| ablated(block_attention(layer, [1], [0]));
        "block_attention" EitherEnd of 8 => |position| ablated(block_attention(0, [position], [0]));
        "block_attention" EitherEnd of 8 => |position| ablated(block_attention(0, [1], [position]));
        "hooked" EitherEnd of 2 => |layer| model().hooked([zero(Site::z(layer))]).run(TEXT);
        "between" EitherEnd of 8 => |position| {
            Direction::between(&model(), Site::resid_post(0), position, TEXT, "owl fox red owl blue red fox")
        };
        "between" EitherEnd of 2 => |layer| Direction::between(&model(), Site::resid_post(layer), -1, TEXT, "owl");

        "index" EitherEnd of 8 => |position| run().tokens().index(position);
        "index_in" EitherEnd of 8 => |position| run().tokens().index_in(0, position);
        "index_in" EitherEnd of 1 => |text| run().tokens().index_in(text, 0);
        "covering" EitherEnd of 1 => |text| run().tokens().covering(text, 0..1);
        "covering" FromStart of 29 => |end| run().tokens().covering(0, 0..end.saturating_add(1));
        "characters" EitherEnd of 1 => |text| run().tokens().characters(text, 0..1);
        "characters" FromStart of 8 => |end| run().tokens().characters(0, 0..end.saturating_add(1));
        "find" EitherEnd of 1 => |text| run().tokens().find(text, "red");

        "intervene_during" FromStart of 2 => |step| two().intervene_during(step.., [zero(Site::z(0))]).run();
        "record_during" FromStart of 2 => |step| two().record_during(step.., Site::z(0)).run();
        "intervene" EitherEnd of 2 => |layer| model().generate(TEXT)?.intervene([zero(Site::z(layer))]).run();
        "intervene" EitherEnd of 10 => |position| two().intervene([zero(Site::z(0)).position(position)]).run();
        "stop_reason" EitherEnd of 1 => |text| said().stop_reason(text);
        "probabilities" EitherEnd of 1 => |text| said().probabilities(text);
        "cache" EitherEnd of 2 => |step| said().cache(step);

        "w_q" EitherEnd of 2 => |layer| model().weights().w_q(layer);
        "w_k" EitherEnd of 2 => |layer| model().weights().w_k(layer);
        "w_v" EitherEnd of 2 => |layer| model().weights().w_v(layer);
        "w_o" EitherEnd of 2 => |layer| model().weights().w_o(layer);
        "b_q" EitherEnd of 2 => |layer| model().weights().b_q(layer);
        "b_k" EitherEnd of 2 => |layer| model().weights().b_k(layer);
        "b_v" EitherEnd of 2 => |layer| model().weights().b_v(layer);
        "b_o" EitherEnd of 2 => |layer| model().weights().b_o(layer);
        "w_in" EitherEnd of 2 => |layer| model().weights().w_in(layer);
        "w_gate" EitherEnd of 2 => |layer| model().weights().w_gate(layer);
        "w_out" EitherEnd of 2 => |layer| model().weights().w_out(layer);
        "b_in" EitherEnd of 2 => |layer| model().weights().b_in(layer);
        "b_gate" EitherEnd of 2 => |layer| model().weights().b_gate(layer);
        "b_out" EitherEnd of 2 => |layer| model().weights().b_out(layer);
        "ln_w" EitherEnd of 2 => |layer| model().weights().ln_w(layer, "ln1");
        "ln_b" EitherEnd of 2 => |layer| model().weights().ln_b(layer, "ln1");
        "accumulated_bias" FromStart of 3 => |layer| model().weights().accumulated_bias(layer, false, true);
        "qk" EitherEnd of 2 => |layer| model().qk(layer);
        "ov" EitherEnd of 2 => |layer| model().ov(layer);
        "get" EitherEnd of 4 => |head| model().ov(0)?.get(head);
        "at" EitherEnd of 4 => |head| model().ov(0)?.at([head]);
        "slice" FromStart of 4 => |end| model().ov(0)?.slice(0..end.saturating_add(1));
        "rows" FromStart of 64 => |end| model().ov(0)?.rows(0..end.saturating_add(1));
        "columns" FromStart of 64 => |start| model().ov(0)?.columns(start..usize::MAX);
        "unsqueeze" FromStart of 2 => |axis| model().ov(0)?.unsqueeze(axis);

        "ov_circuit" EitherEnd of 2 => |layer| ov_circuit(&model(), (layer, 0), [3u32], [3u32]);
        "ov_circuit" EitherEnd of 4 => |head| ov_circuit(&model(), (0, head), [3u32], [3u32]);
        "qk_circuit" EitherEnd of 4 => |head| qk_circuit(&model(), (0, head), [3u32], [3u32]);
        "qk_circuit_through" EitherEnd of 4 => |head| qk_circuit_through(&model(), (1, 0), (0, head), [3u32], [3u32]);
        "position_circuit" EitherEnd of 4 => |head| position_circuit(&model(), (0, head), 4);
        "position_circuit" FromStart of 65 => |positions| position_circuit(&model(), (0, 0), positions);
        "full_ov" EitherEnd of 4 => |head| full_ov(&model(), (0, head));
        "full_qk" EitherEnd of 2 => |layer| full_qk(&model(), (layer, 0));
        "prefix_matching_scores" EitherEnd of 4 => |head| prefix_matching_scores(model(), (0, head));
        "heads" EitherEnd of 4 => |head| Detector::head_type(HeadType::Induction).heads([(0, head)]).scores(run());
        "read_by" EitherEnd of 4 => |head| composition_scores(model(), Composition::K)?.read_by((1, head));
        "readers_of" EitherEnd of 2 => |layer| composition_scores(model(), Composition::K)?.readers_of((layer, 0));
        "prefix_matching_scores" EitherEnd of 4 => |head| prefix_matching_scores(model(), (0, head));
        "heads" EitherEnd of 4 => |head| Detector::head_type(HeadType::Induction).heads([(0, head)]).scores(run());
        "read_by" EitherEnd of 4 => |head| composition_scores(model(), Composition::K)?.read_by((1, head));
        "readers_of" EitherEnd of 2 => |layer| composition_scores(model(), Composition::K)?.readers_of((layer, 0));
        "svd_reading" FromStart of 2 => |layer| svd_reading(&model(), Writes::Head { layer, head: 0 }, 1);
        "svd_reading" FromStart of 4 => |head| svd_reading(&model(), Writes::Head { layer: 0, head }, 1);
        "svd_reading" FromStart of 2 => |layer| svd_reading(&model(), Writes::MlpOut { layer }, 1);

        "at" EitherEnd of 8 => |position| Patching::unpatched(&model(), TEXT, metric().at(position)?);
        "at_each" EitherEnd of 8 => |position| Patching::unpatched(&model(), TEXT, metric().at_each([position])?);
        "knock_out" EitherEnd of 8 => |position| patching().knock_out([position], [0], 1);
        "knock_out" EitherEnd of 8 => |position| patching().knock_out([1], [position], 1);
        "knock_out_heads" EitherEnd of 8 => |position| patching().knock_out_heads([position], [0]);
        "knock_out_keys" EitherEnd of 8 => |position| patching().knock_out_keys([position], 1);
        "sweep" EitherEnd of 2 => |layer| patching().sweep("one", [], |_| [zero(Site::z(layer))]);
        "sweep" EitherEnd of 4 => |head| patching().sweep("one", [], |_| [zero(Site::z(0)).head(head)]);
        "direct_path" FromStart of 2 => |layer| {
            patching().direct_path(Sender::Head { layer, head: 0 }, Receiver::Logits)
        };
        "direct_path" FromStart of 4 => |head| {
            patching().direct_path(Sender::Head { layer: 0, head }, Receiver::Logits)
        };
        "new" FromStart of 2 => |layer| Circuit::new(&model(), [(Sender::Embed, Receiver::Value { layer, head: 0 })]);
        "direct_paths_to" FromStart of 2 => |layer| patching().direct_paths_to(Receiver::Key { layer, head: 0 });
        "paths_to" FromStart of 4 => |head| patching().paths_to(Receiver::Key { layer: 1, head });
        "decompose" EitherEnd of 2 => |layer| run().decompose(Site::resid_post(layer));
        "accumulated_resid" EitherEnd of 2 => |layer| run().accumulated_resid(Site::resid_post(layer), false);
        "path" FromStart of 4 => |head| patching().path(Sender::Embed, Receiver::Query { layer: 1, head });
    }
}

/// Of models and objects of other kinds.
pub fn of_others() -> Table<'static> {
    let mixture = || open("families/mixtral");
    let bert = || open("families/bert");
    let adding = || Model::open("modular-addition-1l").unwrap();
    let labels = || (0..6).map(|sample| sample % 2 == 0).collect::<Labels>();
    let training = || Training::start(recipe("modular-addition").unwrap()).unwrap();
    let odd = || Tokenizer::from_bytes(WORDS.as_bytes()).unwrap();
    table! {
        "expert" FromStart of 4 => |expert| mixture().weights().expert(expert);
        "record (expert)" FromStart of 4 => |expert| mixture().pass([1, 2])?.record(Site::expert_post(0, expert)).run();
        "replace (experts)" Id of 4 => |expert| {
            let chosen = Tensor::new(&[[expert; 2]; 2], &Device::Cpu)?;
            mixture().run_with([1, 2], [replace(Site::expert_indices(0), chosen)])
        };
        "neuron" EitherEnd of 20 => |neuron| bert().run_with([1, 2], [zero(Site::mlp_post(0)).neuron(neuron)]);
        "neurons" EitherEnd of 20 => |neuron| bert().run_with([1, 2], [zero(Site::mlp_post(0)).neurons([neuron])]);
        "with_token_types" Id of 2 => |kind| bert().run(bert().tokens([1, 2])?.with_token_types(&[vec![0, kind]])?);
        "decode" Id of 2 => |id| odd().decode([id]);
        "neuron" FromStart of 512 => |neuron| Sums::of(&adding())?.neuron(neuron);
        "score" Id of 53 => |number| Sums::of(&adding())?.score(&[(number, 1)]);
        "score" Id of 53 => |number| Sums::of(&adding())?.score(&[(1, number)]);
        "of" FromStart of 27 => |frequency| ProgressMeasures::of(&adding(), &ModularAddition::default(), &[frequency]);
        "circle" FromStart of 27 => |frequency| Fourier::new(53)?.circle(&adding().weights().w_e()?, frequency);
        "next_tokens" Id of 55 => |id| training().parameters().loss(&Batch::next_tokens(&[[1, 2, id]], |_, _| true)?);
        "answers" Id of 55 => |id| training().parameters().loss(&Batch::answers(&[[1, 53, 2, 54]], &[id])?);
        "answers" Id of 55 => |id| training().parameters().loss(&Batch::answers(&[[1, 53, 2, id]], &[3])?);
        "from_indices" FromStart of 6 => |sample| Split::from_indices(labels(), [0, 1], [2, sample]);
        "node" FromStart of 1 => |layer| glassbox::plot::LayerGraph::new(["0"]).node("one", layer, None).draw();
    }
}

pub const WORDS: &str = r#"{"model": {"type": "WordLevel", "vocab": {"red": 0, "?": 1}, "unk_token": "?"}, "decoder": null,
    "pre_tokenizer": {"type": "WhitespaceSplit"}, "added_tokens": [], "normalizer": null, "post_processor": null,
    "version": "1.0", "truncation": null, "padding": null}"#;
