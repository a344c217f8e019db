//! Where the window can be sent: a session's or a task's page.

use mission_control_core::notice::Notice;
use mission_control_core::session::SessionId;
use mission_control_core::task::model::TaskId;
use tauri::Url;

/// A page of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A session's page.
    Session(SessionId),
    /// A delegated task's page.
    Task(TaskId),
}

impl Target {
    /// Returns where the person goes to see what `notice` is about.
    #[must_use]
    pub(crate) fn of(notice: &Notice) -> Option<Self> {
        let task = notice.task_id.as_deref().and_then(TaskId::parse);
        task.map(Self::Task)
            .or_else(|| notice.session_id.clone().map(Self::Session))
    }

    /// Returns the page an address such as `tauri://localhost/#/session/<id>` shows.
    #[must_use]
    pub(crate) fn of_address(url: &Url) -> Option<Self> {
        let (view, id) = url.fragment()?.strip_prefix('/')?.split_once('/')?;
        let id = percent_decoded(id)?;
        match view {
            "session" => session_id(&id).map(Self::Session),
            "task" => TaskId::parse(&id).map(Self::Task),
            _ => None,
        }
    }
}

/// Returns `text` as a session's id; whether there is such a session is the engine's to say.
#[must_use]
pub(crate) fn session_id(text: &str) -> Option<SessionId> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "0199a2b3-1111-7222-8333-444455556666";

    #[track_caller]
    fn check(address: &str, expected: Option<Target>) {
        let url = Url::parse(address).unwrap();

        assert_eq!(Target::of_address(&url), expected);
    }

    fn session(id: &str) -> Option<Target> {
        session_id(id).map(Target::Session)
    }

    #[test]
    fn the_address_tells_which_page_is_open() {
        check(
            "tauri://localhost/#/session/codex%3A0199",
            session("codex:0199"),
        );
        check(
            "tauri://localhost/index.html#/session/codex:1",
            session("codex:1"),
        );
        check(
            &format!("tauri://localhost/#/task/{TASK}"),
            TaskId::parse(TASK).map(Target::Task),
        );
    }

    #[test]
    fn an_address_may_name_no_page_of_these() {
        for address in [
            "tauri://localhost/#/sessions",
            "tauri://localhost/#/tasks/new",
            "tauri://localhost/#/task/none",
            "tauri://localhost/",
            "tauri://localhost/#/session/%zz",
        ] {
            check(address, None);
        }
    }
}
