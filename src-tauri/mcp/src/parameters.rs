//! What a tool can be given: its schema, and reading arguments against it.
//!
//! Names are `snake_case`; other spellings of them and known aliases are understood.

use std::collections::BTreeSet;
use std::time::Duration;

use mission_control_core::spelling::{self, snake_case};
use mission_control_core::task::failure::{ErrorCode, TaskError};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::answer::fault;

/// One parameter of a tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// What it is for, as a sentence.
    pub(crate) about: &'static str,
    /// Other names it is known by.
    pub(crate) aliases: &'static [&'static str],
    /// Whether it has to be given.
    pub(crate) need: Need,
}

/// Whether a parameter has to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It has to.
    Required,
    /// It may be left out.
    Optional,
    /// It is understood for the sake of older callers, and not listed.
    Unlisted,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number, at least and at most.
    Integer(i64, i64),
    /// True or false.
    Flag,
    /// A list of texts.
    Texts,
    /// An object of its own shape.
    Object,
}

impl Parameter {
    pub(crate) const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            about,
            aliases: &[],
            need: Need::Optional,
        }
    }

    pub(crate) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            need: Need::Required,
            ..Self::optional(name, kind, about)
        }
    }

    pub(crate) const fn unlisted(name: &'static str, kind: Kind) -> Self {
        Self {
            need: Need::Unlisted,
            ..Self::optional(name, kind, "")
        }
    }

    pub(crate) const fn or(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Choice(words) => json!({ "type": "string", "enum": words }),
            Kind::Integer(least, most) => {
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Object => json!({ "type": "object" }),
        };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), self.about.into());
        }
        schema
    }

    /// Returns the value in the form the parameter takes. Models write numbers, flags and lists
    /// as text now and then; what can only mean one thing is understood.
    fn read(&self, value: Value) -> Result<Value, TaskError> {
        let is_read = match (self.kind, &value) {
            (Kind::Text, Value::String(_)) | (Kind::Flag, Value::Bool(_)) => true,
            (Kind::Choice(words), Value::String(word)) => {
                let word = snake_case(word);
                let meant = words.iter().find(|known| snake_case(known) == word);
                if let Some(meant) = meant {
                    return Ok((*meant).into());
                }
                false
            }
            (Kind::Integer(least, most), Value::Number(number)) => number
                .as_i64()
                .or_else(|| whole(number.as_f64()?))
                .is_some_and(|number| (least..=most).contains(&number)),
            (Kind::Texts, Value::Array(items)) => items.iter().all(Value::is_string),
            (Kind::Object, Value::Object(_)) => true,
            (Kind::Texts, Value::String(text)) if !text.trim_start().starts_with('[') => {
                return Ok(json!([text]));
            }
            (Kind::Integer(..) | Kind::Flag | Kind::Object | Kind::Texts, Value::String(text)) => {
                if let Ok(value) = serde_json::from_str::<Value>(text)
                    && !value.is_string()
                {
                    return self.read(value);
                }
                false
            }
            (
                Kind::Text
                | Kind::Choice(_)
                | Kind::Integer(..)
                | Kind::Flag
                | Kind::Texts
                | Kind::Object,
                _,
            ) => false,
        };
        if is_read {
            // A whole number may be written as `5.0`.
            let number = value.as_f64().filter(|_| !value.is_i64()).and_then(whole);
            return Ok(number.map_or(value, Value::from));
        }
        let wanted = match self.kind {
            Kind::Text => "text".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Flag => "true or false".to_owned(),
            Kind::Texts => "a list of texts".to_owned(),
            Kind::Object => "an object".to_owned(),
        };
        Err(fault(
            ErrorCode::Validation,
            format!("`{}` takes {wanted}.", self.name),
        ))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers of moderate size get there"
)]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

/// Returns the JSON Schema of a tool's arguments: a plain object.
pub(crate) fn schema(parameters: &[Parameter]) -> Map<String, Value> {
    let properties: Map<String, Value> = parameters
        .iter()
        .filter(|parameter| parameter.need != Need::Unlisted)
        .map(|parameter| (parameter.name.to_owned(), parameter.schema()))
        .collect();
    let required: Vec<&str> = parameters
        .iter()
        .filter(|parameter| parameter.need == Need::Required)
        .map(|parameter| parameter.name)
        .collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

/// Arguments that were read: only known names, each of the right form.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    values: Map<String, Value>,
    /// The names as they were written.
    spellings: BTreeSet<String>,
    read_at: Instant,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            values: Map::new(),
            spellings: BTreeSet::new(),
            read_at: Instant::now(),
        }
    }
}

impl Arguments {
    /// Reads arguments. A null counts as not given.
    ///
    /// # Errors
    /// When a name is unknown or given twice, a value has the wrong form, or a required one is
    /// missing; the message names it.
    pub(crate) fn read(
        parameters: &[Parameter],
        given: Map<String, Value>,
    ) -> Result<Self, TaskError> {
        let mut arguments = Self::default();
        for (name, value) in given {
            if value.is_null() {
                continue;
            }
            let Some(parameter) = find(parameters, &name) else {
                return Err(unknown(parameters, &name));
            };
            let value = parameter.read(value)?;
            let earlier = arguments.values.insert(parameter.name.to_owned(), value);
            if earlier.is_some() {
                let message = format!("`{}` is given twice, once as `{name}`.", parameter.name);
                return Err(fault(ErrorCode::Validation, message));
            }
            arguments.spellings.insert(name);
        }
        let missing = parameters.iter().find(|parameter| {
            parameter.need == Need::Required && !arguments.values.contains_key(parameter.name)
        });
        match missing {
            Some(parameter) => Err(fault(
                ErrorCode::Validation,
                format!("`{}` is missing: {}", parameter.name, parameter.about),
            )),
            None => Ok(arguments),
        }
    }

