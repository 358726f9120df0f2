//! Downloads that go right, and refusals that say what to do.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::{
    hub::{COMMIT, offline},
    hub_server::*,
    support::*,
};

#[test]
fn only_the_needed_files_are_downloaded_and_only_once() {
    let redirecting = Server::with(whole_model(), |asked, _, stream| {
        let leaves = !asked.is_listing() && !asked.path.contains("/cdn/");
        leaves && send(stream, 302, &[("Location", &format!("/cdn/{}", asked.file()))], b"")
    });
    for server in [Server::start(whole_model()), redirecting] {
        let cache = Folder::new();
        server.hub(&cache).open("org/tiny").unwrap();
        let asked: Vec<_> = server.take_asked().into_iter().map(|asked| asked.path).collect();
        assert!(asked[0].starts_with("/api/models/org/tiny/revision/main"), "{asked:?}");
        assert!(asked.contains(&format!("/org/tiny/resolve/{COMMIT}/model.safetensors")), "{asked:?}");
        assert!(!asked.iter().any(|path| path.contains("pytorch_model")), "{asked:?}");

        server.hub(&cache).open("org/tiny").unwrap();
        is_whole(&cache);
        assert!(server.take_asked().is_empty());
        let reference = cache.file("models--org--tiny/refs/main");
        assert_eq!(std::fs::read_to_string(reference).unwrap(), COMMIT);
    }
}

#[test]
fn a_model_without_a_tokenizer_is_known_to_have_none() {
    let (server, cache) = (Server::start(model(&["config.json", "model.safetensors"])), Folder::new());
    assert!(server.hub(&cache).open("org/tiny").unwrap().tokenizer.is_none());
    server.take_asked();
    assert!(server.hub(&cache).open("org/tiny").unwrap().tokenizer.is_none());
    assert!(server.take_asked().is_empty());
}

#[test]
fn a_tokenizer_that_the_hub_lists_and_does_not_give_is_not_done_without() {
    let (server, cache) = (Server::start(model(&["config.json", "model.safetensors"])), Folder::new());
    server.hub(&cache).open("org/tiny").unwrap();
    std::fs::remove_dir_all(cache.file("models--org--tiny/.no_exist")).unwrap();
    let server =
        Server::with(whole_model(), |asked, _, stream| asked.file() == "tokenizer.json" && send(stream, 403, &[], b""));
    refused(server.hub(&cache).open("org/tiny"), &["tokenizer.json", "403"]);
    let nobody = Server::with(whole_model(), |_, _, stream| send(stream, 404, &[], b""));
    assert!(nobody.hub(&cache).open("org/tiny").unwrap().tokenizer.is_none());
}

#[test]
fn the_parts_that_an_index_names_are_downloaded() {
    let mut files = whole_model();
    let weights = files.remove("model.safetensors").unwrap();
    files.insert("part-1.safetensors".into(), weights);
    let index = br#"{"weight_map": {"wte.weight": "part-1.safetensors"}}"#;
    files.insert("model.safetensors.index.json".into(), index.to_vec());
    let (server, cache) = (Server::start(files), Folder::new());
    let checkpoint = server.hub(&cache).open("org/tiny").unwrap();
    assert_eq!(values(&checkpoint.weights.get("h.0.ln_1.weight", &[2]).unwrap()), [5., 6.]);
    server.take_asked();
    server.hub(&cache).open("org/tiny").unwrap();
    assert!(server.take_asked().is_empty());
}

