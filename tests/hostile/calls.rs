//! Public methods, called with odd arguments.

use crate::{answers::judged, odd::Odd};
use arbitrary::Unstructured;
use glassbox::{
    Model,
    circuits::{self, Composition},
    corpus,
    fourier::Fourier,
    hook::Site,
    model::Run,
    notebook::Show,
    patching::{HeadPart, Metric, Patching},
    plot::{Bars, Heatmap, LineChart, Scatter, Series},
    prelude::Direction,
    probe::{Features, Labels, SparseProbe},
    train::Training,
};
use ndarray::Array2;
use std::path::Path;

type Outcome = Result<(), String>;

/// Calls methods until the choices are at an end.
pub fn make(choices: &[u8], place: &Path) -> Outcome {
    let model = Model::open(place.to_string_lossy()).map_err(|error| format!("a seed model: {error}"))?;
    let mut odd = Odd { choices: Unstructured::new(choices), model: &model };
    let run = model.run([5, 0, 3, 1, 9]).map_err(|error| format!("a seed model: {error}"))?;
    let areas = [of_run, of_model, of_generation, of_patching, of_circuits, of_pictures, of_probes];
    for _ in 0..6 {
        if odd.choices.is_empty() {
            break;
        }
        odd.one_of(&areas)(&mut odd, &run)?;
    }
    Ok(())
}

/// Judges an error, and shows what can be shown.
fn shown<T: Show>(result: glassbox::Result<T>) -> Outcome {
    judged(result)?.iter().for_each(Show::evcxr_display);
    Ok(())
}

fn fine<T>(result: glassbox::Result<T>) -> Outcome {
    judged(result).map(drop)
}

/// A number between 0 and 1, or an error.
fn share(result: glassbox::Result<f32>) -> Outcome {
    match judged(result)? {
        Some(value) if !(0.0..=1.0).contains(&value) => Err(format!("a probability of {value}")),
        _ => Ok(()),
    }
}

fn of_run(odd: &mut Odd, run: &Run) -> Outcome {
    let run = &match judged(odd.model.run_with(odd.ids(), [odd.intervention()]))? {
        Some(changed) => changed,
        None => run.clone(),
    };
    let (layer, head, position, k) = (odd.count(), odd.count(), odd.index(), odd.count());
    match odd.range(0..=21) {
        0 => fine(run.predictions(position, k)),
        1 => fine(run.predictions_in(head, position, k)),
        2 => share(run.probability(odd.text(), position)),
        3 => fine(run.logit_diff(odd.text(), odd.text(), position)),
        4 => fine(run.loss_per_token()),
        5 => fine(run.loss()),
        6 => shown(run.attention(layer)),
        7 => shown(run.attention_head(layer, head)),
        8 => shown(run.attention_from(layer, head, position)),
        9 => fine(run.pattern(layer, head)),
        10 => shown(run.next_tokens(position, k)),
        11 => shown(run.surprise()),
        12 => shown(run.logit_lens()),
        13 => shown(run.logit_lens().and_then(|lens| lens.line(position))),
        14 => shown(run.logit_lens_for(odd.text())),
        15 => fine(run.logit_lens().and_then(|lens| lens.cell(layer, position))),
        16 => fine(run.decompose_heads(odd.site()).and_then(|stack| stack.logit_attrs(odd.id(), odd.id())?.top(k))),
        17 => shown(run.decompose(odd.site()).and_then(|stack| stack.logit_attrs_of(odd.text().as_str()))),
        18 => fine(run.accumulated_resid(odd.site(), true).and_then(|stack| stack.positions([position]))),
        19 => fine(run.cache().get(odd.site())),
        20 => shown(circuits::head_scores(run)),
        _ => fine(run.pooled()),
    }
}

fn of_model(odd: &mut Odd, run: &Run) -> Outcome {
    let model = odd.model;
    match odd.range(0..=15) {
        0 => fine(model.tokens(odd.text())),
        1 => fine(model.to_tokens(odd.text(), odd.often(8))),
        2 => fine(model.tokens(odd.ids()).and_then(|tokens| tokens.index_in(odd.count(), odd.index()))),
        3 => fine(model.to_string([odd.id(), odd.id()])),
        4 => fine(model.to_single_token(&odd.text())),
        5 => fine(model.to_single_str_token(odd.id())),
        6 => {
            model.token_text(odd.id());
            Ok(())
        }
        7 => shown(model.test_prompt(odd.text(), odd.text())),
        8 => fine(model.pass(odd.ids()).and_then(|pass| pass.record(odd.pattern()).positions([odd.index()]).run())),
        9 => fine(model.pass(odd.ids()).and_then(|pass| pass.stop_at_layer(odd.index()).run())),
        10 => fine(model.unembed(odd.tensor())),
        11 => shown(model.fill_mask(odd.text(), odd.count())),
        12 => fine(odd.text().parse::<Site>()),
        13 => fine(Direction::new(odd.site(), odd.tensor()).and_then(|direction| direction.add(odd.number()))),
        14 => fine(Direction::new(odd.site(), odd.tensor()).and_then(|direction| direction.project(run))),
        _ => shown(model.tokens([odd.text(), odd.text()])),
    }
}

fn of_generation(odd: &mut Odd, _: &Run) -> Outcome {
    let Some(generation) = judged(odd.model.generate(odd.text()))? else { return Ok(()) };
    let mut generation = generation.max_new_tokens(odd.small());
    for _ in 0..2 {
        generation = match odd.range(0..=9) {
            0 => generation.temperature(odd.number()),
            1 => generation.top_k(odd.count()),
            2 => generation.top_p(odd.number()),
            3 => generation.repetition_penalty(odd.number()),
            4 => generation.frequency_penalty(odd.number()),
            5 => generation.stop(odd.text()),
            6 => generation.end_tokens([odd.id()]),
            7 => generation.intervene([odd.intervention()]),
            8 => generation.record(odd.pattern()),
            _ => generation.without_kv_cache(),
        };
    }
    shown(generation.run())
}

