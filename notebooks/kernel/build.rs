//! Build `library/` where it is not built yet, and say where it is.

use std::env::{var_os, vars_os};
use std::path::PathBuf;
use std::process::Command;

/// What changes the compiler's work and comes from the kernel, not from the user: without these the command is the one
/// that `notebooks/lab` runs, and Cargo finds its work done.
const KERNELS_OWN: [&str; 6] =
    ["CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTC", "RUSTFLAGS"];

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
        if KERNELS_OWN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    let status = cargo.status().expect("cargo runs: it is running this");
    assert!(status.success(), "the notebook library did not build; `./notebooks/lab --setup` shows why");
    println!("cargo::rustc-link-search=all={}", target.join("release/deps").display());
}
