//! Sessions as a table for people.

use std::collections::BTreeMap;

use anstyle::Style;
use jiff::Timestamp;
use mission_control_core::event::Summary;
use mission_control_core::session::{Freshness, LiveSession, SessionId, Status};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr as _};

use super::format::{elapsed, group, name, second_line, state, tokens};
use super::homes;
use super::output::styled;

/// Columns a session's id takes: enough of a time-ordered id to be unambiguous.
const ID_COLUMNS: usize = 13;

/// How wide each column is; 0 leaves it out. What matters least gives way first.
struct Columns {
    title: usize,
    place: usize,
    agent: usize,
    tokens: usize,
    id: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        // State and time, with a blank behind the state.
        const ALWAYS: usize = 14 + 12;
        let mut columns = Self {
            title: 0,
            place: 20,
            agent: 17,
            tokens: 6,
            id: ID_COLUMNS + 1,
        };
        if width < 112 {
            columns.agent = 0;
        }
        if width < 94 {
            columns.tokens = 0;
            columns.place = 12;
        }
        if width < 72 {
            columns.place = 0;
        }
        // Every command needs it, so it gives way last.
        if width < 54 {
            columns.id = 0;
        }
        let optional = [columns.place, columns.agent, columns.tokens, columns.id];
        let used: usize = optional.iter().filter(|n| **n > 0).map(|n| n + 1).sum();
        columns.title = width.saturating_sub(ALWAYS + used).clamp(8, 80);
        columns
    }
}

/// Writes the sessions as lines: groups by urgency, sub-agents below their parent, helper
/// threads left out.
pub(super) fn lines(sessions: &[LiveSession], now: Timestamp, width: usize) -> Vec<String> {
    let mut top: Vec<&LiveSession> = sessions
        .iter()
        .filter(|session| !session.helper && !has_listed_parent(session, sessions))
        .collect();
    top.sort_by_key(|session| {
        (
            group(session.status),
            std::cmp::Reverse(session.status_since),
        )
    });
    let table = Table {
        sessions,
        homes: homes::names(sessions),
        now,
        width,
    };
    let mut lines = Vec::new();
    for session in top {
        table.push_rows(session, 0, &mut lines);
    }
    lines
}

/// What all rows are drawn with.
struct Table<'a> {
    sessions: &'a [LiveSession],
    homes: BTreeMap<&'a str, String>,
    now: Timestamp,
    width: usize,
}

/// Writes the counts as one line.
pub(super) fn summary_line(summary: &Summary) -> String {
    let counts = [
        (summary.needs_you, "need you"),
        (summary.paused, "your turn"),
        (summary.working, "working"),
        (summary.unknown, "without evidence"),
        (summary.done, "ended"),
    ];
    let words: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| match (n, *word) {
            (1, "need you") => "1 needs you".to_owned(),
            _ => format!("{n} {word}"),
        })
        .collect();
    words.join(" · ")
}

/// Cuts `text` to `columns`, ending in an ellipsis when something was cut.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        fitted.push(c);
        used += wide;
    }
    fitted.push('…');
    fitted
}

fn has_listed_parent(session: &LiveSession, sessions: &[LiveSession]) -> bool {
    let is_listed = |parent: &SessionId| sessions.iter().any(|other| other.id == *parent);
    session.parent_id.as_ref().is_some_and(is_listed)
}

impl Table<'_> {
    fn push_rows(&self, session: &LiveSession, depth: usize, lines: &mut Vec<String>) {
        let home = session.home.as_deref();
        let home = home.and_then(|home| self.homes.get(home).map(String::as_str));
        lines.extend(rows(session, home, depth, self.now, self.width));
        if depth >= 8 {
            return;
        }
        let is_child =
            |child: &&LiveSession| !child.helper && child.parent_id.as_ref() == Some(&session.id);
        let mut children: Vec<&LiveSession> = self.sessions.iter().filter(is_child).collect();
        children.sort_by_key(|child| child.started_at);
        for child in children {
            self.push_rows(child, depth + 1, lines);
        }
    }
}

