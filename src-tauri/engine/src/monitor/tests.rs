//! The running monitor over real folders, locks and processes.

use camino::Utf8PathBuf;
use mission_control_core::event::EventBody;
use mission_control_core::session::{EndedHow, Status};
use mission_control_core::source::Source;

use super::*;
use crate::clock;
use crate::places::Home;
use crate::testing::{Flock, Recording, append, block_on, temp_folder};

struct World {
    _guard: tempfile::TempDir,
    home: Utf8PathBuf,
    options: MonitorOptions,
}

impl World {
    /// Makes places without a home: nothing exists yet.
    fn new() -> Self {
        let (guard, folder) = temp_folder();
        let home = folder.join("agents/home");
        let places = Places {
            state: folder.join("state"),
            settings_file: folder.join("settings.toml"),
            homes: vec![Home {
                source: Source::Codex,
                path: home.clone(),
            }],
        };
        Self {
            _guard: guard,
            home,
            options: MonitorOptions {
                places,
                notify_since: jiff::Timestamp::UNIX_EPOCH,
            },
        }
    }

    /// Makes the folders Codex makes, today's included.
    fn with_home() -> Self {
        let world = Self::new();
        world.make_home();
        world
    }

    fn make_home(&self) {
        std::fs::create_dir_all(self.home.join("thread-writer-locks")).unwrap();
        std::fs::create_dir_all(self.today()).unwrap();
    }

    fn today(&self) -> Utf8PathBuf {
        let today = clock::local(Clock::start().now());
        self.home
            .join(today.strftime("sessions/%Y/%m/%d").to_string())
    }

    fn path(&self, recording: &Recording) -> Utf8PathBuf {
        self.today().join(&recording.name)
    }

    fn lock(&self, recording: &Recording) -> Utf8PathBuf {
        self.home
            .join(format!("thread-writer-locks/{}.lock", recording.thread))
    }

    fn start(&self) -> Monitor {
        Monitor::start(self.options.clone())
    }
}

/// Takes events until `pick` accepts one.
async fn until<T>(events: &mut mpsc::Receiver<Event>, pick: impl Fn(&EventBody) -> Option<T>) -> T {
    loop {
        let event = events.recv().await.expect("the stream goes on");
        if let Some(picked) = pick(&event.body) {
            return picked;
        }
    }
}

fn seen_as(wanted: Status) -> impl Fn(&EventBody) -> Option<LiveSession> {
    move |body| {
        let session = match body {
            EventBody::SessionDiscovered { session }
            | EventBody::SessionUpdated { session }
            | EventBody::SessionClosed { session } => session,
            EventBody::Snapshot { .. }
            | EventBody::Summary { .. }
            | EventBody::Notice { .. }
            | EventBody::TaskUpdated { .. }
            | EventBody::Heartbeat {} => return None,
        };
        (session.status == wanted).then(|| LiveSession::clone(session))
    }
}

fn snapshot_of(n_sessions: usize) -> impl Fn(&EventBody) -> Option<()> {
    move |body| {
        let EventBody::Snapshot { sessions, .. } = body else {
            return None;
        };
        (sessions.len() == n_sessions).then_some(())
    }
}

#[test]
fn a_session_is_followed_from_its_start_to_its_end() {
    let world = World::with_home();
    let recording = Recording::live("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"task_started\"");

    block_on(async {
        let monitor = world.start();
        let mut events = monitor.subscribe().await;
        let first = events.recv().await.unwrap();
        assert_eq!(first.seq, 1);
        assert_eq!(snapshot_of(0)(&first.body), Some(()));

        let holder = Flock::by_child(&world.lock(&recording));
        append(&world.path(&recording), before);
        let working = until(&mut events, seen_as(Status::Working)).await;
        assert_eq!(working.process.unwrap().pid, holder.pid());

        append(&world.path(&recording), after);
        until(&mut events, seen_as(Status::Paused)).await;

        drop(holder);
        let done = until(&mut events, seen_as(Status::Done)).await;
        assert_eq!(done.ended.unwrap().how, EndedHow::Finished);
        assert_eq!(monitor.sessions().await.len(), 1);
        assert_eq!(monitor.session("01a1f7ef").await.unwrap().id, done.id);
        assert_eq!(monitor.session("codex:01a1").await.unwrap().id, done.id);
        assert_eq!(monitor.session("02").await, None);
    });
}

#[test]
fn a_killed_process_ends_its_session_at_once() {
    let world = World::with_home();
    let recording = Recording::of("09-killed-sigterm");
    let holder = Flock::by_child(&world.lock(&recording));
    append(&world.path(&recording), &recording.text);

    block_on(async {
        let monitor = world.start();
        let mut events = monitor.subscribe().await;
        until(&mut events, snapshot_of(1)).await;

        drop(holder);

        let done = until(&mut events, seen_as(Status::Done)).await;
        assert_eq!(done.ended.unwrap().how, EndedHow::Killed);
    });
}

