#!/usr/bin/env bash
# Builds the release programs and prints speed and size as a table beside the goals.
set -euo pipefail
cd "$(dirname "$0")/.."
(cd ui && npm run build >/dev/null)
cargo build --release --locked --quiet
folder=target/agents/ccusage-20
program=$folder/node_modules/@ccusage/ccusage-linux-x64/bin/ccusage
if [ ! -e "$program" ]; then
    npm install --prefix "$folder" --no-audit --no-fund --no-save --loglevel=error \
        ccusage@20 @ccusage/ccusage-linux-x64@20 >/dev/null
fi
chmod +x "$program"
sh tests/clients/setup.sh
python3 scripts/bench.py "$@"
python3 scripts/bench_tasks.py
python3 tests/clients/bench.py
sh tests/setup/agents.sh >/dev/null
cargo run --locked --quiet -p mission-control-testkit --bin measure-live -- \
    target/release/mission-control

cargo build --release --locked --quiet -p mission-control-core --example parse_rollout
python3 scripts/bench_parse.py
