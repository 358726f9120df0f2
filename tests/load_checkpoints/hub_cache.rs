//! A cache that is broken, shared, full, or not to be written to.

use std::{
    fs,
    path::Path,
    process::Child,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use super::{
    hub::{COMMIT, in_a_process, offline},
    hub_server::*,
    support::*,
};

/// A cache with the model in it, as a download leaves it.
fn downloaded() -> (Server, Folder) {
    let (server, cache) = (Server::start(whole_model()), Folder::new());
    server.hub(&cache).open("org/tiny").unwrap();
    is_whole(&cache);
    (server, cache)
}

fn blob() -> String {
    format!("models--org--tiny/blobs/{}", sha256(&two_tensors()))
}

fn snapshot(file: &str) -> String {
    format!("models--org--tiny/snapshots/{COMMIT}/{file}")
}

#[test]
fn a_broken_cache_heals_when_the_model_is_opened() {
    type Fault = (&'static str, fn(&Folder));
    let faults: [Fault; 10] = [
        ("a blob cut short", |cache| drop(cache.write(&blob(), &two_tensors()[..50]))),
        ("a blob with nothing in it", |cache| drop(cache.write(&blob(), ""))),
        ("a blob too long", |cache| drop(cache.write(&blob(), two_tensors().repeat(2)))),
        ("a blob of other bytes", |cache| drop(cache.write(&blob(), vec![7; two_tensors().len()]))),
        ("a blob gone, and the link to it left", |cache| fs::remove_file(cache.file(&blob())).unwrap()),
        ("a file gone", |cache| fs::remove_file(cache.file(&snapshot("config.json"))).unwrap()),
        ("a file that is a copy, and damaged", |cache| {
            fs::remove_file(cache.file(&snapshot("config.json"))).unwrap();
            cache.write(&snapshot("config.json"), "{");
        }),
        ("a snapshot gone", |cache| fs::remove_dir_all(cache.file("models--org--tiny/snapshots")).unwrap()),
        ("a reference of rubbish", |cache| drop(cache.write("models--org--tiny/refs/main", "../..\n"))),
        ("a reference to nowhere", |cache| drop(cache.write("models--org--tiny/refs/main", "ab".repeat(20)))),
    ];
    for (fault, make) in faults {
        let (server, cache) = downloaded();
        make(&cache);
        let opened = server.hub(&cache).open("org/tiny");
        assert!(opened.is_ok(), "{fault}: {}", opened.unwrap_err());
        is_whole(&cache);
    }
}

#[test]
fn a_damaged_file_heals_where_the_branch_has_moved_on() {
    const NEXT: &str = "fedcba9876543210fedcba9876543210fedcba98";
    let (_, cache) = downloaded();
    cache.write(&blob(), "x");
    let server = Server::with(whole_model(), |asked, files, stream| {
        let mut asked = asked.clone();
        asked.path = asked.path.replace(NEXT, COMMIT);
        match asked.is_listing() {
            true => send(stream, 200, &[], listing(files).replace(COMMIT, NEXT).as_bytes()),
            false => well(&asked, files, stream),
        }
    });
    assert!(server.hub(&cache).open("org/tiny").unwrap().origin.contains(NEXT));
    assert_eq!(fs::read_to_string(cache.file("models--org--tiny/refs/main")).unwrap(), NEXT);
    is_whole(&cache);
}

#[test]
fn what_cannot_heal_says_what_to_delete() {
    for name in [blob(), format!("{}.incomplete", blob())] {
        let (server, cache) = downloaded();
        fs::remove_file(cache.file(&blob())).unwrap();
        fs::create_dir_all(cache.file(&name).join("full")).unwrap();
        let error = server.hub(&cache).open("org/tiny").unwrap_err().to_string();
        assert!(error.contains(cache.file(&name).to_str().unwrap()) && error.contains("delete"), "{error}");
    }
}

#[test]
fn a_model_that_is_right_but_unreadable_is_not_downloaded_again_and_again() {
    let mut files = whole_model();
    files.insert("config.json".into(), b"{".to_vec());
    let (server, cache) = (Server::start(files), Folder::new());
    for _ in 0..2 {
        let error = server.hub(&cache).open("org/tiny").unwrap_err().to_string();
        assert!(error.contains("config.json") && !error.contains("delete"), "{error}");
    }
    assert_eq!(server.take_asked().iter().filter(|asked| asked.file() == "model.safetensors").count(), 1);
}

#[test]
fn a_cache_that_cannot_be_written_to_is_named() {
    let (server, place) = (Server::start(whole_model()), Folder::new());
    let file = place.write("file", "");
    let error = server.hub(&place).with_cache(&file).open("org/tiny").unwrap_err();
    assert!(error.is_io() && error.to_string().contains(file.to_str().unwrap()), "{error}");
}

#[test]
fn a_full_disk_is_told_with_what_is_needed_and_the_next_try_goes_on() {
    let place = Folder::new();
    let disk = place.path().to_str().unwrap();
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: no small disk can be mounted here");
        return;
    }
    let mut files = whole_model();
    files.get_mut("model.safetensors").unwrap().resize(1 << 20, 0);
    let (len, server) = (1 << 20, Server::start(files));
    let error = server.hub(&place).open("org/tiny").unwrap_err();
    let half = half_files(&place);
    let _ = std::process::Command::new("umount").arg(disk).output();
    assert!(error.is_io(), "{error}");
    for part in ["model.safetensors needs", &len.to_string(), "make room", "HF_HUB_CACHE", "No space left"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(half.len(), 1);
}

const CHILD: &str = "GLASSBOX_TEST_HUB";

/// What each process of the tests below does.
#[test]
fn one_process_opens_the_model() {
    let (Ok(address), Ok(cache)) = (std::env::var(CHILD), std::env::var("GLASSBOX_TEST_CACHE")) else { return };
    let hub = offline(&Folder::new()).with_offline(false).with_endpoint(address).with_cache(cache);
    assert!(hub.open("org/tiny").unwrap().tokenizer.is_some());
}

fn process(server: &Server, cache: &Path) -> Child {
    let variables = [(CHILD, server.address.as_str()), ("GLASSBOX_TEST_CACHE", cache.to_str().unwrap())];
    in_a_process("hub_cache::one_process_opens_the_model", &variables)
}

#[test]
fn processes_that_download_one_model_at_the_same_time_all_succeed() {
    for round in 0..25 {
        let (server, cache) = (Server::start(whole_model()), Folder::new());
        let processes: Vec<_> = (0..4).map(|_| process(&server, cache.path())).collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        }
        is_whole(&cache);
        let asked = server.take_asked();
        assert_eq!(asked.iter().filter(|asked| asked.file() == "model.safetensors").count(), 1, "round {round}");
    }
}

#[test]
fn threads_that_download_one_model_at_the_same_time_all_succeed() {
    for _ in 0..50 {
        let (server, cache, start) = (Server::start(whole_model()), Folder::new(), Arc::new(Barrier::new(8)));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    server.hub(&cache).with_patience(Duration::from_secs(30)).open("org/tiny").unwrap();
                });
            }
        });
        is_whole(&cache);
    }
}

