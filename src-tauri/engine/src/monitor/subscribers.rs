//! Hands events to those who subscribed.

use jiff::Timestamp;
use mission_control_core::event::{Event, EventBody};
use tokio::sync::mpsc;

/// Events that wait for a subscriber. When more come it misses them and gets a snapshot instead.
const MOST_WAITING: usize = 256;

/// Everybody who subscribed.
#[derive(Debug, Default)]
pub(super) struct Subscribers(Vec<Subscriber>);

#[derive(Debug)]
struct Subscriber {
    events: mpsc::Sender<Event>,
    seq: u64,
    /// Whether it missed something and must get a snapshot before anything else.
    is_behind: bool,
}

impl Subscribers {
    /// Adds a subscriber; its stream begins with `snapshot`.
    pub(super) fn add(&mut self, snapshot: EventBody, at: Timestamp) -> mpsc::Receiver<Event> {
        let (events, receiver) = mpsc::channel(MOST_WAITING);
        let mut subscriber = Subscriber {
            events,
            seq: 0,
            is_behind: false,
        };
        subscriber.send(snapshot, at);
        self.0.push(subscriber);
        receiver
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether somebody waits for a snapshot.
    pub(super) fn are_behind(&self) -> bool {
        self.0.iter().any(|subscriber| subscriber.is_behind)
    }

    /// Sends `body` to everybody who is not waiting for a snapshot.
    pub(super) fn send(&mut self, body: &EventBody, at: Timestamp) {
        for subscriber in &mut self.0 {
            subscriber.send(body.clone(), at);
        }
        self.0.retain(|subscriber| !subscriber.events.is_closed());
    }

    /// Sends a snapshot to those who missed something, where there is room by now.
    pub(super) fn catch_up(&mut self, snapshot: impl FnOnce() -> EventBody, at: Timestamp) {
        if !self.are_behind() {
            return;
        }
        let snapshot = snapshot();
        for subscriber in self.0.iter_mut().filter(|subscriber| subscriber.is_behind) {
            subscriber.is_behind = false;
            subscriber.send(snapshot.clone(), at);
        }
        self.0.retain(|subscriber| !subscriber.events.is_closed());
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
}

#[cfg(test)]
mod tests {
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
}
