//! `codex_doctor`: what was found on this machine.

use mission_control_engine::doctor::examine;
use mission_control_engine::places::{Environment, Places};
use mission_control_engine::settings::Settings;
use serde_json::{Value, json};

use super::{Effect, Reply, ToolSpec, blocking};
use crate::answer::{Answer, internal};

pub(super) const DOCTOR: ToolSpec = ToolSpec {
    name: "codex_doctor",
    title: "Check the set-up",
    description: "Checks what delegating to Codex depends on: the Codex program and its version, \
        login, homes, what tells of sessions, settings, the state folder. Call it when a task fails with NOT_INSTALLED or \
        AUTH, or when nothing is found. Takes up to ten seconds. Changes nothing.",
    parameters: &[],
    output,
    effect: Effect::Reads,
    meta: &[],
    run: |_| -> Reply { Box::pin(blocking(report)) },
};

fn report() -> Result<Answer, mission_control_core::task::failure::TaskError> {
    let environment = Environment::read();
    // Settings that cannot be used are one of the things to report.
    let places = Places::from_environment()
        .or_else(|_| Places::resolve(&environment, &Settings::default()))
        .map_err(|error| internal(&error))?;
    let report = examine(&places, &environment, Vec::new());
    let value = serde_json::to_value(report).map_err(|error| internal(&error))?;
    Ok(Answer::done(value))
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": { "type": "string", "description": "Version of Mission Control." },
            "checks": {
                "type": "array",
                "description": "Everything that was looked at.",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": { "type": "string" },
                        "label": { "type": "string" },
                        "state": {
                            "type": "string",
                            "enum": ["ok", "absent", "warning", "problem"]
                        },
                        "says": { "type": "string" },
                        "hint": { "type": ["string", "null"], "description": "What to do about it." },
                        "evidence": {
                            "type": ["object", "null"],
                            "description": "How a source of evidence about sessions stands: \
                                `supply` fresh, stale or unavailable, and kinds of lines that \
                                are not known.",
                            "properties": {
                                "source": { "type": "string" },
                                "from": { "type": "string" },
                                "home": { "type": ["string", "null"] },
                                "supply": {
                                    "type": "string",
                                    "enum": ["fresh", "stale", "unavailable"]
                                },
                                "latest_at": { "type": ["string", "null"] },
                                "versions": { "type": "array", "items": tally() },
                                "unknown_kinds": { "type": "array", "items": tally() }
                            }
                        }
                    },
                    "required": ["id", "label", "state", "says"]
                }
            }
        },
        "required": ["version", "checks"]
    })
}

fn tally() -> Value {
    json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "count": { "type": "integer" } },
        "required": ["name", "count"]
    })
}
