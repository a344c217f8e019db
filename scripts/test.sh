#!/usr/bin/env bash
# Everything: the gate, the whole suite with the real agents and the real desktop, and the front
# binary without the desktop.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$*"; "$@"; }

step sh tests/setup/agents.sh
step sh tests/clients/setup.sh
(cd ui && step npm run build)
step ./scripts/check.sh
step cargo build --locked --no-default-features --bin mission-control --target-dir target/front
step cargo build --workspace --bins --locked
step cargo test --workspace --locked --no-fail-fast
