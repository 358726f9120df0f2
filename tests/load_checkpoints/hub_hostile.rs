//! A hub that means harm: it gets no token that is not meant for it, and nothing of what it says leads elsewhere.

use std::{io::Write, time::Duration};

use super::{hub::COMMIT, hub_server::*, support::*};

#[test]
fn a_token_goes_to_the_hubs_own_address_and_nowhere_else() {
    let other = Server::start(whole_model());
    let address = other.address.clone();
    // To another port of the same host and back again, and to another path of its own.
    let server = Server::with(whole_model(), move |asked, _, stream| {
        let to = match asked.file() {
            "config.json" if !asked.path.contains("/cdn/") => "/cdn/config.json".to_owned(),
            "model.safetensors" => format!("{address}{}", asked.path),
            _ => return false,
        };
        send(stream, 302, &[("Location", &to)], b"")
    });
    let cache = Folder::new();
    server.hub(&cache).with_token(Some("secret".into())).open("org/tiny").unwrap();
    is_whole(&cache);
    let asked = server.take_asked();
    assert!(asked.iter().any(|asked| asked.path == "/cdn/config.json"), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.token.as_deref() == Some("Bearer secret")), "{asked:?}");
    let strange = other.take_asked();
    assert!(!strange.is_empty() && strange.iter().all(|asked| asked.token.is_none()), "{strange:?}");
}

#[test]
fn a_token_that_cannot_be_one_is_refused_without_being_shown() {
    let server = Server::start(whole_model());
    for token in ["hf_se\ncret", "hf_se cret", "hf_se\r\nX-Evil: cret", "hf_se\0cret", "hf_sécret", "hf_se\u{7f}cret"]
    {
        let error = server.hub(&Folder::new()).with_token(Some(token.into())).open("org/tiny").unwrap_err().to_string();
        assert!(error.contains("HF_TOKEN") && !error.contains("hf_s") && !error.contains("cret"), "{error}");
        assert!(!error.contains("header"), "{error}");
    }
    assert!(server.take_asked().is_empty());
    for token in [" secret\n", "secret\r\n"] {
        server.hub(&Folder::new()).with_token(Some(token.into())).open("org/tiny").unwrap();
        assert!(server.take_asked().iter().all(|asked| asked.token.as_deref() == Some("Bearer secret")));
    }
    server.hub(&Folder::new()).with_token(Some(" ".into())).open("org/tiny").unwrap();
    assert!(server.take_asked().iter().all(|asked| asked.token.is_none()));
}

