#!/usr/bin/env python3
"""Measures what is promised about delegated tasks, with an agent that is a small script.

Medians over several tasks. Memory is the proportional set size that the kernel accounts.
"""

import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
FRONT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target/release/mission-control"
TICK = os.sysconf("SC_CLK_TCK")

AGENT = """#!/bin/sh
echo '{"type":"thread.started","thread_id":"0199a2b3-1111-7222-8333-444455556666"}'
echo '{"type":"turn.started"}'
while [ -e "$BENCH_HOLD" ]; do sleep 0.02; done
echo '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"Done."}}'
echo '{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}'
date +%s.%N > "$BENCH_LEFT"
"""


def row(what, value, goal):
    print(f"  {what}: {value}  (goal {goal})", flush=True)


def supervisor_of(task):
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if len(words) > 2 and words[1] == b"supervise" and words[2] == task.encode():
            return int(folder.name)
    return None


def pss(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def main():
    with tempfile.TemporaryDirectory(prefix="mc-bench-") as name:
        folder = pathlib.Path(name)
        state, work = folder / "state", folder / "work"
        state.mkdir()
        work.mkdir()
        agent = folder / "agent"
        agent.write_text(AGENT)
        agent.chmod(0o755)
        (state / "settings.toml").write_text(f'[codex]\nprogram = "{agent}"\n[tasks]\nmax_concurrent = 20\n')
        hold, left = folder / "hold", folder / "left"
        env = {"PATH": os.environ["PATH"], "HOME": name, "MISSION_CONTROL_HOME": str(state),
               "BENCH_HOLD": str(hold), "BENCH_LEFT": str(left)}

        def front(*words):
            return subprocess.run([FRONT, *words], env=env, cwd=work, capture_output=True, text=True, check=False)

        def hand_in():
            return json.loads(front("run", "--json", "Work.").stdout)["task_id"]

        hand_in()
        latencies, seen, memory, idle = [], [], [], []
        for _ in range(15):
            hold.touch()
            start = time.perf_counter()
            task = hand_in()
            latencies.append((time.perf_counter() - start) * 1000)
            deadline = time.time() + 5
            while not (supervisor := supervisor_of(task)) and time.time() < deadline:
                time.sleep(0.01)
            time.sleep(0.2)
            memory.append(pss(supervisor))
            waiter = subprocess.Popen([FRONT, "wait", task], env=env, stdout=subprocess.DEVNULL)
            time.sleep(0.15)
            hold.unlink()
            waiter.wait()
            seen.append((time.time() - float(left.read_text())) * 1000)
        row("id returned", f"{statistics.median(latencies):.1f} ms, worst {max(latencies):.1f}", "≤ 20 ms")
        row("supervisor", f"{statistics.median(memory):.1f} MB PSS", "≤ 5 MB")
        row("end of the agent → end of `wait`", f"{statistics.median(seen):.1f} ms, worst {max(seen):.1f}", "≤ 50 ms")

        hold.touch()
        task = hand_in()
        waiter = subprocess.Popen([FRONT, "wait", task], env=env, stdout=subprocess.DEVNULL)
        time.sleep(1)
        supervisor = supervisor_of(task)
        before = ticks(waiter.pid), ticks(supervisor)
        seconds = 30
        time.sleep(seconds)
        idle = [(now - then) * 60 / seconds for now, then in zip((ticks(waiter.pid), ticks(supervisor)), before)]
        row("`wait` on a silent task", f"{idle[0]:.0f} ticks a minute", "≤ 2")
        row("supervisor of a silent task", f"{idle[1]:.0f} ticks a minute", "–")
        hold.unlink()
        waiter.wait()

        db = sqlite3.connect(state / "mission-control.db")
        columns = [entry[1] for entry in db.execute("PRAGMA table_info(tasks)") if entry[1] != "seq"]
        sample = dict(zip(columns, db.execute(f"SELECT {', '.join(columns)} FROM tasks LIMIT 1").fetchone()))
        for _ in range(1_000):
            fresh = str(uuid.uuid4())
            values = {key: value.replace(sample["id"], fresh) if isinstance(value, str) else value
                      for key, value in sample.items()}
            db.execute(f"INSERT INTO tasks ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                       [values[column] for column in columns])
        db.commit()
        db.close()
        times = {}
        for words in (("tasks",), ("tasks", "-n", "1000", "--json")):
            runs = []
            for _ in range(15):
                start = time.perf_counter()
                front(*words)
                runs.append((time.perf_counter() - start) * 1000)
            times[words] = statistics.median(runs)
        row("1,000 finished tasks: `tasks`", f"{times[('tasks',)]:.1f} ms", "≤ 20 ms")
        row("1,000 finished tasks: all as JSON", f"{times[('tasks', '-n', '1000', '--json')]:.1f} ms", "–")


if __name__ == "__main__":
    main()
