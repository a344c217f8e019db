//! Waiting until something may have happened: a file grew, the bell rang, a process ended.
//!
//! A wake-up is a hint: whoever wakes looks for itself. One may come for nothing, and one may be
//! missed where the system cannot tell, so every wait has an end.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

pub(crate) use platform::Waker;
