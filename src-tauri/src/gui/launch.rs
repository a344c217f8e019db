//! Starts the person's own programs at a session: file program and terminal.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mission_control_core::health::Problem;
use mission_control_core::session::LiveSession;
use tauri::AppHandle;
use tauri_plugin_shell::ShellExt as _;

use crate::platform::{FOLDER_OPENER, TERMINALS, into_own_group};
use crate::problems;

/// A program that is still there after this long has started well.
const START_LIMIT: Duration = Duration::from_millis(700);

/// Opens the folder a session works in, or the one its transcript lies in.
pub(crate) async fn open_folder(app: &AppHandle, session: &LiveSession) -> Result<(), Problem> {
    let transcript = session.transcript_path.as_deref().map(Path::new);
    let folder = [
        session.cwd.as_deref().map(Path::new),
        transcript.and_then(Path::parent),
    ]
    .into_iter()
    .flatten()
    .find(|folder| folder.is_dir())
    .ok_or_else(|| problems::folder_gone(session.cwd.as_deref()))?;
    let shown = folder.display().to_string();
    match start(app, FOLDER_OPENER, &[&shown], folder).await {
        Ok(()) => Ok(()),
        Err(NotStarted::Missing) => Err(problems::no_folder_opener(&shown)),
        Err(NotStarted::Failed(why)) => Err(problems::not_started(FOLDER_OPENER, &why)),
    }
}

/// Resumes a session in a terminal, in its folder.
pub(crate) async fn open_terminal(app: &AppHandle, session: &LiveSession) -> Result<(), Problem> {
    let cwd = session.cwd.as_deref().map(Path::new);
    let folder = cwd
        .filter(|folder| folder.is_dir())
        .ok_or_else(|| problems::folder_gone(session.cwd.as_deref()))?;
    let resume = session.source.resume_command(&session.source_session_id);
    let home = session.home.as_deref();
    let home = home.map(|home| format!("{}={home}", session.source.home_variable()));
    // A terminal's server does not hand variables on.
    let words = home.iter().flat_map(|home| ["env", home]);
    let resume: Vec<&str> = words.chain(resume.iter().map(String::as_str)).collect();
    for terminal in TERMINALS {
        let args = [terminal.before_command, &resume].concat();
        match start(app, terminal.program, &args, folder).await {
            Ok(()) => return Ok(()),
            Err(NotStarted::Missing) => {}
            Err(NotStarted::Failed(why)) => {
                return Err(problems::not_started(terminal.program, &why));
            }
        }
    }
    let copied = session.resume_command.clone();
    Err(problems::no_terminal(
        &copied.unwrap_or_else(|| resume.join(" ")),
    ))
}

#[derive(Debug)]
enum NotStarted {
    Missing,
    Failed(String),
}

async fn start(
    app: &AppHandle,
    program: &str,
    args: &[&str],
    folder: &Path,
) -> Result<(), NotStarted> {
    let command: std::process::Command = app.shell().command(program).args(args).into();
    let mut command = tokio::process::Command::from(command);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    into_own_group(&mut command);
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            NotStarted::Missing
        } else {
            NotStarted::Failed(error.to_string())
        }
    })?;
    match tokio::time::timeout(START_LIMIT, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(NotStarted::Failed(status.to_string())),
        Ok(Err(error)) => Err(NotStarted::Failed(error.to_string())),
        Err(_) => {
            tauri::async_runtime::spawn(async move { child.wait().await });
            Ok(())
        }
    }
}
