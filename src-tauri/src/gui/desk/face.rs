//! What the tray and the window's title say, computed from the desk.

use std::cmp::Reverse;

use jiff::Timestamp;
use mission_control_core::session::{EndedHow, LiveSession, SessionId, Status};

use super::{Card, Desk, Loudness, Place};
use crate::sessions::Wish;
use crate::target::Target;
use crate::tray::{Choice, MenuEntry, TrayIcon, TrayState};

/// Sessions in the menu: what a person can take in at a glance; the window has the rest.
const MAX_SESSIONS: usize = 8;

/// Characters of a title in the menu; panels do not wrap.
const MAX_TITLE: usize = 44;

impl Desk {
    /// Returns what the tray shows.
    #[must_use]
    pub(crate) fn tray(&self, now: Timestamp) -> TrayState {
        TrayState {
            icon: self.icon(),
            tooltip: self.counts(),
            menu: self.menu(now),
        }
    }

    /// Returns the window's title.
    #[must_use]
    pub(crate) fn window_title(&self) -> String {
        match self.n_need_you() {
            0 => "Mission Control".to_owned(),
            count => format!("({count}) Mission Control"),
        }
    }

    fn icon(&self) -> TrayIcon {
        if let need_you @ 1.. = self.n_need_you() {
            TrayIcon::NeedsYou(need_you)
        } else if self.loud_problem().is_some() {
            TrayIcon::Problem
        } else if !self.unseen.is_empty() {
            TrayIcon::DoneUnseen
        } else if self.summary.working > 0 || self.tasks.n_running() > 0 {
            TrayIcon::Working
        } else {
            TrayIcon::Idle
        }
    }

    fn loud_problem(&self) -> Option<&str> {
        let lacking = self
            .lacking
            .values()
            .filter(|lack| lack.loudness == Loudness::Tray)
            .map(|lack| &lack.problem);
        self.hampering
            .iter()
            .chain(lacking)
            .map(|problem| problem.title.as_str())
            .next()
    }

    fn menu(&self, now: Timestamp) -> Vec<MenuEntry> {
        let mut menu = vec![MenuEntry::Heading(self.counts())];
        if let Some(title) = self.loud_problem() {
            menu.push(choice(title, Choice::Open));
        }
        menu.push(MenuEntry::Separator);
        let rows = self.rows();
        for row in rows.iter().take(MAX_SESSIONS) {
            let label = format!("{} · {}", row.card.title, row.word);
            menu.push(choice(&label, Choice::Go(Target::Session(row.id.clone()))));
        }
        if let Some(more @ 1..) = rows.len().checked_sub(MAX_SESSIONS) {
            menu.push(choice(&format!("{more} more…"), Choice::Open));
        }
        if !rows.is_empty() {
            menu.push(MenuEntry::Separator);
        }
        let tasks = self.tasks.lines(now);
        if !tasks.is_empty() {
            menu.extend(tasks);
            menu.push(MenuEntry::Separator);
        }
        if !rows.is_empty() {
            menu.push(notifications(&rows));
        }
        menu.push(choice("Open Mission Control", Choice::Open));
        menu.push(choice("Quit", Choice::Quit));
        menu
    }

    /// Returns the sessions worth a line: those that wait longest for a person come first.
    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = self
            .cards
            .iter()
            .filter(|(_, card)| card.place == Place::Own && !self.is_listed_as_task(card))
            .filter_map(|(id, card)| {
                let (rank, word) = self.rank(id, card)?;
                Some(Row {
                    rank,
                    word,
                    id,
                    card,
                })
            })
            .collect();
        rows.sort_by_key(|row| {
            let waiting_longest = (row.rank == Rank::NeedsYou).then_some(row.card.since);
            (row.rank, waiting_longest, Reverse(row.card.since), row.id)
        });
        rows
    }

    /// Returns whether a session's task stands in the menu for it: all but a request that the
    /// task does not know of.
    fn is_listed_as_task(&self, card: &Card) -> bool {
        let task = card
            .task
            .as_ref()
            .and_then(|task| self.tasks.needs_you(task));
        task.is_some_and(|needs_you| needs_you || card.status != Status::NeedsYou)
    }

    fn rank(&self, id: &SessionId, card: &Card) -> Option<(Rank, &'static str)> {
        match card.status {
            Status::NeedsYou => Some((Rank::NeedsYou, "Needs you")),
            Status::Paused => Some((Rank::YourTurn, "Your turn")),
            Status::Working => Some((Rank::Working, "Working")),
            Status::Done if self.unseen.contains(id) => Some((Rank::News, ended_word(card.ended))),
            Status::Done | Status::Unknown => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    NeedsYou,
    News,
    YourTurn,
    Working,
}

#[derive(Debug)]
struct Row<'a> {
    rank: Rank,
    word: &'static str,
    id: &'a SessionId,
    card: &'a Card,
}