    /// Returns whether an argument was given under one of these very names.
    pub(crate) fn is_written(&self, spellings: &[&str]) -> bool {
        spellings.iter().any(|name| self.spellings.contains(*name))
    }

    /// Returns how long ago they were read, which is when the call began.
    pub(crate) fn age(&self) -> Duration {
        self.read_at.elapsed()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        usize::try_from(self.values.get(name)?.as_i64()?).ok()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.values.get(name)?.as_bool()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.values.get(name).and_then(Value::as_array);
        let texts = items.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// Takes an argument out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name)
    }

    /// Returns all arguments that are left.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.values
    }
}

fn find<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a Parameter> {
    let is_called = |parameter: &&Parameter, name: &str| {
        parameter.name == name || parameter.aliases.contains(&name)
    };
    let exact = parameters.iter().find(|known| is_called(known, name));
    exact.or_else(|| {
        let name = snake_case(name);
        parameters.iter().find(|known| is_called(known, &name))
    })
}

fn unknown(parameters: &[Parameter], name: &str) -> TaskError {
    let listed = parameters
        .iter()
        .filter(|known| known.need != Need::Unlisted);
    let known: Vec<&str> = listed.map(|known| known.name).collect();
    let message = match nearest(name, parameters) {
        Some(nearest) => format!("There is no parameter `{name}`. Did you mean `{nearest}`?"),
        None => format!("There is no parameter `{name}`."),
    };
    let mut error = fault(ErrorCode::Validation, message);
    error.hint = Some(if known.is_empty() {
        "The tool takes no parameters.".to_owned()
    } else {
        format!("Known parameters: {}.", known.join(", "))
    });
    error
}

/// Returns the parameter whose name, or one of whose aliases, looks most like `name`.
fn nearest(name: &str, parameters: &[Parameter]) -> Option<&'static str> {
    let spellings = parameters.iter().flat_map(|known| {
        let spellings = std::iter::once(known.name).chain(known.aliases.iter().copied());
        spellings.map(|spelling| (spelling, known.name))
    });
    spelling::nearest(name, spellings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter::required("prompt", Kind::Text, "What to do.").or(&["task", "instruction"]),
        Parameter::optional("working_dir", Kind::Text, "Where."),
        Parameter::optional("limit", Kind::Integer(1, 100), "How many."),
        Parameter::optional("task_ids", Kind::Texts, "Which."),
        Parameter::optional("all", Kind::Flag, "Whether all."),
        Parameter::optional("status", Kind::Choice(&["working", "done"]), "Which."),
    ];

    #[track_caller]
    fn check(given: Value, expected: Result<Value, &str>) {
        let given = given.as_object().unwrap().clone();

        let read = Arguments::read(PARAMETERS, given);

        let read = read.map(|arguments| Value::from(arguments.rest()));
        assert_eq!(
            read.map_err(|error| error.message),
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn spellings_and_aliases_are_understood() {
        check(
            json!({ "instruction": "x", "workingDir": "/a", "limit": null }),
            Ok(json!({ "prompt": "x", "working_dir": "/a" })),
        );
        check(
            json!({ "prompt": "x", "working-dir": "/a", "task_ids": "t1" }),
            Ok(json!({ "prompt": "x", "working_dir": "/a", "task_ids": ["t1"] })),
        );
        check(
            json!({ "prompt": "x", "limit": "5", "all": "true", "taskIds": "[\"a\",\"b\"]" }),
            Ok(json!({ "prompt": "x", "limit": 5, "all": true, "task_ids": ["a", "b"] })),
        );
    }

    #[test]
    fn it_is_known_how_a_name_was_written() {
        let read = |given: Value| {
            let given = given.as_object().unwrap().clone();
            Arguments::read(PARAMETERS, given).unwrap()
        };

        let foreign = read(json!({ "prompt": "x", "taskIds": ["t"], "workingDir": null }));
        let own = read(json!({ "prompt": "x", "task_ids": ["t"] }));

        assert!(foreign.is_written(&["other", "taskIds"]));
        assert!(!foreign.is_written(&["task_ids"]));
        assert!(!foreign.is_written(&["workingDir"]), "null is not given");
        assert!(!own.is_written(&["taskIds"]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(json!({}), Err("`prompt` is missing: What to do."));
        check(
            json!({ "promt": "x" }),
            Err("There is no parameter `promt`. Did you mean `prompt`?"),
        );
        check(
            json!({ "dir": "x" }),
            Err("There is no parameter `dir`. Did you mean `working_dir`?"),
        );
        check(
            json!({ "colour": "x" }),
            Err("There is no parameter `colour`."),
        );
        check(
            json!({ "prompt": "x", "task": "y" }),
            Err("`prompt` is given twice, once as `task`."),
        );
        check(
            json!({ "prompt": "x", "limit": 1000 }),
            Err("`limit` takes a whole number from 1 to 100."),
        );
        check(
            json!({ "prompt": "x", "status": "idle" }),
            Err("`status` takes one of working, done."),
        );
    }

    #[test]
    fn the_schema_is_a_plain_object() {
        let schema = Value::from(schema(PARAMETERS));

        assert_eq!(schema["type"], "object");
        assert_eq!(schema["required"], json!(["prompt"]));
        assert_eq!(
            schema["properties"]["limit"],
            json!({ "type": "integer", "minimum": 1, "maximum": 100, "description": "How many." })
        );
        assert_eq!(schema["additionalProperties"], false);
    }
}
