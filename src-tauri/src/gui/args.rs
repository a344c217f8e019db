//! What the application is started with, by a person or by a second launch.

use clap::Parser;

/// Shows every agent session in the tray, live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Parser)]
#[command(name = "mission-control-gui", version)]
pub(crate) struct Args {
    /// Open the window at once.
    #[arg(long)]
    pub(crate) show: bool,
    /// Open the window at this session: its id, or an unambiguous beginning of it.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
}

impl Args {
    /// Reads the command line a second launch handed over; what cannot be read opens the window.
    pub(crate) fn of_launch(argv: &[String]) -> Self {
        Self::try_parse_from(argv).unwrap_or_else(|error| {
            tracing::warn!(%error, "A second launch was not understood.");
            Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_launch_names_its_session() {
        let argv = ["mission-control-gui", "--session", "codex:1"].map(str::to_owned);

        let args = Args::of_launch(&argv);

        assert_eq!(args.session.as_deref(), Some("codex:1"));
    }

    #[test]
    fn a_launch_that_is_not_understood_still_opens_the_window() {
        let argv = ["mission-control-gui", "--unheard-of"].map(str::to_owned);

        assert_eq!(Args::of_launch(&argv), Args::default());
    }
}
