//! The server as the protocol library wants it: who we are, what there is, calling it.

pub(crate) mod life;

use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};

use crate::{answer, tools};

/// What a model reads about this server before it uses it; clients cut it at 2 KB.
const INSTRUCTIONS: &str = "Mission Control sees every Codex session on this machine.\n\
    - codex_sessions: what the sessions are doing and which one needs a person.\n\
    - codex_doctor: what was found, what is missing, what to do.";

/// What all calls share.
#[derive(Debug, Default)]
pub(crate) struct Desk {}

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    desk: Arc<Desk>,
}

impl Server {
    pub(crate) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let who = Implementation::new("mission-control", env!("CARGO_PKG_VERSION"))
            .with_title("Mission Control")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(capabilities)
            .with_server_info(who)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::list()))
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
            Some(reply) => Ok(answer::response(reply)),
            None => {
                let message = match tools::nearest(&request.name) {
                    Some(nearest) => {
                        format!(
                            "There is no tool `{}`. Did you mean `{nearest}`?",
                            request.name
                        )
                    }
                    None => format!("There is no tool `{}`.", request.name),
                };
                Err(ErrorData::invalid_params(message, None))
            }
        }
    }
}
