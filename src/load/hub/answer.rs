//! Parses the hub's description of a model: the commit of a revision, and its files. Names are checked here before they
//! become part of a path or an address.

use serde_json::Value;

use super::{id::is_commit, shown, verify::Sum};

/// The files of one commit.
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) files: Vec<Listed>,
}

/// A file in the hub's list.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) sum: Option<Sum>,
    pub(super) size: Option<u64>,
}

impl Listing {
    /// Parses the answer. An error completes the sentence "the hub's answer ...".
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let answer: Value = match serde_json::from_slice(text) {
            Ok(answer) => answer,
            Err(_) if is_page(text) => {
                return Err(
                    "is a web page: a network's login page may stand in between, so open the hub in a browser \
                            first"
                        .into(),
                );
            }
            Err(_) => return Err("is damaged: it is not JSON".into()),
        };
        let commit = answer.get("sha").and_then(Value::as_str).ok_or("has no commit (`sha`)")?;
        if !is_commit(commit) {
            return Err(format!("names the commit {}, which is not a commit", shown(commit)));
        }
        let files = answer.get("siblings").and_then(Value::as_array).ok_or("has no list of files (`siblings`)")?;
        Ok(Self { commit: commit.to_owned(), files: files.iter().map(Listed::read).collect::<Result<_, _>>()? })
    }

    pub(super) fn find(&self, name: &str) -> Option<&Listed> {
        self.files.iter().find(|file| file.name == name)
    }
}

impl Listed {
    fn read(entry: &Value) -> Result<Self, String> {
        let name = entry.get("rfilename").and_then(Value::as_str).ok_or("lists a file without a name (`rfilename`)")?;
        if !is_inside(name) {
            return Err(format!("lists the file {}, which is not a name inside a model's folder", shown(name)));
        }
        let bad = |what: &str, value: &Value| format!("gives {} the {what} {}", shown(name), shown(&value.to_string()));
        let field = |key: &str| entry.get(key).filter(|value| !value.is_null());
        let lfs = field("lfs");
        let large = lfs.and_then(|lfs| lfs.get("sha256").or(lfs.get("oid")));
        let (sum, given) = match lfs {
            // A large file's `blobId` belongs to its pointer file.
            Some(_) => (large.and_then(Value::as_str).and_then(Sum::sha256), large),
            None => (field("blobId").and_then(Value::as_str).and_then(Sum::git), field("blobId")),
        };
        let size = lfs.and_then(|lfs| lfs.get("size")).or(field("size"));
        match (sum, given, size) {
            (None, Some(given), _) => Err(bad("hash", given)),
            (_, _, Some(size)) if size.as_u64().is_none() => Err(bad("size", size)),
            (sum, ..) => Ok(Self { name: name.to_owned(), sum, size: size.and_then(Value::as_u64) }),
        }
    }
}

/// Whether a name stays inside its folder, on every operating system.
fn is_inside(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() <= 1024
        && name.split('/').all(is_part)
        && !name.contains(['\\', ':'])
        && !name.contains(char::is_control)
}

/// Whether the bytes are an HTML page.
pub(super) fn is_page(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn refused(answer: &str, parts: &[&str]) {
        let why = Listing::read(answer.as_bytes()).err().unwrap();
        parts.iter().for_each(|part| assert!(why.contains(part), "`{part}` is not in: {why}"));
        assert!(!why.contains(char::is_control) && why.len() < 300, "{why}");
    }

    fn with(entry: &str) -> String {
        format!(r#"{{"sha": "{COMMIT}", "siblings": [{entry}]}}"#)
    }

    #[test]
    fn a_broken_answer_is_told_by_what_it_lacks() {
        refused("", &["damaged"]);
        refused("{\"sha\": ", &["damaged", "not JSON"]);
        refused("\n<!DOCTYPE html><html>Log in</html>", &["web page", "browser"]);
        refused("[]", &["no commit"]);
        refused(r#"{"sha": 7}"#, &["no commit"]);
        refused(r#"{"sha": "../../evil\n"}"#, &["../../evil\\n", "not a commit"]);
        refused(&format!(r#"{{"sha": "{COMMIT}"}}"#), &["no list of files (`siblings`)"]);
        refused(&format!(r#"{{"sha": "{COMMIT}", "siblings": {{}}}}"#), &["no list of files"]);
        refused(&with("7"), &["without a name"]);
        refused(&with(r#"{"rfilename": "a", "size": -1}"#), &["\"a\"", "size", "-1"]);
        refused(&with(r#"{"rfilename": "a", "size": "1"}"#), &["size"]);
        refused(&with(r#"{"rfilename": "a", "blobId": "../../evil"}"#), &["hash", "../../evil"]);
        refused(&with(r#"{"rfilename": "a", "lfs": {"sha256": "beef"}}"#), &["hash", "beef"]);
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_refused_by_name() {
        for name in ["../evil", "/etc/passwd", "a/../../b", "a\\\\b", "a\\u0000b", "C:x", "", "a//b", "./a", "a\\n"] {
            refused(&with(&format!(r#"{{"rfilename": "{name}"}}"#)), &["lists the file", "not a name inside"]);
        }
    }

    #[test]
    fn hash_and_size_are_those_of_the_contents_not_of_the_pointer_to_them() {
        let (sha256, git) = ("ab".repeat(32), "cd".repeat(20));
        let listing = with(&format!(
            r#"{{"rfilename": "w", "size": 9, "blobId": "{git}", "lfs": {{"sha256": "{sha256}", "size": 9}}}},
               {{"rfilename": "1/c", "size": 5, "blobId": "{git}", "lfs": null}}, {{"rfilename": "x"}},
               {{"rfilename": "y", "blobId": "{git}", "lfs": {{"pointerSize": 3}}}}"#
        ));
        let listing = Listing::read(listing.as_bytes()).unwrap();
        let of = |name| listing.find(name).map(|file| (file.sum.clone(), file.size)).unwrap();
        assert_eq!(of("w"), (Sum::sha256(&sha256), Some(9)));
        assert_eq!(of("1/c"), (Sum::git(&git), Some(5)));
        assert_eq!((of("x"), of("y")), ((None, None), (None, None)));
    }
}
