//! The lookout over real folders, locks and processes, with time as an argument.

use std::time::SystemTime;

use jiff::SignedDuration;
use mission_control_core::observation::{Coverage, Writer};
use mission_control_core::session::SessionId;

use super::*;
use crate::clock::{self, Clock};
use crate::source::Lookout as _;
use crate::testing::{Flock, NamedProcess, Recording, append, eventually, temp_folder};

struct World {
    _guard: tempfile::TempDir,
    folder: Utf8PathBuf,
    home: Utf8PathBuf,
    lookout: Lookout,
    clock: Clock,
    skipped_ahead: Duration,
}

impl World {
    fn new() -> Self {
        let (guard, folder) = temp_folder();
        let home = folder.join("home");
        std::fs::create_dir_all(lock_folder(&home)).unwrap();
        let options = LookoutOptions {
            homes: vec![home.clone()],
            recent: SignedDuration::from_hours(24),
            poll: Duration::from_secs(2),
            hooks: folder.join("hooks"),
        };
        let mut world = Self {
            _guard: guard,
            folder,
            home,
            lookout: Lookout::new(options),
            clock: Clock::start(),
            skipped_ahead: Duration::ZERO,
        };
        assert_eq!(world.look(), Vec::<String>::new());
        world
    }

    fn now(&self) -> Now {
        let now = self.clock.now();
        Now {
            steady: now.steady + self.skipped_ahead,
            ..now
        }
    }

    fn day(&self, date: &str) -> Utf8PathBuf {
        let folder = sessions_folder(&self.home).join(date);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn today(&self) -> Utf8PathBuf {
        let today = clock::local(self.now()).strftime("%Y/%m/%d").to_string();
        self.day(&today)
    }

    fn lock_path(&self, thread: &str) -> Utf8PathBuf {
        lock_file(&self.home, thread)
    }

    fn look(&mut self) -> Vec<String> {
        let now = self.now();
        self.lookout.look(now);
        self.seen()
    }

    fn hear(&mut self, path: &Utf8Path) -> Vec<String> {
        let now = self.now();
        self.lookout.hear(&BTreeSet::from([path.to_owned()]), now);
        self.seen()
    }

    /// Lets time pass until nothing more is retried.
    fn settle(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        for _ in 0..20 {
            let due = self.lookout.poll_timeout();
            if due >= self.lookout.slow_due {
                break;
            }
            self.skipped_ahead += due.saturating_sub(self.now().steady);
            let now = self.now();
            self.lookout.handle_timeout(now);
            seen.extend(self.seen());
        }
        seen
    }

    fn look_slowly(&mut self) -> Vec<String> {
        self.skipped_ahead += SLOW_AT_REST;
        let now = self.now();
        self.lookout.handle_timeout(now);
        self.seen()
    }

    fn folders(&self) -> Vec<Utf8PathBuf> {
        source::Lookout::folders(&self.lookout, self.now())
    }

    fn observed(&mut self) -> Vec<Observation> {
        std::iter::from_fn(|| self.lookout.poll_observation()).collect()
    }

    fn seen(&mut self) -> Vec<String> {
        self.observed().iter().map(describe).collect()
    }

    fn skipped(&self) -> Vec<String> {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let skipped = self.lookout.skipped();
        skipped
            .iter()
            .map(|skipped| format!("{}: {}", name(&skipped.path), skipped.why))
            .collect()
    }
}

fn short(session: &SessionId) -> &str {
    let id = session.source_session_id();
    id.split_at(id.len() - 4).1
}

fn describe(observation: &Observation) -> String {
    match observation {
        Observation::Lines { session, lines } => {
            let coverage = match lines.coverage {
                Coverage::Whole => "",
                Coverage::HeadAndTail => " head and tail",
            };
            let boundaries = lines
                .facts
                .iter()
                .filter(|l| l.fact.is_turn_boundary())
                .count();
            let n = lines.generation;
            format!("lines {} g{n} turns{boundaries}{coverage}", short(session))
        }
        Observation::WriterSeen { session, writer } => {
            let writer = match writer {
                Writer::Held { by, from } => format!("held {} {from:?}", by.pid),
                Writer::Possible { by } => format!("possible {}", by.pid),
                Writer::Free => "free".to_owned(),
                Writer::Unknown { .. } => "unknown".to_owned(),
            };
            format!("writer {} {writer}", short(session))
        }
        Observation::LiveSeen { session, .. } => format!("live {}", short(session)),
        Observation::LiveLost { session } => format!("live lost {}", short(session)),
        Observation::Renamed { session, title } => format!("renamed {} {title}", short(session)),
        Observation::RunsFor { session, .. } => format!("runs for {}", short(session)),
        Observation::HookCalled { session, request } => {
            format!("hook {} {}", short(session), request.need.request_id)
        }
        Observation::TranscriptMoved { session, place, .. } => {
            format!("moved {} {place:?}", short(session))
        }
        Observation::TranscriptGone { session } => format!("gone {}", short(session)),
    }
}

fn make_old(path: &Utf8Path) {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(long_ago).unwrap();
}

#[test]
fn a_name_a_person_gave_is_handed_on_once() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    let id = &recording.thread;
    append(&world.today().join(&recording.name), &recording.text);
    let index = format!("{{\"id\":\"{id}\",\"thread_name\":\"Repair the sum\"}}\nnot json\n");
    std::fs::write(world.home.join("session_index.jsonl"), index).unwrap();

