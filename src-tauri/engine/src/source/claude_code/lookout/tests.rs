//! The lookout over real folders and processes, with time as an argument.

use jiff::SignedDuration;
use mission_control_core::observation::{LiveDoing, Writer};
use mission_control_core::session::SessionId;

use super::*;
use crate::clock::Clock;
use crate::processes;
use crate::source::Lookout as _;
use crate::source::claude_code::registry_folder;
use crate::testing::{GroupLeader, append, temp_folder};

/// Recorded transcripts of the real agent, shared with the core.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/testdata/claude_code");

const SIMPLE: &str = "f6aee77e-ddfa-43ea-8fe1-fb91d0cde38d";
const ASKS: &str = "9670a477-4365-499f-8e4a-79a04d35befc";
const PARENT: &str = "d2010af0-4ec5-4cb2-92c4-5e65f251da6a";
const AGENT: &str = "a125f0b33cd2ac5fd";

struct World {
    _guard: tempfile::TempDir,
    home: Utf8PathBuf,
    lookout: Lookout,
    clock: Clock,
    skipped_ahead: Duration,
    said_at: i64,
}

impl World {
    fn new() -> Self {
        let world = Self::without_registry();
        std::fs::create_dir_all(registry_folder(&world.home)).unwrap();
        world
    }

    fn without_registry() -> Self {
        let (guard, folder) = temp_folder();
        let home = folder.join("home");
        std::fs::create_dir_all(projects_folder(&home)).unwrap();
        let options = LookoutOptions {
            homes: vec![home.clone()],
            recent: SignedDuration::from_hours(24),
            poll: Duration::from_secs(2),
            hooks: folder.join("hooks"),
        };
        Self {
            _guard: guard,
            home,
            lookout: Lookout::new(options),
            clock: Clock::start(),
            skipped_ahead: Duration::ZERO,
            said_at: 1_795_161_952_957,
        }
    }

    fn now(&self) -> Now {
        let now = self.clock.now();
        Now {
            steady: now.steady + self.skipped_ahead,
            ..now
        }
    }

    fn transcript(&self, session: &str) -> Utf8PathBuf {
        let folder = projects_folder(&self.home).join("-home-dev-acme");
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(format!("{session}.jsonl"))
    }

    fn agent_transcript(&self) -> Utf8PathBuf {
        let folder = super::super::agents_folder(&self.transcript(PARENT));
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(format!("agent-{AGENT}.jsonl"))
    }

    fn registered(&self, pid: u32) -> Utf8PathBuf {
        registry_folder(&self.home).join(format!("{pid}.json"))
    }

    /// Writes what a process says, a moment after what was said before.
    fn says(&mut self, pid: u32, session: &str, further: &str) -> Utf8PathBuf {
        let start = processes::start_ticks(pid).map_or_else(String::new, |ticks| ticks.to_string());
        self.says_as(pid, &start, session, further)
    }

    fn says_as(&mut self, pid: u32, start: &str, session: &str, further: &str) -> Utf8PathBuf {
        self.said_at += 1000;
        let at = self.said_at;
        let path = self.registered(pid);
        let text = format!(
            r#"{{"pid":{pid},"sessionId":"{session}","cwd":"/home/dev/acme","procStart":"{start}","statusUpdatedAt":{at},{further}}}"#
        );
        std::fs::write(&path, text).unwrap();
        path
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

    fn ended(&mut self, process: ProcessKey) -> Vec<String> {
        let now = self.now();
        self.lookout.process_ended(process, now);
        self.seen()
    }

    /// Lets time pass until nothing more is retried.
    fn settle(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while self.lookout.poll_timeout() < self.lookout.slow_due {
            let due = self.lookout.poll_timeout();
            self.skipped_ahead += due.saturating_sub(self.now().steady);
            let now = self.now();
            self.lookout.handle_timeout(now);
            seen.extend(self.seen());
        }
        seen
    }

    fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lookout.poll_observation())
            .map(|observation| describe(&observation))
            .collect()
    }

    fn owner(&self) -> ProcessKey {
        *self.lookout.owners().first().unwrap()
    }
}

fn recorded(scenario: &str, name: &str) -> String {
    std::fs::read_to_string(format!("{RECORDINGS}/{scenario}/{name}")).unwrap()
}

fn simple() -> String {
    recorded("simple", &format!("{SIMPLE}.jsonl"))
}

