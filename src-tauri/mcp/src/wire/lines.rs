//! Cuts a stream of bytes into lines, of bounded length.

/// Longest line that is taken, in bytes: what clients send at most, with room to spare.
pub(crate) const MAX_LINE: usize = 16 << 20;

/// How much of a longer line is kept at each end, to find out which request it was.
const KEPT: usize = 4096;

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// As it came.
    Whole(Vec<u8>),
    /// Too long: its beginning and its end.
    Long {
        /// The first bytes.
        head: Vec<u8>,
        /// The last bytes.
        tail: Vec<u8>,
    },
}

/// Bytes that came in and are not taken out yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the first line begins.
    start: usize,
    /// Up to where no line end was found.
    searched: usize,
    /// The beginning of a line that is too long and whose end has not come.
    long: Option<Vec<u8>>,
}

impl Lines {
    /// Takes in what was read.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns how many bytes are waiting.
    pub(crate) const fn waiting(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Takes out the next line.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let unsearched = self.bytes.get(self.searched..)?;
        if let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') {
            let end = self.searched + at;
            let line = self.bytes.get(self.start..end)?.to_vec();
            self.start = end + 1;
            self.searched = self.start;
            return Some(self.finish(line));
        }
        self.searched = self.bytes.len();
        if self.waiting() > MAX_LINE {
            let line = self.bytes.split_off(self.start);
            if self.long.is_none() {
                self.long = Some(line.get(..KEPT).unwrap_or_default().to_vec());
            }
            self.bytes = end_of(&line);
            self.start = 0;
            self.searched = self.bytes.len();
        }
        None
    }

    /// Takes out what follows the last line end, when nothing more will come.
    pub(crate) fn rest(&mut self) -> Option<Line> {
        let line = self.bytes.split_off(self.start);
        *self = Self {
            long: self.long.take(),
            ..Self::default()
        };
        (!line.is_empty()).then(|| self.finish(line))
    }

    fn finish(&mut self, line: Vec<u8>) -> Line {
        let head = self.long.take().or_else(|| {
            let is_long = line.len() > MAX_LINE;
            is_long.then(|| line.get(..KEPT).unwrap_or_default().to_vec())
        });
        match head {
            Some(head) => Line::Long {
                head,
                tail: end_of(&line),
            },
            None => Line::Whole(line),
        }
    }
}

fn end_of(line: &[u8]) -> Vec<u8> {
    let end = line.get(line.len().saturating_sub(KEPT)..);
    end.unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Option<Line> {
        Some(Line::Whole(text.as_bytes().to_vec()))
    }

    #[test]
    fn lines_come_out_however_they_were_cut() {
        let text = "one\n\ntwo\nthr";
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in [first, second] {
                lines.feed(part.as_bytes());
                while let Some(line) = lines.next() {
                    found.push(Some(line));
                }
            }

            assert_eq!(found, [whole("one"), whole(""), whole("two")], "cut {cut}");
            assert_eq!(lines.rest(), whole("thr"));
            assert_eq!(lines.rest(), None);
        }
    }

    #[test]
    fn a_line_too_long_keeps_its_ends_and_the_next_is_whole() {
        let mut lines = Lines::default();
        lines.feed(b"{\"id\":7,");
        for _ in 0..5 {
            lines.feed(&vec![b'x'; MAX_LINE / 4]);
            assert_eq!(lines.next(), None);
        }
        lines.feed(b"end}\nnext\n");

        let Some(Line::Long { head, tail }) = lines.next() else {
            panic!("the line is not long");
        };

        assert!(head.starts_with(b"{\"id\":7,x") && head.len() == KEPT);
        assert!(tail.ends_with(b"xend}") && tail.len() == KEPT);
        assert_eq!(lines.next(), whole("next"));
        assert_eq!(lines.waiting(), 0);
    }
}
