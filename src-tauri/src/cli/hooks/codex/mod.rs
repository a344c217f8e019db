//! Our hook in the configuration of Codex: a few lines at the end of the file.
//!
//! Codex names a hook by its place among those of its event when it notes that a person trusts it,
//! so ours stands behind all others.

mod edits;
mod trust;

use std::ops::Range;

use mission_control_core::source::Source;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::ours::Ours;
use super::{Entry, Text};
use edits::Edits;
use trust::Fate;

/// The event, and the name of its list.
const EVENT: &str = "PermissionRequest";
/// How long the hook may take, in seconds; it leaves a note and is done.
const TIMEOUT_S: u32 = 10;

/// Returns our entries, wherever they stand.
pub(super) fn find(text: &str) -> Result<Vec<Entry>, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let groups = table.get("hooks").and_then(|hooks| hooks.get(EVENT));
    let groups = groups.and_then(Value::as_array).into_iter().flatten();
    let entries = groups.enumerate().filter_map(|(at, group)| {
        let ours = ours_in(group)?;
        Some(Entry { at, ours })
    });
    Ok(entries.collect())
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
        Ok(entries) if !entries.is_empty() => Ok(with),
        // An inline table or list cannot be added to.
        Ok(_) | Err(_) => Err(format!(
            "its `hooks` are written in a way that lines cannot be added to. Add a \
             `hooks.{EVENT}` yourself with the command `{}`",
            ours.command(Source::Codex)
        )),
    }
}

/// Returns the configuration without our entries and without what Codex noted about them. Codex
/// knows the file by one of these names.
pub(super) fn without(text: &str, files: &[String]) -> Result<Text, String> {
    let mut left = text.to_owned();
    while let Some(entry) = find(&left)?.into_iter().next() {
        left = without_one(&left, &entry, files)?;
    }
    Ok(if left.trim().is_empty() {
        Text::Empty(left)
    } else {
        Text::Kept(left)
    })
}

fn without_one(text: &str, entry: &Entry, files: &[String]) -> Result<String, String> {
    let by_hand = |why: &str| {
        format!(
            "{why}. Remove the `hooks.{EVENT}` with the command `{}` yourself",
            entry.ours.command(Source::Codex)
        )
    };
    let table = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
    let hooks = table.get_ref().get("hooks").map(Spanned::get_ref);
    let Some(DeValue::Table(hooks)) = hooks else {
        return Err(by_hand(
            "its `hooks` are written in a way that is not known",
        ));
    };
    let group = match hooks.get(EVENT).map(Spanned::get_ref) {
        Some(DeValue::Array(groups)) => groups.get(entry.at),
        Some(_) | None => None,
    };
    let place = group.and_then(|group| place_of(text, group.span().start, &entry.ours));
    let Some(place) = place else {
        return Err(by_hand("our lines were changed"));
    };
    let mut edits = Edits::default();
    edits.take_block(text, &place);
    trust::follow(&mut edits, text, hooks, entry.at, files);
    let left = edits.applied(text);
    if parsed(&left).ok() != Some(expected(text, entry.at, files)?) {
        return Err(by_hand("our lines cannot be told from the others"));
    }
    Ok(left)
}

/// Returns where our lines are that begin at `start`, without the end of the last one; none if they
/// are not as they were written.
fn place_of(text: &str, start: usize, ours: &Ours) -> Option<Range<usize>> {
    let lines = lines(ours);
    let written = [lines.clone(), lines.replace('\n', "\r\n")];
    let rest = text.get(start..)?;
    written.iter().find_map(|lines| {
        let lines = lines.trim_end();
        let after = rest.strip_prefix(lines)?;
        let is_whole = after.is_empty() || after.starts_with('\n') || after.starts_with("\r\n");
        is_whole.then(|| start..start + lines.len())
    })
}

/// Returns what the configuration says without the hooks at a place.
fn expected(text: &str, at: usize, files: &[String]) -> Result<Table, String> {
    let mut table = parsed(text)?;
    if let Some(Value::Table(hooks)) = table.get_mut("hooks") {
        if let Some(Value::Array(groups)) = hooks.get_mut(EVENT)
            && at < groups.len()
        {
            groups.remove(at);
        }
        if let Some(Value::Table(notes)) = hooks.get_mut(trust::STATE) {
            let moved = std::mem::take(notes)
                .into_iter()
                .filter_map(|(name, note)| match trust::fate(&name, at, files) {
                    Fate::Stays => Some((name, note)),
                    Fate::Goes => None,
                    Fate::Becomes(name) => Some((name, note)),
                });
            *notes = moved.collect();
        }
    }
    without_empty(&mut table);
    Ok(table)
}

fn parsed(text: &str) -> Result<Table, String> {
    let mut table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    without_empty(&mut table);
    Ok(table)
}

/// Takes out what an entry of ours may leave empty and means nothing then.
fn without_empty(table: &mut Table) {
    let Some(Value::Table(hooks)) = table.get_mut("hooks") else {
        return;
    };
    for name in [EVENT, trust::STATE] {
        let is_empty = |value: &Value| {
            value.as_array().is_some_and(Vec::is_empty)
                || value.as_table().is_some_and(Table::is_empty)
        };
        if hooks.get(name).is_some_and(is_empty) {
            hooks.remove(name);
        }
    }
    if hooks.is_empty() {
        table.remove("hooks");
    }
}

