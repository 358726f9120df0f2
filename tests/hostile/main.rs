//! Damaged files and impossible arguments, each in a process of its own with limits of time and memory: whatever comes
//! may be read or refused in one sentence. A crash, a hang, an answer of NaN or a sentence that shows the inside of a
//! library is a finding; it is written down in `tests/hostile/kept`, and every file there is tried again at each run.
//!
//!     cargo test --test hostile                              every kept case and 2,000 new ones
//!     cargo test --test hostile -- --cases 100000            more of them
//!     cargo test --test hostile -- --seed 7 --kind gguf      others, of one kind
//!     cargo test --test hostile -- --replay FILE             one kept case
//!
//! The cases of a seed are the same on every machine, as long as the seed files are the same.

mod answers;
mod calls;
mod case;
mod change;
mod judge;
mod lay;
mod limits;
mod odd;
mod options;
mod originals;
mod report;

use case::Case;
use options::{Options, Task};
use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)) {
        Ok(Options { task: Task::Answer { case, place }, seconds, .. }) => answers::answer(&case, &place, seconds),
        Ok(Options { task: Task::Nothing, .. }) => summary(0, 0),
        Ok(options) => run(&options),
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> ExitCode {
    let cases: Vec<Case> = match &options.task {
        Task::Replay(file) => match Case::read(file) {
            Ok(case) => vec![case],
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        },
        _ => Case::kept(),
    };
    let kept = cases.len() as u64;
    let new = if matches!(options.task, Task::Search) { options.cases } else { 0 };
    let (next, start) = (AtomicU64::new(0), Instant::now());
    let findings = report::Findings::default();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let made = number.checked_sub(kept).map(|number| Case::make(options.seed, number, options.kind));
            let Some(case) = made.as_ref().or_else(|| cases.get(number as usize)) else { return };
            if number >= kept + new {
                return;
            }
            if let Some(finding) = limits::within(case, options.seconds) {
                findings.add(case, finding, made.is_some());
            }
            report::progress(number + 1, kept + new, start, &findings);
        }
    };
    let workers = thread::available_parallelism().map_or(1, |count| count.get());
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    findings.print();
    println!("{kept} kept cases and {new} new ones of seed {} in {:.0} s", options.seed, start.elapsed().as_secs_f64());
    let failed = findings.count();
    summary((kept + new) - failed, failed)
}

/// The closing line of Rust's own test runner, so that whoever counts tests counts these.
fn summary(passed: u64, failed: u64) -> ExitCode {
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
