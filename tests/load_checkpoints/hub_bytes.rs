//! What comes over the network is held against what was announced, and ends.

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{hub::COMMIT, hub_server::*, support::*};

/// The weights, with another answer than the hub's.
fn weights(habit: impl Fn(&Asked, &[u8], &mut TcpStream) -> bool + Send + Sync + 'static) -> Server {
    Server::with(whole_model(), move |asked, files, stream| {
        asked.file() == "model.safetensors" && habit(asked, &files[asked.file()], stream)
    })
}

/// The unfinished weights in the cache.
fn unfinished() -> String {
    format!("models--org--tiny/blobs/{}.incomplete", sha256(&two_tensors()))
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

#[test]
fn bytes_that_are_not_the_announced_ones_are_never_opened_nor_kept() {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let server = Server::with(whole_model(), move |asked, files, stream| {
            asked.file() == name && send(stream, 200, &[], &flipped(&files[name]))
        });
        let cache = Folder::new();
        let parts = [name, "announces", "hash", "nothing of it was saved"];
        refused(server.hub(&cache).open("org/tiny"), &parts);
        assert!(!all_files(&cache).iter().any(|file| file.ends_with(name)) && half_files(&cache).is_empty());
        assert_eq!(server.take_asked().iter().filter(|asked| asked.file() == name).count(), 2);
        Server::start(whole_model()).hub(&cache).open("org/tiny").unwrap();
        is_whole(&cache);
    }
}

#[test]
fn bytes_that_were_wrong_once_are_fetched_once_more() {
    let count = AtomicUsize::new(0);
    let server =
        weights(move |_, bytes, stream| count.fetch_add(1, Relaxed) == 0 && send(stream, 200, &[], &flipped(bytes)));
    let cache = Folder::new();
    server.hub(&cache).open("org/tiny").unwrap();
    is_whole(&cache);
}

