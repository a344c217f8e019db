//! Follows growing transcripts and turns their lines into facts.
//!
//! Does not know where transcripts lie or who writes them.

mod compressed;
mod cursor;
mod file;

use std::fs::File;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::observation::{Coverage, Fact, Lines, LocatedFact};
use mission_control_core::source::{LineOutcome, LineRead, Reader, Source, UnknownKinds};

pub(crate) use compressed::for_each_line as read_compressed;
pub(crate) use cursor::{Cursor, Mark, Stop};
pub(crate) use file::{FileIdentity, Opened, is_compressed};

/// The first lines say what a session is; the first line alone is about 22 kB.
const HEAD: u64 = 64 * 1024;
/// Where reading backwards starts; the end of the last turn usually lies in here.
const FIRST_WINDOW: u64 = 64 * 1024;
/// How much further back every next try goes.
const WINDOW_GROWTH: u64 = 4;
/// Transcripts up to this size are read whole at first: that costs less than a millisecond.
const READ_WHOLE: u64 = 320 * 1024;
/// Reading backwards gives up here. A turn that began farther back is still running, or its end
/// would have been seen; a whole look through a file of gigabytes is not worth its start.
const LAST_WINDOW: u64 = 16 * 1024 * 1024;
/// How much is handed on at a time when a lot was appended, so that facts stay few.
const BATCH: u64 = 4 * 1024 * 1024;

/// One transcript that is followed.
#[derive(Debug)]
pub(crate) struct Tail {
    source: Source,
    home: Utf8PathBuf,
    path: Utf8PathBuf,
    reading: Option<Reading>,
    generation: u32,
    file: Option<File>,
    /// Of this generation.
    unknown: UnknownKinds,
}

#[derive(Debug)]
struct Reading {
    reader: Reader,
    cursor: Cursor,
    coverage: Coverage,
}

/// What one read brought.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    /// Nothing new.
    Nothing,
    /// Lines; read again for more.
    Lines(Lines),
}

/// Lines as they are gathered.
#[derive(Debug, Default)]
struct Gathered {
    facts: Vec<LocatedFact>,
    latest_at: Option<Timestamp>,
    n_lines: u64,
    n_skipped: u32,
    unknown: UnknownKinds,
}

impl Gathered {
    fn take(&mut self, reader: &mut Reader, offset: u64, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        self.n_lines += 1;
        let LineRead { at, outcome } = reader.read(offset, line, &mut self.facts);
        self.latest_at = self.latest_at.max(at);
        match outcome {
            LineOutcome::Read => {}
            LineOutcome::Skipped => {
                self.n_skipped += 1;
                self.unknown.add(&reader.kind_of_line(line), 1);
            }
        }
    }

    fn skip_overlong(&mut self, n_overlong: u32) {
        self.n_lines += u64::from(n_overlong);
        self.n_skipped += n_overlong;
        if n_overlong > 0 {
            self.unknown.add("too long to be read", n_overlong);
        }
    }

    /// Drops the ends of turns from the head of a transcript whose latest turn began further back
    /// than was read: it began after them, and it runs.
    fn forget_ends_of_turns(&mut self) {
        self.facts.retain(|located| {
            !matches!(
                located.fact,
                Fact::TurnEnded { .. } | Fact::TurnGivenUp { .. }
            )
        });
    }

    fn has_turn_boundary(&self) -> bool {
        self.facts
            .iter()
            .any(|located| located.fact.is_turn_boundary())
    }
}

