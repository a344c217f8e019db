//! Recognising a typed failure in what the agent said.

use jiff::Timestamp;

use super::exec_events::is_network_trouble;
use super::failure::FailureReason;
use crate::text::one_line;

/// Longest quotation, in characters.
const QUOTE_CHARS: usize = 300;

/// What a text speaks of, and the words that give it away. The first that fits counts.
const SYMPTOMS: &[(Symptom, &[&str])] = &[
    (
        Symptom::UsageLimit,
        &[
            "hit your usage limit",
            "usage_limit_reached",
            "reached your usage limit",
        ],
    ),
    (Symptom::NotARepository, &["Not inside a trusted directory"]),
    (Symptom::ThreadBusy, &["already has an active writer"]),
    (
        Symptom::ThreadNotFound,
        &["no rollout found for thread id", "thread not found"],
    ),
    (
        Symptom::DiskFull,
        &["No space left on device", "database or disk is full"],
    ),
    (
        Symptom::BadConfiguration,
        &["Error loading config.toml", "Error loading configuration"],
    ),
    (
        Symptom::NotLoggedIn,
        &[
            "Not logged in",
            "not logged in",
            "401 Unauthorized",
            "status 401",
            "invalid_api_key",
            "Incorrect API key",
            "Missing environment variable",
            "refresh token",
            "log out and sign in again",
            "Please log in",
            "codex login",
        ],
    ),
    (
        Symptom::RateLimited,
        &[
            "429 Too Many",
            "status 429",
            "rate limit",
            "Rate limit",
            "rate_limit",
        ],
    ),
    (
        Symptom::McpStartup,
        &[
            "required MCP server",
            "MCP startup failed",
            "MCP client for",
        ],
    ),
    (
        Symptom::FolderMissing,
        &["Error: No such file or directory (os error 2)"],
    ),
];

#[derive(Clone, Copy)]
enum Symptom {
    UsageLimit,
    NotARepository,
    ThreadBusy,
    ThreadNotFound,
    DiskFull,
    BadConfiguration,
    NotLoggedIn,
    RateLimited,
    McpStartup,
    FolderMissing,
}

/// Returns the typed failure that `text` speaks of, if it does.
#[must_use]
pub(super) fn reason_in(text: &str, resets_at: Option<Timestamp>) -> Option<FailureReason> {
    let found = SYMPTOMS.iter().find_map(|(symptom, signs)| {
        let sign = signs.iter().find(|sign| text.contains(**sign))?;
        Some((*symptom, *sign))
    });
    let Some((symptom, sign)) = found else {
        let line = text.lines().rev().find(|line| is_network_trouble(line))?;
        return Some(FailureReason::NoNetwork {
            message: one_line(line, QUOTE_CHARS),
        });
    };
    let line = text.lines().rev().find(|line| line.contains(sign));
    let message = one_line(line.unwrap_or(text), QUOTE_CHARS);
    Some(match symptom {
        Symptom::UsageLimit => FailureReason::UsageLimit {
            try_again: try_again(&message),
            message,
            resets_at,
        },
        Symptom::NotARepository => FailureReason::NotARepository {},
        Symptom::ThreadBusy => FailureReason::ThreadBusy {},
        Symptom::ThreadNotFound => FailureReason::ThreadNotFound {},
        Symptom::DiskFull => FailureReason::DiskFull {},
        Symptom::BadConfiguration => FailureReason::BadConfiguration { message },
        Symptom::NotLoggedIn => FailureReason::NotLoggedIn { message },
        Symptom::RateLimited => FailureReason::RateLimited { message },
        Symptom::McpStartup => FailureReason::McpStartup { message },
        Symptom::FolderMissing => FailureReason::FolderMissing { message },
    })
}

/// Returns what follows `try again`, such as `at 8:27 AM` or `in 3 hours`.
fn try_again(message: &str) -> Option<String> {
    let (_, when) = message.rsplit_once("try again ")?;
    let when = when.trim().trim_end_matches('.');
    (!when.is_empty()).then(|| when.to_owned())
}
