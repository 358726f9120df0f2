//! [`Weights`]: the tensors of a checkpoint by name, read on demand. Families build their models from it.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Tensor};

use crate::{
    error::{LoadError, Result, nearest},
    tensor::from_values,
};

/// A source of tensors: files, memory, or another source whose rows are reordered.
pub(super) trait Source: Send + Sync {
    /// The name and shape of every tensor.
    fn shapes(&self) -> BTreeMap<String, Vec<usize>>;
    /// The values of a tensor, last axis fastest; `None` if [`shapes`](Self::shapes) does not list it.
    fn read(&self, name: &str) -> Result<Option<Vec<f32>>>;
    /// Whether two tensors are stored identically, if that is known without converting both.
    fn same(&self, _name: &str, _twin: &str) -> Result<Option<bool>> {
        Ok(None)
    }
    /// The end of an error about a bad value: where it comes from, and what to do.
    fn whence(&self, name: &str) -> String;
}

/// The tensors of a checkpoint by name, read on demand, as `f32` on the CPU.
///
/// It records which tensors were read. So a weight that the architecture does not use is reported
/// ([`unused`](Self::unused)) instead of silently ignored.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use glassbox::load::Weights;
/// let wte = Tensor::zeros((50, 8), candle_core::DType::F32, &Device::Cpu)?;
/// let weights = Weights::from_tensors([("transformer.wte.weight", wte)]).with_optional_prefix("transformer.");
/// assert_eq!(weights.get("wte.weight", &[50, 8])?.dims(), [50, 8]);
/// assert!(weights.unused().is_empty());
/// let error = weights.get("wpe.weight", &[10, 8]).unwrap_err();
/// assert!(error.to_string().contains("`wte.weight`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Weights {
    shared: Arc<Shared>,
    prefixes: Vec<String>,
}

struct Shared {
    source: Box<dyn Source>,
    shapes: BTreeMap<String, Vec<usize>>,
    asked: Mutex<BTreeSet<String>>,
}

impl Weights {
    pub(super) fn new(source: impl Source + 'static) -> Self {
        let shared = Shared { shapes: source.shapes(), source: Box::new(source), asked: Mutex::default() };
        Self { shared: Arc::new(shared), prefixes: Vec::new() }
    }

    /// Makes weights from tensors in memory, for a model that is built by hand or trained.
    pub fn from_tensors<N: Into<String>>(tensors: impl IntoIterator<Item = (N, Tensor)>) -> Self {
        Self::new(InMemory(tensors.into_iter().map(|(name, tensor)| (name.into(), tensor)).collect()))
    }

    /// Returns the same weights, with `prefix` removed from names that begin with it. Some checkpoints of a model write
    /// `transformer.h.0.attn...` and others `h.0.attn...`.
    pub fn with_optional_prefix(&self, prefix: &str) -> Self {
        let mut weights = self.clone();
        weights.prefixes.push(prefix.to_owned());
        weights
    }

    /// Returns the tensor `name` as `f32` on the CPU.
    ///
    /// # Shapes
    /// `expected`, as in the file.
    ///
    /// # Errors
    /// When there is no such tensor (the error lists the nearest), it exists with and without an optional prefix and
    /// the two differ, its shape differs, it is not stored as floating point numbers, or a value is NaN or infinite.
    pub fn get(&self, name: &str, expected: &[usize]) -> Result<Tensor> {
        let found = self.found(name);
        let (&(full, shape), again) = found.split_first().ok_or_else(|| self.missing(name))?;
        for &(other, _) in again {
            if !self.same(full, other)? {
                return Err(LoadError::TwoNames { first: full.to_owned(), second: other.to_owned() }.into());
            }
            self.asked(|asked| asked.insert(other.to_owned()));
        }
        self.asked(|asked| asked.insert(full.to_owned()));
        if shape != expected {
            let (got, expected) = (shape.to_vec(), expected.to_vec());
            return Err(LoadError::TensorShape { name: full.to_owned(), got, expected }.into());
        }
        let values = self.shared.source.read(full)?.ok_or_else(|| self.missing(name))?;
        match values.iter().filter(|value| !value.is_finite()).count() {
            0 => Ok(from_values(values, shape)?),
            count => {
                let whence = self.shared.source.whence(full);
                Err(LoadError::NotFinite { name: full.to_owned(), count, whence }.into())
            }
        }
    }

