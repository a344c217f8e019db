//! What a person can do about a session from here: tell it something, interrupt it, stop it.

use super::state::{Live, SessionState, TurnState};
use crate::message::{DROPPED_BY_RUNS, MessageWay};
use crate::observation::{LiveDoing, Role, Writer};
use crate::session::{Client, EvidenceSource, Status, StopWay, TurnId, TurnOutcome};

/// Whether a session runs for a delegated task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// The task has not ended.
    OpenTask,
    /// It runs for none, or for one that has ended.
    None,
}

/// What can be done.
pub(super) struct Reach {
    pub message_way: MessageWay,
    pub can_interrupt: bool,
    pub stop_way: StopWay,
}

impl SessionState {
    /// Returns what can be done about a session with this status.
    pub(super) fn reach(&self, status: Status, errand: Errand) -> Reach {
        let running = self.running_turn().filter(|_| self.role() == Role::Main);
        Reach {
            message_way: self.message_way(status, errand),
            can_interrupt: running.is_some(),
            stop_way: self.stop_way(status, errand, running),
        }
    }

    fn message_way(&self, status: Status, errand: Errand) -> MessageWay {
        let none = |why: &str| MessageWay::None {
            why: why.to_owned(),
        };
        if let Some(why) = self.id.source().refuses_messages() {
            return none(why);
        }
        match (self.role(), errand) {
            (Role::SubAgent, _) => {
                return none("It is a sub-agent. Tell the session that started it.");
            }
            (Role::Helper, _) => return none("It is a helper thread of its agent."),
            (Role::Main, Errand::OpenTask) => {
                return none("It runs for a task. Reply to the task once it has ended.");
            }
            (Role::Main, Errand::None) => {}
        }
        let is_held = self.server().is_none() && self.was_interrupted();
        match (is_held, status) {
            (true, _) => return MessageWay::Hold {},
            (false, Status::Done) => return MessageWay::Keep {},
            (false, Status::Working | Status::NeedsYou | Status::Paused | Status::Unknown) => {}
        }
        match self.server().map(|live| &live.state.doing) {
            Some(LiveDoing::Idle | LiveDoing::Background { .. }) => MessageWay::Start {},
            Some(LiveDoing::Working | LiveDoing::Waiting { .. }) => match self.running_turn() {
                Some(turn) => MessageWay::Steer {
                    turn_id: turn.clone(),
                },
                // Its name comes with the transcript.
                None => MessageWay::Queue {},
            },
            // It begins what is queued as it leaves, breaks it off, and may lose it.
            None if self.client() == Client::Exec => none(DROPPED_BY_RUNS),
            None => MessageWay::Queue {},
        }
    }

    fn stop_way(&self, status: Status, errand: Errand, running: Option<&TurnId>) -> StopWay {
        match (errand, status, self.role()) {
            (_, Status::Done, _) => StopWay::None,
            (Errand::OpenTask, ..) => StopWay::Task,
            (Errand::None, _, Role::SubAgent | Role::Helper) => StopWay::None,
            // The server of a session runs others, too.
            (Errand::None, _, Role::Main) if self.server().is_some() => match running {
                Some(_) => StopWay::Turn,
                None => StopWay::None,
            },
            (Errand::None, _, Role::Main) => match &self.writer.as_ref().map(|look| &look.writer) {
                Some(Writer::Held { .. } | Writer::Possible { .. }) => StopWay::Process,
                Some(Writer::Free | Writer::Unknown { .. }) | None => StopWay::None,
            },
        }
    }

    /// Returns whether the latest turn was interrupted: its agent plays nothing before another one.
    fn was_interrupted(&self) -> bool {
        let TurnState::Over { id, .. } = &self.content.turn else {
            return false;
        };
        let last = self.content.last_turn.as_ref();
        last.is_some_and(|last| last.id == *id && last.outcome == TurnOutcome::Interrupted)
    }

    /// Returns what a server that can be talked to says of the session.
    fn server(&self) -> Option<&Live> {
        let live = self.live.as_ref()?;
        (live.is_current && live.state.from == EvidenceSource::LiveProtocol).then_some(live)
    }

