//! A process that cannot be mistaken for another, also by a program started later.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

use serde::{Deserialize, Serialize};

/// A pid together with the start of the process it meant, as the system counts it.
///
/// Finer than seconds and the same in every process, so that it can be kept and compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessMark {
    /// The process id.
    pub pid: u32,
    /// Its start, in units of the system.
    pub start: u64,
    /// The start of the system that counted, where it is known.
    pub boot: Option<String>,
}

impl ProcessMark {
    /// Returns the mark of the process that has `pid` now; none if no such process lives.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            start: platform::start_of(pid)?,
            boot: platform::boot(),
        })
    }

    /// Returns the mark of a child that was not collected yet, whether it lives or not.
    #[must_use]
    pub(crate) fn of_child(pid: u32) -> Self {
        Self {
            pid,
            start: platform::start_of_any(pid).unwrap_or(0),
            boot: platform::boot(),
        }
    }

    /// Returns whether that very process still lives. One that only waits to be collected by its
    /// parent does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        platform::start_of(self.pid) == Some(self.start) && self.boot == platform::boot()
    }
}

/// Returns the live processes that belong to a task: those in the group of `leader`, and those
/// that left the group and carry `label` in their environment. Never this process itself.
#[must_use]
pub(crate) fn members(leader: Option<&ProcessMark>, label: &str) -> Vec<ProcessMark> {
    let own = std::process::id();
    // While anything of a group lives, its number is nobody else's; a stranger with the leader's
    // pid means that the group is gone, and so does another start of the system.
    let leader = leader.filter(|leader| {
        leader.boot == platform::boot()
            && platform::start_of_any(leader.pid).is_none_or(|start| start == leader.start)
    });
    platform::members(leader.map(|leader| leader.pid), label)
        .into_iter()
        .filter(|pid| *pid != own)
        .filter_map(ProcessMark::of)
        .collect()
}

/// Returns the live processes that carry a value of `variable` in their environment, with it.
#[must_use]
pub(crate) fn labelled(variable: &str) -> Vec<(ProcessMark, String)> {
    platform::labelled(variable)
        .into_iter()
        .filter_map(|(pid, value)| Some((ProcessMark::of(pid)?, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_stranger_with_the_leaders_pid_is_left_alone() {
        let process = crate::testing::GroupLeader::start();
        let leader = ProcessMark::of(process.pid()).unwrap();

        let recycled = ProcessMark {
            start: leader.start.wrapping_add(1),
            ..leader
        };

        assert_eq!(members(Some(&recycled), "NO_SUCH_LABEL=1"), []);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_group_of_an_earlier_start_of_the_system_is_gone() {
        let process = crate::testing::GroupLeader::start();
        let leader = ProcessMark::of(process.pid()).unwrap();

        let before_reboot = ProcessMark {
            boot: Some("another".to_owned()),
            ..leader.clone()
        };

        assert_eq!(
            members(Some(&leader), "NO_SUCH_LABEL=1"),
            std::slice::from_ref(&leader)
        );
        assert_eq!(members(Some(&before_reboot), "NO_SUCH_LABEL=1"), []);
    }

    #[test]
    fn a_pid_alone_is_not_the_process() {
        let own = ProcessMark::of(std::process::id()).unwrap();

        assert!(own.is_alive());
        let earlier = ProcessMark {
            start: own.start.wrapping_sub(1),
            ..own.clone()
        };
        assert!(!earlier.is_alive());
        let before_reboot = ProcessMark {
            boot: Some("another".to_owned()),
            ..own
        };
        assert!(!before_reboot.is_alive());
    }
}
