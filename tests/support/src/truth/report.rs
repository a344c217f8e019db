//! What came of a suite, as a table for people and as a yes or no.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::judge::{Fault, Tally, Untruth, Verdict};
use super::timeline::State;

/// What came of a suite.
#[derive(Debug)]
pub struct Report {
    scenes: Vec<&'static str>,
    broken: Vec<&'static str>,
    rows: BTreeMap<(usize, State), Row>,
    series: BTreeMap<&'static str, Vec<Duration>>,
    notices: BTreeMap<String, Tally>,
    faults: Vec<Fault>,
    remarks: Vec<(&'static str, &'static str)>,
}

/// A state in a scene, over all sessions and monitors.
#[derive(Debug, Default)]
struct Row {
    n_expected: usize,
    n_reached: usize,
    n_false: usize,
    delays: Vec<Duration>,
}

impl Report {
    pub(super) fn new(
        scenes: Vec<&'static str>,
        broken: Vec<&'static str>,
        verdict: Verdict,
        mut series: BTreeMap<&'static str, Vec<Duration>>,
        remarks: Vec<(&'static str, &'static str)>,
    ) -> Self {
        let mut rows: BTreeMap<(usize, State), Row> = BTreeMap::new();
        let place = |scene: &str| {
            let at = scenes.iter().position(|name| *name == scene);
            at.unwrap_or(scenes.len())
        };
        for phase in verdict.phases {
            let row = rows.entry((place(phase.scene), phase.state)).or_default();
            row.n_expected += 1;
            row.n_reached += usize::from(phase.is_reached);
            row.delays.extend(phase.delay);
            if let (Some(name), Some(delay)) = (phase.series, phase.delay) {
                series.entry(name).or_default().push(delay);
            }
        }
        for fault in &verdict.faults {
            if let Untruth::FalseState(state) = fault.untruth {
                let row = rows.entry((place(fault.scene), state)).or_default();
                row.n_false += 1;
            }
        }
        Self {
            scenes,
            broken,
            rows,
            series,
            notices: verdict.notices,
            faults: verdict.faults,
            remarks,
        }
    }

    /// Returns everything that is not as it should be, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let broken = self.broken.iter();
        let broken = broken.map(|scene| format!("{scene}: the scene broke off"));
        let faults = self.faults.iter().map(|fault| {
            let what = match fault.untruth {
                Untruth::FalseState(_) => "false state",
                Untruth::Missed(_) => "state not told",
                Untruth::FalseDetail(_) => "false detail",
                Untruth::FalseNotice => "false notice",
                Untruth::MissedNotice => "notice not told",
                Untruth::Duplicate => "duplicate",
                Untruth::Odd => "no event",
            };
            format!("{}: {what}: {}", fault.scene, fault.says)
        });
        broken.chain(faults).collect()
    }

    /// Prints the table. Not with `print!`, which is kept back when a test succeeds.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        std::io::Write::write_all(&mut out, self.table().as_bytes()).expect("print the table");
    }

    /// Returns all of it as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::new();
        // Writing into a text cannot fail.
        self.write_table(&mut table)
            .expect("write into a text that grows");
        table
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\n{:<52} {:<10} {:>7} {:>5} {:>9} {:>9}",
            "scene", "state", "reached", "false", "p50", "max"
        )?;
        let mut last = None;
        for ((scene, state), row) in &self.rows {
            let name = self.scenes.get(*scene).unwrap_or(&"(no scene)");
            let name = if last == Some(scene) { "" } else { name };
            last = Some(scene);
            let reached = format!("{}/{}", row.n_reached, row.n_expected);
            writeln!(
                out,
                "{name:<52} {:<10} {reached:>7} {:>5} {:>9} {:>9}",
                state.as_str(),
                row.n_false,
                in_ms(percentile(&row.delays, 50)),
                in_ms(percentile(&row.delays, 100)),
            )?;
        }
        writeln!(
            out,
            "\n{:<52} {:>4} {:>9} {:>9} {:>9}",
            "delay", "n", "p50", "p95", "max"
        )?;
        for (name, delays) in &self.series {
            writeln!(
                out,
                "{name:<52} {:>4} {:>9} {:>9} {:>9}",
                delays.len(),
                in_ms(percentile(delays, 50)),
                in_ms(percentile(delays, 95)),
                in_ms(percentile(delays, 100)),
            )?;
        }
        writeln!(
            out,
            "\n{:<20} {:>8} {:>8} {:>8} {:>9} {:>10}",
            "notice", "expected", "told", "recall", "precision", "duplicates"
        )?;
        for (kind, tally) in &self.notices {
            writeln!(
                out,
                "{kind:<20} {:>8} {:>8} {:>8} {:>9} {:>10}",
                tally.n_expected,
                tally.n_told,
                share(tally.n_matched, tally.n_expected),
                share(tally.n_true, tally.n_told),
                tally.n_duplicates,
            )?;
        }
        for (scene, remark) in &self.remarks {
            writeln!(out, "note: {scene}: {remark}")?;
        }
        let faults = self.faults();
        writeln!(
            out,
            "\n{} scenes, {} states told, {} untruths",
            self.scenes.len(),
            self.rows.values().map(|row| row.n_reached).sum::<usize>(),
            faults.len()
        )?;
        for fault in faults {
            writeln!(out, "UNTRUE {fault}")?;
        }
        Ok(())
    }
}

/// Returns the value below which `percent` of all lie; none of nothing.
#[must_use]
pub fn percentile(values: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn in_ms(duration: Option<Duration>) -> String {
    duration.map_or_else(
        || "-".to_owned(),
        |duration| format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
    )
}

fn share(part: usize, whole: usize) -> String {
    if part == whole {
        return "100 %".to_owned();
    }
    // Never rounded up to all of it.
    format!("{} %", part * 100 / whole.max(1))
}
