//! Reads the environment variables about the hub as Python's `huggingface_hub` reads them.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{Hub, PATIENCE, cache::Cache};

pub(super) fn hub(variable: impl Fn(&str) -> Option<OsString>, user: Option<PathBuf>) -> Hub {
    let text = |name: &str| Some(variable(name)?.to_string_lossy().trim().to_owned()).filter(|text| !text.is_empty());
    let path = |name: &str| {
        let path = variable(name).filter(|path| !path.is_empty())?;
        Some(expand(Path::new(&path), &variable, user.as_deref()))
    };
    let is_yes =
        |name: &str| text(name).is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&&*value.to_uppercase()));
    let caches = path("XDG_CACHE_HOME").or_else(|| Some(user.as_ref()?.join(".cache")));
    let home = path("HF_HOME").unwrap_or_else(|| caches.unwrap_or_default().join("huggingface"));
    let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
    let token = || text("HF_TOKEN").or_else(|| text("HUGGING_FACE_HUB_TOKEN"));
    let token = || token().or_else(|| std::fs::read_to_string(token_file).ok());
    let offline = if text("HF_HUB_OFFLINE").is_some() { "HF_HUB_OFFLINE" } else { "TRANSFORMERS_OFFLINE" };
    let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
    let hub = Hub {
        endpoint: String::new(),
        cache: Cache::new(cache.unwrap_or_else(|| home.join("hub"))),
        token: None,
        offline: is_yes(offline),
        progress: None,
        patience: PATIENCE,
    };
    hub.with_endpoint(text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into()))
        .with_token(if is_yes("HF_HUB_DISABLE_IMPLICIT_TOKEN") { None } else { token() })
}

/// Expands `~`, `$NAME` and `${NAME}` in a path, as a shell does.
fn expand(path: &Path, variable: impl Fn(&str) -> Option<OsString>, user: Option<&Path>) -> PathBuf {
    let Some(text) = path.to_str() else { return path.to_owned() };
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        let bare =
            || after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len()));
        let (name, tail) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')).unwrap_or_else(bare);
        match variable(name).and_then(|value| value.into_string().ok()) {
            Some(value) => whole.push_str(&value),
            None => whole.extend(["$", after.strip_suffix(tail).unwrap_or(after)]),
        }
        rest = tail;
    }
    whole.push_str(rest);
    match (Path::new(&whole).strip_prefix("~"), user) {
        (Ok(inner), Some(user)) => user.join(inner),
        _ => PathBuf::from(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Hub {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        hub(get, Some(PathBuf::from("/home/me")))
    }

    #[test]
    fn the_cache_is_where_pythons_library_has_it() {
        let folder = |variables: &[(&str, &str)]| of(variables).cache.folder().to_owned();
        let user = ("USER", "me");
        for (variables, expected) in [
            (vec![], "/home/me/.cache/huggingface/hub"),
            (vec![("HF_HOME", ""), ("HF_HUB_CACHE", "")], "/home/me/.cache/huggingface/hub"),
            (vec![("XDG_CACHE_HOME", "/c")], "/c/huggingface/hub"),
            (vec![("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/c")], "/h/hub"),
            (vec![("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/h")], "/old"),
            (vec![("HF_HUB_CACHE", "/hub"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/h")], "/hub"),
            (vec![("HF_HOME", "~/h")], "/home/me/h/hub"),
            (vec![("HF_HUB_CACHE", "/$USER/${USER}s/$NONE/x"), user], "/me/mes/$NONE/x"),
        ] {
            assert_eq!(folder(&variables), PathBuf::from(expected), "{variables:?}");
        }
    }

    #[test]
    fn the_token_the_address_and_offline_are_as_pythons_library_has_them() {
        let set = of(&[("HF_TOKEN", " secret\n"), ("HF_HUB_OFFLINE", "True"), ("HF_ENDPOINT", "https://mirror/hf//")]);
        assert_eq!((set.token.as_deref(), set.offline, &*set.endpoint), (Some("secret"), true, "https://mirror/hf"));
        assert!(!format!("{set:?}").contains("secret"));
        let unset = of(&[("HF_TOKEN", ""), ("HF_ENDPOINT", " "), ("HF_HUB_OFFLINE", "")]);
        assert_eq!((unset.token, unset.offline, &*unset.endpoint), (None, false, "https://huggingface.co"));
        let token = |variables: &[(&str, &str)]| of(variables).token;
        assert_eq!(token(&[("HUGGING_FACE_HUB_TOKEN", "old")]).as_deref(), Some("old"));
        assert_eq!(token(&[("HF_TOKEN", "new"), ("HUGGING_FACE_HUB_TOKEN", "old")]).as_deref(), Some("new"));
        assert_eq!(token(&[("HF_TOKEN", "new"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        assert!(of(&[("TRANSFORMERS_OFFLINE", "yes")]).offline);
        assert!(!of(&[("TRANSFORMERS_OFFLINE", "yes"), ("HF_HUB_OFFLINE", "0")]).offline);
    }

    #[test]
    fn the_token_is_read_from_its_file_where_no_variable_has_it() {
        let folder = std::env::temp_dir().join(format!("glassbox-token-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("token"), "from-file\n").unwrap();
        let home = folder.to_str().unwrap();
        assert_eq!(of(&[("HF_HOME", home)]).token.as_deref(), Some("from-file"));
        let path = folder.join("token").display().to_string();
        assert_eq!(of(&[("HF_TOKEN_PATH", &path)]).token.as_deref(), Some("from-file"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
