//! A shell on systems without process groups.

use std::io;

use tokio::process::{Child, Command};

pub(super) fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/C", command]);
    shell
}

pub(super) fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    Ok(std::future::pending())
}

pub(super) fn end(child: &mut Child) -> io::Result<()> {
    child.start_kill()
}
