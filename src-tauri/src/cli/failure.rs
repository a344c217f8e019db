//! Why a command failed, as a person reads it and as an exit code.

use std::error::Error;
use std::process::ExitCode;

/// A failed command.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    /// What could not be done, as a sentence.
    title: String,
    /// What to do about it, as a sentence.
    hint: Option<String>,
}

/// The kind of failure decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The thing failed.
    Failed,
    /// The command was called wrongly.
    Usage,
    /// It was not found.
    NotFound,
    /// It is not available here.
    NotAvailable,
    /// Standard output was closed by its reader.
    ClosedOutput,
}

impl Failure {
    pub(super) fn new(kind: Kind, title: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) const fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Says what could not be done and why, with all causes.
    pub(super) fn of(error: &dyn Error) -> Self {
        let mut title = format!("Could not {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            title.push_str(": ");
            title.push_str(&cause.to_string());
            source = cause.source();
        }
        title.push('.');
        Self::new(Kind::Failed, title)
    }

    /// Returns what could not be done, as a sentence.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Returns what could not be done and what to do about it, as sentences.
    pub(super) fn sentences(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} {hint}", self.title),
            None => self.title.clone(),
        }
    }

    pub(super) const fn is_closed_output(&self) -> bool {
        matches!(self.kind, Kind::ClosedOutput)
    }

    /// Prints the failure to standard error and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        use std::io::Write as _;
        let mut text = format!("mission-control: {}\n", self.title);
        if let Some(hint) = &self.hint {
            text.push_str(&format!("{hint}\n"));
        }
        let code = ExitCode::from(match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotFound => 3,
            Kind::NotAvailable => 4,
            Kind::ClosedOutput => 0,
        });
        // Without standard error the exit code is all that can be said.
        match std::io::stderr().write_all(text.as_bytes()) {
            Ok(()) | Err(_) => code,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::new(Kind::ClosedOutput, "The output was closed.")
        } else {
            Self::new(
                Kind::Failed,
                format!("Could not write the output: {error}."),
            )
        }
    }
}

impl From<mission_control_engine::store::StoreError> for Failure {
    fn from(error: mission_control_engine::store::StoreError) -> Self {
        super::task::store_failure(&error)
    }
}
