#!/usr/bin/env bash
# Starts what was built: the tray where there is a display, the live list where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
program=target/release/mission-control
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$program"
fi
echo "There is no display here. This is what was found:"
if ! "$program" doctor; then
    echo "What is marked with a cross needs you."
fi
exec "$program" watch
