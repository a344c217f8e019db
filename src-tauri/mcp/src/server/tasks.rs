//! The tasks extension's methods, answered from the store.

use std::sync::Arc;

use mission_control_core::task::failure::{CancelledBy, ErrorCode, TaskError};
use mission_control_core::text::shorten;
use mission_control_engine::task::act;
use mission_control_engine::task::cloud::{Awaited, ask_about_in_background};
use rmcp::model::{CancelTaskParams, ErrorData, GetTaskParams, GetTaskResult, UpdateTaskParams};
use rmcp::service::{RequestContext, RoleServer};

use super::refusal;
use crate::answer::MAX_MESSAGE;
use crate::desk::{Desk, unusable};
use crate::task::extension::{Asking, decision, state};
use crate::tools::cancelled;

pub(super) async fn get(
    desk: &Arc<Desk>,
    request: GetTaskParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetTaskResult, ErrorData> {
    let has_forms = context
        .client_capabilities()
        .is_some_and(|capabilities| capabilities.elicitation.is_some());
    let asking = if has_forms {
        Asking::Forms
    } else {
        Asking::Nothing
    };
    let state = desk
        .turn(move |turn| {
            let task = turn.task(&turn.find(&request.task_id)?)?;
            // Whoever follows it waits for it.
            let awaited = Awaited::These(vec![task.task_id.clone()]);
            ask_about_in_background(turn.context, turn.store, &awaited);
            let state = state(&task, asking)?;
            turn.see(&task);
            Ok(state)
        })
        .await;
    state.map_err(refused)
}

pub(super) async fn update(desk: &Arc<Desk>, request: UpdateTaskParams) -> Result<(), ErrorData> {
    let updated = desk
        .turn(move |turn| {
            let id = turn.find(&request.task_id)?;
            for (key, response) in &request.input_responses {
                // Without an opinion the question stays, in Mission Control as well.
                let Some(decision) = decision(response) else {
                    continue;
                };
                let answered = act::answer(turn.context, turn.store, &id, key, decision);
                match answered.map_err(|error| unusable(&error))? {
                    act::Answered::Taken => {}
                    // Somebody else was faster; the first answer counts.
                    act::Answered::NothingAsked => {
                        tracing::info!(%id, key, "An answer came too late.");
                    }
                }
            }
            Ok(())
        })
        .await;
    updated.map_err(refused)
}

pub(super) async fn cancel(
    desk: &Arc<Desk>,
    request: CancelTaskParams,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let info = context.client_info();
    let name = info.map_or_else(|| "an MCP client".to_owned(), |info| info.name);
    let asked = desk
        .turn(move |turn| {
            let id = turn.find(&request.task_id)?;
            cancelled(turn, &id, CancelledBy::Client { name })
        })
        .await;
    asked.map(|_| ()).map_err(refused)
}

fn refused(error: TaskError) -> ErrorData {
    if error.code == ErrorCode::NotFound {
        return ErrorData::invalid_params(shorten(&error.message, MAX_MESSAGE), None);
    }
    refusal(error)
}
