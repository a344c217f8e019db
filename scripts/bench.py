#!/usr/bin/env python3
"""Measures what is promised about speed and size on a generated history.

The corpus: 2,001 rollouts of a Codex home, 492 MB, one of them 320 MB. Figures are of whole
processes: wall time, processor ticks and memory as the kernel accounts them. Quote medians.
"""

import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
FRONT = ROOT / "target/release/mission-control"
GUI = ROOT / "target/release/mission-control-gui"
CCUSAGE = ROOT / "target/agents/ccusage-20/node_modules/@ccusage/ccusage-linux-x64/bin/ccusage"
TICK = os.sysconf("SC_CLK_TCK")
ROWS = []


def row(what, value, goal):
    ROWS.append((what, value, goal))
    print(f"  {what}: {value}  (goal {goal})", flush=True)


def line(at, kind, payload):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"
    return json.dumps({"timestamp": stamp, "type": kind, "payload": payload}, separators=(",", ":")) + "\n"


def rollout_lines(thread, at, size):
    """A session in the legacy vocabulary, padded with command output to about `size` bytes."""
    turn = str(uuid.UUID(int=uuid.UUID(thread).int + 1))
    yield line(at, "session_meta", {
        "id": thread, "timestamp": "2026-11-01T00:00:00.000Z", "cwd": "/home/dev/acme",
        "originator": "codex_exec", "cli_version": "0.130.0", "source": "exec",
        "base_instructions": {"text": "x" * 20_000}, "git": {"branch": "main"}})
    yield line(at, "event_msg", {"type": "task_started", "turn_id": turn, "model_context_window": 258400})
    yield line(at, "turn_context", {"turn_id": turn, "cwd": "/home/dev/acme", "model": "gpt-5.5"})
    yield line(at, "event_msg", {"type": "user_message", "message": "Make the tests pass."})
    written, n, total = 22_000, 0, 0
    while written < size:
        n += 1
        total += 9_800
        text = [
            line(at, "response_item", {"type": "function_call", "name": "exec_command",
                                       "arguments": json.dumps({"cmd": f"cargo test step_{n}"}), "call_id": f"c{n}"}),
            line(at, "response_item", {"type": "function_call_output", "call_id": f"c{n}",
                                       "output": "Process exited with code 0\nOutput:\n" + "test ok\n" * 400}),
            line(at, "event_msg", {"type": "token_count", "info": {
                "total_token_usage": {"input_tokens": total, "cached_input_tokens": total // 2, "output_tokens": n,
                                      "reasoning_output_tokens": 0, "total_tokens": total + n},
                "last_token_usage": {"input_tokens": 9_800, "cached_input_tokens": 4_900, "output_tokens": 1,
                                     "reasoning_output_tokens": 0, "total_tokens": 9_801},
                "model_context_window": 258400}, "rate_limits": None}),
        ]
        for part in text:
            written += len(part)
            yield part
    yield line(at, "event_msg", {"type": "agent_message", "message": "All tests pass."})
    yield line(at, "event_msg", {"type": "task_complete", "turn_id": turn, "last_agent_message": "All tests pass."})


def make_corpus(home):
    now = time.time()
    for n in range(2_001):
        at = now - (2_000 - n) * 1_800
        thread = f"019a{n:04x}-0000-7000-8000-{n:012x}"
        day = time.strftime("%Y/%m/%d", time.gmtime(at))
        folder = home / "sessions" / day
        folder.mkdir(parents=True, exist_ok=True)
        name = time.strftime("rollout-%Y-%m-%dT%H-%M-%S-", time.gmtime(at)) + thread + ".jsonl"
        size = 320_000_000 if n == 1_500 else 86_000
        with open(folder / name, "w") as file:
            file.writelines(rollout_lines(thread, at, size))
        os.utime(folder / name, (at, at))
    (home / "thread-writer-locks").mkdir(exist_ok=True)