/// One or two lines: what it is, and the name of its home if that says something; what it does.
fn rows(
    session: &LiveSession,
    home: Option<&str>,
    depth: usize,
    now: Timestamp,
    width: usize,
) -> Vec<String> {
    let words = state(session);
    let until = session.ended.as_ref().and_then(|ended| ended.at);
    let time = match until {
        Some(at) => format!("{} ago", elapsed(at, now)),
        None => elapsed(session.status_since, now),
    };
    let place = match (session.project.as_deref(), session.git_branch.as_deref()) {
        (Some(project), Some(branch)) => format!("{project} {branch}"),
        (Some(project), None) => project.to_owned(),
        (None, _) => String::new(),
    };
    let agent = agent(session.source.label(), session.model.as_deref());
    let indent = "  ".repeat(depth);
    let title = match home {
        Some(home) => format!("{home}: {}", name(session)),
        None => name(session).to_owned(),
    };
    let id = session
        .source_session_id
        .get(..ID_COLUMNS)
        .unwrap_or(&session.source_session_id);
    let columns = Columns::of(width);
    let column = |text: &str, columns: usize| {
        let text = fit(text, columns);
        format!("{text}{}", " ".repeat(columns - text.width().min(columns)))
    };
    let mut first = format!(
        "{} {}",
        styled(
            words.style,
            &column(&format!("{} {}", words.sign, words.word), 13)
        ),
        styled(
            Style::new().bold(),
            &column(&format!("{indent}{title}"), columns.title)
        ),
    );
    if columns.place > 0 {
        first.push_str(&format!(" {}", column(&place, columns.place)));
    }
    if columns.agent > 0 {
        first.push_str(&format!(" {}", column(&agent, columns.agent)));
    }
    if columns.tokens > 0 {
        first.push_str(&format!(" {:>6}", tokens(session.tokens.total)));
    }
    first.push_str(&format!(" {time:>11}"));
    if columns.id > 0 {
        first.push_str(&format!("  {}", styled(Style::new().dimmed(), id)));
    }
    let mut rows = vec![first.trim_end().to_owned()];
    let detail = match session.status {
        Status::Done => None,
        Status::Working | Status::NeedsYou | Status::Paused | Status::Unknown => {
            second_line(session)
        }
    };
    if let Some(detail) = detail {
        let quiet = match (session.freshness, session.last_event_at) {
            (Freshness::Quiet, Some(at)) => format!(" · quiet {}", elapsed(at, now)),
            (Freshness::Quiet | Freshness::Fresh, _) => String::new(),
        };
        let text = fit(
            &format!("{detail}{quiet}"),
            width.saturating_sub(15 + indent.len()),
        );
        rows.push(format!(
            "{}{indent}{}",
            " ".repeat(14),
            styled(Style::new().dimmed(), &text)
        ));
    }
    rows
}

/// The agent and its model; the model alone where its name says the agent.
fn agent(label: &str, model: Option<&str>) -> String {
    let Some(model) = model else {
        return label.to_owned();
    };
    let maker = label.split(' ').next().unwrap_or(label).to_lowercase();
    if model.to_lowercase().starts_with(&maker) {
        model.to_owned()
    } else {
        format!("{label} {model}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_gives_way_last() {
        for width in [54, 60, 72, 80, 94, 112, 200] {
            let columns = Columns::of(width);
            let all = [columns.place, columns.agent, columns.tokens, columns.id];
            let used: usize = all.iter().filter(|n| **n > 0).map(|n| n + 1).sum();

            assert!(columns.id > 0, "{width}");
            assert!(26 + used + columns.title <= width, "{width}");
        }
        assert_eq!(Columns::of(40).id, 0);
    }

    #[test]
    fn an_agent_is_not_named_twice() {
        assert_eq!(agent("Codex", Some("gpt-5.5")), "Codex gpt-5.5");
        assert_eq!(agent("Codex", None), "Codex");
        assert_eq!(
            agent("Claude Code", Some("claude-opus-5-5")),
            "claude-opus-5-5"
        );
    }

    #[test]
    fn texts_are_cut_by_columns_not_by_characters() {
        assert_eq!(fit("日本語テキスト", 7), "日本語…");
        assert_eq!(fit("short", 7), "short");
    }

    #[test]
    fn only_counts_that_are_not_zero_are_named() {
        let summary = Summary {
            working: 2,
            paused: 1,
            ..Summary::default()
        };

        assert_eq!(summary_line(&summary), "1 your turn · 2 working");
    }
}
