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

/// Reads settings; our entry is found wherever it stands.
pub(super) fn find(text: &str) -> Result<Entry, String> {
    let settings: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !settings.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    let groups = settings.get(HOOKS).and_then(|hooks| hooks.get(EVENT));
    let groups = groups.and_then(Value::as_array).into_iter().flatten();
    for (at, group) in groups.enumerate() {
        if let Some(ours) = ours_in(group) {
            return Ok(Entry::Ours { at, ours });
        }
    }
    Ok(Entry::None)
}

/// Returns the settings with our entry at the end of its list.
pub(super) fn with(text: Option<&str>, ours: &Ours) -> Result<String, String> {
    let command = Value::from(ours.command(Source::ClaudeCode));
    let handler =
        format!(r#"{{ "type": "command", "command": {command}, "timeout": {TIMEOUT_S} }}"#);
    let group = format!(r#"{{ "hooks": [{handler}] }}"#);
    let alone = format!(r#"{{ "{EVENT}": [{group}] }}"#);
    let Some(text) = text else {
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

/// Returns the settings without our entry.
pub(super) fn without(text: &str) -> Result<Text, String> {
    let invalid = |error: serde_json::Error| error.to_string();
    let settings = ObjectText::parse(text).map_err(invalid)?;
    let Entry::Ours { at, .. } = find(text)? else {
        return Ok(Text::Kept(text.to_owned()));
    };
    let hooks = ObjectText::parse(settings.value(HOOKS).unwrap_or("{}")).map_err(invalid)?;
    let groups = ArrayText::parse(hooks.value(EVENT).unwrap_or("[]")).map_err(invalid)?;
    let n_groups = groups.items().count();
    let n_events = serde_json::from_str::<serde_json::Map<String, Value>>(
        settings.value(HOOKS).unwrap_or("{}"),
    )
    .map_err(invalid)?
    .len();
    let left = if n_groups > 1 {
        let groups = groups.without(at);
        settings.with(HOOKS, &hooks.with(EVENT, &groups))
    } else if n_events > 1 {
        settings.with(HOOKS, &hooks.without(EVENT))
    } else {
        settings.without(HOOKS)
    };
    let is_empty = serde_json::from_str::<Value>(&left)
        .is_ok_and(|left| left.as_object().is_some_and(serde_json::Map::is_empty));
    Ok(if is_empty {
        Text::Empty(left)
    } else {
        Text::Kept(left)
    })
}

/// Returns whether both say the same.
pub(super) fn is_same(left: &str, right: &str) -> bool {
    let read = |text| serde_json::from_str::<Value>(text).ok();
    read(left).is_some_and(|left| Some(left) == read(right))
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

        let Entry::Ours { ours: found, .. } = find(&with).unwrap() else {
            panic!("it is not found in {with}");
        };
        assert_eq!(found, ours());
        let (Text::Kept(back) | Text::Empty(back)) = without(&with).unwrap();
        assert_eq!(back, text);
        assert_eq!(find(&back).unwrap(), Entry::None);
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

        assert!(
            matches!(find(&with), Ok(Entry::Ours { at: 1, .. })),
            "{with}"
        );
    }

    #[test]
    fn a_file_of_ours_is_empty_without_it() {
        let made = with(None, &ours()).unwrap();

        assert!(matches!(without(&made), Ok(Text::Empty(_))), "{made}");
    }

    #[test]
    fn what_is_something_else_is_refused_or_left_alone() {
        for text in [
            "",
            "[]",
            "{\"hooks\": 3}",
            "{\"hooks\": {\"PermissionRequest\": {}}}",
        ] {
            assert!(with(Some(text), &ours()).is_err(), "{text}");
        }
        assert_eq!(find("{\"hooks\": 3}"), Ok(Entry::None));
        let shared =
            r#"{"hooks":{"PermissionRequest":[{"hooks":[{"command":"a"},{"command":"b"}]}]}}"#;
        assert_eq!(find(shared), Ok(Entry::None));
    }
}
