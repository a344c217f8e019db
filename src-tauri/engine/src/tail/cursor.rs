//! Where reading a file stands, so that it can go on after the file grew, and notices when the
//! file is not the same any more.

use std::fs::File;
use std::io;

use memchr::memchr;

use super::file::{FileIdentity, read_at};

/// How much is read at a time.
const CHUNK: usize = 128 * 1024;
/// A line may hold images; one that is longer than this is passed over without being kept.
pub(super) const LONGEST_LINE: u64 = 32 * 1024 * 1024;
/// The buffer is given back to this size after a long line.
const KEPT_BUFFER: usize = CHUNK;
/// How much before the cursor is compared to notice a rewrite.
const MARK: usize = 64;

/// The bytes that stood right before an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    bytes: [u8; MARK],
    length: u8,
}

impl Mark {
    const NONE: Self = Self {
        bytes: [0; MARK],
        length: 0,
    };

    /// Reads the bytes before `offset`.
    pub(crate) fn before(file: &File, offset: u64) -> io::Result<Self> {
        let length = usize::try_from(offset).map_or(MARK, |offset| offset.min(MARK));
        let mut mark = Self::NONE;
        let Some(bytes) = mark.bytes.get_mut(..length) else {
            return Ok(mark);
        };
        let n = read_at(file, offset - length as u64, bytes)?;
        mark.length = u8::try_from(n).unwrap_or(u8::MAX);
        Ok(mark)
    }

    /// Returns a number that stands for the bytes.
    pub(crate) fn checksum(&self) -> u64 {
        let bytes = self.bytes.iter().take(usize::from(self.length));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

/// How far to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// The end of what may be read.
    pub(crate) end: u64,
    /// No line is begun at or behind this offset; at least one line is read.
    pub(crate) after: u64,
}

/// Where reading stands: always at the start of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    identity: FileIdentity,
    offset: u64,
    mark: Mark,
    /// Bytes behind `offset` that are known to hold no newline.
    torn: u64,
    /// Whether the line at `offset` is too long to be kept.
    is_overlong: bool,
}

impl Cursor {
    pub(crate) const fn at_start(identity: FileIdentity) -> Self {
        Self {
            identity,
            offset: 0,
            mark: Mark::NONE,
            torn: 0,
            is_overlong: false,
        }
    }

