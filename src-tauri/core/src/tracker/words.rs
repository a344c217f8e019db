//! What a person reads about a session: evidence and notices.

use super::notice_kind;
use jiff::Timestamp;

use super::state::{Answer, Ask, Live, SessionState, TurnEnd, TurnState};
use crate::notice::{Notice, NoticeId, NoticeKind};
use crate::observation::{LiveDoing, Place, Writer};
use crate::session::{Evidence, EvidenceSource, LiveSession, Need, TurnOutcome};
use crate::text::{one_line, shorten};

/// Longest name in a notice's title, in characters.
const NAME_CHARS: usize = 60;
/// Longest body of a notice, in characters.
const BODY_CHARS: usize = 180;

pub(super) fn waiting_for_children(n_working: u32) -> String {
    match n_working {
        1 => "Waiting for a sub-agent".to_owned(),
        n => format!("Waiting for {n} sub-agents"),
    }
}

pub(super) fn children_evidence(n_working: u32) -> Evidence {
    Evidence {
        from: EvidenceSource::Transcript,
        at: None,
        says: match n_working {
            1 => "its turn is over, a sub-agent still works".to_owned(),
            n => format!("its turn is over, {n} sub-agents still work"),
        },
    }
}

pub(super) fn transcript_evidence(state: &SessionState) -> Evidence {
    let content = &state.content;
    let (at, says) = match &content.turn {
        TurnState::None => (content.last_event_at, "no turn yet".to_owned()),
        TurnState::Open {
            answer: Answer::Pending,
            started_at,
            ..
        } => (*started_at, "turn started, no end yet".to_owned()),
        TurnState::Open {
            answer: Answer::Abandoned,
            started_at,
            ..
        } => (
            *started_at,
            "turn started, no end; its writer has gone".to_owned(),
        ),
        TurnState::Open {
            answer: Answer::Given,
            ..
        } => (
            content.last_event_at,
            "answered; this version records no end of a turn".to_owned(),
        ),
        TurnState::Over { .. } => match &content.last_turn {
            Some(turn) => {
                let says = match turn.outcome {
                    TurnOutcome::Completed => "turn completed",
                    TurnOutcome::Failed => "turn failed",
                    TurnOutcome::Interrupted => "turn interrupted",
                };
                (turn.ended_at, says.to_owned())
            }
            None => (content.last_event_at, "turn over".to_owned()),
        },
    };
    Evidence {
        from: EvidenceSource::Transcript,
        at,
        says,
    }
}

pub(super) fn writer_evidence(state: &SessionState) -> Option<Evidence> {
    let look = state.writer.as_ref()?;
    let (from, says) = match &look.writer {
        Writer::Held {
            by,
            from: EvidenceSource::WriterLock,
        } => (
            EvidenceSource::WriterLock,
            format!("held by process {}", by.pid),
        ),
        Writer::Held {
            by,
            from: EvidenceSource::Registry,
        } => (
            EvidenceSource::Registry,
            format!("registered by process {}", by.pid),
        ),
        Writer::Held { by, from } => (*from, format!("process {} has it open", by.pid)),
        Writer::Possible { by } => (
            EvidenceSource::Process,
            format!("process {} may own it", by.pid),
        ),
        Writer::Free => (
            state.id.source().release_evidence(),
            "no process holds the session".to_owned(),
        ),
        Writer::Unknown { why } => (state.id.source().release_evidence(), why.clone()),
    };
    Some(Evidence {
        from,
        at: Some(state.released_at.unwrap_or(look.at)),
        says,
    })
}

pub(super) fn archive_evidence(state: &SessionState) -> Option<Evidence> {
    match state.place {
        Place::Archive => Some(Evidence {
            from: EvidenceSource::Transcript,
            at: None,
            says: "it lies in the archive".to_owned(),
        }),
        Place::Usual => None,
    }
}

/// Longest request in evidence, in characters.
const REQUEST_CHARS: usize = 120;

/// Longest request that is shown whole in a notice, in characters.
const ANSWERABLE_CHARS: usize = 300;

pub(super) fn ask_evidence(ask: &Ask) -> Evidence {
    Evidence {
        from: ask.from,
        at: ask.at,
        says: waits_for(&ask.need),
    }
}

fn waits_for(need: &Need) -> String {
    let request = one_line(need.line(), REQUEST_CHARS);
    format!("waits for a person: {request}")
}

