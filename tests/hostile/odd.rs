//! Odd arguments.

use crate::change::STRINGS;
use arbitrary::{Unstructured, unstructured::Int};
use candle_core::{DType, Device, Tensor};
use glassbox::{
    Model,
    hook::{self, Intervention, Site, zero},
};
use std::ops::RangeInclusive;

/// Arguments, drawn one after the other from the choices of a case. After the last choice every draw is the first of
/// what it may be.
pub struct Odd<'a, 'b> {
    pub choices: Unstructured<'b>,
    pub model: &'a Model,
}

impl Odd<'_, '_> {
    pub fn range<T: Int>(&mut self, range: RangeInclusive<T>) -> T {
        self.choices.int_in_range(range).expect("a range that is not empty")
    }

    pub fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        self.choices.choose(values).expect("a list that is not empty").clone()
    }

    /// True so many times of 16.
    pub fn often(&mut self, times: u8) -> bool {
        self.range(0..=15) < times
    }

    /// A layer, head, position or number of something: half of them near what a small model has.
    pub fn count(&mut self) -> usize {
        match self.often(8) {
            true => self.range(0..=9),
            false => self.one_of(&[63, 64, 65, 373, 374, 1000, 1 << 31, 1 << 40, usize::MAX / 2, usize::MAX]),
        }
    }

    /// A count that a loop may follow.
    pub fn small(&mut self) -> usize {
        self.range(0..=12)
    }

    pub fn index(&mut self) -> i64 {
        match self.often(12) {
            true => self.range(-9..=9),
            false => self.one_of(&[64, -64, 374, 1 << 32, i64::MAX, i64::MIN]),
        }
    }

    pub fn id(&mut self) -> u32 {
        let end = self.model.config().d_vocab as u32;
        self.one_of(&[0, 1, 2, 7, end - 1, end, end + 1, u32::MAX - 1, u32::MAX])
    }

    pub fn number(&mut self) -> f64 {
        let (nan, infinite) = (f64::NAN, f64::INFINITY);
        self.one_of(&[0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-38, 1e-300, 1e38, 1e300, nan, infinite, -infinite])
    }

    pub fn value(&mut self) -> f32 {
        self.number() as f32
    }

    pub fn text(&mut self) -> String {
        let texts =
            ["red fox blue", "red fox blue owl red fox", "the boys that the girl", "fox", " fox", "[MASK]", "zzz"];
        match self.range(0..=9) {
            0..=5 => self.one_of(&texts).into(),
            6 => "red fox ".repeat(200),
            _ => self.one_of(&STRINGS).into(),
        }
    }

    /// Ids of the vocabulary, with another now and then.
    pub fn ids(&mut self) -> Vec<u32> {
        let last = self.model.config().d_vocab as u32 - 1;
        (0..self.range(0..=8)).map(|_| if self.often(15) { self.range(0..=last) } else { self.id() }).collect()
    }

    pub fn site(&mut self) -> Site {
        let (sites, layer) = (self.model.sites(), self.count());
        match self.range(0..=5) {
            0 => self.one_of(&[Site::z(layer), Site::resid_pre(layer), Site::result(layer), Site::pattern(layer)]),
            1 => Site::resid_post(layer).in_encoder(),
            _ => self.one_of(&sites),
        }
    }

    pub fn pattern(&mut self) -> &'static str {
        let far = "blocks.*.hook_resid_post";
        self.one_of(&["*", "blocks.*", "*********x", far, "hook_embed", "", "[", "blocks.-1.*", "*pattern*"])
    }

    /// Of any shape up to three axes, with values that are not all numbers.
    pub fn tensor(&mut self) -> Tensor {
        let d_model = self.model.config().d_model;
        let shape: Vec<usize> = (0..self.range(0..=3)).map(|_| self.one_of(&[0, 1, 2, 3, 7, d_model])).collect();
        let value = self.one_of(&[0f32, 1.0, -3.5, f32::NAN, f32::INFINITY, 1e38]);
        let dtype = self.one_of(&[DType::F32, DType::F32, DType::F32, DType::F64, DType::U32, DType::F16]);
        let tensor = Tensor::full(value, shape, &Device::Cpu).expect("a small tensor");
        tensor.to_dtype(dtype).expect("a type that the CPU has")
    }

    pub fn intervention(&mut self) -> Intervention {
        let site = self.site();
        let change = match self.range(0..=5) {
            0 => zero(site),
            1 => hook::mean(site),
            2 => hook::replace(site, self.tensor()),
            3 => hook::add(site, self.tensor()),
            4 => hook::scale(site, self.number()),
            _ => zero(self.pattern()),
        };
        let place = self.index();
        match self.range(0..=4) {
            0 => change.head(place),
            1 => change.position(place),
            2 => change.neuron(place),
            3 => change.key(place).text(place),
            _ => change,
        }
    }
}