impl Tail {
    /// Makes a tail of the transcript at `path` in the agent's home at `home`.
    pub(crate) fn new(source: Source, home: Utf8PathBuf, path: Utf8PathBuf) -> Self {
        Self {
            source,
            home,
            path,
            reading: None,
            generation: 0,
            file: None,
            unknown: UnknownKinds::default(),
        }
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the kinds of lines that were read and are not known.
    pub(crate) const fn unknown_kinds(&self) -> &UnknownKinds {
        &self.unknown
    }

    /// Returns the reader that has read everything so far; none before the first line.
    pub(crate) fn reader(&self) -> Option<&Reader> {
        self.reading.as_ref().map(|reading| &reading.reader)
    }

    /// Follows the transcript to its new name; it is read on if it is still the same file.
    pub(crate) fn moved_to(&mut self, path: Utf8PathBuf) {
        self.path = path;
    }

    /// Lets go of the open file. It is opened again when something is read.
    pub(crate) fn release(&mut self) {
        self.file = None;
    }

    /// Reads what is there and was not read before, a batch at a time.
    ///
    /// # Errors
    /// When the file cannot be opened or read; it may be tried again.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Read> {
        let Opened {
            file,
            identity,
            size,
        } = Opened::or_kept(&self.path, self.file.take())?;
        let gathered = match &mut self.reading {
            Some(reading) if reading.cursor.continues(&file, identity, size)? => {
                let mut gathered = Gathered::default();
                let after = reading.cursor.offset() + BATCH;
                reading.advance(&file, Stop { end: size, after }, buffer, &mut gathered)?;
                gathered
            }
            reading => {
                let (begun, gathered) =
                    begin(self.source, &self.path, &file, identity, size, buffer)?;
                if begun.cursor.is_at_start() && gathered.n_lines == 0 {
                    // Not one whole line yet: nothing was handed out that could become void.
                    return Ok(Read::Nothing);
                }
                if reading.replace(begun).is_some() {
                    self.generation += 1;
                    self.unknown = UnknownKinds::default();
                }
                gathered
            }
        };
        self.file = Some(file);
        self.unknown.add_all(&gathered.unknown);
        if gathered.n_lines == 0 {
            return Ok(Read::Nothing);
        }
        Ok(Read::Lines(Lines {
            home: self.home.to_string(),
            path: self.path.to_string(),
            generation: self.generation,
            coverage: self
                .reading
                .as_ref()
                .map_or(Coverage::Whole, |reading| reading.coverage),
            facts: gathered.facts,
            latest_at: gathered.latest_at,
            n_skipped: gathered.n_skipped,
        }))
    }
}

/// Reads a transcript for the first time: whole if it is small, else its head and its latest lines.
fn begin(
    source: Source,
    path: &Utf8Path,
    file: &File,
    identity: FileIdentity,
    size: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<(Reading, Gathered)> {
    if is_compressed(path) {
        return compressed::read_whole(source, file, identity, size);
    }
    let head_ends = if size <= READ_WHOLE { size } else { HEAD };
    let mut window = FIRST_WINDOW;
    loop {
        let mut reading = Reading {
            reader: source.reader(),
            cursor: Cursor::at_start(identity),
            coverage: Coverage::Whole,
        };
        let mut gathered = Gathered::default();
        let head = Stop {
            end: size.min(cursor::LONGEST_LINE),
            after: head_ends,
        };
        reading.advance(file, head, buffer, &mut gathered)?;
        let whole = Stop {
            end: size,
            after: u64::MAX,
        };
        let tail_starts = size.saturating_sub(window);
        if tail_starts <= reading.cursor.offset() {
            reading.advance(file, whole, buffer, &mut gathered)?;
            return Ok((reading, gathered));
        }
        reading.coverage = Coverage::HeadAndTail;
        reading.cursor.jump(file, tail_starts, size, buffer)?;
        let mut tail = Gathered::default();
        reading.advance(file, whole, buffer, &mut tail)?;
        let has_lines = tail.n_lines > 0 || window > cursor::LONGEST_LINE;
        if tail.has_turn_boundary() || (has_lines && window >= LAST_WINDOW) {
            if !tail.has_turn_boundary() {
                gathered.forget_ends_of_turns();
            }
            gathered.join(tail);
            return Ok((reading, gathered));
        }
        window = window.saturating_mul(WINDOW_GROWTH);
    }
}

impl Reading {
    fn advance(
        &mut self,
        file: &File,
        stop: Stop,
        buffer: &mut Vec<u8>,
        gathered: &mut Gathered,
    ) -> io::Result<()> {
        let reader = &mut self.reader;
        let n_overlong = self
            .cursor
            .advance(file, stop, buffer, &mut |offset, line| {
                gathered.take(reader, offset, line);
            })?;
        gathered.skip_overlong(n_overlong);
        Ok(())
    }
}

impl Gathered {
    fn join(&mut self, later: Self) {
        self.facts.extend(later.facts);
        self.latest_at = self.latest_at.max(later.latest_at);
        self.n_lines += later.n_lines;
        self.n_skipped += later.n_skipped;
        self.unknown.add_all(&later.unknown);
    }
}
