//! The types that a setting can be read as. The plain types refuse values that make no sense in nearly every setting,
//! so a range is given only where it differs.

use serde_json::Value;

/// A type that a setting can be read as: an integer, a number, a boolean, a string, or a list of these.
///
/// | type | accepted values |
/// |---|---|
/// | `usize` | a size or a count: an integer from 1 to 2147483647, so that the product of two fits a `u64` |
/// | `u32` | an id or an index: an integer from 0 to 4294967295 |
/// | `f64` | a base, factor or scale: a number from 1e-12 to 1e12, so that both it and its inverse fit 32 bits |
/// | [`Finite`] | any number that is finite |
///
/// ```
/// use glassbox::load::Settings;
/// let settings = Settings::parse(r#"{"sliding_window": 0, "rope_theta": -1e4}"#)?;
/// assert!(settings.find::<usize>("sliding_window").is_err());
/// assert!(settings.find::<f64>("rope_theta").is_err());
/// assert_eq!(settings.find::<u32>("sliding_window")?, Some(0));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait FromSetting: Sized {
    /// A description of the accepted values, for an error.
    fn expected() -> String;
    /// Returns the value if it is of this type.
    fn from_setting(value: &Value) -> Option<Self>;
}

/// The largest size, which is the largest signed 32-bit integer.
const LARGEST: u64 = i32::MAX as u64;

/// An integer from 0, which may be written as `64.0`.
fn whole(value: &Value) -> Option<u64> {
    let whole = |v: &f64| v.fract() == 0.0 && (0.0..=9e15).contains(v);
    value.as_u64().or_else(|| value.as_f64().filter(whole).map(|v| v as u64))
}

impl FromSetting for usize {
    fn expected() -> String {
        format!("a whole number from 1 to {LARGEST}")
    }
    fn from_setting(value: &Value) -> Option<Self> {
        whole(value).filter(|size| (1..=LARGEST).contains(size))?.try_into().ok()
    }
}

impl FromSetting for u32 {
    fn expected() -> String {
        format!("a whole number from 0 to {}", u32::MAX)
    }
    fn from_setting(value: &Value) -> Option<Self> {
        whole(value)?.try_into().ok()
    }
}

impl FromSetting for f64 {
    fn expected() -> String {
        "a number from 1e-12 to 1e12".to_owned()
    }
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_f64().filter(|number| (1e-12..=1e12).contains(number))
    }
}

/// Any finite number: negative, zero or large.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Finite(pub f64);

impl FromSetting for Finite {
    fn expected() -> String {
        "a finite number".to_owned()
    }
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_f64().filter(|number| number.is_finite()).map(Self)
    }
}

impl FromSetting for Value {
    fn expected() -> String {
        "any value".to_owned()
    }
    fn from_setting(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl FromSetting for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl FromSetting for String {
    fn expected() -> String {
        "a text".to_owned()
    }
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl<T: FromSetting> FromSetting for Vec<T> {
    fn expected() -> String {
        format!("a list whose every entry is {}", T::expected())
    }
    fn from_setting(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::from_setting).collect()
    }
}
