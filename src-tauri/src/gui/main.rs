//! The desktop application: tray, window and notifications over the engine.

mod args;
mod backstage;
mod controller;
mod desk;
mod forward;
mod ipc;
mod launch;
mod log;
mod notices;
mod platform;
mod problems;
mod sessions;
mod target;
mod tasks;
mod tick;
mod tray;
mod window;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use mission_control_engine::hooks;
use mission_control_engine::places::{Environment, Places};
use tauri::async_runtime::JoinHandle;
use tauri::{App, AppHandle, Manager as _, RunEvent, Window, WindowEvent};

use crate::args::Args;
use crate::backstage::Backstage;
use crate::controller::Controller;
use crate::desk::Focus;
use crate::ipc::Counter;
use crate::tick::{Tick, Ticks};

/// Exit code of every command that cannot work on this machine.
const NOT_AVAILABLE_HERE: u8 = 4;

fn main() -> ExitCode {
    let args = Args::parse();
    let environment = Environment::read();
    if let Some(sentence) = platform::missing_display(&environment) {
        complain(sentence);
        return ExitCode::from(NOT_AVAILABLE_HERE);
    }
    match run(args, &environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("Mission Control could not start: {error:#}."));
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args, environment: &Environment) -> anyhow::Result<()> {
    let places = backstage::places(environment)?;
    let (ticks, received) = Ticks::channel();
    let launched_again = ticks.clone();
    let window_ticks = ticks.clone();
    let environment = environment.clone();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(move |_, argv, _| {
            launched_again.send(Tick::LaunchedAgain(Args::of_launch(&argv)));
        }))
        .plugin(tauri_plugin_shell::init())
        .invoke_handler(ipc::commands())
        .on_window_event(move |window, event| report(&window_ticks, window, event))
        .setup(move |app| {
            let controller = set_up(app, places, environment, ticks);
            let running = tauri::async_runtime::spawn(controller.run(args, received));
            tauri::async_runtime::spawn(quit_after(app.handle().clone(), running));
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(stay_alive);
    Ok(())
}

/// Opens the engine; only the first instance gets here.
fn set_up(app: &App, places: Places, environment: Environment, ticks: Ticks) -> Controller {
    if let Err(error) = log::start(&places.state) {
        complain(&format!("Mission Control writes no log: {error:#}."));
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        "Mission Control started."
    );
    if let Err(error) = hooks::attend(&places.state) {
        tracing::warn!(%error, "Hooks are not told that the tray runs; they wait for nobody.");
    }
    let backstage = Backstage::open(places);
    app.manage(Counter {
        monitor: backstage.monitor.clone(),
        places: backstage.places.clone(),
        environment,
        ticks: ticks.clone(),
    });
    Controller::new(app.handle().clone(), ticks, backstage)
}

/// Ends the program if its controller dies: an icon that answers nothing is worse than none.
async fn quit_after(app: AppHandle, running: JoinHandle<()>) {
    if let Err(error) = running.await {
        tracing::error!(%error, "The controller died.");
        app.exit(1);
    }
}

fn report(ticks: &Ticks, window: &Window, event: &WindowEvent) {
    if window.label() != window::MAIN {
        return;
    }
    if let WindowEvent::Focused(has_focus) = event {
        let focus = if *has_focus {
            Focus::Here
        } else {
            Focus::Elsewhere
        };
        ticks.send(Tick::FocusChanged(focus));
    } else if let WindowEvent::Destroyed = event {
        ticks.send(Tick::WindowClosed);
    }
}

/// Keeps the tray when the window closes; choosing Quit carries an exit code.
fn stay_alive(_app: &AppHandle, event: RunEvent) {
    if let RunEvent::ExitRequested {
        code: None, api, ..
    } = event
    {
        api.prevent_exit();
    }
}

/// Writes a sentence to the terminal; if there is none, there is nobody to read it.
fn complain(sentence: &str) {
    drop(writeln!(std::io::stderr(), "{sentence}"));
}