/// Returns the menu in which each of the sessions is made quiet, or loud again.
fn notifications(rows: &[Row<'_>]) -> MenuEntry {
    let of_session = |row: &Row<'_>| {
        let wish = |label: &str, wish| choice(label, Choice::Quieten(row.id.clone(), wish));
        MenuEntry::Submenu {
            label: row.card.title.clone(),
            entries: vec![
                wish("Snooze for an hour", Wish::Snooze),
                wish("Mute", Wish::Mute),
                wish("Tell me everything", Wish::Loud),
            ],
        }
    };
    MenuEntry::Submenu {
        label: "Notifications of".to_owned(),
        entries: rows.iter().take(MAX_SESSIONS).map(of_session).collect(),
    }
}

/// Returns a short name for a session.
pub(super) fn title_of(session: &LiveSession) -> String {
    let named = [&session.title, &session.last_prompt, &session.project]
        .into_iter()
        .flatten()
        .filter_map(|text| text.lines().map(str::trim).find(|line| !line.is_empty()))
        .next();
    shortened(named.unwrap_or(&session.source_session_id))
}

pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_TITLE {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_TITLE - 1).collect();
    format!("{}…", start.trim_end())
}

const fn ended_word(ended: Option<EndedHow>) -> &'static str {
    match ended {
        Some(EndedHow::Finished | EndedHow::Closed) | None => "Finished",
        Some(EndedHow::Failed) => "Failed",
        Some(EndedHow::Archived) => "Archived",
        Some(EndedHow::Interrupted) => "Interrupted",
        Some(EndedHow::Killed) => "Killed",
    }
}

pub(super) fn choice(label: &str, choice: Choice) -> MenuEntry {
    MenuEntry::Choice {
        label: label.to_owned(),
        choice,
    }
}

#[cfg(test)]
mod tests {
    use mission_control_core::event::{EventBody, Summary};
    use mission_control_core::notice::NoticeKind;
    use mission_control_core::session::Ended;

    use super::super::Focus;
    use super::super::samples::{at, id, notice, page, session, slow};
    use super::*;
    use crate::problems;

    fn quiet_menu(sessions: &[&str]) -> MenuEntry {
        let of_session = |of: &&str| {
            let wish = |label: &str, wish| choice(label, Choice::Quieten(id(of), wish));
            MenuEntry::Submenu {
                label: format!("Session {of}"),
                entries: vec![
                    wish("Snooze for an hour", Wish::Snooze),
                    wish("Mute", Wish::Mute),
                    wish("Tell me everything", Wish::Loud),
                ],
            }
        };
        MenuEntry::Submenu {
            label: "Notifications of".to_owned(),
            entries: sessions.iter().map(of_session).collect(),
        }
    }

    #[test]
    fn an_empty_desk_is_idle() {
        assert_eq!(
            Desk::default().tray(at(0)),
            TrayState {
                icon: TrayIcon::Idle,
                tooltip: "No session is open".to_owned(),
                menu: vec![
                    heading("No session is open"),
                    MenuEntry::Separator,
                    choice("Open Mission Control", Choice::Open),
                    choice("Quit", Choice::Quit),
                ],
            }
        );
    }

    #[test]
    fn sessions_that_need_you_come_first_and_the_oldest_of_them_on_top() {
        let mut young = session("young", Status::NeedsYou);
        young.status_since = at(50);
        let desk = desk_of(vec![
            session("w", Status::Working),
            session("p", Status::Paused),
            young,
            session("old", Status::NeedsYou),
        ]);

        assert_eq!(
            desk.tray(at(0)),
            TrayState {
                icon: TrayIcon::NeedsYou(2),
                tooltip: "2 need you · 1 working · 1 your turn".to_owned(),
                menu: vec![
                    heading("2 need you · 1 working · 1 your turn"),
                    MenuEntry::Separator,
                    row("old", "Needs you"),
                    row("young", "Needs you"),
                    row("p", "Your turn"),
                    row("w", "Working"),
                    MenuEntry::Separator,
                    quiet_menu(&["old", "young", "p", "w"]),
                    choice("Open Mission Control", Choice::Open),
                    choice("Quit", Choice::Quit),
                ],
            }
        );
        assert_eq!(desk.window_title(), "(2) Mission Control");
    }

    #[test]
    fn the_icon_is_the_most_urgent_state() {
        let mut desk = desk_of(vec![session("w", Status::Working)]);
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Working);

