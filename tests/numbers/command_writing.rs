//! The program `glassbox` where it writes: to files, to folders, and to a terminal that is full or gone.

use crate::{
    reference::folder,
    writing::{Disk, Scratch, content},
};
use glassbox::Model;
use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, symlink},
    },
    path::Path,
    process::{Command, Output, Stdio},
};

fn glassbox() -> Command {
    Command::new(env!("CARGO_BIN_EXE_glassbox"))
}

/// What it says when it fails: one sentence, and no panic.
fn sentence(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "{said}");
    said
}

/// A run of a small model whose activations go to a file.
fn activations(model: &Path, out: &Path) -> Command {
    let mut command = glassbox();
    command
        .arg("activations")
        .arg(model)
        .args(["--tokens", "1,5,2", "--sites", "blocks.0.hook_resid_pre", "--out"])
        .arg(out);
    command
}

#[test]
fn output_that_nobody_reads_ends_quietly_and_a_full_one_in_a_sentence() {
    let scratch = Scratch::new("outputs");
    let tour = |command: &mut Command| {
        command.arg("tour").arg("--out").arg(scratch.0.join("tour.html"));
    };
    let help = |command: &mut Command| {
        command.arg("help");
    };
    let train = |command: &mut Command| {
        command.args(["train", "induction", "--steps", "1", "--out"]).arg(scratch.0.join("m"));
    };
    let record = |command: &mut Command| *command = activations(&folder("gpt2-tiny"), &scratch.0.join("a.safetensors"));
    let commands: [&dyn Fn(&mut Command); 4] = [&help, &tour, &train, &record];
    for prepare in commands {
        let mut command = glassbox();
        prepare(&mut command);
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));

        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = sentence(&output);
        assert!(said.contains("standard output cannot be written: No space left on device"), "{said}");
        // Where not even the error can be said, there is still no panic.
        let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(command.stdout(full()).stderr(full()).status().unwrap().code(), Some(1));
    }
}

#[test]
fn an_argument_that_is_not_utf_8_is_named() {
    for line in [&b"to\xffur"[..], b"tour --out \xff.html", b"\xff"] {
        let words = line.split(|&byte| byte == b' ').map(OsStr::from_bytes);
        let said = sentence(&glassbox().args(words).output().unwrap());
        assert!(said.contains("is not UTF-8"), "{said}");
    }
}

#[test]
fn the_model_that_is_read_is_never_written_over() {
    let scratch = Scratch::new("source");
    let model = scratch.0.join("m");
    fs::create_dir(&model).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs::copy(folder("gpt2-tiny").join(file), model.join(file)).unwrap();
    }
    let weights = model.join("model.safetensors");
    symlink(&weights, scratch.0.join("link")).unwrap();
    fs::hard_link(&weights, scratch.0.join("name")).unwrap();
    let before = content(&scratch.0);
    for out in [weights, model.join("config.json"), scratch.0.join("link"), scratch.0.join("name")] {
        let said = sentence(&activations(&model, &out).output().unwrap());
        assert!(said.contains("is a file of a model that is open"), "{said}");
    }
    for (out, why) in [
        ("/dev/null", "is a device"),
        (model.to_str().unwrap(), "is a folder"),
        ("nowhere/a.safetensors", "create it first"),
        ("", "not the name of a file"),
    ] {
        let said = sentence(&activations(&model, Path::new(out)).output().unwrap());
        assert!(said.contains(why), "{said}");
    }
    assert!(content(&scratch.0) == before);
}

