//! Build `library/` where it is not built yet, and say where it is.

use std::env::{var_os, vars_os};
use std::path::PathBuf;
use std::process::Command;

/// What changes the compiler's work and comes from the kernel or from Cargo's call of this script, not from the user:
/// without these the command is the one that `notebooks/lab` runs, and Cargo finds its work done. The script of a
/// dependency runs again whenever one that it asks for has changed, and `ring` asks for those that Cargo gives a script.
const KERNELS_OWN: [&str; 11] = [
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "RUSTC",
    "RUSTFLAGS",
];
const SCRIPTS_OWN: [&str; 7] = ["DEBUG", "HOST", "NUM_JOBS", "OPT_LEVEL", "OUT_DIR", "PROFILE", "TARGET"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(glassbox_prebuilt)");
    if var_os("CARGO_CFG_GLASSBOX_PREBUILT").is_none() {
        return;
    }
    let here = PathBuf::from(var_os("CARGO_MANIFEST_DIR").expect("Cargo sets CARGO_MANIFEST_DIR"));
    let target = here.join("target");
    let mut cargo = Command::new(var_os("CARGO").expect("Cargo sets CARGO"));
    cargo.args(["rustc", "--release", "--locked", "--target-dir"]).arg(&target).args([
        "--",
        "-Cprefer-dynamic",
        "-Crpath",
    ]);
    cargo.current_dir(here.join("library"));
    for (name, _) in vars_os() {
        let known = name.to_string_lossy();
        if KERNELS_OWN.iter().any(|prefix| known.starts_with(prefix)) || SCRIPTS_OWN.contains(&&*known) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().expect("cargo runs: it is running this");
    assert!(status.success(), "the notebook library did not build; `./notebooks/lab --setup` shows why");
    println!("cargo::rustc-link-search=all={}", target.join("release/deps").display());
}
