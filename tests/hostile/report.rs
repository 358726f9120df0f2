//! What was found, and how far the search is.

use crate::case::Case;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Findings by what they have in common, each with one case that was kept.
#[derive(Default)]
pub struct Findings {
    by_signature: Mutex<BTreeMap<String, Finding>>,
}

/// What is wrong, where the case was written down, and how often it was seen.
type Finding = (String, Option<PathBuf>, u64);

impl Findings {
    /// Notes a finding. The first new case of each sort is written down.
    pub fn add(&self, case: &Case, finding: String, is_new: bool) {
        // Numbers and quoted parts differ from case to case.
        let quoted = finding.split('`').step_by(2).collect::<String>();
        let words = quoted.chars().filter(|c| !c.is_ascii_digit()).take(160).collect::<String>();
        let signature = format!("{}: {words}", case.kind.name());
        let mut all = self.by_signature.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(signature).or_insert_with(|| {
            let kept = is_new.then(|| case.keep().expect("tests/hostile/kept can be written"));
            let told: String = finding.chars().take(300).collect();
            println!("\n{} of {}: {told}", case.kind.name(), case.base);
            (finding, kept, 0)
        });
        entry.2 += 1;
    }

    pub fn count(&self) -> u64 {
        self.by_signature.lock().unwrap_or_else(PoisonError::into_inner).values().map(|(.., count)| count).sum()
    }

    pub fn print(&self) {
        for (finding, kept, count) in self.by_signature.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let kept = kept.as_ref().map_or("a kept case".into(), |path| path.display().to_string());
            let told: String = finding.chars().take(300).collect();
            println!("{count:>6} times: {told}\n              {kept}");
        }
    }
}

/// A line now and then.
pub fn progress(done: u64, all: u64, start: Instant, findings: &Findings) {
    static SAID: AtomicU64 = AtomicU64::new(0);
    let seconds = start.elapsed().as_secs();
    if seconds >= SAID.load(Ordering::Relaxed) + 30 {
        SAID.store(seconds, Ordering::Relaxed);
        println!("{done} of {all} cases, {} findings, {seconds} s", findings.count());
    }
}
