use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{LoadError, Result};

/// A model's configuration: the keys and values of its `config.json`, read by name and by type.
///
/// A dot reaches into a section (`"rope_parameters.rope_theta"`), and where several keys mean the same the first
/// one present wins. A `null` is as good as absent.
///
/// ```
/// use glassbox::load::Settings;
/// let settings = Settings::parse(r#"{"model_type": "gpt2", "n_head": 12, "rope": {"theta": 1e6}}"#)?;
/// assert_eq!(settings.get::<usize>(["num_attention_heads", "n_head"])?, 12);
/// assert_eq!(settings.find::<f64>("rope.theta")?, Some(1e6));
/// assert_eq!(settings.or("layer_norm_epsilon", 1e-5)?, 1e-5);
/// assert!(settings.get::<usize>("n_layer").unwrap_err().to_string().contains("a gpt2 model needs"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Settings {
    map: Map<String, Value>,
}

impl Settings {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_file(text.as_bytes(), Path::new("config.json"))
    }

    /// The same settings, with the keys that are not written here taken from `defaults`, the text of a JSON object. A
    /// `null` counts as written.
    ///
    /// ```
    /// use glassbox::load::Settings;
    /// let settings = Settings::parse(r#"{"sliding_window": null}"#)?;
    /// let settings = settings.with_defaults(r#"{"sliding_window": 4096, "head_dim": 256}"#)?;
    /// assert_eq!(settings.find::<usize>("sliding_window")?, None);
    /// assert_eq!(settings.find::<usize>("head_dim")?, Some(256));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn with_defaults(&self, defaults: &str) -> Result<Self> {
        let mut map = Self::parse(defaults)?.map;
        map.extend(self.map.clone());
        Ok(Self { map })
    }

    pub(super) fn of(map: Map<String, Value>) -> Self {
        Self { map }
    }

    /// As [`parse`](Self::parse), with the path for the error.
    pub(super) fn parse_file(text: &[u8], path: &Path) -> Result<Self> {
        let damaged = |why| LoadError::Damaged { path: PathBuf::from(path), what: "a JSON object", why };
        match serde_json::from_slice(text) {
            Ok(Value::Object(map)) => Ok(Self { map }),
            Ok(other) => Err(damaged(format!("it holds {}", kind_of(&other))).into()),
            Err(why) => Err(damaged(why.to_string()).into()),
        }
    }

    /// The `model_type`, such as `gpt2` or `llama`. TransformerLens's own configurations, which do not say it, are known
    /// by their keys: `hooked_transformer`.
    ///
    /// # Errors
    /// When the configuration does not say it.
    pub fn model_type(&self) -> Result<String> {
        let native = ["n_layers", "d_model", "n_ctx", "d_head", "d_vocab"].iter().all(|key| self.has(*key));
        match self.find("model_type")? {
            None if native => Ok(crate::model::NATIVE.to_owned()),
            Some(model_type) => Ok(model_type),
            None => self.get("model_type"),
        }
    }

    /// The value of a key that the model needs.
    ///
    /// # Errors
    /// When the key (or every one of several) is absent, or the value is not a `T`.
    pub fn get<T: FromSetting>(&self, keys: impl Keys) -> Result<T> {
        self.find(&keys)?.ok_or_else(|| {
            let family = ["model_type", "general.architecture"].iter().find_map(|key| self.value(key)?.as_str());
            let family = family.unwrap_or("transformer").to_owned();
            LoadError::MissingKey { key: keys.list().join("` or `"), family }.into()
        })
    }

    /// The value of a key that may be absent.
    ///
    /// # Errors
    /// When the value is there and is not a `T`.
    pub fn find<T: FromSetting>(&self, keys: impl Keys) -> Result<Option<T>> {
        let Some((key, value)) = keys.list().into_iter().find_map(|key| Some((key, self.value(key)?))) else {
            return Ok(None);
        };
        let bad = || LoadError::BadKey { key: key.into(), value: value.to_string(), expected: T::EXPECTED };
        Ok(Some(T::from_setting(value).ok_or_else(bad)?))
    }

    /// The value of a key, or `default` where it is absent.
    ///
    /// # Errors
    /// When the value is there and is not a `T`.
    pub fn or<T: FromSetting>(&self, keys: impl Keys, default: T) -> Result<T> {
        Ok(self.find(keys)?.unwrap_or(default))
    }

    /// Whether the key, or one of several, has a value.
    pub fn has(&self, keys: impl Keys) -> bool {
        keys.list().into_iter().any(|key| self.value(key).is_some())
    }

    /// A section, as settings of their own: `text_config` of a model that also sees images, say.
    pub fn section(&self, key: &str) -> Option<Self> {
        Some(Self { map: self.value(key)?.as_object()?.clone() })
    }

    /// The names of all keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.map.insert(key.to_owned(), value.into());
    }

    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        let nested = || {
            let (section, rest) = key.split_once('.')?;
            rest.split('.').try_fold(self.map.get(section)?, |value, part| value.get(part))
        };
        self.map.get(key).or_else(nested).filter(|value| !value.is_null())
    }
}

