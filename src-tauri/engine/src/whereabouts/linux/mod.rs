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

/// Brings the window to the front that `pid` runs in.
fn bring_to_front(environment: &Environment, pid: u32) -> Result<Window, String> {
    let Some(display) = &environment.x11_display else {
        return Err("Windows can be gone to under X11 only.".to_owned());
    };
    let mut line = vec![pid];
    line.extend(kin::above(pid, kin::of));
    x11::bring_to_front(display, &line)
}
