//! The guide to an environment for one repository at GitHub, in eight parts.

use super::template::script;
use super::{Stack, Template};

/// What a guide is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guide<'a> {
    /// The repository's address.
    pub(crate) repo_url: &'a str,
    /// What it is built with.
    pub(crate) stack: Stack,
    /// The name commits carry.
    pub(crate) git_user_name: &'a str,
    /// The address commits carry.
    pub(crate) git_user_email: &'a str,
}

/// Why there is no guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuideError {
    /// The address is none of a repository at GitHub.
    NotGitHub,
}

/// Returns the guide as Markdown.
pub(crate) fn guide(guide: &Guide<'_>) -> Result<String, GuideError> {
    let repository = repository(guide.repo_url).ok_or(GuideError::NotGitHub)?;
    let stack = guide.stack;
    let name = quoted(guide.git_user_name);
    let email = quoted(guide.git_user_email);
    let setup = script(&format!(
        "git config --global user.name {name}\ngit config --global user.email {email}\n{}",
        stack.install()
    ));
    let maintenance = script(stack.refresh());
    let variables: String = stack
        .variables()
        .iter()
        .map(|(name, value)| format!("| `{name}` | `{value}` |\n"))
        .collect();
    let template = super::uri(Template::GitHub(stack));
    let check = stack.check();
    let title = stack.title();
    Ok(format!(
        "# {repository} in Codex Cloud ({title})\n\n\
         ## 1. What you need\n\n\
         A ChatGPT plan with Codex Cloud, `codex login` done on this machine, and the right to \
         connect {repository} with Codex at GitHub. Codex Cloud fetches the repository through \
         that connection; tasks start from a branch that is pushed.\n\n\
         ## 2. A token, if one is needed\n\n\
         Only where the setup fetches private packages or calls `gh`: make a fine-grained token \
         at GitHub for {repository} alone, with *Contents: read* and *Metadata: read*, and an end \
         date. To open pull requests by `gh` it also needs *Pull requests: read and write*.\n\n\
         ## 3. The environment\n\n\
         In the settings of Codex Cloud make an environment, choose {repository}, and note its \
         name or id: codex_cloud_submit takes it as `environment`. The same values as below are \
         in the resource {template}.\n\n\
         ## 4. Variables and secrets\n\n\
         | variable | value |\n|---|---|\n{variables}\n\
         The token of part 2 goes in as the *secret* `GITHUB_TOKEN`. Secrets exist during the \
         setup only; never put one into a variable or a script.\n\n\
         ## 5. Setup script\n\n\
         It runs once, with network. What it installs is kept for later tasks.\n\n\
         ```bash\n{setup}```\n\n\
         ## 6. Maintenance script\n\n\
         It runs when a kept container is used again for another commit.\n\n\
         ```bash\n{maintenance}```\n\n\
         ## 7. A first task\n\n\
         Hand in with codex_cloud_submit: *Run `{check}` and report what passes and what fails. \
         Change nothing.* Then codex_wait; its page shows the log.\n\n\
         ## 8. When it does not work\n\n\
         | you see | then |\n|---|---|\n\
         | not signed in | run `codex login`, with ChatGPT rather than an API key |\n\
         | environment not found | take the id or name exactly as the settings show it; `codex cloud` lists all |\n\
         | branch not found | push it: the cloud does not see this machine |\n\
         | a download fails in the task | the agent may have no network: move it into the setup script |\n\
         | a secret is empty in the task | secrets end with the setup: do there what needs them |\n\
         | old dependencies | reset the environment's cache in its settings |\n\
         | changes do not apply | `codex_apply` shows the difference; update the branch first |\n"
    ))
}

/// Returns `owner/name`.
fn repository(url: &str) -> Option<String> {
    let path = url.trim().strip_prefix("https://github.com/")?;
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, name) = path.split_once('/')?;
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    (is_name(owner) && is_name(name)).then(|| format!("{owner}/{name}"))
}

/// Returns a word that a shell takes as it is.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: Guide<'_> = Guide {
        repo_url: "https://github.com/acme/acme.git",
        stack: Stack::Rust,
        git_user_name: "O'Neil; rm -rf /",
        git_user_email: "dev@acme.example",
    };

    #[test]
    fn a_guide_has_eight_parts_and_hostile_names_stay_names() {
        let page = guide(&ACME).unwrap();

        let parts = page.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(parts, 8);
        assert!(
            page.contains("acme/acme") && page.contains("cargo fetch"),
            "{page}"
        );
        assert!(page.contains(r"user.name 'O'\''Neil; rm -rf /'"), "{page}");
        assert!(
            page.contains("codex://environment-template/github-rust"),
            "{page}"
        );
    }

    #[test]
    fn only_repositories_at_github_have_one() {
        for url in [
            "http://github.com/acme/acme",
            "https://github.com/acme",
            "https://example.com/acme/acme",
            "https://github.com/acme/acme/tree/main",
            "https://github.com/acme/$(id)",
        ] {
            let other = Guide {
                repo_url: url,
                ..ACME
            };
            assert_eq!(guide(&other), Err(GuideError::NotGitHub), "{url}");
        }
    }
}
