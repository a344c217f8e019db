"""Compares the server with the TypeScript SDK: start, memory and round trips, in one run.

Arguments: the server's program, built for release. Needs tests/clients/setup.sh. The two take
turns, so that whatever else the machine does hits both.
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
N_STARTS, N_WARM, N_CALLS = 15, 500, 5000
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {},
              "clientInfo": {"name": "bench", "version": "1"}}


class Server:
    """A server and a pipe to it."""

    def __init__(self, command: list[str]):
        home = tempfile.mkdtemp(prefix="mc-bench-")
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


def main() -> None:
    copy = os.path.join(CLIENTS, "bench_server.mjs")
    shutil.copy(os.path.join(ROOT, "tests/clients/bench_server.mjs"), copy)
    commands = {
        "mission-control": [sys.argv[1], "--mcp"],
        "TypeScript SDK": [os.path.join(CLIENTS, "node_modules/.bin/node"), copy],
    }
    starts = {name: [] for name in commands}
    for _ in range(N_STARTS):
        for name, command in commands.items():
            server = Server(command)
            starts[name].append(server.start_ms)
            server.end()
    servers = {name: Server(command) for name, command in commands.items()}
    calls = {name: [] for name in commands}
    params = {"name": "codex_status", "arguments": {}}
    for at in range(N_WARM + N_CALLS):
        for name, server in servers.items():
            took = server.ask("tools/call", params)
            if at >= N_WARM:
                calls[name].append(took)
    print(f"{'':<18}{'start ms':>10}{'PSS MB':>10}{'p50 µs':>10}{'p99 µs':>10}")
    for name, server in servers.items():
        took = sorted(calls[name])
        print(f"{name:<18}{statistics.median(starts[name]):>10.1f}{server.pss_mb():>10.1f}"
              f"{took[len(took) // 2]:>10.0f}{took[len(took) * 99 // 100]:>10.0f}")
        server.end()


main()
