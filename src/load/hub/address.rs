//! Network addresses: the hub's endpoint, redirects, and the origins that may see the token.

use ureq::http::Uri;

/// The origin that a token may be sent to. The same host at another port, or without encryption, is another origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Returns the origin of an address; `None` for another scheme, without a host, or with a password.
    pub(super) fn of(url: &Uri) -> Option<Self> {
        let https = match url.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        let port = url.port_u16().unwrap_or(if https { 443 } else { 80 });
        (!url.authority()?.as_str().contains('@')).then_some(Self { https, host, port })
    }
}

/// Parses the address of a hub. The error does not show it, because it may contain a password.
pub(super) fn endpoint(text: &str) -> Result<Uri, String> {
    let shown = super::shown(text);
    if text.contains('@') {
        return Err("the hub's address contains a user name; leave it out and set HF_TOKEN".into());
    }
    let Some((scheme, _)) = text.split_once("://") else {
        return Err(format!("the hub's address {shown} has no scheme; write \"https://{}\"", shown.trim_matches('"')));
    };
    if !["http", "https"].contains(&scheme) {
        return Err(format!("the hub's address {shown} starts with neither https:// nor http://"));
    }
    let url = text.parse::<Uri>().ok().filter(|url| Origin::of(url).is_some() && url.query().is_none());
    let url = url.filter(|_| !text.contains('#'));
    url.ok_or_else(|| format!("the hub's address {shown} is not valid; write it as \"https://huggingface.co\""))
}

/// The target of a redirect, or the reason why it is not followed.
pub(super) fn redirect(from: &Uri, location: &str) -> Result<Uri, String> {
    let target = location.split('#').next().unwrap_or_default();
    let (scheme, host) = (from.scheme_str().unwrap_or_default(), from.authority().map_or("", |host| host.as_str()));
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let whole = if target.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        target.to_owned()
    } else if target.starts_with("//") {
        format!("{scheme}:{target}")
    } else if target.starts_with('/') {
        format!("{scheme}://{host}{target}")
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{host}{folder}/{target}")
    };
    let url = whole.parse::<Uri>().ok().filter(|url| Origin::of(url).is_some());
    let url = url.ok_or_else(|| format!("it redirects to {}, which is not an address", super::shown(location)))?;
    if scheme == "https" && url.scheme_str() != Some("https") {
        return Err(format!("it redirects from https to {}, which is not encrypted", plain(&url)));
    }
    Ok(url)
}

/// An address that is safe to show, without the part after `?`, which may contain an access key.
pub(super) fn plain(url: &Uri) -> String {
    url.to_string().split('?').next().unwrap_or_default().to_owned()
}

/// Encodes a text as one segment of an address.
pub(super) fn encode(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_meant_for_one_scheme_one_host_and_one_port() {
        let origin = |text| Origin::of(&url(text));
        assert_eq!(origin("https://hub.co/a"), origin("https://HUB.co:443/b?c"));
        for other in ["http://hub.co/", "https://hub.co:8443/", "https://cdn.hub.co/", "https://hub.co.evil/"] {
            assert_ne!(origin("https://hub.co"), origin(other), "{other}");
        }
        for none in ["ftp://hub.co/", "https://me:secret@hub.co/", "/path"] {
            assert_eq!(origin(none), None, "{none}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_and_a_password_in_it_is_not_shown() {
        for good in ["https://huggingface.co", "http://127.0.0.1:8080", "https://mirror/hf", "http://[::1]:80"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for (bad, part) in [
            ("hf-mirror.com", "write \"https://hf-mirror.com\""),
            ("", "has no scheme"),
            ("ftp://hub", "neither https:// nor http://"),
            ("https://", "is not valid"),
            ("https://a b", "is not valid"),
            ("https://hub?x=1", "is not valid"),
            ("https://hub\n", "\\n"),
            ("https://me:secret@hub", "HF_TOKEN"),
        ] {
            let why = endpoint(bad).unwrap_err();
            assert!(why.contains(part) && !why.contains("secret") && !why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn a_redirect_is_followed_wherever_it_may_be_and_never_out_of_encryption() {
        let to = |location| redirect(&url("https://hub.co:1/a/b?c"), location).map(|url| url.to_string());
        assert_eq!(to("https://cdn.co/x?key=1#y").unwrap(), "https://cdn.co/x?key=1");
        assert_eq!(to("//cdn.co/x").unwrap(), "https://cdn.co/x");
        assert_eq!(to("/x").unwrap(), "https://hub.co:1/x");
        assert_eq!(to("x?u=http://y").unwrap(), "https://hub.co:1/a/x?u=http://y");
        assert!(to("http://hub.co:1/x").unwrap_err().contains("not encrypted"));
        for bad in ["file:///etc/passwd", "https://", "https://me:secret@hub/", "https://a b/"] {
            assert!(to(bad).unwrap_err().contains("not an address"), "{bad}");
        }
        assert_eq!(plain(&url("https://cdn.co/x?key=1")), "https://cdn.co/x");
    }

    #[test]
    fn a_part_of_an_address_keeps_to_itself() {
        assert_eq!(encode("a-b_c.d~"), "a-b_c.d~");
        assert_eq!(encode("refs/pr/1?#%ö"), "refs%2Fpr%2F1%3F%23%25%C3%B6");
    }
}
