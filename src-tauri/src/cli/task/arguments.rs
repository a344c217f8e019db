//! The parameters of a task as options of the command line.

use clap::Args;
use mission_control_core::task::request::TaskRequest;
use serde_json::{Map, Value};

use crate::cli::failure::{Failure, Kind};

/// The parameters of a task; see the request's own documentation.
#[derive(Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are switches of their own"
)]
pub(in crate::cli) struct RunArguments {
    /// What to do; `-` reads it from standard input
    prompt: Option<String>,
    /// The folder to work in
    #[arg(long, short = 'C', value_name = "FOLDER")]
    cwd: Option<String>,
    /// What the agent may write: read-only, workspace-write, danger-full-access
    #[arg(long, short)]
    sandbox: Option<String>,
    /// The model
    #[arg(long, short)]
    model: Option<String>,
    /// How much the model reasons
    #[arg(long)]
    effort: Option<String>,
    /// A profile of the agent's configuration
    #[arg(long, short)]
    profile: Option<String>,
    /// Override the agent's configuration: KEY=VALUE, the value in JSON or as text
    #[arg(long, short, value_name = "KEY=VALUE")]
    config: Vec<String>,
    /// A further folder it may write
    #[arg(long, value_name = "FOLDER")]
    add_dir: Vec<String>,
    /// An image that goes with the prompt
    #[arg(long, short, value_name = "FILE")]
    image: Vec<String>,
    /// The JSON Schema of the answer: a file
    #[arg(long, value_name = "FILE")]
    output_schema: Option<String>,
    /// Run outside of a git repository, too
    #[arg(long)]
    skip_git_repo_check: bool,
    /// Keep no transcript
    #[arg(long)]
    ephemeral: bool,
    /// The thread to go on with
    #[arg(long, value_name = "ID")]
    thread_id: Option<String>,
    /// Which thread to go on with: none, last, thread
    #[arg(long)]
    resume: Option<String>,
    /// Go on with a copy of the thread
    #[arg(long)]
    fork: bool,
    /// Review instead: uncommitted, base:BRANCH, commit:SHA, prompt
    #[arg(long, value_name = "TARGET")]
    review: Option<String>,
    /// What the agent's commands inherit from the environment: all, core, none
    #[arg(long, value_name = "INHERIT")]
    env_inherit: Option<String>,
    /// Keep only variables that match
    #[arg(long, value_name = "PATTERN")]
    env_include_only: Vec<String>,
    /// Remove variables that match
    #[arg(long, value_name = "PATTERN")]
    env_exclude: Vec<String>,
    /// Give a variable a value
    #[arg(long, value_name = "NAME=VALUE")]
    env_set: Vec<String>,
    /// A checkout of its own: none, worktree, auto
    #[arg(long)]
    isolation: Option<String>,
    /// The commit its checkout starts from
    #[arg(long)]
    base_ref: Option<String>,
    /// Keep its checkout although nothing changed in it
    #[arg(long)]
    keep_worktree: bool,
    /// End it after so many seconds without an event; 0 means never
    #[arg(long, value_name = "SECONDS")]
    idle_timeout_seconds: Option<u32>,
    /// End it after so many seconds in all; 0 means never
    #[arg(long, visible_alias = "timeout", value_name = "SECONDS")]
    hard_timeout_seconds: Option<u32>,
    /// Higher goes first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Names a group of tasks
    #[arg(long)]
    group_id: Option<String>,
    /// A name for people
    #[arg(long)]
    title: Option<String>,
    /// A word to find it by
    #[arg(long)]
    tag: Vec<String>,
    /// The same key gives the same task
    #[arg(long)]
    idempotency_key: Option<String>,
    /// What happens when it ends: signal, none
    #[arg(long)]
    on_finish: Option<String>,
    /// Longest final message in the result, in characters
    #[arg(long)]
    max_output_chars: Option<u32>,
    /// Whether files are to be changed: true, false
    #[arg(long, value_name = "BOOL")]
    expects_changes: Option<bool>,
}

