//! The hub's cache without the network.

use glassbox::load::{Checkpoint, Hub};

use super::support::*;

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A cache as `huggingface_hub` writes it, with one model.
fn cache_with(files: &[&str]) -> Folder {
    let (cache, whole) = (Folder::new(), whole_folder());
    cache.write("models--org--tiny/refs/main", COMMIT);
    for file in files {
        cache.write(&format!("models--org--tiny/snapshots/{COMMIT}/{file}"), std::fs::read(whole.file(file)).unwrap());
    }
    cache
}

pub fn offline(cache: &Folder) -> Hub {
    Hub::from_env().with_cache(cache.path()).with_offline(true).with_token(None).with_endpoint("http://127.0.0.1:9")
}

#[test]
fn a_cached_model_is_read_without_the_network() {
    let cache = cache_with(&["config.json", "model.safetensors", "tokenizer.json"]);
    for id in ["org/tiny".to_owned(), "org/tiny@main".to_owned(), format!("org/tiny@{COMMIT}")] {
        let checkpoint = offline(&cache).open(&id).unwrap();
        assert_eq!((checkpoint.name.as_str(), checkpoint.tokenizer.is_some()), ("org/tiny", true));
        assert!(checkpoint.origin.contains(COMMIT) && checkpoint.origin.contains("org/tiny"));
    }
    assert_eq!(offline(&cache).cached(), ["org/tiny"]);
}

#[test]
fn weights_without_a_tokenizer_are_enough_where_the_hub_cannot_be_asked() {
    let cache = cache_with(&["config.json", "model.safetensors"]);
    assert!(offline(&cache).open("org/tiny").unwrap().tokenizer.is_none());
}

#[test]
fn a_model_that_is_not_cached_is_refused_with_where_it_was_looked_for_and_what_is_there() {
    let cache = cache_with(&["config.json"]);
    let folder = cache.path().to_str().unwrap();
    refused(offline(&cache).open("org/tinny"), &["`org/tinny`", folder, "holds only `org/tiny`"]);
    refused(
        offline(&cache).open("org/tiny@v2"),
        &["`org/tiny@v2`", folder, "holds it, but not all files of this revision"],
    );
    refused(offline(&cache).open("no such thing"), &["`no such thing`", "letters a to z"]);
    refused(offline(&cache).open("a/b/c"), &["`a/b/c`", "org/name"]);
    refused(offline(&Folder::new()).open("org/tiny"), &["is empty or not there"]);
    #[cfg(not(feature = "hub"))]
    refused(offline(&cache).open("org/tiny"), &["feature `hub`"]);
}

#[test]
fn a_reference_that_holds_no_commit_says_nothing_and_leads_nowhere() {
    let cache = cache_with(&["config.json", "model.safetensors", "tokenizer.json"]);
    cache.write("evil/config.json", "{}");
    cache.write("evil/model.safetensors", two_tensors());
    for rubbish in ["", "main", "../../../evil", "\u{0}", "0123", "/etc", &format!("{COMMIT}/../{COMMIT}")] {
        cache.write("models--org--tiny/refs/main", rubbish);
        refused(offline(&cache).open("org/tiny"), &["holds it, but not all files of this revision"]);
        assert!(offline(&cache).open(&format!("org/tiny@{COMMIT}")).is_ok());
    }
    cache.write("models--org--tiny/refs/main", format!("{COMMIT}\n"));
    assert!(offline(&cache).open("org/tiny").is_ok());
}

#[test]
fn a_damaged_file_of_the_cache_is_told_with_what_to_delete() {
    let cache = cache_with(&["config.json", "model.safetensors", "tokenizer.json"]);
    let model = cache.file("models--org--tiny");
    for (file, rubbish) in [("model.safetensors", "x"), ("config.json", "{"), ("tokenizer.json", "[]")] {
        let whole = std::fs::read(whole_folder().file(file)).unwrap();
        let name = format!("models--org--tiny/snapshots/{COMMIT}/{file}");
        cache.write(&name, rubbish);
        refused(offline(&cache).open("org/tiny"), &["delete", model.to_str().unwrap()]);
        cache.write(&name, whole);
    }
    offline(&cache).open("org/tiny").unwrap();
}

/// Runs one of the tests here in a process of its own, with an environment of its own.
pub fn in_a_process(test: &str, variables: &[(&str, &str)]) -> std::process::Child {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).envs(variables.iter().copied());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
}

#[test]
fn both_ways_to_open_a_model_know_the_same_ids() {
    const CHILD: &str = "GLASSBOX_TEST_IDS";
    if std::env::var_os(CHILD).is_none() {
        let cache = Folder::new();
        let variables = [("HF_HUB_CACHE", cache.path().to_str().unwrap()), ("HF_HUB_OFFLINE", "1"), (CHILD, "1")];
        let child = in_a_process("hub::both_ways_to_open_a_model_know_the_same_ids", &variables);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    for id in ["gpt2", "org/name", "org/name@v1", "gpt2@e7da7f2"] {
        refused(Hub::from_env().open(id), &[id, "nor a model in the hub's cache"]);
        refused(Checkpoint::open(id), &[id, "nor a model in the hub's cache"]);
    }
    refused(Checkpoint::open("gpt2"), &["neither a file nor a folder", "induction-2l"]);
    refused(Checkpoint::open("induction-2l"), &["was not found", "`Model::open`"]);
    for none in ["org/a--b", "./gone", "/no/such/folder", "a.git", "org/name@..", "gone\n", "../../evil"] {
        assert!(Hub::from_env().open(none).is_err());
        refused(Checkpoint::open(none), &["was not found", "a model's folder", "induction-2l", "a model on the hub"]);
    }
}
