//! Models, pictures and trainings on a full disk, and under the hands of a writer that is killed.

use crate::reference::{folder, open};
use candle_core::Tensor;
use glassbox::{
    Model, files,
    plot::Bars,
    train::{self, Training},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A folder of a test's own, removed at its end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("glassbox-writing-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A disk of a test's own, taken away at its end, whether or not the test passed.
pub struct Disk(pub Scratch);

impl Disk {
    /// Says why where a disk cannot be made.
    pub fn new(name: &str, size: &str) -> Option<Self> {
        let scratch = Scratch::new(name);
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&scratch.0).stderr(Stdio::null());
        if !mount.status().is_ok_and(|status| status.success()) {
            println!("skipped: a disk of limited size is made with `mount -t tmpfs`, which needs root on Linux");
            return None;
        }
        Some(Self(scratch))
    }

    /// Leaves no room but for a page or two.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.0.join("filler")).unwrap();
        while io::Write::write_all(&mut file, &[7; 1 << 12]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0.0).status().ok();
    }
}

/// Every file of a folder and of those in it, with its content.
pub fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            all.extend(content(&entry.path()));
        } else {
            all.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    all.sort();
    all
}

fn logits(model: &Model) -> Vec<f32> {
    let logits: Tensor = model.forward([1u32, 5, 2, 7, 3]).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_full_disk_leaves_every_file_as_it_was() {
    let Some(disk) = Disk::new("full", "1m") else { return };
    // A folder on the disk, and the disk itself, which cannot change places with another folder.
    let (inside, itself) = (disk.0.0.join("m"), disk.0.0.clone());
    let model = Model::open("induction-2l").unwrap();
    model.save_native(&inside).unwrap();
    open("gpt2-tiny").save_native(&itself).unwrap();
    let picture = disk.0.0.join("bars.svg");
    Bars::new([("a", 0.5)]).draw().unwrap().save(&picture).unwrap();
    let aside = disk.0.0.join("training.safetensors");
    fs::write(&aside, "an earlier one").unwrap();
    disk.fill();
    let before = content(&itself);

    let other = model.processed(glassbox::weights::Processing::default()).unwrap();
    let large = Bars::new((0..400).map(|word| (format!("word {word}"), 0.5))).draw().unwrap();
    let training = Training::start(train::recipe("induction").unwrap()).unwrap();
    let errors = [
        other.save_native(&inside),
        other.save_native(&itself),
        large.save(&picture),
        model.run("red fox blue").unwrap().cache().save(inside.join("model.safetensors.copy")),
        training.put_aside(&aside),
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert!(error.to_string().contains("No space left on device"), "{error}");
        assert!(error.is_io() && !error.to_string().contains(".partial"), "{error}");
    }
    assert!(content(&itself) == before, "something has changed on the disk");
    assert_eq!(logits(&Model::open(inside.to_str().unwrap()).unwrap()), logits(&model));

    fs::remove_file(disk.0.0.join("filler")).unwrap();
    other.save_native(&inside).unwrap();
    assert_eq!(Model::open(inside.to_str().unwrap()).unwrap().processing(), other.processing());
}

#[test]
fn a_model_written_over_its_own_files_is_read_on_and_says_the_same() {
    let scratch = Scratch::new("itself");
    let place = scratch.0.join("m");
    fs::create_dir(&place).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs::copy(folder("gpt2-tiny").join(file), place.join(file)).unwrap();
    }
    fs::write(place.join("notes.txt"), "mine").unwrap();
    let model = Model::open(place.to_str().unwrap()).unwrap();
    let before = logits(&model);
    // An activation file is no model, so it does not come to stand in a model's place, under whatever name.
    let (link, name) = (scratch.0.join("link.safetensors"), scratch.0.join("name.safetensors"));
    std::os::unix::fs::symlink(place.join("model.safetensors"), &link).unwrap();
    fs::hard_link(place.join("model.safetensors"), &name).unwrap();
    for path in [place.join("model.safetensors"), link, name] {
        let error = model.run([1u32, 5, 2]).unwrap().cache().save(path).unwrap_err();
        assert!(error.to_string().contains("is a file of a model that is open"), "{error}");
    }
    model.save_native(&place).unwrap();
    assert_eq!(logits(&model), before);
    let again = logits(&Model::open(place.to_str().unwrap()).unwrap());
    assert!(again.iter().zip(&before).all(|(again, before)| (again - before).abs() < 1e-4));
    assert_eq!(fs::read_to_string(place.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_folder_that_says_things_of_another_model_is_refused() {
    let scratch = Scratch::new("mixed");
    let model = open("gpt2-tiny");
    for file in ["model.safetensors.index.json", "generation_config.json", "tokenizer.json"] {
        let place = scratch.0.join(file.replace('.', "-"));
        fs::create_dir(&place).unwrap();
        fs::write(place.join(file), "{}").unwrap();
        let error = model.save_native(&place).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains("of another model"), "{error}");
        assert_eq!(content(&place).len(), 1);
    }
}

const WHERE: &str = "GLASSBOX_WRITES_TO";
const LEN: usize = 200_000;

/// Not a test: what [`a_killed_writer_leaves_one_of_the_two_wholes`] starts and kills.
#[test]
#[ignore = "goes on until it is killed"]
fn writes_until_it_is_killed() {
    let Some(place) = std::env::var_os(WHERE).map(PathBuf::from) else { return };
    let models = [open("gpt2-tiny"), open("attn-only-tiny")];
    for (model, letter) in models.iter().zip("ab".chars()).cycle() {
        files::write(place.join("letters.txt"), letter.to_string().repeat(LEN)).unwrap();
        model.save_native(place.join("m")).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_one_of_the_two_wholes() {
    let scratch = Scratch::new("killed");
    let (place, letters) = (scratch.0.join("m"), scratch.0.join("letters.txt"));
    let models = [open("gpt2-tiny"), open("attn-only-tiny")];
    models[0].save_native(&place).unwrap();
    fs::write(place.join("notes.txt"), "mine").unwrap();
    files::write(&letters, "a".repeat(LEN)).unwrap();
    let known = models.map(|model| logits(&model));
    let whole = |text: &str| text.len() == LEN && ["a", "b"].iter().any(|letter| text.replace(letter, "").is_empty());
    let mut seen = [false; 2];
    for round in 0..12u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writing::writes_until_it_is_killed", "--ignored"])
            .env(WHERE, &scratch.0)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Long enough to be in the midst of it, and at another step each time.
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(150 + 37 * round) {
            assert!(whole(&fs::read_to_string(&letters).unwrap()), "while the writer runs");
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert!(whole(&fs::read_to_string(&letters).unwrap()), "after round {round}");
        let now = logits(&Model::open(place.to_str().unwrap()).unwrap());
        let which = known.iter().position(|known| close(known, &now));
        seen[which.expect("the folder is neither of the two models")] = true;
        assert_eq!(fs::read_to_string(place.join("notes.txt")).unwrap(), "mine", "after round {round}");
    }
    println!("found after a kill: {seen:?}");
}

fn close(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-4)
}
