//! Delegated work for `codex exec`: its command line, and what its transcript adds afterwards.
//!
//! Starts nothing and decides nothing.

mod transcript;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::source::Source;
use mission_control_core::task::request::{
    EnvInherit, RequestFault, ReviewTarget, Sandbox, TaskRequest, ThreadChoice,
};
use serde_json::Value;

pub(crate) use transcript::{after, tokens_so_far};

use super::lock_file;
use crate::locks::{LockState, LockTable};

/// Longest prompt that is handed over as an argument; the system takes 128 kB.
const MAX_ARGUMENT_BYTES: usize = 100_000;

/// What the agent's commands see of the environment, in the agent's configuration.
const ENVIRONMENT: &str = "shell_environment_policy";

/// Parts of the agent's configuration that decide what it may do, or that start programs.
const GUARDED: &[&str] = &[
    "approval_policy",
    "default_permissions",
    "hooks",
    "mcp_servers",
    "notify",
    "permissions",
    "profile",
    "profiles",
    "projects",
    "sandbox_mode",
    "sandbox_permissions",
    "sandbox_workspace_write",
];

/// How the agent is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// What goes to its standard input; none means that it is closed.
    pub(crate) stdin: Option<String>,
    /// The schema of its answer, to be written to the file that the arguments name.
    pub(crate) schema: Option<Value>,
}

/// Where the agent's files are and what a call may refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallPlaces<'a> {
    /// Where the schema of the answer will be.
    pub(crate) schema_file: &'a Utf8Path,
    /// The name under which this program's own tool server is known, as far as it is.
    pub(crate) own_servers: &'a [String],
}

/// Returns the arguments for a request.
pub(crate) fn call(request: &TaskRequest, places: CallPlaces<'_>) -> Result<Call, RequestFault> {
    let thread = request.thread_choice()?;
    check_config(request)?;
    let prompt = prompt_of(request, &thread);
    let is_argument = !cfg!(windows)
        && prompt.len() <= MAX_ARGUMENT_BYTES
        && prompt != "-"
        && !prompt.contains('\0');

    let mut arguments = vec!["exec".to_owned()];
    if let Some(profile) = &request.profile {
        arguments.extend(["-p".to_owned(), profile.clone()]);
    }
    // Sub-commands take neither the sandbox nor further folders: both go by configuration there.
    match &thread {
        ThreadChoice::New => {
            arguments.extend(["-s".to_owned(), request.sandbox.as_str().to_owned()]);
            for folder in &request.add_dirs {
                arguments.extend(["--add-dir".to_owned(), folder.clone()]);
            }
        }
        ThreadChoice::Review(_) => arguments.push("review".to_owned()),
        ThreadChoice::Resume(_) | ThreadChoice::ResumeLast => arguments.push("resume".to_owned()),
        ThreadChoice::Fork(_) => arguments.push("fork".to_owned()),
    }
    arguments.push("--json".to_owned());
    for (key, value) in &request.config {
        override_with(&mut arguments, key, value.clone());
    }
    // Of two overrides the later one counts, and any of them counts more than a profile, which may
    // name a sandbox of its own. So what was consented to stands behind what the caller wrote.
    if thread != ThreadChoice::New {
        override_with(&mut arguments, "sandbox_mode", request.sandbox.as_str());
        if !request.add_dirs.is_empty() {
            let folders = Value::from(request.add_dirs.clone());
            override_with(
                &mut arguments,
                "sandbox_workspace_write.writable_roots",
                folders,
            );
        }
    }
    if let Some(model) = &request.model {
        arguments.extend(["-m".to_owned(), model.clone()]);
    }
    if let Some(effort) = &request.effort {
        override_with(&mut arguments, "model_reasoning_effort", effort.as_str());
    }
    environment_overrides(request, &mut arguments);
    for server in places.own_servers {
        let key = format!("mcp_servers.{server}.enabled");
        override_with(&mut arguments, &key, false);
    }
    if request.skip_git_repo_check {
        arguments.push("--skip-git-repo-check".to_owned());
    }
    if request.ephemeral {
        arguments.push("--ephemeral".to_owned());
    }
    if request.output_schema.is_some() {
        let file = places.schema_file.to_string();
        arguments.extend(["--output-schema".to_owned(), file]);
    }
    for image in &request.images {
        arguments.extend(["-i".to_owned(), image.clone()]);
    }
    let mut has_prompt = true;
    let mut positional = Vec::new();
    match &thread {
        ThreadChoice::New => {}
        ThreadChoice::ResumeLast => arguments.push("--last".to_owned()),
        ThreadChoice::Resume(id) | ThreadChoice::Fork(id) => positional.push(id.clone()),
        ThreadChoice::Review(target) if request.prompt.trim().is_empty() => {
            has_prompt = false;
            match target {
                ReviewTarget::Uncommitted {} | ReviewTarget::Prompt {} => {
                    arguments.push("--uncommitted".to_owned());
                }
                ReviewTarget::Base { branch } => {
                    arguments.extend(["--base".to_owned(), branch.clone()]);
                }
                ReviewTarget::Commit { sha } => {
                    arguments.extend(["--commit".to_owned(), sha.clone()]);
                }
            }
        }
        ThreadChoice::Review(_) => {}
    }
    if has_prompt {
        positional.push(if is_argument {
            prompt.clone()
        } else {
            "-".to_owned()
        });
    }
    if !positional.is_empty() {
        arguments.push("--".to_owned());
        arguments.extend(positional);
    }
    Ok(Call {
        arguments,
        stdin: (has_prompt && !is_argument).then_some(prompt),
        schema: request.output_schema.clone(),
    })
}

