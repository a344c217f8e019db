//! Our hook in the configuration of Codex: a few lines at the end of the file.
//!
//! Codex names a hook by its place among those of its event when it notes that a person trusts it,
//! so ours stands behind all others.

use mission_control_core::source::Source;
use toml::{Table, Value};

use super::ours::Ours;
use super::{Entry, Text};

/// The event, and the name of its list.
const EVENT: &str = "PermissionRequest";
/// How Codex calls the event where it notes what a person trusts.
const EVENT_KEY: &str = "permission_request";
/// How long the hook may take, in seconds; it leaves a note and is done.
const TIMEOUT_S: u32 = 10;

/// Reads a configuration; our entry is found wherever it stands.
pub(super) fn find(text: &str) -> Result<Entry, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let groups = table.get("hooks").and_then(|hooks| hooks.get(EVENT));
    let groups = groups.and_then(Value::as_array).into_iter().flatten();
    for (at, group) in groups.enumerate() {
        if let Some(ours) = ours_in(group) {
            return Ok(Entry::Ours { at, ours });
        }
    }
    Ok(Entry::None)
}

/// Returns the configuration with our lines at its end.
pub(super) fn with(text: Option<&str>, ours: &Ours) -> Result<String, String> {
    let lines = lines(ours);
    let Some(text) = text else {
        return Ok(lines);
    };
    let end = if text.is_empty() {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let with = format!("{text}{end}{lines}");
    match find(&with) {
        Ok(Entry::Ours { .. }) => Ok(with),
        // An inline table or list cannot be added to.
        Ok(Entry::None) | Err(_) => Err(format!(
            "its `hooks` are written in a way that lines cannot be added to. Add a \
             `hooks.{EVENT}` yourself with the command `{}`",
            ours.command(Source::Codex)
        )),
    }
}

/// Returns the configuration without our lines and without what Codex noted about them.
pub(super) fn without(text: &str) -> Result<Text, String> {
    let Entry::Ours { at, ours } = find(text)? else {
        return Ok(Text::Kept(text.to_owned()));
    };
    let lines = lines(&ours);
    let Some(start) = text.find(&lines) else {
        return Err(format!(
            "our lines were changed. Remove the `hooks.{EVENT}` with the command `{}` yourself",
            ours.command(Source::Codex)
        ));
    };
    let (before, after) = text.split_at(start);
    let after = after.get(lines.len()..).unwrap_or_default();
    let before = before.strip_suffix('\n').unwrap_or(before);
    let left = without_trust(&format!("{before}{after}"), at);
    Ok(if left.trim().is_empty() {
        Text::Empty(left)
    } else {
        Text::Kept(left)
    })
}

/// Returns whether both say the same.
pub(super) fn is_same(left: &str, right: &str) -> bool {
    let read = |text| toml::from_str::<Table>(text).ok();
    read(left).is_some_and(|left| Some(left) == read(right))
}

fn lines(ours: &Ours) -> String {
    let command = Value::from(ours.command(Source::Codex));
    format!(
        "[[hooks.{EVENT}]]\n\n[[hooks.{EVENT}.hooks]]\ntype = \"command\"\ncommand = {command}\n\
         timeout = {TIMEOUT_S}\n"
    )
}

/// Removes the note that a person trusts the hook at this place.
fn without_trust(text: &str, at: usize) -> String {
    let is_note = |line: &str| {
        let key = line.strip_prefix("[hooks.state.");
        key.is_some_and(|key| key.contains(&format!("config.toml:{EVENT_KEY}:{at}:0\"")))
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut is_inside = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            is_inside = is_note(line);
        }
        if !is_inside {
            kept.push(line);
        }
    }
    // The heading of the notes goes with the last of them.
    let has_notes = kept.iter().any(|line| line.starts_with("[hooks.state."));
    let heading = kept
        .iter()
        .position(|line| line.trim_end() == "[hooks.state]");
    if let Some(heading) = heading
        && !has_notes
        && kept.get(heading + 1..).is_none_or(|rest| {
            rest.iter()
                .take_while(|line| !line.starts_with('['))
                .all(|line| line.trim().is_empty())
        })
    {
        kept.remove(heading);
        while kept.last().is_some_and(|line| line.trim().is_empty()) {
            kept.pop();
        }
    }
    kept.concat()
}

fn ours_in(group: &Value) -> Option<Ours> {
    match group.get("hooks")?.as_array()?.as_slice() {
        [only] => Ours::parse(only.get("command")?.as_str()?, Source::Codex),
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
            state: "/home/dev/it's \"state\"".to_owned(),
        }
    }

    const FOREIGN: &str = "model = \"m\"\n\n[[hooks.PermissionRequest]]\n[[hooks.PermissionRequest.hooks]]\ntype = \"command\"\ncommand = \"a\"\n";

    #[track_caller]
    fn back(text: &str) -> String {
        let (Text::Kept(back) | Text::Empty(back)) = without(text).unwrap();
        back
    }

    #[test]
    fn lines_leave_no_trace() {
        for text in ["", "model = \"m\"\n", FOREIGN, "[a]\r\nb = 1\r\n"] {
            let with = with(Some(text), &ours()).unwrap();

            let Entry::Ours { ours: found, .. } = find(&with).unwrap() else {
                panic!("it is not found in {with}");
            };
            assert_eq!(found, ours());
            assert_eq!(back(&with), text);
        }
    }

    #[test]
    fn a_missing_end_of_the_last_line_changes_no_meaning() {
        let with = with(Some("model = \"m\""), &ours()).unwrap();

        assert!(is_same(&back(&with), "model = \"m\""));
    }

    #[test]
    fn ours_stands_behind_others_and_takes_its_trust_along() {
        let with = with(Some(FOREIGN), &ours()).unwrap();
        assert!(matches!(find(&with), Ok(Entry::Ours { at: 1, .. })));

        let note = |at: u32| {
            format!(
                "[hooks.state.\"/home/dev/.codex/config.toml:permission_request:{at}:0\"]\ntrusted_hash = \"sha256:00\"\n"
            )
        };
        let trusted = format!("{with}\n[hooks.state]\n\n{}\n{}", note(0), note(1));
        let left = back(&trusted);
        assert!(
            is_same(&left, &format!("{FOREIGN}\n[hooks.state]\n\n{}", note(0))),
            "{left}"
        );

        let trusted = format!("{with}\n[hooks.state]\n\n{}", note(1));
        assert!(is_same(&back(&trusted), FOREIGN), "{}", back(&trusted));
    }

    #[test]
    fn what_cannot_be_added_to_is_refused() {
        let inline = "hooks = { Stop = [] }\n";
        assert!(
            with(Some(inline), &ours())
                .unwrap_err()
                .contains("hook codex")
        );
        assert!(find("hooks = [").is_err());
        let changed = with(None, &ours())
            .unwrap()
            .replace("timeout = 10", "timeout = 11");
        assert!(without(&changed).unwrap_err().contains("were changed"));
    }

    #[test]
    fn a_file_of_ours_is_empty_without_it() {
        let made = with(None, &ours()).unwrap();

        assert!(matches!(without(&made), Ok(Text::Empty(_))));
    }
}
