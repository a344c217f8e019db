//! Our hook in the settings of Claude Code: one item at the end of one list, and every other byte
//! stays.

use mission_control_core::source::Source;
use serde_json::Value;

use super::ours::Ours;
use super::{Entry, Text};
use crate::cli::agent_file::{ArrayText, ObjectText};

/// The member of the settings.
const HOOKS: &str = "hooks";
/// The event, and the name of its list.
const EVENT: &str = "PermissionRequest";
/// How long the hook may wait, in seconds. It gives up by itself before.
const TIMEOUT_S: u32 = 24 * 3600;

/// Returns our entries, wherever they stand.
pub(super) fn find(text: &str) -> Result<Vec<Entry>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let settings: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !settings.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    let groups = settings.get(HOOKS).and_then(|hooks| hooks.get(EVENT));
    let groups = groups.and_then(Value::as_array).into_iter().flatten();
    let entries = groups.enumerate().filter_map(|(at, group)| {
        let ours = ours_in(group)?;
        Some(Entry { at, ours })
    });
    Ok(entries.collect())
}

/// Returns the settings with our entry at the end of its list.
pub(super) fn with(text: Option<&str>, ours: &Ours) -> Result<String, String> {
    let command = Value::from(ours.command(Source::ClaudeCode));
    let handler =
        format!(r#"{{ "type": "command", "command": {command}, "timeout": {TIMEOUT_S} }}"#);
    let group = format!(r#"{{ "hooks": [{handler}] }}"#);
    let alone = format!(r#"{{ "{EVENT}": [{group}] }}"#);
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(format!("{{\n  \"{HOOKS}\": {alone}\n}}\n"));
    };
    let settings = ObjectText::parse(text).map_err(|error| error.to_string())?;
    let hooks = match settings.value(HOOKS) {
        None => alone,
        Some(hooks) => {
            let hooks =
                ObjectText::parse(hooks).map_err(|_| format!("its `{HOOKS}` is no object"))?;
            let groups = match hooks.value(EVENT) {
                None => format!("[{group}]"),
                Some(groups) => ArrayText::parse(groups)
                    .map_err(|_| format!("its `{HOOKS}.{EVENT}` is no list"))?
                    .with(&group),
            };
            hooks.with(EVENT, &groups)
        }
    };
    Ok(settings.with(HOOKS, &hooks))
}

/// Returns the settings without our entries.
pub(super) fn without(text: &str) -> Result<Text, String> {
    let mut left = text.to_owned();
    while let Some(entry) = find(&left)?.into_iter().next() {
        left = without_one(&left, entry.at).map_err(|error| error.to_string())?;
    }
    let is_empty = serde_json::from_str::<Value>(&left)
        .is_ok_and(|left| left.as_object().is_some_and(serde_json::Map::is_empty));
    Ok(if is_empty {
        Text::Empty(left)
    } else {
        Text::Kept(left)
    })
}

fn without_one(text: &str, at: usize) -> Result<String, serde_json::Error> {
    let settings = ObjectText::parse(text)?;
    let hooks_text = settings.value(HOOKS).unwrap_or("{}");
    let hooks = ObjectText::parse(hooks_text)?;
    let groups = ArrayText::parse(hooks.value(EVENT).unwrap_or("[]"))?;
    let n_events = serde_json::from_str::<serde_json::Map<String, Value>>(hooks_text)?.len();
    Ok(if groups.items().count() > 1 {
        let groups = groups.without(at);
        settings.with(HOOKS, &hooks.with(EVENT, &groups))
    } else if n_events > 1 {
        settings.with(HOOKS, &hooks.without(EVENT))
    } else {
        settings.without(HOOKS)
    })
}

fn ours_in(group: &Value) -> Option<Ours> {
    let handlers = group.get(HOOKS)?.as_array()?;
    let command = |handler: &Value| {
        let command = handler.get("command")?.as_str()?;
        Ours::parse(command, Source::ClaudeCode)
    };
    match handlers.as_slice() {
        [only] => command(only),
        // Somebody put others into our group; it is theirs now.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Ours {
        Ours {
            program: "/usr/bin/mission-control".to_owned(),
            state: "/home/dev/state".to_owned(),
        }
    }

    #[track_caller]
    fn check_there_and_back(text: &str) {
        let with = with(Some(text), &ours()).unwrap();

        let found = find(&with).unwrap();
        assert_eq!(found.len(), 1, "{with}");
        assert_eq!(found[0].ours, ours());
        let (Text::Kept(back) | Text::Empty(back)) = without(&with).unwrap();
        assert_eq!(back, text);
        assert_eq!(find(&back), Ok(Vec::new()));
    }

    #[test]
    fn an_entry_leaves_no_trace() {
        check_there_and_back("{}");
        check_there_and_back("{\n  \"model\": \"opus\"\n}\n");
        check_there_and_back("{\n  \"hooks\": {\n    \"Stop\": []\n  },\n  \"model\": \"opus\"\n}");
        check_there_and_back(
            "{\"hooks\":{\"PermissionRequest\":[{\"matcher\":\"Bash\",\"hooks\":[{\"type\":\"command\",\"command\":\"a\"}]}]}}",
        );
    }

    #[test]
    fn it_stands_behind_what_was_there() {
        let text =
            r#"{"hooks":{"PermissionRequest":[{"hooks":[{"type":"command","command":"a"}]}]}}"#;

        let with = with(Some(text), &ours()).unwrap();

        assert_eq!(find(&with).unwrap()[0].at, 1, "{with}");
    }

    #[test]
    fn every_entry_of_ours_is_taken_out() {
        let text = r#"{"hooks":{"Stop":[],"PermissionRequest":[{"hooks":[]}]}}"#;
        let elsewhere = Ours {
            state: "/elsewhere".to_owned(),
            ..ours()
        };
        let twice = with(Some(text), &elsewhere).unwrap();
        let twice = with(Some(&twice), &ours()).unwrap();

        assert_eq!(find(&twice).unwrap().len(), 2);
        assert_eq!(without(&twice), Ok(Text::Kept(text.to_owned())));
    }

    #[test]
    fn a_file_of_ours_is_empty_without_it() {
        let made = with(None, &ours()).unwrap();

        assert!(matches!(without(&made), Ok(Text::Empty(_))), "{made}");
    }

    #[test]
    fn what_is_something_else_is_refused_or_left_alone() {
        for text in [
            "[]",
            "{\"hooks\": 3}",
            "{\"hooks\": {\"PermissionRequest\": {}}}",
        ] {
            assert!(with(Some(text), &ours()).is_err(), "{text}");
        }
        assert_eq!(find("{\"hooks\": 3}"), Ok(Vec::new()));
        let shared =
            r#"{"hooks":{"PermissionRequest":[{"hooks":[{"command":"a"},{"command":"b"}]}]}}"#;
        assert_eq!(find(shared), Ok(Vec::new()));
    }
}
