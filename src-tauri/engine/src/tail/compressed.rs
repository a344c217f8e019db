//! Compressed transcripts. They belong to ended sessions and do not grow.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};

use mission_control_core::observation::Coverage;
use mission_control_core::source::Source;
use ruzstd::decoding::StreamingDecoder;

use super::cursor::Cursor;
use super::file::FileIdentity;
use super::{Gathered, Reading};

/// A line longer than this is passed over.
const LONGEST_LINE: usize = 32 * 1024 * 1024;
/// Facts kept of a long transcript: the first half of this many and the last.
const MOST_FACTS: usize = 8192;

pub(super) fn read_whole(
    source: Source,
    file: &File,
    identity: FileIdentity,
    size: u64,
) -> io::Result<(Reading, Gathered)> {
    let mut reader = source.reader();
    let mut gathered = Gathered::default();
    let mut coverage = Coverage::Whole;
    let n_overlong = for_each_line(file, &mut |offset, line| {
        gathered.take(&mut reader, offset, line);
        if gathered.facts.len() > MOST_FACTS {
            coverage = Coverage::HeadAndTail;
            gathered.facts.drain(MOST_FACTS / 4..MOST_FACTS / 2);
        }
    })?;
    gathered.skip_overlong(n_overlong);
    let cursor = Cursor::at_end(file, identity, size)?;
    Ok((
        Reading {
            reader,
            cursor,
            coverage,
        },
        gathered,
    ))
}

/// Hands every line of a compressed file to `on_line`, with its offset in the uncompressed text.
pub(crate) fn for_each_line(
    mut file: &File,
    on_line: &mut dyn FnMut(u64, &[u8]),
) -> io::Result<u32> {
    file.rewind()?;
    let decoder = StreamingDecoder::new(BufReader::new(file))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    let mut text = BufReader::with_capacity(64 * 1024, decoder);
    let mut line = Vec::new();
    let mut offset = 0;
    let mut n_overlong = 0;
    let mut starts = 0;
    let mut is_overlong = false;
    loop {
        let chunk = text.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        let newline = memchr::memchr(b'\n', chunk);
        let part = newline.map_or(chunk, |at| chunk.get(..at).unwrap_or_default());
        is_overlong |= line.len() + part.len() > LONGEST_LINE;
        if is_overlong {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let n = newline.map_or(chunk.len(), |at| at + 1);
        offset += n as u64;
        text.consume(n);
        if newline.is_some() {
            if is_overlong {
                n_overlong += 1;
            } else {
                on_line(starts, &line);
            }
            line.clear();
            is_overlong = false;
            starts = offset;
        }
    }
    if !line.is_empty() {
        on_line(starts, &line);
    }
    Ok(n_overlong)
}