#[test]
fn nothing_that_a_hub_says_becomes_a_path_unchecked() {
    let good = sibling("config.json", b"{}");
    let listed = |entry: &str| format!(r#"{{"sha": "{COMMIT}", "siblings": [{good}, {entry}]}}"#);
    let named = |name: &str| listed(&format!(r#"{{"rfilename": "{name}", "size": 2}}"#));
    for (answer, part) in [
        (r#"{"sha": "../../evil", "siblings": []}"#.to_owned(), "names the commit \"../../evil\""),
        (format!(r#"{{"sha": "{COMMIT}"}}"#), "no list of files (`siblings`)"),
        ("[1]".to_owned(), "has no commit"),
        ("{".to_owned(), "is damaged"),
        (String::new(), "is damaged"),
        (named("../evil"), "\"../evil\""),
        (named("/etc/passwd"), "\"/etc/passwd\""),
        (named("a/../../evil"), "not a name inside"),
        (named("..\\\\evil"), "not a name inside"),
        (named("a\\u0000b"), "\"a\\0b\""),
        (listed(r#"{"rfilename": "tokenizer.json", "blobId": "../../../evil"}"#), "hash"),
        (listed(r#"{"rfilename": "tokenizer.json", "lfs": {"sha256": "/etc/passwd", "size": 3}}"#), "hash"),
        (listed(r#"{"rfilename": "tokenizer.json", "size": -5}"#), "size"),
        (listed(r#"{"rfilename": "tokenizer.json", "size": 1e300}"#), "size"),
    ] {
        let sent = answer.clone();
        let server = Server::with(whole_model(), move |asked, _, stream| {
            asked.is_listing() && send(stream, 200, &[], sent.as_bytes())
        });
        let cache = Folder::new();
        refused(server.hub(&cache).open("org/tiny"), &["the hub's answer for `org/tiny`", part]);
        assert_eq!(all_files(&cache), Vec::<String>::new(), "{answer}");
        assert!(!server.hub(&cache).open("org/tiny").unwrap_err().to_string().contains("the configuration"));
    }
}

#[test]
fn the_name_that_a_hub_gives_a_model_is_not_pasted_into_addresses() {
    let server = Server::with(whole_model(), |asked, files, stream| {
        let evil = listing(files).replace("org/tiny", "../../evil?x=");
        asked.is_listing() && send(stream, 200, &[], evil.as_bytes())
    });
    let cache = Folder::new();
    server.hub(&cache).open("org/tiny").unwrap();
    is_whole(&cache);
    assert!(!server.take_asked().iter().any(|asked| asked.path.contains("evil")));
}

#[test]
fn an_index_that_leads_out_of_its_folder_is_refused() {
    for shard in ["../../../evil.safetensors", "/etc/passwd", ".."] {
        let mut files = model(&["config.json", "tokenizer.json"]);
        let index = format!(r#"{{"weight_map": {{"wte.weight": "{shard}"}}}}"#);
        files.insert("model.safetensors.index.json".into(), index.into_bytes());
        let server = Server::start(files);
        refused(server.hub(&Folder::new()).open("org/tiny"), &[shard, "not a file name"]);
        assert!(!server.take_asked().iter().any(|asked| asked.path.contains("evil")));
    }
}

#[test]
fn redirects_end_and_lead_only_to_addresses() {
    for (location, part) in [
        (Some("/loop"), "lead back"),
        (Some("?again"), "lead back"),
        (Some("/a"), "more than 10 times"),
        (Some("file:///etc/passwd"), "not an address"),
        (Some("https://user:secret@127.0.0.1/"), "not an address"),
        (Some("http://"), "not an address"),
        (Some("http://127.0.0.1:9/x?key=secret"), "127.0.0.1:9 cannot be reached"),
        (None, ""),
    ] {
        let server = Server::with(whole_model(), move |asked, _, stream| {
            if asked.is_listing() {
                return false;
            }
            let to = if location == Some("/a") { format!("{}/a", asked.path) } else { location.unwrap_or("").into() };
            match location {
                None => send(stream, 302, &[], b""),
                // Nobody waits for the end of what comes with a redirect.
                Some(_) => {
                    raw(stream, 302, &[("Location", &to)], b"");
                    (0..1000).all(|_| stream.write_all(&[b'x'; 1 << 16]).is_ok());
                    true
                }
            }
        });
        let error = server.hub(&Folder::new()).open("org/tiny").unwrap_err();
        let sentence = error.to_string();
        assert!(error.is_load() && sentence.contains(part) && !sentence.contains("key=secret"), "{sentence}");
        assert!(server.take_asked().len() < 15);
    }
}

#[test]
fn a_server_that_does_not_speak_http_is_told() {
    for garbage in [&b"SSH-2.0-OpenSSH_9.6\r\n"[..], b"HTTP/1.1 999999 x\r\n\r\n", b"\0\0\0\0\r\n\r\n", b""] {
        let server = Server::with(whole_model(), move |_, _, stream| stream.write_all(garbage).is_ok());
        let hub = server.hub(&Folder::new()).with_patience(Duration::from_millis(500));
        refused(hub.open("org/tiny"), &["org/tiny", "127.0.0.1"]);
    }
    let server = Server::with(whole_model(), |_, _, stream| {
        let long = "x".repeat(1 << 20);
        raw(stream, 200, &[("X-Long", &long)], b"{}")
    });
    refused(server.hub(&Folder::new()).open("org/tiny"), &["its answer is not valid HTTP"]);
}
