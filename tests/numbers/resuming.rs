//! A pass of an encoder-decoder goes on from the residual stream of any layer of either stack.

use crate::reference::{difference, open};
use candle_core::Tensor;
use glassbox::{
    hook::{Site, scale},
    model::Run,
};

#[test]
fn a_pass_goes_on_from_the_stream_of_any_layer_of_either_stack() {
    for name in ["families/t5", "families/t5-v1_1"] {
        let model = open(name);
        let pass = || model.pass(([5, 9, 30, 7, 2], [0, 3, 14, 21])).unwrap();
        let whole = pass().record(model.sites()).run().unwrap();
        let get = |run: &Run, site: Site| run.cache().get(site).unwrap();
        let same = |what: &str, got: Tensor, expected: Tensor| {
            let difference = difference(&got, &expected);
            assert!(difference < 1e-6, "{name}: {what} differs by {difference:e}");
        };
        for layer in 0..model.config().stack(glassbox::hook::Stack::Encoder).unwrap().n_layers {
            let stream = get(&whole, Site::resid_pre(layer).in_encoder());
            same("stream", pass().stop_at_encoder_layer(layer).run().unwrap().resid(), stream.clone());
            let on =
                pass().start_at_encoder_layer(layer, &stream).record([Site::cross_k(0).in_decoder()]).run().unwrap();
            same("logits", on.logits().unwrap(), whole.logits().unwrap());
            same("keys", get(&on, Site::cross_k(0).in_decoder()), get(&whole, Site::cross_k(0).in_decoder()));
            // Another stream gives others.
            let on = pass().start_at_encoder_layer(layer, ((stream * 2.0).unwrap() + 1.0).unwrap()).run();
            assert!(difference(&on.unwrap().logits().unwrap(), &whole.logits().unwrap()) > 1e-4);
        }
        for layer in 0..model.config().n_layers {
            let stream = get(&whole, Site::resid_pre(layer).in_decoder());
            same("stream", pass().stop_at_layer(layer).run().unwrap().resid(), stream.clone());
            let on = pass().start_at_layer(layer, stream).run().unwrap();
            same("logits", on.logits().unwrap(), whole.logits().unwrap());
        }
        let stream = get(&whole, Site::resid_pre(0).in_encoder());
        for (refused, words) in [
            (pass().start_at_encoder_layer(0, &stream).record(Site::embed()).run(), "does not reach `hook_embed`"),
            (pass().stop_at_encoder_layer(0).record(Site::z(0).in_decoder()).run(), "does not reach"),
            (pass().start_at_layer(0, &stream).stop_at_encoder_layer(0).run(), "start"),
            (open("gpt2-tiny").pass([1, 2]).unwrap().stop_at_encoder_layer(0).run(), "no encoder"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        // The decoder's embedding is a place of its own.
        let change =
            |edit| difference(&pass().intervene(edit).run().unwrap().logits().unwrap(), &whole.logits().unwrap());
        assert!(change(scale(Site::embed().in_decoder(), 2.0)) > 1e-3 && change(scale(Site::embed(), 2.0)) > 1e-3);
        let halved = scale("decoder.hook_embed", 0.5);
        let half = pass().intervene(halved).record(Site::resid_pre(0).in_decoder()).run().unwrap();
        let expected = (get(&whole, Site::decoder_embed()) * 0.5).unwrap();
        same("half", get(&half, Site::resid_pre(0).in_decoder()), expected);
    }
}

#[test]
fn positions_are_chosen_in_either_thing_that_an_encoder_decoder_reads() {
    let model = open("families/t5");
    let pass = || model.pass(([5, 9, 30, 7, 2], [0, 3, 14, 21])).unwrap().record(model.sites());
    let (whole, some) = (pass().run().unwrap(), pass().positions([-1]).source_positions([1, -2]).run().unwrap());
    let same = |site: Site, at: &[u32], axis: usize| {
        let rows = Tensor::new(at, &candle_core::Device::Cpu).unwrap();
        let expected = whole.cache().get(site).unwrap().index_select(&rows, axis).unwrap();
        assert_eq!(difference(&some.cache().get(site).unwrap(), &expected), 0.0, "{site}");
    };
    for site in [Site::resid_pre(1), Site::z(0), Site::mlp_out(1)] {
        same(site.in_encoder(), &[1, 3], 1);
        same(site.in_decoder(), &[3], 1);
    }
    same(Site::pattern(1).in_encoder(), &[1, 3], 2);
    same(Site::cross_pattern(1).in_decoder(), &[3], 2);
    same(Site::cross_k(1).in_decoder(), &[1, 3], 1);
    same(Site::embed(), &[1, 3], 1);
    same(Site::decoder_embed(), &[3], 1);
    assert_eq!(some.cache().positions(), Some(vec![3]));
    let source = pass().source_positions([0]).run().unwrap();
    assert_eq!((source.cache().positions(), source.logits().unwrap().dim(1).unwrap()), (None, 4));
    let error = open("gpt2-tiny").pass([1, 2]).unwrap().source_positions([0]).run().unwrap_err().to_string();
    assert!(error.contains("no encoder"), "{error}");
    assert!(pass().source_positions([5]).run().unwrap_err().is_out_of_range());
}