    let seen = world.look();
    let again = world.look();

    let name = format!("renamed {} Repair the sum", id.split_at(id.len() - 4).1);
    assert_eq!(
        seen.iter().filter(|seen| **seen == name).count(),
        1,
        "{seen:?}"
    );
    assert!(!again.contains(&name), "{again:?}");
}

#[test]
fn an_ended_session_is_read_and_then_called_free() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    append(&world.today().join(&recording.name), &recording.text);

    assert_eq!(world.look(), ["lines 2bae g0 turns2", "writer 2bae free"]);
    assert_eq!(world.look(), Vec::<String>::new());
}

#[test]
fn old_sessions_are_left_alone_unless_somebody_holds_their_lock() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let path = world.day("2024/02/29").join(&recording.name);
    append(&path, &recording.text);
    make_old(&path);
    assert_eq!(world.look(), Vec::<String>::new());

    let lock = world.lock_path(&recording.thread);
    let holder = Flock::by_child(&lock);

    let held = format!("writer f37b held {} WriterLock", holder.pid());
    assert_eq!(world.hear(&lock), ["lines f37b g0 turns2".to_owned(), held]);
}

#[test]
fn a_lock_that_is_taken_a_moment_after_its_file_appears_is_seen() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    append(&world.today().join(&recording.name), &recording.text);
    let lock = world.lock_path(&recording.thread);
    append(&lock, "");
    assert_eq!(world.hear(&lock), ["lines f37b g0 turns2"]);

    let holder = Flock::by_child(&lock);

    let held = format!("writer f37b held {} WriterLock", holder.pid());
    assert_eq!(world.settle(), [held]);
}

#[test]
fn a_new_rollout_is_called_free_only_after_its_writer_had_time_to_take_hold() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let path = world.today().join(&recording.name);
    append(&path, &recording.text);

    assert_eq!(world.hear(&path), ["lines f37b g0 turns2"]);
    assert_eq!(world.settle(), ["writer f37b free"]);
}

#[test]
fn a_lock_that_is_taken_again_is_found_by_a_slow_look() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    append(&world.today().join(&recording.name), &recording.text);
    assert_eq!(world.look(), ["lines f37b g0 turns2", "writer f37b free"]);

    let holder = Flock::by_child(&world.lock_path(&recording.thread));

    let held = format!("writer f37b held {} WriterLock", holder.pid());
    assert_eq!(world.look_slowly(), [held]);
}

#[test]
fn a_session_whose_lock_comes_before_its_rollout_is_found() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let lock = world.lock_path(&recording.thread);
    let holder = Flock::by_child(&lock);
    assert_eq!(world.hear(&lock), Vec::<String>::new());

    append(&world.today().join(&recording.name), &recording.text);

    let held = format!("writer f37b held {} WriterLock", holder.pid());
    assert_eq!(world.settle(), ["lines f37b g0 turns2".to_owned(), held]);
}

#[test]
fn appended_lines_come_at_once_and_a_torn_one_when_it_is_whole() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"task_started\"");
    let path = world.today().join(&recording.name);
    let _holder = Flock::by_child(&world.lock_path(&recording.thread));
    append(&path, before);
    world.look();

    let (torn, rest) = after.split_at(100);
    append(&path, torn);
    assert_eq!(world.hear(&path), Vec::<String>::new());
    append(&path, rest);
    assert_eq!(world.hear(&path), ["lines 2bae g0 turns1"]);
}

#[test]
fn the_last_lines_come_before_the_writer_is_called_free() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"task_started\"");
    let path = world.today().join(&recording.name);
    append(&path, before);
    let holder = Flock::by_child(&world.lock_path(&recording.thread));
    world.look();
    let owner = world.lookout.owners().into_iter().next().unwrap();

    append(&path, after);
    drop(holder);
    let now = world.now();
    world.lookout.process_ended(owner, now);

    assert_eq!(world.seen(), ["lines 2bae g0 turns1", "writer 2bae free"]);
}

