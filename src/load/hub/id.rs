//! The syntax of hub ids: `name` or `org/name`, with `@revision` after it unless it is `main`.

use std::fmt;

/// One revision of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::load) struct HubId {
    pub(super) repo: String,
    /// A branch, a tag or a commit.
    pub(super) revision: String,
}

const FORM: &str = "the id of a model on the hub is written `org/name` or `name`, with `@revision` after it for \
                    another branch, tag or commit than `main`";
const WORD: &str = "the parts of a hub id hold the letters a to z, digits, `_`, `-` and `.`, at most 96 of them, and \
                    neither begin nor end with `-` or `.`";
const PAIRS: &str = "a hub id holds neither `--` nor `..`";
const GIT: &str = "a hub id does not end with `.git`";
const REVISION: &str = "a revision is the name of a branch, a tag or a commit: without spaces, `..`, `//`, `@{` and \
                        the signs ~ ^ : ? * [ \\ < > | \", and no part of it begins with `.` or `-` or ends with \
                        `.` or `.lock`";

impl HubId {
    /// Parses an id, or returns the rule that it breaks. The rules are those of the hub and of git.
    pub(in crate::load) fn parse(text: &str) -> Result<Self, &'static str> {
        let (repo, revision) = text.split_once('@').unwrap_or((text, "main"));
        let parts: Vec<&str> = repo.split('/').collect();
        let rules = [
            (parts.len() <= 2 && parts.iter().all(|part| !part.is_empty()), FORM),
            (parts.iter().all(|part| is_word(part)), WORD),
            (!repo.contains("--") && !repo.contains(".."), PAIRS),
            (!repo.ends_with(".git"), GIT),
            (is_revision(revision), REVISION),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(rule),
            None => Ok(Self { repo: repo.to_owned(), revision: revision.to_owned() }),
        }
    }
}

fn is_word(part: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    part.len() <= 96 && part.chars().all(inner) && !part.starts_with(['-', '.']) && !part.ends_with(['-', '.'])
}

/// Whether git allows the name, and a file can have it too.
fn is_revision(name: &str) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"~^:?*[\\<>|\"".contains(c);
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && !part.ends_with(".lock")
    };
    name.len() <= 200
        && name.chars().all(plain)
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && name.split('/').all(is_part)
}

/// Whether a text can be the hash of a commit, which is used as the name of a folder.
pub(super) fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            "main" => f.write_str(&self.repo),
            revision => write!(f, "{}@{revision}", self.repo),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_name_and_may_have_an_owner_and_a_revision() {
        let parse = |id| HubId::parse(id).map(|id| (id.repo, id.revision));
        let is = |repo: &str, revision: &str| Ok((repo.to_owned(), revision.to_owned()));
        assert_eq!(parse("gpt2"), is("gpt2", "main"));
        assert_eq!(parse("_a/b_"), is("_a/b_", "main"));
        assert_eq!(parse("a-b/c_d.e@refs/pr/1"), is("a-b/c_d.e", "refs/pr/1"));
        assert_eq!(parse("a/b@v1.0+cu118"), is("a/b", "v1.0+cu118"));
        assert_eq!(parse("a/b@feature/größe#1%"), is("a/b", "feature/größe#1%"));
        assert_eq!(parse("a/b@c@d"), is("a/b", "c@d"));
        assert_eq!(HubId::parse("a/b@c").unwrap().to_string(), "a/b@c");
        assert_eq!(HubId::parse("a/b@main").unwrap().to_string(), "a/b");
    }

    #[test]
    fn what_the_hub_or_git_refuses_is_no_id_and_paths_are_none() {
        let long = "a".repeat(97);
        for (rule, ids) in [
            (FORM, vec!["", "/a/b", "a/b/c", "a/", "/a", "a//b", "datasets/a/b"]),
            (WORD, vec!["./a", "../a", "a/..", "~/a", "a\\b", "a b", "a\nb", "-a", "a.", ".a/b", "a-/b", "é", &long]),
            (PAIRS, vec!["a--b", "a..b", "x/a--b"]),
            (GIT, vec!["a.git", "x/a.git"]),
            (REVISION, vec!["a@", "a@..", "a@b/../c", "a@b//c", "a@/b", "a@b/", "a@.b", "a@b.lock", "a@b c", "a@b~1"]),
            (REVISION, vec!["a@@", "a@b@{1}", "a@b\\c", "a@b\0", "a@-b", "a@C:x"]),
        ] {
            ids.iter().for_each(|id| assert_eq!(HubId::parse(id), Err(rule), "{id}"));
        }
    }

    #[test]
    fn only_hex_digits_are_a_commit() {
        assert!(is_commit("0123456789abcdef0123456789abcdef01234567") && is_commit("e7da7f2"));
        for text in ["", "main", "../../evil", "0123456789abcdefg", "abc", "abcdef0\n", &"a".repeat(65)] {
            assert!(!is_commit(text), "{text}");
        }
    }
}
