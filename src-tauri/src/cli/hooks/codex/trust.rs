//! What Codex notes about the hooks a person trusts: a table below `hooks.state` for each, named by
//! the file, the event, and the hook's place among those of its event.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::edits::Edits;

/// The table of the notes, in `hooks`.
pub(super) const STATE: &str = "state";
/// How Codex calls the event.
const EVENT_KEY: &str = "permission_request";

/// What becomes of a note when the hooks at a place are taken out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is about something else, or about what stands before.
    Stays,
    /// It is about the hooks that are taken out.
    Goes,
    /// It is about what moves up, and gets this name.
    Becomes(String),
}

/// Returns what becomes of the note of this name, in a configuration that Codex knows by one of
/// these `files`.
pub(super) fn fate(name: &str, at: usize, files: &[String]) -> Fate {
    let place = files.iter().find_map(|file| {
        let place = name.strip_prefix(file.as_str())?.strip_prefix(':')?;
        place.strip_prefix(EVENT_KEY)?.strip_prefix(':')
    });
    let number = |digits: &str| digits.parse::<usize>().ok();
    let Some((group, handler)) = place.and_then(|place| place.split_once(':')) else {
        return Fate::Stays;
    };
    match (number(group), number(handler)) {
        (Some(group), Some(_)) if group == at => Fate::Goes,
        (Some(group), Some(handler)) if group > at => {
            let kept = name.len() - place.unwrap_or_default().len();
            let kept = name.get(..kept).unwrap_or_default();
            Fate::Becomes(format!("{kept}{}:{handler}", group - 1))
        }
        (Some(_) | None, Some(_) | None) => Fate::Stays,
    }
}

/// Takes out the notes about the hooks at a place; those about what stands behind it move up with
/// it, so that what a person trusts stays trusted.
pub(super) fn follow(
    edits: &mut Edits,
    text: &str,
    hooks: &DeTable<'_>,
    at: usize,
    files: &[String],
) {
    let Some((heading, state)) = hooks.get_key_value(STATE) else {
        return;
    };
    let DeValue::Table(notes) = state.get_ref() else {
        return;
    };
    let mut n_gone = 0;
    for (name, note) in notes {
        match fate(name.get_ref(), at, files) {
            Fate::Stays => {}
            Fate::Goes => {
                take_out(edits, text, name, note);
                n_gone += 1;
            }
            Fate::Becomes(new) => {
                edits.replace(name.span(), toml::Value::from(new).to_string());
            }
        }
    }
    // Codex makes the heading with the first of them.
    let is_alone = text
        .get(heading.span().end..state.span().end)
        .is_some_and(|rest| rest.trim() == "]");
    if n_gone > 0 && n_gone == notes.len() && is_alone {
        edits.take_block(text, &state.span());
    }
}

fn take_out(
    edits: &mut Edits,
    text: &str,
    name: &Spanned<DeString<'_>>,
    note: &Spanned<DeValue<'_>>,
) {
    let starts_with = |mark| {
        let written = text.get(note.span());
        written.is_some_and(|written| written.starts_with(mark))
    };
    if !starts_with('[') {
        // In one line of the table above.
        edits.take_lines(text, &(name.span().start..note.span().end));
    } else {
        edits.take_block(text, &note.span());
    }
    let DeValue::Table(members) = note.get_ref() else {
        return;
    };
    if starts_with('{') {
        return;
    }
    for (member, value) in members {
        edits.take_lines(text, &(member.span().start..value.span().end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_files_notes_of_our_event_are_touched() {
        let files = ["/h/config.toml".to_owned()];
        let fate = |name| fate(name, 1, &files);

        assert_eq!(fate("/h/config.toml:permission_request:1:0"), Fate::Goes);
        assert_eq!(
            fate("/h/config.toml:permission_request:12:3"),
            Fate::Becomes("/h/config.toml:permission_request:11:3".to_owned())
        );
        for other in [
            "/h/config.toml:permission_request:0:0",
            "/h/config.toml:pre_tool_use:1:0",
            "/srv/h/config.toml:permission_request:1:0",
            "/h/config.toml:permission_request:1",
            "/h/config.toml:permission_request:x:0",
            "/h/hooks.json:permission_request:1:0",
        ] {
            assert_eq!(fate(other), Fate::Stays, "{other}");
        }
    }
}