/// Cuts a transcript behind the first line that contains `mark`.
fn split_behind<'a>(text: &'a str, mark: &str) -> (&'a str, &'a str) {
    let (before, rest) = text.split_once(mark).unwrap();
    let end = before.len() + mark.len() + rest.find('\n').unwrap() + 1;
    text.split_at(end)
}

fn short(session: &SessionId) -> &str {
    session.source_session_id().split_at(4).0
}

fn describe(observation: &Observation) -> String {
    match observation {
        Observation::Lines { session, .. } => format!("lines {}", short(session)),
        Observation::WriterSeen { session, writer } => {
            let writer = match writer {
                Writer::Held { from, .. } => format!("held {from:?}"),
                Writer::Possible { .. } => "possible".to_owned(),
                Writer::Free => "free".to_owned(),
                Writer::Unknown { .. } => "unknown".to_owned(),
            };
            format!("writer {} {writer}", short(session))
        }
        Observation::LiveSeen { session, live } => {
            let doing = match &live.doing {
                LiveDoing::Working => "works".to_owned(),
                LiveDoing::Waiting { need: None } => "waits".to_owned(),
                LiveDoing::Waiting { need: Some(need) } => format!("waits: {}", need.summary),
                LiveDoing::Background { .. } => "background".to_owned(),
                LiveDoing::Idle => "idle".to_owned(),
            };
            format!("live {} {doing}", short(session))
        }
        Observation::LiveLost { session } => format!("live lost {}", short(session)),
        Observation::Renamed { session, title } => format!("renamed {} {title}", short(session)),
        Observation::RunsFor { session, .. } => format!("runs for {}", short(session)),
        Observation::HookCalled { session, request } => {
            format!("hook {} {}", short(session), request.need.request_id)
        }
        Observation::TranscriptMoved { session, .. } => format!("moved {}", short(session)),
        Observation::TranscriptGone { session } => format!("gone {}", short(session)),
    }
}

const BUSY: &str = r#""status":"busy""#;
const IDLE: &str = r#""status":"idle""#;
const WAITING: &str = r#""status":"waiting","waitingFor":"permission prompt""#;

#[test]
fn an_ended_session_is_read_and_then_called_free() {
    let mut world = World::new();
    append(&world.transcript(SIMPLE), simple());

    assert_eq!(world.look(), ["lines f6ae", "writer f6ae free"]);
    assert_eq!(world.look(), Vec::<String>::new());
}

#[test]
fn an_open_session_is_found_by_the_registry_however_old_its_transcript_is() {
    let mut world = World::new();
    let process = GroupLeader::start();
    let path = world.transcript(SIMPLE);
    append(&path, simple());
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(world.look(), Vec::<String>::new());

    let registered = world.says(process.pid(), SIMPLE, IDLE);

    assert_eq!(
        world.hear(&registered),
        ["lines f6ae", "writer f6ae held Registry", "live f6ae idle"]
    );
    assert_eq!(world.hear(&registered), Vec::<String>::new());
}

#[test]
fn each_change_of_what_is_said_is_handed_on_and_a_torn_file_is_not() {
    let mut world = World::new();
    let process = GroupLeader::start();
    append(&world.transcript(SIMPLE), simple());
    let path = world.says(process.pid(), SIMPLE, IDLE);
    world.look();

    world.says(process.pid(), SIMPLE, BUSY);
    assert_eq!(world.hear(&path), ["live f6ae works"]);
    append(&path, "\"}");
    assert_eq!(world.hear(&path), Vec::<String>::new());
    world.says(
        process.pid(),
        SIMPLE,
        r#""status":"shell","name":"My task","nameSource":"user""#,
    );
    assert_eq!(
        world.hear(&path),
        ["renamed f6ae My task", "live f6ae background"]
    );
}

