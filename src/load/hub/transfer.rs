//! Downloads one file into the cache. Under its final name, a file is always complete and verified.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use ureq::http::{HeaderMap, StatusCode};

use super::{
    address::encode,
    answer::Listed,
    place::{Turn, own_name},
    verify::Sum,
    web::{Answer, Failure, Web, text},
};
use crate::error::{Error, Result};

/// The most bytes of a file whose length is not announced.
const UNANNOUNCED: u64 = 64 << 20;

/// The contents of a file in the cache. They are downloaded unless they exist and pass `is_good`.
pub(super) fn fetch(web: &Web, commit: &str, file: &Listed, is_good: impl Fn(&Path) -> bool) -> Result<PathBuf> {
    let nameless = || format!("{commit}-{}", encode(&file.name));
    let name = file.sum.as_ref().map_or_else(nameless, |sum| sum.hex().to_owned());
    let blob = web.hub.cache.blob(web.id, &name);
    let unfinished = blob.with_file_name(format!("{name}.incomplete"));
    let turn = Turn::wait(&web.hub.cache.lock(web.id, &name), &unfinished, web.hub.patience * 4);
    if is_good(&blob) {
        return Ok(blob);
    }
    // Without the lock, another process may be writing to the usual file.
    let part = if turn.is_held() { unfinished } else { own_name(&blob, "incomplete") };
    let path = file.name.split('/').map(encode).collect::<Vec<_>>().join("/");
    let path = format!("/{}/resolve/{commit}/{path}", web.id.repo);
    let transfer = Transfer { web, file, path, part, lasts: turn.is_held() };
    transfer.complete(&blob)?;
    Ok(blob)
}

struct Transfer<'a> {
    web: &'a Web<'a>,
    file: &'a Listed,
    /// The path on the hub.
    path: String,
    /// The file that the bytes are written to.
    part: PathBuf,
    /// Whether the next attempt can continue this file.
    lasts: bool,
}

impl Transfer<'_> {
    fn complete(&self, blob: &Path) -> Result<()> {
        if let Some(folder) = blob.parent() {
            fs::create_dir_all(folder).map_err(|why| self.unwritten(why))?;
        }
        // Bytes from an earlier attempt may be wrong. Then all of them are fetched once more.
        for _ in 0..2 {
            let announced = self.web.patiently(|| self.attempt())?;
            let sum = self.file.sum.clone().or(announced);
            if sum.is_none_or(|sum| sum.is_of(&self.part).unwrap_or(false)) {
                File::options()
                    .write(true)
                    .open(&self.part)
                    .and_then(|file| file.sync_all())
                    .map_err(|why| self.unwritten(why))?;
                let taken = |why| Error::io(format!("{} cannot be replaced; delete it", blob.display()), why);
                return fs::rename(&self.part, blob).map_err(taken);
            }
            fs::remove_file(&self.part).map_err(|why| self.unwritten(why))?;
        }
        Err(self.broken(
            "twice, its bytes were not those that the hub announces (their hash is another): something on the way \
             changes them, or the hub's own file is damaged"
                .into(),
        ))
    }

    /// Downloads the missing bytes of the file. Returns the hash in the hub's headers.
    fn attempt(&self) -> Result<Option<Sum>, Failure> {
        let have = self.kept();
        if self.file.size == Some(have) && self.part.is_file() {
            return Ok(None);
        }
        let from = if self.file.size.is_some_and(|size| size < have) { 0 } else { have };
        let Answer { mut response, sum, size } =
            self.web.get(&self.path, from, self.file.size.unwrap_or(UNANNOUNCED))?;
        let is_part = response.status() == StatusCode::PARTIAL_CONTENT;
        let announced = self.file.size.or(size);
        let start = match (response.status(), content_range(response.headers())) {
            (StatusCode::PARTIAL_CONTENT, Some((start, total)))
                if start == from && total.zip(announced).is_none_or(|(total, size)| total == size) =>
            {
                from
            }
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => {
                self.clear()?;
                let why = "the hub sent another part of it than requested";
                return Err(Failure::passing(self.broken(why.into())));
            }
            _ => 0,
        };
        let coming = response.body().content_length().filter(|_| !is_part);
        let size = announced.or(coming);
        if let Some(size) = size.filter(|&size| coming != Some(size) && !is_part) {
            let is_page = text(response.headers(), "content-type").is_some_and(|kind| kind.starts_with("text/html"));
            let page = "a web page was sent instead, perhaps the login page of your network";
            if is_page {
                return Err(self.broken(page.into()).into());
            } else if let Some(coming) = coming {
                return Err(self.broken(format!("{coming} bytes were announced instead of {size}")).into());
            }
        }
        let mut out = self.open_at(start).map_err(|why| self.unwritten(why))?;
        let (mut done, most) = (start, size.map_or(UNANNOUNCED, |size| size.saturating_sub(start)));
        let came = self.web.pour(
            response.body_mut(),
            most,
            |why| self.broken(why),
            |bytes| {
                out.write_all(bytes).map_err(|why| self.unwritten(why))?;
                done += bytes.len() as u64;
                if let Some(progress) = &self.web.hub.progress {
                    progress(&self.file.name, done, size.unwrap_or(done));
                }
                Ok(())
            },
        )?;
        if came > most {
            self.clear()?;
            return Err(self.broken(format!("it does not end after the expected {} bytes", start + most)).into());
        }
        match size {
            Some(size) if done < size => {
                Err(Failure::passing(self.broken(format!("it ended after {done} of {size} bytes"))))
            }
            _ => Ok(sum),
        }
    }

    /// The number of bytes already downloaded.
    fn kept(&self) -> u64 {
        self.part.metadata().map_or(0, |data| data.len())
    }

    fn open_at(&self, start: u64) -> std::io::Result<File> {
        let mut out = File::options().create(true).truncate(false).write(true).open(&self.part)?;
        out.set_len(start)?;
        out.seek(SeekFrom::Start(start))?;
        Ok(out)
    }

    fn clear(&self) -> Result<()> {
        self.open_at(0).map(drop).map_err(|why| self.unwritten(why))
    }

    fn broken(&self, why: String) -> Error {
        let url = format!("{}{}", self.web.hub.endpoint, self.path);
        self.web.broken(&url, why, if self.lasts { self.kept() } else { 0 })
    }

    fn unwritten(&self, why: std::io::Error) -> Error {
        let room = match (why.kind(), self.file.size) {
            (std::io::ErrorKind::StorageFull, Some(size)) => format!(
                " ({} needs {size} bytes, and {} are there; make room, or set HF_HUB_CACHE to a folder on \
                 another disk)",
                self.file.name,
                self.kept()
            ),
            (std::io::ErrorKind::IsADirectory | std::io::ErrorKind::NotADirectory, _) => {
                " (something else has its name or that of its folder; delete that)".into()
            }
            _ => String::new(),
        };
        Error::io(format!("{} cannot be written{room}", self.part.display()), why)
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        if !self.lasts {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// The start of a part and the total length: `bytes 50-99/100`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) = text(headers, "content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()))
}
