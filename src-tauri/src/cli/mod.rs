//! The command line: arguments, dispatch, exit codes.

mod agent_file;
mod demo;
mod doctor;
mod failure;
mod format;
mod gui;
mod homes;
mod hook;
mod hooks;
mod interrupt;
mod list;
mod live;
mod mcp;
mod open;
mod output;
mod quiet;
mod show;
mod statusline;
mod stop;
mod table;
mod task;
mod tell;
mod timeline;
mod watch;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use failure::Failure;
use output::Output;

/// Watch coding agents live, answer them, and delegate work that reports by itself.
///
/// Without a command it starts the tray application.
#[derive(Debug, Parser)]
#[command(
    name = "mission-control",
    version,
    about,
    long_about,
    arg_required_else_help = false,
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    /// Serve MCP on standard input and output, for agents and editors
    #[arg(long)]
    mcp: bool,
    /// List the tools of older delegators, too
    #[arg(long, requires = "mcp")]
    compat: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the sessions that live
    List {
        /// Add sessions that ended lately
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Show the sessions live, as they change
    Watch {
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Show one session's transcript, readable
    Show {
        /// The session's id, or an unambiguous beginning of it
        id: String,
        /// Go on showing what is added
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Show no notifications of a session for a while
    Snooze {
        #[command(flatten)]
        whose: quiet::QuietArguments,
        /// For how long: `30m`, `2h`, `until 18:00`; an hour if not given
        #[arg(value_name = "FOR", conflicts_with = "off")]
        length: Vec<String>,
    },
    /// Show no notifications of a session
    Mute {
        #[command(flatten)]
        whose: quiet::QuietArguments,
    },
    /// Go to the terminal a session runs in, or print the command that takes it up again
    Open {
        /// The session's id, or an unambiguous beginning of it
        id: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// End the process that owns a session, if it owns no other; a delegated task is cancelled
    Stop {
        /// The session's id, or an unambiguous beginning of it
        id: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Interrupt the turn a session runs; the session stays open
    Interrupt {
        /// The session's id, or an unambiguous beginning of it
        id: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Send a session a message: into the turn it runs, or as its next one
    Tell {
        /// The session's id, or an unambiguous beginning of it
        id: String,
        /// The message; `-` reads it from standard input
        text: String,
        /// Leave it in the agent's queue, which is played once the session is idle
        #[arg(long)]
        queue: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Print one line about delegated tasks for a status bar; nothing when none runs
    Statusline {
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Tell agents about the MCP server
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Have agents call Mission Control before they ask you
    #[command(subcommand)]
    Hooks(hooks::HooksCommand),
    /// Say what was found, what is missing, and what to do
    Doctor {
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Play a recorded session in a temporary home and watch it move
    Demo {
        #[command(flatten)]
        format: FormatArguments,
    },
    #[command(flatten)]
    Task(task::TaskCommand),
}

#[derive(Clone, Copy, Debug, Args)]
struct FormatArguments {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// For whom something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    People,
    Json,
}

impl From<FormatArguments> for Format {
    fn from(arguments: FormatArguments) -> Self {
        if arguments.json {
            Self::Json
        } else {
            Self::People
        }
    }
}

/// Runs the program and returns its exit code: 0 it worked, 1 it failed, 2 it was called
/// wrongly, 3 something was not found, 4 it is not available here.
pub(crate) fn main() -> ExitCode {
    // A supervisor lives long and should stay small: it does without the whole command line.
    if let Some(id) = task::supervised_id(std::env::args_os()) {
        return task::supervise(&id).unwrap_or_else(|failure| failure.report());
    }
    // Agents wait for a hook, so it does without, too.
    if let Some(call) = hook::call(std::env::args_os()) {
        return call.answer();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are "errors" that print to standard output and succeed.
            let code = if error.use_stderr() { 2 } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::FAILURE,
            };
        }
    };
    let mut output = Output::new();
    let result = run(arguments, &mut output).and_then(|code| {
        output.flush()?;
        Ok(code)
    });
    match result {
        Ok(code) => code,
        // The reader has gone: nobody is left to be told.
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments, output: &mut Output) -> Result<ExitCode, Failure> {
    if arguments.mcp {
        let listing = if arguments.compat {
            mission_control_mcp::Listing::WithOlder
        } else {
            mission_control_mcp::Listing::Current
        };
        return mcp::serve(listing);
    }
    let Some(command) = arguments.command else {
        return gui::start();
    };
    match command {
        Command::List { all, format } => {
            let which = if all {
                list::Which::All
            } else {
                list::Which::Live
            };
            list::run(which, format.into(), output)
        }
        Command::Watch { format } => watch::run(format.into(), output),
        Command::Show { id, follow, format } => {
            let extent = if follow {
                show::Extent::Follow
            } else {
                show::Extent::Once
            };
            show::run(&id, extent, format.into(), output)
        }
        Command::Snooze { whose, length } => quiet::snooze(&whose, &length, output),
        Command::Mute { whose } => quiet::mute(&whose, output),
        Command::Open { id, format } => open::run(&id, format.into(), output),
        Command::Stop { id, format } => stop::run(&id, format.into(), output),
        Command::Interrupt { id, format } => interrupt::run(&id, format.into(), output),
        Command::Tell {
            id,
            text,
            queue,
            format,
        } => {
            let when = if queue {
                tell::When::Idle
            } else {
                tell::When::Soonest
            };
            tell::run(&id, &text, when, format.into(), output)
        }
        Command::Statusline { format } => statusline::run(format.into(), output),
        Command::Mcp(command) => mcp::run(command, output),
        Command::Hooks(command) => hooks::run(command, output),
        Command::Doctor { format } => doctor::run(format.into(), output),
        Command::Demo { format } => demo::run(format.into(), output),
        Command::Task(command) => task::run(command, output),
    }
}
