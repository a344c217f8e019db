//! Who owns one session at this moment.

use std::collections::BTreeSet;

use mission_control_core::process::ProcessKey;

use crate::task::mark::ProcessMark;

/// What a fresh look at one session's owner found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// This process holds it.
    Held(Owner),
    /// Processes run that could hold it; which one cannot be known here.
    Possible {
        /// One of them.
        pid: u32,
    },
    /// Nobody holds it.
    Free,
    /// It cannot be known.
    Unknown {
        /// Why, as a sentence.
        why: String,
    },
}

/// The process that holds a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The process, as sessions name it.
    pub(crate) key: ProcessKey,
    /// The same process, so that no other can be mistaken for it later.
    pub(crate) mark: ProcessMark,
    /// Its short name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) serves: Serves,
    /// The sessions it holds, by the source's ids.
    pub(crate) holds: BTreeSet<String>,
}

/// Whom a process serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    /// One front end: it is the front end.
    Itself,
    /// One prompt: it leaves once that is answered.
    OnePrompt,
    /// Whoever connects: other programs rely on it.
    Others,
}