pub(super) fn live_evidence(live: &Live) -> Evidence {
    let what = match &live.state.doing {
        LiveDoing::Working => "a turn runs".to_owned(),
        LiveDoing::Waiting { need: Some(need) } => waits_for(need),
        LiveDoing::Waiting { need: None } => "waits for a person".to_owned(),
        LiveDoing::Background { activity } => {
            format!("the turn is over: {}", one_line(activity, REQUEST_CHARS))
        }
        LiveDoing::Idle => "the turn is over".to_owned(),
    };
    let silent = if live.is_current {
        ""
    } else {
        "; it has been silent since"
    };
    Evidence {
        from: live.state.from,
        at: Some(live.state.at),
        says: format!("{what}{silent}"),
    }
}

/// A request that fits is shown whole, so that it can be answered right there.
pub(super) fn need_notice(session: &LiveSession, since: Timestamp) -> Notice {
    let turn = session.turn.as_ref().map(|turn| turn.id.clone());
    let need = session.need.as_ref();
    let unnamed = format!("since-{}", since.as_millisecond());
    let request = need.map_or(unnamed.as_str(), |need| need.request_id.as_str());
    let asked = need.filter(|need| {
        need.can_answer
            && need.kind == crate::session::NeedKind::Approval
            && need.summary.chars().count() <= ANSWERABLE_CHARS
    });
    let kind = NoticeKind::NeedsYou;
    let place = match session.project.as_deref() {
        Some(project) => format!("{}, {project}", session.source.label()),
        None => session.source.label().to_owned(),
    };
    let says = match (asked, need) {
        (Some(need), _) => crate::text::strip_controls(&need.summary),
        (None, Some(need)) => one_line(need.line(), BODY_CHARS),
        (None, None) => "It waits for you.".to_owned(),
    };
    Notice {
        // The request may be heard of before its turn was read: then its id tells more than ours.
        id: NoticeId::derive(&session.id, None, kind, Some(request)),
        kind,
        session_id: Some(session.id.clone()),
        task_id: session.task_id.clone(),
        turn_id: turn,
        request_id: asked.map(|need| need.request_id.clone()),
        title: format!("{} needs you", name(session)),
        body: format!("{says}\n{place}"),
    }
}

pub(super) fn turn_notice(session: &LiveSession, end: &TurnEnd) -> Notice {
    let name = name(session);
    let (title, fallback) = match end.outcome {
        TurnOutcome::Completed => (format!("{name} finished"), "The turn is over."),
        TurnOutcome::Failed => (
            format!("{name} failed"),
            "The turn failed without a message.",
        ),
        TurnOutcome::Interrupted => (
            format!("{name} was interrupted"),
            "The turn was interrupted.",
        ),
    };
    let kind = notice_kind(end.outcome);
    Notice {
        id: NoticeId::derive(&session.id, Some(&end.turn), kind, None),
        kind,
        session_id: Some(session.id.clone()),
        task_id: session.task_id.clone(),
        turn_id: Some(end.turn.clone()),
        request_id: None,
        title,
        body: body(session, end.message.as_deref().unwrap_or(fallback)),
    }
}

pub(super) fn death_notice(session: &LiveSession) -> Notice {
    let turn = session.turn.as_ref().map(|turn| &turn.id);
    let kind = NoticeKind::SessionDied;
    Notice {
        id: NoticeId::derive(&session.id, turn, kind, None),
        kind,
        session_id: Some(session.id.clone()),
        task_id: session.task_id.clone(),
        turn_id: turn.cloned(),
        request_id: None,
        title: format!("{} was killed", name(session)),
        body: body(session, "Its process is gone in the middle of a turn."),
    }
}

/// Returns a session's name as the subject of a sentence.
fn name(session: &LiveSession) -> String {
    let title = session.title.as_deref().or(session.project.as_deref());
    let title = title.unwrap_or(session.source.label());
    shorten(title.trim_end_matches(['.', ':', ',', ' ']), NAME_CHARS)
}

fn body(session: &LiveSession, message: &str) -> String {
    let message = one_line(message, BODY_CHARS);
    match session.project.as_deref() {
        Some(project) => format!("{message}\n{}, {project}", session.source.label()),
        None => format!("{message}\n{}", session.source.label()),
    }
}
