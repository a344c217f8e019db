//! `/proc/<pid>/stat`.

use super::Kin;

pub(super) fn of(pid: u32) -> Option<Kin> {
    let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // The name in parentheses may hold anything, parentheses too.
    let (before, after_name) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X" | "x") {
        return None;
    }
    let terminal: i32 = fields.get(4)?.parse().ok()?;
    Some(Kin {
        pid,
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        terminal: device_of(terminal.cast_unsigned()),
    })
}

/// Takes apart how the kernel writes a device; 0 is none.
const fn device_of(number: u32) -> Option<(u32, u32)> {
    if number == 0 {
        return None;
    }
    let major = (number >> 8) & 0xfff;
    let minor = (number & 0xff) | ((number >> 12) & 0xf_ff00);
    Some((major, minor))
}

pub(super) fn all() -> Vec<Kin> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.flatten();
    pids.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_known_by_its_device() {
        assert_eq!(device_of(0), None);
        assert_eq!(device_of(34_816), Some((136, 0)));
        assert_eq!(device_of(34_823), Some((136, 7)));
        assert_eq!(device_of(1_083_392), Some((136, 256)));
    }
}
