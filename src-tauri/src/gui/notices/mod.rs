//! Whether a notice reaches the person, decided from values.
//!
//! What is worth a notice at all is the core's decision; this adds the person's wishes only.

use std::collections::BTreeSet;

use jiff::civil::Time;
use mission_control_core::notice::{Notice, NoticeKind};
use mission_control_core::session::SessionId;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod daemon;
pub(crate) mod post;

/// What the person wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) enabled: bool,
    pub(crate) kinds: BTreeSet<NoticeKind>,
    pub(crate) quiet_hours: Option<QuietHours>,
    /// A turn that went well in less than this is not worth a notice.
    pub(crate) min_turn_s: u32,
}

/// A stretch of the day; it may cross midnight. The end is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuietHours {
    pub(crate) from: Time,
    pub(crate) to: Time,
}

/// What is known at the moment a notice arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The session whose page is open in the focused window.
    pub(crate) looking_at: Option<SessionId>,
    /// How long the turn took, in seconds, where that is known.
    pub(crate) turn_s: Option<i64>,
    /// The time on the person's clock.
    pub(crate) local: Time,
}

/// What becomes of a notice. It is claimed either way: what was kept back is never shown late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Show,
    Silent(Because),
}

/// Why a notice is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    Disabled,
    KindDisabled,
    QuietHours,
    ShortTurn,
    LookedAt,
}

/// Decides what becomes of `notice`.
#[must_use]
pub(crate) fn decide(notice: &Notice, rules: &Rules, moment: &Moment) -> Decision {
    if !rules.enabled {
        return Decision::Silent(Because::Disabled);
    }
    if !rules.kinds.contains(&notice.kind) {
        return Decision::Silent(Because::KindDisabled);
    }
    if moment.looking_at.as_ref() == Some(&notice.session_id) {
        return Decision::Silent(Because::LookedAt);
    }
    if rules
        .quiet_hours
        .is_some_and(|hours| hours.contains(moment.local))
    {
        return Decision::Silent(Because::QuietHours);
    }
    let is_short = moment
        .turn_s
        .is_some_and(|turn_s| turn_s < i64::from(rules.min_turn_s));
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

impl QuietHours {
    fn contains(self, time: Time) -> bool {
        if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use mission_control_core::notice::NoticeId;
    use mission_control_core::source::Source;

    use super::*;

    #[track_caller]
    fn check(kind: NoticeKind, change: impl FnOnce(&mut Rules, &mut Moment), expected: Decision) {
        let (mut rules, mut moment) = (rules(), moment());
        change(&mut rules, &mut moment);

        assert_eq!(decide(&notice(kind), &rules, &moment), expected);
    }

    #[test]
    fn a_notice_is_shown_by_default() {
        for kind in ALL {
            check(kind, |_, _| (), Decision::Show);
        }
    }

    #[test]
    fn switches_silence_all_or_one_kind() {
        check(
            NoticeKind::NeedsYou,
            |rules, _| rules.enabled = false,
            Decision::Silent(Because::Disabled),
        );
        check(
            NoticeKind::TurnFailed,
            |rules, _| assert!(rules.kinds.remove(&NoticeKind::TurnFailed)),
            Decision::Silent(Because::KindDisabled),
        );
        check(
            NoticeKind::NeedsYou,
            |rules, _| assert!(rules.kinds.remove(&NoticeKind::TurnFailed)),
            Decision::Show,
        );
    }

    #[test]
    fn a_session_that_is_looked_at_stays_silent_and_others_do_not() {
        check(
            NoticeKind::NeedsYou,
            |_, moment| moment.looking_at = Some(session("1")),
            Decision::Silent(Because::LookedAt),
        );
        check(
            NoticeKind::NeedsYou,
            |_, moment| moment.looking_at = Some(session("2")),
            Decision::Show,
        );
    }

    #[test]
    fn a_short_turn_stays_silent_only_if_it_went_well() {
        let short = |rules: &mut Rules, moment: &mut Moment| {
            rules.min_turn_s = 30;
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
                |rules, moment| {
                    rules.min_turn_s = 30;
                    moment.turn_s = turn_s;
                },
                Decision::Show,
            );
        }
    }

    #[test]
    fn quiet_hours_may_cross_midnight() {
        let night = QuietHours {
            from: time(22, 0, 0, 0),
            to: time(7, 30, 0, 0),
        };
        let quiet = Decision::Silent(Because::QuietHours);

        for (hour, minute, expected) in [
            (21, 59, Decision::Show),
            (22, 0, quiet),
            (0, 0, quiet),
            (7, 29, quiet),
            (7, 30, Decision::Show),
        ] {
            check(
                NoticeKind::NeedsYou,
                |rules, moment| {
                    rules.quiet_hours = Some(night);
                    moment.local = time(hour, minute, 0, 0);
                },
                expected,
            );
        }
    }

    #[test]
    fn quiet_hours_within_a_day_end_before_their_end() {
        let lunch = QuietHours {
            from: time(12, 0, 0, 0),
            to: time(13, 0, 0, 0),
        };

        assert!(lunch.contains(time(12, 59, 59, 0)));
        assert!(!lunch.contains(time(13, 0, 0, 0)));
        assert!(!lunch.contains(time(11, 59, 0, 0)));
    }

    const ALL: [NoticeKind; 6] = [
        NoticeKind::TurnCompleted,
        NoticeKind::TurnFailed,
        NoticeKind::TurnInterrupted,
        NoticeKind::NeedsYou,
        NoticeKind::SessionDied,
        NoticeKind::TaskFinished,
    ];

    fn rules() -> Rules {
        Rules {
            enabled: true,
            kinds: ALL.into(),
            quiet_hours: None,
            min_turn_s: 0,
        }
    }

    fn moment() -> Moment {
        Moment {
            looking_at: None,
            turn_s: Some(5),
            local: time(12, 0, 0, 0),
        }
    }

    fn session(id: &str) -> SessionId {
        SessionId::new(Source::Codex, id)
    }

    fn notice(kind: NoticeKind) -> Notice {
        Notice {
            id: NoticeId::derive(&session("1"), None, kind, None),
            kind,
            session_id: session("1"),
            task_id: None,
            turn_id: None,
            title: "Retry webhook deliveries needs you".to_owned(),
            body: "Run outside the sandbox?".to_owned(),
        }
    }
}
