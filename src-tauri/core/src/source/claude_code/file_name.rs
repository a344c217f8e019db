//! What the names of transcripts and of their folders say.

/// Longest name of a project's folder before it is cut and a checksum added.
const FOLDER_CHARS: usize = 200;

/// Returns whether `text` is the id of a session that a person or program started.
#[must_use]
pub fn is_session_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns the session whose transcript has this name.
#[must_use]
pub fn session_of_file(name: &str) -> Option<&str> {
    name.strip_suffix(".jsonl").filter(|id| is_session_id(id))
}

/// Returns the sub-agent whose transcript has this name.
#[must_use]
pub fn agent_of_file(name: &str) -> Option<&str> {
    let id = name.strip_prefix("agent-")?.strip_suffix(".jsonl")?;
    let is_id = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    is_id.then_some(id)
}

/// Returns how the folder of the sessions that were started in `cwd` is called: its whole name, or
/// its beginning where the name is cut.
#[must_use]
pub fn folder_of_cwd(cwd: &str) -> (String, IsWhole) {
    let mut name = String::with_capacity(cwd.len());
    for c in cwd.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else {
            // Counted in units of UTF-16, as the agent does.
            name.extend(std::iter::repeat_n('-', c.len_utf16()));
        }
    }
    if name.len() <= FOLDER_CHARS {
        return (name, IsWhole::Yes);
    }
    name.truncate(FOLDER_CHARS);
    (name, IsWhole::No)
}

/// Whether a name is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsWhole {
    /// It is.
    Yes,
    /// More follows it.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_ids() {
        let id = "f6aee77e-ddfa-43ea-8fe1-fb91d0cde38d";

        assert_eq!(session_of_file(&format!("{id}.jsonl")), Some(id));
        assert_eq!(session_of_file("notes.jsonl"), None);
        assert_eq!(session_of_file(id), None);
        assert_eq!(
            agent_of_file("agent-a48295e77bc88b10a.jsonl"),
            Some("a48295e77bc88b10a")
        );
        assert_eq!(agent_of_file("agent-a48295e77bc88b10a.meta.json"), None);
        assert_eq!(agent_of_file("agent-.jsonl"), None);
        assert_eq!(agent_of_file("agent-a b.jsonl"), None);
    }

    #[test]
    fn a_folder_is_named_after_the_working_folder() {
        let whole = |text: &str| (text.to_owned(), IsWhole::Yes);
        assert_eq!(
            folder_of_cwd("/home/dev/a.b/c_d"),
            whole("-home-dev-a-b-c-d")
        );
        assert_eq!(folder_of_cwd("/ä/🦀"), whole("-----"));
        let (cut, is_whole) = folder_of_cwd(&"/x".repeat(150));
        assert_eq!((cut.len(), is_whole), (200, IsWhole::No));
    }
}
