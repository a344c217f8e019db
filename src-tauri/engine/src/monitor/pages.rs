//! Reads transcripts as timelines, page by page, away from the owner of all sessions.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::health::TranscriptPage;
use mission_control_core::source::{LineOutcome, Source, TimelineReader};
use mission_control_core::timeline::Entry;
use tokio::sync::oneshot;

use super::TranscriptError;
use crate::tail::{Cursor, Mark, Opened, Stop, is_compressed, read_compressed};

/// Of a transcript longer than this only the end is shown.
const LONG: u64 = 64 * 1024 * 1024;
/// How much of its end.
const SHOWN_OF_LONG: u64 = 16 * 1024 * 1024;
/// Transcripts that can be read on without reading them again from the start.
const MOST_KEPT: usize = 4;
/// Pages that wait to be read; more are refused, since their askers ask again.
const MOST_WAITING: usize = 16;

/// Where the page goes.
pub(super) type Reply = oneshot::Sender<Result<TranscriptPage, TranscriptError>>;

/// A page that is wanted.
#[derive(Debug)]
pub(super) struct PageRequest {
    pub(super) source: Source,
    pub(super) path: Utf8PathBuf,
    pub(super) cursor: Option<String>,
    pub(super) reply: Reply,
}

impl PageRequest {
    /// Answers that the page cannot be read now.
    pub(super) fn refuse(self) {
        let says = "too many pages are being read";
        let error = unreadable(self.path, io::ErrorKind::WouldBlock, says);
        drop(self.reply.send(Err(error)));
    }
}

fn unreadable(path: Utf8PathBuf, kind: io::ErrorKind, says: &str) -> TranscriptError {
    TranscriptError::Unreadable {
        path: path.into_string(),
        source: io::Error::new(kind, says),
    }
}

/// Starts the thread that reads pages; it ends when the sender is dropped.
pub(super) fn start() -> mpsc::SyncSender<PageRequest> {
    let (sender, requests) = mpsc::sync_channel::<PageRequest>(MOST_WAITING);
    let thread = std::thread::Builder::new().name("pages".to_owned());
    let started = thread.spawn(move || {
        let mut pages = Pages::default();
        for PageRequest {
            source,
            path,
            cursor,
            reply,
        } in requests
        {
            let read = || pages.read(source, path.clone(), cursor.as_deref());
            let page = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
                pages = Pages::default();
                Err(unreadable(
                    path,
                    io::ErrorKind::InvalidData,
                    "reading it met a bug",
                ))
            });
            // Whoever asked may have stopped waiting.
            drop(reply.send(page));
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "The thread that reads transcripts could not be started.");
    }
    sender
}

/// The transcripts that were read last, ready to be read on.
#[derive(Debug, Default)]
pub(super) struct Pages {
    kept: Vec<Kept>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Kept {
    path: Utf8PathBuf,
    reader: TimelineReader,
    cursor: Cursor,
    place: Place,
    n_skipped: u32,
    is_truncated: bool,
}

/// Where a page ended. It survives restarts: what stood before the place tells a rewritten file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    offset: u64,
    checksum: u64,
}

impl Place {
    fn at(file: &std::fs::File, offset: u64) -> io::Result<Self> {
        let checksum = Mark::before(file, offset)?.checksum();
        Ok(Self { offset, checksum })
    }

    fn parse(text: &str) -> Option<Self> {
        let (offset, checksum) = text.split_once('-')?;
        Some(Self {
            offset: offset.parse().ok()?,
            checksum: u64::from_str_radix(checksum, 16).ok()?,
        })
    }

    fn to_text(self) -> String {
        format!("{}-{:x}", self.offset, self.checksum)
    }
}

impl Pages {
    /// Reads a transcript from `cursor` on.
    pub(super) fn read(
        &mut self,
        source: Source,
        path: Utf8PathBuf,
        cursor: Option<&str>,
    ) -> Result<TranscriptPage, TranscriptError> {
        self.read_file(source, &path, cursor)
            .map_err(|source| TranscriptError::Unreadable {
                path: path.into_string(),
                source,
            })
    }

    fn read_file(
        &mut self,
        source: Source,
        path: &Utf8Path,
        cursor: Option<&str>,
    ) -> io::Result<TranscriptPage> {
        let opened = Opened::or_kept(path, None)?;
        let asked = cursor.map(Place::parse);
        if is_compressed(path) {
            return whole_compressed(source, &opened, asked);
        }
        let kept = self.kept.iter().position(|kept| kept.path == path);
        let mut kept = match kept.map(|at| self.kept.remove(at)) {
            Some(kept)
                if asked == Some(Some(kept.place))
                    && kept
                        .cursor
                        .continues(&opened.file, opened.identity, opened.size)? =>
            {
                kept
            }
            Some(_) | None => Kept::begin(source, path, &opened, &mut self.buffer)?,
        };
        let is_known = |place: &Place| {
            place.offset <= opened.size
                && Place::at(&opened.file, place.offset).is_ok_and(|found| found == *place)
        };
        let resumed = asked.flatten().filter(is_known);
        let shown_from = resumed.map_or(0, |place| place.offset);
        let entries = kept.read_on(&opened, shown_from, &mut self.buffer)?;
        let page = TranscriptPage {
            entries,
            cursor: kept.place.to_text(),
            reset: asked.is_some() && resumed.is_none(),
            truncated: kept.is_truncated,
            skipped_lines: kept.n_skipped,
        };
        self.kept.truncate(MOST_KEPT - 1);
        self.kept.insert(0, kept);
        Ok(page)
    }
}

