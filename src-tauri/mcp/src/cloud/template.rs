//! Templates of environments as resources: `codex://environment-template/{name}`.

use rmcp::model::Resource;
use serde_json::{Map, Value, json};

use super::Stack;

const PREFIX: &str = "codex://environment-template/";

/// A template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// A repository at GitHub, of some stack.
    GitHub(Stack),
    /// An environment without anything in particular.
    Basic,
}

impl Template {
    pub(crate) const ALL: [Self; 5] = [
        Self::GitHub(Stack::Node),
        Self::GitHub(Stack::Python),
        Self::GitHub(Stack::Go),
        Self::GitHub(Stack::Rust),
        Self::Basic,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::GitHub(Stack::Node) => "github-node-typescript",
            Self::GitHub(Stack::Python) => "github-python",
            Self::GitHub(Stack::Go) => "github-go",
            Self::GitHub(Stack::Rust) => "github-rust",
            Self::Basic => "basic-codex-cloud",
        }
    }

    fn title(self) -> String {
        match self {
            Self::GitHub(stack) => format!("Codex Cloud environment: {}", stack.title()),
            Self::Basic => "Codex Cloud environment: basic".to_owned(),
        }
    }

    /// Returns what to fill into the environment's settings.
    pub(crate) fn content(self) -> Value {
        let (install, refresh, variables, secrets) = match self {
            Self::GitHub(stack) => (
                stack.install(),
                stack.refresh(),
                stack.variables(),
                json!([{
                    "name": "GITHUB_TOKEN",
                    "needed": "Only where the setup fetches private packages or uses `gh`.",
                    "permissions": ["Contents: read", "Metadata: read"],
                }]),
            ),
            Self::Basic => (
                "echo \"Nothing to install.\"",
                "echo \"Nothing to refresh.\"",
                &[][..],
                json!([]),
            ),
        };
        let variables: Map<String, Value> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        json!({
            "name": self.name(),
            "setupScript": script(install),
            "maintenanceScript": script(refresh),
            "requiredSecrets": secrets,
            "environmentVariables": variables,
            "instructions": [
                "Open the settings of Codex Cloud, make an environment and choose the repository.",
                "Fill in setup script, maintenance script, variables and secrets from here.",
                "The setup runs once, with network and with the secrets; what it installs is kept.",
                "The maintenance script runs when a kept container is used for another commit.",
                "Secrets are gone when the agent starts, and it may have no network: install everything before.",
                "Hand in a small task with codex_cloud_submit to see that it works.",
            ],
        })
    }
}

/// Returns a whole script: it stops at the first step that fails, and says which.
pub(super) fn script(steps: &str) -> String {
    format!("#!/usr/bin/env bash\nset -euxo pipefail\n{steps}\n")
}

pub(crate) fn uri(template: Template) -> String {
    format!("{PREFIX}{}", template.name())
}

/// Reads the address of a template; none if it is an address of something else, an error if
/// there is no such template.
pub(crate) fn template_named(uri: &str) -> Option<Result<Template, &str>> {
    let name = uri.strip_prefix(PREFIX)?;
    let known = Template::ALL.into_iter().find(|known| known.name() == name);
    Some(known.ok_or(name))
}

/// Returns a template as clients see it.
pub(crate) fn resource(template: Template) -> Resource {
    let mut resource = Resource::new(uri(template), template.name());
    resource.title = Some(template.title());
    resource.description =
        Some("Scripts, variables and secrets for an environment of Codex Cloud.".to_owned());
    resource.mime_type = Some("application/json".to_owned());
    resource
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn an_address_leads_back_to_its_template() {
        for template in Template::ALL {
            assert_eq!(template_named(&uri(template)), Some(Ok(template)));
        }
        assert_eq!(
            template_named("codex://environment-template/cobol"),
            Some(Err("cobol"))
        );
        assert_eq!(template_named("codex://task/x/log"), None);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "bash itself says whether it is bash"
    )]
    fn the_scripts_are_scripts() {
        for template in Template::ALL {
            let content = template.content();
            for name in ["setupScript", "maintenanceScript"] {
                let script = content[name].as_str().unwrap();
                let mut bash = Command::new("bash");
                let mut bash = bash.arg("-n").stdin(Stdio::piped()).spawn().unwrap();
                let mut stdin = bash.stdin.take().unwrap();
                stdin.write_all(script.as_bytes()).unwrap();
                drop(stdin);
                assert!(bash.wait().unwrap().success(), "{} {name}", template.name());
            }
        }
    }
}
