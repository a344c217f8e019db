//! What one monitor told, from its start to its end.

use std::collections::BTreeSet;

use serde_json::Value;

use super::timeline::State;
use crate::wait::Moment;
use crate::watch::described;

/// What one monitor told.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) monitor: String,
    /// Right before it was started.
    pub(super) started: Moment,
    /// When it had told its first snapshot.
    pub(super) ready: Moment,
    /// When it was ended.
    pub(super) ended: Moment,
    pub(super) views: Vec<View>,
    pub(super) notices: Vec<Told>,
    /// What could not be understood.
    pub(super) oddities: Vec<String>,
}

/// A session as it was told.
#[derive(Debug)]
pub(super) struct View {
    pub(super) at: Moment,
    pub(super) session: String,
    pub(super) state: State,
    pub(super) whole: Value,
}

/// A notice as it was told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) at: Moment,
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) session: String,
    pub(super) turn: String,
}

impl Account {
    /// Reads the events of a monitor that lived from `started` to `ended`.
    pub(super) fn read<'a>(
        monitor: &str,
        started: Moment,
        ended: Moment,
        events: impl IntoIterator<Item = (Moment, &'a Value)>,
    ) -> Self {
        let mut account = Self {
            monitor: monitor.to_owned(),
            started,
            ready: ended,
            ended,
            views: Vec::new(),
            notices: Vec::new(),
            oddities: Vec::new(),
        };
        let mut listed = BTreeSet::new();
        for (at, event) in events {
            account.ready = account.ready.min(at);
            account.take(at, event, &mut listed);
        }
        account
    }

    fn take(&mut self, at: Moment, event: &Value, listed: &mut BTreeSet<String>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let sessions: BTreeSet<String> = described(event).map(|one| text(&one["id"])).collect();
        if event["event"] == "snapshot" {
            for gone in listed.difference(&sessions) {
                self.views.push(View {
                    at,
                    session: gone.clone(),
                    state: State::Gone,
                    whole: Value::Null,
                });
            }
            listed.clear();
        }
        listed.extend(sessions);
        for session in described(event) {
            let Some(state) = State::parse(&text(&session["status"])) else {
                self.oddities
                    .push(format!("a status is {}", session["status"]));
                continue;
            };
            self.views.push(View {
                at,
                session: text(&session["id"]),
                state,
                whole: session.clone(),
            });
        }
        let notice = &event["notice"];
        if notice.is_object() {
            self.notices.push(Told {
                at,
                id: text(&notice["id"]),
                kind: text(&notice["kind"]),
                session: text(&notice["session_id"]),
                turn: text(&notice["turn_id"]),
            });
        }
    }
}