fn of_patching(odd: &mut Odd, run: &Run) -> Outcome {
    let model = odd.model;
    let metric = match odd.range(0..=5) {
        0 => Metric::logit(model, odd.id(), odd.count()),
        1 => Metric::logit_diff(model, odd.text(), odd.text(), 1),
        2 => Metric::rank(model, odd.id(), 1),
        3 => Metric::kl_divergence(run),
        4 => Metric::logit(model, 3, 1).and_then(|metric| metric.at(odd.index())),
        _ => Metric::logit_diff(model, 3, 4, 1),
    };
    let Some(metric) = judged(metric)? else { return Ok(()) };
    let (mut clean, mut corrupt) = (odd.ids(), odd.ids());
    let length = clean.len().min(corrupt.len());
    if odd.often(12) {
        clean.truncate(length);
        corrupt.truncate(length);
    }
    let patching = match odd.range(0..=2) {
        0 => Patching::zero_ablation(model, clean, metric),
        _ => Patching::new(model, clean, corrupt, metric),
    };
    let Some(patching) = judged(patching)? else { return Ok(()) };
    let patching = patching.budget(odd.count());
    match odd.range(0..=7) {
        0 => shown(patching.resid_pre()),
        1 => shown(patching.heads(HeadPart::Out)),
        2 => shown(patching.pattern_entries()),
        3 => shown(patching.attn_out_windows(odd.count())),
        4 => shown(patching.knock_out_keys([odd.index()], odd.count())),
        5 => shown(patching.attribution().and_then(|patching| patching.heads(HeadPart::Out))),
        6 => fine(patching.heads(HeadPart::Pattern).map(|sweep| sweep.top(9))),
        _ => shown(patching.integrated_gradients(odd.small()).and_then(|patching| patching.resid_pre())),
    }
}

fn of_circuits(odd: &mut Odd, _: &Run) -> Outcome {
    let (model, head) = (odd.model, (odd.count(), odd.count()));
    match odd.range(0..=9) {
        0 => shown(circuits::ov_circuit(model, head, [odd.id()], [odd.id()])),
        1 => shown(circuits::qk_circuit(model, head, [odd.text()], [odd.id()])),
        2 => shown(circuits::position_circuit(model, head, odd.count())),
        3 => fine(circuits::full_ov(model, head)),
        4 => fine(circuits::composition_scores(model, Composition::K).and_then(|scores| scores.read_by(head))),
        5 => fine(circuits::repeated_random_tokens(model, odd.count(), odd.count(), odd.count(), 0)),
        6 => fine(circuits::prefix_matching_scores(model, head)),
        7 => fine(Fourier::new(odd.count()).and_then(|fourier| fourier.spectrum(odd.tensor()))),
        8 => fine(Fourier::new(7).and_then(|fourier| fourier.circle(odd.tensor(), odd.count()))),
        _ => fine(corpus::pairs(corpus::Contrast::RelativeClause, corpus::Partition::HeldOut, odd.small() * 50, 3)),
    }
}

fn of_pictures(odd: &mut Odd, _: &Run) -> Outcome {
    let value = odd.value();
    let (rows, columns) = (odd.small() * odd.small(), odd.small() * odd.small());
    match odd.range(0..=4) {
        0 => {
            let values =
                Array2::from_shape_fn((rows, columns), |(row, column)| if row == column { value } else { row as f32 });
            let map = Heatmap::new(values).title(odd.text()).y(odd.text()).y_tokens([odd.text(), odd.text()]);
            shown(map.range(odd.value(), odd.value()).print_strongest(odd.count()).draw())
        }
        1 => shown(Bars::new([(odd.text(), value), (odd.text(), 1.0)]).range(odd.value(), odd.value()).draw()),
        2 => shown(
            LineChart::new().add(Series::new(odd.text(), [value, 1.0, odd.value()])).title(odd.text()).log_y().draw(),
        ),
        3 => shown(
            Scatter::new([(odd.text(), value, 0.0), (odd.text(), 1.0, odd.value())])
                .named(odd.count())
                .diagonal()
                .draw(),
        ),
        _ => {
            let values = Array2::from_elem((rows, columns), value);
            shown(Heatmap::facets([(odd.text(), values.clone()), (odd.text(), values)]).draw())
        }
    }
}

fn of_probes(odd: &mut Odd, _: &Run) -> Outcome {
    let (rows, value) = (odd.small() * 3, odd.value());
    let values =
        Array2::from_shape_fn(
            (rows, odd.small()),
            |(row, column)| if row == 2 { value } else { ((row * 7 + column * 3) % 5) as f32 },
        );
    let labels = Labels::new((0..rows).map(|row| row % 2 == 0).collect::<Vec<_>>());
    let params = SparseProbe::params().k(odd.count()).test_fraction(odd.number()).l2(odd.number()).max_iterations(50);
    match odd.range(0..=2) {
        0 => {
            let mut recipe = crate::originals::recipe();
            recipe.schedule_mut().steps = odd.small().min(2);
            fine(Training::start(recipe).and_then(|mut training| {
                training.run(|_| Ok(()))?;
                training.model()
            }))
        }
        _ => {
            shown(Features::new(values).and_then(|features| params.fit(&features, &labels)).map(|probe| probe.report()))
        }
    }
}
