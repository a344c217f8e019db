//! tmux and X11.

mod tmux;
mod x11;

use super::{Reached, Window};
use crate::kin;
use crate::places::Environment;

pub(super) fn reach(environment: &Environment, pid: u32) -> Reached {
    let terminal = kin::of(pid).and_then(|kin| kin.terminal);
    let shown = match terminal.map(|terminal| tmux::show(environment, pid, terminal)) {
        Some(Ok(shown)) => shown,
        Some(Err(why)) => {
            return Reached {
                why_not: Some(why),
                ..Reached::default()
            };
        }
        None => None,
    };
    // In a multiplexer the window is that of whoever shows the pane; the owner's ancestors lead
    // to its server, and that to wherever it was started.
    let from = match &shown {
        Some(shown) => shown.client_pid,
        None => Some(pid),
    };
    let window = from.map(|pid| bring_to_front(environment, pid));
    let (window, why_not) = match window {
        Some(Ok(window)) => (Some(window), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    Reached {
        pane: shown.map(|shown| shown.pane),
        window,
        why_not,
    }
}

/// Returns the title of the terminal that `pid` runs in: of its pane in a multiplexer, else of its
/// window.
pub(super) fn title(environment: &Environment, pid: u32) -> Option<String> {
    let terminal = kin::of(pid)?.terminal?;
    match tmux::title(environment, pid, terminal) {
        Ok(Some(title)) => return Some(title),
        Ok(None) => {}
        Err(why) => {
            tracing::debug!(pid, why, "The title of a pane is not known.");
            return None;
        }
    }
    let display = environment.x11_display.as_deref()?;
    match x11::title(display, &line_of(pid)) {
        Ok(title) => Some(title),
        Err(why) => {
            tracing::debug!(pid, why, "The title of a window is not known.");
            None
        }
    }
}

/// Brings the window to the front that `pid` runs in.
fn bring_to_front(environment: &Environment, pid: u32) -> Result<Window, String> {
    let Some(display) = &environment.x11_display else {
        return Err("Windows can be gone to under X11 only.".to_owned());
    };
    x11::bring_to_front(display, &line_of(pid))
}

/// Returns a process and its ancestors, the nearest first.
fn line_of(pid: u32) -> Vec<u32> {
    let mut line = vec![pid];
    line.extend(kin::above(pid, kin::of));
    line
}