#[test]
fn a_process_that_is_killed_while_it_downloads_leaves_the_cache_usable() {
    let slow = Server::with(whole_model(), |asked, files, stream| {
        if asked.file() != "model.safetensors" {
            return false;
        }
        raw(stream, 200, &[("Content-Length", "168")], &files[asked.file()][..100]);
        std::thread::sleep(Duration::from_secs(20));
        true
    });
    let cache = Folder::new();
    let mut child = process(&slow, cache.path());
    let part = cache.file(&format!("{}.incomplete", blob()));
    let start = Instant::now();
    while fs::metadata(&part).map_or(0, |data| data.len()) < 100 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let server = Server::start(whole_model());
    server.hub(&cache).open("org/tiny").unwrap();
    is_whole(&cache);
    assert!(server.take_asked().iter().any(|asked| asked.range.as_deref() == Some("bytes=100-")));
}

#[test]
fn nobody_waits_for_ever_for_one_who_holds_the_lock_and_does_nothing() {
    let (server, cache) = (Server::start(whole_model()), Folder::new());
    let lock = cache.write(&format!(".locks/models--org--tiny/{}.lock", sha256(&two_tensors())), "");
    let lock = fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    let start = Instant::now();
    server.hub(&cache).with_patience(Duration::from_millis(200)).open("org/tiny").unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    is_whole(&cache);
}