#[test]
fn a_process_of_a_version_without_locks_is_known_by_its_open_file() {
    let mut world = World::new();
    std::fs::remove_dir(lock_folder(&world.home)).unwrap();
    let recording = Recording::of("30-old-0.45.0-slowcmd");
    let path = world.day("2025/10/01").join(&recording.name);
    append(&path, &recording.text);
    make_old(&path);
    let writer = NamedProcess::with_open(&world.folder, "codex", &path);

    let seen = world.look();

    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(
        seen[1],
        format!("writer 9042 held {} Process", writer.pid())
    );
    let owner = world.lookout.owners().into_iter().next().unwrap();
    drop(writer);
    let now = world.now();
    world.lookout.process_ended(owner, now);
    assert_eq!(world.seen(), ["writer 9042 free"]);
}

#[test]
fn lines_of_a_writer_nobody_can_see_make_it_unknown() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"task_started\"");
    let path = world.today().join(&recording.name);
    append(&path, before);
    assert_eq!(world.look(), ["lines 2bae g0 turns1", "writer 2bae free"]);

    let (first, second) = after.split_at(after.find('\n').unwrap() + 1);
    append(&path, first);
    assert_eq!(world.hear(&path), ["lines 2bae g0 turns0"]);
    assert_eq!(world.settle(), Vec::<String>::new());
    append(&path, second);

    assert_eq!(
        world.hear(&path),
        ["lines 2bae g0 turns1", "writer 2bae unknown"]
    );
}

#[test]
fn archiving_taking_out_and_deleting_are_told_apart() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let path = world.today().join(&recording.name);
    append(&path, &recording.text);
    world.look();

    let archive = super::super::archive_folder(&world.home);
    std::fs::create_dir(&archive).unwrap();
    let archived = archive.join(&recording.name);
    std::fs::rename(&path, &archived).unwrap();
    assert_eq!(world.hear(&path), ["moved f37b Archive"]);
    assert_eq!(world.hear(&archived), Vec::<String>::new());
    assert!(world.folders().contains(&archive));

    std::fs::rename(&archived, &path).unwrap();
    assert_eq!(world.hear(&archived), ["moved f37b Usual"]);

    std::fs::remove_file(&path).unwrap();
    assert_eq!(world.look(), ["gone f37b"]);
}

#[test]
fn a_session_in_the_archive_is_found_there() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let archive = super::super::archive_folder(&world.home);
    std::fs::create_dir(&archive).unwrap();
    append(&archive.join(&recording.name), &recording.text);

    assert_eq!(
        world.look(),
        [
            "lines f37b g0 turns2",
            "moved f37b Archive",
            "writer f37b free"
        ]
    );
}

#[test]
fn where_nobody_tells_of_changes_archiving_is_found_by_a_slow_look() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let path = world.today().join(&recording.name);
    append(&path, &recording.text);
    world.look();
    let now = world.now();
    world.lookout.set_telling(Telling::Polled, now);

    let archive = super::super::archive_folder(&world.home);
    std::fs::create_dir(&archive).unwrap();
    std::fs::rename(&path, archive.join(&recording.name)).unwrap();

    assert_eq!(world.look_slowly(), ["moved f37b Archive"]);
}

#[test]
fn a_rewritten_rollout_begins_a_new_generation() {
    let mut world = World::new();
    let legacy = Recording::of("30-old-0.45.0-simple");
    let migrated = Recording::of("32-migrated-from-legacy");
    assert_eq!(legacy.name, migrated.name);
    let path = world.today().join(&legacy.name);
    append(&path, &legacy.text);
    let _holder = Flock::by_child(&world.lock_path(&legacy.thread));
    world.look();

    std::fs::write(&path, &migrated.text).unwrap();

    assert_eq!(world.hear(&path), ["lines d723 g1 turns4"]);
}

#[test]
fn a_compressed_rollout_is_read() {
    let mut world = World::new();
    let recording = Recording::of("30-old-0.100.0-edit");
    let compressed = ruzstd::encoding::compress_to_vec(
        recording.text.as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    append(
        &world.today().join(format!("{}.zst", recording.name)),
        compressed,
    );

    assert_eq!(world.look(), ["lines b4bf g0 turns2", "writer b4bf free"]);
    assert_eq!(world.look(), Vec::<String>::new());
}

#[test]
fn of_a_long_rollout_the_head_and_the_end_are_read() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    let (before, after) = recording.split_behind("\"task_started\"");
    let path = world.today().join(&recording.name);
    append(&path, before);
    let filler = format!(
        "{{\"timestamp\":\"2026-11-20T07:50:56.618Z\",\"type\":\"world_state\",\"payload\":{{\"x\":\"{}\"}}}}\n",
        "x".repeat(4000)
    );
    append(&path, filler.repeat(400));
    append(&path, after);

    assert_eq!(
        world.look(),
        ["lines 2bae g0 turns2 head and tail", "writer 2bae free"]
    );
}