impl Kept {
    fn begin(
        source: Source,
        path: &Utf8Path,
        opened: &Opened,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Self> {
        let mut cursor = Cursor::at_start(opened.identity);
        let is_truncated = opened.size > LONG;
        if is_truncated {
            cursor.jump(
                &opened.file,
                opened.size - SHOWN_OF_LONG,
                opened.size,
                buffer,
            )?;
        }
        Ok(Self {
            path: path.to_owned(),
            reader: source.timeline_reader(),
            cursor,
            place: Place {
                offset: 0,
                checksum: 0,
            },
            n_skipped: 0,
            is_truncated,
        })
    }

    /// Reads to the end and returns the entries of lines from `shown_from` on.
    fn read_on(
        &mut self,
        opened: &Opened,
        shown_from: u64,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let stop = Stop {
            end: opened.size,
            after: u64::MAX,
        };
        let (reader, n_skipped) = (&mut self.reader, &mut self.n_skipped);
        let n_overlong = self
            .cursor
            .advance(&opened.file, stop, buffer, &mut |offset, line| {
                *n_skipped += read_line(reader, offset, line, &mut entries);
                if offset < shown_from {
                    entries.clear();
                }
            })?;
        self.n_skipped += n_overlong;
        self.place = Place::at(&opened.file, self.cursor.offset())?;
        Ok(entries)
    }
}

fn read_line(
    reader: &mut TimelineReader,
    offset: u64,
    line: &[u8],
    entries: &mut Vec<Entry>,
) -> u32 {
    if line.is_empty() {
        return 0;
    }
    match reader.read(offset, line, entries).outcome {
        LineOutcome::Read => 0,
        LineOutcome::Skipped => 1,
    }
}

fn whole_compressed(
    source: Source,
    opened: &Opened,
    asked: Option<Option<Place>>,
) -> io::Result<TranscriptPage> {
    let place = Place::at(&opened.file, opened.size)?;
    let is_seen = asked == Some(Some(place));
    let mut entries = Vec::new();
    let mut n_skipped = 0;
    let mut reader = source.timeline_reader();
    n_skipped += read_compressed(&opened.file, &mut |offset, line| {
        n_skipped += read_line(&mut reader, offset, line, &mut entries);
    })?;
    if is_seen {
        entries.clear();
    }
    Ok(TranscriptPage {
        entries,
        cursor: place.to_text(),
        reset: asked.is_some() && !is_seen,
        truncated: false,
        skipped_lines: n_skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Recording, append, temp_folder};

    #[test]
    fn of_a_very_long_transcript_the_end_is_shown_and_that_is_said() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a.jsonl");
        let recording = Recording::of("02-commands-and-edits");
        let filler = format!(
            "{{\"type\":\"world_state\",\"payload\":\"{}\"}}\n",
            "x".repeat(1 << 20)
        );
        for _ in 0..65 {
            append(&path, &filler);
        }
        append(&path, &recording.text);

        let mut pages = Pages::default();
        let page = pages.read(Source::Codex, path.clone(), None).unwrap();
        assert!(page.truncated && !page.entries.is_empty());

        let next = pages.read(Source::Codex, path, Some(&page.cursor)).unwrap();
        assert!(next.truncated && !next.reset && next.entries.is_empty());
    }

    #[test]
    fn a_compressed_transcript_is_one_page() {
        let (_guard, folder) = temp_folder();
        let recording = Recording::of("01-simple-success");
        let plain = folder.join("a.jsonl");
        append(&plain, &recording.text);
        let path = folder.join("b.jsonl.zst");
        append(
            &path,
            ruzstd::encoding::compress_to_vec(
                recording.text.as_bytes(),
                ruzstd::encoding::CompressionLevel::Fastest,
            ),
        );

        let mut pages = Pages::default();
        let page = pages.read(Source::Codex, path.clone(), None).unwrap();
        assert_eq!(
            page.entries,
            pages.read(Source::Codex, plain, None).unwrap().entries
        );

        let next = pages.read(Source::Codex, path, Some(&page.cursor)).unwrap();
        assert!(!next.reset && next.entries.is_empty());
    }

    #[test]
    fn a_cursor_that_means_nothing_here_reads_from_the_start() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a.jsonl");
        append(&path, &Recording::of("01-simple-success").text);

        for cursor in ["", "junk", "99999999-0", "10-0"] {
            let page = Pages::default()
                .read(Source::Codex, path.clone(), Some(cursor))
                .unwrap();
            assert!(page.reset && !page.entries.is_empty(), "{cursor}");
        }
    }
}