/// Refuses overrides of the agent's configuration that reach further than the sandbox that was
/// asked for. Whoever runs without a sandbox was consented to.
pub(crate) fn check_config(request: &TaskRequest) -> Result<(), RequestFault> {
    if request.sandbox == Sandbox::DangerFullAccess {
        return Ok(());
    }
    let is_guarded = |key: &&String| {
        let part = first_part(key);
        GUARDED.contains(&part) || (part == ENVIRONMENT && request.env_policy.is_some())
    };
    match request.config.keys().find(is_guarded) {
        None => Ok(()),
        Some(key) => Err(RequestFault::GuardedConfig { key: key.clone() }),
    }
}

/// Returns the table or value that an override changes. A key that holds `=` is cut where the
/// agent cuts it.
fn first_part(key: &str) -> &str {
    let part = key.split(['.', '=']).next().unwrap_or_default();
    part.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'')
}

/// Returns overrides without the values of variables that are set for the agent's commands.
pub(crate) fn config_without_values(config: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let blanked = |key: &str, value: &Value| {
        if may_set_variables(key) {
            Value::from("[redacted]")
        } else {
            value.clone()
        }
    };
    config
        .iter()
        .map(|(key, value)| (key.clone(), blanked(key, value)))
        .collect()
}

fn may_set_variables(key: &str) -> bool {
    first_part(key) == ENVIRONMENT && (key.trim() == ENVIRONMENT || key.contains("set"))
}

/// Returns arguments without the values of variables that are set for the agent's commands: they
/// may be secret whatever they look like.
pub(crate) fn without_values(arguments: &[String]) -> Vec<String> {
    let assigns = |argument: &String| {
        let (key, _) = argument.split_once('=')?;
        may_set_variables(key).then(|| format!("{key}=[redacted]"))
    };
    arguments
        .iter()
        .map(|argument| assigns(argument).unwrap_or_else(|| argument.clone()))
        .collect()
}

/// A review takes either a target or instructions: with both, the instructions name the target.
fn prompt_of(request: &TaskRequest, thread: &ThreadChoice) -> String {
    let prompt = &request.prompt;
    match thread {
        ThreadChoice::Review(ReviewTarget::Uncommitted {}) => {
            format!("Review the changes that are not committed. {prompt}")
        }
        ThreadChoice::Review(ReviewTarget::Base { branch }) => {
            format!("Review all changes since the branch `{branch}`. {prompt}")
        }
        ThreadChoice::Review(ReviewTarget::Commit { sha }) => {
            format!("Review the commit {sha}. {prompt}")
        }
        ThreadChoice::New
        | ThreadChoice::Review(ReviewTarget::Prompt {})
        | ThreadChoice::Resume(_)
        | ThreadChoice::ResumeLast
        | ThreadChoice::Fork(_) => prompt.clone(),
    }
}

fn environment_overrides(request: &TaskRequest, arguments: &mut Vec<String>) {
    let Some(policy) = &request.env_policy else {
        return;
    };
    let inherit = match policy.inherit {
        EnvInherit::All => "all",
        EnvInherit::Core => "core",
        EnvInherit::None => "none",
    };
    override_with(arguments, "shell_environment_policy.inherit", inherit);
    for (key, names) in [
        ("include_only", &policy.include_only),
        ("exclude", &policy.exclude),
    ] {
        if !names.is_empty() {
            let key = format!("shell_environment_policy.{key}");
            override_with(arguments, &key, Value::from(names.clone()));
        }
    }
    for (name, value) in &policy.set {
        let key = format!("shell_environment_policy.set.{name}");
        override_with(arguments, &key, value.as_str());
    }
}

