//! What the benches have in common: cases of several sizes, timed one after the other, or in turns with those of another
//! program.

use std::{
    error::Error,
    fs,
    io::{BufRead, stdin},
    str::FromStr,
    time::Instant,
};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A name, and what is timed, for a size.
pub type Case<'a> = (&'a str, &'a dyn Fn(usize) -> glassbox::Result<()>);

/// What follows this name on the command line.
pub fn option<T: FromStr<Err: Error + 'static>>(name: &str, default: T) -> Result<T> {
    let value = std::env::args().skip_while(|argument| argument != name).nth(1);
    Ok(value.map_or(Ok(default), |value| value.parse())?)
}

/// Times the cases for the sizes after `--<unit>`, or those of `--case` only, each for `--seconds` or more; with `--turns`,
/// those that standard input asks for. One run is `per` of what is timed.
pub fn bench(unit: &str, sizes: &str, per: usize, cases: &[Case]) -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--turns") {
        return turns(per, cases);
    }
    let (only, seconds) = (option("--case", String::new())?, option("--seconds", 1.0)?);
    for size in option(&format!("--{unit}"), sizes.to_string())?.split(',') {
        let size: usize = size.parse()?;
        for (name, run) in cases.iter().filter(|(name, _)| only.is_empty() || *name == only) {
            let Times { mut runs, cpu } = time(seconds, per, || run(size))?;
            runs.sort_by(f64::total_cmp);
            let (median, least) = (runs[runs.len() / 2], runs[0]);
            println!("{name:<36} {size:>4} {unit}  {median:>8.1} ms  least {least:>8.1} ms  processor {cpu:>8.1} ms");
        }
    }
    Ok(())
}

/// Answers each line "case, tab, size, tab, seconds" with the milliseconds of each run.
fn turns(per: usize, cases: &[Case]) -> Result<()> {
    println!("glassbox {}", env!("CARGO_PKG_VERSION"));
    for line in stdin().lock().lines() {
        let line = line?;
        let [name, size, seconds] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("a turn is a case, a size and seconds, with tabs between: {line:?}").into());
        };
        let (size, seconds) = (size.parse()?, seconds.parse()?);
        let (_, run) = cases.iter().find(|case| case.0 == name).ok_or_else(|| format!("there is no case {name:?}"))?;
        let runs = time(seconds, per, || run(size))?.runs;
        println!("{}", runs.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// Milliseconds.
struct Times {
    runs: Vec<f64>,
    /// Of all threads together, in the mean run: what a busy machine does not change much. 0 where there is no `/proc`.
    cpu: f64,
}

/// Runs until so many seconds are over, at least once. The first run is not counted where there are others.
fn time(seconds: f64, per: usize, run: impl Fn() -> glassbox::Result<()>) -> Result<Times> {
    let (mut runs, mut cpu) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    while runs.is_empty() || begin.elapsed().as_secs_f64() < seconds {
        let (start, had) = (Instant::now(), cpu_ms());
        run()?;
        runs.push(1e3 * start.elapsed().as_secs_f64() / per as f64);
        cpu.push((cpu_ms() - had) / per as f64);
    }
    let first = usize::from(runs.len() > 1);
    let cpu = cpu[first..].iter().sum::<f64>() / (cpu.len() - first) as f64;
    Ok(Times { runs: runs.split_off(first), cpu })
}

/// What this process has had of the processor, in milliseconds.
fn cpu_ms() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, user and system time are the 12th and 13th, in hundredths of a second.
    let after_name = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    after_name.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}