class Live:
    """A session that this process holds: its lock is a real flock."""

    def __init__(self, home, path=None):
        self.turn = str(uuid.uuid4())
        at = time.time()
        if path is None:
            self.thread = str(uuid.uuid4())
            folder = home / "sessions" / time.strftime("%Y/%m/%d")
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / (time.strftime("rollout-%Y-%m-%dT%H-%M-%S-") + self.thread + ".jsonl")
        else:
            self.thread = path.name[28:64]
        self.lock = open(home / "thread-writer-locks" / f"{self.thread}.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.file = open(path, "ab", buffering=0)
        if path.stat().st_size == 0:
            lines = list(rollout_lines(self.thread, at, 0))[:4]
            self.file.write("".join(lines).encode())
        self.append("event_msg", {"type": "task_started", "turn_id": self.turn})

    def append(self, kind, payload):
        self.file.write(line(time.time(), kind, payload).encode())

    def say(self, text):
        self.append("event_msg", {"type": "agent_message", "message": text})

    def end(self):
        self.append("event_msg", {"type": "task_complete", "turn_id": self.turn, "last_agent_message": "done"})
        self.file.close()
        os.unlink(self.lock.name)
        self.lock.close()


def run(arguments, env):
    """Runs a program; returns wall seconds and its peak memory in MB."""
    start = time.perf_counter()
    child = subprocess.Popen(arguments, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, child.returncode


def tree(pid):
    """A process and its descendants."""
    found = [pid]
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) in found:
            found.append(int(folder.name))
    return found


def pss_mb(pid):
    total = 0
    for one in tree(pid):
        try:
            for entry in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if entry.startswith("Pss:"):
                    total += int(entry.split()[1])
        except OSError:
            pass
    return total / 1024


def ticks(pid):
    total = 0
    for one in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total


class Watch:
    def __init__(self, env):
        self.child = subprocess.Popen([FRONT, "watch", "--json"], env=env, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
        self.fd = self.child.stdout.fileno()
        os.set_blocking(self.fd, False)
        self.rest = b""
        self.until(lambda event: event["event"] == "snapshot", 60)

    def until(self, wanted, seconds):
        """Waits for an event; returns when it was read."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            select.select([self.fd], [], [], 0.5)
            try:
                data = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                continue
            at = time.perf_counter()
            *lines, self.rest = (self.rest + data).split(b"\n")
            for text in lines:
                if wanted(json.loads(text)):
                    return at
        raise SystemExit("bench: an expected event did not come")

    def drain(self, seconds):
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                os.read(self.fd, 1 << 20)

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()


def session_says(thread, text):
    def wanted(event):
        session = event.get("session")
        return session and session["source_session_id"] == thread and session["last_message"] == text
    return wanted


def bench_lists(env):
    subprocess.run([FRONT, "list"], env=env, stdout=subprocess.DEVNULL, check=True)
    ours, theirs, peaks, alls = [], [], [], []
    for _ in range(7):
        wall, peak, code = run([FRONT, "list", "--json"], env)
        assert code == 0
        ours.append(wall)
        peaks.append(peak)
        wall, peak, code = run([FRONT, "list", "--all", "--json"], env)
        alls.append((wall, peak))
        if CCUSAGE.exists():
            wall, _, code = run([CCUSAGE, "codex", "daily", "--offline"], env)
            assert code == 0, "ccusage failed"
            theirs.append(wall)
    other = statistics.median(theirs) if theirs else None
    goal = f"≤ {other / 3:.3f} s, a third of ccusage's {other:.3f} s" if other else "ccusage is missing"
    row("first list, wall", f"{statistics.median(ours):.3f} s", goal)
    row("first list, peak memory", f"{statistics.median(peaks):.1f} MB", "≤ 25 MB")
    row("list --all, wall", f"{statistics.median(w for w, _ in alls):.3f} s", goal)
    row("list --all, peak memory", f"{statistics.median(p for _, p in alls):.1f} MB", "≤ 25 MB")


def bench_watch(home, env):
    watch = Watch(env)
    time.sleep(3)
    row("watch, memory (PSS)", f"{pss_mb(watch.child.pid):.1f} MB", "≤ 20 MB")
    before = ticks(watch.child.pid)
    time.sleep(60)
    row("idle for 60 s, nothing runs", f"{ticks(watch.child.pid) - before} ticks", "≤ 1 tick")

    live = Live(home)
    live.say("ready")
    watch.until(session_says(live.thread, "ready"), 20)
    delays = []
    for n in range(300):
        text = f"message {n}"
        start = time.perf_counter()
        live.say(text)
        delays.append((watch.until(session_says(live.thread, text), 10) - start) * 1000)
        time.sleep(0.01)
    delays.sort()
    row("append to event, p50", f"{delays[150]:.1f} ms", "≤ 20 ms")
    row("append to event, p99", f"{delays[296]:.1f} ms", "≤ 100 ms")
    live.end()

    big = next(path for path in home.rglob("rollout-*.jsonl") if path.stat().st_size > 300_000_000)
    live = Live(home, big)
    live.say("big ready")
    watch.until(session_says(live.thread, "big ready"), 20)
    before, start = ticks(watch.child.pid), time.perf_counter()
    for n in range(300):
        live.say(f"big {n}")
        watch.drain(0.1)
    share = (ticks(watch.child.pid) - before) / TICK / (time.perf_counter() - start) * 100
    row("10 appends/s to 320 MB", f"{share:.2f} % of a core", "≤ 1 %")
    row("watch afterwards, memory (PSS)", f"{pss_mb(watch.child.pid):.1f} MB", "≤ 20 MB")
    live.end()
    watch.end()


def bench_desktop(env, folder):
    """Tray alone, window open, after close, on a screen of its own."""
    if not GUI.exists() or not shutil.which("Xvfb") or not shutil.which("dbus-daemon"):
        return
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    read, write = os.pipe()
    screen = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x860x24", "-nolisten", "tcp"],
                              pass_fds=[write], stderr=subprocess.DEVNULL)
    display = os.read(read, 16).decode().strip()
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE,
                           text=True, stderr=subprocess.DEVNULL)
    env = {**env, "DISPLAY": f":{display}", "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip(),
           "XDG_RUNTIME_DIR": str(runtime), "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1",
           "LIBGL_ALWAYS_SOFTWARE": "1"}
    started = [bus, screen]
    try:
        # The window opens by itself where there is no tray to sit in, so a panel is needed.
        for command in (["openbox"], ["xfce4-panel", "--disable-wm-check"]):
            if shutil.which(command[0]):
                started.insert(0, subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL,
                                                   stderr=subprocess.DEVNULL))
        time.sleep(4)
        app = subprocess.Popen([GUI], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.insert(0, app)
        time.sleep(6)
        row("tray alone (PSS)", f"{pss_mb(app.pid):.0f} MB", "≤ 85 MB")
        subprocess.run([GUI, "--show"], env=env, timeout=20, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(6)
        row("window open (PSS)", f"{pss_mb(app.pid):.0f} MB", "≤ 260 MB")
        subprocess.run(["wmctrl", "-c", "Mission Control"], env=env, check=False)
        time.sleep(5)
        row("window closed again (PSS)", f"{pss_mb(app.pid):.0f} MB", "≤ 135 MB")
    finally:
        for child in started:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mission-control-bench-"))
    try:
        home = folder / ".codex"
        print("making the corpus", flush=True)
        make_corpus(home)
        env = {"HOME": str(folder), "CODEX_HOME": str(home), "PATH": os.environ["PATH"],
               "MISSION_CONTROL_HOME": str(folder / "state")}
        wanted = sys.argv[1:] or ["lists", "watch", "desktop"]
        if "lists" in wanted:
            bench_lists(env)
        if "watch" in wanted:
            bench_watch(home, env)
        if "desktop" in wanted:
            bench_desktop(env, folder)
    finally:
        shutil.rmtree(folder)
    width = max(len(what) for what, _, _ in ROWS)
    print("\n" + "\n".join(f"{what:<{width}}  {value:<18} {goal}" for what, value, goal in ROWS))


if __name__ == "__main__":
    main()
