//! Durations, stop signals and commands in words.

use std::time::Duration;

/// Returns a duration the way people say it: `450 ms`, `42 s`, `5m 0s`, `2h 5m`.
#[must_use]
pub fn duration_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 && duration.subsec_millis() > 0 {
        return format!("{} ms", duration.subsec_millis());
    }
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Returns a stop signal's name, such as `SIGKILL`.
#[must_use]
pub fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

/// Returns what a shell was given: `/bin/bash -lc 'cargo test'` runs `cargo test`.
#[must_use]
pub fn inner_script(command: &str) -> &str {
    let Some((shell, rest)) = command.trim().split_once(" -lc ").or_else(|| {
        command
            .trim()
            .split_once(" -c ")
            .filter(|(shell, _)| shell.ends_with("sh"))
    }) else {
        return command.trim();
    };
    if !shell.ends_with("sh") {
        return command.trim();
    }
    rest.trim()
        .trim_matches(|quote| matches!(quote, '\'' | '"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_the_way_people_say_them() {
        for (ms, words) in [
            (0, "0 s"),
            (450, "450 ms"),
            (42_900, "42 s"),
            (300_000, "5m 0s"),
            (7_530_000, "2h 5m"),
        ] {
            assert_eq!(duration_words(Duration::from_millis(ms)), words);
        }
    }
}
