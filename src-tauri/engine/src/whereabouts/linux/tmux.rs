//! Panes of tmux, by the terminal device of what runs in them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::super::TmuxPane;
use crate::command::{self, Start};
use crate::places::Environment;

/// How long one answer of tmux may take.
const LIMIT: Duration = Duration::from_secs(3);

/// What a pane is listed with. Between the fields are spaces: tmux writes anything that cannot be
/// printed as `_` where the locale knows ASCII only.
const PANE: &str = "#{pane_tty} #{session_id} #{window_id} #{pane_id}";

/// What a pane's title is listed with.
const TITLE: &str = "#{pane_tty} #{pane_title}";

/// What a client is listed with.
const CLIENT: &str = "#{client_name} #{client_pid} #{session_id} #{client_control_mode}";

/// A pane that was selected, and who shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) pane: TmuxPane,
    pub(super) client_pid: Option<u32>,
}

/// A pane with every session that its window belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pane {
    window: String,
    pane: String,
    sessions: BTreeSet<String>,
}

/// Somebody who looks at a session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Client {
    name: String,
    pid: u32,
    session: String,
}

/// Who is to show a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Showing {
    /// This client, in this session; it has to go there first or is there.
    Client { client: Client, session: String },
    /// Nobody; it is selected in this session.
    Nobody { session: String },
}

/// Selects the pane whose terminal has these device numbers, if one of this person's servers has
/// it, and brings the one client there that is attached.
pub(super) fn show(
    environment: &Environment,
    pid: u32,
    terminal: (u32, u32),
) -> Result<Option<Shown>, String> {
    let Some(program) = command::find("tmux", &environment.program_folders) else {
        return Ok(None);
    };
    for socket in sockets(environment, pid) {
        let tmux = Tmux {
            program: &program,
            socket: &socket,
        };
        // A socket whose server is gone answers nothing.
        let Some(listed) = tmux.asks(&["list-panes", "-a", "-F", PANE])? else {
            continue;
        };
        let has_it = |tty: &str| device_of(tty) == Some(terminal);
        let Some(pane) = pane_in(&listed, has_it) else {
            continue;
        };
        let clients = tmux.asks(&["list-clients", "-F", CLIENT])?;
        let clients = clients.as_deref().map(clients_in).unwrap_or_default();
        let Some(showing) = showing(&pane, &clients) else {
            continue;
        };
        return select(&tmux, pane, showing).map(Some);
    }
    Ok(None)
}

/// Returns the title of the pane whose terminal has these device numbers, if one of this person's
/// servers has it.
pub(super) fn title(
    environment: &Environment,
    pid: u32,
    terminal: (u32, u32),
) -> Result<Option<String>, String> {
    let Some(program) = command::find("tmux", &environment.program_folders) else {
        return Ok(None);
    };
    for socket in sockets(environment, pid) {
        let tmux = Tmux {
            program: &program,
            socket: &socket,
        };
        let Some(listed) = tmux.asks(&["list-panes", "-a", "-F", TITLE])? else {
            continue;
        };
        let mut titles = listed.lines().filter_map(|line| line.split_once(' '));
        if let Some((_, title)) = titles.find(|(tty, _)| device_of(tty) == Some(terminal)) {
            return Ok(Some(title.to_owned()));
        }
    }
    Ok(None)
}

fn select(tmux: &Tmux<'_>, pane: Pane, showing: Showing) -> Result<Shown, String> {
    let (session, client) = match showing {
        Showing::Client { client, session } => (session, Some(client)),
        Showing::Nobody { session } => (session, None),
    };
    let window = format!("{session}:{}", pane.window);
    tmux.does(&["select-window", "-t", &window])?;
    tmux.does(&["select-pane", "-t", &pane.pane])?;
    if let Some(client) = client.as_ref().filter(|client| client.session != session) {
        tmux.does(&["switch-client", "-c", &client.name, "-t", &session])?;
    }
    Ok(Shown {
        client_pid: client.as_ref().map(|client| client.pid),
        pane: TmuxPane {
            socket: tmux.socket.to_string(),
            session,
            window: pane.window,
            pane: pane.pane,
            client: client.map(|client| client.name),
        },
    })
}

/// Returns who is to show a pane: the only client there is, or the only one that looks at one of
/// its sessions. None for a pane without a session, which does not exist.
fn showing(pane: &Pane, clients: &[Client]) -> Option<Showing> {
    let looks = |client: &&Client| pane.sessions.contains(&client.session);
    let looking: Vec<&Client> = clients.iter().filter(looks).collect();
    let first = pane.sessions.first()?.clone();
    Some(match (looking.as_slice(), clients) {
        ([client], _) => Showing::Client {
            client: (*client).clone(),
            session: client.session.clone(),
        },
        ([], [client]) => Showing::Client {
            client: client.clone(),
            session: first,
        },
        _ => Showing::Nobody { session: first },
    })
}

/// Finds the one pane whose terminal `has_it`.
fn pane_in(listed: &str, has_it: impl Fn(&str) -> bool) -> Option<Pane> {
    let mut found: BTreeMap<&str, Pane> = BTreeMap::new();
    for line in listed.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let &[tty, session, window, pane] = fields.as_slice() else {
            continue;
        };
        if has_it(tty) {
            let pane = found.entry(pane).or_insert_with(|| Pane {
                window: window.to_owned(),
                pane: pane.to_owned(),
                sessions: BTreeSet::new(),
            });
            pane.sessions.insert(session.to_owned());
        }
    }
    let (_, pane) = found.pop_first()?;
    found.is_empty().then_some(pane)
}

