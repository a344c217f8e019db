//! Whether a notice reaches the person, decided from values.
//!
//! What is worth a notice at all is the core's decision; this adds the person's wishes only.

use jiff::civil::Time;
use mission_control_core::notice::{Notice, NoticeKind};
use mission_control_core::quiet::Quiet;
use mission_control_core::session::SessionId;
use mission_control_engine::settings::NotificationSettings;

use crate::target::Target;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod daemon;
mod open;
pub(crate) mod post;

/// What is known at the moment a notice arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The page that is open in the focused window.
    pub(crate) looking_at: Option<Target>,
    /// How long the turn took, in seconds, where that is known.
    pub(crate) turn_s: Option<i64>,
    /// The time on the person's clock.
    pub(crate) local: Time,
    /// The name of the folder it is about.
    pub(crate) project: Option<String>,
    /// The session it is about and those that one works for.
    pub(crate) line: Vec<SessionId>,
}

/// What becomes of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is shown.
    Show,
    /// It is kept back for good: claimed like one that is shown, and never shown late.
    Silent(Because),
    /// It is kept back for now and not claimed: a request waits as long as it is not answered.
    Hold(Because),
}

/// Why a notice is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    Unwanted,
    Project,
    Muted,
    Snoozed,
    QuietHours,
    ShortTurn,
    LookedAt,
}

