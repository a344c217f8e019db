//! Addresses of a task's parts: `codex://task/{id}/{part}`.

use mission_control_core::task::model::TaskId;
use rmcp::model::Resource;

/// A part of a task that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The result as a page.
    Result,
    /// The log for people.
    Log,
    /// What it changed, as a difference.
    Diff,
    /// Facts about the run for whoever looks for a fault.
    Debug,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Result, Self::Log, Self::Diff, Self::Debug];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Log => "log",
            Self::Diff => "diff",
            Self::Debug => "debug",
        }
    }

    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Result => "What came of a delegated task, as a page.",
            Self::Log => "A delegated task's log: its events in words, stamped.",
            Self::Diff => "What a delegated task changed, compared with where it started.",
            Self::Debug => "How a delegated task's program was run: arguments, versions, exit.",
        }
    }

    pub(crate) const fn mime_type(self) -> &'static str {
        match self {
            Self::Result => "text/markdown",
            Self::Log => "text/plain",
            Self::Diff => "text/x-diff",
            Self::Debug => "application/json",
        }
    }
}

/// Returns the address of a part.
pub(crate) fn uri(id: &TaskId, part: Part) -> String {
    format!("codex://task/{id}/{}", part.as_str())
}

/// Reads an address.
pub(crate) fn parse(uri: &str) -> Option<(TaskId, Part)> {
    let (id, part) = uri.strip_prefix("codex://task/")?.split_once('/')?;
    let part = Part::ALL.into_iter().find(|known| known.as_str() == part)?;
    Some((TaskId::parse(id)?, part))
}

/// Returns a part as clients see it.
pub(crate) fn resource(id: &TaskId, title: &str, part: Part) -> Resource {
    let mut resource = Resource::new(uri(id, part), format!("{}-{id}", part.as_str()));
    resource.title = Some(format!("{title} ({})", part.as_str()));
    resource.description = Some(part.about().to_owned());
    resource.mime_type = Some(part.mime_type().to_owned());
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_part() {
        let id = TaskId::parse("0199a2b3-1111-7222-8333-444455556666").unwrap();
        for part in Part::ALL {
            assert_eq!(parse(&uri(&id, part)), Some((id.clone(), part)));
        }
        assert_eq!(parse("codex://task/../../etc/passwd/result"), None);
        assert_eq!(parse(&format!("codex://task/{id}/secret")), None);
    }
}
