//! Giving memory back that a supervisor needed to start and does not need to wait.
//!
//! Most of what a small program occupies is its own code, mapped in whole neighbourhoods while it
//! starts. What is needed again comes back by itself.

/// Lets go of the program's code.
#[cfg(target_os = "linux")]
pub(super) fn let_go() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        return;
    };
    let Ok(exe) = std::env::current_exe() else {
        return;
    };
    let exe = exe.to_string_lossy();
    for line in maps.lines() {
        let is_own_code = line.ends_with(&*exe) && line.split(' ').nth(1) == Some("r-xp");
        if let Some((start, end)) = line
            .split(' ')
            .next()
            .filter(|_| is_own_code)
            .and_then(range)
        {
            forget(start, end);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn let_go() {}

#[cfg(target_os = "linux")]
fn range(text: &str) -> Option<(usize, usize)> {
    let (start, end) = text.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?)).filter(|(start, end)| start < end)
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "memory is given back by its address")]
fn forget(start: usize, end: usize) {
    use rustix::mm::{Advice, madvise};
    let address = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the range holds code mapped from the program's file, which is never written: a page
    // that is let go of is read from the file again, with the same content.
    let done = unsafe { madvise(address, end - start, Advice::LinuxDontNeed) };
    if let Err(error) = done {
        tracing::debug!(%error, "Memory cannot be given back.");
    }
}
