//! What the Health view says of tray and notifications.

use mission_control_core::health::{Check, CheckState, Problem};

use super::Desk;

const TRAY: &[&str] = &["no_tray_host", "no_session_bus", "tray_refused"];
const NOTIFICATIONS: &[&str] = &["no_session_bus", "no_notification_daemon"];

/// How the codes of a store that cannot be used begin: without it nothing is told.
const STATE: &str = "state";

impl Desk {
    /// Returns how the desktop was found.
    #[must_use]
    pub(crate) fn checks(&self) -> Vec<Check> {
        let tray = self.first_lack(|code| TRAY.contains(&code));
        let notifications =
            self.first_lack(|code| NOTIFICATIONS.contains(&code) || code.starts_with(STATE));
        vec![
            check("tray", "Tray", "A panel takes the icon.", tray),
            check(
                "notifications",
                "Notifications",
                "The desktop shows them.",
                notifications,
            ),
        ]
    }

    fn first_lack(&self, is_meant: impl Fn(&str) -> bool) -> Option<&Problem> {
        self.lacking
            .values()
            .map(|lack| &lack.problem)
            .find(|problem| is_meant(&problem.code))
    }
}

fn check(id: &str, label: &str, works: &str, lack: Option<&Problem>) -> Check {
    Check {
        id: id.to_owned(),
        label: label.to_owned(),
        state: match lack {
            Some(_) => CheckState::Warning,
            None => CheckState::Ok,
        },
        says: lack.map_or(works, |problem| &problem.title).to_owned(),
        hint: lack.and_then(|problem| problem.hint.clone()),
        evidence: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Loudness;
    use super::*;
    use crate::problems;

    #[track_caller]
    fn check_states(lack: Option<Problem>, expected: [CheckState; 2]) {
        let mut desk = Desk::default();
        if let Some(lack) = lack {
            desk.found_lacking(lack, Loudness::Window);
        }

        let states: Vec<CheckState> = desk.checks().iter().map(|check| check.state).collect();

        assert_eq!(states, expected);
    }

    #[test]
    fn each_lack_shows_where_it_hurts() {
        use CheckState::{Ok, Warning};

        check_states(None, [Ok, Ok]);
        check_states(Some(problems::no_tray_host()), [Warning, Ok]);
        check_states(Some(problems::no_notification_daemon()), [Ok, Warning]);
        check_states(Some(problems::no_session_bus()), [Warning, Warning]);
    }

    #[test]
    fn a_lack_says_what_to_do() {
        let mut desk = Desk::default();
        desk.found_lacking(problems::no_tray_host(), Loudness::Window);

        let checks = desk.checks();

        assert_eq!(checks[0].says, problems::no_tray_host().title);
        assert_eq!(checks[0].hint, problems::no_tray_host().hint);
    }
}
