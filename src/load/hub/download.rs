//! Fetching what the cache lacks, so that no half file is ever seen under its own name.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use ureq::{
    Agent, Body,
    config::RedirectAuthHeaders,
    http::{Response, StatusCode, header},
};

use super::{Hub, HubId};
use crate::{
    error::{Error, LoadError, Result},
    load::{
        Settings,
        folder::{CONFIG, INDEX, POOLING, SPECIALS, TOKENIZER, WEIGHTS, only_pickled},
        safetensors::read_index,
    },
};

/// Downloads the files of a model that a checkpoint is read from, and says in which folder they are.
pub(super) fn snapshot(hub: &Hub, id: &HubId) -> Result<PathBuf> {
    let download = Download::begin(hub, id)?;
    download.fetch_if_listed(CONFIG)?;
    if download.fetch_if_listed(WEIGHTS)? {
        // One file with all of them.
    } else if download.fetch_if_listed(INDEX)? {
        for shard in read_index(&download.snapshot.join(INDEX))?.keys() {
            download.fetch_if_listed(shard)?;
        }
    } else if let Some(hint) = only_pickled(download.files.iter().map(|file| file.name.as_str())) {
        let path = Path::new(&id.repo).join(WEIGHTS);
        return Err(LoadError::Missing { path, hint }.into());
    }
    for file in SPECIALS.into_iter().chain([POOLING]) {
        download.fetch_if_listed(file)?;
    }
    if !download.fetch_if_listed(TOKENIZER)? {
        let known_missing = hub.cache.model(id).join(".no_exist").join(&download.commit);
        in_folder(&known_missing, |folder| fs::write(folder.join(TOKENIZER), ""))?;
    }
    download.finish()
}

struct Download<'a> {
    hub: &'a Hub,
    id: &'a HubId,
    agent: Agent,
    /// What the hub calls the model now: it may have been renamed.
    repo: String,
    commit: String,
    snapshot: PathBuf,
    files: Vec<Listed>,
}

/// A file as the hub lists it.
struct Listed {
    name: String,
    /// The name of its contents, by which the cache keeps them.
    hash: Option<String>,
    size: Option<u64>,
}

impl<'a> Download<'a> {
    /// Asks which commit the revision is, and which files it has.
    fn begin(hub: &'a Hub, id: &'a HubId) -> Result<Self> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .accept_encoding("identity")
            .user_agent(concat!("glassbox/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build()
            .into();
        let (repo, commit) = (id.repo.clone(), String::new());
        let mut download = Self { hub, id, agent, repo, commit, snapshot: PathBuf::new(), files: Vec::new() };
        let url =
            format!("{}/api/models/{}/revision/{}?blobs=true", hub.endpoint, id.repo, id.revision.replace('/', "%2F"));
        let mut answer = download.get(&url, 0)?;
        let text = answer.body_mut().read_to_vec().map_err(|why| download.broken(&url, why.to_string()))?;
        let answer = Settings::parse_file(&text, Path::new(&url))?;
        download.repo = answer.or("id", id.repo.clone())?;
        download.commit = answer.get("sha")?;
        if download.commit.is_empty() || !download.commit.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(download.broken(&url, format!("`{}` is not the name of a commit", download.commit)));
        }
        download.snapshot = hub.cache.snapshot_of(id, &download.commit);
        download.files = answer.get::<Vec<Value>>("siblings")?.iter().filter_map(Listed::read).collect();
        Ok(download)
    }

    /// Brings one file into the snapshot, and says whether the model has it.
    fn fetch_if_listed(&self, name: &str) -> Result<bool> {
        let Some(file) = self.files.iter().find(|file| file.name == name) else { return Ok(false) };
        let place = self.snapshot.join(name);
        if !place.is_file() {
            let blob = self.fetch(file)?;
            in_folder(&self.snapshot, |_| link(&blob, &place))?;
        }
        Ok(true)
    }

    /// The contents of a file in the cache, under the name of their hash.
    ///
    /// They are written beside it first, where the next try goes on from, and renamed when all of them are there.
    fn fetch(&self, file: &Listed) -> Result<PathBuf> {
        let hash = file.hash.clone().unwrap_or_else(|| format!("{}-{}", self.commit, file.name));
        let blob = self.hub.cache.model(self.id).join("blobs").join(&hash);
        let partial = blob.with_file_name(format!("{hash}.incomplete"));
        let fail = |why| Error::io(format!("{} cannot be written", partial.display()), why);
        let mut out =
            in_folder(blob.parent().unwrap_or(&partial), |_| File::options().create(true).append(true).open(&partial))?;
        // Two programs that want the same file take turns, and the second finds it there.
        out.lock().map_err(fail)?;
        if !blob.is_file() {
            self.fill(&mut out, file, &partial)?;
            fs::rename(&partial, &blob).map_err(fail)?;
        }
        Ok(blob)
    }