/// Reads the list of clients, without programs that only listen.
fn clients_in(listed: &str) -> Vec<Client> {
    let client = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let &[name, pid, session, control] = fields.as_slice() else {
            return None;
        };
        (control != "1").then_some(Client {
            name: name.to_owned(),
            pid: pid.parse().ok()?,
            session: session.to_owned(),
        })
    };
    listed.lines().filter_map(client).collect()
}

/// Returns the sockets of this person's servers: the one the process was started under first.
fn sockets(environment: &Environment, pid: u32) -> Vec<Utf8PathBuf> {
    let own = rustix::process::getuid().as_raw();
    let usual = environment.tmux_folder.clone();
    let usual = usual
        .unwrap_or_else(|| "/tmp".into())
        .join(format!("tmux-{own}"));
    let listed = usual.read_dir_utf8().into_iter().flatten().flatten();
    let mut sockets: Vec<Utf8PathBuf> = socket_named_by(pid).into_iter().collect();
    for entry in listed {
        if !sockets.iter().any(|known| known == entry.path()) {
            sockets.push(entry.path().to_owned());
        }
    }
    let is_ours = |path: &Utf8PathBuf| {
        path.metadata()
            .is_ok_and(|file| file.file_type().is_socket() && file.uid() == own)
    };
    sockets.retain(is_ours);
    sockets
}

/// Returns the socket that stands in the environment of a process, as tmux put it there.
fn socket_named_by(pid: u32) -> Option<Utf8PathBuf> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let named = environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(b"TMUX="))?;
    let (socket, _) = std::str::from_utf8(named).ok()?.split_once(',')?;
    Some(socket.into())
}

fn device_of(path: &str) -> Option<(u32, u32)> {
    let device = std::fs::metadata(path).ok()?.rdev();
    Some((rustix::fs::major(device), rustix::fs::minor(device)))
}

struct Tmux<'a> {
    program: &'a Utf8Path,
    socket: &'a Utf8Path,
}

impl Tmux<'_> {
    /// Returns what it answers; none where no server listens.
    fn asks(&self, arguments: &[&str]) -> Result<Option<String>, String> {
        let finished = self.run(arguments)?;
        Ok((finished.code == Some(0)).then_some(finished.stdout))
    }

    fn does(&self, arguments: &[&str]) -> Result<(), String> {
        let finished = self.run(arguments)?;
        match finished.code {
            Some(0) => Ok(()),
            Some(_) | None => Err(format!("tmux says: {}.", finished.said().trim())),
        }
    }

    fn run(&self, arguments: &[&str]) -> Result<command::Finished, String> {
        let mut all = vec!["-S", self.socket.as_str()];
        all.extend(arguments);
        let start = Start {
            program: self.program,
            arguments: &all,
            folder: "/".into(),
            variables: &BTreeMap::new(),
            input: "",
            limit: LIMIT,
        };
        command::run_as(&start).map_err(|error| format!("Mission Control could not {error}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str, session: &str) -> Client {
        Client {
            name: name.to_owned(),
            pid: 7,
            session: session.to_owned(),
        }
    }

    const PANES: &str = "/dev/pts/1 $0 @0 %0\n/dev/pts/2 $0 @1 %1\n\
                         /dev/pts/2 $3 @1 %1\n/dev/pts/4 $3 @2 %5\nwhat is this\n";

    fn linked() -> Pane {
        pane_in(PANES, |tty| tty == "/dev/pts/2").unwrap()
    }

    #[test]
    fn a_pane_is_found_by_its_terminal_with_all_its_sessions() {
        let expected = Pane {
            window: "@1".to_owned(),
            pane: "%1".to_owned(),
            sessions: BTreeSet::from(["$0".to_owned(), "$3".to_owned()]),
        };

        assert_eq!(linked(), expected);
        assert_eq!(pane_in(PANES, |tty| tty == "/dev/pts/9"), None);
        assert_eq!(pane_in(PANES, |_| true), None);
    }

    #[test]
    fn only_one_client_is_ever_brought_there() {
        let shows = |client: &Client, session: &str| {
            Some(Showing::Client {
                client: client.clone(),
                session: session.to_owned(),
            })
        };
        let nobody = Some(Showing::Nobody {
            session: "$0".to_owned(),
        });
        let (there, elsewhere) = (client("a", "$3"), client("b", "$8"));

        let check = |clients: &[Client], expected| {
            assert_eq!(showing(&linked(), clients), expected, "{clients:?}");
        };
        check(&[], nobody.clone());
        check(std::slice::from_ref(&there), shows(&there, "$3"));
        check(std::slice::from_ref(&elsewhere), shows(&elsewhere, "$0"));
        check(&[there.clone(), elsewhere.clone()], shows(&there, "$3"));
        check(&[elsewhere.clone(), client("c", "$9")], nobody.clone());
        check(&[there, client("d", "$0"), elsewhere], nobody);
    }

    #[test]
    fn programs_that_listen_are_no_clients() {
        let listed = "/dev/pts/8 42 $1 0\nclient-9 43 $1 1\nodd\n";

        let expected = Client {
            name: "/dev/pts/8".to_owned(),
            pid: 42,
            session: "$1".to_owned(),
        };
        assert_eq!(clients_in(listed), [expected]);
    }
}