impl From<Settings> for Value {
    fn from(settings: Settings) -> Self {
        Self::Object(settings.map)
    }
}

/// One key, or several that mean the same.
pub trait Keys {
    /// The keys, in order of preference.
    fn list(&self) -> Vec<&str>;
}

impl Keys for &str {
    fn list(&self) -> Vec<&str> {
        vec![self]
    }
}

impl<S: AsRef<str>, const N: usize> Keys for [S; N] {
    fn list(&self) -> Vec<&str> {
        self.iter().map(S::as_ref).collect()
    }
}

impl<K: Keys> Keys for &K {
    fn list(&self) -> Vec<&str> {
        (*self).list()
    }
}

/// A type that a setting can be read as: a whole number, a number, a truth value, a text, or a list of these.
pub trait FromSetting: Sized {
    /// What the value must be, for an error.
    const EXPECTED: &'static str;
    /// The value, where it is of this type.
    fn from_setting(value: &Value) -> Option<Self>;
}

impl FromSetting for usize {
    const EXPECTED: &'static str = "a whole number from 0";
    fn from_setting(value: &Value) -> Option<Self> {
        let whole = |v: &f64| v.fract() == 0.0 && (0.0..=9e15).contains(v);
        value.as_u64().or_else(|| value.as_f64().filter(whole).map(|v| v as u64))?.try_into().ok()
    }
}

impl FromSetting for u32 {
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";
    fn from_setting(value: &Value) -> Option<Self> {
        usize::from_setting(value)?.try_into().ok()
    }
}

impl FromSetting for f64 {
    const EXPECTED: &'static str = "a number";
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl FromSetting for Value {
    const EXPECTED: &'static str = "any value";
    fn from_setting(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl FromSetting for bool {
    const EXPECTED: &'static str = "true or false";
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl FromSetting for String {
    const EXPECTED: &'static str = "a text";
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl<T: FromSetting> FromSetting for Vec<T> {
    const EXPECTED: &'static str = "a list";
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::from_setting).collect()
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::parse(
            r#"{"model_type": "llama", "hidden_size": 64.0, "heads": -1, "scale": 8, "tied": "yes",
                "nothing": null, "eos": [1, 2], "rope": {"type": "llama3", "deep": {"theta": 5e5}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_float_and_a_float_as_a_whole_number() {
        assert_eq!(settings().get::<usize>("hidden_size").unwrap(), 64);
        assert_eq!(settings().get::<f64>("scale").unwrap(), 8.0);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_the_key_the_value_and_what_is_needed() {
        let refuse = |error: crate::Error, parts: [&str; 3]| {
            assert!(error.is_load());
            parts.iter().for_each(|part| assert!(error.to_string().contains(part), "{error} lacks {part}"));
        };
        refuse(settings().get::<usize>("heads").unwrap_err(), ["`heads`", "-1", "whole number"]);
        refuse(settings().find::<bool>("tied").unwrap_err(), ["`tied`", "\"yes\"", "true or false"]);
        refuse(settings().or("rope", 1.0).unwrap_err(), ["`rope`", "llama3", "a number"]);
        refuse(settings().get::<usize>(["n_layer", "layers"]).unwrap_err(), ["`n_layer` or `layers`", "llama", "no"]);
    }

    #[test]
    fn null_is_absent_and_a_dot_reaches_into_sections() {
        assert_eq!(settings().find::<usize>("nothing").unwrap(), None);
        assert!(!settings().has("nothing"));
        assert_eq!(settings().get::<f64>(["theta", "rope.deep.theta"]).unwrap(), 5e5);
        assert_eq!(settings().section("rope").unwrap().get::<String>("type").unwrap(), "llama3");
        assert_eq!(settings().get::<Vec<u32>>("eos").unwrap(), [1, 2]);
    }

    #[test]
    fn text_that_is_no_json_object_is_refused() {
        for (text, word) in [("{", "EOF"), ("[1]", "a list"), ("", "EOF"), ("{\"a\": NaN}", "line 1")] {
            assert!(Settings::parse(text).unwrap_err().to_string().contains(word), "{text}");
        }
    }
}
