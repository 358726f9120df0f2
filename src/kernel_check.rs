//! A warning for notebooks that load this crate in a way that makes gradients wrong.
//!
//! The Rust kernel compiles every cell into its own library. An ordinary dependency is linked into each of these
//! libraries, with its own copy of every static. candle then counts tensor ids from one in each cell. It files
//! gradients under these ids, so a gradient may belong to another cell's tensor. Rust does not report this. This module
//! therefore looks up which file its own code was loaded from: with one copy per cell, that file is a cell's library.
//! Used by [`Model::open`](crate::Model::open).

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    sync::Once,
};

const ADVICE: &str = "\
glassbox: every cell of this notebook has its own copy of the library: tensors of different cells share ids, \
gradients across cells are wrong, and each cell starts its own threads. Restart the kernel and load glassbox through \
a shared library. In the folder `notebooks` of the repository:
    :dep ./kernel
    use glassbox::prelude::*;
Elsewhere, make a crate with `[lib] crate-type = [\"dylib\"]` and the one line `pub use glassbox::*;`, and load that.";

/// Prints the warning to stderr, once, if each cell of a notebook has its own copy of this crate.
///
/// Only Linux tells a program where its code was loaded from. On other systems nothing is printed.
pub(crate) fn warn_if_statics_are_duplicated() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if in_a_kernel() && own_library().is_some_and(|library| is_of_one_cell(&library)) {
            // If stderr cannot be written to, the warning is lost.
            let _ = writeln!(io::stderr(), "{ADVICE}");
        }
    });
}

/// Whether this process is the one in which evcxr runs cells.
pub(crate) fn in_a_kernel() -> bool {
    env::var_os("EVCXR_IS_RUNTIME").is_some()
}

/// The file that this function was loaded from.
fn own_library() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    file_at(&maps, own_library as *const () as usize).map(str::to_owned)
}

/// Returns the file mapped at an address, given the lines of `/proc/self/maps`: `from-to permissions offset device
/// inode file`.
fn file_at(maps: &str, address: usize) -> Option<&str> {
    maps.lines().find_map(|line| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let range = usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?;
        let file = line.find('/').map(|start| &line[start..])?;
        range.contains(&address).then_some(file)
    })
}

/// Whether the file is a cell's library. evcxr names the library of the n-th cell `libcode_n.so`.
fn is_of_one_cell(library: &str) -> bool {
    let name = Path::new(library).file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.strip_prefix("libcode_")?.strip_suffix(".so"))
        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
5581f2a00000-5581f2b00000 r-xp 00001000 fe:00 1311  /usr/local/bin/evcxr_jupyter
5581f2b00000-5581f2c00000 rw-p 00000000 00:00 0     [heap]
7f0a10000000-7f0a10200000 r-xp 00002000 fe:00 2622  /tmp/.tmp k1/target/debug/deps/libcode_12.so
7f0a10200000-7f0a10300000 rw-p 00000000 00:00 0";

    #[test]
    fn an_address_is_found_in_the_file_that_is_mapped_there() {
        let cell = Some("/tmp/.tmp k1/target/debug/deps/libcode_12.so");
        assert_eq!(file_at(MAPS, 0x7f0a_1000_0000), cell);
        assert_eq!(file_at(MAPS, 0x7f0a_101f_ffff), cell);
        assert_eq!(file_at(MAPS, 0x7f0a_1020_0000), None, "the heap and anonymous memory are no file");
        assert_eq!(file_at(MAPS, 0), None);
    }

    #[test]
    fn only_the_library_of_a_cell_counts_as_a_copy() {
        assert!(is_of_one_cell("/tmp/.tmp k1/target/debug/deps/libcode_12.so"));
        for single in
            ["/r/kernel/target/release/deps/libglassbox_notebook.so", "/r/libcode_x.so", "/r/target/debug/glassbox"]
        {
            assert!(!is_of_one_cell(single), "{single}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_ordinary_program_finds_itself_and_no_cell() {
        let library = own_library().expect("Linux has /proc/self/maps");
        assert_eq!(Path::new(&library), env::current_exe().unwrap());
        assert!(!is_of_one_cell(&library));
    }
}