        desk.told(&notice("d", NoticeKind::TurnCompleted));
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::DoneUnseen);

        desk.hampered(vec![slow()]);
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Problem);

        desk.changed(&snapshot(vec![session("n", Status::NeedsYou)]));
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::NeedsYou(1));
    }

    #[test]
    fn looking_at_the_window_makes_news_old() {
        let mut desk = Desk::default();
        desk.told(&notice("1", NoticeKind::TurnCompleted));
        desk.open(None);
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Idle);

        desk.told(&notice("1", NoticeKind::TurnCompleted));
        desk.focus_changed(Focus::Here);
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Idle);

        desk.told(&notice("1", NoticeKind::TurnCompleted));
        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Idle);
    }

    #[test]
    fn a_session_that_is_taken_up_again_is_no_news() {
        let mut desk = desk_of(vec![session("1", Status::Paused)]);
        desk.told(&notice("1", NoticeKind::TurnCompleted));

        desk.changed(&snapshot(vec![session("1", Status::Working)]));

        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Working);
    }

    #[test]
    fn an_interruption_is_no_news_because_the_person_did_it() {
        let mut desk = Desk::default();

        desk.told(&notice("1", NoticeKind::TurnInterrupted));

        assert_eq!(desk.tray(at(0)).icon, TrayIcon::Idle);
    }

    #[test]
    fn a_session_that_ended_unseen_is_listed_with_its_end() {
        let mut ended = session("1", Status::Done);
        ended.ended = Some(Ended {
            at: None,
            how: EndedHow::Killed,
        });
        let mut desk = desk_of(vec![ended]);
        assert!(!desk.tray(at(0)).menu.contains(&row("1", "Killed")));

        desk.told(&notice("1", NoticeKind::SessionDied));

        assert!(desk.tray(at(0)).menu.contains(&row("1", "Killed")));
    }

    #[test]
    fn sub_agents_and_helpers_are_not_listed() {
        let mut child = session("child", Status::Working);
        child.parent_id = Some(id("1"));
        let mut helper = session("helper", Status::Working);
        helper.helper = true;
        let desk = desk_of(vec![child, helper]);

        assert_eq!(desk.tray(at(0)), Desk::default().tray(at(0)));
    }

    #[test]
    fn a_long_list_ends_in_a_count() {
        let sessions = (0..11).map(|n| session(&format!("{n:02}"), Status::Working));
        let menu = desk_of(sessions.collect()).tray(at(0)).menu;

        assert_eq!(menu.get(9), Some(&row("07", "Working")));
        assert_eq!(menu.get(10), Some(&choice("3 more…", Choice::Open)));
    }

    #[test]
    fn a_problem_stands_in_the_menu_and_a_quiet_lack_does_not() {
        let mut desk = Desk::default();
        desk.found_lacking(problems::no_notification_daemon(), Loudness::Window);
        assert_eq!(desk.tray(at(0)), Desk::default().tray(at(0)));

        desk.hampered(vec![slow()]);

        assert_eq!(
            desk.tray(at(0)).menu.get(1),
            Some(&choice("Live updates are slow.", Choice::Open))
        );
        let codes: Vec<String> = desk.problems().into_iter().map(|p| p.code).collect();
        assert_eq!(codes, ["watch_limit", "no_notification_daemon"]);
    }

    #[test]
    fn what_is_there_again_is_no_problem() {
        let mut desk = Desk::default();
        desk.found_lacking(problems::no_tray_host(), Loudness::Window);

        desk.found_again("no_tray_host");

        assert_eq!(desk.problems(), []);
    }

    #[test]
    fn a_title_is_one_line_and_short() {
        let mut long = session("1", Status::Working);
        long.title = Some(format!("\n  {}\nmore", "wörd ".repeat(20)));

        let title = title_of(&long);

        assert_eq!(title, "wörd wörd wörd wörd wörd wörd wörd wörd wör…");
    }

    #[test]
    fn a_session_without_a_title_is_named_by_what_is_known() {
        let mut bare = session("1", Status::Working);
        bare.title = Some("  ".to_owned());
        bare.project = Some("atlas".to_owned());
        assert_eq!(title_of(&bare), "atlas");

        bare.project = None;
        assert_eq!(title_of(&bare), "1");
    }

    fn desk_of(sessions: Vec<LiveSession>) -> Desk {
        let mut desk = Desk::default();
        desk.changed(&snapshot(sessions));
        desk
    }

    fn snapshot(sessions: Vec<LiveSession>) -> EventBody {
        EventBody::Snapshot {
            tasks: Vec::new(),
            summary: Summary::of(&sessions),
            sessions,
        }
    }

    fn heading(text: &str) -> MenuEntry {
        MenuEntry::Heading(text.to_owned())
    }

    fn row(of: &str, word: &str) -> MenuEntry {
        choice(&format!("Session {of} · {word}"), Choice::Go(page(of)))
    }
}
