//! What `codex cloud` prints: the page of `list --json`, the state that `status` begins with, the
//! address that `exec` answers with, and its complaints.
//!
//! Format: measured with 0.100.0 against a scripted service, see `docs/formats/codex-cloud.md`.

use jiff::Timestamp;
use serde::Deserialize;

use crate::task::cloud::{CloudEntry, CloudPage};
use crate::task::failure::FailureReason;
use crate::task::model::DiffStat;
use crate::text::one_line;

/// Longest text that is kept of a title or label, in characters.
const LABEL_CHARS: usize = 200;

#[derive(Deserialize)]
struct Page {
    tasks: Vec<Entry>,
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
    status: String,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    environment_id: Option<String>,
    #[serde(default)]
    environment_label: Option<String>,
    #[serde(default)]
    summary: Option<Summary>,
    #[serde(default)]
    attempt_total: Option<u32>,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    files_changed: u32,
    #[serde(default)]
    lines_added: u32,
    #[serde(default)]
    lines_removed: u32,
}

/// Reads what `list --json` printed.
///
/// # Errors
/// When it is no page of tasks.
pub fn read_page(text: &str) -> Result<CloudPage, serde_json::Error> {
    let page: Page = serde_json::from_str(text)?;
    let read = |entry: Entry| CloudEntry {
        id: entry.id,
        url: entry.url,
        title: entry.title.map(|title| one_line(&title, LABEL_CHARS)),
        state: state_of(&entry.status),
        updated_at: entry.updated_at.and_then(|at| at.parse::<Timestamp>().ok()),
        environment: entry.environment_id,
        environment_label: entry
            .environment_label
            .map(|label| one_line(&label, LABEL_CHARS)),
        diffstat: entry.summary.map(|summary| DiffStat {
            files: summary.files_changed,
            insertions: summary.lines_added,
            deletions: summary.lines_removed,
        }),
        attempts: entry.attempt_total,
    };
    Ok(CloudPage {
        tasks: page.tasks.into_iter().map(read).collect(),
        cursor: page.cursor.filter(|cursor| !cursor.is_empty()),
    })
}

/// Reads what `status` printed about the task `id`: `[STATE] title`, then a line for people.
#[must_use]
pub fn read_status(id: &str, text: &str) -> Option<CloudEntry> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let (state, title) = line.strip_prefix('[')?.split_once(']')?;
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ' ';
    if state.is_empty() || !state.chars().all(is_word) {
        return None;
    }
    let changes = text.lines().skip(1).find_map(read_changes);
    Some(CloudEntry {
        id: id.to_owned(),
        url: None,
        title: Some(one_line(title, LABEL_CHARS)).filter(|title| !title.is_empty()),
        state: state_of(state),
        updated_at: None,
        environment: None,
        environment_label: None,
        diffstat: changes,
        attempts: None,
    })
}

/// Reads `+2/-1 • 1 file`, or `no diff`.
fn read_changes(line: &str) -> Option<DiffStat> {
    if line.trim() == "no diff" {
        return Some(DiffStat::default());
    }
    let (lines, files) = line.trim().split_once('•')?;
    let (added, removed) = lines.trim().strip_prefix('+')?.split_once("/-")?;
    Some(DiffStat {
        files: files.split_whitespace().next()?.parse().ok()?,
        insertions: added.trim().parse().ok()?,
        deletions: removed.trim().parse().ok()?,
    })
}

/// Returns the id in what names a task: the id itself, or the address of its page.
#[must_use]
pub fn cloud_id(text: &str) -> Option<&str> {
    let text = text.trim();
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    let is_id = last.starts_with("task_")
        && last.len() > "task_".len()
        && last
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    is_id.then_some(last)
}

/// Reads what `exec` printed: the address of the task's page, whose last part is its id.
#[must_use]
pub fn read_submission(text: &str) -> Option<(String, String)> {
    text.lines().map(str::trim).rev().find_map(|line| {
        let is_address = line.starts_with("https://") || line.starts_with("http://");
        let id = cloud_id(line).filter(|_| is_address)?;
        Some((id.to_owned(), line.to_owned()))
    })
}

