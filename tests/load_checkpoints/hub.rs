use glassbox::load::Hub;

use super::support::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A cache as `huggingface_hub` writes it, with one model.
fn cache_with(files: &[&str]) -> Folder {
    let (cache, whole) = (Folder::new(), whole_folder());
    cache.write("models--org--tiny/refs/main", COMMIT);
    for file in files {
        cache.write(&format!("models--org--tiny/snapshots/{COMMIT}/{file}"), std::fs::read(whole.file(file)).unwrap());
    }
    cache
}

fn offline(cache: &Folder) -> Hub {
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
    refused(offline(&cache).open("org/tinny"), &["`org/tinny`", folder, "holds 1 models", "`org/tiny`"]);
    refused(offline(&cache).open("org/tiny@v2"), &["`org/tiny@v2`", folder]);
    refused(offline(&cache).open("no such thing"), &["`no such thing`", "org/name"]);
    refused(offline(&Folder::new()).open("org/tiny"), &["is empty or not there"]);
    #[cfg(not(feature = "hub"))]
    refused(offline(&cache).open("org/tiny"), &["feature `hub`"]);
}

#[cfg(feature = "hub")]
mod download {
    use std::{
        collections::BTreeMap,
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// A hub with one model, which remembers what it was asked.
    struct Server {
        address: String,
        asked: Arc<Mutex<Vec<String>>>,
    }

    /// How a [`Server`] misbehaves.
    #[derive(Clone, Copy, Default)]
    struct Manner {
        /// Ends every file after this many bytes.
        cut: Option<usize>,
        /// Answers everything with this status.
        status: Option<u16>,
        /// Sends files from another path, as the hub sends large ones from another host.
        redirect: bool,
    }

    impl Server {
        fn start(files: BTreeMap<String, Vec<u8>>, manner: Manner) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let asked = Arc::new(Mutex::new(Vec::new()));
            let log = asked.clone();
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    answer(stream, &files, manner, &log);
                }
            });
            Self { address, asked }
        }

        fn hub(&self, cache: &Folder) -> Hub {
            offline(cache).with_offline(false).with_endpoint(&self.address)
        }

        fn take_asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }
    }

    fn answer(
        mut stream: std::net::TcpStream,
        files: &BTreeMap<String, Vec<u8>>,
        manner: Manner,
        log: &Mutex<Vec<String>>,
    ) {
        let head: Vec<String> =
            BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)).map(str::to_owned) else { return };
        let header = |name: &str| {
            head.iter().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let note = [Some(path.clone()), header("range"), header("authorization")];
        log.lock().unwrap().push(note.into_iter().flatten().collect::<Vec<_>>().join(" "));

        let (status, extra, body) = match manner.status {
            Some(status) => (status, String::new(), Vec::new()),
            None if path.starts_with("/api/models/") => (200, String::new(), listing(files)),
            None => {
                let name = path.rsplit('/').next().unwrap_or_default();
                let (from, bytes) = (header("range"), files.get(name));
                match (bytes, from) {
                    (None, _) => (404, String::new(), Vec::new()),
                    (Some(_), _) if manner.redirect && !path.starts_with("/cdn/") => {
                        (302, format!("Location: /cdn/{name}\r\n"), Vec::new())
                    }
                    (Some(bytes), None) => (200, String::new(), bytes.clone()),
                    (Some(bytes), Some(range)) => {
                        let from: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
                        (206, String::new(), bytes[from..].to_vec())
                    }
                }
            }
        };
        let sent =
            if path.starts_with("/api/") { body.len() } else { manner.cut.unwrap_or(usize::MAX).min(body.len()) };
        let len = body.len();
        let _ = write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {len}\r\n{extra}Connection: close\r\n\r\n");
        let _ = stream.write_all(&body[..sent]);
    }

    fn listing(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
        let sibling = |(name, bytes): (&String, &Vec<u8>)| {
            format!(r#"{{"rfilename": "{name}", "size": {}, "blobId": "b{}"}}"#, bytes.len(), name.len())
        };
        let siblings = files.iter().map(sibling).collect::<Vec<_>>().join(",");
        format!(r#"{{"id": "org/tiny", "sha": "{COMMIT}", "siblings": [{siblings}]}}"#).into_bytes()
    }

    fn model(files: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let whole = whole_folder();
        files.iter().map(|file| (file.to_string(), std::fs::read(whole.file(file)).unwrap())).collect()
    }

    fn whole_model() -> BTreeMap<String, Vec<u8>> {
        let mut files = model(&["config.json", "model.safetensors", "tokenizer.json"]);
        files.insert("pytorch_model.bin".into(), vec![0; 1000]);
        files
    }

    fn half_files(cache: &Folder) -> Vec<String> {
        let blobs = std::fs::read_dir(cache.file("models--org--tiny/blobs")).unwrap().flatten();
        blobs.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name.contains("incomplete")).collect()
    }

    #[test]
    fn only_the_needed_files_are_downloaded_and_only_once() {
        for manner in [Manner::default(), Manner { redirect: true, ..Manner::default() }] {
            let (server, cache) = (Server::start(whole_model(), manner), Folder::new());
            let checkpoint = server.hub(&cache).open("org/tiny").unwrap();
            assert_eq!(values(&checkpoint.weights.get("wte.weight", &[2, 2]).unwrap()), [1., 2., 3., 4.]);
            assert!(checkpoint.tokenizer.is_some());
            let asked = server.take_asked();
            assert!(asked[0].starts_with("/api/models/org/tiny/revision/main"), "{asked:?}");
            assert!(asked.contains(&format!("/org/tiny/resolve/{COMMIT}/model.safetensors")), "{asked:?}");
            assert!(!asked.iter().any(|path| path.contains("pytorch_model")), "{asked:?}");

            server.hub(&cache).open("org/tiny").unwrap();
            offline(&cache).open("org/tiny").unwrap();
            assert_eq!(server.take_asked(), Vec::<String>::new());
            assert!(half_files(&cache).is_empty());
            let reference = cache.file("models--org--tiny/refs/main");
            assert_eq!(std::fs::read_to_string(reference).unwrap(), COMMIT);
        }
    }

    #[test]
    fn a_model_without_a_tokenizer_is_known_to_have_none() {
        let (server, cache) =
            (Server::start(model(&["config.json", "model.safetensors"]), Manner::default()), Folder::new());
        assert!(server.hub(&cache).open("org/tiny").unwrap().tokenizer.is_none());
        server.take_asked();
        assert!(server.hub(&cache).open("org/tiny").unwrap().tokenizer.is_none());
        assert_eq!(server.take_asked(), Vec::<String>::new());
    }

    #[test]
    fn the_parts_that_an_index_names_are_downloaded() {
        let mut files = whole_model();
        let weights = files.remove("model.safetensors").unwrap();
        files.insert("part-1.safetensors".into(), weights);
        let index = br#"{"weight_map": {"wte.weight": "part-1.safetensors"}}"#;
        files.insert("model.safetensors.index.json".into(), index.to_vec());
        let (server, cache) = (Server::start(files, Manner::default()), Folder::new());
        let checkpoint = server.hub(&cache).open("org/tiny").unwrap();
        assert_eq!(values(&checkpoint.weights.get("h.0.ln_1.weight", &[2]).unwrap()), [5., 6.]);
        server.take_asked();
        server.hub(&cache).open("org/tiny").unwrap();
        assert_eq!(server.take_asked(), Vec::<String>::new());
    }

    #[test]
    fn a_download_that_breaks_off_leaves_no_half_file_and_goes_on_where_it_ended() {
        let cut = Manner { cut: Some(50), ..Manner::default() };
        let (broken, cache) = (Server::start(whole_model(), cut), Folder::new());
        refused(broken.hub(&cache).open("org/tiny"), &["config.json", "50", "the next try goes on"]);
        assert_eq!(half_files(&cache).len(), 1);
        assert!(!cache.file(&format!("models--org--tiny/snapshots/{COMMIT}/config.json")).exists());
        refused(offline(&cache).open("org/tiny"), &["org/tiny"]);

        let server = Server::start(whole_model(), Manner::default());
        server.hub(&cache).open("org/tiny").unwrap();
        assert!(server.take_asked().contains(&format!("/org/tiny/resolve/{COMMIT}/config.json bytes=50-")));
        assert!(half_files(&cache).is_empty());
    }

    #[test]
    fn a_model_that_the_hub_has_only_as_a_pickle_is_refused_before_it_is_downloaded() {
        let mut files = whole_model();
        files.remove("model.safetensors");
        let server = Server::start(files, Manner::default());
        refused(
            server.hub(&Folder::new()).open("org/tiny"),
            &["org/tiny/model.safetensors", "pickle", "save_pretrained"],
        );
        assert!(!server.take_asked().iter().any(|path| path.contains("pytorch_model")));
    }

    #[test]
    fn the_token_is_sent_and_a_refusal_says_what_to_do() {
        let server = Server::start(whole_model(), Manner::default());
        server.hub(&Folder::new()).with_token(Some("secret".into())).open("org/tiny").unwrap();
        assert!(server.take_asked().iter().all(|asked| asked.ends_with("Bearer secret")));
        for (status, advice) in [(401, "HF_TOKEN"), (403, "gated"), (404, "check the id"), (503, "try again later")] {
            let server = Server::start(BTreeMap::new(), Manner { status: Some(status), ..Manner::default() });
            let parts = ["`org/tiny`", &status.to_string(), advice];
            refused(server.hub(&Folder::new()).open("org/tiny"), &parts);
        }
    }

    #[test]
    fn a_hub_that_cannot_be_reached_is_told_from_a_model_that_is_not_there() {
        let cache = cache_with(&["config.json"]);
        let unreachable = offline(&cache).with_offline(false);
        let parts =
            ["`org/tiny`", "127.0.0.1:9", "cannot be reached", "holds 1 models", cache.path().to_str().unwrap()];
        refused(unreachable.open("org/tiny"), &parts);
        refused(offline(&cache).open("org/tiny"), &["HF_HUB_OFFLINE"]);
    }

    #[test]
    fn progress_counts_up_to_the_size_of_each_file() {
        let (server, seen) = (Server::start(whole_model(), Manner::default()), Arc::new(Mutex::new(BTreeMap::new())));
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
}
