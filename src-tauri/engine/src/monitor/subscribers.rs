//! Hands events to those who subscribed.

use std::collections::VecDeque;

use jiff::Timestamp;
use mission_control_core::event::{Event, EventBody};
use mission_control_core::notice::Notice;
use tokio::sync::mpsc;

/// Events that wait for a subscriber. When more come it misses them and gets a snapshot instead.
const MOST_WAITING: usize = 256;

/// Notices that are remembered for those who come late or miss them. They and a snapshot find
/// room in an empty channel.
const MOST_REMEMBERED: usize = 128;

/// Everybody who subscribed.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    all: Vec<Subscriber>,
    /// The latest notices. A snapshot tells what is, a notice what happened: it must not be missed.
    notices: VecDeque<Notice>,
    /// How many notices there have been.
    n_notices: u64,
}

#[derive(Debug)]
struct Subscriber {
    events: mpsc::Sender<Event>,
    seq: u64,
    /// How many of the notices it has been sent.
    n_told: u64,
    /// Whether it missed something and must get a snapshot before anything else.
    is_behind: bool,
}

impl Subscribers {
    /// Adds a subscriber; its stream begins with `snapshot` and the notices raised before it came.
    pub(super) fn add(&mut self, snapshot: EventBody, at: Timestamp) -> mpsc::Receiver<Event> {
        let (events, receiver) = mpsc::channel(MOST_WAITING);
        let mut subscriber = Subscriber {
            events,
            seq: 0,
            n_told: 0,
            is_behind: false,
        };
        subscriber.send(snapshot, at);
        subscriber.tell(&self.notices, self.n_notices, at);
        self.all.push(subscriber);
        receiver
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns whether somebody waits for a snapshot.
    pub(super) fn are_behind(&self) -> bool {
        self.all.iter().any(|subscriber| subscriber.is_behind)
    }

    /// Sends `body` to everybody who is not waiting for a snapshot.
    pub(super) fn send(&mut self, body: &EventBody, at: Timestamp) {
        for subscriber in &mut self.all {
            subscriber.send(body.clone(), at);
        }
        self.leave_out_the_gone();
    }

    /// Sends `notice` to everybody; who is waiting for a snapshot gets it behind that.
    pub(super) fn tell(&mut self, notice: Notice, at: Timestamp) {
        self.n_notices += 1;
        self.notices.push_back(notice);
        if self.notices.len() > MOST_REMEMBERED {
            self.notices.pop_front();
        }
        for subscriber in &mut self.all {
            subscriber.tell(&self.notices, self.n_notices, at);
        }
        self.leave_out_the_gone();
    }

    /// Sends a snapshot to those who missed something, where there is room by now.
    pub(super) fn catch_up(&mut self, snapshot: impl FnOnce() -> EventBody, at: Timestamp) {
        if !self.are_behind() {
            return;
        }
        let snapshot = snapshot();
        let behind = self
            .all
            .iter_mut()
            .filter(|subscriber| subscriber.is_behind);
        for subscriber in behind {
            subscriber.is_behind = false;
            subscriber.send(snapshot.clone(), at);
            subscriber.tell(&self.notices, self.n_notices, at);
        }
        self.leave_out_the_gone();
    }

    fn leave_out_the_gone(&mut self) {
        self.all.retain(|subscriber| !subscriber.events.is_closed());
    }
}

impl Subscriber {
    fn send(&mut self, body: EventBody, at: Timestamp) {
        if self.is_behind {
            return;
        }
        self.seq += 1;
        let event = Event {
            seq: self.seq,
            at,
            body,
        };
        // The number is used up even if there is no room: the gap shows that something is missing.
        self.is_behind = self.events.try_send(event).is_err();
    }

