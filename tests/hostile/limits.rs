//! A process of its own for each case, with limits of time and memory.

use crate::case::Case;
use std::{
    env, fs,
    process::{Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

/// The most memory that a case may address, in KiB: a small model needs less than a tenth of it.
const MEMORY: u64 = 3 << 20;
/// How a process ends that has something to report.
pub const FOUND: u8 = 3;

/// What is wrong with the answer to a case, if anything is.
pub fn within(case: &Case, seconds: u64) -> Option<String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("glassbox-hostile-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = env::temp_dir().join(name);
    let place = folder.join("place");
    fs::create_dir_all(&place).expect("a folder for temporary files");
    let file = folder.join("case");
    case.write(&file).expect("a folder for temporary files");
    let program = env::current_exe().expect("this program has a path");
    // A shell sets the limit, since a program cannot set its own without unsafe code.
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -c 0; ulimit -v {MEMORY} 2>/dev/null; exec \"$@\""), "sh"])
        .arg(program)
        .args(["--seconds", &seconds.to_string(), "--answer"])
        .args([&file, &place])
        .envs([("RAYON_NUM_THREADS", "1"), ("RUST_BACKTRACE", "1"), ("MALLOC_ARENA_MAX", "2")])
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    // A case may have made its folder unreadable, which is no finding.
    let _ = fs::remove_dir_all(&folder);
    verdict(&output)
}

/// Ends this process when it takes longer than that.
pub fn stop_after(seconds: u64) {
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(seconds));
        eprintln!("it takes longer than {seconds} s");
        std::process::abort();
    });
}

fn verdict(output: &Output) -> Option<String> {
    if output.status.success() {
        return crate::judge::blocks(&String::from_utf8_lossy(&output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("note:")).collect();
    let told = lines.iter().take(4).copied().collect::<Vec<_>>().join(" | ");
    Some(format!("{}: {}", ending(output.status), told.chars().take(600).collect::<String>()))
}

#[cfg(unix)]
fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) if code == i32::from(FOUND) => "wrong answer".into(),
        (Some(101), _) => "panic".into(),
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or(0)),
    }
}

#[cfg(not(unix))]
fn ending(status: ExitStatus) -> String {
    status.to_string()
}
