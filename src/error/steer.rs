//! The errors of steering directions ([`steering`](crate::steering)).
/// An invalid direction or strength.
#[derive(thiserror::Error, Debug)]
pub(crate) enum SteerError {
    #[error(
        "`{site}` is [{shape}] and does not have one vector for each position; choose a site such as \
         `hook_resid_post`, or make the vector yourself and use `add(..).head(..)`"
    )]
    NoVector { site: String, shape: String },
    #[error(
        "the direction at `{site}` is {got} wide, but the stream is {d_model} wide; only a direction of the stream \
         can be removed from it"
    )]
    NotOfStream { site: String, got: usize, d_model: usize },
    #[error(
        "the norms of this {family} model are applied to the stream itself, so a direction cannot be removed from it \
         everywhere; remove it at one site with `ablate()`"
    )]
    NormsOnStream { family: String },
    #[error("the direction is {ours} wide, but {what} is {theirs} wide; both must have one width")]
    Widths { ours: usize, what: String, theirs: usize },
    #[error("a dose curve needs at least one strength")]
    NoStrength,
}
