//! Tests links, devices, pipes, permissions, and long and strange names.

use super::{super::*, Scratch, leftovers};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
};

fn refused(path: impl AsRef<Path>, why: &str) {
    let path = path.as_ref();
    for said in [check(path), write(path, "new")] {
        let said = said.expect_err(why).to_string();
        assert!(said.contains(why), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let scratch = Scratch::new();
    let target = scratch.file("within/target.txt", "old");
    let (link, far) = (scratch.0.join("link.txt"), scratch.0.join("far.txt"));
    symlink("within/target.txt", &link).unwrap();
    symlink("link.txt", &far).unwrap();
    write(&far, "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && fs::symlink_metadata(&far).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "new");

    // A broken link: its target is created.
    let early = scratch.0.join("early.txt");
    symlink("within/late.txt", &early).unwrap();
    write(&early, "new").unwrap();
    assert_eq!(fs::read_to_string(scratch.0.join("within/late.txt")).unwrap(), "new");

    symlink("round.txt", scratch.0.join("round.txt")).unwrap();
    refused(scratch.0.join("round.txt"), "leads back to itself");
    symlink("nowhere/late.txt", scratch.0.join("lost.txt")).unwrap();
    refused(scratch.0.join("lost.txt"), "does not exist; create it first");
    assert_eq!(leftovers(&scratch.0), Vec::<PathBuf>::new());
}

#[test]
fn another_name_of_the_replaced_file_keeps_the_old_content() {
    let scratch = Scratch::new();
    let (one, other) = (scratch.file("one.txt", "old"), scratch.0.join("other.txt"));
    fs::hard_link(&one, &other).unwrap();
    write(&one, "new").unwrap();
    assert_eq!([one, other].map(|path| fs::read_to_string(path).unwrap()), ["new", "old"]);
}

#[test]
fn devices_pipes_sockets_and_folders_are_refused_by_name() {
    let scratch = Scratch::new();
    let before = fs::metadata("/dev/null").unwrap();
    refused("/dev/null", "/dev/null is a device");
    symlink("/dev/null", scratch.0.join("null")).unwrap();
    refused(scratch.0.join("null"), "null is a device");
    let after = fs::metadata("/dev/null").unwrap();
    assert_eq!((before.ino(), before.mode(), before.rdev()), (after.ino(), after.mode(), after.rdev()));

    let pipe = scratch.0.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    refused(&pipe, "pipe is a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(scratch.0.join("socket")).unwrap();
    refused(scratch.0.join("socket"), "socket is a socket");
    refused(&scratch.0, "is a folder");

    let fill = |new: &Path| write(new.join("a.txt"), "new");
    assert!(write_folder("/dev/null", fill).unwrap_err().to_string().contains("is a device, not a folder"));
    assert!(write_folder(&pipe, fill).unwrap_err().to_string().contains("is a pipe, not a folder"));
    fs::create_dir_all(scratch.0.join("m/a.txt")).unwrap();
    assert!(write_folder(scratch.0.join("m"), fill).unwrap_err().to_string().contains("m/a.txt is a folder"));
}

#[test]
fn a_path_that_names_no_file_is_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    let file = scratch.file("a.txt", "old");
    for path in ["", "/", "..", "a.txt/"] {
        let path = if path == "a.txt/" { PathBuf::from(format!("{}/", file.display())) } else { path.into() };
        assert!(check(&path).is_err(), "{}", path.display());
        assert!(write(&path, "new").unwrap_err().is_io(), "{}", path.display());
    }
    refused(scratch.0.join("new.svg/"), "not the name of a file");
    refused(scratch.0.join("no/such/a.txt"), "does not exist; create it first");
    refused(file.join("a.txt"), "a.txt/a.txt cannot be written: Not a directory");
    refused(scratch.0.join("x".repeat(256)), "cannot be written: File name too long");
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
}

#[test]
fn the_longest_name_and_the_strangest_are_written() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let scratch = Scratch::new();
    for name in [OsStr::new(&"x".repeat(255)), OsStr::from_bytes(b"a\xff\n.txt"), OsStr::new("-"), OsStr::new(".x")] {
        let path = scratch.0.join(name);
        for content in ["old", "new"] {
            check(&path).unwrap();
            write(&path, content).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        write_folder(scratch.0.join("folders").join(name), |new| write(new.join(name), "new")).unwrap();
    }
    assert_eq!(leftovers(&scratch.0), Vec::<PathBuf>::new());
}

#[test]
fn a_file_keeps_its_permissions_and_one_that_may_not_be_written_its_content() {
    let scratch = Scratch::new();
    let path = scratch.file("a.txt", "old");
    for mode in [0o600, 0o640, 0o755, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        write(&path, "new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
    }
    let folder = scratch.0.join("m");
    let inside = scratch.file("m/a.txt", "old");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o2750)).unwrap();
    fs::set_permissions(&inside, fs::Permissions::from_mode(0o604)).unwrap();
    write_folder(&folder, |new| write(new.join("a.txt"), "new")).unwrap();
    assert_eq!(fs::read_to_string(&inside).unwrap(), "new");
    assert_eq!([&folder, &inside].map(|path| fs::metadata(path).unwrap().mode() & 0o7777), [0o2750, 0o604]);
}

#[test]
fn a_folder_is_written_through_its_link_and_into_the_current_one() {
    let scratch = Scratch::new();
    scratch.file("real/mine.txt", "mine");
    let link = scratch.0.join("link");
    symlink("real", &link).unwrap();
    let fill = |new: &Path| write(new.join("within/a.txt").parent().unwrap().join("a.txt"), "new");
    let said = write_folder(&link, fill).unwrap_err().to_string();
    assert!(said.contains("link/within does not exist") && !said.contains(".partial"), "{said}");
    let fill = |new: &Path| {
        make_folder(&new.join("within"))?;
        write(new.join("within/a.txt"), "new")
    };
    write_folder(&link, fill).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(super::files(&scratch.0.join("real")).len(), 2);
    assert_eq!(leftovers(&scratch.0), Vec::<PathBuf>::new());
}

#[test]
fn tensors_have_the_bytes_of_the_library_that_defines_their_file() {
    use candle_core::{DType, Device, Tensor};
    let scratch = Scratch::new();
    let counted = |len: u32, dtype| Tensor::arange(0, len, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
    let tensors = [
        ("z".to_owned(), counted(6, DType::F32).reshape((2, 3)).unwrap().t().unwrap()),
        ("b".to_owned(), counted(5, DType::F16)),
        ("a\"\n".to_owned(), counted(3, DType::U8)),
        ("none".to_owned(), counted(0, DType::F32)),
        ("c".to_owned(), counted(1, DType::I64).reshape(()).unwrap()),
    ];
    let path = scratch.0.join("a.safetensors");
    write_tensors(&path, tensors.clone()).unwrap();
    let contiguous = tensors.clone().map(|(name, tensor)| (name, tensor.contiguous().unwrap()));
    assert_eq!(fs::read(&path).unwrap(), safetensors::serialize(contiguous, None).unwrap());
    let said = write_tensors(&path, [tensors[0].clone(), tensors[0].clone()]).unwrap_err().to_string();
    assert!(said.contains("two tensors are named `z`"), "{said}");
}
