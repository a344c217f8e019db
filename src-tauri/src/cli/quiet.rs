//! `mission-control snooze` and `mute`: no notifications of one session.

use std::process::ExitCode;

use clap::Args;
use jiff::civil::Time;
use jiff::{Span, Timestamp, Zoned};
use mission_control_core::quiet::{Quiet, USUAL_SNOOZE};
use mission_control_core::session::SessionId;
use mission_control_engine::monitor::Monitor;
use mission_control_engine::store::Store;
use serde::Serialize;

use super::failure::{Failure, Kind};
use super::live;
use super::output::Output;
use super::{Format, FormatArguments};

/// Whose notifications, and whether they come again.
#[derive(Debug, Args)]
pub(super) struct QuietArguments {
    /// The session's id, or an unambiguous beginning of it
    id: String,
    /// Let notifications come again
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Serialize)]
struct Document<'a> {
    session_id: &'a SessionId,
    quiet: Option<Quiet>,
}

pub(super) fn snooze(
    arguments: &QuietArguments,
    length: &[String],
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let now = live::now().to_zoned(jiff::tz::TimeZone::system());
    let until = match length {
        [] => now.timestamp() + USUAL_SNOOZE,
        words => until(&words.join(" "), &now).ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("`{}` is no length of time.", words.join(" ")),
            )
            .hint("Such as `30m`, `2h`, `1h 30m` or `until 18:00`.")
        })?,
    };
    set(arguments, Quiet::Snoozed { until }, &now, output)
}

pub(super) fn mute(arguments: &QuietArguments, output: &mut Output) -> Result<ExitCode, Failure> {
    let now = live::now().to_zoned(jiff::tz::TimeZone::system());
    set(arguments, Quiet::Muted {}, &now, output)
}

fn set(
    arguments: &QuietArguments,
    wanted: Quiet,
    now: &Zoned,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let options = live::options()?;
    let looked = Monitor::look_once(&options);
    let id = &live::find(&looked, &arguments.id)?.id;
    let quiet = (!arguments.off).then_some(wanted);
    let store = Store::open(&options.places.state)?;
    store.set_quiet(id, quiet, now.timestamp())?;
    match arguments.format.into() {
        Format::Json => output.json_document(&Document {
            session_id: id,
            quiet,
        })?,
        Format::People => output.line(&match quiet {
            Some(quiet) => format!("{id}: notifications {}.", in_words(quiet, now)),
            None => format!("{id}: notifications come again."),
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says for how long a session is quiet, as the end of a sentence about its notifications.
pub(super) fn in_words(quiet: Quiet, now: &Zoned) -> String {
    match quiet {
        Quiet::Snoozed { until } => {
            let until = until.to_zoned(now.time_zone().clone());
            let written = if until.date() == now.date() {
                until.strftime("%H:%M")
            } else {
                until.strftime("%a %e %b, %H:%M")
            };
            format!("are off until {written}")
        }
        Quiet::Muted {} => "are off".to_owned(),
    }
}

/// Reads a length of time, or `until` a time of day, which may be tomorrow's.
fn until(text: &str, now: &Zoned) -> Option<Timestamp> {
    let end = match text.strip_prefix("until ") {
        Some(time) => {
            let time = Time::strptime("%H:%M", time.trim()).ok()?;
            let today = now.with().time(time).build().ok()?;
            if today > *now {
                today
            } else {
                let tomorrow = now.date().tomorrow().ok()?;
                tomorrow
                    .to_datetime(time)
                    .to_zoned(now.time_zone().clone())
                    .ok()?
            }
        }
        None => now.checked_add(text.parse::<Span>().ok()?).ok()?,
    };
    (end > *now).then(|| end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-20T17:30:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let expected = expected.map(|at| at.parse::<Timestamp>().unwrap());

        assert_eq!(until(text, &now()), expected, "{text}");
    }

    #[test]
    fn lengths_of_time_and_times_of_day() {
        check("30m", Some("2026-11-20T17:00:00Z"));
        check("2h", Some("2026-11-20T18:30:00Z"));
        check("1h 30m", Some("2026-11-20T18:00:00Z"));
        check("1d", Some("2026-11-21T16:30:00Z"));
        check("until 18:00", Some("2026-11-20T17:00:00Z"));
        check("until 07:15", Some("2026-11-21T06:15:00Z"));
        check("until 17:30", Some("2026-11-21T16:30:00Z"));
    }

    #[test]
    fn what_is_no_time_to_come_is_refused() {
        for text in [
            "",
            "soon",
            "30",
            "-2h",
            "0m",
            "until",
            "until noon",
            "until 25:00",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn another_day_is_named() {
        let words = |at: &str| {
            let until = at.parse().unwrap();
            in_words(Quiet::Snoozed { until }, &now())
        };

        assert_eq!(words("2026-11-20T17:00:00Z"), "are off until 18:00");
        assert_eq!(
            words("2026-11-21T06:15:00Z"),
            "are off until Sat 21 Nov, 07:15"
        );
        assert_eq!(in_words(Quiet::Muted {}, &now()), "are off");
    }
}