    /// A cursor behind everything, for files that never grow.
    pub(super) fn at_end(file: &File, identity: FileIdentity, size: u64) -> io::Result<Self> {
        Ok(Self {
            offset: size,
            mark: Mark::before(file, size)?,
            ..Self::at_start(identity)
        })
    }

    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) const fn is_at_start(&self) -> bool {
        self.offset == 0
    }

    /// Returns whether `file` still is what was read up to here, so that reading may go on.
    pub(crate) fn continues(
        &self,
        file: &File,
        identity: FileIdentity,
        size: u64,
    ) -> io::Result<bool> {
        Ok(identity == self.identity
            && size >= self.offset + self.torn
            && Mark::before(file, self.offset)? == self.mark)
    }

    /// Moves to the first line that starts at or behind `offset`. Without one, what follows
    /// `offset` counts as the rest of a line that is too long.
    pub(crate) fn jump(
        &mut self,
        file: &File,
        offset: u64,
        end: u64,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.offset = offset;
        self.torn = end.saturating_sub(offset);
        self.is_overlong = true;
        let mut at = offset.saturating_sub(1);
        while at < end {
            let chunk = fill(file, at, end, buffer)?;
            if let Some(newline) = memchr(b'\n', chunk) {
                self.offset = at + newline as u64 + 1;
                self.torn = 0;
                self.is_overlong = false;
                break;
            }
            if chunk.is_empty() {
                break;
            }
            at += chunk.len() as u64;
        }
        self.mark = Mark::before(file, self.offset)?;
        Ok(())
    }

    /// Hands whole lines, without their newlines, to `on_line` and moves behind them. Returns how
    /// many lines were passed over because they are too long.
    pub(crate) fn advance(
        &mut self,
        file: &File,
        stop: Stop,
        buffer: &mut Vec<u8>,
        on_line: &mut dyn FnMut(u64, &[u8]),
    ) -> io::Result<u32> {
        let started = self.offset;
        let mut n_overlong = 0;
        while (self.offset < stop.after || self.offset == started)
            && self.offset + self.torn < stop.end
        {
            let chunk_starts = self.offset + self.torn;
            let chunk = fill(file, chunk_starts, stop.end, buffer)?;
            let Some(first) = memchr(b'\n', chunk) else {
                if chunk.is_empty() {
                    break;
                }
                self.torn += chunk.len() as u64;
                self.is_overlong |= self.torn > LONGEST_LINE;
                continue;
            };
            let next = chunk_starts + first as u64 + 1;
            if self.is_overlong || next - self.offset > LONGEST_LINE {
                n_overlong += 1;
            } else if self.torn > 0 {
                let whole = exactly(file, self.offset, next - 1, buffer)?;
                on_line(self.offset, whole);
            } else {
                self.take_lines(chunk, stop, on_line);
                continue;
            }
            self.offset = next;
            self.torn = 0;
            self.is_overlong = false;
        }
        if self.offset != started {
            self.mark = Mark::before(file, self.offset)?;
        }
        buffer.truncate(KEPT_BUFFER);
        buffer.shrink_to(KEPT_BUFFER);
        Ok(n_overlong)
    }

    /// Hands on the whole lines of `chunk`, which begins at the cursor and holds at least one.
    fn take_lines(&mut self, chunk: &[u8], stop: Stop, on_line: &mut dyn FnMut(u64, &[u8])) {
        let mut rest = chunk;
        while let Some(newline) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(newline);
            on_line(self.offset, line);
            self.offset += newline as u64 + 1;
            rest = behind.get(1..).unwrap_or_default();
            if self.offset >= stop.after {
                return;
            }
        }
    }
}

/// Reads up to one chunk from `offset` on.
fn fill<'a>(file: &File, offset: u64, end: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    let wanted = usize::try_from(end - offset).map_or(CHUNK, |left| left.min(CHUNK));
    if buffer.len() < CHUNK {
        buffer.resize(CHUNK, 0);
    }
    let into = buffer.get_mut(..wanted).unwrap_or_default();
    let n = read_at(file, offset, into)?;
    Ok(buffer.get(..n).unwrap_or_default())
}

