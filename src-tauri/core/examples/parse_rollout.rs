//! Reads a whole transcript through both readers and prints the speed; `make bench` runs it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads a file and a clock and prints"
)]

use std::time::Instant;

use mission_control_core::source::Source;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: parse_rollout FILE")?;
    let bytes = std::fs::read(path)?;
    for source in Source::ALL {
        let start = Instant::now();
        let (mut reader, mut facts, mut offset) = (source.reader(), Vec::new(), 0u64);
        for line in lines(&bytes) {
            reader.read(offset, line, &mut facts);
            offset += line.len() as u64 + 1;
            facts.clear();
        }
        report("facts", bytes.len(), start);
        let start = Instant::now();
        let (mut reader, mut entries, mut offset) = (source.timeline_reader(), Vec::new(), 0u64);
        for line in lines(&bytes) {
            reader.read(offset, line, &mut entries);
            offset += line.len() as u64 + 1;
            entries.clear();
        }
        report("timeline", bytes.len(), start);
    }
    Ok(())
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr::memchr_iter(b'\n', bytes).filter_map(move |end| {
        let line = bytes.get(from..end);
        from = end + 1;
        line
    })
}

fn report(what: &str, n_bytes: usize, start: Instant) {
    #[expect(clippy::cast_precision_loss, reason = "a rate is printed")]
    let rate = n_bytes as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!("{what}: {rate:.0} MB/s");
}
