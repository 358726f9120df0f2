/// What can be wrong with a direction to steer along.
#[derive(thiserror::Error, Debug)]
pub(crate) enum SteerError {
    #[error(
        "`{site}` is [{shape}] and has no single vector for each position; choose a site such as `hook_resid_post`, or make \
         the vector yourself and use `add(..).head(..)`"
    )]
    NoVector { site: String, shape: String },
    #[error(
        "the direction at `{site}` is {got} wide, and the stream {d_model}; only one of the stream can be taken out of it"
    )]
    NotOfStream { site: String, got: usize, d_model: usize },
    #[error(
        "the norms of this {family} model stand on the stream itself and write to it what they will, so a direction \
         cannot be taken out of it everywhere; take it out at one site with `ablate()`"
    )]
    NormsOnStream { family: String },
    #[error("the direction is {ours} wide and {what} {theirs}; both must be of one width")]
    Widths { ours: usize, what: String, theirs: usize },
    #[error("a dose curve needs at least one strength")]
    NoStrength,
}
