//! Milliseconds of opening a shipped model; seconds and peak memory of opening a folder of GPT-2 small's size (498 MB of
//! float32), the file being in the cache.
//!
//!     cargo bench --bench opening

mod model;
mod peak;

use glassbox::Model;
use std::{env, fs, process::Command, time::Instant};

fn main() -> model::Result<()> {
    let args: Vec<String> = env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--open") {
        let start = Instant::now();
        let model = Model::open(&args[at + 1])?;
        let peak = peak::megabytes().map_or("not known here".into(), |peak| format!("{peak} MB"));
        println!("{:.2} s, peak memory {peak}", start.elapsed().as_secs_f64());
        drop(model);
        return Ok(());
    }
    for name in ["induction-2l", "grammar-4l", "modular-addition-1l", "modular-addition-1l@0"] {
        let open = || {
            let start = Instant::now();
            Model::open(name).map(|_| start.elapsed().as_secs_f64() * 1e3)
        };
        let mut times = (0..21).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
        times.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ms", times[10]);
    }
    let folder = env::temp_dir().join(format!("glassbox-bench-opening-{}", std::process::id()));
    model::write(&folder)?;
    let size = fs::metadata(folder.join("model.safetensors"))?.len();
    println!("the file has {} MB", size / 1_000_000);
    for _ in 0..3 {
        Command::new(env::current_exe()?).arg("--open").arg(&folder).status()?;
    }
    Ok(fs::remove_dir_all(&folder)?)
}