impl RunArguments {
    /// Returns the request; it is read and checked like any other.
    pub(super) fn request(self) -> Result<TaskRequest, Failure> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let texts = |texts: Vec<String>| (!texts.is_empty()).then(|| Value::from(texts));
        let env_policy = self.env_policy()?;
        let review = self.review.as_deref().map(review).transpose()?;
        let config = pairs(&self.config, |text| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
        })?;
        let schema = self.output_schema.as_deref().map(schema).transpose()?;
        put("prompt", prompt(self.prompt)?.map(Value::from));
        put("cwd", self.cwd.map(Value::from));
        put("sandbox", self.sandbox.map(Value::from));
        put("model", self.model.map(Value::from));
        put("effort", self.effort.map(Value::from));
        put("profile", self.profile.map(Value::from));
        put("config", (!config.is_empty()).then(|| config.into()));
        put("add_dirs", texts(self.add_dir));
        put("images", texts(self.image));
        put("output_schema", schema);
        put("skip_git_repo_check", Some(self.skip_git_repo_check.into()));
        put("ephemeral", Some(self.ephemeral.into()));
        put("thread_id", self.thread_id.map(Value::from));
        put("resume", self.resume.map(Value::from));
        put("fork", Some(self.fork.into()));
        put("review", review);
        put("env_policy", env_policy);
        put("isolation", self.isolation.map(Value::from));
        put("base_ref", self.base_ref.map(Value::from));
        put("keep_worktree", Some(self.keep_worktree.into()));
        put(
            "idle_timeout_seconds",
            self.idle_timeout_seconds.map(Value::from),
        );
        put(
            "hard_timeout_seconds",
            self.hard_timeout_seconds.map(Value::from),
        );
        put("priority", self.priority.map(Value::from));
        put("group_id", self.group_id.map(Value::from));
        put("title", self.title.map(Value::from));
        put("tags", texts(self.tag));
        put("idempotency_key", self.idempotency_key.map(Value::from));
        put("on_finish", self.on_finish.map(Value::from));
        put("max_output_chars", self.max_output_chars.map(Value::from));
        put("expects_changes", self.expects_changes.map(Value::from));
        TaskRequest::read(&Value::Object(fields)).map_err(|fault| wrong(fault.to_string()))
    }

    fn env_policy(&self) -> Result<Option<Value>, Failure> {
        let set = pairs(&self.env_set, |text| Value::from(text))?;
        let is_default = self.env_inherit.is_none()
            && self.env_include_only.is_empty()
            && self.env_exclude.is_empty()
            && set.is_empty();
        if is_default {
            return Ok(None);
        }
        let inherit = self.env_inherit.as_deref().unwrap_or("all");
        Ok(Some(serde_json::json!({
            "inherit": inherit,
            "include_only": self.env_include_only,
            "exclude": self.env_exclude,
            "set": set,
        })))
    }
}

fn prompt(prompt: Option<String>) -> Result<Option<String>, Failure> {
    if prompt.as_deref() != Some("-") {
        return Ok(prompt);
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin(), &mut text)
        .map_err(|error| wrong(format!("The prompt cannot be read: {error}.")))?;
    Ok(Some(text))
}

fn review(target: &str) -> Result<Value, Failure> {
    let json = match target.split_once(':') {
        None if target == "uncommitted" || target == "prompt" => {
            serde_json::json!({ "type": target })
        }
        Some(("base", branch)) => serde_json::json!({ "type": "base", "branch": branch }),
        Some(("commit", sha)) => serde_json::json!({ "type": "commit", "sha": sha }),
        Some(_) | None => {
            return Err(wrong(format!(
                "`{target}` is no target of a review: `uncommitted`, `base:BRANCH`, `commit:SHA` or `prompt`."
            )));
        }
    };
    Ok(json)
}

fn schema(path: &str) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("The schema `{path}` cannot be read: {error}.")))?;
    serde_json::from_str(&text)
        .map_err(|error| wrong(format!("The schema `{path}` is no JSON: {error}.")))
}

fn pairs(texts: &[String], value: impl Fn(&str) -> Value) -> Result<Map<String, Value>, Failure> {
    texts
        .iter()
        .map(|text| {
            let (name, given) = text
                .split_once('=')
                .ok_or_else(|| wrong(format!("`{text}` has no `=`.")))?;
            Ok((name.to_owned(), value(given)))
        })
        .collect()
}

fn wrong(title: String) -> Failure {
    Failure::new(Kind::Usage, title)
}