/// Decides what becomes of `notice`. `quiet` is what the person wished of its session.
#[must_use]
pub(crate) fn decide(
    notice: &Notice,
    wishes: &NotificationSettings,
    quiet: Option<Quiet>,
    moment: &Moment,
) -> Decision {
    if !wishes.wants(notice.kind) {
        return Decision::Silent(Because::Unwanted);
    }
    let project = moment.project.as_deref();
    if !project.is_none_or(|project| wishes.wants_project(project)) {
        return Decision::Silent(Because::Project);
    }
    let is_looked_at = match &moment.looking_at {
        Some(Target::Session(session)) => notice.session_id.as_ref() == Some(session),
        Some(task @ Target::Task(_)) => Target::of(notice).as_ref() == Some(task),
        None => false,
    };
    if is_looked_at {
        return Decision::Silent(Because::LookedAt);
    }
    let hours = wishes.quiet_hours;
    let because = match quiet {
        Some(Quiet::Muted {}) => return Decision::Silent(Because::Muted),
        Some(Quiet::Snoozed { .. }) => Some(Because::Snoozed),
        None => hours
            .is_some_and(|hours| hours.contain(moment.local))
            .then_some(Because::QuietHours),
    };
    if let Some(because) = because {
        return match notice.kind {
            NoticeKind::NeedsYou => Decision::Hold(because),
            NoticeKind::TurnCompleted
            | NoticeKind::TurnInterrupted
            | NoticeKind::TurnFailed
            | NoticeKind::SessionDied
            | NoticeKind::TaskFinished => Decision::Silent(because),
        };
    }
    let is_short = moment
        .turn_s
        .is_some_and(|turn_s| turn_s < i64::from(wishes.min_turn_seconds));
    match notice.kind {
        NoticeKind::TurnCompleted | NoticeKind::TurnInterrupted if is_short => {
            Decision::Silent(Because::ShortTurn)
        }
        NoticeKind::TurnCompleted
        | NoticeKind::TurnInterrupted
        | NoticeKind::TurnFailed
        | NoticeKind::NeedsYou
        | NoticeKind::SessionDied
        | NoticeKind::TaskFinished => Decision::Show,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use mission_control_core::notice::NoticeId;
    use mission_control_core::source::Source;
    use mission_control_core::task::model::TaskId;
    use mission_control_engine::settings::{ProjectNotifications, QuietHours};

    use super::*;

    #[track_caller]
    fn check(
        kind: NoticeKind,
        change: impl FnOnce(&mut NotificationSettings, &mut Moment),
        expected: Decision,
    ) {
        let (mut wishes, mut moment) = (NotificationSettings::default(), moment());
        change(&mut wishes, &mut moment);

        assert_eq!(decide(&notice(kind), &wishes, None, &moment), expected);
    }

    #[test]
    fn what_the_person_did_is_not_told_unless_wished() {
        for kind in ALL {
            let expected = match kind {
                NoticeKind::TurnInterrupted => Decision::Silent(Because::Unwanted),
                NoticeKind::TurnCompleted
                | NoticeKind::TurnFailed
                | NoticeKind::NeedsYou
                | NoticeKind::SessionDied
                | NoticeKind::TaskFinished => Decision::Show,
            };
            check(kind, |_, _| (), expected);
        }
        check(
            NoticeKind::TurnInterrupted,
            |wishes, _| {
                wishes.kinds.insert(NoticeKind::TurnInterrupted, true);
            },
            Decision::Show,
        );
    }

    #[test]
    fn switches_silence_all_or_one_kind() {
        let unwanted = Decision::Silent(Because::Unwanted);
        let no_failures = |wishes: &mut NotificationSettings, _: &mut Moment| {
            wishes.kinds.insert(NoticeKind::TurnFailed, false);
        };

        check(
            NoticeKind::NeedsYou,
            |wishes, _| wishes.enabled = false,
            unwanted,
        );
        check(NoticeKind::TurnFailed, no_failures, unwanted);
        check(NoticeKind::NeedsYou, no_failures, Decision::Show);
    }

    #[test]
    fn a_session_that_is_looked_at_stays_silent_and_others_do_not() {
        check(
            NoticeKind::NeedsYou,
            |_, moment| moment.looking_at = Some(Target::Session(session("1"))),
            Decision::Silent(Because::LookedAt),
        );
        check(
            NoticeKind::NeedsYou,
            |_, moment| moment.looking_at = Some(Target::Session(session("2"))),
            Decision::Show,
        );
    }

    #[test]
    fn a_task_that_is_looked_at_stays_silent() {
        let mut finished = notice(NoticeKind::TaskFinished);
        finished.task_id = Some(TASK.to_owned());
        let mut looking = moment();
        looking.looking_at = TaskId::parse(TASK).map(Target::Task);

        let wishes = NotificationSettings::default();

        let looked_at = Decision::Silent(Because::LookedAt);
        assert_eq!(decide(&finished, &wishes, None, &looking), looked_at);
        let of_session = notice(NoticeKind::TurnFailed);
        let decided = decide(&of_session, &wishes, None, &looking);
        assert_eq!(decided, Decision::Show);
    }

    #[test]
    fn a_short_turn_stays_silent_only_if_it_went_well() {
        let short = |wishes: &mut NotificationSettings, moment: &mut Moment| {
            wishes.min_turn_seconds = 30;
            moment.turn_s = Some(29);
        };

        check(
            NoticeKind::TurnCompleted,
            short,
            Decision::Silent(Because::ShortTurn),
        );
        check(NoticeKind::TurnFailed, short, Decision::Show);
        check(NoticeKind::NeedsYou, short, Decision::Show);
    }

    #[test]
    fn a_turn_of_unknown_or_sufficient_length_is_shown() {
        for turn_s in [None, Some(30)] {
            check(
                NoticeKind::TurnCompleted,
                |wishes, moment| {
                    wishes.min_turn_seconds = 30;
                    moment.turn_s = turn_s;
                },
                Decision::Show,
            );
        }
    }

    #[test]
    fn quiet_hours_may_cross_midnight() {
        let night = QuietHours::try_from("22:00-07:30".to_owned()).unwrap();
        let quiet = Decision::Silent(Because::QuietHours);

        for (hour, minute, expected) in [
            (21, 59, Decision::Show),
            (22, 0, quiet),
            (0, 0, quiet),
            (7, 29, quiet),
            (7, 30, Decision::Show),
        ] {
            check(
                NoticeKind::TurnFailed,
                |wishes, moment| {
                    wishes.quiet_hours = Some(night);
                    moment.local = time(hour, minute, 0, 0);
                },
                expected,
            );
        }
    }

    #[test]
    fn a_request_waits_for_the_end_of_the_quiet_hours() {
        let night = QuietHours::try_from("22:00-07:30".to_owned()).unwrap();

        check(
            NoticeKind::NeedsYou,
            |wishes, moment| {
                wishes.quiet_hours = Some(night);
                moment.local = time(23, 0, 0, 0);
            },
            Decision::Hold(Because::QuietHours),
        );
    }

    #[test]
    fn a_session_that_is_snoozed_or_muted_stays_silent() {
        let snoozed = Some(Quiet::Snoozed {
            until: jiff::Timestamp::MAX,
        });
        let muted = Some(Quiet::Muted {});
        for (kind, quiet, expected) in [
            (
                NoticeKind::TurnCompleted,
                snoozed,
                Decision::Silent(Because::Snoozed),
            ),
            (
                NoticeKind::TaskFinished,
                snoozed,
                Decision::Silent(Because::Snoozed),
            ),
            (
                NoticeKind::NeedsYou,
                snoozed,
                Decision::Hold(Because::Snoozed),
            ),
            (
                NoticeKind::TurnFailed,
                muted,
                Decision::Silent(Because::Muted),
            ),
            (
                NoticeKind::NeedsYou,
                muted,
                Decision::Silent(Because::Muted),
            ),
            (NoticeKind::NeedsYou, None, Decision::Show),
        ] {
            let wishes = NotificationSettings::default();

            let decided = decide(&notice(kind), &wishes, quiet, &moment());

            assert_eq!(decided, expected, "{kind:?} {quiet:?}");
        }
    }

    #[test]
    fn a_project_that_is_switched_off_stays_silent_and_others_do_not() {
        let without_site = |project: Option<&'static str>| {
            move |wishes: &mut NotificationSettings, moment: &mut Moment| {
                let off = ProjectNotifications { enabled: false };
                wishes.projects.insert("site".to_owned(), off);
                moment.project = project.map(str::to_owned);
            }
        };

        let silent = Decision::Silent(Because::Project);
        check(NoticeKind::NeedsYou, without_site(Some("site")), silent);
        check(
            NoticeKind::NeedsYou,
            without_site(Some("acme")),
            Decision::Show,
        );
        check(NoticeKind::NeedsYou, without_site(None), Decision::Show);
    }

    const TASK: &str = "0199a2b3-1111-7222-8333-444455556666";

    const ALL: [NoticeKind; 6] = [
        NoticeKind::TurnCompleted,
        NoticeKind::TurnFailed,
        NoticeKind::TurnInterrupted,
        NoticeKind::NeedsYou,
        NoticeKind::SessionDied,
        NoticeKind::TaskFinished,
    ];

    fn moment() -> Moment {
        Moment {
            looking_at: None,
            turn_s: Some(5),
            local: time(12, 0, 0, 0),
            project: Some("acme".to_owned()),
            line: vec![session("1")],
        }
    }

    fn session(id: &str) -> SessionId {
        SessionId::new(Source::Codex, id)
    }

    fn notice(kind: NoticeKind) -> Notice {
        Notice {
            id: NoticeId::derive(&session("1"), None, kind, None),
            kind,
            session_id: Some(session("1")),
            task_id: None,
            turn_id: None,
            request_id: None,
            title: "Retry webhook deliveries needs you".to_owned(),
            body: "Run outside the sandbox?".to_owned(),
        }
    }
}
