//! Checks downloaded bytes against the hash that the hub announces.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// The announced hash in lower-case hex digits: the SHA-256 of a large file, or the git blob hash of a small one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Sha256(String),
    Git(String),
}

impl Sum {
    pub(super) fn sha256(text: &str) -> Option<Self> {
        let text = text.strip_prefix("sha256:").unwrap_or(text);
        is_hex(text, 64).then(|| Self::Sha256(text.to_ascii_lowercase()))
    }

    pub(super) fn git(text: &str) -> Option<Self> {
        is_hex(text, 40).then(|| Self::Git(text.to_ascii_lowercase()))
    }

    /// The hash in an `ETag`, if it is one of the two.
    pub(super) fn from_etag(etag: &str) -> Option<Self> {
        let text = etag.trim_start_matches("W/").trim_matches('"');
        Self::sha256(text).or_else(|| Self::git(text))
    }

    /// The hash, which is the name of the contents in the cache.
    pub(super) fn hex(&self) -> &str {
        let (Self::Sha256(hex) | Self::Git(hex)) = self;
        hex
    }

    /// Whether a file has this hash.
    pub(super) fn is_of(&self, path: &Path) -> io::Result<bool> {
        let mut file = File::open(path)?;
        let mut context = match self {
            Self::Sha256(_) => Context::new(&SHA256),
            Self::Git(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {}\0", file.metadata()?.len()).as_bytes());
                context
            }
        };
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => context.update(buffer.get(..count).unwrap_or_default()),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        let hex: String = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(hex == self.hex())
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const GIT_OF_HELLO: &str = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";

    #[test]
    fn a_file_has_the_hash_of_its_bytes_and_no_other() {
        let path = std::env::temp_dir().join(format!("glassbox-sum-{}", std::process::id()));
        for (text, is_right) in [("hello", true), ("hellp", false), ("", false)] {
            std::fs::write(&path, text).unwrap();
            for sum in [Sum::sha256(SHA256_OF_HELLO), Sum::git(GIT_OF_HELLO)] {
                assert_eq!(sum.unwrap().is_of(&path).unwrap(), is_right, "{text}");
            }
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_forty_or_sixty_four_hex_digits_are_a_hash() {
        assert_eq!(Sum::from_etag(&format!("W/\"{GIT_OF_HELLO}\"")), Sum::git(GIT_OF_HELLO));
        assert_eq!(Sum::from_etag(&format!("\"{}\"", SHA256_OF_HELLO.to_uppercase())), Sum::sha256(SHA256_OF_HELLO));
        for text in ["", "\"../../evil\"", "\"5d41402abc4b2a76b9719d911017c592\"", &format!("{GIT_OF_HELLO}/")] {
            assert_eq!(Sum::from_etag(text), None, "{text}");
        }
    }
}
