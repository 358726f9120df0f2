//! Chooses which files of a model are downloaded, and in which order.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
};

use super::{
    Hub, HubId,
    address::encode,
    answer::{Listed, Listing},
    place::{link, put},
    transfer::fetch,
    web::{Failure, Web},
};
use crate::{
    error::{Error, LoadError, Result},
    load::{
        folder::{CONFIG, DENSE_CONFIG, INDEX, POOLING, SPECIALS, TOKENIZER, WEIGHTS, only_pickled},
        safetensors::read_index,
    },
};

/// The most bytes of the hub's list of a model's files, unpacked. The longest lists have a few megabytes.
const LONGEST_LISTING: u64 = 16 << 20;

/// Downloads the files that a checkpoint needs. Returns their folder and whether any of them is new. With `checked`,
/// the bytes of existing files are compared with the hub's hashes. If the hub cannot be reached, `otherwise` is the
/// folder.
pub(super) fn snapshot(hub: &Hub, id: &HubId, checked: bool, otherwise: Option<PathBuf>) -> Result<(PathBuf, bool)> {
    let web = Web::new(hub, id)?;
    let listing = match (web.patiently(|| ask(&web)), otherwise) {
        (Err(why), Some(snapshot)) if why.is_out_of_reach() => return Ok((snapshot, false)),
        (listing, _) => listing?,
    };
    let snapshot = hub.cache.snapshot_of(id, &listing.commit);
    let download = Download { web, listing, snapshot, checked, changed: Cell::new(false) };
    download.fetch_if_listed(CONFIG)?;
    if download.fetch_if_listed(WEIGHTS)? {
        // A single file with all tensors.
    } else if download.fetch_if_listed(INDEX)? {
        for shard in read_index(&download.snapshot.join(INDEX))?.keys() {
            download.fetch_if_listed(shard)?;
        }
    } else if let Some(hint) = only_pickled(download.listing.files.iter().map(|file| file.name.as_str())) {
        let path = Path::new(&id.repo).join(WEIGHTS);
        return Err(LoadError::Missing { path, hint }.into());
    }
    for file in SPECIALS.into_iter().chain([POOLING, DENSE_CONFIG]) {
        download.fetch_if_listed(file)?;
    }
    let has_tokenizer = download.fetch_if_listed(TOKENIZER)?;
    download.note(has_tokenizer);
    Ok((download.snapshot, download.changed.get()))
}

/// Asks for the commit of the revision and for its files.
fn ask(web: &Web) -> Result<Listing, Failure> {
    let path = format!("/api/models/{}/revision/{}?blobs=true", web.id.repo, encode(&web.id.revision));
    let url = format!("{}{path}", web.hub.endpoint);
    let mut answer = web.get(&path, 0, LONGEST_LISTING)?.response;
    let mut text = Vec::new();
    let came = web.pour(
        answer.body_mut(),
        LONGEST_LISTING,
        |why| web.broken(&url, why, 0),
        |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        },
    )?;
    let unusable = |why| LoadError::HubAnswer { id: web.id.to_string(), url: url.clone(), why };
    if came > LONGEST_LISTING {
        return Err(unusable(format!("is longer than {} MB", LONGEST_LISTING >> 20)).into());
    }
    Ok(Listing::read(&text).map_err(unusable)?)
}

struct Download<'a> {
    web: Web<'a>,
    listing: Listing,
    snapshot: PathBuf,
    checked: bool,
    changed: Cell<bool>,
}

impl Download<'_> {
    /// Downloads one file into the snapshot. Returns whether the model has it.
    fn fetch_if_listed(&self, name: &str) -> Result<bool> {
        let Some(file) = self.listing.find(name) else { return Ok(false) };
        if !self.is_good(file, &self.snapshot.join(name)) {
            let blob = fetch(&self.web, &self.listing.commit, file, |blob| self.is_good(file, blob))?;
            let fail = |why| Error::io(format!("{} cannot be written to", self.snapshot.display()), why);
            link(&blob, &self.snapshot, name).map_err(fail)?;
            self.changed.set(true);
        }
        Ok(true)
    }

    /// Whether a file exists with the announced size and, if requested, the announced hash.
    fn is_good(&self, file: &Listed, path: &Path) -> bool {
        let is_sized = |data: std::fs::Metadata| data.is_file() && file.size.is_none_or(|size| size == data.len());
        let is_right = || file.sum.as_ref().is_none_or(|sum| sum.is_of(path).unwrap_or(false));
        path.metadata().is_ok_and(is_sized) && (!self.checked || is_right())
    }

    /// Records the commit of the revision, and whether it has no tokenizer. It comes last, so that it is recorded only
    /// when all files exist. If it fails, the files can still be used, and the hub is asked again next time.
    fn note(&self, has_tokenizer: bool) {
        let (cache, id, commit) = (&self.web.hub.cache, self.web.id, &self.listing.commit);
        if !has_tokenizer {
            let _ = put(&cache.no_tokenizer(id, commit), |own| std::fs::write(own, ""));
        }
        if *commit != id.revision {
            let _ = put(&cache.reference(id), |own| std::fs::write(own, commit));
        }
    }
}
