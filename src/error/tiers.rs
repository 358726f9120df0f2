use std::path::PathBuf;

/// What can be wrong with intervals in time and with the files that hold them.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TiersError {
    #[error("{}: {why}", path.display())]
    InFile { path: PathBuf, why: String },
    #[error("line {line} has {found} where {needed} is needed")]
    Line { line: usize, found: String, needed: String },
    #[error("`{field}` is {found} where {needed} is needed")]
    Field { field: String, found: String, needed: String },
    #[error("line {line}: {why}")]
    AtLine { line: usize, why: String },
    #[error("it breaks off at line {line}, where {needed} is needed; write the rest, or take another copy of the file")]
    CutShort { line: usize, needed: String },
    #[error("byte {byte} is {value:#04x}, which is no {encoding} text; save the file as UTF-8")]
    Encoding { byte: usize, value: u8, encoding: &'static str },
    #[error("it is {what}, seen at byte {byte}, and not a text; {hint}")]
    Binary { what: &'static str, byte: usize, hint: &'static str },
    #[error("it has {got} bytes, and a file of tiers has at most {most}; give the file of the tiers, not of the sound")]
    TooLarge { got: u64, most: u64 },
    #[error("it is no file; give the name of a file, such as `mary.TextGrid`")]
    NoFile,
    #[error(
        "neither its name nor its beginning says what it holds; the files that can be read and written end in {known}"
    )]
    UnknownFormat { known: &'static str },
    #[error("{what} is {value}, which is no time; times are seconds from -{most} to {most}")]
    Time { what: String, value: f64, most: f64 },
    #[error("`{label}` ends at {end} s, before it starts at {start} s; an interval starts first")]
    Backwards { label: String, start: f64, end: f64 },
    #[error(
        "`{first}` ({first_start} to {first_end} s) and `{second}` ({second_start} to {second_end} s) overlap in the tier \
         `{tier}`; move a boundary, or put one of them on another tier"
    )]
    Overlap {
        tier: String,
        first: String,
        first_start: f64,
        first_end: f64,
        second: String,
        second_start: f64,
        second_end: f64,
    },
    #[error("there is no tier `{name}`; the nearest is `{nearest}`, and there are {known}")]
    NoTier { name: String, nearest: String, known: String },
    #[error("there is no tier `{name}`, for there are no tiers at all")]
    NoTiers { name: String },
    #[error(
        "{count} tiers are named `{name}`; give them names of their own, as in `tiers.tiers()[0].renamed(\"words\")`"
    )]
    SeveralTiers { name: String, count: usize },
    #[error("{time} s is outside of {what}, which runs from {start} to {end} s")]
    Outside { what: String, time: f64, start: f64, end: f64 },
    #[error("`{what}` has no point, so none is near {time} s")]
    NoPoint { what: String, time: f64 },
    #[error("the times {from} to {to} s are empty or outside of {what}, which runs from {start} to {end} s")]
    Part { what: String, from: f64, to: f64, start: f64, end: f64 },
    #[error("{asked} s is before the last label, which ends at {end} s; crop the tiers first")]
    TooEarly { asked: f64, end: f64 },
    #[error("{format} cannot hold the label `{label}`, because {why}; change it first")]
    Unwritable { format: &'static str, label: String, why: &'static str },
    #[error(
        "{format} holds one tier, and which of {known} is meant cannot be told; save one alone, as in \
         `tiers.tier(\"{first}\")?.save(path)`"
    )]
    WhichTier { format: &'static str, known: String, first: String },
    #[error("{format} holds intervals, and there are none, but {known}; make a tier of intervals first")]
    NoIntervals { format: &'static str, known: String },
    #[error(
        "a TextGrid cannot hold two labels that start at once, for Praat loses one of them, and in the tier `{tier}` \
         `{first}` and `{second}` both start at {start} s; {hint}"
    )]
    AtOnce { tier: String, first: String, second: String, start: f64, hint: &'static str },
    #[error("`{tier}` has {count} intervals in {duration} s, so they cannot last {least} s each; ask for less")]
    NoRoom { tier: String, count: usize, duration: f64, least: f64 },
    #[error("a rate of {rate} samples a second is none; TIMIT has 16000")]
    Rate { rate: u32 },
    #[error(
        "it holds {} recordings ({names}), and tiers are of one; read all of them with `glassbox::tiers::recordings(path)`",
        count
    )]
    Recordings { count: usize, names: String },
    #[error(
        "no label of `{found}` answers to one of `{gold}`, so there is nothing to compare; the labels are {labels}"
    )]
    NothingAlike { found: String, gold: String, labels: String },
    #[error("`{tier}` has {kind} and `{other}` has not; compare tiers of one kind")]
    Kinds { tier: String, kind: &'static str, other: String },
}

impl TiersError {
    pub(crate) fn is_out_of_range(&self) -> bool {
        matches!(self, Self::Outside { .. } | Self::Part { .. })
    }
}
