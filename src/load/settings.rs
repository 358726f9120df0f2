//! [`Settings`]: a model's configuration, read by key and type. Families translate it into a `Config`.
use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::FromSetting;
use crate::error::{LoadError, Result, no_json};

/// A model's configuration: the keys and values of its `config.json`, read by name and by type.
///
/// A dot reaches into a section (`"rope_parameters.rope_theta"`). If several keys mean the same, the first one present
/// wins. A `null` counts as absent. A value that is present but unsuitable is always an error that names the key:
/// [`FromSetting`] says what each type accepts.
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
    /// The names of keys in the file, if they differ.
    names: BTreeMap<String, String>,
}

/// The `model_type` of TransformerLens's own configurations, which do not contain it.
pub(crate) const NATIVE: &str = "hooked_transformer";

impl Settings {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_file(text.as_bytes(), Path::new("config.json"))
    }

    /// Returns the same settings, with absent keys taken from `defaults`, the text of a JSON object. A `null` counts as
    /// present.
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
        Ok(Self { map, names: self.names.clone() })
    }

    pub(super) fn of(map: Map<String, Value>) -> Self {
        Self { map, names: BTreeMap::new() }
    }

    /// Like [`parse`](Self::parse), with the path for the error.
    pub(super) fn parse_file(text: &[u8], path: &Path) -> Result<Self> {
        let damaged = |why| LoadError::Damaged { path: PathBuf::from(path), what: "a JSON object", why };
        match serde_json::from_slice(text) {
            Ok(Value::Object(map)) => Ok(Self::of(map)),
            Ok(other) => Err(damaged(format!("it holds {}", kind_of(&other))).into()),
            Err(why) => Err(damaged(no_json(&why)).into()),
        }
    }

    /// The `model_type`, such as `gpt2` or `llama`. TransformerLens's own configurations do not contain it and are
    /// recognised by their keys: `hooked_transformer`.
    ///
    /// # Errors
    /// When the configuration does not contain it, or it is not a string.
    pub fn model_type(&self) -> Result<String> {
        let native =
            ["n_layers", "d_model", "n_ctx", "d_head", "d_vocab"].iter().all(|key| self.map.contains_key(*key));
        match self.find("model_type")? {
            None if native => Ok(NATIVE.to_owned()),
            Some(model_type) => Ok(model_type),
            None => self.get("model_type"),
        }
    }

    /// Returns the value of a required key.
    ///
    /// # Errors
    /// When the key (or every one of several) is absent, or the value is not a `T`.
    pub fn get<T: FromSetting>(&self, keys: impl Keys) -> Result<T> {
        self.find(&keys)?.ok_or_else(|| {
            let family = ["model_type", "general.architecture"].iter().find_map(|key| self.map.get(*key)?.as_str());
            let family = family.unwrap_or("transformer").to_owned();
            LoadError::MissingKey { key: keys.list().join("` or `"), family }.into()
        })
    }

    /// Returns the value of an optional key.
    ///
    /// # Errors
    /// When the value is present but not a `T`; with several keys, at any of them.
    pub fn find<T: FromSetting>(&self, keys: impl Keys) -> Result<Option<T>> {
        let mut found = None;
        for key in keys.list() {
            if let Some(value) = self.value(key)? {
                let read = T::from_setting(value).ok_or_else(|| bad(&self.named(key), value, T::expected()))?;
                found = found.or(Some(read));
            }
        }
        Ok(found)
    }

    /// Returns an optional number whose range differs from the default range of `f64`.
    ///
    /// ```
    /// use glassbox::load::Settings;
    /// let settings = Settings::parse(r#"{"layer_norm_eps": -0.5}"#)?;
    /// let error = settings.number("layer_norm_eps", 0.0..=1.0).unwrap_err().to_string();
    /// assert!(error.contains("`layer_norm_eps` is -0.5 where a number from 0 to 1 is needed"), "{error}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the value is present but not a number in this range.
    pub fn number(&self, keys: impl Keys, range: RangeInclusive<f64>) -> Result<Option<f64>> {
        let mut found = None;
        for key in keys.list() {
            if let Some(value) = self.value(key)? {
                let number = value.as_f64().filter(|number| range.contains(number));
                let needed = || format!("a number from {} to {}", range.start(), range.end());
                found = found.or(Some(number.ok_or_else(|| bad(&self.named(key), value, needed()))?));
            }
        }
        Ok(found)
    }

    /// Returns the value of a key, or `default` if it is absent.
    ///
    /// # Errors
    /// When the value is present but not a `T`.
    pub fn or<T: FromSetting>(&self, keys: impl Keys, default: T) -> Result<T> {
        Ok(self.find(keys)?.unwrap_or(default))
    }

    /// Whether the key, or one of several, has a value.
    ///
    /// # Errors
    /// When a key leads into something that is not a section.
    pub fn has(&self, keys: impl Keys) -> Result<bool> {
        let values = keys.list().into_iter().map(|key| self.value(key)).collect::<Result<Vec<_>>>()?;
        Ok(values.iter().any(Option::is_some))
    }

    /// Returns a section as settings of its own, such as `text_config` of a model that also reads images.
    ///
    /// # Errors
    /// When the value is present but not a section.
    pub fn section(&self, key: &str) -> Result<Option<Self>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        Ok(Some(Self::of(object(key, value)?.clone())))
    }

    /// The names of all keys.
    pub fn keys(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.map.insert(key.to_owned(), value.into());
    }

    /// Sets the name of a key in the file.
    pub(super) fn call(&mut self, key: &str, name: impl Into<String>) {
        self.names.insert(key.to_owned(), name.into());
    }

    /// The key as the reader finds it in the file, for errors.
    pub(crate) fn named(&self, key: &str) -> String {
        let own = self.names.get(key).filter(|own| *own != key);
        own.map_or_else(|| key.to_owned(), |own| format!("{key}` or, in the GGUF file, `{own}"))
    }

    /// The value of a key, as it is written.
    pub(super) fn value(&self, key: &str) -> Result<Option<&Value>> {
        let mut value = self.map.get(key);
        if let (None, Some((section, rest))) = (value, key.split_once('.')) {
            let mut path = section.to_owned();
            value = self.map.get(section);
            for part in rest.split('.') {
                let Some(section) = value.filter(|value| !value.is_null()) else { return Ok(None) };
                value = object(&path, section)?.get(part);
                path = format!("{path}.{part}");
            }
        }
        Ok(value.filter(|value| !value.is_null()))
    }
}

