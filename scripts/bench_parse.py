#!/usr/bin/env python3
"""Prints how fast a whole transcript of 320 MB is read, on one core."""

import pathlib
import subprocess
import tempfile
import time

import bench

PARSE = bench.ROOT / "target/release/examples/parse_rollout"

with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
    file.writelines(bench.rollout_lines("019a0000-0000-7000-8000-000000000000", time.time(), 320_000_000))
    file.flush()
    print("\ncold parse of a transcript, best of 3 (goal ≥ 500 MB/s)")
    for _ in range(3):
        print(subprocess.run([PARSE, pathlib.Path(file.name)], check=True, capture_output=True, text=True).stdout, end="")
