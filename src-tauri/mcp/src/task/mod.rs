//! Delegated tasks as clients see them.

pub(crate) mod extension;
pub(crate) mod progress;
pub(crate) mod uri;
pub(crate) mod view;
pub(crate) mod waiting;