    /// Returns the turn that a server runs, if its name is known.
    fn running_turn(&self) -> Option<&TurnId> {
        let doing = &self.server()?.state.doing;
        let works = match doing {
            LiveDoing::Working | LiveDoing::Waiting { .. } => true,
            LiveDoing::Background { .. } | LiveDoing::Idle => false,
        };
        match &self.content.turn {
            TurnState::Open { id, .. } if works => Some(id),
            TurnState::Open { .. } | TurnState::Over { .. } | TurnState::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sim::{Sim, ended, id, origin, turn};
    use super::*;
    use crate::message::{Aim, Moved, moved};
    use crate::observation::{LiveState, Observation};

    fn steer() -> MessageWay {
        MessageWay::Steer {
            turn_id: TurnId("t1".to_owned()),
        }
    }

    #[track_caller]
    fn check(sim: &Sim, name: &str, way: &MessageWay, can_interrupt: bool, stop_way: StopWay) {
        let session = sim.session(name);
        assert_eq!(session.message_way, *way);
        assert_eq!(session.can_interrupt, can_interrupt);
        assert_eq!(session.stop_way, stop_way);
    }

    #[test]
    fn a_server_takes_messages_for_the_turn_it_runs_and_starts_the_next() {
        let mut sim = Sim::running_in("a", Client::Tui);

        sim.says("a", LiveDoing::Working);
        check(&sim, "a", &steer(), true, StopWay::Turn);
        sim.says("a", LiveDoing::Waiting { need: None });
        check(&sim, "a", &steer(), true, StopWay::Turn);
        sim.says("a", LiveDoing::Idle);
        check(&sim, "a", &MessageWay::Start {}, false, StopWay::None);
        sim.lines("a", [ended(1, TurnOutcome::Completed)]);
        sim.says("a", LiveDoing::Working);
        check(&sim, "a", &MessageWay::Queue {}, false, StopWay::None);
        sim.falls_silent("a");
        check(&sim, "a", &MessageWay::Queue {}, false, StopWay::Process);
        sim.free("a");
        check(&sim, "a", &MessageWay::Keep {}, false, StopWay::None);
    }

    #[test]
    fn what_runs_by_itself_queues_its_messages_and_a_run_takes_none() {
        let terminal = Sim::running_in("a", Client::Tui);
        let mut run = Sim::running_in("a", Client::Exec);
        let none = MessageWay::None {
            why: DROPPED_BY_RUNS.to_owned(),
        };

        check(
            &terminal,
            "a",
            &MessageWay::Queue {},
            false,
            StopWay::Process,
        );
        check(&run, "a", &none, false, StopWay::Process);
        run.lines("a", [ended(1, TurnOutcome::Completed)]);
        run.free("a");
        check(&run, "a", &MessageWay::Keep {}, false, StopWay::None);
    }

    #[test]
    fn an_interrupted_turn_holds_the_queue_until_another_one() {
        let mut sim = Sim::running_in("a", Client::Tui);

        sim.lines("a", [ended(1, TurnOutcome::Interrupted)]);
        check(&sim, "a", &MessageWay::Hold {}, false, StopWay::Process);
        sim.free("a");
        check(&sim, "a", &MessageWay::Hold {}, false, StopWay::None);
        sim.says("a", LiveDoing::Idle);
        check(&sim, "a", &MessageWay::Start {}, false, StopWay::None);
        sim.falls_silent("a");
        sim.lines("a", [turn(2), ended(2, TurnOutcome::Completed)]);
        check(&sim, "a", &MessageWay::Keep {}, false, StopWay::None);
    }

    #[test]
    fn sub_agents_helpers_and_open_tasks_say_who_to_tell() {
        let mut sim = Sim::running_in("a", Client::Tui);
        sim.says("a", LiveDoing::Working);
        let none = |why: &str| MessageWay::None {
            why: why.to_owned(),
        };

        let runs_for = |ended_at| Observation::RunsFor {
            session: id("a"),
            task: "t".to_owned(),
            ended_at,
        };
        sim.tracker.handle(runs_for(None), sim.now);
        let why = none("It runs for a task. Reply to the task once it has ended.");
        check(&sim, "a", &why, true, StopWay::Task);
        sim.tracker.handle(runs_for(Some(sim.agent_clock)), sim.now);
        check(&sim, "a", &steer(), true, StopWay::Turn);

        for (role, why) in [
            (
                Role::SubAgent,
                "It is a sub-agent. Tell the session that started it.",
            ),
            (Role::Helper, "It is a helper thread of its agent."),
        ] {
            sim.lines("a", [origin(Client::Tui, role, Some("b"))]);
            check(&sim, "a", &none(why), false, StopWay::None);
        }
    }

    #[test]
    fn a_message_is_not_sent_where_nobody_aimed_it() {
        let mut sim = Sim::running_in("a", Client::Tui);
        let into = |name: &str| Aim::Turn {
            turn_id: TurnId(name.to_owned()),
        };
        let next = Aim::NextTurn {};

        sim.says("a", LiveDoing::Working);
        let working = sim.session("a");
        sim.says("a", LiveDoing::Idle);
        let idle = sim.session("a");
        sim.free("a");
        let over = sim.session("a");

        assert_eq!(moved(&working, &into("t1")), None);
        assert_eq!(moved(&working, &into("t0")), Some(Moved::AnotherTurn));
        assert_eq!(moved(&working, &next), Some(Moved::TurnBegan));
        assert_eq!(moved(&idle, &into("t1")), Some(Moved::TurnOver));
        assert_eq!(moved(&idle, &next), None);
        assert_eq!(moved(&over, &next), Some(Moved::Left));
        for session in [&working, &idle, &over] {
            assert_eq!(moved(session, &Aim::Queue {}), None);
        }
    }

    #[test]
    fn a_server_of_another_kind_is_not_talked_to() {
        let mut sim = Sim::running_in("a", Client::Tui);
        let live = LiveState {
            from: EvidenceSource::Registry,
            at: sim.agent_clock,
            doing: LiveDoing::Working,
        };
        let seen = Observation::LiveSeen {
            session: id("a"),
            live,
        };

        sim.tracker.handle(seen, sim.now);

        check(&sim, "a", &MessageWay::Queue {}, false, StopWay::Process);
    }
}