fn state_of(word: &str) -> String {
    one_line(word, 40).to_ascii_lowercase()
}

/// What a call of `codex cloud` is about: the service says of all that it is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// One task.
    Task,
    /// Anything else.
    Service,
}

/// Returns why a call of `codex cloud` did not work, from what it said on standard error.
#[must_use]
pub fn complaint(stderr: &str, about: About) -> FailureReason {
    let is_noise = |line: &&str| !line.is_empty() && !line.starts_with("WARNING");
    let said = stderr.lines().map(str::trim).find(is_noise);
    let said = said.unwrap_or_default();
    let message = said.strip_prefix("Error: ").unwrap_or(said).to_owned();
    let has = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    if has(&["Not signed in", "codex login"]) {
        return FailureReason::NotLoggedIn { message };
    }
    if has(&[
        "trusted HTTPS origin",
        "unrecognized subcommand",
        "unexpected argument",
    ]) {
        return FailureReason::CloudUnavailable { message };
    }
    if stderr.contains("environment '") && stderr.contains("not found") {
        return FailureReason::CloudEnvironmentUnknown { message };
    }
    if has(&["error sending request", "dns error", "connection refused"]) {
        return FailureReason::NoNetwork { message };
    }
    if has(&["No diff available"]) {
        return FailureReason::NothingChanged {};
    }
    match (http_status(stderr), about) {
        (Some(401), _) => FailureReason::NotLoggedIn { message },
        (Some(403), _) => FailureReason::CloudForbidden { message },
        (Some(404), About::Task) => FailureReason::CloudTaskUnknown { message },
        (Some(404), About::Service) => FailureReason::CloudUnavailable { message },
        (Some(429), _) => FailureReason::RateLimited { message },
        (Some(500..), _) => FailureReason::CloudDown { message },
        (Some(_) | None, _) => FailureReason::CloudOdd { message },
    }
}

/// Returns whether a task may have been handed in although the call said `stderr`: it was sent,
/// and the service did not say that it is not wanted.
#[must_use]
pub fn may_have_arrived(stderr: &str) -> bool {
    let is_refused = http_status(stderr).is_some_and(|status| (400..500).contains(&status));
    stderr.contains("create_task failed") && !is_refused
}

