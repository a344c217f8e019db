//! Windows of X11, by the process that made them.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask,
};
use x11rb::rust_connection::{ReplyError, RustConnection};

use super::super::Window;
use crate::clock::Clock;

/// How long the window manager may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Longest list of windows that is read, in words of four bytes.
const MOST_WINDOWS: u32 = 4096;

/// Longest name of a machine, in the same.
const LONGEST_NAME: u32 = 64;

/// Says that a person asked, so that the window manager need not guard the focus.
const BY_A_PERSON: u32 = 2;

/// A window and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Made {
    window: u32,
    pid: u32,
}

/// Brings the window to the front that was made by the nearest of these processes, if that one
/// made one window only. `line` begins with a process and goes on with its ancestors.
pub(super) fn bring_to_front(display: &str, line: &[u32]) -> Result<Window, String> {
    screen(display)?
        .bring_to_front(line)
        .map_err(|error| format!("The display does not answer: {error}."))?
}

/// Returns the title of the window that [`bring_to_front`] would mean.
pub(super) fn title(display: &str, line: &[u32]) -> Result<String, String> {
    let screen = screen(display)?;
    let titled = || -> Result<Result<String, String>, ReplyError> {
        Ok(match nearest(line, &screen.windows()?) {
            Ok(found) => Ok(screen.text(found.window, AtomEnum::WM_NAME)?),
            Err(why) => Err(why),
        })
    };
    titled().map_err(|error| format!("The display does not answer: {error}."))?
}

fn screen(display: &str) -> Result<Screen, String> {
    let (connection, screen) = RustConnection::connect(Some(display))
        .map_err(|error| format!("The display {display} cannot be reached: {error}."))?;
    let root = connection
        .setup()
        .roots
        .get(screen)
        .map(|screen| screen.root);
    let root = root.ok_or_else(|| format!("The display {display} has no such screen."))?;
    Ok(Screen { connection, root })
}

struct Screen {
    connection: RustConnection,
    root: u32,
}

impl Screen {
    fn bring_to_front(&self, line: &[u32]) -> Result<Result<Window, String>, ReplyError> {
        let made = self.windows()?;
        let found = match nearest(line, &made) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let active = self.atom("_NET_ACTIVE_WINDOW")?;
        let supported = self.numbers(self.root, self.atom("_NET_SUPPORTED")?, AtomEnum::ATOM)?;
        if !supported.contains(&active) {
            let why = "The window manager brings no window to the front when it is asked to.";
            return Ok(Err(why.to_owned()));
        }
        let changes = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        self.connection
            .change_window_attributes(self.root, &changes)?;
        let request = ClientMessageEvent::new(32, found.window, active, [BY_A_PERSON, 0, 0, 0, 0]);
        let to = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.connection.send_event(false, self.root, to, request)?;
        self.connection.flush()?;
        if self.becomes_active(found.window, active)? {
            let Made { window: id, pid } = found;
            return Ok(Ok(Window { id, pid }));
        }
        Ok(Err(
            "The window manager did not bring it to the front.".to_owned()
        ))
    }

    fn becomes_active(&self, window: u32, active: Atom) -> Result<bool, ReplyError> {
        let clock = Clock::start();
        loop {
            if self.numbers(self.root, active, AtomEnum::WINDOW)?.first() == Some(&window) {
                return Ok(true);
            }
            let left = LIMIT.saturating_sub(clock.now().steady);
            if left.is_zero() {
                return Ok(false);
            }
            // Emptied first: what was read with an answer wakes nobody any more.
            while self.connection.poll_for_event()?.is_some() {}
            self.wait(left.min(LIMIT / 10));
        }
    }

    fn wait(&self, limit: Duration) {
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        let mut display = [PollFd::new(self.connection.stream(), PollFlags::IN)];
        if let Err(error) = poll(&mut display, Some(&limit)) {
            tracing::debug!(%error, "Waiting for the display was cut short.");
        }
    }

    /// Returns the windows of this machine's programs.
    fn windows(&self) -> Result<Vec<Made>, ReplyError> {
        let own = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let own = own.as_deref().map(str::trim);
        let (list, made_by) = (self.atom("_NET_CLIENT_LIST")?, self.atom("_NET_WM_PID")?);
        let mut found = Vec::new();
        for window in self.numbers(self.root, list, AtomEnum::WINDOW)? {
            let pid = match self.numbers(window, made_by, AtomEnum::CARDINAL) {
                // It closed since the list was read.
                Err(ReplyError::X11Error(_)) => continue,
                pid => pid?.first().copied(),
            };
            let Some(pid) = pid else { continue };
            let machine = match self.text(window, AtomEnum::WM_CLIENT_MACHINE) {
                Err(ReplyError::X11Error(_)) => continue,
                machine => machine?,
            };
            if machine.is_empty() || own == Some(&machine) {
                found.push(Made { window, pid });
            }
        }
        Ok(found)
    }

    fn atom(&self, name: &str) -> Result<Atom, ReplyError> {
        let atom = self.connection.intern_atom(false, name.as_bytes())?;
        Ok(atom.reply()?.atom)
    }

    fn numbers(&self, of: u32, property: Atom, kind: AtomEnum) -> Result<Vec<u32>, ReplyError> {
        let asked = self
            .connection
            .get_property(false, of, property, kind, 0, MOST_WINDOWS)?;
        let reply = asked.reply()?;
        Ok(reply.value32().into_iter().flatten().collect())
    }

    fn text(&self, of: u32, property: AtomEnum) -> Result<String, ReplyError> {
        let any = AtomEnum::ANY;
        let asked = self
            .connection
            .get_property(false, of, property, any, 0, LONGEST_NAME)?;
        Ok(String::from_utf8_lossy(&asked.reply()?.value).into_owned())
    }
}

/// Returns the window of the nearest process of `line` that made any; a process with several
/// leaves a choice that nobody here can make.
fn nearest(line: &[u32], made: &[Made]) -> Result<Made, String> {
    for pid in line {
        let its: Vec<&Made> = made.iter().filter(|made| made.pid == *pid).collect();
        match its.as_slice() {
            [] => {}
            [one] => return Ok(**one),
            several => {
                return Err(format!(
                    "Its terminal program has {} windows, and which one it is in cannot be told.",
                    several.len()
                ));
            }
        }
    }
    Err("No window belongs to it.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_ancestor_with_one_window_is_meant() {
        let made = [(1, 50), (2, 40), (3, 90), (4, 90)];
        let made = made.map(|(window, pid)| Made { window, pid });
        let window = |line: &[u32]| nearest(line, &made).map(|made| made.window);
        let several = "Its terminal program has 2 windows, and which one it is in cannot be told.";

        assert_eq!(window(&[70, 60, 50, 40]), Ok(1));
        assert_eq!(window(&[70, 40, 50]), Ok(2));
        assert_eq!(window(&[70, 90, 50]), Err(several.to_owned()));
        assert_eq!(window(&[70]), Err("No window belongs to it.".to_owned()));
        assert_eq!(window(&[]), Err("No window belongs to it.".to_owned()));
    }
}