    /// Whether the tensor `name` exists and differs from `twin`, of which it may be a duplicate. If they are equal,
    /// `name` counts as used.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use glassbox::load::Weights;
    /// let tensor = |value: f32| Tensor::full(value, (3, 2), &Device::Cpu);
    /// let weights = Weights::from_tensors([("wte", tensor(1.0)?), ("copy", tensor(1.0)?), ("head", tensor(2.0)?)]);
    /// assert!(weights.differs("head", "wte")? && !weights.differs("copy", "wte")?);
    /// assert_eq!(weights.unused(), ["head", "wte"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn differs(&self, name: &str, twin: &str) -> Result<bool> {
        let (Some((name, _)), Some((twin, _))) = (self.resolve(name), self.resolve(twin)) else { return Ok(false) };
        let same = self.same(name, twin)?;
        if same {
            self.asked(|asked| asked.insert(name.to_owned()));
        }
        Ok(!same)
    }

    /// Whether the tensor `name` exists. This does not count as using it.
    pub fn contains(&self, name: &str) -> bool {
        self.resolve(name).is_some()
    }

    /// The shape of the tensor `name`, if it exists. This does not count as using it.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.resolve(name).map(|(_, shape)| shape.to_vec())
    }

    /// All names, without the optional prefixes, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.shared.shapes.keys().map(|full| self.strip(full).to_owned()).collect();
        names.sort();
        names
    }

    /// The names that were never read with [`get`](Self::get) by any clone of these weights, without the optional
    /// prefixes, in alphabetical order.
    pub fn unused(&self) -> Vec<String> {
        let is_unused = |full: &&String| self.asked(|asked| !asked.contains(*full));
        let mut names: Vec<_> =
            self.shared.shapes.keys().filter(is_unused).map(|full| self.strip(full).to_owned()).collect();
        names.sort();
        names
    }

    /// Marks every tensor whose full name begins with `prefix` as used. It is for parts of a checkpoint that are left
    /// out on purpose, such as the vision tower of a model that is used for text only. Returns their number.
    pub fn leave_out(&self, prefix: &str) -> usize {
        let names: Vec<_> = self.shared.shapes.keys().filter(|full| full.starts_with(prefix)).cloned().collect();
        let count = names.len();
        self.asked(|asked| asked.extend(names));
        count
    }

    /// Refuses a checkpoint with unused tensors, except those whose name ends with one of `buffers`. Buffers hold
    /// computed values that are not learned, such as `attn.bias` or `rotary_emb.inv_freq`.
    ///
    /// # Errors
    /// When a tensor is unused; the error names it.
    pub fn refuse_unused(&self, family: &str, buffers: &[&str]) -> Result<()> {
        let mut left = self.unused();
        left.retain(|name| !buffers.iter().any(|buffer| name.ends_with(buffer)));
        if left.is_empty() {
            return Ok(());
        }
        let count = left.len();
        let more = if count > 4 { ", ..." } else { "" };
        left.truncate(4);
        let names = format!("{}{more}", quoted(&left));
        Err(LoadError::UnusedTensors { family: family.to_owned(), count, names }.into())
    }

    /// The name in the file and the shape of the tensor `name`.
    fn resolve(&self, name: &str) -> Option<(&str, &[usize])> {
        self.found(name).first().copied()
    }

    /// Every tensor in the file that `name` may mean, which can be more than one with optional prefixes.
    fn found(&self, name: &str) -> Vec<(&str, &[usize])> {
        let candidates = self.prefixes.iter().map(|prefix| format!("{prefix}{name}")).chain([name.to_owned()]);
        let stored = candidates.filter_map(|full| self.shared.shapes.get_key_value(&full));
        stored.map(|(full, shape)| (full.as_str(), shape.as_slice())).collect()
    }

    /// Whether two tensors in the file have the same shape and values.
    fn same(&self, name: &str, twin: &str) -> Result<bool> {
        let Shared { source, shapes, .. } = &*self.shared;
        if shapes.get(name) != shapes.get(twin) {
            return Ok(false);
        }
        match source.same(name, twin)? {
            Some(same) => Ok(same),
            None => Ok(source.read(name)? == source.read(twin)?),
        }
    }

    fn strip<'a>(&self, full: &'a str) -> &'a str {
        self.prefixes.iter().find_map(|prefix| full.strip_prefix(prefix.as_str())).unwrap_or(full)
    }

    fn missing(&self, name: &str) -> LoadError {
        LoadError::MissingTensor { name: name.to_owned(), nearest: quoted(&nearest(name, self.names(), 3)) }
    }

    fn asked<T>(&self, with: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        with(&mut self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Weights({} tensors)", self.shared.shapes.len())
    }
}

