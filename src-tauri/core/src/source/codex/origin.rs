//! A rollout's head: where the session came from.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::observation::{Origin, Role};
use crate::session::Client;

/// The payload of `session_meta`.
#[derive(Debug, Deserialize)]
pub(super) struct SessionMeta {
    timestamp: Option<Timestamp>,
    cwd: Option<String>,
    originator: Option<String>,
    cli_version: Option<String>,
    source: Option<Value>,
    thread_source: Option<String>,
    parent_thread_id: Option<String>,
    agent_nickname: Option<String>,
    git: Option<Git>,
}

#[derive(Debug, Deserialize)]
struct Git {
    branch: Option<String>,
}

impl SessionMeta {
    /// Returns whether its version writes turns without recording their start.
    pub(super) fn lacks_turn_events(&self) -> bool {
        self.cli_version.as_deref().is_some_and(older_than_100)
    }

    /// Says where the session came from.
    pub(super) fn into_origin(self) -> Origin {
        let spawn = self
            .source
            .as_ref()
            .and_then(|source| source.get("subagent"));
        let parent = self.parent_thread_id.clone().or_else(|| {
            let id = spawn?.get("thread_spawn")?.get("parent_thread_id")?;
            id.as_str().map(str::to_owned)
        });
        let role = match spawn {
            Some(spawn) if spawn.get("thread_spawn").is_some() => Role::SubAgent,
            Some(_) => Role::Helper,
            None => match self.thread_source.as_deref() {
                None | Some("user") => Role::Main,
                Some("subagent") => Role::SubAgent,
                Some(_) if parent.is_some() => Role::Helper,
                Some(_) => Role::Main,
            },
        };
        Origin {
            client: self.client(),
            cwd: self.cwd,
            git_branch: self.git.and_then(|git| git.branch),
            cli_version: self.cli_version,
            started_at: self.timestamp,
            parent,
            role,
            name: self.agent_nickname,
        }
    }

    /// `source` says `vscode` for every client of an app-server, the terminal included:
    /// the originator is the better witness.
    fn client(&self) -> Client {
        let originator = self
            .originator
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        match originator.as_str() {
            "codex_exec" => return Client::Exec,
            "codex-tui" | "codex_cli_rs" => return Client::Tui,
            other if other.contains("vscode") => return Client::Ide,
            other if other.contains("desktop") => return Client::App,
            _ => {}
        }
        match self.source.as_ref().and_then(Value::as_str) {
            Some("exec") => Client::Exec,
            Some("cli") => Client::Tui,
            Some("vscode" | "mcp" | "appServer" | "app_server") => Client::Sdk,
            Some(_) | None => Client::Unknown,
        }
    }
}

/// 0.100 is the first measured version that records the start of a turn.
fn older_than_100(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    numbers.next() == Some(0) && numbers.next().is_some_and(|minor| minor < 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(meta: &str, client: Client, role: Role, parent: Option<&str>) {
        let meta: SessionMeta = serde_json::from_str(meta).unwrap();

        let origin = meta.into_origin();

        assert_eq!(
            (origin.client, origin.role, origin.parent.as_deref()),
            (client, role, parent)
        );
    }

    #[test]
    fn clients_and_roles() {
        check(
            r#"{"originator":"codex_exec","source":"exec"}"#,
            Client::Exec,
            Role::Main,
            None,
        );
        check(
            r#"{"originator":"codex-tui","source":"vscode","thread_source":"user"}"#,
            Client::Tui,
            Role::Main,
            None,
        );
        check(
            r#"{"originator":"codex_vscode","source":"vscode"}"#,
            Client::Ide,
            Role::Main,
            None,
        );
        check(
            r#"{"originator":"my_client","source":"vscode"}"#,
            Client::Sdk,
            Role::Main,
            None,
        );
        check(
            r#"{"originator":"codex_exec","source":{"subagent":{"thread_spawn":{"parent_thread_id":"p"}}},"thread_source":"subagent"}"#,
            Client::Exec,
            Role::SubAgent,
            Some("p"),
        );
        check(
            r#"{"originator":"codex_exec","source":{"subagent":{"other":"guardian"}},"thread_source":"guardian_review","parent_thread_id":"p"}"#,
            Client::Exec,
            Role::Helper,
            Some("p"),
        );
        check(
            r#"{"source":{"subagent":"review"}}"#,
            Client::Unknown,
            Role::Helper,
            None,
        );
        check(r"{}", Client::Unknown, Role::Main, None);
    }

    #[test]
    fn only_versions_before_0_100_lack_turn_events() {
        assert!(older_than_100("0.45.0"));
        assert!(older_than_100("0.99.9"));
        assert!(!older_than_100("0.100.0"));
        assert!(!older_than_100("1.2.0"));
        assert!(!older_than_100("dev"));
    }
}
