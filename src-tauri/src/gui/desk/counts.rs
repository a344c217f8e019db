//! How much needs somebody and how much runs, for the tray and the window's title.

use mission_control_core::session::{SessionId, Status};

use super::Desk;

impl Desk {
    /// Counts sessions that need somebody, and tasks whose session is not among them.
    pub(super) fn n_need_you(&self) -> u32 {
        let is_counted = |session: &SessionId| {
            let card = self.cards.get(session);
            card.is_some_and(|card| card.status == Status::NeedsYou)
        };
        let tasks = self.tasks.in_need();
        let uncounted = tasks.filter(|slip| !slip.session.as_ref().is_some_and(is_counted));
        let uncounted = u32::try_from(uncounted.count()).unwrap_or(u32::MAX);
        self.summary.needs_you.saturating_add(uncounted)
    }

    /// Says how much stands where.
    pub(super) fn counts(&self) -> String {
        let needs_you = match self.n_need_you() {
            0 => None,
            1 => Some("1 needs you".to_owned()),
            count => Some(format!("{count} need you")),
        };
        let summary = self.summary;
        let working = (summary.working > 0).then(|| format!("{} working", summary.working));
        let paused = (summary.paused > 0).then(|| format!("{} your turn", summary.paused));
        let tasks = match self.tasks.n_running() {
            0 => None,
            1 => Some("1 task runs".to_owned()),
            count => Some(format!("{count} tasks run")),
        };
        let counts = [needs_you, working, paused, tasks];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        if counts.is_empty() {
            "No session is open".to_owned()
        } else {
            counts.join(" · ")
        }
    }
}