#[test]
fn files_in_folders_of_the_model_are_downloaded_into_folders() {
    let mut files = whole_model();
    files.insert("1_Pooling/config.json".into(), br#"{"pooling_mode_mean_tokens": true}"#.to_vec());
    files.insert("2_Dense/config.json".into(), br#"{"in_features": 2}"#.to_vec());
    let (server, cache) = (Server::start(files), Folder::new());
    let settings = server.hub(&cache).open("org/tiny").unwrap().settings;
    assert!(settings.get::<bool>("sentence_pooling.pooling_mode_mean_tokens").unwrap());
    assert!(settings.get::<bool>("2_Dense").unwrap());
    is_whole(&cache);
}

#[test]
fn a_model_that_the_hub_has_only_as_a_pickle_is_refused_before_it_is_downloaded() {
    let mut files = whole_model();
    files.remove("model.safetensors");
    let server = Server::start(files);
    let parts = ["org/tiny/model.safetensors", "pickle", "save_pretrained"];
    refused(server.hub(&Folder::new()).open("org/tiny"), &parts);
    assert!(!server.take_asked().iter().any(|asked| asked.path.contains("pytorch_model")));
}

#[test]
fn a_refusal_says_what_to_do() {
    for (status, headers, advice) in [
        (401, vec![], "HF_TOKEN"),
        (403, vec![], "gated"),
        (403, vec![("X-Error-Code", "GatedRepo")], "the model is gated: accept its licence at"),
        (404, vec![], "check the id"),
        (404, vec![("X-Error-Code", "RevisionNotFound")], "no branch, tag or commit `v2`"),
        (400, vec![("X-Error-Message", "Invalid rev id")], "Invalid rev id"),
        (429, vec![("Retry-After", "0")], "too many requests"),
        (503, vec![("Retry-After", "0")], "try again later"),
    ] {
        let server = Server::with(Files::new(), move |_, _, stream| send(stream, status, &headers, b"no"));
        let parts = ["`org/tiny@v2`", &status.to_string(), advice];
        refused(server.hub(&Folder::new()).open("org/tiny@v2"), &parts);
        assert!(server.take_asked().len() <= 4);
    }
}

#[test]
fn a_hub_that_is_busy_for_a_moment_is_asked_again_and_a_long_wait_is_cut_short() {
    for header in [("Retry-After", "0"), ("Retry-After", "86400"), ("Retry-After", "Wed, 21 Oct 2065 07:28:00 GMT")] {
        let count = Mutex::new(0);
        let server = Server::with(whole_model(), move |_, _, stream| {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count % 3 == 1 && send(stream, if *count == 1 { 429 } else { 502 }, &[header], b"")
        });
        let cache = Folder::new();
        server.hub(&cache).open("org/tiny").unwrap();
        is_whole(&cache);
    }
}

#[test]
fn a_hub_that_cannot_be_reached_is_told_from_a_model_that_is_not_there() {
    let cache = Folder::new();
    let parts = ["`org/tiny`", "127.0.0.1:9", "cannot be reached", cache.path().to_str().unwrap()];
    refused(offline(&cache).with_offline(false).open("org/tiny"), &parts);
    refused(offline(&cache).open("org/tiny"), &["HF_HUB_OFFLINE"]);
    let nowhere = offline(&cache).with_offline(false).with_endpoint("http://no-such-host.invalid");
    refused(nowhere.open("org/tiny"), &["no-such-host.invalid cannot be reached"]);
}

#[test]
fn the_address_of_the_hub_may_end_with_a_slash_and_have_a_path_and_must_have_a_scheme() {
    let server = Server::start(whole_model());
    for ending in ["/", "//", "/hf", "/hf/"] {
        let habit = |asked: &Asked, files: &Files, stream: &mut std::net::TcpStream| {
            let mut asked = asked.clone();
            asked.path = asked.path.trim_start_matches("/hf").to_owned();
            well(&asked, files, stream)
        };
        let server = Server::with(whole_model(), habit);
        let cache = Folder::new();
        server.hub(&cache).with_endpoint(format!("{}{ending}", server.address)).open("org/tiny").unwrap();
        let bare = if ending.contains("hf") { "/hf/api/models/" } else { "/api/models/" };
        assert!(server.take_asked()[0].path.starts_with(bare));
    }
    for (address, part) in [("127.0.0.1:9", "no scheme"), ("", "no scheme"), ("ftp://x", "https://")] {
        refused(server.hub(&Folder::new()).with_endpoint(address).open("org/tiny"), &["the hub's address", part]);
    }
}

#[test]
fn every_revision_that_git_allows_is_asked_for_as_it_is_written() {
    let server = Server::start(whole_model());
    for (revision, path) in [("refs/pr/1", "refs%2Fpr%2F1"), ("v1+a#b%", "v1%2Ba%23b%25"), ("größe", "gr%C3%B6%C3%9Fe")]
    {
        let cache = Folder::new();
        let id = format!("org/tiny@{revision}");
        server.hub(&cache).open(&id).unwrap();
        assert!(server.take_asked()[0].path.contains(&format!("/revision/{path}?")));
        assert!(cache.file(&format!("models--org--tiny/refs/{revision}")).is_file());
        offline(&cache).open(&id).unwrap();
    }
}

#[test]
fn progress_counts_up_to_the_size_of_each_file() {
    let (server, seen) = (Server::start(whole_model()), Arc::new(Mutex::new(BTreeMap::new())));
    let (log, cache) = (seen.clone(), Folder::new());
    let hub = server.hub(&cache).with_progress(move |file, done, size| {
        log.lock().unwrap().insert(file.to_owned(), (done, size));
    });
    hub.open("org/tiny").unwrap();
    let sizes: BTreeMap<_, _> = seen.lock().unwrap().clone();
    let len = two_tensors().len() as u64;
    assert_eq!(sizes.get("model.safetensors"), Some(&(len, len)));
    assert_eq!(sizes.len(), 3);
}