/// Reads the number in `… failed: 404 Not Found` or `status 404`.
fn http_status(stderr: &str) -> Option<u16> {
    ["failed: ", "status "].iter().find_map(|before| {
        stderr.split(before).skip(1).find_map(|after| {
            let number = after.split_whitespace().next()?;
            let number = number.trim_end_matches([',', ';', ':', '.']);
            let number: u16 = number.parse().ok()?;
            (100..600).contains(&number).then_some(number)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::failure::ErrorCode;

    const PAGE: &str = r#"{"tasks":[
        {"id":"task_e_01","url":"https://x.example/codex/tasks/task_e_01","title":"Do it\nnow",
         "status":"ready","updated_at":"2025-11-20T00:53:20Z","environment_id":null,
         "environment_label":"acme","summary":{"files_changed":1,"lines_added":2,"lines_removed":1},
         "is_review":false,"attempt_total":null},
        {"id":"task_e_02","status":"pending","later":1}],"cursor":null}"#;

    #[test]
    fn a_page_is_read_whatever_is_added_to_it() {
        let page = read_page(PAGE).unwrap();

        let [ready, pending] = page.tasks.as_slice() else {
            panic!("{page:?}")
        };
        assert_eq!(ready.state, "ready");
        assert_eq!(ready.title.as_deref(), Some("Do it"));
        assert_eq!(ready.environment_label.as_deref(), Some("acme"));
        let expected = DiffStat {
            files: 1,
            insertions: 2,
            deletions: 1,
        };
        assert_eq!(ready.diffstat, Some(expected));
        assert_eq!(pending.state, "pending");
        assert_eq!(page.cursor, None);
        assert!(read_page("Not signed in.").is_err());
    }

    #[test]
    fn a_status_begins_with_its_state() {
        let entry = read_status(
            "task_e_01",
            "[READY] Do it\nacme  •  0s ago\n+2/-1 • 1 file\n",
        );

        let entry = entry.unwrap();
        assert_eq!(
            (entry.id.as_str(), entry.state.as_str()),
            ("task_e_01", "ready")
        );
        assert_eq!(entry.diffstat.map(|stat| stat.insertions), Some(2));
        let unchanged = read_status("task_e_01", "[READY] Do it\nacme  •  0s ago\nno diff\n");
        assert_eq!(unchanged.unwrap().diffstat, Some(DiffStat::default()));
        assert_eq!(read_status("task_e_01", "Not signed in."), None);
        assert_eq!(read_status("task_e_01", ""), None);
    }

    #[test]
    fn a_task_is_named_by_the_last_part_of_its_address() {
        let id = Some("task_e_0a1b");
        assert_eq!(cloud_id("task_e_0a1b"), id);
        assert_eq!(cloud_id("https://chatgpt.com/codex/tasks/task_e_0a1b"), id);
        assert_eq!(
            cloud_id("https://chatgpt.com/codex/tasks/task_e_0a1b/?x=/y"),
            id
        );
        for other in [
            "",
            "e",
            "task_",
            "0199a2b3",
            "task_e_1; rm",
            "https://x.example/",
        ] {
            assert_eq!(cloud_id(other), None, "{other}");
        }
        assert_eq!(
            read_submission("note\nhttps://x.example/codex/tasks/task_e_0a1b\n"),
            Some((
                "task_e_0a1b".to_owned(),
                "https://x.example/codex/tasks/task_e_0a1b".to_owned()
            ))
        );
        assert_eq!(read_submission("task_e_0a1b"), None);
    }

    #[test]
    fn complaints_are_typed() {
        #[track_caller]
        fn check(stderr: &str, code: ErrorCode) {
            assert_eq!(complaint(stderr, About::Service).code(), code, "{stderr}");
        }

        check(
            "WARNING: x\nNot signed in. Please run 'codex login' to sign in with ChatGPT.",
            ErrorCode::Auth,
        );
        check(
            "Error: CODEX_CLOUD_TASKS_BASE_URL must use a trusted HTTPS origin on port 443",
            ErrorCode::Unsupported,
        );
        check(
            "Error: environment 'nope' not found; run `codex cloud` to list available environments",
            ErrorCode::NotFound,
        );
        check(
            "Error: http error: list_tasks failed: error sending request for url (https://x)",
            ErrorCode::Stalled,
        );
        for (status, code) in [
            ("401 Unauthorized", ErrorCode::Auth),
            ("403 Forbidden", ErrorCode::Auth),
            ("404 Not Found", ErrorCode::Unsupported),
            ("429 Too Many Requests", ErrorCode::Quota),
            ("500 Internal Server Error", ErrorCode::Stalled),
        ] {
            check(&listing(status), code);
        }
        let one = complaint(&listing("404 Not Found"), About::Task);
        assert_eq!(one.code(), ErrorCode::NotFound);
        check("Error: something else", ErrorCode::Protocol);
    }

    fn listing(status: &str) -> String {
        format!(
            "Error: http error: list_tasks failed: GET https://x/list failed: {status}; content-type=application/json; body={{}}"
        )
    }

    #[test]
    fn what_was_sent_and_not_refused_may_have_arrived() {
        let sent = |says: &str| {
            may_have_arrived(&format!("Error: http error: create_task failed: {says}"))
        };

        assert!(sent(
            "POST https://x/tasks failed: 500 Internal Server Error; body={}"
        ));
        assert!(sent(
            "POST https://x/tasks succeeded but no task id found; body={}"
        ));
        assert!(sent("error sending request for url (https://x/tasks)"));
        assert!(!sent(
            "POST https://x/tasks failed: 429 Too Many Requests; body={}"
        ));
        assert!(!may_have_arrived(
            "Error: GET https://x/environments failed: 500 Internal"
        ));
    }
}