#[test]
fn new_files_have_the_permissions_that_the_umask_gives() {
    let scratch = Scratch::new("umask");
    for (umask, file, within) in [("022", 0o644, 0o755), ("077", 0o600, 0o700), ("002", 0o664, 0o775)] {
        let (out, trained) = (scratch.0.join(format!("{umask}.safetensors")), scratch.0.join(umask));
        let shell = |arguments: &str| {
            let mut shell = Command::new("sh");
            shell
                .arg("-c")
                .arg(format!("umask {umask} && exec \"$0\" {arguments}"))
                .arg(env!("CARGO_BIN_EXE_glassbox"));
            let output = shell.arg(&out).arg(&trained).arg(folder("gpt2-tiny")).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        shell("activations \"$3\" --tokens 1,2 --out \"$1\"");
        assert_eq!(mode(&out), file, "umask {umask}");
        shell("train induction --steps 1 --out \"$2\"");
        assert_eq!(mode(&trained), within, "umask {umask}");
        for (path, _) in content(&trained) {
            assert_eq!(mode(&path), file, "umask {umask}: {}", path.display());
        }
    }
}

fn train(at: &Path, arguments: &[&str]) -> Output {
    glassbox().args(["train", "induction"]).args(arguments).current_dir(at).env("TMPDIR", at).output().unwrap()
}

#[test]
fn a_training_says_before_its_first_step_what_it_cannot_do() {
    let scratch = Scratch::new("refusals");
    fs::create_dir(scratch.0.join("other")).unwrap();
    fs::write(scratch.0.join("other/model.safetensors.index.json"), "mine").unwrap();
    fs::write(scratch.0.join("file"), "mine").unwrap();
    for (arguments, why) in [
        (&["--out", ""][..], "the name of the folder to write is empty"),
        (&["--out", "other"][..], "model.safetensors.index.json"),
        (&["--steps", "0"][..], "--steps needs a whole number from 1"),
        (&["--out", "file"][..], "file is a file, not a folder"),
        (&["--out", "/dev/null/m"][..], "/dev/null/m cannot be made"),
        (&["--resume"][..], "no training to resume in trained/induction-2l"),
    ] {
        let said = sentence(&train(&scratch.0, arguments));
        assert!(said.contains(why), "{said}");
        assert_eq!(content(&scratch.0).len(), 2, "{arguments:?}");
    }
}

#[test]
fn a_training_writes_over_nothing_that_it_was_not_told_to() {
    let scratch = Scratch::new("default");
    let output = train(&scratch.0, &["--steps", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trained = scratch.0.join("trained/induction-2l");
    let before = content(&trained);
    assert_eq!(before.len(), 5, "config, weights, tokenizer, losses twice");
    let said = sentence(&train(&scratch.0, &["--steps", "1"]));
    assert!(said.contains("already exists") && content(&trained) == before, "{said}");
    fs::write(trained.join("training.safetensors"), "an earlier one").unwrap();
    let said = sentence(&train(&scratch.0, &["--steps", "1", "--out", "trained/induction-2l"]));
    assert!(said.contains("--resume"), "{said}");
    let said = sentence(&train(&scratch.0, &["--steps", "1", "--resume"]));
    assert!(said.contains("is not an interrupted training") && said.contains("delete it"), "{said}");
}

#[test]
fn a_model_that_no_training_wrote_is_not_lost_to_one() {
    let scratch = Scratch::new("foreign");
    let foreign = scratch.0.join("foreign");
    Model::open("modular-addition-1l").unwrap().save_native(&foreign).unwrap();
    let before = content(&foreign);
    let said = sentence(&train(&scratch.0, &["--steps", "1", "--out", "foreign"]));
    assert!(said.contains("holds a model that was not written by a training") && content(&foreign) == before, "{said}");
}

#[test]
fn a_training_whose_model_cannot_be_written_is_kept_and_goes_on_elsewhere() {
    let scratch = Scratch::new("kept");
    // Room for a training that is put aside, and not for a model beside it.
    let Some(disk) = Disk::new("kept-disk", "1200k") else { return };
    let place = disk.0.0.join("m");
    let said = sentence(&train(&scratch.0, &["--steps", "2", "--out", place.to_str().unwrap()]));
    assert!(
        said.contains("No space left on device") && said.contains("the training up to step 2 is saved in"),
        "{said}"
    );
    let kept: Vec<_> = content(&scratch.0).into_iter().map(|(path, _)| path).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert!(said.contains(kept.to_str().unwrap()), "{said}");
    fs::create_dir(scratch.0.join("m")).unwrap();
    fs::rename(kept, scratch.0.join("m/training.safetensors")).unwrap();
    let output = train(&scratch.0, &["--steps", "2", "--out", "m", "--resume"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(content(&scratch.0.join("m")).len(), 5);
}

#[test]
fn a_model_that_was_saved_onto_itself_is_still_the_model_that_is_read() {
    let scratch = Scratch::new("onto-itself");
    let folder = scratch.0.join("m");
    Model::open("modular-addition-1l").unwrap().save_native(&folder).unwrap();
    let own = Model::open(folder.to_str().unwrap()).unwrap();
    own.save_native(&folder).unwrap();
    let before = content(&folder);
    let said = own.run([1, 2, 3]).unwrap().cache().save(folder.join("model.safetensors")).unwrap_err().to_string();
    assert!(said.contains("is a file of a model that is open") && content(&folder) == before, "{said}");
}