struct InMemory(BTreeMap<String, Tensor>);

impl Source for InMemory {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.0.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect()
    }

    fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1();
        Ok(self.0.get(name).map(values).transpose()?)
    }

    fn whence(&self, _: &str) -> String {
        "it did not come from a file, but from the program that made or trained the model".into()
    }
}

/// Names for a sentence: "`a`, `b`".
pub(super) fn quoted(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn weights() -> Weights {
        let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
        Weights::from_tensors([
            ("transformer.h.0.ln_1.weight", tensor(&[1., 2., 3.])),
            ("transformer.h.0.attn.bias", tensor(&[1.])),
            ("lm_head.weight", tensor(&[1., f32::NAN])),
        ])
        .with_optional_prefix("transformer.")
    }

    #[test]
    fn a_prefix_may_be_there_or_not() {
        let all = ["h.0.attn.bias", "h.0.ln_1.weight", "lm_head.weight"];
        assert_eq!(weights().names(), all);
        assert_eq!(weights().get("h.0.ln_1.weight", &[3]).unwrap().to_vec1::<f32>().unwrap(), [1., 2., 3.]);
        assert_eq!(weights().get("transformer.h.0.ln_1.weight", &[3]).unwrap().dims(), [3]);
        assert_eq!(weights().shape("lm_head.weight"), Some(vec![2]));
    }

    #[test]
    fn what_was_never_asked_for_is_known_to_every_clone() {
        let weights = weights();
        assert!(weights.contains("h.0.ln_1.weight") && weights.unused().len() == 3);
        weights.clone().get("h.0.ln_1.weight", &[3]).unwrap();
        assert_eq!(weights.unused(), ["h.0.attn.bias", "lm_head.weight"]);
        let error = weights.refuse_unused("gpt2", &["attn.bias"]).unwrap_err().to_string();
        assert!(error.contains("`lm_head.weight`") && !error.contains("attn.bias"), "{error}");
        assert!(weights.refuse_unused("gpt2", &["attn.bias", "lm_head.weight"]).is_ok());
    }

    #[test]
    fn a_wrong_name_shape_or_value_is_refused_by_name() {
        for (name, shape, parts) in [
            ("h.0.ln_1.wieght", vec![3], ["no tensor", "`h.0.ln_1.weight`"]),
            ("h.0.ln_1.weight", vec![4], ["[3]", "[4]"]),
            ("lm_head.weight", vec![2], ["1 in all", "not finite"]),
        ] {
            let error = weights().get(name, &shape).unwrap_err();
            assert!(error.is_load() && error.to_string().contains("h"), "{error}");
            parts.iter().for_each(|part| assert!(error.to_string().contains(part), "{error} lacks {part}"));
        }
    }
}