#[test]
fn a_home_that_is_added_is_followed_until_it_is_removed() {
    let [world, first, second] = [(); 3].map(|()| World::with_home());
    let kept = Recording::live("02-commands-and-edits");
    let recording = Recording::of("01-simple-success");
    append(&first.path(&recording), &recording.text);
    let (before, after) = kept.split_behind("\"task_started\"");

    block_on(async {
        let monitor = world.start();
        let mut events = monitor.subscribe().await;
        events.recv().await.unwrap();

        monitor
            .add_home(first.options.places.homes[0].clone())
            .await;
        until(&mut events, seen_as(Status::Done)).await;
        monitor
            .add_home(second.options.places.homes[0].clone())
            .await;
        let _holder = Flock::by_child(&second.lock(&kept));
        append(&second.path(&kept), before);
        until(&mut events, seen_as(Status::Working)).await;

        monitor.remove_home(&first.options.places.homes[0]).await;
        until(&mut events, snapshot_of(1)).await;
        append(&second.path(&kept), after);
        let paused = until(&mut events, seen_as(Status::Paused)).await;
        assert_eq!(paused.source_session_id, kept.thread);
    });
}

#[test]
fn a_home_that_appears_vanishes_and_returns_is_followed() {
    let world = World::new();
    let recording = Recording::of("01-simple-success");

    block_on(async {
        let monitor = world.start();
        let mut events = monitor.subscribe().await;
        events.recv().await.unwrap();

        world.make_home();
        append(&world.path(&recording), &recording.text);
        until(&mut events, seen_as(Status::Done)).await;

        std::fs::remove_dir_all(&world.home).unwrap();
        until(&mut events, snapshot_of(0)).await;

        world.make_home();
        append(&world.path(&recording), &recording.text);
        until(&mut events, seen_as(Status::Done)).await;
    });
}

#[test]
fn without_watches_folders_are_looked_through_and_that_is_said() {
    let world = World::with_home();
    std::fs::write(
        &world.options.places.settings_file,
        "[watch]\npoll_seconds = 1\n",
    )
    .unwrap();
    let recording = Recording::of("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"task_started\"");
    append(&world.path(&recording), before);
    let _holder = Flock::by_child(&world.lock(&recording));

    block_on(async {
        let monitor = Monitor::start_with(world.options.clone(), 0);
        let mut problems = monitor.problems();
        let mut events = monitor.subscribe().await;
        let found = problems.wait_for(|problems| !problems.is_empty()).await;
        assert_eq!(found.unwrap()[0].code, "watch_limit");

        append(&world.path(&recording), after);

        until(&mut events, seen_as(Status::Paused)).await;
    });
}

#[test]
fn settings_that_cannot_be_used_are_reported_and_the_defaults_hold() {
    let world = World::with_home();
    std::fs::write(&world.options.places.settings_file, "[lst]\n").unwrap();
    let recording = Recording::of("01-simple-success");
    append(&world.path(&recording), &recording.text);

    let snapshot = Monitor::look_once(&world.options);

    assert_eq!(snapshot.problems[0].code, "settings");
    assert_eq!(snapshot.sessions.len(), 1);
    assert_eq!(snapshot.summary.done, 1);
}

#[test]
fn a_transcript_is_read_page_by_page() {
    let world = World::with_home();
    let recording = Recording::of("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"type\":\"AgentMessage\"");
    let path = world.path(&recording);
    append(&path, before);

    block_on(async {
        let monitor = world.start();
        let id = SessionId::new(Source::Codex, &recording.thread);
        let first = monitor.transcript(&id, None).await.unwrap();
        assert!(!first.entries.is_empty() && !first.reset && !first.truncated);
        let nothing = monitor.transcript(&id, Some(&first.cursor)).await.unwrap();
        assert_eq!(nothing.entries, []);

        append(&path, after);
        let second = monitor.transcript(&id, Some(&first.cursor)).await.unwrap();
        let whole = monitor.transcript(&id, None).await.unwrap();
        let again = Monitor::look_once(&world.options)
            .transcript(&id, Some(&first.cursor))
            .unwrap();

        assert_eq!(
            second, again,
            "another process reads on from the same cursor"
        );
        let mut joined = first.entries;
        for entry in second.entries {
            match joined.iter_mut().find(|known| known.key == entry.key) {
                Some(known) => *known = entry,
                None => joined.push(entry),
            }
        }
        let mut expected: Vec<_> = Vec::new();
        for entry in whole.entries {
            match expected
                .iter_mut()
                .find(|known: &&mut mission_control_core::timeline::Entry| known.key == entry.key)
            {
                Some(known) => *known = entry,
                None => expected.push(entry),
            }
        }
        assert_eq!(joined, expected);

        std::fs::write(&path, before).unwrap();
        let rewritten = monitor.transcript(&id, Some(&second.cursor)).await.unwrap();
        assert!(rewritten.reset);
        assert!(!rewritten.entries.is_empty());
    });
}

#[test]
fn an_unknown_session_has_no_transcript() {
    let world = World::with_home();

    block_on(async {
        let id = SessionId::new(Source::Codex, "nobody");
        let error = world.start().transcript(&id, None).await.unwrap_err();
        assert!(matches!(error, TranscriptError::NotFound(_)));
    });
}
