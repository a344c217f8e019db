//! The server as the protocol library wants it: who we are, what there is, calling it.

mod announce;
pub(crate) mod life;
mod prompts;
mod resources;
mod tasks;

use std::sync::Arc;

use mission_control_core::task::failure::TaskError;
use mission_control_core::text::shorten;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, ErrorData, GetPromptRequestParams,
    GetPromptResponse, GetTaskParams, GetTaskResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
    SubscriptionFilter, Tool, UpdateTaskParams,
};
use rmcp::service::{RequestContext, RoleServer};

use crate::desk::Desk;
use crate::tools::Listing;
use crate::{answer, tools};

/// What a model reads about this server before it uses it; clients cut it at 2 KB.
const INSTRUCTIONS: &str = "Mission Control delegates work to Codex, OpenAI's coding agent, and \
sees every Codex and Claude Code session on this machine.

Delegate: codex_run with a prompt that is complete in itself (Codex does not see this \
conversation). It answers with a task_id at once, or follows as a background task where the client \
can; the work goes on whatever happens to this session. Several tasks run side by side. \
codex_review reviews changes; codex_reply goes on with a task's thread.

Get the result: codex_wait returns when a task ends or needs the person; call it again after its \
time is up. Do not poll codex_status. Ended tasks are also announced in `pending_signals` of later \
answers; codex_result then shows what came of one. In a background shell `mission-control wait ID` \
ends when the task ends.

Read the result critically: `outcome` and `evidence` say what is known, `files` who says that a \
file changed, `tests` what was found in the output of commands. `status` completed means only that \
Codex finished its turn.

Sandbox: read-only unless you ask for workspace-write. danger-full-access waits until the person \
consents.

Also: codex_tasks (all delegated tasks), codex_log, codex_cancel, codex_sessions (every agent's \
session, which one needs a person), codex_doctor (when something is missing).";

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    desk: Arc<Desk>,
    listing: Listing,
}

impl Server {
    pub(crate) const fn new(desk: Arc<Desk>, listing: Listing) -> Self {
        Self { desk, listing }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_tasks()
            .build();
        let who = Implementation::new("mission-control", env!("CARGO_PKG_VERSION"))
            .with_title("Mission Control")
            .with_description("Delegates tasks to Codex and shows the agents' sessions.");
        ServerConfig::new(capabilities)
            .with_server_info(who)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::list(self.listing)))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::get(name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let desk = Arc::clone(&self.desk);
        match tools::call(&request.name, arguments, context, desk).await {
            Some(reply) => {
                let reply = announce::with_ended_tasks(&self.desk, reply).await;
                Ok(answer::response(reply))
            }
            None => Err(unknown(
                "tool",
                &request.name,
                tools::nearest(&request.name),
            )),
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&request.name, &request.arguments.unwrap_or_default())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let listed = resources::list(&self.desk).await.map_err(refusal)?;
        Ok(ListResourcesResult::with_all_items(listed))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = resources::templates();
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.desk, request.uri).await
    }

    /// Nothing here changes while a connection lives, so a subscription is accepted and silent.
    fn accepted_subscription_filter(
        &self,
        _requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::new())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        tasks::get(&self.desk, request, &context).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::update(&self.desk, request).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::cancel(&self.desk, request, &context).await
    }
}

/// Says that there is nothing of that name, and what may be meant.
fn unknown(what: &str, name: &str, nearest: Option<&str>) -> ErrorData {
    let message = match nearest {
        Some(nearest) => format!("There is no {what} `{name}`. Did you mean `{nearest}`?"),
        None => format!("There is no {what} `{name}`."),
    };
    ErrorData::invalid_params(shorten(&message, answer::MAX_MESSAGE), None)
}

/// Returns a fault as an error of the protocol, where there is no tool to answer.
fn refusal(error: TaskError) -> ErrorData {
    let data = serde_json::to_value(&error).ok();
    let mut message = error.message;
    if let Some(hint) = error.hint {
        message.push(' ');
        message.push_str(&hint);
    }
    ErrorData::internal_error(message, data)
}
