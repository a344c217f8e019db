use super::*;
use crate::testing::{block_on, eventually, temp_folder};

const SESSION: &str = "d2010af0-4ec5-4cb2-92c4-5e65f251da6a";

fn now() -> jiff::Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn open(folder: &Utf8Path) -> Slot {
    Slot::open(folder, Source::ClaudeCode, SESSION, now(), &"says").unwrap()
}

fn waiting(folder: &Utf8Path) -> Vec<Note<String>> {
    notes(folder, Source::ClaudeCode, SESSION, Which::Waiting)
}

#[test]
fn a_note_is_there_while_its_call_waits() {
    let (_guard, folder) = temp_folder();
    let slot = open(&folder);

    let seen = waiting(&folder);
    assert_eq!(
        seen.iter().map(|n| n.says.as_str()).collect::<Vec<_>>(),
        ["says"]
    );
    assert_eq!(sessions(&folder, Source::ClaudeCode), [SESSION]);
    assert_eq!(sessions(&folder, Source::Codex), Vec::<String>::new());

    drop(slot);
    assert!(waiting(&folder).is_empty());
    assert_eq!(folder.read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn the_note_of_a_call_that_was_killed_counts_for_nothing() {
    let (_guard, folder) = temp_folder();
    let slot = open(&folder);
    let note = waiting(&folder).remove(0).path;
    let text = fs::read(&note).unwrap();
    drop(slot);
    fs::write(&note, text).unwrap();

    assert!(waiting(&folder).is_empty());
    let handed = block_on(hand_in(&note, "accept")).unwrap();
    assert_eq!(handed, Handed::Gone);
}

#[test]
fn an_answer_is_handed_in_once_and_what_is_not_offered_comes_back() {
    let (_guard, folder) = temp_folder();
    let slot = open(&folder);
    let note = waiting(&folder).remove(0).path;
    let hand = |text: &str| {
        let (note, text) = (note.clone(), text.to_owned());
        std::thread::spawn(move || block_on(hand_in(&note, &text)).unwrap())
    };

    let wrong = hand("perhaps");
    assert_eq!(eventually(|| slot.answer()), "perhaps");
    slot.refuse("The answer is accept or decline.").unwrap();
    let says = "The answer is accept or decline.".to_owned();
    assert_eq!(wrong.join().unwrap(), Handed::NotOffered(says));
    assert_eq!(slot.answer(), None);

    let right = hand("accept");
    assert_eq!(eventually(|| slot.answer()), "accept");
    let second = block_on(hand_in(&note, "decline")).unwrap();
    assert_eq!(second, Handed::Gone, "somebody else was first");
    slot.take().unwrap();
    drop(slot);
    assert_eq!(right.join().unwrap(), Handed::Taken);
    assert_eq!(folder.read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn an_answer_that_comes_when_the_call_gives_up_was_not_taken() {
    let (_guard, folder) = temp_folder();
    let slot = open(&folder);
    let note = waiting(&folder).remove(0).path;

    let late = std::thread::spawn(move || block_on(hand_in(&note, "accept")).unwrap());
    eventually(|| slot.answer());
    drop(slot);

    assert_eq!(late.join().unwrap(), Handed::Gone);
    assert_eq!(folder.read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn attendance_ends_with_the_tray() {
    let (_guard, state) = temp_folder();
    assert!(!is_attended(&state));
    fs::create_dir_all(folder(&state)).unwrap();
    let tray = File::create(folder(&state).join(ATTENDED)).unwrap();
    assert!(!is_attended(&state));

    tray.lock().unwrap();
    assert!(is_attended(&state));
    assert!(is_attended(&state), "looking takes nothing away");

    drop(tray);
    assert!(!is_attended(&state));
    attend(&state).unwrap();
    eventually(|| is_attended(&state).then_some(()));
}

#[test]
fn a_session_that_is_no_part_of_a_files_name_gets_no_note() {
    let (_guard, folder) = temp_folder();
    for session in ["", "../../a", "a/b", "a~b", "a\nb", "ä", &"a".repeat(65)] {
        assert!(leave(&folder, Source::Codex, session, now(), &1).is_err());
    }
    assert_eq!(folder.read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn the_latest_notes_of_a_session_are_kept() {
    let (_guard, folder) = temp_folder();
    for n in 0..40 {
        let at = now() + jiff::SignedDuration::from_secs(n);
        leave(&folder, Source::Codex, "thread", at, &n).unwrap();
    }
    leave(&folder, Source::Codex, "another", now(), &0).unwrap();

    let kept: Vec<Note<i64>> = notes(&folder, Source::Codex, "thread", Which::All);

    assert_eq!(kept.len(), MOST_NOTES);
    assert_eq!(kept.last().unwrap().says, 39);
    assert_eq!(sessions(&folder, Source::Codex), ["another", "thread"]);
}

#[test]
fn notes_that_nobody_needs_any_more_are_forgotten() {
    let (_guard, folder) = temp_folder();
    leave(&folder, Source::Codex, "thread", now(), &1).unwrap();
    let old = folder.join("codex~old~1-2.json");
    fs::write(&old, "1").unwrap();
    let file = File::options().write(true).open(&old).unwrap();
    let day_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    file.set_modified(day_ago).unwrap();
    fs::write(folder.join(TROUBLE), "{}").unwrap();

    forget_old(&folder);

    assert_eq!(sessions(&folder, Source::Codex), ["thread"]);
    assert!(folder.join(TROUBLE).exists());
}

#[test]
fn what_went_wrong_is_kept_without_secrets() {
    let (_guard, state) = temp_folder();
    fs::create_dir_all(folder(&state)).unwrap();
    assert!(trouble(&state).is_none());

    note_trouble(
        &state,
        "no room for sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );

    let says = trouble(&state).unwrap().says;
    assert!(says.starts_with("no room for "), "{says}");
    assert!(!says.contains("aaaa"), "{says}");
}