#[test]
fn a_hash_that_only_the_headers_announce_is_held_to() {
    let files = whole_model();
    let bare = |name: &String| format!(r#"{{"rfilename": "{name}"}}"#);
    let siblings = files.keys().map(bare).collect::<Vec<_>>().join(",");
    let listing = format!(r#"{{"sha": "{COMMIT}", "siblings": [{siblings}]}}"#);
    for (lie, name) in [(false, ""), (true, "config.json"), (true, "model.safetensors")] {
        let listing = listing.clone();
        let server = Server::with(files.clone(), move |asked, files, stream| {
            if asked.is_listing() {
                return send(stream, 200, &[], listing.as_bytes());
            }
            let bytes = &files[asked.file()];
            let sent = if lie && asked.file() == name { flipped(bytes) } else { bytes.clone() };
            match asked.file().ends_with(".safetensors") {
                true => send(stream, 200, &[("X-Linked-Etag", &format!("\"{}\"", sha256(bytes)))], &sent),
                false => send(stream, 200, &[("ETag", &format!("W/\"{}\"", git(bytes)))], &sent),
            }
        });
        let cache = Folder::new();
        match lie {
            true => refused(server.hub(&cache).open("org/tiny"), &[name, "hash"]),
            false => {
                server.hub(&cache).open("org/tiny").unwrap();
                is_whole(&cache);
            }
        }
    }
}

#[test]
fn an_endless_body_ends_at_the_announced_size() {
    let sent = Arc::new(AtomicUsize::new(0));
    for chunked in [false, true] {
        let count = sent.clone();
        let server = weights(move |_, bytes, stream| {
            raw(stream, 200, if chunked { &[("Transfer-Encoding", "chunked")] } else { &[] }, b"");
            let body = bytes.repeat(5000);
            let chunk =
                if chunked { [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat() } else { body };
            while stream.write_all(&chunk).is_ok() && count.fetch_add(chunk.len(), Relaxed) < 1 << 30 {}
            true
        });
        let cache = Folder::new();
        refused(
            server.hub(&cache).open("org/tiny"),
            &["model.safetensors", "does not end after the expected 168 bytes", "nothing"],
        );
        assert_eq!(std::fs::metadata(cache.file(&unfinished())).map_or(0, |data| data.len()), 0);
    }
    assert!(sent.load(Relaxed) < 100 << 20);
    let server = weights(|_, bytes, stream| send(stream, 200, &[], &bytes.repeat(2)));
    refused(server.hub(&Folder::new()).open("org/tiny"), &["336 bytes were announced instead of 168"]);
}

#[test]
fn a_length_need_not_be_said_where_it_was_announced() {
    for chunked in [false, true] {
        let server = weights(move |_, bytes, stream| match chunked {
            false => raw(stream, 200, &[], bytes),
            true => {
                let (a, b) = bytes.split_at(100);
                let body = [b"64\r\n", a, format!("\r\n{:x}\r\n", b.len()).as_bytes(), b, b"\r\n0\r\n\r\n"].concat();
                raw(stream, 200, &[("Transfer-Encoding", "chunked")], &body)
            }
        });
        let cache = Folder::new();
        server.hub(&cache).open("org/tiny").unwrap();
        is_whole(&cache);
    }
}

/// Sends a byte at a time, as long as someone listens and at most a minute.
fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    let start = Instant::now();
    for byte in bytes.iter().cycle() {
        if stream.write_all(&[*byte]).is_err() || start.elapsed() > Duration::from_secs(60) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn a_transfer_that_stalls_comes_to_an_end() {
    type Habit = fn(&Asked, &mut TcpStream) -> bool;
    let drip: Habit = |_, stream| raw(stream, 200, &[], b"") && trickle(stream, b"x");
    let silence: Habit = |_, stream| {
        raw(stream, 200, &[], b"half");
        stream.write_all(b"").is_ok() && {
            std::thread::sleep(Duration::from_secs(20));
            true
        }
    };
    let no_answer: Habit = |_, _| {
        std::thread::sleep(Duration::from_secs(20));
        true
    };
    let slow_head: Habit = |_, stream| trickle(stream, b"HTTP/1.1 200 OK\r\nX: y");
    let slow_chunk: Habit =
        |_, stream| raw(stream, 200, &[("Transfer-Encoding", "chunked")], b"5;") && trickle(stream, b"x");
    for (which, habit) in [drip, silence, no_answer, slow_head, slow_chunk].into_iter().enumerate() {
        for of_listing in [false, true] {
            // What a chunk says beside its length is bounded by the size of a listing, which is hours.
            if which == 4 && of_listing {
                continue;
            }
            let server = Server::with(whole_model(), move |asked, _, stream| {
                (asked.is_listing() == of_listing) && habit(asked, stream)
            });
            let start = Instant::now();
            let hub = server.hub(&Folder::new()).with_patience(Duration::from_millis(300));
            refused(hub.open("org/tiny"), &["stalls"]);
            assert!(start.elapsed() < Duration::from_secs(15), "{which} {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_download_that_breaks_off_leaves_no_half_file_and_goes_on_where_it_ended() {
    let broken = weights(|asked, bytes, stream| {
        let len = bytes.len().to_string();
        match asked.from() {
            0 => raw(stream, 200, &[("Content-Length", &len)], &bytes[..50]),
            _ => raw(stream, 206, &[("Content-Range", &format!("bytes 50-167/{len}")), ("Content-Length", "118")], b""),
        }
    });
    let cache = Folder::new();
    refused(
        broken.hub(&cache).open("org/tiny"),
        &["model.safetensors", "the 50 bytes received are saved", "continues from there"],
    );
    assert_eq!(half_files(&cache).len(), 1);
    assert!(!cache.file(&format!("models--org--tiny/snapshots/{COMMIT}/model.safetensors")).exists());
    refused(super::hub::offline(&cache).open("org/tiny"), &["org/tiny"]);

    let server = Server::start(whole_model());
    server.hub(&cache).open("org/tiny").unwrap();
    let asked = server.take_asked();
    let range = asked.iter().find(|asked| asked.file() == "model.safetensors").and_then(|asked| asked.range.clone());
    assert_eq!(range.as_deref(), Some("bytes=50-"));
    is_whole(&cache);
}

#[test]
fn a_transfer_that_breaks_off_goes_on_by_itself() {
    let server = weights(|asked, bytes, stream| {
        let (from, len) = (asked.from(), bytes.len());
        let rest = (len - from).to_string();
        let status = if from == 0 { 200 } else { 206 };
        let range = format!("bytes {from}-{}/{len}", len - 1);
        raw(stream, status, &[("Content-Length", &rest), ("Content-Range", &range)], &bytes[from..len.min(from + 60)])
    });
    let cache = Folder::new();
    server.hub(&cache).open("org/tiny").unwrap();
    is_whole(&cache);
}

#[test]
fn a_wrong_answer_to_a_range_is_not_appended() {
    type Habit = fn(&[u8], &mut TcpStream) -> bool;
    let habits: [Habit; 6] = [
        |bytes, stream| send(stream, 200, &[], bytes),
        |bytes, stream| send(stream, 206, &[("Content-Range", "bytes 60-167/168")], &bytes[60..]),
        |bytes, stream| send(stream, 206, &[("Content-Range", "bytes 50-167/999")], &bytes[50..]),
        |bytes, stream| send(stream, 206, &[("Content-Range", "nonsense")], &bytes[50..]),
        |bytes, stream| send(stream, 206, &[], &bytes[50..]),
        |_, stream| send(stream, 416, &[("Content-Range", "bytes */168")], b""),
    ];
    for habit in habits {
        let server = weights(move |asked, bytes, stream| asked.range.is_some() && habit(bytes, stream));
        let cache = Folder::new();
        cache.write(&unfinished(), &two_tensors()[..50]);
        server.hub(&cache).open("org/tiny").unwrap();
        is_whole(&cache);
    }
}

#[test]
fn a_wrong_beginning_of_a_file_does_not_break_the_cache() {
    let whole = two_tensors();
    for (beginning, requests) in
        [(vec![7; 50], 2), (vec![7; 168], 1), (vec![7; 999], 1), (Vec::new(), 1), (whole[..50].to_vec(), 1), (whole, 0)]
    {
        let (server, cache) = (Server::start(whole_model()), Folder::new());
        cache.write(&unfinished(), &beginning);
        server.hub(&cache).open("org/tiny").unwrap();
        is_whole(&cache);
        let asked = server.take_asked();
        assert_eq!(asked.iter().filter(|asked| asked.file() == "model.safetensors").count(), requests);
    }
}

#[test]
fn a_page_that_a_network_sends_in_place_of_the_hub_is_told() {
    const PAGE: &[u8] = b"<!DOCTYPE html><html><body>Please log in</body></html>";
    let html = [("Content-Type", "text/html; charset=utf-8")];
    let server = Server::with(whole_model(), move |_, _, stream| send(stream, 200, &html, PAGE));
    refused(server.hub(&Folder::new()).open("org/tiny"), &["answer for `org/tiny` is a web page", "login"]);
    let server = weights(move |_, _, stream| send(stream, 200, &html, PAGE));
    refused(server.hub(&Folder::new()).open("org/tiny"), &["a web page was sent instead"]);
}

/// The beginning of a gzip file that unpacks to a space and `count` times 258 more.
fn bomb(count: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let (mut bits, mut filled) = (0u32, 0);
    let mut push = |code: u32, len: u32| {
        for at in (0..len).rev() {
            bits |= (code >> at & 1) << filled;
            filled += 1;
            if filled == 8 {
                bytes.push(bits as u8);
                (bits, filled) = (0, 0);
            }
        }
    };
    push(0b110, 3);
    push(0x50, 8);
    (0..count).for_each(|_| push(0b1_1000_1010_0000, 13));
    (0..4).for_each(|_| push(0, 7));
    bytes
}

#[test]
fn an_answer_is_bounded_after_it_is_unpacked() {
    let packed = bomb(2_000_000);
    assert!(packed.len() < 4 << 20);
    let server =
        Server::with(whole_model(), move |_, _, stream| send(stream, 200, &[("Content-Encoding", "gzip")], &packed));
    refused(server.hub(&Folder::new()).open("org/tiny"), &["the hub's answer for `org/tiny` is longer than 16 MB"]);
    let server = Server::with(whole_model(), |_, _, stream| {
        raw(stream, 200, &[], b"");
        (0..10_000).all(|_| stream.write_all(&[b' '; 1 << 16]).is_ok());
        true
    });
    refused(server.hub(&Folder::new()).open("org/tiny"), &["the hub's answer for `org/tiny` is longer than 16 MB"]);
}
