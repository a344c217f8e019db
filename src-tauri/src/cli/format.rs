//! Times, counts and states in a person's words.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use mission_control_core::session::{EndedHow, LiveSession, Status, TurnOutcome};

/// Writes a length of time: `48s`, `3m 12s`, `2h 05m`, `3d 04h`.
pub(super) fn elapsed(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {:02}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {:02}m", minutes % 60),
        (days, hours, _) => format!("{days}d {:02}h", hours % 24),
    }
}

/// Writes a count of tokens: `812`, `184k`, `2.3M`.
pub(super) fn tokens(count: u64) -> String {
    match count {
        0..=999 => count.to_string(),
        1_000..=999_499 => format!("{}k", (count + 500) / 1000),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// Writes a time of day in the person's time zone.
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// A state as it is printed: sign, word and colour. Colour is never the only sign.
pub(super) struct StateWords {
    pub sign: &'static str,
    pub word: &'static str,
    pub style: Style,
}

/// Returns the sign, word and colour of a session's state.
pub(super) fn state(session: &LiveSession) -> StateWords {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    let (sign, word, style) = match session.status {
        Status::NeedsYou => ("◆", "Needs you", colour(AnsiColor::Yellow).bold()),
        Status::Working => ("◐", "Working", colour(AnsiColor::Blue)),
        Status::Paused => match session.last_turn.as_ref().map(|turn| turn.outcome) {
            Some(TurnOutcome::Failed) => ("✕", "Your turn", colour(AnsiColor::Red)),
            Some(TurnOutcome::Completed | TurnOutcome::Interrupted) | None => {
                ("○", "Your turn", colour(AnsiColor::Green))
            }
        },
        Status::Done => match session.ended.as_ref().map(|ended| ended.how) {
            Some(EndedHow::Finished) | None => ("✓", "Finished", Style::new().dimmed()),
            Some(EndedHow::Closed) => ("–", "Closed", Style::new().dimmed()),
            Some(EndedHow::Archived) => ("–", "Archived", Style::new().dimmed()),
            Some(EndedHow::Interrupted) => ("⊘", "Interrupted", Style::new().dimmed()),
            Some(EndedHow::Failed) => ("✕", "Failed", colour(AnsiColor::Red)),
            Some(EndedHow::Killed) => ("✕", "Killed", colour(AnsiColor::Red)),
        },
        Status::Unknown => ("?", "Unknown", colour(AnsiColor::Magenta)),
    };
    StateWords { sign, word, style }
}

/// Returns the place of a session's group in a list: what needs a person comes first.
pub(super) const fn group(status: Status) -> u8 {
    match status {
        Status::NeedsYou => 0,
        Status::Paused => 1,
        Status::Working => 2,
        Status::Unknown => 3,
        Status::Done => 4,
    }
}

/// Returns what a session is called: its title, else where it works.
pub(super) fn name(session: &LiveSession) -> &str {
    let name = session.title.as_deref().or(session.project.as_deref());
    name.unwrap_or("untitled")
}

/// Says in one line what a session is about right now.
pub(super) fn second_line(session: &LiveSession) -> Option<String> {
    let text = match session.status {
        Status::NeedsYou => session.need.as_ref().map(|need| need.line().to_owned()),
        Status::Working => session
            .activity
            .clone()
            .or_else(|| session.last_message.clone()),
        Status::Unknown => Some(session.evidence.says.clone()),
        Status::Paused | Status::Done => match &session.last_turn {
            Some(turn) if turn.outcome == TurnOutcome::Failed => {
                let why = turn.message.as_deref().unwrap_or("no reason was recorded");
                Some(format!("Last turn failed: {why}"))
            }
            // What was said last belongs to a turn before, or to half of this one.
            Some(turn) if turn.outcome == TurnOutcome::Interrupted => {
                Some("The last turn was interrupted.".to_owned())
            }
            Some(_) | None => session.last_message.clone(),
        },
    };
    text.map(|text| mission_control_core::text::one_line(&text, 400))
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        let from: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let after = |seconds: i64| elapsed(from, from + jiff::SignedDuration::from_secs(seconds));

        assert_eq!(after(-5), "0s");
        assert_eq!(after(48), "48s");
        assert_eq!(after(192), "3m 12s");
        assert_eq!(after(7_500), "2h 05m");
        assert_eq!(after(274_000), "3d 04h");
    }

    #[test]
    fn counts_of_tokens() {
        assert_eq!(tokens(812), "812");
        assert_eq!(tokens(183_600), "184k");
        assert_eq!(tokens(2_294_926), "2.2M");
    }
}
