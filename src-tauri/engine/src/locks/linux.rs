//! `/proc/locks`.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use super::Lock;

pub(super) fn read() -> Result<Vec<Lock>, String> {
    match std::fs::read_to_string("/proc/locks") {
        Ok(text) => Ok(parse(&text)),
        Err(error) => Err(format!("`/proc/locks` cannot be read: {error}.")),
    }
}

pub(super) fn identity(metadata: &Metadata) -> ((u32, u32), u64) {
    let device = metadata.dev();
    (
        (rustix::fs::major(device), rustix::fs::minor(device)),
        metadata.ino(),
    )
}

/// Reads lines such as `1: FLOCK  ADVISORY  WRITE 22933 fe:00:10010641 0 EOF`; a line with `->`
/// only waits for a lock.
fn parse(text: &str) -> Vec<Lock> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Lock> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (Some("FLOCK"), Some(_), Some("WRITE")) = (fields.next(), fields.next(), fields.next())
    else {
        return None;
    };
    let pid = fields.next()?;
    let mut place = fields.next()?.split(':');
    let major = u32::from_str_radix(place.next()?, 16).ok()?;
    let minor = u32::from_str_radix(place.next()?, 16).ok()?;
    Some(Lock {
        // The kernel writes -1 or 0 for a holder that has no pid here.
        pid: pid.parse().unwrap_or(0),
        device: (major, minor),
        inode: place.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, (u32, u32), u64)]) {
        let seen: Vec<_> = parse(text)
            .iter()
            .map(|l| (l.pid, l.device, l.inode))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn only_held_write_flocks_count() {
        check(
            "1: FLOCK  ADVISORY  WRITE 22933 fe:00:10010641 0 EOF",
            &[(22933, (254, 0), 10_010_641)],
        );
        check("1: FLOCK  ADVISORY  READ 22933 fe:00:1 0 EOF", &[]);
        check("7: POSIX  ADVISORY  WRITE 500 00:1b:1052 0 EOF", &[]);
        check("7: OFDLCK ADVISORY  WRITE -1 00:1b:1052 0 EOF", &[]);
        check(
            "3: -> FLOCK  ADVISORY  WRITE 22940 fe:00:10010641 0 EOF",
            &[],
        );
        check(
            "2: FLOCK  ADVISORY  WRITE -1 08:1f:77 0 EOF",
            &[(0, (8, 31), 77)],
        );
    }

    #[test]
    fn damaged_lines_are_passed_over() {
        check("", &[]);
        check(
            "1: FLOCK\n\n2: FLOCK ADVISORY WRITE 5 zz:00:1 0 EOF\n3: FLOCK  ADVISORY  WRITE 6 00:2a:9",
            &[(6, (0, 42), 9)],
        );
    }
}
