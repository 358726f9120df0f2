//! A hub on this machine with one model, `org/tiny`, and every bad habit that a test gives it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use glassbox::load::Hub;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::{
    hub::{COMMIT, offline},
    support::*,
};

pub type Files = BTreeMap<String, Vec<u8>>;

/// One request, with the headers that matter.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub path: String,
    pub range: Option<String>,
    pub token: Option<String>,
}

impl Asked {
    pub fn is_listing(&self) -> bool {
        self.path.starts_with("/api/")
    }

    pub fn file(&self) -> &str {
        self.path.split_once(&format!("{COMMIT}/")).map_or("", |(_, file)| file)
    }

    /// The byte that is asked for first.
    pub fn from(&self) -> usize {
        self.range.as_ref().map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap())
    }
}

pub struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A hub that does everything right.
    pub fn start(files: Files) -> Self {
        Self::with(files, |_, _, _| false)
    }

    /// A hub that first lets `habit` answer; it says whether it did.
    pub fn with(files: Files, habit: impl Fn(&Asked, &Files, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, shared) = (asked.clone(), Arc::new((files, habit)));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (log, shared) = (log.clone(), shared.clone());
                std::thread::spawn(move || {
                    let Some(asked) = read(&stream) else { return };
                    log.lock().unwrap().push(asked.clone());
                    if !(shared.1)(&asked, &shared.0, &mut stream) {
                        well(&asked, &shared.0, &mut stream);
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub fn hub(&self, cache: &Folder) -> Hub {
        let patient = Duration::from_secs(1);
        offline(cache).with_offline(false).with_endpoint(&self.address).with_patience(patient)
    }

    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head: Vec<String> = lines.collect();
    let header = |name: &str| {
        head.iter().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    Some(Asked { path, range: header("range"), token: header("authorization") })
}

/// Answers as the hub does.
pub fn well(asked: &Asked, files: &Files, stream: &mut TcpStream) -> bool {
    let name = asked.path.rsplit_once("/cdn/").map_or(asked.file(), |(_, file)| file);
    match files.get(name) {
        _ if asked.is_listing() => send(stream, 200, &[], listing(files).as_bytes()),
        None => send(stream, 404, &[], b""),
        Some(bytes) if asked.range.is_none() => send(stream, 200, &[], bytes),
        Some(bytes) if asked.from() >= bytes.len() => send(stream, 416, &[], b""),
        Some(bytes) => {
            let range = format!("bytes {}-{}/{}", asked.from(), bytes.len() - 1, bytes.len());
            send(stream, 206, &[("Content-Range", &range)], &bytes[asked.from()..])
        }
    }
}

pub fn send(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> bool {
    let len = body.len().to_string();
    let mut headers = headers.to_vec();
    headers.push(("Content-Length", &len));
    raw(stream, status, &headers, body)
}

/// Without a length of the body unless the headers say it.
pub fn raw(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> bool {
    let headers: String = headers.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
    let _ = write!(stream, "HTTP/1.1 {status} x\r\n{headers}Connection: close\r\n\r\n");
    let _ = stream.write_all(body);
    true
}

pub fn listing(files: &Files) -> String {
    let siblings = files.iter().map(|(name, bytes)| sibling(name, bytes)).collect::<Vec<_>>().join(",");
    format!(r#"{{"id": "org/tiny", "sha": "{COMMIT}", "siblings": [{siblings}]}}"#)
}

/// As the hub lists a file: weights by the hash of their bytes, others as git has them.
pub fn sibling(name: &str, bytes: &[u8]) -> String {
    let (size, git, sha256) = (bytes.len(), git(bytes), sha256(bytes));
    let lfs = format!(r#", "lfs": {{"sha256": "{sha256}", "size": {size}, "pointerSize": 134}}"#);
    let lfs = if name.ends_with(".safetensors") { lfs } else { String::new() };
    format!(r#"{{"rfilename": "{name}", "size": {size}, "blobId": "{git}"{lfs}}}"#)
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

pub fn git(bytes: &[u8]) -> String {
    let whole = [format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat();
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &whole).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn model(files: &[&str]) -> Files {
    let whole = whole_folder();
    files.iter().map(|file| (file.to_string(), std::fs::read(whole.file(file)).unwrap())).collect()
}

pub fn whole_model() -> Files {
    let mut files = model(&["config.json", "model.safetensors", "tokenizer.json"]);
    files.insert("pytorch_model.bin".into(), vec![0; 1000]);
    files
}

/// The names of all files and links in the cache, without what is locked.
pub fn all_files(cache: &Folder) -> Vec<String> {
    let (mut folders, mut files) = (vec![cache.file("models--org--tiny")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path().strip_prefix(cache.path()).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files.sort();
    files
}

pub fn half_files(cache: &Folder) -> Vec<String> {
    all_files(cache).into_iter().filter(|name| name.ends_with("incomplete") || name.ends_with("tmp")).collect()
}

/// The model is there, right, and read without the network.
#[track_caller]
pub fn is_whole(cache: &Folder) {
    let checkpoint = offline(cache).open("org/tiny").unwrap();
    assert_eq!(values(&checkpoint.weights.get("wte.weight", &[2, 2]).unwrap()), [1., 2., 3., 4.]);
    assert!(checkpoint.tokenizer.is_some());
    assert_eq!(half_files(cache), Vec::<String>::new());
}