/// Writes an override the way the agent reads it: a value in TOML.
fn override_with(arguments: &mut Vec<String>, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let toml = match toml::Value::try_from(&value) {
        Ok(toml) => toml.to_string(),
        // What TOML cannot say, such as null, is handed on as it is and refused by the agent.
        Err(_) => value.to_string(),
    };
    arguments.extend(["-c".to_owned(), format!("{key}={toml}")]);
}

/// Returns the names under which `is_own` knows a tool server in the agent's configuration.
pub(crate) fn tool_servers(home: &Utf8Path, is_own: impl Fn(&str) -> bool) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(home.join("config.toml")) else {
        return Vec::new();
    };
    let Ok(config) = text.parse::<toml::Table>() else {
        return Vec::new();
    };
    let servers = config.get("mcp_servers").and_then(toml::Value::as_table);
    servers
        .into_iter()
        .flatten()
        .filter(|(_, server)| {
            let command = server.get("command").and_then(toml::Value::as_str);
            command.is_some_and(&is_own)
        })
        .map(|(name, _)| name.clone())
        .collect()
}

/// Whether another process writes a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadUse {
    /// Somebody does.
    Written,
    /// Nobody does, as far as can be seen.
    Free,
}

/// Returns whether another process writes a thread now.
pub(crate) fn thread_use(home: &Utf8Path, thread: &str) -> ThreadUse {
    match LockTable::read().state_of(&lock_file(home, thread)) {
        LockState::Held(_) | LockState::HeldUnseen => ThreadUse::Written,
        LockState::Free | LockState::Absent | LockState::Unknown => ThreadUse::Free,
    }
}

/// Whose sessions delegated tasks are.
pub(crate) const SOURCE: Source = Source::Codex;

/// The agent's program, by name.
pub(crate) const PROGRAM: &str = "codex";

/// The variable that names the agent's home.
const HOME_VARIABLE: &str = "CODEX_HOME";

/// Returns the variables that tell the agent where its home is.
pub(crate) fn variables(home: &Utf8Path) -> BTreeMap<String, String> {
    BTreeMap::from([(HOME_VARIABLE.to_owned(), home.to_string())])
}