#[test]
fn a_huge_last_line_does_not_hide_what_is_before_it() {
    let mut world = World::new();
    let recording = Recording::of("02-commands-and-edits");
    let path = world.today().join(&recording.name);
    append(&path, &recording.text);
    let huge = "x".repeat(30 * 1024 * 1024);
    append(
        &path,
        format!(
            "{{\"timestamp\":\"2026-11-20T07:50:58Z\",\"type\":\"response_item\",\"payload\":{{\"type\":\"image\",\"x\":\"{huge}\"}}}}\n"
        ),
    );

    assert_eq!(world.look(), ["lines 2bae g0 turns2", "writer 2bae free"]);
    assert!(world.lookout.buffer.capacity() < 1024 * 1024);
}

#[test]
fn what_cannot_be_used_is_passed_over_with_a_reason() {
    let mut world = World::new();
    let today = world.today();
    let good = Recording::of("01-simple-success");
    append(&today.join(&good.name), &good.text);
    let named = |n: u8| {
        format!("rollout-2026-11-20T07-50-56-01a1f7ef-e378-7f62-b50c-dc8ba849f3{n:02}.jsonl")
    };
    append(&today.join(named(1)), b"\x7fELF\0\x01\n\xff\xfe\0\n");
    std::os::unix::fs::symlink("/nowhere/at-all", today.join(named(2))).unwrap();
    std::fs::create_dir(today.join(named(3))).unwrap();
    append(&today.join("rollout-notes.jsonl"), "{}\n");
    append(&sessions_folder(&world.home).join("2020"), "not a folder");

    assert_eq!(world.look(), ["lines f37b g0 turns2", "writer f37b free"]);

    assert_eq!(
        world.skipped(),
        [
            "2020: The folder cannot be listed: Not a directory (os error 20).".to_owned(),
            format!("{}: It holds nothing that can be read.", named(1)),
            format!("{}: It is a link to something that is not there.", named(2)),
            format!("{}: It is not a file.", named(3)),
            "rollout-notes.jsonl: Its name carries no session id.".to_owned(),
        ]
    );
}

#[test]
fn a_slow_look_finds_what_no_hint_told_of() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let path = world.day("2024/02/29").join(&recording.name);
    append(&path, &recording.text);
    make_old(&path);
    world.look();

    let holder = Flock::by_child(&world.lock_path(&recording.thread));
    let held = format!("writer f37b held {} WriterLock", holder.pid());
    assert_eq!(
        world.look_slowly(),
        ["lines f37b g0 turns2".to_owned(), held]
    );

    drop(holder);
    eventually(|| (world.look_slowly() == ["writer f37b free"]).then_some(()));
}

#[test]
fn two_homes_with_the_same_session_show_it_once() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    append(&world.today().join(&recording.name), &recording.text);
    let copy = world.folder.join("copy");
    world.lookout.options.homes.push(copy.clone());
    let folder = sessions_folder(&copy).join("2026/11/20");
    std::fs::create_dir_all(&folder).unwrap();
    append(&folder.join(&recording.name), &recording.text);

    let seen = world.look();

    assert_eq!(seen, ["lines f37b g0 turns2", "writer f37b free"]);
    assert_eq!(world.skipped().len(), 1);
}

#[test]
fn ended_sessions_are_dropped_when_they_are_too_old() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    let path = world.today().join(&recording.name);
    append(&path, &recording.text);
    world.look();

    make_old(&path);
    world.skipped_ahead += AGING;

    assert_eq!(world.look_slowly(), ["gone f37b"]);
}

#[test]
fn a_home_that_is_moved_away_takes_its_sessions_along() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    append(&world.today().join(&recording.name), &recording.text);
    world.look();

    let away = world.folder.join("away");
    std::fs::rename(&world.home, &away).unwrap();
    assert_eq!(world.look_slowly(), ["gone f37b"]);

    std::fs::rename(&away, &world.home).unwrap();
    let home = world.home.clone();
    assert_eq!(
        world.hear(&home),
        ["lines f37b g0 turns2", "writer f37b free"]
    );
}

#[test]
fn a_machine_that_slept_and_a_clock_that_was_set_show_nothing_new() {
    let mut world = World::new();
    let recording = Recording::of("01-simple-success");
    append(&world.today().join(&recording.name), &recording.text);
    let lock = world.lock_path(&recording.thread);
    std::fs::write(&lock, "").unwrap();
    let _child = Flock::by_child(&lock);
    assert_eq!(world.look().len(), 2);
    world.settle();

    for hours in [9, -9] {
        world.skipped_ahead += SLOW_AT_REST;
        let now = world.now();
        let wall = now.wall + SignedDuration::from_hours(hours);
        let jumped = Now { wall, ..now };
        world.lookout.handle_timeout(jumped);
        world.lookout.look(jumped);

        assert_eq!(world.seen(), Vec::<String>::new(), "{hours} h");
    }
}