    /// Appends to `out` what it lacks of a file.
    fn fill(&self, out: &mut File, file: &Listed, partial: &Path) -> Result<()> {
        let fail = |why| Error::io(format!("{} cannot be written", partial.display()), why);
        let url = format!("{}/{}/resolve/{}/{}", self.hub.endpoint, self.repo, self.commit, file.name);
        let mut have = out.metadata().map_err(fail)?.len();
        if have > 0 && Some(have) == file.size {
            return Ok(());
        }
        let mut answer = self.get(&url, have)?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            out.set_len(0).map_err(fail)?;
            have = 0;
        }
        let coming =
            answer.headers().get(header::CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse::<u64>().ok());
        let size = file.size.or(coming.map(|coming| have + coming));
        let (mut body, mut buffer) = (answer.body_mut().as_reader(), vec![0; 1 << 20]);
        loop {
            let count = body.read(&mut buffer).map_err(|why| self.broken(&url, format!("{why} after {have} bytes")))?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            out.write_all(bytes).map_err(fail)?;
            have += count as u64;
            if let Some(progress) = &self.hub.progress {
                progress(&file.name, have, size.unwrap_or(have));
            }
        }
        match size {
            Some(size) if size < have => {
                out.set_len(0).map_err(fail)?;
                Err(self.broken(&url, format!("{have} bytes came where {size} are due")))
            }
            Some(size) if size > have => Err(self.broken(&url, format!("it ended after {have} of {size} bytes"))),
            _ => Ok(()),
        }
    }

    fn get(&self, url: &str, from: u64) -> Result<Response<Body>> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.hub.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let unreachable = |why| {
            let hint = format!("{} cannot be reached ({why})", self.hub.endpoint);
            self.hub.not_found(&self.id.to_string(), &hint)
        };
        let answer = request.call().map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let what = answer.headers().get("x-error-message").and_then(|text| text.to_str().ok()).unwrap_or_default();
        Err(self.refused(url, status, what))
    }

    fn refused(&self, url: &str, status: StatusCode, what: &str) -> Error {
        let advice = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "there is no such model, or it is private or gated: accept its terms on its page and set HF_TOKEN"
            }
            StatusCode::NOT_FOUND => "check the id and the revision",
            _ => "try again later",
        };
        let why = [what, advice].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
        LoadError::HubRefused { id: self.id.to_string(), url: url.to_owned(), status: status.as_u16(), why }.into()
    }

    fn broken(&self, url: &str, why: String) -> Error {
        LoadError::Download { url: url.to_owned(), why }.into()
    }

    /// Notes which commit the revision is. Written last, so that a revision is known only when its files are there.
    fn finish(self) -> Result<PathBuf> {
        let reference = self.hub.cache.reference(self.id);
        if self.commit != self.id.revision {
            let partial = reference.with_file_name(format!("{}.incomplete", self.commit));
            in_folder(reference.parent().unwrap_or(&partial), |_| {
                fs::write(&partial, &self.commit)?;
                fs::rename(&partial, &reference)
            })?;
        }
        Ok(self.snapshot)
    }
}

impl Listed {
    fn read(entry: &Value) -> Option<Self> {
        let hash = entry.pointer("/lfs/sha256").or(entry.get("blobId")).and_then(Value::as_str);
        let hash = hash.filter(|hash| hash.chars().all(|c| c.is_ascii_alphanumeric())).map(str::to_owned);
        let size = entry.pointer("/lfs/size").or(entry.get("size")).and_then(Value::as_u64);
        Some(Self { name: entry.get("rfilename")?.as_str()?.to_owned(), hash, size })
    }
}

/// Makes a folder and does something in it.
fn in_folder<T>(folder: &Path, act: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<T> {
    let done = fs::create_dir_all(folder).and_then(|()| act(folder));
    done.map_err(|why| Error::io(format!("{} cannot be written to", folder.display()), why))
}

/// Puts a blob into a snapshot: as a relative link, or where there are none as a file of its own.
fn link(blob: &Path, place: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(hash) = blob.file_name() {
        let _ = fs::remove_file(place);
        return std::os::unix::fs::symlink(Path::new("../../blobs").join(hash), place);
    }
    fs::copy(blob, place).map(drop)
}
