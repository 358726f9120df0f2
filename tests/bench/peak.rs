//! How much memory this process had at most.

/// In MB, where the system tells (Linux).
pub fn megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().split(' ').next()?.parse().ok()?;
    Some(kilobytes * 1024 / 1_000_000)
}

/// From now on, what was before does not count.
#[allow(dead_code, reason = "not every bench needs all of this")]
pub fn forget() -> std::io::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5")
}
