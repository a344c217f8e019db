//! Starting this program's other half.

use std::io;

use crate::places::Environment;

/// Becomes the program `name` that lies beside this one; returns only with the reason why not.
#[cfg(unix)]
#[must_use]
pub fn become_sibling(name: &str) -> io::Error {
    use std::os::unix::process::CommandExt as _;
    match sibling(name) {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    }
}

/// Runs the program `name` that lies beside this one; returns only with the reason why not.
#[cfg(not(unix))]
#[must_use]
pub fn become_sibling(name: &str) -> io::Error {
    match sibling(name).and_then(|mut command| command.status()) {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Returns whether a window can be opened here.
#[must_use]
pub fn has_display(environment: &Environment) -> bool {
    cfg!(any(windows, target_os = "macos")) || environment.display.is_some()
}

fn sibling(name: &str) -> io::Result<std::process::Command> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "starts this program's own other half"
    )]
    Ok(std::process::Command::new(path))
}
