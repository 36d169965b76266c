//! What a process holds in memory, where the system tells.

/// The most bytes it held since it began, or since this was forgotten.
pub(crate) fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Forgets the most that it held.
pub(crate) fn forget_peak(process: u32) {
    // Where this cannot be, the peak is that of its whole life.
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
}
