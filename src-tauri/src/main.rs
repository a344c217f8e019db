//! The front binary: command line, MCP server, and the door to the desktop application.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
