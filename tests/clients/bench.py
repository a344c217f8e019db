"""Compares the server with one on the TypeScript SDK: start, memory and round trips, beside the goals.

Arguments: the server's program; that of the release build if not given. Needs tests/clients/setup.sh.
The two take turns, so that whatever else the machine does hits both.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIENTS = os.path.join(ROOT, "target/agents/mcp-clients")
OURS, THEIRS = "Mission Control", "TypeScript SDK"
N_STARTS, N_WARM, N_CALLS = 15, 500, 5000
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {},
              "clientInfo": {"name": "bench", "version": "1"}}


class Server:
    """A server and a pipe to it."""

    def __init__(self, command: list[str], home: str):
        env = {"PATH": os.environ["PATH"], "HOME": home, "MISSION_CONTROL_HOME": home}
        began = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=env)
        self.ask("initialize", INITIALIZE)
        self.start_ms = (time.perf_counter() - began) * 1000
        line = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self.process.stdin.write(json.dumps(line).encode() + b"\n")

    def ask(self, method: str, params: dict) -> float:
        line = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        data = json.dumps(line).encode() + b"\n"
        began = time.perf_counter()
        self.process.stdin.write(data)
        self.process.stdin.flush()
        if not self.process.stdout.readline():
            raise SystemExit("the server has gone")
        return (time.perf_counter() - began) * 1e6

    def pss_mb(self) -> float:
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            pss = next(line for line in file if line.startswith("Pss:"))
        return int(pss.split()[1]) / 1024

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def measure(commands: dict[str, list[str]], home: str) -> dict[str, dict[str, float]]:
    """Returns what was measured of each server."""
    starts = {name: [] for name in commands}
    for _ in range(N_STARTS):
        for name, command in commands.items():
            server = Server(command, home)
            starts[name].append(server.start_ms)
            server.end()
    servers = {name: Server(command, home) for name, command in commands.items()}
    calls = {name: [] for name in commands}
    params = {"name": "codex_status", "arguments": {}}
    for at in range(N_WARM + N_CALLS):
        for name, server in servers.items():
            took = server.ask("tools/call", params)
            if at >= N_WARM:
                calls[name].append(took)
    measured = {}
    for name, server in servers.items():
        took = sorted(calls[name])
        measured[name] = {"start": statistics.median(starts[name]), "pss": server.pss_mb(),
                          "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}
        server.end()
    return measured


def main() -> None:
    program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target/release/mission-control")
    # Modules are looked for beside the script.
    copy = os.path.join(CLIENTS, "bench_server.mjs")
    shutil.copy(os.path.join(ROOT, "tests/clients/bench_server.mjs"), copy)
    with tempfile.TemporaryDirectory(prefix="mc-bench-") as home:
        measured = measure({
            OURS: [os.path.abspath(program), "--mcp"],
            THEIRS: [os.path.join(CLIENTS, "node_modules/.bin/node"), copy],
        }, home)
    rows = [
        ("start → initialize reply", "start", "{:.1f} ms", lambda _: "≤ 5 ms"),
        (f"memory (PSS) after {N_CALLS:,} calls", "pss", "{:.1f} MB", lambda _: "≤ 10 MB"),
        ("round trip, p50", "p50", "{:.0f} µs", lambda theirs: f"≤ {3 * theirs:.0f} µs, 3 times the SDK's"),
        ("round trip, p99", "p99", "{:.0f} µs", lambda theirs: f"≤ {theirs / 2:.0f} µs, half the SDK's"),
    ]
    print(f"\n{'MCP server':<34}  {OURS:<15}  {THEIRS:<14}  goal")
    for what, key, form, goal in rows:
        ours, theirs = (form.format(measured[name][key]) for name in (OURS, THEIRS))
        print(f"{what:<34}  {ours:<15}  {theirs:<14}  {goal(measured[THEIRS][key])}")


main()