#[test]
fn a_killed_process_leaves_its_file_and_is_gone() {
    let mut world = World::new();
    let process = GroupLeader::start();
    let text = simple();
    let (begun, _) = split_behind(&text, r#""type":"user""#);
    append(&world.transcript(SIMPLE), begun);
    let path = world.says(process.pid(), SIMPLE, BUSY);
    assert_eq!(
        world.look(),
        ["lines f6ae", "writer f6ae held Registry", "live f6ae works"]
    );
    let owner = world.owner();

    drop(process);
    assert_eq!(world.ended(owner), ["writer f6ae free"]);

    assert!(path.exists());
    assert!(world.lookout.owners().is_empty());
}

#[test]
fn a_number_that_another_process_has_taken_is_not_its_own() {
    let mut world = World::new();
    let process = GroupLeader::start();
    append(&world.transcript(SIMPLE), simple());
    world.says_as(process.pid(), "1", SIMPLE, BUSY);

    assert_eq!(world.look(), ["lines f6ae", "writer f6ae free"]);
}

#[test]
fn a_process_of_another_container_is_not_judged() {
    let mut world = World::new();
    append(&world.transcript(SIMPLE), simple());
    let further = format!(r#"{BUSY},"pidDomain":"linux:0:pid:[1]""#);
    world.says_as(1, "1", SIMPLE, &further);

    assert_eq!(world.look(), ["lines f6ae", "writer f6ae unknown"]);
}

#[test]
fn a_process_that_took_its_file_away_may_write_until_it_ends() {
    let mut world = World::new();
    let process = GroupLeader::start();
    let text = simple();
    let (begun, rest) = split_behind(&text, r#""type":"user""#);
    let transcript = world.transcript(SIMPLE);
    append(&transcript, begun);
    let path = world.says(process.pid(), SIMPLE, IDLE);
    world.look();
    let owner = world.owner();

    std::fs::remove_file(&path).unwrap();
    assert_eq!(world.hear(&path), Vec::<String>::new());
    append(&transcript, rest);
    assert_eq!(world.hear(&transcript), ["lines f6ae"]);
    drop(process);
    assert_eq!(world.ended(owner), ["writer f6ae free"]);
}

#[test]
fn clearing_ends_one_session_and_the_other_appears_with_its_first_prompt() {
    let mut world = World::new();
    let process = GroupLeader::start();
    append(&world.transcript(SIMPLE), simple());
    let path = world.says(process.pid(), SIMPLE, IDLE);
    world.look();

    world.says(process.pid(), ASKS, IDLE);
    assert_eq!(world.hear(&path), ["writer f6ae free"]);
    assert_eq!(world.settle(), Vec::<String>::new());

    let transcript = world.transcript(ASKS);
    let folder = transcript.parent().unwrap().to_owned();
    assert!(world.lookout.folders(world.now()).contains(&folder));
    let text = recorded("permission", &format!("{ASKS}.jsonl"));
    append(&transcript, &text);
    assert_eq!(
        world.hear(&transcript),
        ["lines 9670", "writer 9670 held Registry", "live 9670 idle"]
    );
}

#[test]
fn a_request_is_told_when_it_stands_and_named_when_its_call_is_written() {
    let mut world = World::new();
    let process = GroupLeader::start();
    let text = recorded("permission", &format!("{ASKS}.jsonl"));
    let (begun, rest) = split_behind(&text, r#""type":"user""#);
    let (call, rest) = split_behind(rest, r#""type":"tool_use""#);
    let (result, _) = split_behind(rest, r#""type":"tool_result""#);
    let transcript = world.transcript(ASKS);
    append(&transcript, begun);
    let path = world.says(process.pid(), ASKS, BUSY);
    world.look();

    world.says(process.pid(), ASKS, WAITING);
    assert_eq!(world.hear(&path), ["live 9670 waits"]);
    append(&transcript, call);
    let named = "live 9670 waits: touch notes.txt && echo made";
    assert_eq!(world.hear(&transcript), ["lines 9670", named]);
    world.says(process.pid(), ASKS, BUSY);
    assert_eq!(world.hear(&path), ["live 9670 works"]);
    append(&transcript, result);
    assert_eq!(world.hear(&transcript), ["lines 9670"]);
}

#[test]
fn two_processes_with_one_session_say_what_concerns_a_person_most() {
    let mut world = World::new();
    let [first, second] = [(); 2].map(|()| GroupLeader::start());
    append(&world.transcript(SIMPLE), simple());
    let waits = world.says(first.pid(), SIMPLE, WAITING);
    world.says(second.pid(), SIMPLE, IDLE);

    assert_eq!(
        world.look(),
        ["lines f6ae", "writer f6ae held Registry", "live f6ae waits"]
    );
    let owners = world.lookout.owners();
    let owner = owners.iter().find(|owner| owner.pid == first.pid());
    let owner = *owner.unwrap();
    drop(first);
    assert!(waits.exists());
    assert_eq!(
        world.ended(owner),
        ["writer f6ae held Registry", "live f6ae idle"]
    );
}

#[test]
fn a_sub_agent_lives_while_its_turn_runs_and_asks_through_its_session() {
    let mut world = World::new();
    let process = GroupLeader::start();
    let parent = recorded("subperm", &format!("{PARENT}.jsonl"));
    let (begun, _) = split_behind(&parent, "async_launched");
    append(&world.transcript(PARENT), begun);
    let path = world.says(process.pid(), PARENT, BUSY);
    world.look();
    let agent = recorded("subperm", &format!("agent-{AGENT}.jsonl"));
    let (begun, rest) = split_behind(&agent, r#""type":"tool_use""#);
    let transcript = world.agent_transcript();
    append(&transcript, begun);
    append(
        &transcript.with_extension("meta.json"),
        r#"{"description":"Make a file"}"#,
    );

    assert_eq!(
        world.hear(transcript.parent().unwrap()),
        [
            "lines a125",
            "writer a125 held Registry",
            "renamed a125 Make a file"
        ]
    );
    world.says(process.pid(), PARENT, WAITING);
    assert_eq!(world.hear(&path), ["live d201 waits: touch s.txt"]);
    world.says(process.pid(), PARENT, BUSY);
    assert_eq!(world.hear(&path), ["live d201 works"]);
    append(&transcript, rest);
    assert_eq!(world.hear(&transcript), ["lines a125", "writer a125 free"]);
}

#[test]
fn a_look_finds_what_a_sub_agent_asks_whatever_its_session_is_called() {
    let mut world = World::new();
    let process = GroupLeader::start();
    let session = PARENT.replacen('d', "0", 1);
    let renamed = |text: &str| text.replace(PARENT, &session);
    let parent = renamed(&recorded("subperm", &format!("{PARENT}.jsonl")));
    let (begun, _) = split_behind(&parent, "async_launched");
    append(&world.transcript(&session), begun);
    let agent = renamed(&recorded("subperm", &format!("agent-{AGENT}.jsonl")));
    let (begun, _) = split_behind(&agent, r#""type":"tool_use""#);
    let folder = super::super::agents_folder(&world.transcript(&session));
    std::fs::create_dir_all(&folder).unwrap();
    append(&folder.join(format!("agent-{AGENT}.jsonl")), begun);
    world.says(process.pid(), &session, WAITING);

    let seen = world.look();

    assert!(
        seen.contains(&"live 0201 waits: touch s.txt".to_owned()),
        "{seen:?}"
    );
}

#[test]
fn without_a_registry_nothing_is_concluded_while_a_program_runs() {
    let mut world = World::without_registry();
    append(&world.transcript(SIMPLE), simple());

    let seen = world.look();

    // Whether the agent's program runs on this machine is the machine's business.
    let writer = ["writer f6ae free", "writer f6ae unknown"];
    assert_eq!(seen.first().unwrap(), "lines f6ae");
    assert!(writer.contains(&seen.last().unwrap().as_str()), "{seen:?}");
}

#[test]
fn a_transcript_that_is_gone_takes_its_sub_agents_along() {
    let mut world = World::new();
    let path = world.transcript(PARENT);
    append(&path, recorded("subperm", &format!("{PARENT}.jsonl")));
    append(
        &world.agent_transcript(),
        recorded("subperm", &format!("agent-{AGENT}.jsonl")),
    );
    let mut seen = world.look();
    seen.sort();
    assert_eq!(
        seen,
        [
            "lines a125",
            "lines d201",
            "writer a125 free",
            "writer d201 free"
        ]
    );

    std::fs::remove_file(&path).unwrap();

    assert_eq!(world.hear(&path), ["gone a125", "gone d201"]);
}

#[test]
fn a_home_that_is_removed_takes_its_sessions_along() {
    let mut world = World::new();
    append(&world.transcript(SIMPLE), simple());
    world.look();

    world.lookout.remove_home(&world.home.clone());

    assert_eq!(world.seen(), ["gone f6ae"]);
}

#[test]
fn an_old_session_is_found_by_its_id() {
    let mut world = World::new();
    let path = world.transcript(SIMPLE);
    append(&path, simple());
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(world.look(), Vec::<String>::new());

    let now = world.now();
    world.lookout.seek(SIMPLE, now);

    assert_eq!(world.seen(), ["lines f6ae", "writer f6ae free"]);
}
