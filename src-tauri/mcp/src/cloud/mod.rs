//! Setting up an environment in Codex Cloud: templates by stack, and a guide for one repository.

mod guide;
mod stack;
mod template;

pub(crate) use guide::{Guide, GuideError, guide};
pub(crate) use stack::Stack;
pub(crate) use template::{Template, resource, template_named, uri};
