#!/bin/sh
# Installs the agents that the tests run, each in its own folder below target/agents.
# Running it again does nothing.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
codex=0.169.0

install_npm() { # <package> <version> <folder>
    folder="$root/target/agents/$3-$2"
    if [ -x "$folder/node_modules/.bin/$3" ]; then
        echo "$3 $2 is installed."
        return
    fi
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-audit --no-fund --no-save "$1@$2"
}

install_npm @openai/codex "$codex" codex
# The last version whose cloud commands talk to a service on the loopback.
install_npm @openai/codex 0.100.0 codex