/// Returns the program in one of `folders`.
pub(crate) fn program_in(folders: &[Utf8PathBuf]) -> Option<Utf8PathBuf> {
    let names: &[&str] = if cfg!(windows) {
        &["codex.exe", "codex.cmd"]
    } else {
        &[PROGRAM]
    };
    folders
        .iter()
        .flat_map(|folder| names.iter().map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

/// Returns whether a request may change files.
pub(crate) fn may_write(request: &TaskRequest) -> bool {
    match request.sandbox {
        Sandbox::ReadOnly => false,
        Sandbox::WorkspaceWrite | Sandbox::DangerFullAccess => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(request: Value, expected: &str) {
        let request = TaskRequest::read(&request).unwrap();
        let places = CallPlaces {
            schema_file: "/t/schema.json".into(),
            own_servers: &[],
        };

        let call = call(&request, places).unwrap();

        assert_eq!(call.arguments.join(" "), expected);
    }

    #[test]
    fn a_new_thread() {
        check(
            json!({"prompt": "fix it"}),
            "exec -s read-only --json -- fix it",
        );
        check(
            json!({"prompt": "-x", "sandbox": "workspace-write", "add_dirs": ["/a"], "model": "m",
                   "effort": "high", "profile": "p", "skip_git_repo_check": true, "ephemeral": true,
                   "images": ["/i.png"], "output_schema": {}, "config": {"a.b": [1, "x"]}}),
            "exec -p p -s workspace-write --add-dir /a --json -c a.b=[1, \"x\"] -m m \
             -c model_reasoning_effort=\"high\" --skip-git-repo-check --ephemeral --output-schema /t/schema.json \
             -i /i.png -- -x",
        );
    }

    #[test]
    fn going_on_with_a_thread() {
        check(
            json!({"prompt": "more", "thread_id": "t1", "sandbox": "workspace-write", "add_dirs": ["/a"]}),
            "exec resume --json -c sandbox_mode=\"workspace-write\" \
             -c sandbox_workspace_write.writable_roots=[\"/a\"] -- t1 more",
        );
        check(
            json!({"prompt": "more", "resume": "last"}),
            "exec resume --json -c sandbox_mode=\"read-only\" --last -- more",
        );
        check(
            json!({"prompt": "else", "thread_id": "t1", "fork": true}),
            "exec fork --json -c sandbox_mode=\"read-only\" -- t1 else",
        );
    }

    #[test]
    fn reviews() {
        check(
            json!({"review": {"type": "base", "branch": "main"}}),
            "exec review --json -c sandbox_mode=\"read-only\" --base main",
        );
        check(
            json!({"prompt": "Look at locks.", "review": {"type": "uncommitted"}}),
            "exec review --json -c sandbox_mode=\"read-only\" -- Review the changes that are not \
             committed. Look at locks.",
        );
    }

    #[test]
    fn what_was_consented_to_stands_behind_the_callers_overrides() {
        check(
            json!({"prompt": "x", "thread_id": "t1", "profile": "p", "effort": "low",
                   "config": {"model_reasoning_effort": "high"}}),
            "exec -p p resume --json -c model_reasoning_effort=\"high\" \
             -c sandbox_mode=\"read-only\" -c model_reasoning_effort=\"low\" -- t1 x",
        );
    }

    #[test]
    fn overrides_that_reach_further_than_the_sandbox_are_refused() {
        let checked = |request: Value| check_config(&TaskRequest::read(&request).unwrap());
        let guarded = |key: &str| {
            Err(RequestFault::GuardedConfig {
                key: key.to_owned(),
            })
        };

        for key in [
            "sandbox_mode",
            "sandbox_workspace_write.network_access",
            " \"sandbox_mode\" ",
            "'permissions'.x",
            "sandbox_mode=\"danger-full-access\" #",
            "default_permissions",
            "mcp_servers.x.command",
            "notify",
            "hooks.x",
            "profiles.x.sandbox_mode",
        ] {
            let request = json!({"prompt": "x", "config": {key: "danger-full-access"}});
            assert_eq!(checked(request), guarded(key));
        }
        let environment = "shell_environment_policy.inherit";
        assert_eq!(
            checked(json!({"prompt": "x", "config": {environment: "all"}, "env_policy": {}})),
            guarded(environment)
        );
        assert_eq!(
            checked(json!({"prompt": "x", "config": {environment: "all", "model": "m"}})),
            Ok(())
        );
        assert_eq!(
            checked(
                json!({"prompt": "x", "sandbox": "danger-full-access", "config": {"notify": []}})
            ),
            Ok(())
        );
    }

    #[test]
    fn the_environment_of_commands() {
        check(
            json!({"prompt": "x", "env_policy": {"inherit": "core", "exclude": ["*_KEY"], "set": {"A": "b\"c"}}}),
            "exec -s read-only --json -c shell_environment_policy.inherit=\"core\" \
             -c shell_environment_policy.exclude=[\"*_KEY\"] \
             -c shell_environment_policy.set.A='b\"c' -- x",
        );
    }

    #[test]
    fn values_of_variables_are_not_among_what_is_kept() {
        let request = TaskRequest::read(
            &json!({"prompt": "x=y", "env_policy": {"set": {"A": "b=c"}},
            "model": "m"}),
        )
        .unwrap();
        let places = CallPlaces {
            schema_file: "/s".into(),
            own_servers: &[],
        };

        let call = call(&request, places).unwrap();

        assert_eq!(
            without_values(&call.arguments).join(" "),
            "exec -s read-only --json -m m -c shell_environment_policy.inherit=\"all\" \
             -c shell_environment_policy.set.A=[redacted] -- x=y"
        );
        let whole = "shell_environment_policy={set={A=\"b\"}}".to_owned();
        assert_eq!(
            without_values(&[whole]),
            ["shell_environment_policy=[redacted]"]
        );
    }

    #[test]
    fn a_prompt_too_long_for_an_argument_goes_to_standard_input() {
        let request = TaskRequest {
            prompt: "x".repeat(MAX_ARGUMENT_BYTES + 1),
            ..TaskRequest::default()
        };
        let places = CallPlaces {
            schema_file: "/s".into(),
            own_servers: &["mc".to_owned()],
        };

        let call = call(&request, places).unwrap();

        assert_eq!(call.stdin, Some(request.prompt));
        assert_eq!(
            call.arguments.join(" "),
            "exec -s read-only --json -c mcp_servers.mc.enabled=false -- -"
        );
    }
}
