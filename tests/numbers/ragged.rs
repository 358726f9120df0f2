//! Texts of different lengths side by side are each what they are alone, for every family, padding tokens inside texts
//! included.

use crate::reference::{difference, folder, open};
use candle_core::{IndexOp, Tensor};
use glassbox::{
    Model,
    axes::Axis,
    hook::{Point, Site, Stack},
    model::{Architecture, Run},
    text::{Padding, Tokens},
};
use serde_json::Value;

/// Every model in `tests/reference`, with the id of its padding token.
fn models() -> Vec<(String, u32)> {
    let names = |place: &str| {
        let entries = std::fs::read_dir(folder(place)).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| format!("{place}{}", name.to_str().unwrap())).collect::<Vec<_>>()
    };
    let mut names = [names(""), names("families/")].concat();
    names.retain(|name| folder(name).join("config.json").exists() && folder(name).join("model.safetensors").exists());
    // Sound is not padded by tokens.
    names.retain(|name| !name.contains("whisper"));
    names.sort();
    let padding = |name: &String| {
        let config = std::fs::read_to_string(folder(name).join("config.json")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        config["pad_token_id"].as_u64().unwrap_or(3) as u32
    };
    names.into_iter().map(|name| (name.clone(), padding(&name))).collect()
}

/// Texts of one token and of many, one with padding tokens at its beginning, one within, one at its end.
fn texts(padding: u32) -> Vec<Vec<u32>> {
    let mut long: Vec<u32> = (0..18).map(|at| 4 + (at * 7) % 40).collect();
    (long[2], long[9], long[10]) = (padding, padding, padding);
    vec![vec![5, 6, padding, 1, 9, 8, 7], long, vec![padding, 30], vec![11], vec![12, 13, 14, padding]]
}

/// The part of a batch's activation that one text has alone.
fn part(x: &Tensor, site: Site, text: usize, [own, source]: [&Tokens; 2]) -> Tensor {
    let of_encoder = site.stack() == Stack::Encoder || matches!(site.point(), Point::CrossK | Point::CrossV);
    let mut part = x.i(text).unwrap();
    for (dim, axis) in site.axes()[1..].iter().enumerate() {
        let tokens = match axis {
            Axis::Key if matches!(site.point(), Point::CrossPattern | Point::CrossAttnScores) => source,
            Axis::Pos | Axis::Query | Axis::Key if of_encoder => source,
            Axis::Pos | Axis::Query | Axis::Key => own,
            _ => continue,
        };
        let at = tokens.real(text);
        part = part.narrow(dim, at.start, at.len()).unwrap();
    }
    part
}

fn run(model: &Model, tokens: &Tokens) -> Run {
    let sites = model.sites();
    let both = model.config().architecture == Architecture::EncoderDecoder;
    // What goes around embedding and reading of an encoder-decoder is of one stack or the other.
    let sites = sites.into_iter().filter(|site| !both || site.layer().is_some());
    let whole = sites.filter(|site| site.axes().first() == Some(&Axis::Batch));
    let pass = model.pass(tokens).unwrap().record(whole.collect::<Vec<_>>());
    let pass = if both { pass.decoder_input(tokens).unwrap() } else { pass };
    pass.run().unwrap()
}

#[test]
fn texts_of_different_lengths_are_each_what_they_are_alone_in_every_family() {
    for (name, padding) in models() {
        let (model, texts) = (open(&name), texts(padding));
        for side in [Padding::Left, Padding::Right] {
            let tokens = model.tokens(texts.clone()).unwrap().padded(side);
            let together = run(&model, &tokens);
            for (index, text) in texts.iter().enumerate() {
                let alone = run(&model, &model.tokens(text).unwrap());
                // The decoder reads ids as they are, on the right.
                let own = &together.tokens();
                for (site, value) in alone.cache().iter() {
                    let got = part(&together.cache().get(site).unwrap(), site, index, [own, &tokens]);
                    let far = difference(&got, &value);
                    assert!(far < 1e-4, "{name}, {side:?}, text {index}, {site}: {far:e}");
                }
                let at = own.real(index);
                let resid = together.resid().i(index).unwrap().narrow(0, at.start, at.len()).unwrap();
                assert!(difference(&resid, &alone.resid()) < 1e-4, "{name}, {side:?}, text {index}");
            }
        }
    }
}

#[test]
fn a_pass_that_starts_within_the_blocks_ends_as_the_whole_one_in_every_family() {
    for (name, padding) in models() {
        let model = open(&name);
        if model.config().architecture == Architecture::EncoderDecoder {
            continue;
        }
        let tokens = model.tokens(texts(padding)).unwrap().padded(Padding::Left);
        let whole = model.pass(&tokens).unwrap().record(Site::resid_pre(1)).run().unwrap();
        let resid = &whole.cache().get(Site::resid_pre(1)).unwrap();
        let rest = model.pass(&tokens).unwrap().start_at_layer(1, resid).run().unwrap();
        assert!(difference(&rest.resid(), &whole.resid()) < 1e-6, "{name}");
    }
}

#[test]
fn what_a_batch_goes_on_with_is_what_each_text_goes_on_with_alone_in_every_decoder() {
    for (name, padding) in models() {
        let model = open(&name);
        if model.config().architecture != Architecture::Decoder {
            continue;
        }
        // The longest one more, so that LongRoPE's angles change within: of one text at a time, at different steps.
        let mut texts = texts(padding);
        texts[1].truncate(15);
        texts.push(vec![21; 14]);
        let all = |texts: Vec<Vec<u32>>| model.generate(texts).unwrap().max_new_tokens(4).end_tokens([]).keep_logits();
        let together = all(texts.clone());
        let (kept, anew) = (together.run().unwrap(), together.without_kv_cache().run().unwrap());
        for (index, text) in texts.into_iter().enumerate() {
            let alone = all(vec![text]).without_kv_cache().run().unwrap();
            for batch in [&kept, &anew] {
                let far = difference(&batch.logits().unwrap().i(index).unwrap(), &alone.logits().unwrap());
                assert!(far < 1e-3, "{name}, text {index}: {far:e}");
                assert_eq!(batch.new_ids(index), alone.new_ids(0), "{name}, text {index}");
            }
        }
    }
}

/// The first logits at the last token of a text.
fn last_logits(model: &Model, ids: &[u32]) -> Vec<f32> {
    let logits = model.forward(ids).unwrap();
    logits.i((0, ids.len() - 1, ..4)).unwrap().to_vec1().unwrap()
}

#[test]
fn roberta_counts_positions_past_padding_tokens_inside_a_text_as_hugging_face_does() {
    let model = open("families/roberta");
    assert_eq!(model.config().unplaced_token, Some(3));
    let logits = last_logits(&model, &[5, 0, 3, 1, 9]);
    for (logit, expected) in logits.iter().zip([0.984, -0.255, 1.582, 0.962]) {
        assert!((logit - expected).abs() < 1e-3, "{logits:?}");
    }
    // Where the padding token stands, the table's own row for it is read, and after it the next row of all.
    let site = "embed.hook_pos_embed";
    let read = |ids: &[u32]| {
        let run = model.pass(ids).unwrap().record(site).run().unwrap();
        run.cache().get(site).unwrap().i(0).unwrap().to_vec2::<f32>().unwrap()
    };
    let (with, without) = (read(&[5, 3, 3, 9, 1]), read(&[5, 9, 1]));
    assert_eq!([&with[0], &with[3], &with[4]], [&without[0], &without[1], &without[2]]);
    assert!(with[1] == with[2] && !without.contains(&with[1]));
}
