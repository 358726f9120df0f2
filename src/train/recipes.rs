//! The recipes of the shipped models, by name.
//!
//! To add one, add a line here.

use super::{Recipe, grammar::English, induction::Induction, modular::ModularAddition};
use crate::{
    Result,
    error::{TrainError, nearest},
};

/// The name that `glassbox train` uses, and the recipe.
type Named = (&'static str, fn() -> Box<dyn Recipe>);

const RECIPES: &[Named] = &[
    ("induction", || Box::new(Induction::default())),
    ("grammar", || Box::new(English::default())),
    ("modular-addition", || Box::new(ModularAddition::default())),
];

/// The names of the shipped models' recipes.
///
/// # Examples
/// ```
/// use glassbox::train;
/// assert!(train::recipes().contains(&"induction"));
/// ```
pub fn recipes() -> Vec<&'static str> {
    RECIPES.iter().map(|(name, _)| *name).collect()
}

/// Returns the recipe of a shipped model, such as `"induction"`.
///
/// # Errors
/// Fails when there is no recipe of this name.
///
/// # Examples
/// ```
/// let recipe = glassbox::train::recipe("induction")?;
/// assert_eq!(recipe.name(), "induction-2l");
/// assert_eq!(recipe.schedule().steps, 2000);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn recipe(name: &str) -> Result<Box<dyn Recipe>> {
    let made = RECIPES.iter().find(|(known, _)| *known == name).map(|(_, make)| make());
    let unknown = || TrainError::Unknown {
        name: name.into(),
        nearest: nearest(name, recipes().into_iter().map(str::to_owned), 1).concat(),
        known: recipes().join(", "),
    };
    made.ok_or_else(|| unknown().into())
}
