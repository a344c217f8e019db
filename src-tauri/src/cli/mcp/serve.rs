//! Serving on standard input and output.

use std::process::ExitCode;

use mission_control_mcp::Listing;
use tracing_subscriber::EnvFilter;

use crate::cli::failure::Failure;

/// What is said on standard error: what a person would look for when a client shows a problem.
const FILTER: &str = "warn,rmcp=error";

pub(in crate::cli) fn serve(listing: Listing) -> Result<ExitCode, Failure> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .try_init();
    log.map_err(|error| Failure::of(&*error))?;
    mission_control_mcp::serve(listing).map_err(|error| Failure::of(&error))?;
    Ok(ExitCode::SUCCESS)
}