fn object<'a>(key: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| bad(key, value, "an object".to_owned()))
}

/// The error about a value that its key cannot have.
pub(super) fn bad(key: &str, value: &Value, expected: String) -> crate::Error {
    let (key, written) = (key.to_owned(), value.to_string());
    // A list or an object may be as long as the file.
    let value = match written.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &written[..end]),
        None => written,
    };
    LoadError::BadKey { key, value, expected }.into()
}

impl From<Settings> for Value {
    fn from(settings: Settings) -> Self {
        Self::Object(settings.map)
    }
}

/// One key, or several with the same meaning.
pub trait Keys {
    /// Returns the keys, in order of preference.
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
        refuse(settings().get::<usize>("heads").unwrap_err(), ["`heads`", "-1", "a whole number from 1 to 2147483647"]);
        refuse(settings().find::<bool>("tied").unwrap_err(), ["`tied`", "\"yes\"", "true or false"]);
        refuse(settings().or("rope", 1.0).unwrap_err(), ["`rope`", "llama3", "a number from"]);
        refuse(settings().get::<usize>(["n_layer", "layers"]).unwrap_err(), ["`n_layer` or `layers`", "llama", "no"]);
    }

    #[test]
    fn null_is_absent_and_a_dot_reaches_into_sections() {
        assert_eq!(settings().find::<usize>("nothing").unwrap(), None);
        assert!(!settings().has("nothing").unwrap());
        assert_eq!(settings().get::<f64>(["theta", "rope.deep.theta"]).unwrap(), 5e5);
        assert_eq!(settings().section("rope").unwrap().unwrap().get::<String>("type").unwrap(), "llama3");
        assert_eq!(settings().get::<Vec<u32>>("eos").unwrap(), [1, 2]);
    }

    #[test]
    fn a_value_where_a_section_is_needed_is_never_as_good_as_absent() {
        for value in ["7", "true", "[]", "\"x\"", "{\"deep\": 1}"] {
            let settings = Settings::parse(&format!("{{\"rope\": {value}}}")).unwrap();
            let errors = [
                settings.find::<f64>("rope.deep.theta").unwrap_err(),
                settings.has("rope.deep.theta").unwrap_err(),
                settings.section("rope").and_then(|rope| rope.unwrap().section("deep")).unwrap_err(),
            ];
            assert!(errors.iter().all(|error| error.to_string().contains("where an object is needed")), "{errors:?}");
        }
        let nothing = Settings::parse("{\"rope\": {\"deep\": null}}").unwrap();
        assert_eq!(nothing.find::<f64>("rope.deep.theta").unwrap(), None);
    }

    #[test]
    fn a_number_outside_its_range_is_refused_in_whatever_form_it_comes() {
        for bad in ["0", "-1", "1e13", "1e-13", "1e308", "\"1\"", "[]", "true"] {
            let settings = Settings::parse(&format!("{{\"a\": {bad}, \"size\": {bad}, \"b\": 1}}")).unwrap();
            assert!(
                settings.find::<f64>("a").unwrap_err().to_string().contains("a number from 1e-12 to 1e12"),
                "{bad}"
            );
            assert!(settings.find::<f64>(["b", "a"]).is_err(), "{bad} behind a key that decides");
            assert!(settings.find::<usize>("size").is_err(), "{bad}");
            assert!(bad == "[]" || settings.find::<Vec<f64>>("a").is_err(), "{bad}");
        }
    }

    #[test]
    fn text_that_is_no_json_object_is_refused() {
        for (text, word) in [("{", "ends early"), ("[1]", "a list"), ("", "ends early"), ("{\"a\": NaN}", "line 1")] {
            assert!(Settings::parse(text).unwrap_err().to_string().contains(word), "{text}");
        }
    }
}
