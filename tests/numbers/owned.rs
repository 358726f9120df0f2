//! A cell of a notebook keeps owned values only. Whatever is public and gives something gives it owned.

use crate::{
    reference::open,
    signatures::{borrowed, plain, with_a_lifetime},
};
use glassbox::{hook::Intervention, model::Config, prelude::*};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What gives a borrowed value all the same, and why.
const BORROWED: [(&str, &str); 9] = [
    ("Labels::as_slice", "a conversion that costs nothing, named as Rust names those"),
    ("Recipe::schedule_mut", "changes a setting in place, `recipe.schedule_mut().steps = 20`; nothing is kept of it"),
    ("ToTexts::to_texts", "how an argument is read; nobody calls it"),
    ("Keys::list", "how an argument is read; nobody calls it"),
    ("Mark::Point", "asked for by plotters; marks are inside the crate"),
    ("Mark::IntoIter", "asked for by plotters; marks are inside the crate"),
    ("Top::Item", "the rows of `&top` in a `for` loop, as those of `&vec`; `top` itself gives them owned"),
    ("Top::IntoIter", "as its items"),
    ("::Value", "how a pair of a name and a number is read; nobody calls it"),
];

#[test]
fn whatever_is_public_gives_owned_values() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let texts: Vec<_> = sources.iter().map(|path| plain(&std::fs::read_to_string(path).unwrap())).collect();
    let holders: BTreeSet<String> = texts.iter().flat_map(|text| with_a_lifetime(text)).collect();
    let found: Vec<_> = texts.iter().flat_map(|text| borrowed(text, &holders)).collect();
    let known = |name: &str| BORROWED.iter().any(|(known, _)| *known == name);
    let new = found.iter().filter(|(name, _)| !known(name)).map(|(name, gives)| format!("{name} -> {gives}"));
    let new = new.collect::<Vec<_>>().join("\n");
    assert!(new.is_empty(), "give an owned value, for a cell cannot keep a reference:\n{new}");
    for (name, _) in BORROWED {
        assert!(
            found.iter().any(|(found, _)| found == name),
            "`{name}` gives nothing borrowed: strike it off the list"
        );
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    let library = entries.filter(|path| !path.ends_with("src/bin")).flat_map(below);
    library.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

#[test]
fn what_is_borrowed_is_found_wherever_it_hides() {
    let text = plain(
        r###"
        pub struct Held<'a> { name: &'a str, kind: &'static str }
        pub(crate) struct Slice<'a>(&'a [f32]);
        #[doc = "pub fn zero(&self) -> &str {"]
        impl Thing {
            /// pub fn said(&self) -> &str
            pub fn one(&self) -> &str { "pub fn quoted(&self) -> &str {" }
            pub fn two<F: Fn(&str) -> &str>(&self, f: F, g: impl Fn(&u8) -> &u8) -> Result<Option<&Tensor>> where F: Copy { }
            pub fn three(&mut self) -> impl Iterator<Item = u32> { '{' }
            pub const fn four(&self) -> [&u8; 2] { }
            pub fn five(&self) -> Slice { f(|x| { x }) }
            pub fn six(&self) -> ArrayViewD<f32> { }
            pub fn seven(self, x: &str) -> Self { }
            pub fn eight() -> Vec<&'static str> { }
            pub fn nine(&self) -> Box<dyn Fn(&Tensor) -> Tensor> { }
            pub(crate) fn ten(&self) -> &str { }
            fn eleven(&self) -> &str { }
        }
        pub trait Give: Sized { fn give(&self) -> &str; fn whole(&self) -> String { } }
        pub(crate) trait Hidden { fn give(&self) -> &str; }
        impl Deref for Thing { type Target = str; fn deref(&self) -> &str { } }
        impl<'a> IntoIterator for &'a Thing { type Item = &'a str; }
        pub fn free(x: &str) -> Vec<&str> { }
        "###,
    );
    let holders = with_a_lifetime(&text);
    assert_eq!(holders.iter().collect::<Vec<_>>(), ["Held", "Slice"]);
    let names: Vec<String> = borrowed(&text, &holders).into_iter().map(|(name, _)| name).collect();
    let of_thing = ["one", "two", "three", "four", "five", "six"].map(|name| format!("Thing::{name}"));
    let expected = ["Held".to_owned()].into_iter().chain(of_thing);
    assert_eq!(names, expected.chain(["Give::give", "Thing::Item", "free"].map(str::to_owned)).collect::<Vec<_>>());
}

/// As a cell does: only a value that borrows nothing passes.
fn keep<T: 'static>(value: T) -> T {
    value
}

#[test]
fn what_a_run_gives_outlives_the_run() -> Result<()> {
    let text = "red fox blue owl red fox blue";
    let model = Model::open("induction-2l")?;
    let pattern = keep(model.run(text)?.cache().get(Site::pattern(1))?);
    let logits = keep(model.run(text)?.logits()?);
    let (tokens, cache) = (keep(model.run(text)?.tokens()), keep(model.run(text)?.cache()));
    let words = keep(model.tokens(text)?.strings(0));
    let config: Arc<Config> = keep(Model::open("induction-2l")?.config());
    let said = keep(model.generate(text)?.max_new_tokens(2).record("*.hook_z").run()?.cache(1)?);
    let steps = keep(model.test_prompt(text, "owl")?.steps(0));
    drop(model);
    assert_eq!((pattern.dims(), logits.dims()), ([1, 4, 8, 8].as_slice(), [1, 8, config.d_vocab].as_slice()));
    assert_eq!((tokens.strings(0), tokens.len()), (words, 8));
    assert_eq!(cache.sites().len(), cache.into_iter().count());
    assert!(said.contains(Site::z(1)) && steps[0].rank == 1);
    Ok(())
}

#[test]
fn what_an_encoder_gives_is_kept_without_its_run() -> Result<()> {
    let bert = open("families/bert");
    let pooled = keep(bert.run([2, 5, 3])?.pooled()?);
    assert_eq!(pooled.dims(), [1, bert.config().d_model]);
    Ok(())
}

#[test]
fn a_cache_shares_its_tensors_however_often_it_is_asked_for() -> Result<()> {
    let run = Model::open("induction-2l")?.run("red fox blue")?;
    let (first, again) = (run.cache().get(Site::z(0))?, run.cache().clone().get(Site::z(0))?);
    assert_eq!(first.id(), again.id());
    let of_loop = run.cache().into_iter().find(|(site, _)| *site == Site::z(0)).map(|(_, tensor)| tensor.id());
    assert_eq!(of_loop, Some(first.id()));
    Ok(())
}

#[test]
#[allow(clippy::needless_borrows_for_generic_args, reason = "both forms are asked for")]
fn what_is_given_owned_is_taken_owned_or_borrowed() -> Result<()> {
    let (model, clean) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
    let (clean, corrupt) = (model.run(clean)?, model.run("red fox blue ant red fox blue")?);
    let patched = |edit: Intervention| model.run_with(corrupt.tokens(), [edit])?.probability("owl", -1);
    let (owned, borrowed) = (patch(Site::z(1), clean.cache())?, patch(Site::z(1), &clean.cache())?);
    assert_eq!(patched(owned)?, patched(borrowed)?);
    let (owned, borrowed) = (model.unembed(clean.resid())?, model.unembed(&clean.resid())?);
    assert_eq!(owned.dims(), borrowed.dims());
    assert_eq!(model.to_string(clean.tokens().ids(0))?, model.to_string(&clean.tokens().ids(0))?);
    assert_eq!(model.to_string([3, 4])?, model.to_string(&[3, 4])?);
    Ok(())
}
