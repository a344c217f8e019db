//! `mission-control demo`: a recorded session plays in a temporary home.

use std::process::ExitCode;

use mission_control_engine::demo::Demo;
use mission_control_engine::monitor::{Monitor, MonitorOptions};

use super::Format;
use super::failure::Failure;
use super::live;
use super::output::Output;
use super::watch::{Until, watch};

pub(super) fn run(format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let demo = Demo::start().map_err(|error| Failure::of(&error))?;
    if format == Format::People && !output.is_terminal() {
        output
            .line("A recorded session plays in a temporary home; nothing of yours is touched.")?;
    }
    let MonitorOptions {
        mut places,
        notify_since,
    } = live::options()?;
    places.homes = vec![demo.home().clone()];
    // A state of its own, too: the person's tasks have no part in it.
    places.state = demo.home().path.join("state");
    let monitor = Monitor::start(MonitorOptions {
        places,
        notify_since,
    });
    live::block_on(async {
        tokio::select! {
            watched = watch(&monitor, format, Until::AllDone, output) => watched,
            // An interrupted demo takes its home along, as one that ends by itself.
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