/// Reads from `offset` to `end`, which is at most [`LONGEST_LINE`] away.
fn exactly<'a>(
    file: &File,
    offset: u64,
    end: u64,
    buffer: &'a mut Vec<u8>,
) -> io::Result<&'a [u8]> {
    let wanted = usize::try_from(end - offset).unwrap_or(0);
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
    let into = buffer.get_mut(..wanted).unwrap_or_default();
    let n = read_at(file, offset, into)?;
    if n < wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(buffer.get(..n).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::tail::Opened;
    use crate::testing::temp_folder;

    struct Reading {
        path: camino::Utf8PathBuf,
        cursor: Option<Cursor>,
        lines: Vec<(u64, usize, u8)>,
        n_overlong: u32,
        buffer: Vec<u8>,
    }

    impl Reading {
        fn of(path: &camino::Utf8Path) -> Self {
            Self {
                path: path.to_owned(),
                cursor: None,
                lines: Vec::new(),
                n_overlong: 0,
                buffer: Vec::new(),
            }
        }

        /// Reads what is there; says whether the file was still the same.
        fn on(&mut self) -> bool {
            let Opened {
                file,
                identity,
                size,
            } = Opened::or_kept(&self.path, None).unwrap();
            let cursor = self.cursor.get_or_insert(Cursor::at_start(identity));
            if !cursor.continues(&file, identity, size).unwrap() {
                return false;
            }
            let stop = Stop {
                end: size,
                after: u64::MAX,
            };
            self.n_overlong += cursor
                .advance(&file, stop, &mut self.buffer, &mut |offset, line| {
                    self.lines
                        .push((offset, line.len(), line.first().copied().unwrap_or(0)));
                })
                .unwrap();
            true
        }
    }

    fn append(path: &camino::Utf8Path, bytes: &[u8]) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.write_all(bytes).unwrap();
    }

    #[test]
    fn a_file_cut_anywhere_gives_the_same_lines() {
        let text = b"one\n\ntwo two\n\xff\xfe\nlast\n";
        let expected = [
            (0, 3, b'o'),
            (4, 0, 0),
            (5, 7, b't'),
            (13, 2, 0xff),
            (16, 4, b'l'),
        ];
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (_guard, folder) = temp_folder();
                let path = folder.join("a.jsonl");
                let mut reading = Reading::of(&path);
                for part in [&text[..first], &text[first..second], &text[second..]] {
                    append(&path, part);
                    assert!(reading.on());
                }
                assert_eq!(reading.lines, expected, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn lines_longer_than_a_chunk_come_whole_and_the_buffer_is_given_back() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a.jsonl");
        let mut reading = Reading::of(&path);
        let long = vec![b'x'; 30 * 1024 * 1024];

        append(&path, b"a\n");
        append(&path, &long);
        assert!(reading.on());
        append(&path, b"\nb\n");
        assert!(reading.on());

        let n = long.len();
        assert_eq!(
            reading.lines,
            [(0, 1, b'a'), (2, n, b'x'), (n as u64 + 3, 1, b'b')]
        );
        assert!(reading.buffer.capacity() <= CHUNK);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a.jsonl");
        let mut reading = Reading::of(&path);
        for _ in 0..5 {
            append(&path, &vec![b'x'; 7 * 1024 * 1024]);
            assert!(reading.on());
        }

        append(&path, b"\nb\n");
        assert!(reading.on());

        assert_eq!(reading.n_overlong, 1);
        assert_eq!(reading.lines, [(35 * 1024 * 1024 + 1, 1, b'b')]);
        assert!(reading.buffer.capacity() <= CHUNK);
    }

    #[test]
    fn rewriting_truncating_and_replacing_are_noticed() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a.jsonl");
        let text = b"{\"n\":1}\n{\"n\":2}\n";

        let rewritten = |change: &dyn Fn()| {
            std::fs::write(&path, text).unwrap();
            let mut reading = Reading::of(&path);
            assert!(reading.on());
            change();
            !reading.on()
        };

        assert!(!rewritten(&|| ()));
        assert!(!rewritten(&|| append(&path, b"{\"n\":3}\n")));
        assert!(rewritten(&|| std::fs::write(&path, &text[..9]).unwrap()));
        assert!(rewritten(&|| std::fs::write(
            &path,
            b"{\"o\":0,\"n\":1}\n{\"o\":1,\"n\":2}\n"
        )
        .unwrap()));
        assert!(rewritten(&|| {
            let new = folder.join("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, &path).unwrap();
        }));
    }

    #[test]
    fn jumping_lands_on_the_next_line() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a.jsonl");
        std::fs::write(&path, b"one\ntwo\nthree").unwrap();
        let Opened {
            file,
            identity,
            size,
        } = Opened::or_kept(&path, None).unwrap();

        for (offset, expected) in [(1, 4), (4, 4), (5, 8), (8, 8)] {
            let mut cursor = Cursor::at_start(identity);
            cursor.jump(&file, offset, size, &mut Vec::new()).unwrap();
            assert_eq!(cursor.offset(), expected, "from {offset}");
        }
        let mut cursor = Cursor::at_start(identity);
        cursor.jump(&file, 9, size, &mut Vec::new()).unwrap();
        assert!(cursor.is_overlong);
    }
}
