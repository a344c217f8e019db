//! Starting the desktop application, which lies beside this program.

use std::process::ExitCode;

use mission_control_engine::launch;
use mission_control_engine::places::Environment;

use super::failure::{Failure, Kind};

/// Becomes the desktop application; returns only when that is not possible.
pub(super) fn start() -> Result<ExitCode, Failure> {
    const HOW_TO_GO_ON: &str = "`mission-control watch` shows the sessions in this terminal.";
    if !launch::has_display(&Environment::read()) {
        return Err(Failure::new(
            Kind::NotAvailable,
            "There is no display to open a window on.",
        )
        .hint(HOW_TO_GO_ON));
    }
    let error = launch::become_sibling("mission-control-gui");
    if error.kind() == std::io::ErrorKind::NotFound {
        return Err(Failure::new(
            Kind::NotAvailable,
            "The desktop application is not installed beside this program.",
        )
        .hint(HOW_TO_GO_ON));
    }
    Err(Failure::new(
        Kind::Failed,
        format!("Could not start the desktop application: {error}."),
    ))
}
