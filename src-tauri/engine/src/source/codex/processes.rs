//! Which processes can write a rollout.

use crate::processes::Described;

/// The short names of the processes that can write rollouts.
pub(super) const NAMES: &[&str] = &["codex", "codex.exe"];

/// Returns whether the process can write rollouts.
///
/// The npm wrapper is called `node` and sandboxed commands run under another name, both with the
/// same program file: only the short name and the first argument together tell.
pub(super) fn can_write_rollouts(process: &Described) -> bool {
    let mut arguments = process.arguments.iter().map(String::as_str);
    let program = arguments.next().unwrap_or_default();
    let program = program.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_updater = || {
        arguments
            .clone()
            .any(|argument| argument == "pid-update-loop")
    };
    NAMES.contains(&process.name.as_str()) && NAMES.contains(&program) && !is_updater()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, arguments: &[&str], expected: bool) {
        let described = Described {
            name: name.to_owned(),
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
        };
        assert_eq!(can_write_rollouts(&described), expected, "{described:?}");
    }

    #[test]
    fn front_ends_and_servers_can_and_their_relatives_cannot() {
        let vendored = "/opt/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
        let daemon = "/home/dev/.codex/packages/app-server-daemon/releases/0.169.0/bin/codex";
        let sandbox = "/home/dev/.codex/tmp/arg0-linux/codex-arg0Xy12/codex-linux-sandbox";

        check("codex", &[vendored, "exec", "--json", "do it"], true);
        check("codex", &["codex"], true);
        check("codex", &["codex", "resume", "--last"], true);
        check(
            "codex",
            &[
                daemon,
                "app-server",
                "--listen",
                "unix://",
                "--managed-daemon",
            ],
            true,
        );
        check("codex", &[vendored, "app-server"], true);
        check("codex.exe", &[r"C:\tools\codex.exe", "exec"], true);
        check(
            "codex",
            &[daemon, "app-server", "daemon", "pid-update-loop"],
            false,
        );
        check("node", &["node", "/opt/.bin/codex", "exec"], false);
        check("codex-linux-san", &[sandbox, "--", "bash"], false);
        check("codex", &[sandbox, "--", "bash"], false);
        check("codex", &["/bin/sh", "/opt/codex"], false);
        check("codex", &[], false);
        check("vim", &["codex"], false);
    }
}
