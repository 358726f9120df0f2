//! The errors of sites: names and indices of places in the forward pass ([`hook`](crate::hook)).
use super::{Error, Kind};

/// An invalid name or index of a place in the forward pass, or an invalid value for it.
#[derive(thiserror::Error, Debug)]
pub(crate) enum SiteError {
    #[error("there is no hook named `{name}`; {}", did_you_mean(short, nearest))]
    Unknown { name: String, nearest: Vec<String>, short: Option<String> },
    #[error("this {family} model has no `{site}`: {why}; the nearest sites it has are {}", list(nearest))]
    NotInModel { site: String, family: String, why: String, nearest: Vec<String>, beyond: bool },
    #[error("`{site}` was not recorded by this run, which {}", holds(*held, nearest))]
    NotRecorded { site: String, held: usize, nearest: Vec<String> },
    #[error(
        "`{site}` was not recorded: it costs extra and is recorded only when named, as in \
         model.pass(text)?.record(\"{site}\").run()"
    )]
    Gated { site: String },
    #[error(
        "nothing was stored for {asked} yet; run a model with the intervention first, as in model.run_with(text, \
         intervention)"
    )]
    NothingStored { asked: String },
    #[error("`{site}` was not stored; the nearest stored sites are {}", list(nearest))]
    NotStored { site: String, nearest: Vec<String> },
    #[error("{count} sites were stored; name one, as in stored.at(\"{first}\"), or take them all with stored.all()")]
    StoredSeveral { count: usize, first: String },
    #[error(
        "{axis} {index} is out of range at `{site}`, whose {axis} axis goes from 0 to {} (or -{size} to -1)",
        size.saturating_sub(1)
    )]
    OutOfRange { site: String, axis: &'static str, index: i64, size: usize },
    #[error("`{site}` holds integers, but the new values are {given}; give them as U32")]
    NotWhole { site: String, given: String },
    #[error(
        "`{site}` holds integer ids, which have no mean, multiple or direction; set others with `replace`, or change \
         the values that they look up, such as `hook_embed`"
    )]
    NamesOnly { site: String },
    #[error("`{site}` has no {axis} axis to narrow; its shape is [{shape}]")]
    NoSuchAxis { site: String, axis: &'static str, shape: String },
    #[error("the value for `{site}` has shape {got:?} where {expected:?} is needed")]
    Shape { site: String, got: Vec<usize>, expected: Vec<usize> },
    #[error(
        "the intervention at `{site}` is narrowed along {axis} twice; give all its indices at once, as in heads([0, 1])"
    )]
    NarrowedTwice { site: String, axis: &'static str },
    #[error("the direction for `{site}` has length {length}; give a vector with a finite length above 0")]
    NoDirection { site: String, length: f64 },
    #[error("the intervention at `{site}` selects no {axis}; give at least one index")]
    NoIndices { site: String, axis: &'static str },
    #[error("only a sweep of a `Patching` knows the clean value for `{site}`; use `patch(site, run.cache())` here")]
    NothingClean { site: String },
    #[error(
        "`{site}` is an attention pattern, and queries may attend to different keys, so its mean over positions is \
         not a pattern; set one of your own with `replace`, or take the mean at `hook_z`"
    )]
    NoMean { site: String },
    #[error(
        "`edit_gradient` at `{site}` needs a pass with a gradient: model.pass(..)?.intervene(..).differentiate(sites, \
         metric)"
    )]
    NoGradientToEdit { site: String },
    #[error("the intervention is for the sites {sites}, but it must be for a single one; name one site")]
    NotOne { sites: String },
    #[error("the selection {sites} matches no site here, so nothing would change")]
    NothingSelected { sites: String },
    #[error("no site of this model matches `{pattern}`; the nearest sites are {}", list(nearest))]
    NoMatch { pattern: String, nearest: Vec<String> },
}

impl SiteError {
    pub(crate) fn is_out_of_range(&self) -> bool {
        matches!(self, Self::OutOfRange { .. } | Self::NotInModel { beyond: true, .. })
    }
}

fn did_you_mean(short: &Option<String>, nearest: &[String]) -> String {
    match short {
        Some(short) => format!("name its layer too, as in {short}, or give a whole name, such as {}", list(nearest)),
        None => format!("the nearest names are {}", list(nearest)),
    }
}

fn holds(held: usize, nearest: &[String]) -> String {
    match held {
        0 => "recorded nothing; ask with .record(sites)".into(),
        1 => format!("recorded only {}", list(nearest)),
        _ => format!("recorded {held} sites; the nearest are {}", list(nearest)),
    }
}

/// Names for a sentence: "`a`, `b`, `c`".
pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// The same error with the nearest names, if it is about an unknown hook name.
    pub(crate) fn with_nearest(self, nearest: impl FnOnce(&str) -> Vec<String>) -> Self {
        match &*self.0 {
            Kind::Site(SiteError::Unknown { name, short, .. }) => {
                let (nearest, name) = (nearest(name), name.clone());
                SiteError::Unknown { name, nearest, short: short.clone() }.into()
            }
            _ => self,
        }
    }
}