    /// Sends those of the latest notices that it has not been sent; `n_all` is how many there
    /// have ever been.
    fn tell(&mut self, latest: &VecDeque<Notice>, n_all: u64, at: Timestamp) {
        let n_forgotten = n_all.saturating_sub(latest.len() as u64);
        self.n_told = self.n_told.max(n_forgotten);
        let n_new = usize::try_from(n_all - self.n_told).unwrap_or(usize::MAX);
        for notice in latest.iter().skip(latest.len().saturating_sub(n_new)) {
            let notice = notice.clone();
            self.send(EventBody::Notice { notice }, at);
            if self.is_behind {
                return;
            }
            self.n_told += 1;
        }
        self.n_told = n_all;
    }
}

#[cfg(test)]
mod tests {
    use mission_control_core::notice::{NoticeId, NoticeKind};
    use mission_control_core::session::{SessionId, TurnId};
    use mission_control_core::source::Source;

    use super::*;

    #[test]
    fn a_slow_subscriber_gets_a_gap_and_then_a_snapshot() {
        let at = Timestamp::UNIX_EPOCH;
        let snapshot = || EventBody::Snapshot {
            tasks: Vec::new(),
            sessions: Vec::new(),
            summary: mission_control_core::event::Summary::default(),
        };
        let mut subscribers = Subscribers::default();
        let mut events = subscribers.add(snapshot(), at);

        for _ in 0..MOST_WAITING + 10 {
            subscribers.send(&EventBody::Heartbeat {}, at);
        }
        assert!(subscribers.are_behind());
        let mut last = 0;
        while let Ok(event) = events.try_recv() {
            assert_eq!(event.seq, last + 1);
            last = event.seq;
        }
        subscribers.catch_up(snapshot, at);

        let event = events.try_recv().unwrap();
        assert!(event.seq > last + 1);
        assert!(matches!(event.body, EventBody::Snapshot { .. }));
        assert!(!subscribers.are_behind());
    }

    #[test]
    fn whoever_left_is_forgotten() {
        let mut subscribers = Subscribers::default();
        drop(subscribers.add(EventBody::Heartbeat {}, Timestamp::UNIX_EPOCH));

        subscribers.send(&EventBody::Heartbeat {}, Timestamp::UNIX_EPOCH);

        assert!(subscribers.is_empty());
    }

    #[test]
    fn no_notice_is_missed_by_who_comes_late_or_is_slow() {
        let at = Timestamp::UNIX_EPOCH;
        let mut subscribers = Subscribers::default();
        subscribers.tell(notice(1), at);
        let mut events = subscribers.add(EventBody::Heartbeat {}, at);

        for n in 0..MOST_WAITING + 10 {
            subscribers.send(&EventBody::Heartbeat {}, at);
            if n == MOST_WAITING {
                subscribers.tell(notice(2), at);
            }
        }
        let mut told = drain(&mut events);
        subscribers.catch_up(|| EventBody::Heartbeat {}, at);
        subscribers.tell(notice(3), at);
        told.extend(drain(&mut events));

        assert_eq!(told, ["n1", "n2", "n3"]);
    }

    fn notice(n: u8) -> Notice {
        let session = SessionId::new(Source::ALL[0], "a");
        let turn = TurnId(format!("n{n}"));
        let kind = NoticeKind::TurnCompleted;
        Notice {
            id: NoticeId::derive(&session, Some(&turn), kind, None),
            kind,
            session_id: Some(session),
            task_id: None,
            turn_id: Some(turn),
            request_id: None,
            title: String::new(),
            body: String::new(),
        }
    }

    /// Returns the turns of the notices that wait.
    fn drain(events: &mut mpsc::Receiver<Event>) -> Vec<String> {
        std::iter::from_fn(|| events.try_recv().ok())
            .filter_map(|event| match event.body {
                EventBody::Notice { notice } => notice.turn_id.map(|turn| turn.0),
                EventBody::Snapshot { .. }
                | EventBody::SessionDiscovered { .. }
                | EventBody::SessionUpdated { .. }
                | EventBody::SessionClosed { .. }
                | EventBody::Summary { .. }
                | EventBody::TaskUpdated { .. }
                | EventBody::Heartbeat {} => None,
            })
            .collect()
    }
}
