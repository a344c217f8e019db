//! Whether Codex runs a hook: it asks a person before the first time, and knows the answer itself.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8Path;
use serde_json::{Value, json};

use crate::command::{self, Start};
use crate::hooks::Trust;

/// How long the question may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Asks Codex, which talks over standard input and output for that moment, about the hook with this
/// command.
pub(crate) fn trust(program: &Utf8Path, home: &Utf8Path, command: &str) -> Trust {
    let requests = [
        json!({"id": 1, "method": "initialize", "params": {
            "clientInfo": {"name": "mission-control", "title": "Mission Control",
                "version": env!("CARGO_PKG_VERSION")},
            "capabilities": {"experimentalApi": true}}}),
        json!({"method": "initialized"}),
        json!({"id": 2, "method": "hooks/list", "params": {"cwds": [home]}}),
    ];
    let input: String = requests.iter().map(|line| format!("{line}\n")).collect();
    let variables = BTreeMap::from([("CODEX_HOME".to_owned(), home.to_string())]);
    let answered = command::converse(
        &Start {
            program,
            arguments: &["app-server"],
            folder: home,
            variables: &variables,
            input: &input,
            limit: LIMIT,
        },
        "{\"id\":2,",
    );
    match answered {
        Ok(finished) => read(&finished.stdout, command),
        Err(error) => unknown(&format!("Codex could not be asked: {error}.")),
    }
}

fn read(said: &str, command: &str) -> Trust {
    let answer = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line.get("id") == Some(&Value::from(2)));
    let Some(answer) = answer else {
        return unknown("Codex did not answer.");
    };
    let Some(data) = answer.pointer("/result/data").and_then(Value::as_array) else {
        return unknown("This version of Codex does not tell.");
    };
    let mut hooks = data
        .iter()
        .filter_map(|one| one.get("hooks")?.as_array())
        .flatten();
    let text = |hook: &Value, name: &str| Some(hook.get(name)?.as_str()?.to_owned());
    let Some(hook) = hooks.find(|hook| text(hook, "command").as_deref() == Some(command)) else {
        return unknown("Codex does not know the hook.");
    };
    if hook.get("enabled") == Some(&Value::Bool(false)) {
        return Trust::Disabled;
    }
    match text(hook, "trustStatus").as_deref() {
        Some("trusted" | "managed") => Trust::Trusted,
        Some("untrusted" | "modified") => Trust::Untrusted,
        Some(_) | None => unknown("This version of Codex does not tell."),
    }
}

fn unknown(why: &str) -> Trust {
    Trust::Unknown {
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(hook: &Value) -> String {
        let first = json!({"id": 1, "result": {"userAgent": "a"}});
        let noise = json!({"method": "remoteControl/status/changed", "params": {}});
        let answer = json!({"id": 2, "result": {"data": [{"cwd": "/", "hooks": [hook]}]}});
        format!("{first}\n{noise}\nno json\n{answer}\n")
    }

    #[test]
    fn what_codex_says_of_the_hook_counts() {
        let hook =
            |status: &str| listed(&json!({"command": "c", "enabled": true, "trustStatus": status}));

        assert_eq!(read(&hook("trusted"), "c"), Trust::Trusted);
        assert_eq!(read(&hook("untrusted"), "c"), Trust::Untrusted);
        assert!(matches!(
            read(&hook("of the future"), "c"),
            Trust::Unknown { .. }
        ));
        assert!(matches!(read(&hook("trusted"), "d"), Trust::Unknown { .. }));
        let disabled = json!({"command": "c", "enabled": false, "trustStatus": "trusted"});
        assert_eq!(read(&listed(&disabled), "c"), Trust::Disabled);
    }

    #[test]
    fn an_older_or_silent_codex_leaves_it_unknown() {
        let refused = r#"{"id":2,"error":{"code":-32601,"message":"unknown method"}}"#;
        for said in ["", refused, "{}"] {
            assert!(matches!(read(said, "c"), Trust::Unknown { .. }), "{said}");
        }
    }
}