fn lines(ours: &Ours) -> String {
    let command = Value::from(ours.command(Source::Codex));
    format!(
        "[[hooks.{EVENT}]]\n\n[[hooks.{EVENT}.hooks]]\ntype = \"command\"\ncommand = {command}\n\
         timeout = {TIMEOUT_S}\n"
    )
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

    const FILE: &str = "/home/dev/.codex/config.toml";
    const FOREIGN: &str = "model = \"m\"\n\n[[hooks.PermissionRequest]]\n[[hooks.PermissionRequest.hooks]]\ntype = \"command\"\ncommand = \"a\"\n";

    #[track_caller]
    fn back(text: &str) -> String {
        let (Text::Kept(back) | Text::Empty(back)) = without(text, &[FILE.to_owned()]).unwrap();
        back
    }

    /// What Codex writes about a hook that is trusted, with the empty line before.
    fn note(file: &str, place: &str) -> String {
        format!(
            "\n[hooks.state.\"{file}:permission_request:{place}\"]\ntrusted_hash = \"sha256:00\"\n"
        )
    }

    #[test]
    fn lines_leave_no_trace() {
        for text in ["", "\n", "model = \"m\"\n", FOREIGN, "[a]\r\nb = 1\r\n"] {
            let with = with(Some(text), &ours()).unwrap();

            let found = find(&with).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].ours, ours());
            assert_eq!(back(&with), text);
        }
    }

    #[test]
    fn what_a_person_wrote_around_them_stays() {
        let with = with(Some("# a\nmodel = \"m\"\n"), &ours()).unwrap();

        let added = format!("# top\n{with}# end\n[tui]\ntheme = \"a\"\n\n\n");
        assert_eq!(
            back(&added),
            "# top\n# a\nmodel = \"m\"\n# end\n[tui]\ntheme = \"a\"\n\n\n"
        );
        let windows = with.replace('\n', "\r\n");
        assert_eq!(back(&windows), "# a\r\nmodel = \"m\"\r\n");
        let close = with.replace(
            "\n\n[[hooks.PermissionRequest]]",
            "\n[[hooks.PermissionRequest]]",
        );
        assert_eq!(back(&close), "# a\nmodel = \"m\"\n");
    }

    #[test]
    fn every_entry_of_ours_is_taken_out() {
        let elsewhere = Ours {
            state: "/elsewhere".to_owned(),
            ..ours()
        };
        let mut text = FOREIGN.to_owned();
        for ours in [elsewhere, ours(), ours()] {
            text = with(Some(&text), &ours).unwrap();
        }

        assert_eq!(find(&text).unwrap().len(), 3);
        assert_eq!(back(&text), FOREIGN);
    }

    #[test]
    fn ours_takes_its_own_trust_along_and_nobody_elses() {
        let with = with(Some(FOREIGN), &ours()).unwrap();
        assert_eq!(find(&with).unwrap()[0].at, 1);

        let state = "\n[hooks.state]\n";
        let (mine, own) = (note(FILE, "0:0"), note(FILE, "1:0"));
        let other = note("/srv/home/dev/.codex/config.toml", "1:0");
        for (noted, kept) in [
            (format!("{state}{own}"), String::new()),
            (format!("{state}{mine}{own}"), format!("{state}{mine}")),
            (format!("{state}{own}{other}"), format!("{state}{other}")),
            (
                format!("{state}{mine}{own}\n# end\n\n\n"),
                format!("{state}{mine}\n# end\n\n\n"),
            ),
            (
                own.clone() + "# mine\nenabled = false\n",
                "# mine\n".to_owned(),
            ),
            (
                format!("{state}\"{FILE}:permission_request:1:0\" = {{ enabled = false }}\n"),
                String::new(),
            ),
        ] {
            assert_eq!(back(&format!("{with}{noted}")), format!("{FOREIGN}{kept}"));
        }
    }

    #[test]
    fn what_stands_behind_ours_moves_up_with_its_trust() {
        let behind = FOREIGN.replace("model = \"m\"\n", "");
        let with = with(Some("model = \"m\"\n"), &ours()).unwrap();
        let noted = |places: [&str; 2]| {
            format!(
                "\n[hooks.state]\n{}",
                places.map(|at| note(FILE, at)).concat()
            )
        };
        let ours = note(FILE, "0:0");
        let text = format!("{with}{behind}{}{ours}", noted(["2:1", "1:0"]));

        assert_eq!(
            back(&text),
            format!("model = \"m\"\n{behind}{}", noted(["1:1", "0:0"]))
        );
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
    }

    #[test]
    fn what_is_not_as_it_was_written_is_left_to_the_person() {
        let plain = Ours {
            state: "/s".to_owned(),
            ..ours()
        };
        let made = with(None, &plain).unwrap();
        let longer = made.replace("timeout = 10", "timeout = 101");
        let quoted = format!("a = \'\'\'\n{made}\'\'\'\n{longer}");
        for changed in [longer, quoted, made.replace("type", "# mine\ntype")] {
            assert!(
                without(&changed, &[]).unwrap_err().contains("were changed"),
                "{changed}"
            );
        }
    }

    #[test]
    fn a_file_of_ours_is_empty_without_it() {
        let made = with(None, &ours()).unwrap();

        assert!(matches!(without(&made, &[]), Ok(Text::Empty(_))));
    }
}
